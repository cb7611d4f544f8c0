/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The check over a whole plan: what one step says about another. Everything
 * found here would otherwise be found in the middle of a repair.
 */
#include "base/base.h"

#include "model/plan.h"

#include <assert.h>
#include <stdarg.h>

#include <fettle/plugin.h>

#include "model/expr.h"

/* One value under the glass: whose it is and where it stands. */
struct check {
	const struct plan *plan;
	const struct pipeline *pipeline;
	const json_t *secrets;
	struct strv undone;	/* effects that steps of on_failure undo */
	size_t step;
	bool is_env;
};

/* ---- references ------------------------------------------------------------ */

/* Whether the step looked at may read outputs of the j-th. */
static bool
can_read(const struct check *c, size_t j)
{
	enum section here = c->plan->steps[c->step].section;
	enum section there = c->plan->steps[j].section;

	if (here == there)
		return j < c->step;
	return there == SECTION_STEPS;
}

/* NAME of the table, or NAME.MEMBER... of one that is a map or JSON. */
static bool
has_output(const struct plan_step *step, const char *name)
{
	const struct description *d = step->description;
	size_t len = strcspn(name, ".");

	for (size_t i = 0; i < d->output_count; i++) {
		const struct description_param *output = &d->outputs[i];

		if (strlen(output->name) == len &&
		    strncmp(output->name, name, len) == 0)
			return name[len] == '\0' || output->type == FETTLE_MAP ||
			       output->type == FETTLE_JSON;
	}
	return false;
}

/* Every name that would have been right here. */
static void
list_names(const struct check *c, struct strv *ret)
{
	const struct plan *plan = c->plan;
	const char *name;
	json_t *value;

	for (size_t i = 0; i < c->pipeline->input_count; i++)
		strv_addf(ret, "inputs.%s", c->pipeline->inputs[i].name);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct description *d = plan->steps[i].description;

		if (can_read(c, i))
			strv_addf(ret, "steps.%s.state", plan->steps[i].id);
		for (size_t j = 0; can_read(c, i) && j < d->output_count; j++)
			strv_addf(ret, "steps.%s.outputs.%s", plan->steps[i].id,
				  d->outputs[j].name);
	}
	if (c->is_env)
		json_object_foreach ((json_t *)c->secrets, name, value)
			strv_addf(ret, "secrets.%s", name);
	if (pipeline_has_input(c->pipeline, INPUT_SERVICE)) {
		strv_add(ret, "service.name");
		strv_add(ret, "project.name");
		strv_add(ret, "project.directory");
	}
	strv_add(ret, "run.id");
}

static int PRINTF_LIKE(4, 5) name_err(const struct check *c, const char *name,
				      struct err *err, const char *fmt, ...)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	char why[300];
	const char *near;
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	list_names(c, &names);
	near = strv_nearest(&names, name);
	if (near != NULL)
		err_set(err, "template.name", "'${{ %s }}': %s, did you mean '%s'?",
			name, why, near);
	else
		err_set(err, "template.name", "'${{ %s }}': %s", name, why);
	for (size_t i = 0; i < names.count && list.len < 500; i++)
		str_addf(&list, "%s%s", i > 0 ? ", " : "", names.v[i]);
	return err_remedy(err, "names here are: %s", str_get(&list));
}

static int
check_input(const struct check *c, const char *name, const char *input, struct err *err)
{
	size_t len = strcspn(input, ".");

	for (size_t i = 0; i < c->pipeline->input_count; i++) {
		const struct pipeline_input *known = &c->pipeline->inputs[i];
		bool has_members =
			known->type == INPUT_MAP || known->type == INPUT_JSON;

		if (strlen(known->name) == len &&
		    strncmp(known->name, input, len) == 0 &&
		    (input[len] == 0 || has_members))
			return 0;
	}
	return name_err(c, name, err, "the pipeline declares no such input");
}

/* `ID.outputs.NAME`, `ID.state` */
static int
check_step_name(const struct check *c, const char *name, const char *rest,
		struct err *err)
{
	static const char middle[] = ".outputs.";
	const char *dot = strchr(rest, '.');
	AUTO_FREE char *id = x_strndup(rest, strcspn(rest, "."));
	const struct plan_step *step = plan_find_step(c->plan, id);

	if (dot == NULL || (!str_eq(dot, ".state") && !str_starts(dot, middle)))
		return name_err(c, name, err,
				"what a step gives is named steps.ID.outputs.NAME or "
				"steps.ID.state");
	if (step == NULL)
		return name_err(c, name, err, "there is no step '%s'", id);
	if (!can_read(c, (size_t)(step - c->plan->steps)))
		return name_err(c, name, err, "step '%s' does not run before this one",
				id);
	if (str_eq(dot, ".state"))
		return 0;
	if (!has_output(step, dot + strlen(middle)))
		return name_err(c, name, err, "'%s' has no output '%s'", step->uses,
				dot + strlen(middle));
	return 0;
}

static int
check_secret(const struct check *c, const char *name, const char *secret,
	     struct err *err)
{
	if (!c->is_env) {
		err_set(err, "template.secret",
			"'${{ %s }}': secrets are given in 'env' only", name);
		return err_remedy(err,
				  "write `env: { %s: \"${{ %s }}\" }`: what stands "
				  "elsewhere is stored and shown",
				  secret, name);
	}
	if (json_object_get(c->secrets, secret) != NULL)
		return 0;
	return name_err(c, name, err, "fettle.yaml has no such secret");
}

static int
check_name(void *self, const char *name, struct err *err)
{
	const struct check *c = self;

	if (str_starts(name, "inputs."))
		return check_input(c, name, name + 7, err);
	if (str_starts(name, "steps."))
		return check_step_name(c, name, name + 6, err);
	if (str_starts(name, "secrets."))
		return check_secret(c, name, name + 8, err);
	/* A pipeline with a service has a project; one without does without it. */
	if (str_eq(name, "service.name") || str_eq(name, "project.name") ||
	    str_eq(name, "project.directory")) {
		if (pipeline_has_input(c->pipeline, INPUT_SERVICE))
			return 0;
		return name_err(c, name, err,
				"the pipeline has no input of type service");
	}
	if (str_eq(name, "run.id"))
		return 0;
	return name_err(c, name, err, "there is no such name");
}

/* Walks value and node together, so that an error stands at the very entry. */
static int
check_value(struct check *c, const json_t *value, const struct node *node,
	    struct err *err)
{
	const struct node *below;
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value)) {
		if (expr_each(value, check_name, c, err) < 0)
			return node_at(node, c->pipeline->file, err);
		return 0;
	}
	json_array_foreach (value, i, item) {
		below = node->kind == NODE_SEQUENCE && i < node->count ? node->items[i]
								       : node;
		if (check_value(c, item, below, err) < 0)
			return -1;
	}
	json_object_foreach ((json_t *)value, key, item) {
		below = node_find(node, key);
		if (check_value(c, item, below ? below : node, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- steps ---------------------------------------------------------------------- */

/* The pipeline's own `env:` is part of every step's. */
static int
check_env(struct check *c, const struct plan_step *step, const struct node *node,
	  struct err *err)
{
	const struct node *own, *shared;
	const char *name;
	json_t *value;
	int result = 0;

	if (step->env == NULL)
		return 0;
	own = node_find(node, "env");
	shared = node_find(c->pipeline->root, "env");
	c->is_env = true;
	json_object_foreach (step->env, name, value) {
		const struct node *at = own ? node_find(own, name) : NULL;

		if (at == NULL && shared != NULL)
			at = node_find(shared, name);
		result = check_value(c, value, at ? at : node, err);
		if (result < 0)
			break;
	}
	c->is_env = false;
	return result;
}

static int
no_such_secret(const struct check *c, const char *wanted, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	const char *near, *name;
	json_t *value;

	json_object_foreach ((json_t *)c->secrets, name, value)
		strv_add(&names, name);
	near = strv_nearest(&names, wanted);
	err_set(err, "secret.unknown", "fettle.yaml has no secret '%s'%s%s%s", wanted,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	return err_remedy(err, "add it under 'secrets:' of fettle.yaml");
}

/* Parameters of type SECRET name a secret of the project. */
static int
check_secret_params(const struct check *c, const struct plan_step *step,
		    const struct node *node, struct err *err)
{
	const struct description *d = step->description;

	for (size_t i = 0; i < d->param_count; i++) {
		const struct node *with, *at;
		const char *wanted;

		if (d->params[i].type != FETTLE_SECRET)
			continue;
		wanted = json_text(step->with, d->params[i].name);
		if (*wanted == 0 || json_object_get(c->secrets, wanted) != NULL)
			continue;
		no_such_secret(c, wanted, err);
		with = node_find(node, "with");
		at = with ? node_find(with, d->params[i].name) : NULL;
		return node_at(at ? at : node, c->pipeline->file, err);
	}
	return 0;
}

static void
collect_undone(const struct plan *plan, struct strv *ret)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct strv *undoes = &plan->steps[i].description->undoes;

		for (size_t j = 0; j < undoes->count; j++)
			if (plan->steps[i].section == SECTION_ON_FAILURE &&
			    !strv_has(ret, undoes->v[j]))
				strv_add(ret, undoes->v[j]);
	}
}

/* What is done outside of `steps` is done too late for on_failure to undo it. */
static int
check_effects(const struct check *c, const struct plan_step *step,
	      const struct node *node, struct err *err)
{
	AUTO(strv) struct strv effects = STRV_INIT;

	description_effects(step->description, step->with, &effects);
	for (size_t i = 0; i < effects.count && !step->is_irreversible; i++) {
		const char *effect = effects.v[i];
		const struct node *uses = node_find(node, "uses");

		if (step->section == SECTION_STEPS && strv_has(&c->undone, effect))
			continue;
		if (step->section == SECTION_STEPS)
			node_err(uses, c->pipeline->file, err, "effect.no_undo",
				 "step '%s' causes an effect '%s' that no step of "
				 "on_failure undoes",
				 step->id, effect);
		else
			node_err(uses, c->pipeline->file, err, "effect.no_undo",
				 "step '%s' of %s causes an effect '%s' that nothing "
				 "undoes any more",
				 step->id, section_name(step->section), effect);
		return err_remedy(err,
				  "add a step to on_failure that undoes '%s', or say "
				  "`irreversible: true` here",
				  effect);
	}
	return 0;
}

static int
check_place(const struct check *c, const struct plan_step *step,
	    const struct node *node, struct err *err)
{
	if (step->stage == FETTLE_ROLLBACK && step->section != SECTION_ON_FAILURE) {
		node_err(node_find(node, "uses"), c->pipeline->file, err,
			 "pipeline.rollback",
			 "step '%s' rolls back: it may stand in on_failure only",
			 step->id);
		return err_remedy(err, "move it to on_failure");
	}
	if ((step->flags & (FETTLE_WORKSPACE_WRITE | FETTLE_GIT_WRITE)) &&
	    pipeline_has_input(c->pipeline, INPUT_SERVICE)) {
		node_err(node_find(node, "uses"), c->pipeline->file, err,
			 "step.workspace_write",
			 "'%s' writes the workspace itself, which no step of a "
			 "service's pipeline may do",
			 step->uses);
		return err_remedy(err, "use it in a pipeline without an input of type "
				       "service");
	}
	return 0;
}

/* What a step has changed stands, so its failure is always the run's. */
static int
check_course(struct check *c, const struct plan_step *step, const struct node *node,
	     struct err *err)
{
	const struct formula *parsed = c->pipeline->steps[c->step].parsed;
	AUTO(strv) struct strv effects = STRV_INIT;
	const struct node *at;
	bool has_retry = step->retry.attempts > 0;

	if (parsed != NULL && expr_each_in_condition(parsed, check_name, c, err) < 0) {
		at = node_find(node, "if");
		return node_at(at ? at : node, c->pipeline->file, err);
	}
	if (!has_retry && !step->continue_on_error)
		return 0;
	description_effects(step->description, step->with, &effects);
	if (effects.count == 0 && step->stage != FETTLE_PATCH)
		return 0;
	at = node_find(node, has_retry ? "retry" : "continue_on_error");
	node_err(at ? at : node, c->pipeline->file, err, "step.effects",
		 "step '%s' changes something: '%s' would leave it half done", step->id,
		 has_retry ? "retry" : "continue_on_error");
	return err_remedy(err, "leave the key out: when the step fails, the run fails "
			       "and what it changed is undone");
}

static int
check_step(struct check *c, struct err *err)
{
	const struct plan_step *step = &c->plan->steps[c->step];
	const struct node *node = c->pipeline->steps[c->step].node;
	const struct node *with = c->pipeline->steps[c->step].with;

	if (check_value(c, step->with, with ? with : node, err) < 0 ||
	    check_env(c, step, node, err) < 0 ||
	    check_secret_params(c, step, node, err) < 0 ||
	    check_course(c, step, node, err) < 0 ||
	    check_place(c, step, node, err) < 0)
		return -1;
	return check_effects(c, step, node, err);
}

/* ---- policies ---------------------------------------------------------------- */

static int
check_policy(const struct check *c, size_t i, struct err *err)
{
	const struct pipeline_policy *written = &c->pipeline->policies[i];
	const char *name;
	json_t *value;

	json_object_foreach (c->plan->policies[i].with, name, value) {
		const struct node *at =
			written->with ? node_find(written->with, name) : NULL;
		AUTO_FREE char *text = json_canonical(value);

		if (!expr_has(text))
			continue;
		node_err(at ? at : written->node, c->pipeline->file, err,
			 "template.position", "'%.80s': a policy takes no '${{ }}'",
			 text);
		return err_remedy(err, "write the value itself: a policy must not "
				       "depend on what it judges");
	}
	return 0;
}

int
plan_check(const struct plan *plan, const struct pipeline *pipeline,
	   const json_t *secrets, struct err *err)
{
	struct check c = { .plan = plan, .pipeline = pipeline, .secrets = secrets };

	int result = 0;

	assert(plan->step_count == pipeline->step_count);
	for (size_t i = 0; i < plan->policy_count && i < pipeline->policy_count; i++)
		if (check_policy(&c, i, err) < 0)
			return -1;
	collect_undone(plan, &c.undone);
	for (; result == 0 && c.step < plan->step_count; c.step++)
		result = check_step(&c, err);
	strv_done(&c.undone);
	return result;
}
