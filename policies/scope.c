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
scope_has_stage(struct fettle_ctx *ctx, uint32_t param)
{
	return is_listed(fettle_param_list(ctx, param), fettle_fact(ctx, "step.stage"));
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

bool
scope_has_proposal(struct fettle_ctx *ctx)
{
	const char *text = fettle_fact(ctx, "proposal");
	AUTO_JSON json_t *proposal = text ? json_of(text) : NULL;

	/* What cannot be read is something. */
	return !proposal ||
	       json_array_size(json_object_get(proposal, "edits")) > 0 ||
	       json_array_size(json_object_get(proposal, "effects")) > 0 ||
	       json_array_size(json_object_get(proposal, "commands")) > 0;
}
