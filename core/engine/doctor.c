/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle doctor`: what this machine offers, each row with its remedy. */
#include "base/base.h"

#include "engine/engine.h"

#include <unistd.h>

#include "engine/draft.h"
#include "engine/host.h"
#include "engine/metrics.h"
#include "engine/module.h"
#include "engine/survey.h"

static void
add_row(json_t *rows, const char *name, bool is_ok, const char *text,
	const char *remedy)
{
	json_array_append_new(rows,
			      json_pack("{s:s, s:b, s:s, s:s}", "name", name, "ok",
					is_ok, "text", text, "remedy", remedy));
}

static int
hear_jail(void *self, const json_t *event, int scratch_fd, struct err *err)
{
	struct str *text = self;
	const json_t *technique;
	size_t i;

	(void)scratch_fd;
	(void)err;
	if (!str_eq(json_text(event, "e"), "jail"))
		return 0;
	str_addf(text, "level %s:", json_text(event, "level"));
	json_array_foreach (json_object_get(event, "techniques"), i, technique)
		str_addf(text, "%s %s", i ? "," : "", json_string_value(technique));
	return 0;
}

static void
look_at_jail(struct engine *engine, json_t *rows)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str text = STR_INIT;
	AUTO(json_ref) json_t *request = json_object();
	AUTO(host_answer) struct host_answer answer = { 0 };
	json_t *modules = json_array();
	struct err err = { 0 };

	module_names(engine, false, &names);
	AUTO_FREE char *path = x_asprintf("%s/plugins/%s.so", engine->lib_dir,
					  names.count ? names.v[0] : "none");
	json_array_append_new(modules, module_request(path, NULL, NULL, NULL));
	json_object_set_new(json_array_get(modules, 0), "sha256", json_null());
	json_object_set_new(request, "modules", modules);
	struct host_call call = { .nursery = engine->nursery,
				  .state_dir = store_dir(engine->store),
				  .call = "describe",
				  .attempt = "doctor/doctor/1",
				  .request = request,
				  .lock_fd = -1,
				  .cancel_fd = -1,
				  .timeout_ms = 10000,
				  .event = hear_jail,
				  .self = &text };
	if (host_ask(&call, &answer, &err) < 0) {
		add_row(rows, "module jail", false, err.text, err.remedy);
		return;
	}
	bool is_tree = str_starts(str_get(&text), "level tree");
	add_row(rows, "module jail", is_tree,
		text.len ? str_get(&text) : "the host said nothing",
		is_tree ? "" :
			  "a step's processes cannot be shut into a PID namespace "
			  "here: run "
			  "as root, or give the container SYS_ADMIN");
}

static void
look_at_modules(struct engine *engine, json_t *rows)
{
	struct err err = { 0 };
	AUTO(json_ref) json_t *modules = engine_modules(engine, &err);
	AUTO(str) struct str bad = STR_INIT;
	const json_t *module;
	size_t i;

	/* Not the modules are to blame when nothing can be tried. */
	if (access(store_dir(engine->store), W_OK) < 0) {
		add_row(rows, "modules", false,
			"not tried: the store cannot be written", "see `store`");
		return;
	}
	json_array_foreach (modules, i, module)
		if (*json_text(module, "error"))
			str_addf(&bad, "%s%s: %s", bad.len ? "; " : "",
				 json_text(module, "name"), json_text(module, "error"));
	AUTO_FREE char *text = x_asprintf("%zu installed below %s",
					  json_array_size(modules), engine->lib_dir);
	if (bad.len)
		add_row(rows, "modules", false, str_get(&bad),
			"reinstall or remove them");
	else
		add_row(rows, "modules", json_array_size(modules) > 0, text,
			json_array_size(modules) ? "" : "install Fettle's modules");
}

/* Docker and Compose, as the project here would use them. */
static void
look_at_project(struct engine *engine, const char *directory, json_t *rows)
{
	__attribute__((cleanup(draft_done))) struct draft draft = { 0 };
	struct order order = { .directory = directory, .instruction = "look" };
	struct err err = { 0 };

	if (draft_read(&draft, engine, &order, &err) < 0) {
		add_row(rows, "project", str_eq(err.code, "project.missing"), err.text,
			err.remedy);
		return;
	}
	add_row(rows, "project", true, draft.project ? draft.project->file : directory,
		"");
	if (!draft.project)
		return;
	draft.secrets = json_object();
	/* "look" names no service: reaching that refusal means Docker and Compose
	 * answered. */
	if (survey_project(&draft, &err) < 0 && !str_eq(err.code, "unknown_service") &&
	    !str_eq(err.code, "ambiguous_service"))
		add_row(rows, "docker and compose", false, err.text, err.remedy);
	else
		add_row(rows, "docker and compose", true,
			json_text_or(draft.plan->facts, "project.compose_version",
				     "they answer"),
			"");
}

static void
look_at_metrics(struct engine *engine, json_t *rows)
{
	AUTO(str) struct str where = STR_INIT;
	struct err err = { 0 };
	int found = engine->metrics ? metrics_look(engine->metrics, &where, &err) : 0;

	if (found < 0)
		add_row(rows, "metrics", false, err.text, err.remedy);
	else
		add_row(rows, "metrics", true,
			found ? str_get(&where) : "none are sent: no place is given",
			"");
}

json_t *
engine_doctor(struct engine *engine, const char *directory)
{
	json_t *rows = json_array();

	host_prepare(engine);
	look_at_modules(engine, rows);
	look_at_jail(engine, rows);
	look_at_metrics(engine, rows);
	look_at_project(engine, directory, rows);
	return rows;
}
