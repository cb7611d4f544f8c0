/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wants people of a role before the named stage. */
#include "misbehave.h"

#include <string.h>

enum { BEFORE, ROLES, QUORUM, VALID };

static const struct fettle_param params[] = {
	{ "before", FETTLE_STRING, 0, "patch", NULL, "The stage that waits." },
	{ "roles", FETTLE_LIST, 0, "[sre]", NULL, "Who may agree." },
	{ "quorum", FETTLE_INT, 0, "1", "1..9", "How many of them." },
	{ "valid_for", FETTLE_DURATION, 0, "1h", NULL, "For how long." },
};

static int
ask_judge(struct fettle_ctx *ctx)
{
	struct fettle_need need = { .size = sizeof(need) };

	if (strcmp(fettle_fact(ctx, "step.stage"), fettle_param_text(ctx, BEFORE)))
		return FETTLE_ABSTAIN;
	need.roles = fettle_param_list(ctx, ROLES);
	need.quorum = (uint32_t)fettle_param_int(ctx, QUORUM);
	need.valid_ms = fettle_param_ms(ctx, VALID);
	return fettle_hold(ctx, &need, "people must agree");
}

static const struct fettle_policy ask = {
	FETTLE_POLICY_HEAD,
	.name = "ask",
	.version = "1.0",
	.summary = "Asks people in a test.",
	.stages = FETTLE_ALL_STAGES,
	.params = FETTLE_TABLE(params),
	.judge = ask_judge,
};
FETTLE_POLICY(ask)
