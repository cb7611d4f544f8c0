/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * override: breaking the glass. A denial by one of the named policies becomes a
 * wait for several people, who agree to exactly this change, once, soon, and on
 * the record. It is asked last and never by itself lets anything pass.
 */
#include "plugins/common/text.h"
#include "policies/need.h"

enum { POLICIES, NEED };

static const struct fettle_param params[] = {
	{ "policies", FETTLE_LIST, FETTLE_REQUIRED, NULL, NULL,
	  "The policies whose denial people may override." },
	NEED_ROWS("2", "2..20", "30m"),
};

static bool
is_named(struct fettle_ctx *ctx, const char *policy)
{
	const char *const *list = fettle_param_list(ctx, POLICIES);

	for (size_t i = 0; list[i]; i++)
		if (text_equal(list[i], policy))
			return true;
	return false;
}

/* One that broke said nothing that could be overridden. */
static int
judge(struct fettle_ctx *ctx)
{
	const char *text = fettle_fact(ctx, "verdicts");
	AUTO_JSON json_t *verdicts = text ? json_of(text) : NULL;
	AUTO_TEXT struct text names = { 0 };
	const json_t *answer;
	size_t i;

	json_array_foreach(verdicts, i, answer) {
		const char *verdict = json_member(answer, "verdict");
		const char *policy = json_member(answer, "policy");

		if (text_equal(verdict, "abstain") || text_equal(verdict, "allow") ||
		    text_equal(verdict, "hold"))
			continue;
		if (!text_equal(verdict, "deny") || !policy || !is_named(ctx, policy))
			return FETTLE_ABSTAIN;
		text_addf(&names, "%s%s", names.len ? ", " : "", policy);
	}
	if (names.len == 0)
		return FETTLE_ABSTAIN;
	AUTO_FREE char *why =
		text_format("the denial of %s can be overridden", text_get(&names));
	return need_hold(ctx, NEED, 0, why);
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "override",
	.version = FETTLE_VERSION,
	.summary =
		"Lets several people override what other policies deny, on the record.",
	.stages = FETTLE_ALL_STAGES,
	.flags = FETTLE_JUDGES_VERDICTS,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
