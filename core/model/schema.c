/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Forms and parameter tables as JSON Schema. Text is what YAML takes for a
 * text, a number or a boolean: our scalars are typed by their place.
 */
#include "base/base.h"

#include "model/schema.h"

#include <fettle/plugin.h>

#include "base/num.h"
#include "model/env.h"

#define DIALECT "https://json-schema.org/draft/2020-12/schema"
#define DURATION "^(?=.*[1-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
#define DURATION_OR_ZERO "^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
#define SIZE "^[0-9]+([KMG]iB)?$"
#define VARIABLE "^[A-Za-z_][A-Za-z0-9_]*$"
#define STEP_TYPE "^[a-z]{1,63}/[a-z0-9-]{1,63}$"
#define POLICY "^[a-z0-9-]{1,63}$"
#define EXPRESSION "\\$\\{\\{"

struct schema {
	json_t *defs;
	const struct description *const *modules;
	size_t count;
};

static void
set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *
pattern(const char *text)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", text);
}

static json_t *
any_text(void)
{
	return json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
}

static json_t *
reference(const char *name)
{
	return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", name));
}

static json_t *
any_of(json_t *a, json_t *b)
{
	return json_pack("{s:[o, o]}", "anyOf", a, b);
}

/* Texts between bars. */
static json_t *
split(const char *accept)
{
	json_t *list = json_array();

	for (size_t n; *accept != 0; accept += n + (accept[n] == '|')) {
		n = strcspn(accept, "|");
		json_array_append_new(list, json_stringn(accept, n));
	}
	return list;
}

/* Each choice as a text and, where it looks like one, as a number or boolean. */
static json_t *
choices(const char *accept)
{
	AUTO(json_ref) json_t *texts = split(accept);
	json_t *list = json_array(), *item;
	int64_t number;
	size_t i;

	json_array_foreach (texts, i, item) {
		const char *text = json_string_value(item);

		json_array_append(list, item);
		if (num_i64(text, &number) == 0)
			json_array_append_new(list, json_integer(number));
		if (str_eq(text, "true") || str_eq(text, "false"))
			json_array_append_new(list, json_boolean(text[0] == 't'));
	}
	return json_pack("{s:o}", "enum", list);
}

static json_t *
boolean(void)
{
	return json_pack("{s:[b, b, s, s]}", "enum", 1, 0, "true", "false");
}

/* A number, also in quotes; its bounds, "MIN..MAX", hold for what is not quoted. */
static json_t *
number(const char *type, const char *form, const char *accept)
{
	json_t *json = json_pack("{s:[s, s], s:s}", "type", type, "string", "pattern",
				 form);
	const char *dots = accept != NULL ? strstr(accept, "..") : NULL;
	AUTO_FREE char *min = dots ? x_strndup(accept, (size_t)(dots - accept)) : NULL;
	char *end;

	if (dots == NULL)
		return json;
	if (*min != 0)
		set(json, "minimum", json_real(strtod(min, &end)));
	if (dots[2] != 0)
		set(json, "maximum", json_real(strtod(dots + 2, &end)));
	return json;
}

static json_t *
list_of(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *
map_of(json_t *items, json_t *names)
{
	return json_pack("{s:s, s:o, s:o*}", "type", "object", "additionalProperties",
			 items, "propertyNames", names);
}

/* ---- parameters of modules --------------------------------------------------- */

static json_t *
param_type(const struct description_param *param)
{
	switch ((enum fettle_type)param->type) {
	case FETTLE_BOOL:
		return boolean();
	case FETTLE_INT:
		return number("integer", "^-?[0-9]+$", param->accept);
	case FETTLE_REAL:
		return number("number", "^-?[0-9]+(\\.[0-9]+)?$", param->accept);
	case FETTLE_CHOICE:
		return choices(param->accept);
	case FETTLE_DURATION:
		return pattern(DURATION_OR_ZERO);
	case FETTLE_SIZE:
		return number("integer", SIZE, NULL);
	case FETTLE_PATH:
		return pattern("^[^/]");
	case FETTLE_SECRET:
		return pattern(VARIABLE);
	case FETTLE_LIST:
		return list_of(any_text());
	case FETTLE_MAP:
		return map_of(any_text(), NULL);
	case FETTLE_STRING:
		return any_text();
	case FETTLE_JSON:
		break;
	}
	return json_object();
}

/* The mapping under `with` of one module. */
static json_t *
parameters(const struct description *d)
{
	json_t *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < d->param_count; i++) {
		const struct description_param *param = &d->params[i];
		json_t *type = param_type(param);

		if (!d->is_policy && param->type != FETTLE_SECRET &&
		    !(param->flags & FETTLE_PROGRAM))
			type = any_of(type, pattern(EXPRESSION));
		set(type, "description", json_string(param->help));
		set(properties, param->name, type);
		if (param->flags & FETTLE_REQUIRED)
			json_array_append_new(required, json_string(param->name));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:b}", "type", "object", "description",
			 d->summary, "properties", properties, "required", required,
			 "additionalProperties", 0);
}

static bool
needs_parameters(const struct description *d)
{
	for (size_t i = 0; i < d->param_count; i++)
		if (d->params[i].flags & FETTLE_REQUIRED)
			return true;
	return false;
}

/* For each module: if `uses` is its name, then `with` is as it says. */
static json_t *
module_rules(const struct schema *s, bool is_policy)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < s->count; i++) {
		const struct description *d = s->modules[i];
		AUTO_FREE char *name = x_asprintf("with %s", d->name);
		json_t *then;

		if (d->is_policy != is_policy)
			continue;
		for (char *c = name; *c != 0; c++)
			*c = *c == '/' || *c == ' ' ? '-' : *c;
		set(s->defs, name, parameters(d));
		then = json_pack("{s:{s:o}}", "properties", "with",
				 needs_parameters(d)
					 ? reference(name)
					 : any_of(json_pack("{s:s}", "type", "null"),
						  reference(name)));
		if (needs_parameters(d))
			set(then, "required", json_pack("[s]", "with"));
		json_array_append_new(
			rules, json_pack("{s:{s:{s:{s:s}}}, s:o}", "if", "properties",
					 "uses", "const", d->name, "then", then));
	}
	return rules;
}

static json_t *
module_names(const struct schema *s, bool is_policy)
{
	json_t *names = json_array();

	for (size_t i = 0; i < s->count; i++)
		if (s->modules[i]->is_policy == is_policy)
			json_array_append_new(names, json_string(s->modules[i]->name));
	if (json_array_size(names) > 0)
		return json_pack("{s:o}", "enum", names);
	json_decref(names);
	return pattern(is_policy ? POLICY : STEP_TYPE);
}

/* ---- forms ------------------------------------------------------------------- */

static void add_form(const struct schema *s, const struct form *form);

/* The name of a variable that may be set. */
static json_t *
variable(void)
{
	AUTO(str) struct str denied = STR_INIT;

	env_add_denied_pattern(&denied);
	return json_pack("{s:s, s:s, s:{s:s}}", "type", "string", "pattern", VARIABLE,
			 "not", "pattern", str_get(&denied));
}

static json_t *
value_kind(const struct schema *s, const struct form_value *value)
{
	json_t *list;

	switch (value->kind) {
	case FORM_TEXT:
		return value->accept != NULL ? pattern(value->accept) : any_text();
	case FORM_BOOL:
		return boolean();
	case FORM_INT:
		return number("integer", "^-?[0-9]+$", value->accept);
	case FORM_DURATION:
		return pattern(DURATION);
	case FORM_CHOICE:
		return choices(value->accept);
	case FORM_LIST:
		list = list_of(value_kind(s, value->items));
		if (value->accept != NULL)
			set(list, "minItems", json_integer(1));
		return list;
	case FORM_MAP:
		return map_of(value_kind(s, value->items),
			      value->accept ? pattern(value->accept) : NULL);
	case FORM_ENV:
		return map_of(any_text(), variable());
	case FORM_VARIABLE:
		return variable();
	case FORM_MAPPING:
		add_form(s, value->form);
		if (!value->may_be_empty)
			return reference(value->form->name);
		return any_of(reference(value->form->name),
			      json_pack("{s:s}", "type", "null"));
	case FORM_STEP_TYPE:
		return module_names(s, false);
	case FORM_POLICY:
		return module_names(s, true);
	case FORM_WITH:
		return json_pack("{s:[s, s]}", "type", "object", "null");
	case FORM_STATUS:
		return any_of(
			number("integer", "^[1-5][0-9]{2}$", "100..599"),
			list_of(number("integer", "^[1-5][0-9]{2}$", "100..599")));
	case FORM_ANY:
		break;
	}
	return json_object();
}

static json_t *
key_value(const struct schema *s, const struct form_key *key)
{
	json_t *value = value_kind(s, &key->value);
	json_t *type = json_object_get(value, "type");

	if (key->value.may_be_empty && json_is_string(type))
		set(value, "type", json_pack("[O, s]", type, "null"));
	if (key->help != NULL)
		set(value, "description", json_string(key->help));
	return value;
}

/* Exactly one of these keys. */
static json_t *
one_of(const char *names)
{
	AUTO(json_ref) json_t *list = split(names);
	json_t *rules = json_array(), *name;
	size_t i;

	json_array_foreach (list, i, name)
		json_array_append_new(rules, json_pack("{s:[O]}", "required", name));
	return rules;
}

/* Puts a form among the definitions, once. */
static void
add_form(const struct schema *s, const struct form *form)
{
	json_t *properties, *required, *json;

	if (json_object_get(s->defs, form->name) != NULL)
		return;
	json = json_object();
	set(s->defs, form->name, json);
	properties = json_object();
	required = json_array();
	for (const struct form_key *key = form->keys; key->name != NULL; key++) {
		bool is_policy = key->value.kind == FORM_POLICY;

		set(properties, key->name, key_value(s, key));
		if (key->is_required)
			json_array_append_new(required, json_string(key->name));
		if (is_policy || key->value.kind == FORM_STEP_TYPE)
			set(json, "allOf", module_rules(s, is_policy));
	}
	if (form->one_of != NULL)
		set(json, "oneOf", one_of(form->one_of));
	set(json, "type", json_string("object"));
	set(json, "properties", properties);
	set(json, "required", required);
	set(json, "additionalProperties", json_false());
	if (json_array_size(json_object_get(json, "allOf")) == 0)
		json_object_del(json, "allOf");
}

json_t *
schema_of(const struct form *form, const char *title,
	  const struct description *const *modules, size_t count)
{
	struct schema s = { json_object(), modules, count };

	add_form(&s, form);
	return json_pack("{s:s, s:s, s:o, s:o}", "$schema", DIALECT, "title", title,
			 "$ref", json_sprintf("#/$defs/%s", form->name), "$defs",
			 s.defs);
}
