/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers with a number that is no verdict. */
#include "misbehave.h"

static int
pwrong_judge(struct fettle_ctx *ctx)
{
	(void)ctx;
	return 42;
}

TEST_POLICY(pwrong, pwrong_judge)
