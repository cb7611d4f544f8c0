/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A description from its JSON. The JSON comes from a module's own process:
 * nothing in it is believed before it has been looked at.
 */
#include "base/base.h"

#include "model/description.h"

#include <stdarg.h>

#include <fettle/plugin.h>

#include "model/accept.h"
#include "model/uses.h"
#include "model/value.h"

static const struct {
	uint32_t bit;
	const char *name;
} stages[] = {
	{ FETTLE_PROJECT, "project" },	 { FETTLE_ANALYZE, "analyze" },
	{ FETTLE_PATCH, "patch" },	 { FETTLE_BUILD, "build" },
	{ FETTLE_RESTART, "restart" },	 { FETTLE_VERIFY, "verify" },
	{ FETTLE_ROLLBACK, "rollback" }, { FETTLE_PUBLISH, "publish" },
	{ FETTLE_CONTROL, "control" },
};

static const char *const type_names[] = {
	[FETTLE_BOOL] = "bool",	    [FETTLE_INT] = "int",
	[FETTLE_REAL] = "real",	    [FETTLE_STRING] = "string",
	[FETTLE_CHOICE] = "choice", [FETTLE_DURATION] = "duration",
	[FETTLE_SIZE] = "size",	    [FETTLE_PATH] = "path",
	[FETTLE_LIST] = "list",	    [FETTLE_MAP] = "map",
	[FETTLE_JSON] = "json",	    [FETTLE_SECRET] = "secret",
};

static const struct {
	const char *name;
	uint32_t bit;
} callbacks[] = {
	{ "check", CALLBACK_CHECK }, { "propose", CALLBACK_PROPOSE },
	{ "run", CALLBACK_RUN },     { "observe", CALLBACK_OBSERVE },
	{ "judge", CALLBACK_JUDGE },
};

const char *
stage_name(uint32_t stage)
{
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		if (stages[i].bit == stage)
			return stages[i].name;
	return "";
}

uint32_t
stage_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		if (str_eq(stages[i].name, name))
			return stages[i].bit;
	return 0;
}

const char *
param_type_name(uint32_t type)
{
	return type > 0 && type < ARRAY_LEN(type_names) ? type_names[type] : "";
}

static int PRINTF_LIKE(3, 4)
	form_err(const struct description *d, struct err *err, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(err, "plugin.description", "module '%s': %s", d->name ? d->name : "?",
		text);
	return err_remedy(err, "the module must be corrected by its author");
}

static int
read_uint(const struct description *d, const char *key, uint32_t *ret, struct err *err)
{
	const json_t *value = json_object_get(d->json, key);
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || number > UINT32_MAX)
		return form_err(d, err, "'%s' is no number", key);
	*ret = (uint32_t)number;
	return 0;
}

static int
read_names(const struct description *d, const char *key, struct strv *ret,
	   struct err *err)
{
	const json_t *list = json_object_get(d->json, key);
	json_t *item;
	size_t i;

	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return form_err(d, err, "'%s' is no list", key);
	json_array_foreach (list, i, item) {
		if (!json_is_string(item) || json_string_length(item) == 0)
			return form_err(d, err, "'%s' holds something that is no name",
					key);
		strv_add(ret, json_string_value(item));
	}
	return 0;
}

static int
read_callbacks(struct description *d, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	uint32_t allowed = d->is_policy ? CALLBACK_JUDGE : ~(uint32_t)CALLBACK_JUDGE;

	if (read_names(d, "callbacks", &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		size_t j = 0;

		while (j < ARRAY_LEN(callbacks) &&
		       !str_eq(callbacks[j].name, names.v[i]))
			j++;
		if (j == ARRAY_LEN(callbacks) || !(callbacks[j].bit & allowed))
			return form_err(d, err, "callback '%.60s' is unknown",
					names.v[i]);
		d->callbacks |= callbacks[j].bit;
	}
	if (d->is_policy && d->callbacks == 0)
		return form_err(d, err, "a policy without judge()");
	return 0;
}

static bool
is_param_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static char *
copy_text(const json_t *object, const char *key)
{
	return x_strdup(json_string_value(json_object_get(object, key)));
}

static int
read_param(const struct description *d, const json_t *item,
	   struct description_param *param, struct err *err)
{
	json_int_t type = json_int_or(item, "type", 0),
		   flags = json_int_or(item, "flags", 0);

	param->name = x_strdup(json_text(item, "name"));
	param->preset = copy_text(item, "preset");
	param->accept = copy_text(item, "accept");
	param->help = x_strdup(json_text(item, "help"));
	if (!is_param_name(param->name))
		return form_err(d, err, "'%.60s' is no name of a parameter",
				param->name);
	if (type < 1 || type >= (json_int_t)ARRAY_LEN(type_names))
		return form_err(d, err, "'%s' is of an unknown type", param->name);
	if (flags < 0 || flags > UINT32_MAX)
		return form_err(d, err, "'%s' has unknown flags", param->name);
	param->type = (uint32_t)type;
	param->flags = (uint32_t)flags;
	return 0;
}

static const struct description_param *
find_param(const struct description_param *params, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(params[i].name, name))
			return &params[i];
	return NULL;
}

static int
read_params(const struct description *d, const char *key,
	    struct description_param **ret, size_t *ret_count, struct err *err)
{
	const json_t *list = json_object_get(d->json, key);
	json_t *item;
	size_t i;

	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return form_err(d, err, "'%s' is no list", key);
	*ret = x_calloc(json_array_size(list) + 1, sizeof(**ret));
	json_array_foreach (list, i, item) {
		*ret_count = i + 1;
		if (!json_is_object(item))
			return form_err(d, err,
					"'%s' holds something that is no object", key);
		if (read_param(d, item, &(*ret)[i], err) < 0)
			return -1;
		if (find_param(*ret, i, (*ret)[i].name) != NULL)
			return form_err(d, err, "'%s' is there twice", (*ret)[i].name);
	}
	return 0;
}

/* What an effect depends on must be a parameter whose values are known in advance. */
static int
check_condition(const struct description *d, const struct effect *effect,
		struct err *err)
{
	const struct description_param *param =
		effect->param ? find_param(d->params, d->param_count, effect->param)
			      : NULL;
	struct err unused;
	bool known;

	if (effect->param == NULL)
		return 0;
	if (param == NULL ||
	    (param->type != FETTLE_CHOICE && param->type != FETTLE_BOOL))
		return form_err(d, err,
				"effect '%.60s' depends on '%.60s', which is no choice "
				"or bool of its parameters",
				effect->kind, effect->param);
	for (size_t i = 0; i < effect->values.count; i++) {
		const char *value = effect->values.v[i];

		known = param->type == FETTLE_BOOL
				? str_eq(value, "true") || str_eq(value, "false")
				: accept_check_choice(param, value, &unused) == 0;
		if (!known)
			return form_err(d, err,
					"effect '%.60s' depends on '%.60s' being "
					"'%.60s', which it never is",
					effect->kind, effect->param, value);
	}
	return 0;
}

/* Behind the parameters, on which they may depend. */
static int
read_effects(struct description *d, struct err *err)
{
	AUTO(strv) struct strv texts = STRV_INIT;

	if (read_names(d, "effects", &texts, err) < 0)
		return -1;
	d->effects = x_calloc(texts.count + 1, sizeof(*d->effects));
	for (size_t i = 0; i < texts.count; i++) {
		if (effect_parse(texts.v[i], &d->effects[i]) < 0)
			return form_err(d, err,
					"effect '%.100s' is not of the form KIND or "
					"KIND PARAMETER=VALUE|VALUE",
					texts.v[i]);
		d->effect_count = i + 1;
		if (check_condition(d, &d->effects[i], err) < 0)
			return -1;
	}
	return 0;
}

void
description_effects(const struct description *d, const json_t *with, struct strv *ret)
{
	for (size_t i = 0; i < d->effect_count; i++)
		if (effect_is_possible(&d->effects[i], with) &&
		    !strv_has(ret, d->effects[i].kind))
			strv_add(ret, d->effects[i].kind);
}

/* A wrong `accept` or preset is the author's mistake; the user must not meet it. */
static int
check_params(const struct description *d, struct err *err)
{
	for (size_t i = 0; i < d->param_count; i++) {
		struct description_param *param = &d->params[i];

		if (!accept_is_valid(param))
			return form_err(d, err,
					"'accept' of '%s' does not fit its type",
					param->name);
		if (param->preset == NULL)
			continue;
		param->preset_value = value_preset(param, err);
		if (param->preset_value != NULL)
			continue;
		return form_err(d, err, "the preset of '%s': %s", param->name,
				err->text);
	}
	return 0;
}

static int
read_head(struct description *d, struct err *err)
{
	const char *kind = json_text(d->json, "kind");

	d->name = x_strdup(json_text(d->json, "name"));
	d->version = x_strdup(json_text(d->json, "version"));
	d->summary = x_strdup(json_text(d->json, "summary"));
	if (!str_eq(kind, "step") && !str_eq(kind, "policy"))
		return form_err(d, err, "neither a step nor a policy");
	d->is_policy = str_eq(kind, "policy");
	if (d->is_policy ? !uses_is_policy(d->name) : !uses_is_step(d->name))
		return form_err(d, err, "a name must be of the form %s",
				d->is_policy ? "NAME" : "STAGE/NAME");
	if (read_uint(d, d->is_policy ? "stages" : "stage", &d->stages, err) < 0 ||
	    read_uint(d, "flags", &d->flags, err) < 0)
		return -1;
	if (d->is_policy ? (d->stages & FETTLE_ALL_STAGES) == 0
			 : *stage_name(d->stages) == 0)
		return form_err(d, err, "an unknown stage");
	return 0;
}

struct description *
description_new(const json_t *json, struct err *err)
{
	struct description *d = x_calloc(1, sizeof(*d));

	d->json = json_deep_copy(json);
	if (!json_is_object(d->json))
		form_err(d, err, "its description is no object");
	else if (read_head(d, err) == 0 && read_callbacks(d, err) == 0 &&
		 read_names(d, "undoes", &d->undoes, err) == 0 &&
		 read_params(d, "params", &d->params, &d->param_count, err) == 0 &&
		 read_params(d, "outputs", &d->outputs, &d->output_count, err) == 0 &&
		 check_params(d, err) == 0 && read_effects(d, err) == 0)
		return d;
	description_free(d);
	return NULL;
}

static void
free_params(struct description_param *params, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(params[i].name);
		free(params[i].preset);
		free(params[i].accept);
		free(params[i].help);
		json_decref(params[i].preset_value);
	}
	free(params);
}

void
description_free(struct description *d)
{
	if (d == NULL)
		return;
	free(d->name);
	free(d->version);
	free(d->summary);
	for (size_t i = 0; i < d->effect_count; i++)
		effect_done(&d->effects[i]);
	free(d->effects);
	strv_done(&d->undoes);
	free_params(d->params, d->param_count);
	free_params(d->outputs, d->output_count);
	json_decref(d->json);
	free(d);
}
