/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * content: what may be written into a file that may be written. An edit can stay
 * on the allow-list and still run a stranger's program in the build, fetch
 * packages from elsewhere, or switch off the health check that would tell.
 */
#include "policies/content.h"

#include <fettle/plugin.h>
#include <string.h>

#include "plugins/common/glob.h"
#include "policies/need.h"
#include "policies/protected.h"

enum { NEW_DEPENDENCY, EXCEPT, NEED };

static const struct fettle_param params[] = {
	{ "new_dependency", FETTLE_CHOICE, 0, "hold", "allow|hold|deny",
	  "What a dependency that was not there before needs." },
	{ "except", FETTLE_LIST, 0, NULL, NULL,
	  "Files that are not looked at, as globs." },
	NEED_ROWS("1", "1..20", "60m"),
};

/*
 * Files whose lines are run by whoever builds, commits, or opens the project, or
 * that tell a coding agent what to do: no repair writes them.
 */
#define RUN_BY_OTHERS                                                             \
	"(^|/)(GNU)?makefile$|\\.mk$|(^|/)(justfile|rakefile|taskfile\\.ya?ml|"   \
	"vagrantfile|tiltfile)$|(^|/)\\.(github|gitlab|circleci|buildkite|husky|"  \
	"vscode|idea|claude|cursor|devcontainer|aider|githooks)(/|$)|(^|/)\\."     \
	"(gitlab-ci|travis|drone|appveyor|pre-commit-config|woodpecker)"           \
	"[a-z.-]*\\.ya?ml$|(^|/)(jenkinsfile|azure-pipelines\\.ya?ml|"             \
	"bitbucket-pipelines\\.ya?ml|cloudbuild\\.ya?ml)$|(^|/)\\.(envrc|"         \
	"cursorrules|windsurfrules|mcp\\.json|bashrc|profile|zshrc|direnvrc|"      \
	"gitattributes|gitmodules|gitconfig|tool-versions)$|(^|/)(claude|agents|"  \
	"gemini|copilot-instructions)\\.md$"

#define IS_DOCKERFILE                                                             \
	"(^|/)(dockerfile|containerfile)([._-][^/]*)?$|\\.(dockerfile|containerfile)$"

static void
look_at(struct review *review, const json_t *edit)
{
	const char *before = json_member(edit, "before");
	const char *after = json_member(edit, "after");

	if (line_matches(review->path, RUN_BY_OTHERS)) {
		review_add(review, LEVEL_DENY, "content.instructions",
			   "others run this file, or do what it says", NULL);
		return;
	}
	if (!json_member_true(edit, "is_text")) {
		review_add(review, LEVEL_DENY, "content.binary",
			   "it is no text, or too much of it", NULL);
		return;
	}
	if (line_matches(review->path, IS_DOCKERFILE))
		content_dockerfile(review, before, after);
	else if (path_is_compose(review->path))
		content_compose(review, before, after);
	else
		(void)content_manifest(review, before, after);
	content_any(review, before, after);
}

static bool
is_excepted(struct fettle_ctx *ctx, const char *path)
{
	const char *const *globs = fettle_param_list(ctx, EXCEPT);

	for (size_t i = 0; globs[i]; i++)
		if (glob_matches(globs[i], path))
			return true;
	return false;
}

static enum level
level_of(const char *name)
{
	if (text_equal(name, "allow"))
		return LEVEL_ALLOW;
	return text_equal(name, "hold") ? LEVEL_HOLD : LEVEL_DENY;
}

static int
judge(struct fettle_ctx *ctx)
{
	const char *text = fettle_fact(ctx, "edits");
	AUTO_JSON json_t *edits = text ? json_of(text) : NULL;
	struct review review = {
		.new_dependency = level_of(fettle_param_text(ctx, NEW_DEPENDENCY)),
	};
	const json_t *edit;
	size_t i;
	int verdict = FETTLE_ABSTAIN;

	if (!json_is_array(edits))
		return fettle_deny(ctx, "the edits cannot be read, so nothing can be "
					"said of their content");
	json_array_foreach(edits, i, edit) {
		review.path =
			json_member(edit, "path") ? json_member(edit, "path") : "";
		if (!is_excepted(ctx, review.path))
			look_at(&review, edit);
	}
	if (review.level == LEVEL_DENY)
		verdict = fettle_deny(ctx, "%s", text_get(&review.reasons));
	else if (review.level == LEVEL_HOLD)
		verdict = need_hold(ctx, NEED, 0, text_get(&review.reasons));
	text_done(&review.reasons);
	return verdict;
}

static const struct fettle_policy policy = {
	.head = FETTLE_POLICY_HEAD,
	.name = "content",
	.version = FETTLE_VERSION,
	.summary = "Looks at what is written into Dockerfiles, manifests and Compose "
		   "files.",
	.stages = FETTLE_ALL_STAGES,
	.flags = FETTLE_JUDGES_EDITS_ONLY | FETTLE_JUDGES_CONTENT,
	.params = FETTLE_TABLE(params),
	.judge = judge,
};

FETTLE_POLICY(policy)
