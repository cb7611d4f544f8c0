/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Crashes while it judges. */
#include "misbehave.h"

static int
pcrash_judge(struct fettle_ctx *ctx)
{
	(void)ctx;
	raise(SIGSEGV);
	return FETTLE_ALLOW;
}

TEST_POLICY(pcrash, pcrash_judge)
