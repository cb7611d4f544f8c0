/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding and replacing `${{ }}` in texts and values. What an expression is
 * worth is never looked at again, so a value that holds `${{` itself stays as
 * it is.
 */
#include "base/base.h"

#include "model/expr.h"

#include "base/str.h"
#include "model/formula.h"

#define MAX_EXPRESSIONS 256u

bool
expr_has(const char *text)
{
	return strstr(text, FORMULA_OPEN) != NULL;
}

/* ---- names ------------------------------------------------------------------- */

static int
each_in_formula(const struct formula *f,
		int (*each)(void *self, const char *name, struct err *err), void *self,
		struct err *err)
{
	for (uint32_t i = 1; i < f->count; i++)
		if (f->terms[i].op == OP_NAME && each(self, f->terms[i].name, err) < 0)
			return -1;
	return 0;
}

static int
check_count(size_t count, struct err *err)
{
	if (count <= MAX_EXPRESSIONS)
		return 0;
	err_set(err, "template.size", "more than %u '${{ }}' in one text",
		MAX_EXPRESSIONS);
	return err_remedy(err, "let a step compute the text");
}

static int
each_in_text(const char *text,
	     int (*each)(void *self, const char *name, struct err *err), void *self,
	     struct err *err)
{
	const char *begin = strstr(text, FORMULA_OPEN);

	for (size_t count = 1; begin != NULL; count++) {
		AUTO(formula)
		struct formula *f = formula_parse_braced(begin, &text, err);

		if (f == NULL || check_count(count, err) < 0 ||
		    each_in_formula(f, each, self, err) < 0)
			return -1;
		begin = strstr(text, FORMULA_OPEN);
	}
	return 0;
}

int
expr_each(const json_t *value,
	  int (*each)(void *self, const char *name, struct err *err), void *self,
	  struct err *err)
{
	json_t *item;
	const char *key;
	size_t i;

	if (json_is_string(value))
		return each_in_text(json_string_value(value), each, self, err);
	json_array_foreach (value, i, item)
		if (expr_each(item, each, self, err) < 0)
			return -1;
	json_object_foreach ((json_t *)value, key, item)
		if (expr_each(item, each, self, err) < 0)
			return -1;
	return 0;
}

/* ---- values ------------------------------------------------------------------ */

/* *ret stays NULL when the text's value is not known yet. */
static int
expand_text(const char *text, const struct expr_scope *scope, json_t **ret,
	    struct err *err)
{
	AUTO(str) struct str out = STR_INIT;
	const char *rest = text, *begin;
	bool is_known = true;
	size_t count = 0;

	while ((begin = strstr(rest, FORMULA_OPEN)) != NULL) {
		AUTO(json_ref) json_t *value = NULL;
		const char *end = NULL;
		AUTO(formula)
		struct formula *f = formula_parse_braced(begin, &end, err);

		if (f == NULL || check_count(++count, err) < 0 ||
		    formula_evaluate(f, scope, &value, err) < 0)
			return -1;
		if (begin == text && *end == 0) {
			*ret = STEAL(value);
			return 0;
		}
		is_known &= value != NULL;
		str_add_n(&out, rest, (size_t)(begin - rest));
		if (is_known && formula_add_text(&out, value, err) < 0)
			return err_context(err, "'%.120s'", f->text);
		rest = end;
	}
	str_add(&out, rest);
	if (formula_check_size(out.len, err) < 0)
		return -1;
	*ret = is_known ? json_string(str_get(&out)) : NULL;
	return 0;
}

static int expand(const json_t *value, const struct expr_scope *scope, json_t **ret,
		  struct err *err);

static int
expand_items(const json_t *value, const struct expr_scope *scope, json_t **ret,
	     struct err *err)
{
	AUTO(json_ref)
	json_t *out = json_is_array(value) ? json_array() : json_object();
	json_t *item;
	const char *key;
	size_t i;

	json_array_foreach (value, i, item) {
		json_t *copy = NULL;

		if (expand(item, scope, &copy, err) < 0)
			return -1;
		if (copy == NULL)
			return 0;
		json_array_append_new(out, copy);
	}
	json_object_foreach ((json_t *)value, key, item) {
		json_t *copy = NULL;

		if (expand(item, scope, &copy, err) < 0)
			return -1;
		if (copy == NULL)
			return 0;
		json_object_set_new(out, key, copy);
	}
	*ret = STEAL(out);
	return 0;
}

static int
expand(const json_t *value, const struct expr_scope *scope, json_t **ret,
       struct err *err)
{
	if (json_is_string(value))
		return expand_text(json_string_value(value), scope, ret, err);
	if (json_is_array(value) || json_is_object(value))
		return expand_items(value, scope, ret, err);
	*ret = json_incref((json_t *)value);
	return 0;
}

int
expr_expand(const json_t *value, const struct expr_scope *scope, json_t **ret,
	    bool *ret_known, struct err *err)
{
	json_t *out = NULL;

	if (expand(value, scope, &out, err) < 0)
		return -1;
	*ret_known = out != NULL;
	*ret = out != NULL ? out : json_null();
	return 0;
}

/* ---- conditions -------------------------------------------------------------- */

struct formula *
expr_parse_condition(const char *text, struct err *err)
{
	AUTO(formula) struct formula *f = NULL;
	const char *end = "";

	text += strspn(text, FORMULA_BLANKS);
	if (!str_starts(text, FORMULA_OPEN))
		return formula_parse(text, err);
	f = formula_parse_braced(text, &end, err);
	if (f == NULL)
		return NULL;
	if (end[strspn(end, FORMULA_BLANKS)] == 0)
		return STEAL(f);
	err_set(err, "template.syntax", "'%.30s' behind the '${{ }}' of '%.80s'", end,
		text);
	err_remedy(err, "write one '${{ }}' around the whole condition, or none");
	return NULL;
}

int
expr_each_in_condition(const struct formula *condition,
		       int (*each)(void *self, const char *name, struct err *err),
		       void *self, struct err *err)
{
	return each_in_formula(condition, each, self, err);
}

void
expr_condition_free(struct formula *condition)
{
	formula_done(&condition);
}

int
expr_condition(const char *text, const struct expr_scope *scope, bool *ret,
	       struct err *err)
{
	AUTO(formula) struct formula *f = expr_parse_condition(text, err);
	AUTO(json_ref) json_t *value = NULL;

	if (f == NULL || formula_evaluate(f, scope, &value, err) < 0)
		return -1;
	if (value == NULL) {
		err_set(err, "template.unknown",
			"'%.120s': it depends on a value that no step has given",
			f->text);
		return err_remedy(err, "ask first whether the step succeeded, such as "
				       "steps.ID.state == 'succeeded' && ...");
	}
	if (!json_is_boolean(value)) {
		err_set(err, "template.type", "'%.120s' is neither true nor false",
			f->text);
		return err_remedy(err, "compare it, such as NAME != ''");
	}
	*ret = json_is_true(value);
	return 0;
}
