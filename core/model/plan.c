/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plans to canonical JSON and back. What is not in the JSON is not in the
 * plan: a run reads its own plan back before it does anything.
 */
#include "base/base.h"

#include "model/plan.h"

#include <assert.h>

#include "base/sha256.h"

/* ---- to JSON --------------------------------------------------------------- */

/* Each of these: `name` is written as it stands, with its quotes and colon. */
static void
add_json(struct str *out, const char *name, const json_t *value)
{
	str_add(out, name);
	if (value != NULL)
		json_add(out, value);
	else
		str_add(out, "null");
}

/* Takes the reference. */
static void
add_new(struct str *out, const char *name, json_t *value)
{
	add_json(out, name, value);
	json_decref(value);
}

/* What comes from elsewhere than a file that was read may be no UTF-8. */
static void
add_text(struct str *out, const char *name, const char *text)
{
	text = text != NULL ? text : "";
	add_new(out, name, json_string_lossy(text, strlen(text)));
}

/* Of a file that was read, which is UTF-8. */
static void
add_known(struct str *out, const char *name, const char *text)
{
	str_add(out, name);
	json_add_text(out, text);
}

static void
add_ms(struct str *out, const char *name, uint64_t ms)
{
	str_add(out, name);
	json_add_integer(out, (int64_t)ms);
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	text = text != NULL ? text : "";
	json_object_set_new(object, key, json_string_lossy(text, strlen(text)));
}

static json_t *
module_json(const struct plan_module *module)
{
	json_t *json = json_object();

	set_text(json, "path", module->path);
	set_text(json, "sha256", module->sha256);
	json_object_set(json, "description", module->description->json);
	return json;
}

static json_t *
modules_json(const struct plan *plan)
{
	json_t *json = json_object();

	for (size_t i = 0; i < plan->module_count; i++)
		json_object_set_new(json, plan->modules[i]->uses,
				    module_json(plan->modules[i]));
	return json;
}

static void
add_policy(struct str *out, const struct plan_policy *policy)
{
	add_ms(out, "{\"flags\":", policy->flags);
	add_text(out, ",\"module_path\":", policy->module_path);
	add_text(out, ",\"module_sha256\":", policy->module_sha256);
	if (policy->is_of_site)
		str_add(out, ",\"site\":true");
	add_ms(out, ",\"stages\":", policy->stages);
	add_text(out, ",\"uses\":", policy->uses);
	add_json(out, ",\"with\":", policy->with);
	str_add_c(out, '}');
}

/* What a step does not say is left out; steps are many. */
static void
add_step(struct str *out, const struct plan_step *step)
{
	str_add_c(out, '{');
	if (step->continue_on_error)
		str_add(out, "\"continue_on_error\":true,");
	if (step->env != NULL) {
		add_json(out, "\"env\":", step->env);
		str_add_c(out, ',');
	}
	add_known(out, "\"id\":", step->id);
	add_ms(out, ",\"idle_timeout_ms\":", step->idle_timeout_ms);
	if (step->condition != NULL)
		add_known(out, ",\"if\":", step->condition);
	if (step->is_irreversible)
		str_add(out, ",\"irreversible\":true");
	if (step->retry.attempts > 0)
		add_new(out, ",\"retry\":", retry_json(&step->retry));
	add_known(out, ",\"section\":", section_name(step->section));
	add_known(out, ",\"stage\":", stage_name(step->stage));
	add_ms(out, ",\"timeout_ms\":", step->timeout_ms);
	add_known(out, ",\"uses\":", step->uses);
	add_json(out, ",\"with\":", step->with);
	str_add_c(out, '}');
}

static void
add_lists(struct str *out, const struct plan *plan)
{
	str_add(out, ",\"policies\":[");
	for (size_t i = 0; i < plan->policy_count; i++) {
		str_add(out, i > 0 ? "," : "");
		add_policy(out, &plan->policies[i]);
	}
	str_add(out, plan->is_protected ? "],\"protected\":true"
					: "],\"protected\":false");
	if (plan_rolls_back(plan))
		add_known(out, ",\"rolls_back\":", plan->rolls_back);
	if (plan->rounds > 1)
		add_ms(out, ",\"rounds\":", plan->rounds);
	add_text(out, ",\"service\":", plan->service);
	str_add(out, ",\"steps\":[");
	for (size_t i = 0; i < plan->step_count; i++) {
		str_add(out, i > 0 ? "," : "");
		add_step(out, &plan->steps[i]);
	}
	str_add_c(out, ']');
}

/* The names stand in the order of canonical JSON. */
void
plan_freeze(struct plan *plan)
{
	struct str out = STR_INIT;

	add_json(&out, "{\"allow\":", plan->allow);
	add_json(&out, ",\"facts\":", plan->facts);
	str_add(&out, ",\"fettle\":1,\"generated_at_ms\":");
	json_add_integer(&out, plan->generated_at_ms);
	add_text(&out, ",\"generated_by\":", plan->generated_by);
	add_json(&out, ",\"inputs\":", plan->inputs);
	add_text(&out, ",\"instruction\":", plan->instruction);
	add_new(&out, ",\"modules\":", modules_json(plan));
	add_text(&out, ",\"pipeline\":", plan->pipeline);
	add_text(&out, ",\"pipeline_sha256\":", plan->pipeline_sha256);
	add_lists(&out, plan);
	add_text(&out, ",\"workspace\":", plan->workspace);
	str_add_c(&out, '}');
	sha256_hex(out.s, out.len, plan->sha256);
	json_decref(plan->json);
	plan->json = NULL;
	free(plan->text);
	plan->text = str_take(&out);
}

/* The text is our own: no limit is due. */
json_t *
plan_json(struct plan *plan)
{
	if (plan->json == NULL)
		plan->json = json_loads(plan->text, JSON_ALLOW_NUL, NULL);
	assert(plan->json != NULL);
	return plan->json;
}

/* ---- from JSON --------------------------------------------------------------- */

static char *
take_text(const json_t *json, const char *key)
{
	return x_strdup(json_text(json, key));
}

/* A member, or NULL for JSON null. New reference. */
static json_t *
take_json(const json_t *json, const char *key)
{
	json_t *value = json_object_get(json, key);

	return json_is_null(value) ? NULL : json_incref(value);
}

static int
find_section(const char *name, enum section *ret)
{
	for (int section = 0; section < SECTION_COUNT; section++)
		if (str_eq(section_name((enum section)section), name)) {
			*ret = (enum section)section;
			return 0;
		}
	return -1;
}

static int
read_modules(struct plan *plan, const json_t *modules, struct err *err)
{
	const char *uses;
	json_t *json;

	json_object_foreach ((json_t *)modules, uses, json) {
		struct description *d =
			description_new(json_object_get(json, "description"), err);

		if (d == NULL)
			return -1;
		(void)plan_add_module(plan, uses, json_text(json, "path"),
				      json_text(json, "sha256"), d);
	}
	return 0;
}

static int
read_step(struct plan *plan, const json_t *json, struct err *err)
{
	const struct plan_module *module =
		plan_find_module(plan, json_text(json, "uses"));
	struct plan_step *step = &plan->steps[plan->step_count++];
	const json_t *condition = json_object_get(json, "if");
	const json_t *retry = json_object_get(json, "retry");

	step->id = plan_copy(plan, json_text(json, "id"));
	if (module == NULL)
		return err_set(err, "plan.corrupt", "step '%s' uses no module",
			       step->id);
	step->uses = module->uses;
	step->module_path = module->path;
	step->module_sha256 = module->sha256;
	step->description = module->description;
	step->stage = module->description->stages;
	step->flags = module->description->flags;
	step->callbacks = module->description->callbacks;
	step->is_irreversible = json_flag(json, "irreversible");
	step->with = take_json(json, "with");
	step->env = take_json(json, "env");
	step->timeout_ms = (uint64_t)json_int_or(json, "timeout_ms", 0);
	step->idle_timeout_ms = (uint64_t)json_int_or(json, "idle_timeout_ms", 0);
	if (json_is_string(condition))
		step->condition = plan_copy(plan, json_string_value(condition));
	step->continue_on_error = json_flag(json, "continue_on_error");
	if (retry != NULL && retry_parse(retry, &step->retry, err) < 0)
		return -1;
	if (find_section(json_text(json, "section"), &step->section) < 0)
		return err_set(err, "plan.corrupt", "step '%s' stands in no section",
			       step->id);
	(void)map_add(&plan->by_id, step->id, step);
	return 0;
}

static void
read_policy(struct plan_policy *policy, const json_t *json)
{
	policy->uses = take_text(json, "uses");
	policy->module_path = take_text(json, "module_path");
	policy->module_sha256 = take_text(json, "module_sha256");
	policy->stages = (uint32_t)json_int_or(json, "stages", 0);
	policy->flags = (uint32_t)json_int_or(json, "flags", 0);
	policy->with = take_json(json, "with");
	policy->is_of_site = json_flag(json, "site");
}

static int
read_plan(struct plan *plan, struct err *err)
{
	const json_t *steps = json_object_get(plan->json, "steps");
	const json_t *policies = json_object_get(plan->json, "policies");
	const json_t *modules = json_object_get(plan->json, "modules");
	json_t *item;
	size_t i;

	if (json_int_or(plan->json, "fettle", 0) != 1 || !json_is_array(steps) ||
	    !json_is_array(policies) || !json_is_object(modules))
		return err_set(err, "plan.corrupt",
			       "the stored plan is of no known form");
	plan->pipeline = take_text(plan->json, "pipeline");
	plan->pipeline_sha256 = take_text(plan->json, "pipeline_sha256");
	plan->instruction = take_text(plan->json, "instruction");
	plan->service = take_text(plan->json, "service");
	plan->workspace = take_text(plan->json, "workspace");
	plan->rolls_back = take_text(plan->json, "rolls_back");
	plan->generated_by = take_text(plan->json, "generated_by");
	plan->generated_at_ms = json_int_or(plan->json, "generated_at_ms", 0);
	plan->inputs = take_json(plan->json, "inputs");
	plan->allow = take_json(plan->json, "allow");
	plan->facts = take_json(plan->json, "facts");
	plan->rounds = (uint32_t)json_int_or(plan->json, "rounds", 1);
	plan->is_protected = json_flag(plan->json, "protected");
	plan->steps = x_calloc(json_array_size(steps) + 1, sizeof(*plan->steps));
	map_reserve(&plan->by_id, json_array_size(steps));
	plan->policies =
		x_calloc(json_array_size(policies) + 1, sizeof(*plan->policies));
	json_array_foreach (policies, i, item)
		read_policy(&plan->policies[plan->policy_count++], item);
	if (read_modules(plan, modules, err) < 0)
		return -1;
	json_array_foreach (steps, i, item)
		if (read_step(plan, item, err) < 0)
			return -1;
	return 0;
}

struct plan *
plan_parse(const char *text, const char *want_sha256, struct err *err)
{
	struct plan *plan = x_calloc(1, sizeof(*plan));

	plan->json = json_parse(text, strlen(text), err);
	if (plan->json == NULL) {
		err_context(err, "the stored plan");
		snprintf(err->code, sizeof(err->code), "plan.corrupt");
		plan_free(plan);
		return NULL;
	}
	plan->text = json_canonical(plan->json);
	sha256_hex(plan->text, strlen(plan->text), plan->sha256);
	if (!str_eq(plan->sha256, want_sha256)) {
		err_set(err, "plan.corrupt",
			"the stored plan has SHA-256 %s instead of %s", plan->sha256,
			want_sha256);
		err_remedy(err, "the store was changed from outside: do not trust this "
				"run");
	} else if (read_plan(plan, err) == 0) {
		return plan;
	}
	plan_free(plan);
	return NULL;
}

/* ---- the rest ------------------------------------------------------------------- */

static void
module_free(struct plan_module *module)
{
	free(module->uses);
	free(module->path);
	free(module->sha256);
	description_free(module->description);
	free(module);
}

static void
step_done(struct plan_step *step)
{
	json_decref(step->with);
	json_decref(step->env);
}

static void
policy_done(struct plan_policy *policy)
{
	free(policy->uses);
	free(policy->module_path);
	free(policy->module_sha256);
	json_decref(policy->with);
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	for (size_t i = 0; i < plan->step_count; i++)
		step_done(&plan->steps[i]);
	for (size_t i = 0; i < plan->policy_count; i++)
		policy_done(&plan->policies[i]);
	for (size_t i = 0; i < plan->module_count; i++)
		module_free(plan->modules[i]);
	map_done(&plan->by_id);
	free(plan->modules);
	free(plan->steps);
	free(plan->policies);
	free(plan->pipeline);
	free(plan->pipeline_sha256);
	free(plan->instruction);
	free(plan->service);
	free(plan->workspace);
	free(plan->rolls_back);
	free(plan->generated_by);
	json_decref(plan->inputs);
	json_decref(plan->allow);
	json_decref(plan->facts);
	json_decref(plan->json);
	free(plan->text);
	arena_done(&plan->texts);
	free(plan);
}

const struct plan_step *
plan_find_step(const struct plan *plan, const char *id)
{
	return map_find(&plan->by_id, id);
}
