/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * approval: a step of the named stages waits until people have agreed to exactly
 * what it would do. It only says who must agree; the engine counts.
 */
#include "plugins/common/text.h"
#include "policies/need.h"
#include "policies/scope.h"

enum { BEFORE, SERVICES, SELF_APPROVAL, NEED };

static const struct fettle_param params[] = {
	{ "before", FETTLE_LIST, 0, "[patch]", NULL,
	  "The stages that wait: patch, build, restart, verify, publish, ..." },
	SERVICES_ROW,
	{ "self_approval", FETTLE_BOOL, 0, "false", NULL,
	  "Whether who ordered the run counts among those who agree." },
	NEED_ROWS("1", "1..20", "60m"),
};

static int
judge(struct fettle_ctx *ctx)
{
	const char *unknown = scope_unknown_stage(ctx, BEFORE);
	const char *step = fettle_fact(ctx, "step.id");

	if (unknown)
		return fettle_deny(ctx,
				   "parameter `before` names '%s', which is no stage",
				   unknown);
	if (!scope_has_stage(ctx, BEFORE) && !scope_is_early_change(ctx, BEFORE))
		return FETTLE_ABSTAIN;
	if (!scope_has_service(ctx, SERVICES))
		return FETTLE_ABSTAIN;
	AUTO_FREE char *why = text_format("step '%s' needs people who agree to it",
					  step ? step : "");
	return need_hold(ctx, NEED,
			 fettle_param_bool(ctx, SELF_APPROVAL) ? FETTLE_SELF_APPROVAL
							       : 0,
			 why);
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "approval",
	.version = FETTLE_VERSION,
	.summary = "Lets a step wait until people agree to exactly what it would do.",
	.stages = FETTLE_ALL_STAGES,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
