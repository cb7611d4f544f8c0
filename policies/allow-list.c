/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * allow-list: denies an edit of any file that the service's allow-list does
 * not name. Git's own files and Fettle's are never edited; a compose file only
 * when the list names it without a wildcard.
 */
#include <fettle/plugin.h>

#include "plugins/common/glob.h"
#include "plugins/common/text.h"
#include "policies/protected.h"

struct rules {
	json_t *allow;	       /* globs */
	json_t *compose_files; /* as the project names them */
};

static void
rules_done(struct rules *rules)
{
	json_decref(rules->allow);
	json_decref(rules->compose_files);
}

static bool
is_listed_by_name(const struct rules *rules, const char *path)
{
	const json_t *pattern;
	size_t i;

	json_array_foreach(rules->allow, i, pattern)
		if (text_equal(json_string_value(pattern), path) &&
		    glob_is_literal(path))
			return true;
	return false;
}

/* Why the path may not be edited; NULL when it may. Caller owns. */
static char *
refusal(const struct rules *rules, const char *path)
{
	if (path_is_git(path))
		return text_format(
			"'%s' belongs to git: no list can allow it; change it by hand",
			path);
	if (path_is_fettle(path))
		return text_format(
			"'%s' says what Fettle may do: no list can allow it; change it "
			"by hand",
			path);
	if (!glob_list_matches(rules->allow, path)) {
		AUTO_FREE char *list = json_dumps(rules->allow, JSON_COMPACT);

		return text_format(
			"'%s' is not in the allow-list %s; add it under `allow:` of "
			"the service in fettle.yaml, or change it by hand",
			path, list ? list : "[]");
	}
	if ((path_is_compose(path) || json_has_text(rules->compose_files, path)) &&
	    !is_listed_by_name(rules, path))
		return text_format(
			"'%s' is a compose file and the allow-list has it by a "
			"wildcard only; list its exact path, or change it by hand",
			path);
	return NULL;
}

static int
judge(struct fettle_ctx *ctx)
{
	const char *proposal_text = fettle_fact(ctx, "proposal");
	const char *allow_text = fettle_fact(ctx, "service.allow");
	const char *compose_text = fettle_fact(ctx, "project.compose");
	AUTO_JSON json_t *proposal = proposal_text ? json_of(proposal_text) : NULL;
	AUTO_JSON json_t *compose = compose_text ? json_of(compose_text) : NULL;
	AUTO(rules)
	struct rules rules = {
		.allow = allow_text ? json_of(allow_text) : NULL,
		.compose_files = json_incref(json_object_get(compose, "files")),
	};
	const json_t *edit;
	size_t i;

	if (!json_is_array(json_object_get(proposal, "edits")))
		return fettle_deny(
			ctx, "the proposal cannot be read, so nothing can be allowed");
	json_array_foreach(json_object_get(proposal, "edits"), i, edit) {
		AUTO_FREE char *why = refusal(&rules, json_text(edit, "path"));

		if (why)
			return fettle_deny(ctx, "%s", why);
	}
	return FETTLE_ABSTAIN;
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "allow-list",
	.version = FETTLE_VERSION,
	.summary = "Lets only the files be edited that the service's allow-list names.",
	.stages = FETTLE_ALL_STAGES,
	.flags = FETTLE_JUDGES_EDITS_ONLY,
	.params = FETTLE_NO_TABLE,
	.judge = judge,
};

FETTLE_POLICY(policy)
