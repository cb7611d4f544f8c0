/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs: how a pipeline declares them, and typing what a caller gives. */
#include "base/base.h"

#include "model/input.h"

#include "base/str.h"
#include "model/scalar.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

static const char *const type_names[] = {
	[INPUT_STRING] = "string",
	[INPUT_INT] = "int",
	[INPUT_BOOL] = "bool",
	[INPUT_SERVICE] = "service",
};

static bool
is_input_name(const char *name)
{
	return name[strspn(name, NAME_CHARS)] == 0;
}

static int
read_type(struct pipeline_input *input, const struct node *node, const char *file,
	  struct err *err)
{
	const struct node *type = node_find(node, "type");
	const char *text = type ? node_text(type, file, "type", err) : "string";

	if (text == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
		if (str_eq(type_names[i], text)) {
			input->type = (enum input_type)i;
			return 0;
		}
	node_err(type, file, err, "type.choice", "'%.80s' is no type of an input",
		 text);
	return err_remedy(err, "write one of: string, int, bool, service");
}

/* One value as its input's type. New reference, or NULL without position. */
static json_t *
type_text(const struct pipeline_input *input, const char *text, struct err *err)
{
	int64_t number = 0;
	bool flag = false;

	switch (input->type) {
	case INPUT_INT:
		return scalar_int(text, &number, err) < 0 ? NULL : json_integer(number);
	case INPUT_BOOL:
		return scalar_bool(text, &flag, err) < 0 ? NULL : json_boolean(flag);
	case INPUT_SERVICE:
		if (text[0] == 0 || scalar_is_service_name(text))
			break;
		err_set(err, "service.grammar", "'%.80s' is no name of a service",
			text);
		err_remedy(err, "names are made of A-Z a-z 0-9 _ . -, beginning with a "
				"letter or digit");
		return NULL;
	case INPUT_STRING:
		break;
	}
	return json_string(text);
}

/* What stands for an input that was not given and has no default. */
static json_t *
blank_value(enum input_type type)
{
	if (type == INPUT_INT)
		return json_integer(0);
	return type == INPUT_BOOL ? json_false() : json_string("");
}

static int
check_preset(const struct pipeline_input *input, const struct node *node,
	     const char *file, struct err *err)
{
	AUTO(json_ref) json_t *typed = NULL;

	if (input->preset == NULL)
		return 0;
	typed = type_text(input, input->preset, err);
	if (typed != NULL)
		return 0;
	err_context(err, "'default' of input '%s'", input->name);
	return node_at(node_find(node, "default"), file, err);
}

static int
read_one(struct pipeline *p, const struct node *inputs, size_t i, struct err *err)
{
	static const char *const allowed[] = { "type", "required", "default",
					       "description", NULL };
	const struct node *node = inputs->items[i];
	struct pipeline_input *input = &p->inputs[p->input_count++];
	AUTO_FREE char *description = NULL;

	input->name = x_strdup(inputs->keys[i]);
	if (!is_input_name(input->name)) {
		err_set(err, "id.grammar",
			"input '%s': names are made of A-Z a-z 0-9 _ -", input->name);
		return node_at_key(inputs, i, p->file, err);
	}
	if (node_is_null(node))
		return 0;
	if (node_check_keys(node, p->file, allowed, err) < 0 ||
	    read_type(input, node, p->file, err) < 0 ||
	    node_get_bool(node, p->file, "required", &input->is_required, err) < 0 ||
	    node_get_text(node, p->file, "default", &input->preset, err) < 0 ||
	    node_get_text(node, p->file, "description", &description, err) < 0 ||
	    check_preset(input, node, p->file, err) < 0)
		return -1;
	for (size_t j = 0; j + 1 < p->input_count; j++)
		if (input->type == INPUT_SERVICE &&
		    p->inputs[j].type == INPUT_SERVICE) {
			err_set(err, "input.duplicate_service",
				"inputs '%s' and '%s' are both of type service: a run "
				"has one",
				p->inputs[j].name, input->name);
			return node_at_key(inputs, i, p->file, err);
		}
	return 0;
}

int
input_read(struct pipeline *p, const struct node *node, struct err *err)
{
	if (node == NULL)
		return 0;
	if (node->kind != NODE_MAPPING)
		return node_err(node, p->file, err, "type.map",
				"'inputs' must be a mapping of names");
	p->inputs = x_calloc(node->count + 1, sizeof(*p->inputs));
	for (size_t i = 0; i < node->count; i++)
		if (read_one(p, node, i, err) < 0)
			return -1;
	return 0;
}

void
input_done(struct pipeline_input *input)
{
	free(input->name);
	free(input->preset);
}

static int
check_known(const struct pipeline *p, const json_t *given, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *key, *near;
	json_t *value;

	for (size_t i = 0; i < p->input_count; i++) {
		strv_add(&names, p->inputs[i].name);
		str_addf(&list, "%s%s", i > 0 ? ", " : "", p->inputs[i].name);
	}
	json_object_foreach ((json_t *)given, key, value) {
		if (strv_has(&names, key))
			continue;
		near = strv_nearest(&names, key);
		if (near != NULL)
			err_set(err, "input.unknown",
				"pipeline '%s' has no input '%.80s', did you mean "
				"'%s'?",
				p->name, key, near);
		else
			err_set(err, "input.unknown",
				"pipeline '%s' has no input '%.80s'", p->name, key);
		if (names.count > 0)
			err_remedy(err, "its inputs are: %s", str_get(&list));
		return -1;
	}
	return 0;
}

static json_t *
typed_input(const struct pipeline *p, const struct pipeline_input *input,
	    const json_t *given, struct err *err)
{
	const char *text = json_string_value(given);
	json_t *typed;

	if (given != NULL && text == NULL) {
		err_set(err, "type.string", "input '%s' must be given as text",
			input->name);
		return NULL;
	}
	if (text == NULL)
		text = input->preset;
	if (text == NULL && !input->is_required)
		return blank_value(input->type);
	if (text == NULL) {
		err_set(err, "input.required", "pipeline '%s' needs the input '%s'",
			p->name, input->name);
		err_remedy(err, "give it with -i %s=VALUE", input->name);
		return NULL;
	}
	typed = type_text(input, text, err);
	if (typed == NULL)
		err_context(err, "input '%s'", input->name);
	return typed;
}

json_t *
pipeline_type_inputs(const struct pipeline *p, const json_t *given, struct err *err)
{
	AUTO(json_ref) json_t *typed = json_object();

	if (check_known(p, given, err) < 0)
		return NULL;
	for (size_t i = 0; i < p->input_count; i++) {
		const struct pipeline_input *input = &p->inputs[i];
		json_t *value =
			typed_input(p, input, json_object_get(given, input->name), err);

		if (value == NULL)
			return NULL;
		json_object_set_new(typed, input->name, value);
	}
	return STEAL(typed);
}

bool
pipeline_has_input(const struct pipeline *p, enum input_type type)
{
	for (size_t i = 0; i < p->input_count; i++)
		if (p->inputs[i].type == type)
			return true;
	return false;
}
