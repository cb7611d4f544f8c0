/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See look.h. */
#include "plugins/analyze/look.h"

#include <dirent.h>

#include "plugins/analyze/buildlog.h"
#include "plugins/common/build.h"
#include "plugins/common/image.h"
#include "plugins/common/program.h"

static void
evidence_done(struct evidence *evidence)
{
	text_done(&evidence->log);
	findings_done(&evidence->findings);
}

void
look_done(struct look *look)
{
	evidence_done(&look->logs);
	evidence_done(&look->build);
	packs_done(&look->packs);
	json_decref(look->own);
	json_decref(look->services);
	json_decref(look->health);
	json_decref(look->allow);
	json_decref(look->images);
	engine_close(look->api);
	free(look->compose);
	free(look->said);
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

/* We are in the workspace. */
static void
list_directory(void *arg, const char *directory, struct argv *ret)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;

	(void)arg;
	while (dir && (entry = readdir(dir)))
		argv_add(ret, entry->d_name);
	if (dir)
		(void)closedir(dir);
}

void
look_init(struct fettle_ctx *ctx, struct look *look)
{
	*look = (struct look){
		.ctx = ctx,
		.own = fact_json(ctx, "project.service"),
		.services = fact_json(ctx, "project.services"),
		.health = fact_json(ctx, "service.health"),
		.allow = fact_json(ctx, "service.allow"),
		.compose = program_command(ctx),
	};
	look->site = (struct site){
		.service = fettle_fact(ctx, "service.name"),
		.directory = fettle_fact(ctx, "project.directory"),
		.own = look->own,
		.services = look->services,
		.health = look->health,
		.read = read_file,
		.list = list_directory,
		.arg = ctx,
	};
}

/* The rules and the engine. */
int
look_open(struct look *look, struct fault *fault)
{
	const char *data = fettle_fact(look->ctx, "fettle.data_dir");
	AUTO_FREE char *directory = text_format("%s/rules", data ? data : "");

	look->api = engine_open(look->ctx, fault);
	return look->api ? packs_load(directory, &look->packs, fault) : -1;
}

/* ---- reading the containers ------------------------------------------------ */

/* What the engine itself says of a container that it could not start. */
static int
add_state(struct look *look, const char *id, struct fault *fault)
{
	AUTO_FREE char *path = text_format("/containers/%s/json", id);
	AUTO_JSON json_t *inspection = NULL;
	int result = engine_get(look->api, path, &inspection, fault);
	const char *error = json_path_text(inspection, "State.Error");

	if (result == 1 && error && *error) {
		if (!look->is_quiet)
			fettle_info(look->ctx, "the engine says: %s", error);
		text_addf(&look->logs.log, "%s\n", error);
	}
	return result < 0 ? -1 : 0;
}

static void
tell_log(struct look *look, const json_t *container, const char *lines)
{
	if (look->is_quiet)
		return;
	fettle_info(look->ctx, "%s: %s, exit status %d, restarted %d times",
		    json_text(container, "name"), json_text(container, "state"),
		    (int)json_member_int(container, "exit_code", 0),
		    (int)json_member_int(container, "restart_count", 0));
	printf("--- the last %d lines of %s\n%s",
	       look->lines, json_text(container, "name"), lines);
}

static int
add_log(struct look *look, const json_t *container, struct fault *fault)
{
	const char *id = json_text(container, "id");
	int result;
	struct text *text = &look->logs.log;
	AUTO_FREE char *log = NULL;
	size_t before;

	if (add_state(look, id, fault) < 0)
		return -1;
	result = engine_logs(look->api, id, look->lines, NULL, &log, fault);
	if (result <= 0)
		return result;
	before = text->len;
	log_clean(log, strlen(log), text);
	if (text->len > before && text->s[text->len - 1] != '\n')
		text_add(text, "\n");
	look->logs.containers++;
	tell_log(look, container, text_get(text) + before);
	return 0;
}

/* Matches and resolves; what was found is in order of how sure it is. */
static void
evidence_judge(struct look *look, struct evidence *evidence)
{
	struct findings *findings = &evidence->findings;
	size_t gave_up = 0;

	for (size_t i = 0; i < look->packs.count; i++)
		findings_match(&look->packs.v[i], &evidence->log, findings, &gave_up);
	if (gave_up)
		fettle_warn(
			look->ctx,
			"%zu patterns were too costly for this log and not tried to "
			"the end",
			gave_up);
	for (size_t i = 0; i < findings->count; i++)
		finding_resolve(&findings->v[i], &look->site);
	findings_rank(findings);
}

int
look_at_containers(struct look *look, struct fault *fault)
{
	const json_t *container;
	size_t i;

	json_array_foreach(json_object_get(look->own, "containers"), i, container)
		if (add_log(look, container, fault) < 0)
			return -1;
	evidence_judge(look, &look->logs);
	return 0;
}

bool
has_repair(const struct evidence *evidence)
{
	return evidence->findings.count > 0 && evidence->findings.v[0].edits;
}

/* ---- reading the build ----------------------------------------------------- */

static int
compare_image(struct look *look, enum build_says *ret, struct fault *fault)
{
	AUTO_FREE char *now = NULL;

	if (image_find(look->api, json_text(look->own, "image"), &now, fault) < 0)
		return -1;
	*ret = text_equal(now, json_member(look->own, "image_id")) ? BUILD_SAME :
								     BUILD_OTHER;
	return 0;
}

int
look_at_build(struct look *look, enum build_says *ret, struct fault *fault)
{
	AUTO_BUILD struct build build = { 0 };
	struct text *log = &look->build.log;
	int status = -1;

	if (build_open(look->ctx, look->api, &build, fault) < 0)
		return -1;
	build.compose.keeps_log = true;
	if (build_run(&build, &status, fault) < 0)
		return -1;
	buildlog_clean(text_get(&build.compose.log), build.compose.log.len, log);
	if (status == 0)
		return compare_image(look, ret, fault);
	*ret = BUILD_FAILS;
	look->said = STEAL(build.compose.said);
	if (engine_get(look->api, "/images/json", &look->images, fault) < 0)
		return -1;
	look->site.build_log = text_get(log);
	look->site.images = look->images;
	evidence_judge(look, &look->build);
	return 0;
}
