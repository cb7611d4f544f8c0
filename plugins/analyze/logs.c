/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * analyze/logs: reads what the service's containers say, or what its build
 * says, finds what the rule packs know about it, and puts out the edits that
 * repair it. A build changes what the image's name stands for, so it is stated.
 */
#include <fettle/plugin.h>

#include "plugins/analyze/look.h"
#include "plugins/analyze/stale.h"
#include "plugins/common/build.h"
#include "plugins/common/glob.h"
#include "plugins/common/target.h"

enum { SOURCE, LINES, GUESS };

static const struct fettle_param params[] = {
	[SOURCE] = { "source", FETTLE_CHOICE, 0, "auto", "container|build|auto",
		     "What to read: the containers' logs, the output of a build, or "
		     "that when the containers tell nothing." },
	[LINES] = { "lines", FETTLE_INT, 0, "400", "1..20000",
		    "How many of the last lines of each container to read." },
	[GUESS] = { "guess", FETTLE_BOOL, 0, "true", NULL,
		    "Take an unknown package to be called like its import." },
};

static const struct fettle_param outputs[] = {
	{ "edits", FETTLE_JSON, 0, NULL, NULL,
	  "The edits that repair it, for patch/apply." },
	{ "diagnosis", FETTLE_STRING, 0, NULL, NULL,
	  "What is wrong, and what is done about it." },
	{ "rule", FETTLE_STRING, 0, NULL, NULL, "The rule that found it." },
};

/* ---- what to look at -------------------------------------------------------- */

/* Of a value that is not known yet: NULL. */
static const char *
source_of(struct fettle_ctx *ctx)
{
	return fettle_param_known(ctx, SOURCE) ? fettle_param_text(ctx, SOURCE) : NULL;
}

/* With what the parameters say; of a preview, as far as that is known. */
static void
look_set_up(struct fettle_ctx *ctx, struct look *look)
{
	look_init(ctx, look);
	if (fettle_param_known(ctx, LINES))
		look->lines = (int)fettle_param_int(ctx, LINES);
	if (fettle_param_known(ctx, GUESS))
		look->site.may_guess = fettle_param_bool(ctx, GUESS);
}

/*
 * `auto`: the build is tried when the containers tell nothing that can be repaired,
 * and what runs is not what the files say. *ret: why it is (caller owns), or NULL.
 */
static int
build_reason(struct look *look, char **ret, struct fault *fault)
{
	AUTO_FREE char *reason = NULL;
	struct fault refused = { 0 };

	if (target_check_build(look->own, &refused) < 0)
		return 0;
	if (stale_reason(look->own, look->api, &reason, fault) < 0)
		return -1;
	if (!reason)
		return 0;
	if (look_at_containers(look, fault) < 0)
		return -1;
	if (has_repair(&look->logs))
		return 0;
	if (target_check(look->own, look->compose, &refused) < 0)
		fettle_warn(look->ctx, "its build is not tried: %s", refused.text);
	else
		*ret = STEAL(reason);
	return 0;
}

/* ---- the answer ------------------------------------------------------------ */

static int
fail_no_log(struct look *look)
{
	AUTO_FREE char *remedy = text_format(
		"start it once (`%s up -d --no-deps %s`), so that there is a log to "
		"read",
		look->compose, look->site.service);

	return fettle_fail(look->ctx, "no_diagnosis", remedy,
			   "service '%s' has no container, so there is no log to look "
			   "at",
			   look->site.service);
}

static int
fail_nothing_found(struct look *look)
{
	const char *begin = text_get(&look->logs.log), *last;
	size_t end = look->logs.log.len;

	if (look->logs.containers == 0)
		return fail_no_log(look);
	while (end > 0 && begin[end - 1] == '\n')
		end--;
	for (last = begin + end; last > begin && last[-1] != '\n'; last--)
		;
	return fettle_fail(
		look->ctx, "no_diagnosis",
		"read analyze.log; give the edits yourself in a pipeline with "
		"patch/apply, or use analyze/command; `source: build` looks at what "
		"its build says",
		"none of %zu rules knows what is wrong with service '%s': looked at "
		"the last %d lines of %zu container%s, level %s; %s%.*s%s",
		look->packs.rule_count, look->site.service,
		look->lines, look->logs.containers,
		look->logs.containers == 1 ? "" : "s", json_text(look->own, "level"),
		end ? "the last line is `" : "there is no line",
		(int)(begin + end - last), last, end ? "`" : "");
}

static int
fail_build_unknown(struct look *look)
{
	return fettle_fail(
		look->ctx, "no_diagnosis",
		"read analyze.log; give the edits yourself in a pipeline with "
		"patch/apply, or use analyze/command",
		"the build of service '%s' fails, and none of %zu rules knows why; its "
		"output ends with `%s`",
		look->site.service, look->packs.rule_count,
		look->said ? look->said : "");
}

static int
fail_build_works(struct look *look, enum build_says says)
{
	AUTO_FREE char *remedy = text_format(
		"start it on the files as they are: `%s up -d --no-deps --build %s`; "
		"if it then dies, its log says why",
		look->compose, look->site.service);

	if (says == BUILD_SAME)
		return fettle_fail(
			look->ctx, "build_works",
			"let its containers' logs be read, too: `source: auto`",
			"the build of service '%s' works and gives the image "
			"that it runs: it is not what has to be repaired",
			look->site.service);
	return fettle_fail(look->ctx, "build_works", remedy,
			   "the build of service '%s' works, and %s",
			   look->site.service,
			   json_member(look->own, "image_id") ?
				   "what runs is another image" :
				   "nothing runs of it");
}

/* The first path that the service's allow-list does not admit, or NULL. */
static const char *
outside_path(const struct look *look, const json_t *edits)
{
	const json_t *edit;
	size_t i;

	json_array_foreach(edits, i, edit)
		if (!glob_list_matches(look->allow, json_text(edit, "path")))
			return json_text(edit, "path");
	return NULL;
}

static int
answer(struct look *look, const struct finding *finding)
{
	struct fettle_ctx *ctx = look->ctx;
	AUTO_FREE char *edits = NULL;
	const char *outside;

	fettle_set_output_text(ctx, "diagnosis", finding->diagnosis);
	fettle_set_output_text(ctx, "rule", finding->rule->id);
	if (!finding->edits)
		return fettle_fail(ctx, "needs_operator", finding->remedy, "%s",
				   finding->diagnosis);
	outside = outside_path(look, finding->edits);
	if (outside)
		return fettle_fail(
			ctx, "outside_allow_list",
			"list the path under `allow:` of the service in fettle.yaml, "
			"or repair it by hand",
			"%s; but '%s' is not in the allow-list of service '%s'",
			finding->diagnosis, outside, look->site.service);
	edits = json_dumps(finding->edits, JSON_COMPACT);
	fettle_set_output(ctx, "edits", edits);
	fettle_info(ctx, "%s", finding->diagnosis);
	return FETTLE_OK;
}

static void
tell_findings(struct look *look, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		fettle_add_finding(look->ctx, findings->v[i].rule->id,
				   (uint32_t)findings->v[i].confidence,
				   findings->v[i].title, findings->v[i].evidence);
}

/* ---- callbacks ------------------------------------------------------------- */

static int
check(struct fettle_ctx *ctx)
{
	AUTO(look) struct look look = { 0 };
	struct fault fault = { 0 };

	look_init(ctx, &look);
	if (!look.site.service || !look.own)
		return fettle_error_code(
			ctx, FETTLE_WHY_INPUT, "no_service",
			"name the service with -s, in a directory with a project "
			"file",
			"analyze/logs needs a service of a compose project");
	if (look_open(&look, &fault) < 0 || engine_ping(look.api, &fault) < 0)
		return fault_end(ctx, &fault);
	if (text_equal(source_of(ctx), "build") &&
	    (target_check(look.own, look.compose, &fault) < 0 ||
	     target_check_build(look.own, &fault) < 0))
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static int
propose(struct fettle_ctx *ctx)
{
	static const struct build_order order = { .purpose =
							  ", to see what that says" };
	AUTO(look) struct look look = { 0 };
	const char *source = source_of(ctx);
	AUTO_FREE char *reason = NULL;
	struct fault fault = { 0 };

	if (!source || text_equal(source, "container"))
		return FETTLE_OK;
	look_set_up(ctx, &look);
	look.is_quiet = true;
	if (look_open(&look, &fault) < 0)
		return fault_end(ctx, &fault);
	if (text_equal(source, "build"))
		reason = text_copy("`source: build`");
	else if (build_reason(&look, &reason, &fault) < 0)
		return fault_end(ctx, &fault);
	if (!reason)
		return FETTLE_OK;
	if (build_propose(ctx, look.api, &order, &fault) < 0)
		return fault_end(ctx, &fault);
	fettle_info(ctx, "its build is to be tried: %s", reason);
	return FETTLE_OK;
}

static int
run(struct fettle_ctx *ctx)
{
	AUTO(look) struct look look = { 0 };
	struct fettle_proposed_effect effect;
	bool builds = fettle_proposed_effect(ctx, 0, &effect);
	enum build_says says = BUILD_NOTHING;
	struct findings *found;
	struct fault fault = { 0 };

	look_set_up(ctx, &look);
	if (look_open(&look, &fault) < 0)
		return fault_end(ctx, &fault);
	if (!text_equal(source_of(ctx), "build") &&
	    look_at_containers(&look, &fault) < 0)
		return fault_end(ctx, &fault);
	builds &= !has_repair(&look.logs);
	if (builds && look_at_build(&look, &says, &fault) < 0)
		return fault_end(ctx, &fault);
	tell_findings(&look, &look.build.findings);
	tell_findings(&look, &look.logs.findings);
	if (says == BUILD_OTHER ||
	    (says == BUILD_SAME && text_equal(source_of(ctx), "build")))
		return fail_build_works(&look, says);
	found = says == BUILD_FAILS ? &look.build.findings : &look.logs.findings;
	if (found->count)
		return answer(&look, &found->v[0]);
	return says == BUILD_FAILS ? fail_build_unknown(&look) :
				     fail_nothing_found(&look);
}

static const char *const effects[] = { "image source=auto|build", NULL };

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "analyze/logs",
	.version = FETTLE_VERSION,
	.summary = "Finds out from what a service or its build says what is wrong, and "
		   "how to repair it.",
	.stage = FETTLE_ANALYZE,
	.flags = FETTLE_DOCKER | FETTLE_NETWORK | FETTLE_REPEATABLE,
	.effects = effects,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.propose = propose,
	.run = run,
	.observe = build_observe,
};

FETTLE_STEP(step)
