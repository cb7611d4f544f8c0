/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Agrees, but only after a while: the world may move on meanwhile. */
#include "misbehave.h"

#include <time.h>

static int
pslow_judge(struct fettle_ctx *ctx)
{
	const struct timespec wait = { 1, 500000000 };

	(void)ctx;
	nanosleep(&wait, NULL);
	return FETTLE_ALLOW;
}

TEST_POLICY(pslow, pslow_judge)
