/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values of parameters: from the nodes of a `with:`, from presets, and from
 * JSON once a reference has become known. One function for scalars serves all
 * three.
 */
#include "base/base.h"

#include "model/value.h"

#include <fettle/plugin.h>

#include "model/accept.h"
#include "base/path.h"
#include "model/env.h"
#include "model/expr.h"
#include "model/program.h"
#include "model/scalar.h"

/* ---- scalars ------------------------------------------------------------- */

static json_t *
text_value(const struct description_param *param, const char *text, struct err *err)
{
	if (param->type == FETTLE_STRING &&
	    accept_check_text(param, text, err) < 0)
		return NULL;
	if (param->type == FETTLE_CHOICE && accept_check_choice(param, text, err) < 0)
		return NULL;
	if (param->type == FETTLE_PATH && path_check(text, err) < 0)
		return NULL;
	if (param->type == FETTLE_SECRET && !scalar_is_variable_name(text)) {
		err_set(err, "secret.name", "'%.80s' is no name of a secret", text);
		err_remedy(err, "write the name it has under 'secrets:' of "
				"fettle.yaml");
		return NULL;
	}
	return json_string(text);
}

static json_t *
number_value(const struct description_param *param, const char *text, struct err *err)
{
	uint64_t number = 0;
	int64_t whole = 0;
	double real = 0;
	int result;

	if (param->type == FETTLE_INT) {
		result = scalar_int(text, &whole, err);
		real = (double)whole;
	} else if (param->type == FETTLE_REAL) {
		result = scalar_real(text, &real, err);
	} else {
		result = param->type == FETTLE_DURATION
				 ? scalar_ms(text, &number, err)
				 : scalar_bytes(text, &number, err);
		real = (double)number;
		whole = (int64_t)number;
		if (result == 0 && number > INT64_MAX)
			result = err_set(err, "type.range", "'%s' is too large", text);
	}
	if (result < 0 || accept_check_number(param, real, err) < 0)
		return NULL;
	return param->type == FETTLE_REAL ? json_real(real) : json_integer(whole);
}

/* A scalar's text as the parameter's type. New reference, or NULL without position. */
static json_t *
scalar_value(const struct description_param *param, const char *text, struct err *err)
{
	bool flag;

	switch ((enum fettle_type)param->type) {
	case FETTLE_BOOL:
		return scalar_bool(text, &flag, err) < 0 ? NULL : json_boolean(flag);
	case FETTLE_INT:
	case FETTLE_REAL:
	case FETTLE_DURATION:
	case FETTLE_SIZE:
		return number_value(param, text, err);
	case FETTLE_STRING:
	case FETTLE_CHOICE:
	case FETTLE_PATH:
	case FETTLE_SECRET:
		return text_value(param, text, err);
	case FETTLE_LIST:
		err_set(err, "type.list", "'%.80s' is no list", text);
		err_remedy(err, "write a list, such as [a, b]");
		return NULL;
	case FETTLE_MAP:
		err_set(err, "type.map", "'%.80s' is no mapping", text);
		err_remedy(err, "write a mapping, such as { name: value }");
		return NULL;
	case FETTLE_JSON:
		return json_string(text);
	}
	err_set(err, "plugin.description", "type %u is unknown", param->type);
	return NULL;
}

/* ---- nodes ---------------------------------------------------------------- */

/* In a program's argv: a reference may be an argument, never code. */
static int
check_program(const struct description_param *param, const struct node *node,
	      const char *file, struct err *err)
{
	AUTO_FREE const char **argv = NULL;
	size_t at;

	if (!(param->flags & FETTLE_PROGRAM))
		return 0;
	argv = x_calloc(node->count + 1, sizeof(*argv));
	for (size_t i = 0; i < node->count; i++)
		argv[i] = node->items[i]->text;
	if (node->count == 0)
		return node_err(node, file, err, "type.list", "'%s' names no program",
				param->name);
	if (expr_has(argv[0])) {
		node_err(node->items[0], file, err, "template.position",
			 "the program of '%s' is '%.80s': a reference may not choose "
			 "it",
			 param->name, argv[0]);
		return err_remedy(err, "write the program's name");
	}
	at = program_find_template(argv, node->count);
	if (at == node->count)
		return 0;
	node_err(node->items[at], file, err, "template.shell",
		 "'%.120s' is program text: a reference in it could become code",
		 argv[at]);
	return err_remedy(err, "give the step `env: { NAME: \"${{ ... }}\" }` and "
			       "write \"$NAME\" in the program");
}

static json_t *
list_value(const struct description_param *param, const struct node *node,
	   const char *file, struct err *err)
{
	AUTO(json_ref) json_t *list = json_array();

	for (size_t i = 0; i < node->count; i++) {
		const char *text = node_text(node->items[i], file, param->name, err);

		if (text == NULL)
			return NULL;
		if (!expr_has(text) && accept_check_item(param, text, err) < 0) {
			err_context(err, "'%s'", param->name);
			node_at(node->items[i], file, err);
			return NULL;
		}
		json_array_append_new(list, json_string_nocheck(text));
	}
	if (check_program(param, node, file, err) < 0)
		return NULL;
	return STEAL(list);
}

/* A key of a map, where that is the name of an environment variable. */
static int
check_variable(const struct description_param *param, const char *name, struct err *err)
{
	return param->flags & FETTLE_ENVIRONMENT ? env_check_name(name, err) : 0;
}

static json_t *
map_value(const struct description_param *param, const struct node *node,
	  const char *file, struct err *err)
{
	AUTO(json_ref) json_t *map = json_object();

	for (size_t i = 0; i < node->count; i++) {
		const char *text = node_text(node->items[i], file, node->keys[i], err);

		if (text == NULL)
			return NULL;
		if (check_variable(param, node->keys[i], err) < 0) {
			node_at_key(node, i, file, err);
			return NULL;
		}
		json_object_set_new_nocheck(map, node->keys[i],
					    json_string_nocheck(text));
	}
	return STEAL(map);
}

/* The code for a value of a wholly different kind. */
static const char *
type_code(uint32_t type)
{
	switch ((enum fettle_type)type) {
	case FETTLE_BOOL:
		return "type.bool";
	case FETTLE_INT:
		return "type.int";
	case FETTLE_REAL:
		return "type.real";
	case FETTLE_DURATION:
		return "type.duration";
	case FETTLE_SIZE:
		return "type.size";
	case FETTLE_LIST:
		return "type.list";
	case FETTLE_MAP:
		return "type.map";
	case FETTLE_STRING:
	case FETTLE_CHOICE:
	case FETTLE_PATH:
	case FETTLE_JSON:
	case FETTLE_SECRET:
		break;
	}
	return "type.string";
}

/* A reference as the whole value: what it becomes is checked when it is known. */
static json_t *
template_value(const struct description_param *param, const struct node *node,
	       const char *file, struct err *err)
{
	if (param->type != FETTLE_SECRET && !(param->flags & FETTLE_PROGRAM))
		return json_string_nocheck(node->text);
	node_err(node, file, err, "template.position", "'%s' may not be a reference",
		 param->name);
	if (param->type == FETTLE_SECRET)
		err_remedy(err, "write the secret's name alone");
	else
		err_remedy(err, "write the program and its arguments as a list");
	return NULL;
}

json_t *
value_of_node(const struct description_param *param, const struct node *node,
	      const char *file, struct err *err)
{
	json_t *value;

	if (param->type == FETTLE_JSON)
		return node_to_json(node);
	if (node->kind == NODE_SEQUENCE && param->type == FETTLE_LIST)
		return list_value(param, node, file, err);
	if (node->kind == NODE_MAPPING && param->type == FETTLE_MAP)
		return map_value(param, node, file, err);
	if (node->kind != NODE_SCALAR) {
		node_err(node, file, err, type_code(param->type), "'%s' must be a %s",
			 param->name, param_type_name(param->type));
		return NULL;
	}
	if (expr_has(node->text))
		return template_value(param, node, file, err);
	if (node_is_null(node)) {
		node_err(node, file, err, type_code(param->type),
			 "'%s' has no value: a %s is due", param->name,
			 param_type_name(param->type));
		return NULL;
	}
	value = scalar_value(param, node->text, err);
	if (value == NULL) {
		err_context(err, "'%s'", param->name);
		node_at(node, file, err);
	}
	return value;
}

/* ---- presets, whole mappings, values that became known --------------------- */

/* What is written as YAML writes it, YAML reads. A mapping of one key, or NULL. */
static struct node *
parse_value(const char *name, const char *written, struct err *err)
{
	AUTO_FREE char *text = x_asprintf("value: %s\n", written);
	AUTO(node) struct node *root = node_parse(text, strlen(text), name, err);

	if (root == NULL || root->count == 1)
		return STEAL(root);
	err_set(err, "yaml.syntax", "'%.80s' is more than one value", written);
	return NULL;
}

json_t *
value_of_text(const struct description_param *param, const char *text, struct err *err)
{
	AUTO(node) struct node *root = NULL;
	json_t *value = NULL;

	if (param->type != FETTLE_LIST && param->type != FETTLE_MAP &&
	    param->type != FETTLE_JSON)
		return scalar_value(param, text, err);
	root = parse_value(param->name, text, err);
	if (root != NULL && param->type != FETTLE_JSON &&
	    root->items[0]->kind == NODE_SCALAR && expr_has(text)) {
		err_set(err, "template.position", "'${{ }}' is not replaced here");
		err_remedy(err, "write the value itself");
	} else if (root != NULL) {
		value = value_of_node(param, root->items[0], param->name, err);
	}
	/* The place in what we made of it would tell nobody anything. */
	if (value == NULL)
		err_at(err, "", 0, 0);
	return value;
}

json_t *
value_preset(const struct description_param *param, struct err *err)
{
	AUTO(node) struct node *root = parse_value(param->name, param->preset, err);

	if (root == NULL)
		return NULL;
	if (param->type == FETTLE_STRING && node_is_null(root->items[0]))
		return json_string("");
	return value_of_node(param, root->items[0], param->name, err);
}

static size_t
find_param(const struct description *d, const char *name)
{
	size_t i = 0;

	while (i < d->param_count && !str_eq(d->params[i].name, name))
		i++;
	return i;
}

static int
unknown_param(const struct description *d, const struct node *with, size_t key,
	      const char *file, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *near;

	for (size_t i = 0; i < d->param_count; i++) {
		strv_add(&names, d->params[i].name);
		str_addf(&list, "%s%s", i > 0 ? ", " : "", d->params[i].name);
	}
	near = strv_nearest(&names, with->keys[key]);
	if (near != NULL)
		err_set(err, "param.unknown",
			"'%s' has no parameter '%s', did you mean '%s'?", d->name,
			with->keys[key], near);
	else
		err_set(err, "param.unknown", "'%s' has no parameter '%s'", d->name,
			with->keys[key]);
	if (names.count > 0)
		err_remedy(err, "its parameters are: %s", str_get(&list));
	else
		err_remedy(err, "it takes no parameters: leave 'with' out");
	return node_at_key(with, key, file, err);
}

static int
required_param(const struct description *d, const struct description_param *param,
	       const struct node *with, const char *file, struct err *err)
{
	err_set(err, "param.required", "'%s' needs the parameter '%s'", d->name,
		param->name);
	err_remedy(err, "add it under 'with': %s", param->help);
	return with != NULL ? node_at(with, file, err) : err_at(err, file, 0, 0);
}

json_t *
description_type_with(const struct description *d, const struct node *with,
		      const char *file, struct err *err)
{
	AUTO(json_ref) json_t *typed = json_object();

	if (with != NULL && with->kind != NODE_MAPPING) {
		node_err(with, file, err, "type.map",
			 "'with' must be a mapping of parameters");
		return NULL;
	}
	for (size_t i = 0; with != NULL && i < with->count; i++)
		if (find_param(d, with->keys[i]) == d->param_count) {
			unknown_param(d, with, i, file, err);
			return NULL;
		}
	for (size_t i = 0; i < d->param_count; i++) {
		const struct description_param *param = &d->params[i];
		const struct node *node = with ? node_find(with, param->name) : NULL;
		json_t *value = NULL;

		if (node != NULL)
			value = value_of_node(param, node, file, err);
		else if (param->preset_value != NULL)
			value = json_incref(param->preset_value);
		else if (!(param->flags & FETTLE_REQUIRED))
			continue;
		else
			required_param(d, param, with, file, err);
		if (value == NULL)
			return NULL;
		json_object_set_new_nocheck(typed, param->name, value);
	}
	return STEAL(typed);
}

/* Numbers and booleans as text; NULL for what has no short text. */
static char *
plain_text(const json_t *value)
{
	if (json_is_string(value))
		return x_strdup(json_string_value(value));
	if (json_is_boolean(value) || json_is_number(value))
		return json_canonical(value);
	return NULL;
}

/* An array or object of texts: the same with every entry as a string. */
static json_t *
texts_value(const struct description_param *param, const json_t *value, struct err *err)
{
	AUTO(json_ref)
	json_t *out = json_is_array(value) ? json_array() : json_object();
	json_t *item;
	const char *key;
	size_t i;

	json_array_foreach (value, i, item) {
		AUTO_FREE char *text = plain_text(item);

		if (text == NULL)
			goto not_text;
		if (accept_check_item(param, text, err) < 0) {
			err_context(err, "'%s'", param->name);
			return NULL;
		}
		json_array_append_new(out, json_string(text));
	}
	json_object_foreach ((json_t *)value, key, item) {
		AUTO_FREE char *text = plain_text(item);

		if (text == NULL)
			goto not_text;
		if (check_variable(param, key, err) < 0)
			return NULL;
		json_object_set_new(out, key, json_string(text));
	}
	return STEAL(out);
not_text:
	err_set(err, "type.string", "'%s' must hold texts only", param->name);
	return NULL;
}

/* Typed already: a whole number of milliseconds or bytes. */
static json_t *
amount_value(const struct description_param *param, const json_t *value,
	     struct err *err)
{
	if (json_integer_value(value) < 0) {
		err_set(err, "type.range", "'%s' is below zero", param->name);
		return NULL;
	}
	if (accept_check_number(param, (double)json_integer_value(value), err) < 0) {
		err_context(err, "'%s'", param->name);
		return NULL;
	}
	return json_incref((json_t *)value);
}

json_t *
description_type_value(const struct description_param *param, const json_t *value,
		       struct err *err)
{
	AUTO_FREE char *text = NULL;
	json_t *typed;

	if (param->type == FETTLE_JSON)
		return json_incref((json_t *)value);
	if ((param->type == FETTLE_LIST && json_is_array(value)) ||
	    (param->type == FETTLE_MAP && json_is_object(value)))
		return texts_value(param, value, err);
	if ((param->type == FETTLE_DURATION || param->type == FETTLE_SIZE) &&
	    json_is_integer(value))
		return amount_value(param, value, err);
	text = plain_text(value);
	if (text == NULL) {
		err_set(err, type_code(param->type), "'%s' must be a %s", param->name,
			param_type_name(param->type));
		return NULL;
	}
	typed = scalar_value(param, text, err);
	if (typed == NULL)
		err_context(err, "'%s'", param->name);
	return typed;
}
