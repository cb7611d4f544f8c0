/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an order to a frozen plan. See draft.h. */
#include "base/base.h"

#include "engine/draft.h"

#include <errno.h>
#include <fettle/plugin.h>

#include "base/clock.h"
#include "base/path.h"
#include "engine/draft_rollback.h"
#include "engine/module.h"
#include "engine/policies.h"
#include "engine/secret.h"
#include "engine/survey.h"

#define DEFAULT_PIPELINE "repair"

/* ---- what was ordered ---- */

bool
pipeline_is_file_name(const char *pipeline)
{
	size_t n = strlen(pipeline);

	return strchr(pipeline, '/') || (n > 5 && str_eq(pipeline + n - 5, ".yaml")) ||
	       (n > 4 && str_eq(pipeline + n - 4, ".yml"));
}

static int
no_such_pipeline(const struct draft *draft, const char *name, struct err *err)
{
	AUTO(strv) struct strv known = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *key;
	json_t *value;

	strv_add(&known, DEFAULT_PIPELINE);
	if (draft->project)
		json_object_foreach (draft->project->pipelines, key, value)
			if (!strv_has(&known, key))
				strv_add(&known, key);
	for (size_t i = 0; i < known.count; i++)
		str_addf(&list, "%s%s", i ? ", " : "", known.v[i]);
	const char *near = strv_nearest(&known, name);
	err_set(err, "pipeline.unknown", "no pipeline '%s'%s%s%s", name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return err_remedy(err,
			  "known pipelines: %s; or give a file such as ./NAME.yaml",
			  str_get(&list));
}

static int
read_pipeline(struct draft *draft, struct err *err)
{
	const char *name = draft->order->pipeline;

	if (name && pipeline_is_file_name(name)) {
		AUTO_FREE char *path = path_join(draft->order->directory, name);

		return (draft->pipeline = pipeline_load(path, err)) ? 0 : -1;
	}
	if (!name)
		name = DEFAULT_PIPELINE;
	const char *file =
		draft->project ? json_text(draft->project->pipelines, name) : "";
	if (*file) {
		AUTO_FREE char *path = path_join(draft->project->directory, file);

		return (draft->pipeline = pipeline_load(path, err)) ? 0 : -1;
	}
	const char *text = pipeline_builtin(name);
	if (!text)
		return no_such_pipeline(draft, name, err);
	AUTO_FREE char *shown = x_asprintf("built-in pipeline '%s'", name);
	draft->pipeline = pipeline_parse(text, strlen(text), shown, err);
	if (!draft->pipeline)
		return -1;
	draft->pipeline->is_builtin = true;
	return 0;
}

/* What waited in a queue must not be another pipeline by now. */
static int
check_same_pipeline(const struct draft *draft, struct err *err)
{
	const char *wanted = draft->order->pipeline_sha256;

	if (!wanted || str_eq(wanted, draft->pipeline->sha256))
		return 0;
	err_set(err, "pipeline_changed",
		"pipeline '%s' (%s) has changed since the run was queued",
		draft->pipeline->name, draft->pipeline->file);
	return err_remedy(err, "look at it, then queue the run again");
}

/* The project, when there is one; a pipeline with a service insists on it later. */
static int
read_project(struct draft *draft, struct err *err)
{
	draft->project = project_find(draft->order->directory, err);
	return draft->project || str_eq(err->code, "project.missing") ? 0 : -1;
}

static int
read_inputs(struct draft *draft, struct err *err)
{
	const struct order *order = draft->order;
	AUTO(json_ref) json_t *given =
		order->inputs ? json_deep_copy(order->inputs) : json_object();

	draft->instruction = x_strdup("");
	if (order->instruction) {
		free(draft->instruction);
		if (!(draft->instruction = instruction_check(order->instruction, err)))
			return -1;
		json_object_set_new(given, "instruction",
				    json_string(draft->instruction));
	}
	if (order->service)
		json_object_set_new(given, "service", json_string(order->service));
	for (size_t i = 0; i < draft->pipeline->input_count; i++)
		if (draft->pipeline->inputs[i].type == INPUT_SERVICE &&
		    !json_object_get(given, draft->pipeline->inputs[i].name))
			/* Found in the instruction once the services are known. */
			json_object_set_new(given, draft->pipeline->inputs[i].name,
					    json_string(""));
	return (draft->inputs = pipeline_type_inputs(draft->pipeline, given, err)) ? 0 :
										     -1;
}

/* ---- the plan's skeleton: steps and policies with their modules ---- */

static int
step_err(const struct draft *draft, size_t i, struct err *err, const char *code,
	 const char *text)
{
	const struct pipeline_step *step = &draft->pipeline->steps[i];

	return node_err(step->node, draft->pipeline->file, err, code,
			"step '%s' (%s): %s", step->id, step->uses, text);
}

/* What a module may not do where the pipeline puts it. */
static int
check_place(const struct draft *draft, size_t i, const struct description *d,
	    struct err *err)
{
	enum section section = draft->pipeline->steps[i].section;

	if (d->stages == FETTLE_PROJECT)
		return step_err(draft, i, err, "pipeline.stage",
				"a project step runs by itself, before planning");
	if (section == SECTION_STEPS && d->stages == FETTLE_ROLLBACK)
		return step_err(draft, i, err, "pipeline.rollback",
				"a rollback step belongs under `on_failure`");
	if (section == SECTION_ON_FAILURE && d->effect_count > 0)
		return step_err(
			draft, i, err, "pipeline.rollback",
			"a step under `on_failure` may not have effects of its own");
	if (draft->project && (d->flags & (FETTLE_WORKSPACE_WRITE | FETTLE_GIT_WRITE)))
		return step_err(
			draft, i, err, "pipeline.workspace_write",
			"a module that writes the workspace itself is not allowed in a "
			"pipeline with a service");
	return 0;
}

/* The module of a step, found once however many steps use it. */
static const struct plan_module *
draft_module(struct draft *draft, const struct pipeline_step *step, struct err *err)
{
	const struct plan_module *known = plan_find_module(draft->plan, step->uses);
	const struct node *uses = node_find(step->node, "uses");

	if (known)
		return known;
	AUTO(module) struct module *module =
		module_find(draft->engine, step->uses, false, err);
	if (!module) {
		if (!err->line && uses)
			node_at(uses, draft->pipeline->file, err);
		return NULL;
	}
	return plan_add_module(draft->plan, step->uses, module->path, module->sha256,
			       STEAL(module->description));
}

static int
draft_step(struct draft *draft, size_t i, struct err *err)
{
	const struct plan_module *module =
		draft_module(draft, &draft->pipeline->steps[i], err);

	if (!module || check_place(draft, i, module->description, err) < 0)
		return -1;
	return plan_add_step(draft->plan, draft->pipeline, module, err);
}

static int
draft_skeleton(struct draft *draft, struct err *err)
{
	struct plan *plan = draft->plan = x_calloc(1, sizeof *plan);

	plan->pipeline = x_strdup(draft->pipeline->name);
	plan->pipeline_sha256 = x_strdup(draft->pipeline->sha256);
	plan->instruction = x_strdup(draft->instruction);
	plan->service = x_strdup("");
	plan->rolls_back = x_strdup("");
	plan->workspace = x_strdup(draft->directory);
	plan->rounds = draft->pipeline->rounds;
	plan->generated_by =
		x_strdup(draft->pipeline->is_builtin ? "rules" : "operator");
	plan->generated_at_ms = clock_wall_ms();
	plan->facts = json_object();
	for (size_t i = 0; i < draft->pipeline->step_count; i++)
		if (draft_step(draft, i, err) < 0)
			return -1;
	return policies_draft(draft, err);
}

static int
check_until(const struct draft *draft, struct err *err)
{
	const char *until = draft->order->until;
	AUTO(strv) struct strv ids = STRV_INIT;

	for (size_t i = 0; until && i < draft->plan->step_count; i++) {
		const struct plan_step *step = &draft->plan->steps[i];

		if (step->section != SECTION_STEPS)
			continue;
		if (str_eq(step->id, until))
			return 0;
		strv_add(&ids, step->id);
	}
	if (!until)
		return 0;
	const char *near = strv_nearest(&ids, until);
	err_set(err, "until.unknown",
		"pipeline '%s' has no step '%s' to stop behind%s%s%s",
		draft->plan->pipeline, until, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	return err_remedy(err, "`fettle check` lists the steps");
}

/* ---- all of it ---- */

static int
draft_begin(struct draft *draft, struct err *err)
{
	if (read_project(draft, err) < 0)
		return -1;
	struct err no_project = *err;
	if (read_pipeline(draft, err) < 0 || check_same_pipeline(draft, err) < 0)
		return -1;
	if (pipeline_has_input(draft->pipeline, INPUT_SERVICE)) {
		if (!draft->project) {
			*err = no_project;
			return -1;
		}
	} else {
		project_free(draft->project);
		draft->project = NULL;
	}
	if (draft->project)
		draft->directory = x_strdup(draft->project->directory);
	else if (!(draft->directory = realpath(draft->order->directory, NULL)))
		return err_errno(err, "path.missing", "open directory '%s'",
				 draft->order->directory);
	return read_inputs(draft, err);
}

int
draft_read(struct draft *draft, struct engine *engine, const struct order *order,
	   struct err *err)
{
	*draft = (struct draft){ .engine = engine, .order = order, .run = draft->run };
	if (draft_begin(draft, err) < 0 || draft_skeleton(draft, err) < 0 ||
	    check_until(draft, err) < 0)
		goto out;
	/* Not known yet: what the project step says. References are checked all the
	 * same. */
	draft->plan->inputs = json_incref(draft->inputs);
	plan_freeze(draft->plan);
	if (plan_check(draft->plan, draft->pipeline,
		       draft->project ? draft->project->secrets : NULL, err) == 0)
		return 0;
out:
	draft_done(draft);
	return -1;
}

/* The plan is stored and shown as it is: it must not hold what nobody may see. */
static int
check_no_secret(const struct draft *draft, struct err *err)
{
	if (!mask_hides(&draft->mask, plan_json(draft->plan)))
		return 0;
	err_set(err, "secret_in_plan",
		"the plan would hold the value of a secret in plain text");
	return err_remedy(
		err,
		"pass it as ${{ secrets.NAME }} in a step's `env`, and keep it out "
		"of the instruction, parameters and inputs");
}

/* Modules may quote a value they were given; the text is stored and shown. */
static void
hide_secrets(const struct draft *draft, struct err *err)
{
	AUTO(str) struct str text = STR_INIT, remedy = STR_INIT;

	mask_bytes(&draft->mask, err->text, strlen(err->text), &text);
	mask_bytes(&draft->mask, err->remedy, strlen(err->remedy), &remedy);
	snprintf(err->text, sizeof err->text, "%s", str_get(&text));
	snprintf(err->remedy, sizeof err->remedy, "%s", str_get(&remedy));
}

int
draft_make(struct draft *draft, struct engine *engine, const struct order *order,
	   struct err *err)
{
	if (order->rolls_back ? draft_rollback(draft, engine, order, err) < 0 :
				draft_read(draft, engine, order, err) < 0)
		return -1;
	draft->secrets = draft->project ?
				 secrets_resolve(draft->project, &draft->mask, err) :
				 json_object();
	if (!draft->secrets)
		goto out;
	if (draft->project &&
	    (survey_project(draft, err) < 0 ||
	     policies_protect(engine, draft->plan, draft->project->file, err) < 0))
		goto out;
	plan_freeze(draft->plan);
	if (check_no_secret(draft, err) == 0 && survey_checks(draft, err) == 0)
		return 0;
out:
	hide_secrets(draft, err);
	draft_done(draft);
	return -1;
}

void
draft_done(struct draft *draft)
{
	pipeline_free(draft->pipeline);
	site_free(draft->site);
	project_free(draft->project);
	plan_free(draft->plan);
	free(draft->instruction);
	free(draft->directory);
	json_decref(draft->inputs);
	json_decref(draft->secrets);
	mask_done(&draft->mask);
	str_done(&draft->project_log);
	*draft = (struct draft){ .run = draft->run };
}

json_t *
plan_facts(const struct engine *engine, const struct plan *plan, const char *run)
{
	json_t *facts = json_copy(plan->facts);

	json_object_set_new(facts, "instruction", json_string(plan->instruction));
	json_object_set_new(facts, "run.id", json_string(run));
	if (plan_rolls_back(plan))
		json_object_set_new(facts, "run.rolls_back",
				    json_string(plan->rolls_back));
	json_object_set_new(facts, "fettle.data_dir", json_string(engine->data_dir));
	return facts;
}
