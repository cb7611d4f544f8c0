/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an expression is worth. Types are never converted: two values of
 * different types are an error, not unequal. NULL stands for a value that is
 * not known yet; it makes what depends on it unknown.
 */
#include "base/base.h"

#include "model/formula.h"

#define MAX_TEXT_BYTES (128u << 10)

struct evaluation {
	const struct formula *formula;
	const struct expr_scope *scope;
	struct err *err;
};

/* ---- values ------------------------------------------------------------------ */

static const char *
type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "a map";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		break;
	}
	return "null";
}

static bool
is_same_type(const json_t *a, const json_t *b)
{
	return str_eq(type_name(a), type_name(b));
}

static bool
is_equal(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b) &&
	    json_typeof(a) != json_typeof(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		return x <= y && x >= y;
	}
	return json_equal(a, b);
}

/* Below zero, zero or above, as a is less than, equal to or greater than b. */
static int
order(const json_t *a, const json_t *b)
{
	if (json_is_string(a))
		return strcmp(json_string_value(a), json_string_value(b));
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	double x = json_number_value(a), y = json_number_value(b);

	return (x > y) - (x < y);
}

int
formula_check_size(size_t bytes, struct err *err)
{
	if (bytes <= MAX_TEXT_BYTES)
		return 0;
	err_set(err, "template.size", "the text becomes larger than %u KiB",
		MAX_TEXT_BYTES >> 10);
	return err_remedy(err, "pass large values through a file");
}

int
formula_add_text(struct str *text, const json_t *value, struct err *err)
{
	AUTO_FREE char *json = NULL;
	const char *added = json_string_value(value);

	if (json_is_null(value))
		return 0;
	if (added == NULL)
		added = json = json_canonical(value);
	if (formula_check_size(text->len + strlen(added), err) < 0)
		return -1;
	str_add(text, added);
	return 0;
}

/* ---- operators --------------------------------------------------------------- */

static int evaluate(const struct evaluation *e, uint32_t term, json_t **ret);

static int PRINTF_LIKE(2, 3) type_err(const struct evaluation *e, const char *fmt, ...)
{
	char why[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	err_set(e->err, "template.type", "%s", why);
	return err_remedy(e->err, "values keep their types: compare numbers with "
				  "numbers and 'texts' with texts");
}

/* *ret: 1 true, 0 false, -1 unknown. */
static int
evaluate_flag(const struct evaluation *e, uint32_t term, const char *sign, int *ret)
{
	AUTO(json_ref) json_t *value = NULL;

	if (evaluate(e, term, &value) < 0)
		return -1;
	if (value != NULL && !json_is_boolean(value))
		return type_err(e, "'%s' takes true or false, not %s", sign,
				type_name(value));
	*ret = value == NULL ? -1 : json_is_true(value);
	return 0;
}

static int
evaluate_not(const struct evaluation *e, const struct formula_term *t, json_t **ret)
{
	int flag;

	if (evaluate_flag(e, t->first, "!", &flag) < 0)
		return -1;
	*ret = flag < 0 ? NULL : json_boolean(!flag);
	return 0;
}

/* `&&` ends at the first false, `||` at the first true. */
static int
evaluate_chain(const struct evaluation *e, const struct formula_term *t, json_t **ret)
{
	bool is_or = t->op == OP_OR, is_known = true;
	int flag;

	for (uint32_t i = t->first; i != 0; i = e->formula->terms[i].next) {
		if (evaluate_flag(e, i, is_or ? "||" : "&&", &flag) < 0)
			return -1;
		if (flag == is_or) {
			*ret = json_boolean(is_or);
			return 0;
		}
		is_known &= flag >= 0;
	}
	*ret = is_known ? json_boolean(!is_or) : NULL;
	return 0;
}

/* Both operands; either may come out as NULL. */
static int
evaluate_pair(const struct evaluation *e, const struct formula_term *t, json_t **ret_a,
	      json_t **ret_b)
{
	if (evaluate(e, t->first, ret_a) < 0)
		return -1;
	return evaluate(e, e->formula->terms[t->first].next, ret_b);
}

static int
evaluate_equality(const struct evaluation *e, const struct formula_term *t,
		  json_t **ret)
{
	AUTO(json_ref) json_t *a = NULL, *b = NULL;
	bool is_negated = t->op == OP_NE;

	if (evaluate_pair(e, t, &a, &b) < 0)
		return -1;
	if (a == NULL || b == NULL)
		return 0;
	if (!is_same_type(a, b) && !json_is_null(a) && !json_is_null(b))
		return type_err(e, "'%s' compares %s with %s", is_negated ? "!=" : "==",
				type_name(a), type_name(b));
	*ret = json_boolean(is_equal(a, b) != is_negated);
	return 0;
}

static int
evaluate_order(const struct evaluation *e, const struct formula_term *t, json_t **ret)
{
	AUTO(json_ref) json_t *a = NULL, *b = NULL;
	bool is_less = t->op == OP_LT || t->op == OP_LE;
	int result;

	if (evaluate_pair(e, t, &a, &b) < 0)
		return -1;
	if (a == NULL || b == NULL)
		return 0;
	if (!is_same_type(a, b) || (!json_is_number(a) && !json_is_string(a)))
		return type_err(e, "'%s' compares %s with %s: it takes two numbers or "
				   "two texts",
				is_less ? "<" : ">", type_name(a), type_name(b));
	result = is_less ? order(a, b) : order(b, a);
	*ret = json_boolean(result < 0 ||
			    (result == 0 && (t->op == OP_LE || t->op == OP_GE)));
	return 0;
}

/* ---- functions --------------------------------------------------------------- */

static int
evaluate_contains(const struct evaluation *e, const struct formula_term *t,
		  json_t **ret)
{
	AUTO(json_ref) json_t *in = NULL, *what = NULL;
	bool is_found = false;
	json_t *item;
	size_t i;

	if (evaluate_pair(e, t, &in, &what) < 0)
		return -1;
	if (in != NULL && !json_is_string(in) && !json_is_array(in))
		return type_err(e, "contains() looks into a text or a list, not %s",
				type_name(in));
	if (in == NULL || what == NULL)
		return 0;
	if (json_is_string(in) && !json_is_string(what))
		return type_err(e, "contains() looks for a text in a text, not for %s",
				type_name(what));
	if (json_is_string(in))
		is_found = strstr(json_string_value(in), json_string_value(what)) !=
			   NULL;
	json_array_foreach (in, i, item)
		is_found |= is_equal(item, what);
	*ret = json_boolean(is_found);
	return 0;
}

static int
format_err(const struct evaluation *e, const char *why)
{
	err_set(e->err, "template.syntax", "format(): %s", why);
	return err_remedy(e->err, "{0} is the first argument behind the format; write "
				  "{{ and }} for braces");
}

/* One `{N}`, with *at on the brace; moves *at behind it. */
static int
add_argument(const struct evaluation *e, const json_t *arguments, const char **at,
	     struct str *text)
{
	size_t len = strspn(*at + 1, "0123456789");
	const json_t *value;

	if (len == 0 || len > 2 || (*at)[1 + len] != '}')
		return format_err(e, "a '{' that begins no {0}");
	value = json_array_get(arguments, strtoul(*at + 1, NULL, 10));
	if (value == NULL)
		return format_err(e, "a number above the last argument");
	*at += len + 2;
	return formula_add_text(text, value, e->err);
}

static int
format(const struct evaluation *e, const char *from, const json_t *arguments,
       json_t **ret)
{
	AUTO(str) struct str text = STR_INIT;

	while (*from != 0) {
		size_t len = strcspn(from, "{}");

		if (formula_check_size(text.len + len + 1, e->err) < 0)
			return -1;
		str_add_n(&text, from, len);
		from += len;
		if (*from == 0)
			break;
		if (from[0] == from[1]) {
			str_add_c(&text, *from);
			from += 2;
		} else if (*from == '}') {
			return format_err(e, "a '}' that ends nothing");
		} else if (add_argument(e, arguments, &from, &text) < 0) {
			return -1;
		}
	}
	*ret = json_string_lossy(str_get(&text), text.len);
	return 0;
}

static int
evaluate_format(const struct evaluation *e, const struct formula_term *t, json_t **ret)
{
	AUTO(json_ref) json_t *from = NULL, *arguments = json_array();
	bool is_known = true;

	if (evaluate(e, t->first, &from) < 0)
		return -1;
	if (from != NULL && !json_is_string(from))
		return type_err(e, "format() begins with a text, not %s",
				type_name(from));
	for (uint32_t i = e->formula->terms[t->first].next; i != 0;
	     i = e->formula->terms[i].next) {
		json_t *argument = NULL;

		if (evaluate(e, i, &argument) < 0)
			return -1;
		is_known &= argument != NULL;
		if (argument != NULL)
			json_array_append_new(arguments, argument);
	}
	if (from == NULL || !is_known)
		return 0;
	return format(e, json_string_value(from), arguments, ret);
}

/* ---- the whole --------------------------------------------------------------- */

/* No deeper than the parser went. *ret stays NULL when the value is unknown. */
static int
evaluate(const struct evaluation *e, uint32_t term, json_t **ret)
{
	const struct formula_term *t = &e->formula->terms[term];

	switch (t->op) {
	case OP_VALUE:
		*ret = json_incref(t->value);
		return 0;
	case OP_NAME:
		*ret = e->scope->lookup(e->scope->self, t->name);
		return 0;
	case OP_NOT:
		return evaluate_not(e, t, ret);
	case OP_AND:
	case OP_OR:
		return evaluate_chain(e, t, ret);
	case OP_EQ:
	case OP_NE:
		return evaluate_equality(e, t, ret);
	case OP_LT:
	case OP_LE:
	case OP_GT:
	case OP_GE:
		return evaluate_order(e, t, ret);
	case OP_SUCCESS:
	case OP_FAILURE:
		*ret = json_boolean(e->scope->has_failed == (t->op == OP_FAILURE));
		return 0;
	case OP_CONTAINS:
		return evaluate_contains(e, t, ret);
	case OP_FORMAT:
		return evaluate_format(e, t, ret);
	}
	return 0;
}

int
formula_evaluate(const struct formula *formula, const struct expr_scope *scope,
		 json_t **ret, struct err *err)
{
	const struct evaluation e = { formula, scope, err };
	AUTO(json_ref) json_t *value = NULL;

	if (evaluate(&e, formula->root, &value) < 0 ||
	    (json_is_string(value) &&
	     formula_check_size(json_string_length(value), err) < 0))
		return err_context(err, "'%.120s'", formula->text);
	*ret = STEAL(value);
	return 0;
}
