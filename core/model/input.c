/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs: how a pipeline declares them, and typing what a caller gives. */
#include "base/base.h"

#include "model/input.h"

#include <fettle/plugin.h>

#include "base/str.h"
#include "model/accept.h"
#include "model/expr.h"
#include "model/form.h"
#include "model/format.h"
#include "model/scalar.h"
#include "model/value.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

_Static_assert((int)INPUT_BOOL == (int)FETTLE_BOOL &&
		       (int)INPUT_JSON == (int)FETTLE_JSON,
	       "types of inputs are those of parameters");

#define TYPE_NAMES                                                                     \
	"string|bool|int|real|choice|duration|size|path|list|map|json|service"

static const enum input_type input_types[] = {
	INPUT_STRING, INPUT_BOOL, INPUT_INT,  INPUT_REAL, INPUT_CHOICE, INPUT_DURATION,
	INPUT_SIZE,   INPUT_PATH, INPUT_LIST, INPUT_MAP,  INPUT_JSON,	INPUT_SERVICE,
};

static const struct form_key keys[] = {
	{ "type",
	  { FORM_CHOICE, TYPE_NAMES },
	  false,
	  "of what type it is; string when not said" },
	{ "required", { FORM_BOOL }, false, "a run without it is refused" },
	{ "default", { FORM_ANY }, false, "the value when none is given" },
	{ "description", { FORM_TEXT }, false, "a sentence for people" },
	{ "choices",
	  { FORM_LIST, .items = &(const struct form_value){ FORM_TEXT } },
	  false,
	  "the texts to choose from" },
	{ "format", { FORM_CHOICE, FORMAT_NAMES }, false,
	  "what a string must be: the grammar it is checked by" },
	{ "min", { FORM_TEXT }, false, "the least that is taken" },
	{ "max", { FORM_TEXT }, false, "the most that is taken" },
	{ NULL },
};
const struct form input_form = { "input", keys, NULL };

static bool
is_input_name(const char *name)
{
	return name[strspn(name, NAME_CHARS)] == 0;
}

/* An input is typed as a parameter of the same type is. */
static struct description_param
as_param(const struct pipeline_input *input)
{
	return (struct description_param){
		.name = input->name,
		.type = input->type == INPUT_SERVICE ? FETTLE_STRING
						     : (uint32_t)input->type,
		.accept = input->accept,
	};
}

static const char *
type_name(enum input_type type)
{
	return type == INPUT_SERVICE ? "service" : param_type_name(type);
}

/* A text that is none of those between the bars. */
static int
no_such(const struct node *node, const char *file, const char *what, const char *names,
	struct err *err)
{
	AUTO(strv) struct strv known = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *near;

	for (size_t n; *names != 0; names += n + (names[n] == '|')) {
		n = strcspn(names, "|");
		strv_add_n(&known, names, n);
		str_addf(&list, "%s%.*s", list.len > 0 ? ", " : "", (int)n, names);
	}
	near = strv_nearest(&known, node->text);
	node_err(node, file, err, "type.choice", "'%.80s' is no %s of an input%s%s%s",
		 node->text, what, near ? ", did you mean '" : "", near ? near : "",
		 near ? "'?" : "");
	return err_remedy(err, "write one of: %s", str_get(&list));
}

static int
read_type(struct pipeline_input *input, const struct node *node, const char *file,
	  struct err *err)
{
	const struct node *type = node_find(node, "type");
	const char *text = type ? node_text(type, file, "type", err) : "string";

	if (text == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(input_types); i++) {
		input->type = input_types[i];
		if (str_eq(type_name(input->type), text))
			return 0;
	}
	return no_such(type, file, "type", TYPE_NAMES, err);
}

/* `choices: [a, b]` as "a|b". */
static int
read_choices(struct pipeline_input *input, const struct node *node, const char *file,
	     struct err *err)
{
	const struct node *choices = node_find(node, "choices");
	AUTO(str) struct str accept = STR_INIT;

	if ((choices != NULL) != (input->type == INPUT_CHOICE)) {
		node_err(choices ? choices : node, file, err,
			 choices ? "key.conflict" : "key.missing",
			 choices ? "'choices' are of inputs of type choice, '%s' is %s"
				 : "'choices' is missing: '%s' is of type %s",
			 input->name, type_name(input->type));
		return err_remedy(err, "write type: choice, and choices: [a, b]");
	}
	if (choices == NULL)
		return 0;
	if (choices->kind != NODE_SEQUENCE || choices->count == 0)
		return node_err(choices, file, err, "type.list",
				"'choices' must be a list of texts");
	for (size_t i = 0; i < choices->count; i++) {
		const char *text = node_text(choices->items[i], file, "choices", err);

		if (text == NULL)
			return -1;
		if (*text == 0 || strchr(text, '|') != NULL)
			return node_err(choices->items[i], file, err, "type.choice",
					"'%.80s' cannot be a choice", text);
		str_addf(&accept, "%s%s", i > 0 ? "|" : "", text);
	}
	input->accept = str_take(&accept);
	return 0;
}

/* `min:` and `max:` as "MIN..MAX". */
static int
read_bounds(struct pipeline_input *input, const struct node *node, const char *file,
	    struct err *err)
{
	const struct node *min = node_find(node, "min"), *max = node_find(node, "max");
	const char *least = min ? node_text(min, file, "min", err) : "";
	const char *most = least && max ? node_text(max, file, "max", err) : "";
	struct description_param param;

	if (least == NULL || most == NULL)
		return -1;
	if (min == NULL && max == NULL)
		return 0;
	free(input->accept);
	input->accept = x_asprintf("%s..%s", least, most);
	param = as_param(input);
	if (input->type != INPUT_SERVICE && input->type != INPUT_CHOICE &&
	    input->type != INPUT_LIST &&
	    accept_is_valid(&param))
		return 0;
	node_err(min ? min : max, file, err, "type.range",
		 "'%s%s%s' are no bounds of an input of type %s", least, "..", most,
		 type_name(input->type));
	return err_remedy(err, "int, real, duration and size have bounds as their "
			       "values are written, string a number of characters");
}

/* `format:` as the accept of a string. */
static int
read_format(struct pipeline_input *input, const struct node *node, const char *file,
	    struct err *err)
{
	const struct node *given = node_find(node, "format");
	const char *text;

	if (given == NULL)
		return 0;
	if (input->type != INPUT_STRING || node_find(node, "min") != NULL ||
	    node_find(node, "max") != NULL) {
		node_err(given, file, err, "key.conflict",
			 "'format' is of inputs of type string without min and max, "
			 "'%s' is %s",
			 input->name,
			 input->type == INPUT_STRING ? "one with bounds" :
						       type_name(input->type));
		return err_remedy(err, "leave 'format' out, or the other");
	}
	text = node_text(given, file, "format", err);
	if (text == NULL)
		return -1;
	if (!format_is_known(text))
		return no_such(given, file, "format", FORMAT_NAMES, err);
	input->accept = x_strdup(text);
	return 0;
}

static int
check_service(const char *text, struct err *err)
{
	if (text[0] == 0 || scalar_is_service_name(text))
		return 0;
	err_set(err, "service.grammar", "'%.80s' is no name of a service", text);
	return err_remedy(err, "names are made of A-Z a-z 0-9 _ . -, beginning with a "
			       "letter or digit");
}

static int
read_preset(struct pipeline_input *input, const struct node *node, const char *file,
	    struct err *err)
{
	const struct node *preset = node_find(node, "default");
	struct description_param param = as_param(input);
	AUTO_FREE char *text = NULL;

	if (preset == NULL)
		return 0;
	input->preset = value_of_node(&param, preset, file, err);
	if (input->preset == NULL)
		return err_context(err, "'default' of input '%s'", input->name);
	text = json_canonical(input->preset);
	if (expr_has(text)) {
		node_err(preset, file, err, "template.position",
			 "'default' of input '%s' may not hold a reference",
			 input->name);
		return err_remedy(err, "write the value itself");
	}
	if (input->type == INPUT_SERVICE &&
	    check_service(json_string_value(input->preset), err) < 0)
		return node_at(preset, file, err);
	return 0;
}

/* What stands for an input that was not given and has no default. */
static json_t *
blank_value(enum input_type type)
{
	switch (type) {
	case INPUT_BOOL:
		return json_false();
	case INPUT_INT:
	case INPUT_DURATION:
	case INPUT_SIZE:
		return json_integer(0);
	case INPUT_REAL:
		return json_real(0);
	case INPUT_LIST:
		return json_array();
	case INPUT_MAP:
		return json_object();
	case INPUT_JSON:
		return json_null();
	case INPUT_STRING:
	case INPUT_CHOICE:
	case INPUT_PATH:
	case INPUT_SERVICE:
		break;
	}
	return json_string("");
}

static int
read_one(struct pipeline *p, const struct node *inputs, size_t i, struct err *err)
{
	const struct node *node = inputs->items[i];
	struct pipeline_input *input = &p->inputs[p->input_count++];
	AUTO_FREE char *description = NULL;

	input->name = x_strdup(inputs->keys[i]);
	input->type = INPUT_STRING;
	if (!is_input_name(input->name)) {
		err_set(err, "id.grammar",
			"input '%s': names are made of A-Z a-z 0-9 _ -", input->name);
		return node_at_key(inputs, i, p->file, err);
	}
	if (node_is_null(node))
		return 0;
	if (form_check(node, p->file, &input_form, err) < 0 ||
	    read_type(input, node, p->file, err) < 0 ||
	    node_get_bool(node, p->file, "required", &input->is_required, err) < 0 ||
	    node_get_text(node, p->file, "description", &description, err) < 0 ||
	    read_choices(input, node, p->file, err) < 0 ||
	    read_format(input, node, p->file, err) < 0 ||
	    read_bounds(input, node, p->file, err) < 0 ||
	    read_preset(input, node, p->file, err) < 0)
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
	free(input->accept);
	json_decref(input->preset);
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

/* "" for what may be left out is to leave it out, also of what has a format. */
static bool
is_left_out(const struct pipeline_input *input, const char *text)
{
	return *text == 0 && !input->is_required && input->accept != NULL &&
	       format_is_known(input->accept);
}

/* A value that was given. New reference, or NULL. */
static json_t *
type_given(const struct pipeline_input *input, const json_t *given, struct err *err)
{
	struct description_param param = as_param(input);
	const char *text = json_string_value(given);
	json_t *typed;

	if (text != NULL && is_left_out(input, text))
		return json_string("");
	typed = text != NULL ? value_of_text(&param, text, err)
			     : description_type_value(&param, given, err);
	if (typed != NULL && input->type == INPUT_SERVICE &&
	    check_service(json_string_value(typed), err) < 0) {
		json_decref(typed);
		typed = NULL;
	}
	if (typed == NULL)
		err_context(err, "input '%s'", input->name);
	return typed;
}

static json_t *
typed_input(const struct pipeline *p, const struct pipeline_input *input,
	    const json_t *given, struct err *err)
{
	if (given != NULL)
		return type_given(input, given, err);
	if (input->preset != NULL)
		return json_incref(input->preset);
	if (!input->is_required)
		return blank_value(input->type);
	err_set(err, "input.required", "pipeline '%s' needs the input '%s'", p->name,
		input->name);
	if (str_eq(input->name, "instruction"))
		err_remedy(err,
			   "say what is wrong, such as `fettle run \"repair missing "
			   "dependency for the api service\"`");
	else
		err_remedy(err, "give it with -i %s=VALUE", input->name);
	return NULL;
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
