/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Has no opinion. */
#include "misbehave.h"

static int
abstain_judge(struct fettle_ctx *ctx)
{
	(void)ctx;
	return FETTLE_ABSTAIN;
}

TEST_POLICY(abstain, abstain_judge)
