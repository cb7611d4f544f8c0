/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * analyze/logs: reads what the service's containers say, finds what the rule
 * pack knows about it, and puts out the edits that repair it.
 */
#include <fettle/plugin.h>

#include "plugins/analyze/resolve.h"
#include "plugins/common/engine_api.h"
#include "plugins/common/glob.h"

enum { SOURCE, LINES, GUESS };

static const struct fettle_param params[] = {
	[SOURCE] = { "source", FETTLE_CHOICE, 0, "container", "container",
		     "Where to read: the logs and state of the service's containers." },
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

/* What was looked at, and what is known of the service. */
struct look {
	struct fettle_ctx *ctx;
	json_t *own, *services, *health, *allow;
	struct text log;
	size_t containers;
	struct site site;
};

static void
look_done(struct look *look)
{
	json_decref(look->own);
	json_decref(look->services);
	json_decref(look->health);
	json_decref(look->allow);
	text_done(&look->log);
}

static json_t *
fact_json(struct fettle_ctx *ctx, const char *name)
{
	const char *text = fettle_fact(ctx, name);

	return text ? json_of(text) : NULL;
}

static const char *
read_file(void *arg, const char *path, size_t *ret_len)
{
	return fettle_file(arg, path, ret_len);
}

static void
look_init(struct fettle_ctx *ctx, struct look *look)
{
	*look = (struct look){
		.ctx = ctx,
		.own = fact_json(ctx, "project.service"),
		.services = fact_json(ctx, "project.services"),
		.health = fact_json(ctx, "service.health"),
		.allow = fact_json(ctx, "service.allow"),
	};
	look->site = (struct site){
		.service = fettle_fact(ctx, "service.name"),
		.directory = fettle_fact(ctx, "project.directory"),
		.own = look->own,
		.services = look->services,
		.health = look->health,
		.read = read_file,
		.arg = ctx,
	};
}

/* ---- reading the containers ------------------------------------------------ */

/* What the engine itself says of a container that it could not start. */
static int
add_state(struct look *look, struct engine_api *api, const char *id,
	  struct fault *fault)
{
	AUTO_FREE char *path = text_format("/containers/%s/json", id);
	AUTO_JSON json_t *inspection = NULL;
	int result = engine_get(api, path, &inspection, fault);
	const char *error = json_path_text(inspection, "State.Error");

	if (result == 1 && error && *error) {
		fettle_info(look->ctx, "the engine says: %s", error);
		text_addf(&look->log, "%s\n", error);
	}
	return result < 0 ? -1 : 0;
}

static int
add_log(struct look *look, struct engine_api *api, const json_t *container,
	struct fault *fault)
{
	const char *id = json_text(container, "id");
	int lines = (int)fettle_param_int(look->ctx, LINES), result;
	AUTO_FREE char *log = NULL;
	size_t before;

	if (add_state(look, api, id, fault) < 0)
		return -1;
	result = engine_logs(api, id, lines, NULL, &log, fault);
	if (result <= 0)
		return result;
	before = look->log.len;
	log_clean(log, strlen(log), &look->log);
	if (look->log.len > before && look->log.s[look->log.len - 1] != '\n')
		text_add(&look->log, "\n");
	look->containers++;
	fettle_info(look->ctx, "%s: %s, exit status %d, restarted %d times",
		    json_text(container, "name"), json_text(container, "state"),
		    (int)json_member_int(container, "exit_code", 0),
		    (int)json_member_int(container, "restart_count", 0));
	printf("--- the last %d lines of %s\n%s", lines, json_text(container, "name"),
	       text_get(&look->log) + before);
	return 0;
}

static int
look_read(struct look *look, struct fault *fault)
{
	AUTO_ENGINE struct engine_api *api = engine_open(look->ctx, fault);
	const json_t *container;
	size_t i;

	if (!api)
		return -1;
	json_array_foreach(json_object_get(look->own, "containers"), i, container)
		if (add_log(look, api, container, fault) < 0)
			return -1;
	return 0;
}

/* ---- the answer ------------------------------------------------------------ */

static int
fail_nothing_found(struct look *look, const struct packs *packs)
{
	const char *level = json_text(look->own, "level");
	const char *begin = text_get(&look->log), *last;
	size_t end = look->log.len;

	if (look->containers == 0)
		return fettle_fail(
			look->ctx, "no_diagnosis",
			"start it once (`docker compose up -d SERVICE`), so that there "
			"is a log to read",
			"service '%s' has no container, so there is no log to look at",
			look->site.service);
	while (end > 0 && begin[end - 1] == '\n')
		end--;
	for (last = begin + end; last > begin && last[-1] != '\n'; last--)
		;
	return fettle_fail(
		look->ctx, "no_diagnosis",
		"read analyze.log; give the edits yourself in a pipeline with "
		"patch/apply, or use analyze/command",
		"none of %zu rules knows what is wrong with service '%s': looked at "
		"the last %d lines of %zu container%s, level %s; %s%.*s%s",
		packs->rule_count, look->site.service,
		(int)fettle_param_int(look->ctx, LINES), look->containers,
		look->containers == 1 ? "" : "s", level,
		end ? "the last line is `" : "there is no line",
		(int)(begin + end - last), last, end ? "`" : "");
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

static int
analyze(struct look *look, const struct packs *packs)
{
	AUTO(findings) struct findings findings = { 0 };
	size_t gave_up = 0;

	for (size_t i = 0; i < packs->count; i++)
		findings_match(&packs->v[i], &look->log, &findings, &gave_up);
	if (gave_up)
		fettle_warn(
			look->ctx,
			"%zu patterns were too costly for this log and not tried to "
			"the end",
			gave_up);
	for (size_t i = 0; i < findings.count; i++)
		finding_resolve(&findings.v[i], &look->site);
	findings_rank(&findings);
	for (size_t i = 0; i < findings.count; i++)
		fettle_add_finding(look->ctx, findings.v[i].rule->id,
				   (uint32_t)findings.v[i].confidence,
				   findings.v[i].title, findings.v[i].evidence);
	return findings.count ? answer(look, &findings.v[0]) :
				fail_nothing_found(look, packs);
}

/* ---- callbacks ------------------------------------------------------------- */

static int
packs_open(struct fettle_ctx *ctx, struct packs *ret, struct fault *fault)
{
	const char *data = fettle_fact(ctx, "fettle.data_dir");
	AUTO_FREE char *directory = text_format("%s/rules", data ? data : "");

	return packs_load(directory, ret, fault);
}

static int
check(struct fettle_ctx *ctx)
{
	AUTO(look) struct look look = { 0 };
	AUTO(packs) struct packs packs = { 0 };
	AUTO_ENGINE struct engine_api *api = NULL;
	struct fault fault;

	look_init(ctx, &look);
	if (!look.site.service || !look.own)
		return fettle_error_code(
			ctx, FETTLE_WHY_INPUT, "no_service",
			"name the service with -s, in a directory with a project "
			"file",
			"analyze/logs needs a service of a compose project");
	if (packs_open(ctx, &packs, &fault) < 0)
		return fault_end(ctx, &fault);
	api = engine_open(ctx, &fault);
	if (!api || engine_ping(api, &fault) < 0)
		return fault_end(ctx, &fault);
	return FETTLE_OK;
}

static int
run(struct fettle_ctx *ctx)
{
	AUTO(look) struct look look = { 0 };
	AUTO(packs) struct packs packs = { 0 };
	struct fault fault;

	look_init(ctx, &look);
	look.site.may_guess = fettle_param_bool(ctx, GUESS);
	if (packs_open(ctx, &packs, &fault) < 0 || look_read(&look, &fault) < 0)
		return fault_end(ctx, &fault);
	return analyze(&look, &packs);
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "analyze/logs",
	.version = FETTLE_VERSION,
	.summary =
		"Finds out from a service's logs what is wrong, and how to repair it.",
	.stage = FETTLE_ANALYZE,
	.flags = FETTLE_DOCKER | FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.check = check,
	.run = run,
};

FETTLE_STEP(step)
