/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table a module was built with, checked and as JSON. A module is written
 * by anybody: nothing of its table is believed.
 */
#include "base/base.h"
#include "host/module.h"

#include "base/str.h"

#define ALL_POLICY_FLAGS                                                               \
	((uint32_t)(FETTLE_JUDGES_EDITS_ONLY | FETTLE_JUDGES_CONTENT |                 \
		    FETTLE_JUDGES_HISTORY | FETTLE_JUDGES_VERDICTS))

#define CODE "plugin.description"
#define NAME_MAX_BYTES 80
#define TEXT_MAX_BYTES 4096
#define KINDS_MAX 32

static const char LOWER[] = "abcdefghijklmnopqrstuvwxyz";
static const char WORD[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
static const char DASHED[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

static bool
is_text(const char *text)
{
	size_t n = text ? strnlen(text, TEXT_MAX_BYTES + 1) : 0;

	return text && n <= TEXT_MAX_BYTES && utf8_is_valid(text, n);
}

/* [a-z][allowed]*, `n` bytes of it. */
static bool
is_word(const char *text, size_t n, const char *allowed)
{
	return n > 0 && n <= NAME_MAX_BYTES && strchr(LOWER, text[0]) &&
	       strspn(text, allowed) >= n;
}

/* `allow-list`, `build/compose`. */
static bool
is_module_name(const char *name)
{
	size_t first;

	if (!is_text(name) || strlen(name) > NAME_MAX_BYTES)
		return false;
	first = strcspn(name, "/");
	if (!is_word(name, first, DASHED))
		return false;
	return name[first] == '\0' ||
	       is_word(name + first + 1, strlen(name + first + 1), DASHED);
}

static int
check_param(const char *table, const struct fettle_param *param, struct err *err)
{
	const uint32_t program = FETTLE_COMMAND | FETTLE_INSTALLED;
	const uint32_t flags = FETTLE_REQUIRED | FETTLE_PROGRAM | program |
			       FETTLE_ENVIRONMENT;

	if (!is_text(param->name) || !is_word(param->name, strlen(param->name), WORD))
		return err_set(err, CODE, "an entry of its %s has no proper name",
			       table);
	if (param->type < FETTLE_BOOL || param->type > FETTLE_SECRET)
		return err_set(err, CODE, "'%s' of its %s has an unknown type",
			       param->name, table);
	if (param->flags & ~flags)
		return err_set(err, CODE, "'%s' of its %s has unknown flags",
			       param->name, table);
	if (param->flags & program &&
	    (param->type != FETTLE_LIST || !(param->flags & FETTLE_PROGRAM)))
		return err_set(err, CODE, "'%s' of its %s is a command, but no program",
			       param->name, table);
	if (param->flags & FETTLE_ENVIRONMENT && param->type != FETTLE_MAP)
		return err_set(err, CODE,
			       "'%s' of its %s is an environment, but no map",
			       param->name, table);
	if ((param->preset && !is_text(param->preset)) ||
	    (param->accept && !is_text(param->accept)) || !is_text(param->help))
		return err_set(err, CODE,
			       "'%s' of its %s has no help, or unreadable text",
			       param->name, table);
	return 0;
}

static json_t *
describe_params(const char *table, const struct fettle_param *params, uint32_t count,
		struct err *err)
{
	AUTO(json_ref) json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++) {
		const struct fettle_param *param = &params[i];

		if (check_param(table, param, err) < 0)
			return NULL;
		for (uint32_t j = 0; j < i; j++)
			if (str_eq(params[j].name, param->name)) {
				err_set(err, CODE, "'%s' is twice in its %s",
					param->name, table);
				return NULL;
			}
		json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:I, s:s?, s:s?, s:s}", "name",
				  param->name, "type", (json_int_t)param->type, "flags",
				  (json_int_t)param->flags, "preset", param->preset,
				  "accept", param->accept, "help", param->help));
	}
	return STEAL(list);
}

/* A kind ends where one of `ends` stands; what is behind it the engine reads. */
static json_t *
describe_kinds(const char *what, const char *const *kinds, const char *ends,
	       struct err *err)
{
	AUTO(json_ref) json_t *list = json_array();

	for (size_t i = 0; kinds && kinds[i]; i++) {
		if (i >= KINDS_MAX || !is_text(kinds[i]) ||
		    !is_word(kinds[i], strcspn(kinds[i], ends), DASHED)) {
			err_set(err, CODE, "entry %zu of its %s is no name", i, what);
			return NULL;
		}
		json_array_append_new(list, json_string(kinds[i]));
	}
	return STEAL(list);
}

static json_t *
describe_callbacks(const struct module *module)
{
	const struct fettle_step *step = &module->step;
	const struct {
		const char *name;
		bool is_there;
	} callbacks[] = {
		{ "check", step->check != NULL },
		{ "propose", step->propose != NULL },
		{ "run", step->run != NULL },
		{ "observe", step->observe != NULL },
		{ "judge", module->policy.judge != NULL },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(callbacks); i++)
		if (callbacks[i].is_there)
			json_array_append_new(list, json_string(callbacks[i].name));
	return list;
}

static int
check_step(const struct fettle_step *step, struct err *err)
{
	const uint32_t flags = FETTLE_NETWORK | FETTLE_DOCKER | FETTLE_REPEATABLE |
			       FETTLE_WORKSPACE_WRITE | FETTLE_GIT_WRITE;

	if (!step->stage || step->stage & (step->stage - 1) ||
	    step->stage & ~FETTLE_ALL_STAGES)
		return err_set(err, CODE,
			       "its stage is not exactly one of enum fettle_stage");
	if (step->flags & ~flags)
		return err_set(err, CODE,
			       "its flags are not all of enum fettle_step_flag");
	if (step->undoes && step->stage != FETTLE_ROLLBACK)
		return err_set(err, CODE,
			       "it undoes effects, but its stage is not ROLLBACK");
	if (!step->propose && !step->run)
		return err_set(err, CODE, "it has neither propose() nor run()");
	if (step->effects && step->effects[0] && (!step->propose || !step->run))
		return err_set(err, CODE,
			       "it causes effects, but lacks propose() or run()");
	return 0;
}

/* What it proposes is said in one place. */
static int
check_commands(const struct module *module, struct err *err)
{
	for (uint32_t i = 0; i < module->param_count; i++) {
		if (!(module->params[i].flags & FETTLE_COMMAND))
			continue;
		if (module->step.propose)
			return err_set(err, CODE,
				       "'%s' of its params is proposed as a command, "
				       "and it has propose() as well",
				       module->params[i].name);
		if (!module->step.run)
			return err_set(err, CODE,
				       "'%s' of its params is a command, but there is "
				       "no run()",
				       module->params[i].name);
	}
	return 0;
}

static int
check_policy(const struct fettle_policy *policy, struct err *err)
{
	if (!policy->stages || policy->stages & ~FETTLE_ALL_STAGES)
		return err_set(err, CODE, "its stages are not of enum fettle_stage");
	if (policy->flags & ~ALL_POLICY_FLAGS)
		return err_set(err, CODE,
			       "its flags are not of enum fettle_policy_flag");
	if (!policy->judge)
		return err_set(err, CODE, "it has no judge()");
	return 0;
}

static int
check_identity(const char *name, const char *version, const char *summary,
	       struct err *err)
{
	if (!is_module_name(name))
		return err_set(err, CODE, "its name is not like 'build/compose'");
	if (!is_text(version) || !is_text(summary) || !version[0] || !summary[0])
		return err_set(err, CODE, "it has no version or no summary");
	return 0;
}

static json_t *
describe_step(const struct module *module, struct err *err)
{
	const struct fettle_step *step = &module->step;
	AUTO(json_ref) json_t *effects = NULL;
	AUTO(json_ref) json_t *undoes = NULL;
	AUTO(json_ref) json_t *params = NULL;
	AUTO(json_ref) json_t *outputs = NULL;

	if (check_identity(step->name, step->version, step->summary, err) < 0 ||
	    check_step(step, err) < 0 || check_commands(module, err) < 0)
		return NULL;
	effects = describe_kinds("effects", step->effects, " ", err);
	undoes = effects ? describe_kinds("undoes", step->undoes, "", err) : NULL;
	params = undoes ? describe_params("params", module->params, module->param_count,
					  err) :
			  NULL;
	outputs = params ? describe_params("outputs", module->outputs,
					   module->output_count, err) :
			   NULL;
	if (!outputs)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:O, s:O, s:o, s:O, s:O}",
			 "kind", "step", "name", step->name, "version", step->version,
			 "summary", step->summary, "stage", (json_int_t)step->stage,
			 "flags", (json_int_t)step->flags, "effects", effects, "undoes",
			 undoes, "callbacks", describe_callbacks(module), "params",
			 params, "outputs", outputs);
}

static json_t *
describe_policy(const struct module *module, struct err *err)
{
	const struct fettle_policy *policy = &module->policy;
	json_t *params;

	if (check_identity(policy->name, policy->version, policy->summary, err) < 0 ||
	    check_policy(policy, err) < 0)
		return NULL;
	params = describe_params("params", module->params, module->param_count, err);
	if (!params)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:[], s:[], s:o, s:o, s:[]}",
			 "kind", "policy", "name", policy->name, "version",
			 policy->version, "summary", policy->summary, "stages",
			 (json_int_t)policy->stages, "flags", (json_int_t)policy->flags,
			 "effects", "undoes", "callbacks", describe_callbacks(module),
			 "params", params, "outputs");
}

json_t *
module_describe(const struct module *module, struct err *err)
{
	json_t *description = module->is_policy ? describe_policy(module, err) :
						  describe_step(module, err);

	if (!description)
		err_context(err, "the table of module '%s' is wrong", module->path);
	return description;
}
