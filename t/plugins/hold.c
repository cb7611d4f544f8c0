/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wants two people of the team. */
#include "misbehave.h"

static int
hold_judge(struct fettle_ctx *ctx)
{
	static const char *const roles[] = { "sre", "lead", NULL };
	struct fettle_need need = { sizeof(need), 2, roles, 3600000 };

	return fettle_hold(ctx, &need, "two people must agree");
}

TEST_POLICY(hold, hold_judge)
