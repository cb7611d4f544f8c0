/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A frozen plan that is gone on with later: under policies and with modules that
 * may be other ones by then. Its text and hash stay those of what was frozen.
 */
#include "base/base.h"

#include "model/plan.h"

#include <fettle/plugin.h>

#include "base/sha256.h"
#include "model/expr.h"

/* ---- values that were typed for another version of the module ---- */

static const struct description_param *
find_param(const struct description *d, const char *name)
{
	for (size_t i = 0; i < d->param_count; i++)
		if (str_eq(d->params[i].name, name))
			return &d->params[i];
	return NULL;
}

/* A reference stays one; it is typed once it is known. */
static json_t *
type_again(const struct description_param *param, json_t *value, struct err *err)
{
	AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);

	if (text != NULL && expr_has(text))
		return json_incref(value);
	return description_type_value(param, value, err);
}

json_t *
plan_type_again(const struct description *d, const json_t *with, struct err *err)
{
	AUTO(json_ref) json_t *typed = json_object();
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)with, name, value) {
		const struct description_param *param = find_param(d, name);
		json_t *again = NULL;

		if (param != NULL)
			again = type_again(param, value, err);
		else
			err_set(err, "param.unknown",
				"'%s' has no parameter '%s' any more", d->name, name);
		if (again == NULL)
			return NULL;
		json_object_set_new(typed, name, again);
	}
	for (size_t i = 0; i < d->param_count; i++) {
		const struct description_param *param = &d->params[i];

		if (json_object_get(typed, param->name) != NULL)
			continue;
		if (param->preset_value != NULL) {
			json_object_set(typed, param->name, param->preset_value);
		} else if (param->flags & FETTLE_REQUIRED) {
			err_set(err, "param.required",
				"'%s' needs the parameter '%s' now", d->name,
				param->name);
			return NULL;
		}
	}
	return STEAL(typed);
}

/* ---- modules ---- */

/* Of two descriptions; one that is not there is empty. */
static bool
is_same_list(const struct description *a, const struct description *b, const char *key)
{
	const json_t *one = json_object_get(a->json, key);
	const json_t *other = json_object_get(b->json, key);

	return (json_array_size(one) == 0 && json_array_size(other) == 0) ||
	       json_equal(one, other);
}

static bool
has_output(const struct description *d, const char *name)
{
	for (size_t i = 0; i < d->output_count; i++)
		if (str_eq(d->outputs[i].name, name))
			return true;
	return false;
}

/* The plan was checked against these. */
static int
check_fits(const struct description *old, const struct description *now,
	   struct err *err)
{
	if (now->stages != old->stages || now->flags != old->flags)
		return err_set(err, "plan_stale", "it is of another stage or kind");
	if (!is_same_list(now, old, "effects") || !is_same_list(now, old, "undoes"))
		return err_set(err, "plan_stale", "its effects are others");
	for (size_t i = 0; i < old->output_count; i++)
		if (!has_output(now, old->outputs[i].name))
			return err_set(err, "plan_stale", "it gives no output '%s'",
				       old->outputs[i].name);
	return 0;
}

static struct plan_module *
find_module(struct plan *plan, const char *uses)
{
	for (size_t i = 0; i < plan->module_count; i++)
		if (str_eq(plan->modules[i]->uses, uses))
			return plan->modules[i];
	return NULL;
}

/* The parameters of all its steps, in the plan's order; NULL where it is not used. */
static int
type_steps(const struct plan *plan, const struct plan_module *module,
	   const struct description *d, json_t *ret, struct err *err)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];
		json_t *with = json_null();

		if (step->description == module->description &&
		    !(with = plan_type_again(d, step->with, err)))
			return err_context(err, "step '%s'", step->id);
		json_array_append_new(ret, with);
	}
	return 0;
}

static void
set_steps(struct plan *plan, const struct plan_module *module,
	  const struct description *old, const json_t *with)
{
	for (size_t i = 0; i < plan->step_count; i++) {
		struct plan_step *step = &plan->steps[i];

		if (step->description != old)
			continue;
		step->module_sha256 = module->sha256;
		step->module_path = module->path;
		step->description = module->description;
		step->callbacks = module->description->callbacks;
		json_decref(step->with);
		step->with = json_incref(json_array_get(with, i));
	}
}

int
plan_renew_module(struct plan *plan, const char *uses, const char *path,
		  const char *sha256, struct description *description, struct err *err)
{
	struct plan_module *module = find_module(plan, uses);
	struct description *old = module->description;
	AUTO(json_ref) json_t *with = json_array();

	if (check_fits(old, description, err) < 0 ||
	    type_steps(plan, module, description, with, err) < 0) {
		description_free(description);
		return -1;
	}
	free(module->path);
	free(module->sha256);
	module->path = x_strdup(path);
	module->sha256 = x_strdup(sha256);
	module->description = description;
	set_steps(plan, module, old, with);
	description_free(old);
	return 0;
}

/* ---- policies ---- */

void
plan_take_policies(struct plan *plan, struct plan *from)
{
	struct plan_policy *policies = plan->policies;
	size_t count = plan->policy_count;

	plan->policies = from->policies;
	plan->policy_count = from->policy_count;
	from->policies = policies;
	from->policy_count = count;
}

/* ---- all of it, to be compared ---- */

static void
set_hash(json_t *rules, const char *key, const json_t *value)
{
	char sha256[SHA256_HEX_SIZE];

	json_sha256(value, sha256);
	json_object_set_new(rules, key, json_string(sha256));
}

/* The same policy may be asked in two ways. */
static void
add_policy(json_t *rules, const struct plan_policy *policy)
{
	AUTO_FREE char *module = x_asprintf("policy:%s", policy->uses);
	const char *whose = policy->is_of_site ? "site" : "rules";
	AUTO(str) struct str key = STR_INIT;

	str_addf(&key, "%s:%s", whose, policy->uses);
	for (unsigned n = 2; json_object_get(rules, str_get(&key)); n++) {
		str_truncate(&key, 0);
		str_addf(&key, "%s:%s#%u", whose, policy->uses, n);
	}
	json_object_set_new(rules, module, json_string(policy->module_sha256));
	set_hash(rules, str_get(&key), policy->with);
}

json_t *
plan_rules(const struct plan *plan)
{
	json_t *rules = json_object();

	for (size_t i = 0; i < plan->module_count; i++) {
		AUTO_FREE char *key = x_asprintf("module:%s", plan->modules[i]->uses);

		json_object_set_new(rules, key, json_string(plan->modules[i]->sha256));
	}
	for (size_t i = 0; i < plan->policy_count; i++)
		add_policy(rules, &plan->policies[i]);
	if (plan->allow != NULL)
		set_hash(rules, "allow", plan->allow);
	json_object_set_new(rules, "protected",
			    json_string(plan->is_protected ? "yes" : "no"));
	return rules;
}
