/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See scope.h. */
#include "policies/scope.h"

#include "plugins/common/text.h"

static bool
is_listed(const char *const *list, const char *word)
{
	for (size_t i = 0; word && list[i]; i++)
		if (text_equal(list[i], word))
			return true;
	return false;
}

bool
scope_is_rollback(struct fettle_ctx *ctx)
{
	return fettle_fact(ctx, "run.rolls_back") &&
	       text_equal(fettle_fact(ctx, "step.stage"), "rollback");
}

static bool
has_undone_stage(struct fettle_ctx *ctx, const char *const *list)
{
	static const char *const always[] = { "rollback", "patch", "build", "restart" };
	const char *text = fettle_fact(ctx, "proposal");
	AUTO_JSON json_t *proposal = text ? json_of(text) : NULL;
	const json_t *row;
	size_t i;

	for (i = 0; i < sizeof always / sizeof *always; i++)
		if (is_listed(list, always[i]))
			return true;
	json_array_foreach(json_object_get(proposal, "undoes"), i, row)
		if (is_listed(list, json_member(row, "stage")))
			return true;
	return false;
}

bool
scope_has_stage(struct fettle_ctx *ctx, uint32_t param)
{
	const char *const *list = fettle_param_list(ctx, param);

	if (scope_is_rollback(ctx))
		return has_undone_stage(ctx, list);
	return is_listed(list, fettle_fact(ctx, "step.stage"));
}

bool
scope_is_early_change(struct fettle_ctx *ctx, uint32_t param)
{
	const char *text = fettle_fact(ctx, "proposal");
	AUTO_JSON json_t *proposal = text ? json_of(text) : NULL;

	return text_equal(fettle_fact(ctx, "service.protected"), "true") &&
	       text_equal(fettle_fact(ctx, "step.stage"), "analyze") &&
	       json_array_size(json_object_get(proposal, "effects")) > 0 &&
	       is_listed(fettle_param_list(ctx, param), "patch");
}

bool
scope_has_service(struct fettle_ctx *ctx, uint32_t param)
{
	const char *const *list = fettle_param_list(ctx, param);

	return !list[0] || is_listed(list, fettle_fact(ctx, "service.name"));
}

const char *
scope_unknown_stage(struct fettle_ctx *ctx, uint32_t param)
{
	static const char *const stages[] = { "analyze",  "patch",  "build",
					      "restart",  "verify", "rollback",
					      "publish",  "control", NULL };
	const char *const *list = fettle_param_list(ctx, param);

	for (size_t i = 0; list[i]; i++)
		if (!is_listed(stages, list[i]))
			return list[i];
	return NULL;
}
