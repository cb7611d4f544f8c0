/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The project step, the target service, and the checks. See survey.h. */
#include "base/base.h"

#include "engine/survey.h"

#include <fettle/plugin.h>

#include "base/clock.h"
#include "engine/cancel.h"
#include "engine/inquiry.h"
#include "engine/installed.h"
#include "engine/module.h"
#include "engine/run.h"
#include "engine/scope.h"

#define PROJECT_TIMEOUT_MS (2 * 60 * 1000)
#define CHECK_TIMEOUT_MS 60000
#define CHECKS_AT_ONCE 64
#define DEFAULT_DOCKER_HOST "unix:///var/run/docker.sock"
#define LOG_MAX_BYTES (1u << 20)

static void
keep_log(void *self, const char *bytes, size_t n)
{
	struct draft *draft = self;

	if (draft->project_log.len < LOG_MAX_BYTES)
		mask_bytes(&draft->mask, bytes, n, &draft->project_log);
}

static bool
pass_tick(void *self)
{
	struct draft *draft = self;
	const struct engine_watch *watch = &draft->engine->watch;

	if (watch->tick)
		watch->tick(watch->self);
	return !draft->run || !cancel_is_asked(draft->run, 0);
}

/* compose: as the project file says, with the Docker address resolved. */
static json_t *
compose_fact(const struct project *project)
{
	json_t *compose = json_deep_copy(project->compose);
	const char *host = json_text(compose, "docker_host");

	/* DOCKER_HOST itself is not looked at: what Fettle talks to is said on purpose.
	 */
	if (!*host)
		host = getenv("FETTLE_DOCKER_HOST");
	json_object_set_new(compose, "docker_host",
			    json_string(host && *host ? host : DEFAULT_DOCKER_HOST));
	return compose;
}

static void
add_project_facts(struct draft *draft)
{
	json_t *facts = draft->plan->facts;

	json_object_set_new(facts, "project.directory", json_string(draft->directory));
	json_object_set_new(facts, "project.name", json_string(draft->project->name));
	json_object_set_new(facts, "project.compose", compose_fact(draft->project));
}

static int
ask_project(struct draft *draft, struct reply *ret, struct err *err)
{
	AUTO(module) struct module *module =
		module_find(draft->engine, PROJECT_STEP, false, err);

	if (!module)
		return -1;
	AUTO(json_ref) json_t *with =
		description_type_with(module->description, NULL, PROJECT_STEP, err);
	if (!with)
		return -1;
	AUTO(json_ref)
	json_t *facts = plan_facts(draft->engine, draft->plan, "planning");
	AUTO(json_ref) json_t *modules = json_array();
	json_array_append_new(modules,
			      module_request(module->path, module->sha256, with, NULL));
	struct inquiry inquiry = { .engine = draft->engine,
				   .call = "run",
				   .what = "project step (" PROJECT_STEP ")",
				   .modules = modules,
				   .run = "planning",
				   .step = "project",
				   .attempt = 1,
				   .workspace = draft->directory,
				   .flags = module->description->flags,
				   .facts = facts,
				   .secrets = draft->secrets,
				   .timeout_ms = PROJECT_TIMEOUT_MS,
				   .lock_fd = -1,
				   .cancel_fd = draft->engine->cancel_fd,
				   .log = keep_log,
				   .tick = pass_tick,
				   .self = draft };

	return inquiry_ask(&inquiry, ret, err);
}

json_t *
survey_allow(const struct project_service *profile, const json_t *service)
{
	if (!profile || profile->allow.count == 0) {
		json_t *preset = json_object_get(service, "default_allow");

		return json_is_array(preset) ? json_deep_copy(preset) : json_array();
	}
	json_t *allow = json_array();
	for (size_t i = 0; i < profile->allow.count; i++)
		json_array_append_new(allow, json_string(profile->allow.v[i]));
	return allow;
}

static void
add_service_facts(struct draft *draft, const json_t *service)
{
	struct plan *plan = draft->plan;
	const struct project_service *profile =
		project_find_service(draft->project, plan->service);
	json_t *facts = plan->facts;

	plan->allow = survey_allow(profile, service);
	plan->is_protected = profile && profile->is_protected;
	json_object_set(facts, "project.service", (json_t *)(uintptr_t)service);
	json_object_set_new(facts, "service.name", json_string(plan->service));
	json_object_set(facts, "service.allow", plan->allow);
	json_object_set_new(facts, "service.protected",
			    json_boolean(plan->is_protected));
	if (profile && profile->health)
		json_object_set(facts, "service.health", profile->health);
	else
		json_object_set_new(facts, "service.health", json_array());
}

/* What the site says no project can take back. */
int
survey_check_service(const struct site *site, const struct project *project,
		    const char *service, struct err *err)
{
	if (site && site->only_named)
		return project_check_named(project, service, site->file, err);
	if (project->only_named)
		return project_check_named(project, service, project->file, err);
	return 0;
}

static int
find_target(struct draft *draft, const json_t *services, struct err *err)
{
	AUTO(strv) struct strv known = STRV_INIT;
	const char *name, *wanted = draft->order->service;
	json_t *detail;

	json_object_foreach ((json_t *)(uintptr_t)services, name, detail)
		strv_add(&known, name);
	for (size_t i = 0; !wanted && i < draft->pipeline->input_count; i++) {
		const struct pipeline_input *input = &draft->pipeline->inputs[i];

		if (input->type == INPUT_SERVICE &&
		    *json_text(draft->inputs, input->name))
			wanted = json_text(draft->inputs, input->name);
	}
	const char *target = project_target(draft->project, &known, wanted,
					    draft->instruction, err);
	if (!target ||
	    project_check_spelling(draft->project, &known, target, err) < 0 ||
	    survey_check_service(draft->site, draft->project, target, err) < 0)
		return -1;
	free(draft->plan->service);
	draft->plan->service = x_strdup(target);
	for (size_t i = 0; i < draft->pipeline->input_count; i++)
		if (draft->pipeline->inputs[i].type == INPUT_SERVICE)
			json_object_set_new(draft->inputs,
					    draft->pipeline->inputs[i].name,
					    json_string(target));
	add_service_facts(draft, json_object_get(services, target));
	return 0;
}

static void
set_project_fact(json_t *facts, const char *name, json_t *value)
{
	AUTO_FREE char *fact = x_asprintf("project.%s", name);

	json_object_set(facts, fact, value);
}

json_t *
survey_now(struct engine *engine, const struct plan *plan, const json_t *secrets,
	   struct err *err)
{
	struct draft look = { .engine = engine,
			      .plan = (struct plan *)(uintptr_t)plan,
			      .directory = plan->workspace,
			      .secrets = (json_t *)(uintptr_t)secrets };
	AUTO(reply) struct reply reply = { 0 };
	json_t *facts = json_object(), *value;
	const char *name;
	int failed = ask_project(&look, &reply, err);

	str_done(&look.project_log); /* the same as that of the plan */
	if (failed == 0 && reply.result != REPLY_OK) {
		*err = reply.err;
		failed = -1;
	}
	if (failed) {
		json_decref(facts);
		return NULL;
	}
	json_object_foreach(reply.outputs, name, value)
		set_project_fact(facts, name, value);
	json_object_set(facts, "project.service",
			json_object_get(json_object_get(reply.outputs, "services"),
					plan->service));
	return facts;
}

int
survey_project(struct draft *draft, struct err *err)
{
	AUTO(reply) struct reply reply = { 0 };
	const char *name;
	json_t *value;

	add_project_facts(draft);
	if (ask_project(draft, &reply, err) < 0)
		return -1;
	if (reply.result != REPLY_OK) {
		*err = reply.err;
		return -1;
	}
	json_object_foreach(reply.outputs, name, value)
		set_project_fact(draft->plan->facts, name, value);
	const json_t *services = json_object_get(reply.outputs, "services");
	if (!json_is_object(services))
		return err_set(err, "project.services",
			       "the project step named no services");
	return find_target(draft, services, err);
}

/* What the jail makes of a step's flags: only steps with the same share one. */
#define JAIL_FLAGS FETTLE_WORKSPACE_WRITE

/* Steps whose check() is asked in one host. */
struct batch {
	const struct plan_step *steps[CHECKS_AT_ONCE];
	size_t count;
	json_t *modules;
};

static void
batch_done(struct batch *batch)
{
	json_decref(batch->modules);
	*batch = (struct batch){ .modules = NULL };
}

static void
batch_add(struct batch *batch, const struct plan_step *step, json_t *params,
	  json_t *unknown)
{
	json_t *module = module_request(step->module_path, step->module_sha256, params,
					unknown);

	json_object_set_new(module, "step", json_string(step->id));
	if (!batch->modules)
		batch->modules = json_array();
	json_array_append_new(batch->modules, module);
	batch->steps[batch->count++] = step;
}

static char *
check_name(const struct plan_step *step)
{
	return x_asprintf("check of step '%s' (%s)", step->id, step->uses);
}

/* The first that could not work. */
static int
understand_checks(const struct batch *batch, const struct reply *reply, struct err *err)
{
	const json_t *checked;
	size_t i;

	json_array_foreach (reply->checked, i, checked) {
		size_t index = (size_t)json_int_or(checked, "module", 0);
		struct reply one = { 0 };

		if (index >= batch->count)
			continue;
		AUTO_FREE char *what = check_name(batch->steps[index]);
		reply_of_check(checked, what, &one);
		if (one.result == REPLY_OK || one.result == REPLY_NOOP)
			continue;
		*err = one.err;
		return -1;
	}
	if (reply->result == REPLY_OK || reply->result == REPLY_NOOP)
		return 0;
	*err = reply->err;
	i = json_array_size(reply->checked);
	if (batch->count > 1 && i < batch->count) {
		AUTO_FREE char *what = check_name(batch->steps[i]);

		err_context(err, "%s", what);
	}
	return -1;
}

static int
batch_ask(struct batch *batch, struct draft *draft, const json_t *now, struct err *err)
{
	AUTO(json_ref)
	json_t *facts = plan_facts(draft->engine, draft->plan, "planning");
	AUTO(reply) struct reply reply = { 0 };
	const struct plan_step *first = batch->steps[0];

	if (batch->count == 0)
		return 0;
	AUTO_FREE char *what = batch->count == 1 ? check_name(first) :
						   x_strdup("the check of the steps");
	if (now)
		json_object_update(facts, (json_t *)(uintptr_t)now);
	struct inquiry inquiry = { .engine = draft->engine,
				   .call = "check",
				   .what = what,
				   .modules = batch->modules,
				   .run = "planning",
				   .step = first->id,
				   .attempt = 1,
				   .workspace = draft->directory,
				   .flags = batch->count == 1 ?
						    first->flags :
						    first->flags & JAIL_FLAGS,
				   .facts = facts,
				   .secrets = draft->secrets,
				   .timeout_ms = CHECK_TIMEOUT_MS * batch->count,
				   .each_ms = CHECK_TIMEOUT_MS,
				   .lock_fd = -1,
				   .cancel_fd = draft->engine->cancel_fd,
				   .log = keep_log,
				   .tick = pass_tick,
				   .self = draft };
	if (inquiry_ask(&inquiry, &reply, err) < 0 ||
	    understand_checks(batch, &reply, err) < 0)
		return -1;
	batch_done(batch);
	return 0;
}

static bool
batch_takes(const struct batch *batch, const struct plan_step *step)
{
	return batch->count == 0 ||
	       (batch->count < CHECKS_AT_ONCE &&
		(batch->steps[0]->flags & JAIL_FLAGS) == (step->flags & JAIL_FLAGS));
}

/* What the engine can tell itself, and the module when it has something to say. */
static int
check_step(struct draft *draft, struct batch *batch, const struct plan_step *step,
	   const json_t *now, struct err *err)
{
	AUTO(json_ref) json_t *params = NULL;
	AUTO(json_ref) json_t *unknown = NULL;
	/* What the inputs and the project say is known; what steps will say is not. */
	struct run nothing_yet = { .engine = draft->engine,
				   .mode = RUN_PREVIEW,
				   .plan = draft->plan,
				   .secrets = draft->secrets,
				   .claim = { .run = "planning" } };

	if (installed_check(step, err) < 0 ||
	    scope_params(&nothing_yet, step, &params, &unknown, err) < 0)
		return -1;
	if (!(step->callbacks & CALLBACK_CHECK))
		return 0;
	if (!batch_takes(batch, step) && batch_ask(batch, draft, now, err) < 0)
		return -1;
	batch_add(batch, step, params, unknown);
	return 0;
}

static int
check_steps(struct draft *draft, const json_t *now, struct err *err)
{
	AUTO(batch) struct batch batch = { .count = 0 };

	for (size_t i = 0; i < draft->plan->step_count; i++)
		if (check_step(draft, &batch, &draft->plan->steps[i], now, err) < 0)
			return -1;
	return batch_ask(&batch, draft, now, err);
}

int
survey_checks(struct draft *draft, struct err *err)
{
	return check_steps(draft, NULL, err);
}

int
survey_checks_again(struct engine *engine, const struct plan *plan,
		    const json_t *secrets, const json_t *now, struct err *err)
{
	struct draft look = { .engine = engine,
			      .plan = (struct plan *)(uintptr_t)plan,
			      .directory = plan->workspace,
			      .secrets = (json_t *)(uintptr_t)secrets };
	int failed = check_steps(&look, now, err);

	str_done(&look.project_log); /* what is worth knowing is in err */
	return failed;
}
