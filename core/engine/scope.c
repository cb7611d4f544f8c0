/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and values of a run. See scope.h. */
#include "base/base.h"

#include "engine/scope.h"

#include <fettle/plugin.h>

#include "engine/draft.h"
#include "model/expr.h"
#include "model/program.h"

/* The member `a.b.c` of nested objects; a name with dots in it goes first. Borrowed. */
static json_t *
find_member(json_t *object, const char *path)
{
	json_t *value = json_object_get(object, path);
	const char *dot = strchr(path, '.');

	while (!value && dot && json_is_object(object)) {
		AUTO_FREE char *name = x_strndup(path, (size_t)(dot - path));

		object = json_object_get(object, name);
		path = dot + 1;
		value = json_object_get(object, path);
		dot = strchr(path, '.');
	}
	return value;
}

/* A step whose outputs the text needs and this process does not know, or NULL. */
static const char *
find_lost(const struct run *run, const char *text)
{
	for (size_t i = 0; i < run->lost.count; i++) {
		const char *id = run->lost.v[i];
		AUTO_FREE char *name = x_asprintf("steps.%s.outputs.", id);

		if (!json_object_get(run->outputs, id) && strstr(text, name))
			return id;
	}
	return NULL;
}

int
scope_refuse_lost(const struct run *run, const char *text, struct err *err)
{
	const char *lost = find_lost(run, text);

	if (!lost)
		return 0;
	err_set(err, "outputs_masked",
		"the outputs of step '%s' held a secret: they are stored without it, "
		"and the process that knew them is gone",
		lost);
	return err_remedy(err, "`fettle retry %s --from %s` makes them anew",
			  run->claim.run, lost);
}

/* `steps.ID.outputs.NAME`, `steps.ID.outputs.NAME.MEMBER` */
static json_t *
lookup_output(const struct run *run, const char *name)
{
	const char *id = name + strlen("steps.");
	size_t n = strcspn(id, ".");
	AUTO_FREE char *step = x_strndup(id, n);

	if (str_eq(id + n, ".state"))
		return json_incref(json_object_get(run->states, step));
	if (!str_starts(id + n, ".outputs."))
		return NULL;
	return json_incref(find_member(json_object_get(run->outputs, step),
				       id + n + strlen(".outputs.")));
}

static json_t *
lookup(void *self, const char *name)
{
	const struct run *run = self;

	if (str_starts(name, "inputs."))
		return json_incref(
			find_member(run->plan->inputs, name + strlen("inputs.")));
	if (str_starts(name, "steps."))
		return lookup_output(run, name);
	if (str_starts(name, "secrets."))
		return json_incref(
			json_object_get(run->secrets, name + strlen("secrets.")));
	/* What undoes a run knows its things by the id of that run. */
	if (str_eq(name, "run.id"))
		return json_string(plan_rolls_back(run->plan) ? run->plan->rolls_back :
								run->claim.run);
	return json_incref(json_object_get(run->plan->facts, name));
}

struct expr_scope
scope_names(struct run *run)
{
	return (struct expr_scope){ .lookup = lookup,
				    .self = run,
				    .has_failed = run->has_failed };
}

static const struct description_param *
find_param(const struct plan_step *step, const char *name)
{
	const struct description *d = step->description;

	for (size_t i = 0; i < d->param_count; i++)
		if (str_eq(d->params[i].name, name))
			return &d->params[i];
	return NULL;
}

int
scope_params(struct run *run, const struct plan_step *step, json_t **ret,
	     json_t **ret_unknown, struct err *err)
{
	const struct expr_scope scope = scope_names(run);
	AUTO(json_ref) json_t *params = json_object();
	AUTO(json_ref) json_t *unknown = json_array();
	const char *name;
	json_t *value;

	json_object_foreach (step->with, name, value) {
		AUTO(json_ref) json_t *expanded = NULL;
		const struct description_param *param = find_param(step, name);
		AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
		bool is_known = true;

		if (!text || !expr_has(text)) {
			json_object_set(params, name, value);
			continue;
		}
		if (scope_refuse_lost(run, text, err) < 0 ||
		    expr_expand(value, &scope, &expanded, &is_known, err) < 0)
			return err_context(err, "parameter '%s' of step '%s'", name,
					   step->id);
		if (!is_known || !param) {
			json_array_append_new(unknown, json_string(name));
			continue;
		}
		if ((param->flags & FETTLE_PROGRAM) &&
		    program_check_values(value, expanded, err) < 0)
			return err_context(err, "parameter '%s' of step '%s'", name,
					   step->id);
		json_t *typed = description_type_value(param, expanded, err);
		if (!typed)
			return err_context(err, "parameter '%s' of step '%s'", name,
					   step->id);
		json_object_set_new(params, name, typed);
	}
	*ret = STEAL(params);
	*ret_unknown = STEAL(unknown);
	return 0;
}

int
scope_env(struct run *run, const struct plan_step *step, json_t **ret, struct err *err)
{
	const struct expr_scope scope = scope_names(run);
	AUTO(json_ref) json_t *env = json_object();
	const char *name;
	json_t *value;

	json_object_foreach (step->env, name, value) {
		AUTO(json_ref) json_t *expanded = NULL;
		AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
		bool is_known = true;

		if ((text && scope_refuse_lost(run, text, err) < 0) ||
		    expr_expand(value, &scope, &expanded, &is_known, err) < 0)
			return err_context(err,
					   "environment variable '%s' of step '%s'",
					   name, step->id);
		if (!is_known && run->mode == RUN_CARRY_OUT)
			return err_set(err, "template.unknown",
				       "environment variable '%s' of "
				       "step '%s': its value is not known: an earlier "
				       "step gave "
				       "no such output",
				       name, step->id);
		if (json_is_string(expanded))
			json_object_set(env, name, expanded);
		else {
			AUTO_FREE char *flat =
				is_known ? json_canonical(expanded) : x_strdup("");

			json_object_set_new(env, name, json_string(flat));
		}
	}
	*ret = STEAL(env);
	return 0;
}

json_t *
scope_facts(const struct run *run)
{
	json_t *facts = plan_facts(run->engine, run->plan, run->claim.run);
	const char *id, *name;
	json_t *outputs, *value;

	/* A later round begins from what the one before made of the project. */
	if (run->now)
		json_object_update(facts, run->now);
	if (run->failure && run->failure->code[0]) {
		json_object_set_new(facts, "failure.code",
				    json_string(run->failure->code));
		json_object_set_new(facts, "failure.message",
				    json_string(run->failure->text));
	}
	json_object_foreach (run->outputs, id, outputs) {
		json_object_foreach (outputs, name, value) {
			AUTO_FREE char *fact =
				x_asprintf("steps.%s.outputs.%s", id, name);

			json_object_set(facts, fact, value);
		}
	}
	return facts;
}
