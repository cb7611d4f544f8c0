/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Denies everything. */
#include "misbehave.h"

static int
deny_judge(struct fettle_ctx *ctx)
{
	return fettle_deny(ctx, "step %s may not", fettle_fact(ctx, "step.id"));
}

TEST_POLICY(deny, deny_judge)
