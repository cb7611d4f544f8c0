/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* freeze: in these windows nothing is changed, but for what is excepted. */
#include <stdlib.h>

#include "plugins/common/text.h"
#include "policies/need.h"
#include "policies/scope.h"
#include "policies/window.h"

enum { WINDOWS, EXCEPT, EXCEPT_SERVICES, SERVICES, STAGES, OVER };

static const struct fettle_param params[] = {
	{ "windows", FETTLE_LIST, FETTLE_REQUIRED, NULL, NULL,
	  "When nothing may be changed, such as `Fri 16:00 - Mon 08:00 "
	  "Europe/Berlin`." },
	{ "except", FETTLE_LIST, 0, NULL, NULL,
	  "Windows in which changes are allowed all the same." },
	{ "except_services", FETTLE_LIST, 0, NULL, NULL,
	  "Services that are never frozen." },
	SERVICES_ROW,
	{ "stages", FETTLE_LIST, 0, "[patch, build, restart]", NULL,
	  "The stages that are frozen." },
	OVER_ROW,
	NEED_ROWS("1", "1..20", "60m"),
};

/*
 * The first of the windows that holds now: 1 and *ret_window, 0 none. -1 and *ret_why
 * (caller owns) when one cannot be read: then nobody knows, and the answer is no.
 */
static int
find_window(struct fettle_ctx *ctx, uint32_t param, int64_t now,
	    const char **ret_window, char **ret_why)
{
	const char *const *list = fettle_param_list(ctx, param);

	for (size_t i = 0; list[i]; i++) {
		struct window window;
		const char *why;

		if (window_parse(list[i], &window, &why) < 0) {
			*ret_why = text_format("'%s' is no window: %s", list[i], why);
			return -1;
		}
		int holds = window_holds(&window, now);
		if (holds < 0) {
			*ret_why = text_format("'%s' names a time zone that is not "
					       "known on this machine",
					       list[i]);
			return -1;
		}
		if (holds > 0) {
			*ret_window = list[i];
			return 1;
		}
	}
	return 0;
}

static int
judge(struct fettle_ctx *ctx)
{
	const char *now_text = fettle_fact(ctx, "now"), *window = NULL,
		   *exception = NULL;
	const char *unknown = scope_unknown_stage(ctx, STAGES);
	AUTO_FREE char *why = NULL;

	if (unknown)
		return fettle_deny(ctx,
				   "parameter `stages` names '%s', which is no stage",
				   unknown);
	char *end = NULL;
	int64_t now = now_text ? strtoll(now_text, &end, 10) : 0;

	if (now <= 0 || *end != '\0')
		return fettle_deny(ctx, "the time is not known");
	/* All are read always, so that a typing error shows on the first day. */
	int is_frozen = find_window(ctx, WINDOWS, now, &window, &why);
	int is_excepted =
		is_frozen < 0 ? 0 : find_window(ctx, EXCEPT, now, &exception, &why);
	if (is_frozen < 0 || is_excepted < 0)
		return fettle_deny(ctx, "%s", why);
	if (!scope_has_stage(ctx, STAGES) || !scope_has_service(ctx, SERVICES) ||
	    (fettle_param_list(ctx, EXCEPT_SERVICES)[0] &&
	     scope_has_service(ctx, EXCEPT_SERVICES)))
		return FETTLE_ABSTAIN;
	if (!is_frozen || is_excepted)
		return FETTLE_ABSTAIN;
	why = text_format("nothing is changed in the window '%s'", window);
	return need_refuse(ctx, OVER, why);
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "freeze",
	.version = FETTLE_VERSION,
	.summary = "Lets nothing be changed in windows of time.",
	.stages = FETTLE_ALL_STAGES,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
