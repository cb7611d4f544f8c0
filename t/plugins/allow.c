/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allows everything. */
#include "misbehave.h"

static int
allow_judge(struct fettle_ctx *ctx)
{
	return fettle_allow(ctx, "step %s may", fettle_fact(ctx, "step.id"));
}

TEST_POLICY(allow, allow_judge)
