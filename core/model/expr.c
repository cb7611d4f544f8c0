/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding and replacing `${{ name }}`. What a reference stands for is never
 * looked at again, so a value that holds `${{` itself stays as it is.
 */
#include "base/base.h"

#include "model/expr.h"

#include "base/str.h"

#define OPEN "${{"
#define CLOSE "}}"
#define MAX_TEXT_BYTES (128u << 10)
#define MAX_NAME_BYTES 400u

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
#define BLANKS " \t\n"

/* One reference in a text: [begin, end) is `${{ name }}`. */
struct reference {
	const char *begin, *end;
	char name[MAX_NAME_BYTES + 1];
};

bool
expr_has(const char *text)
{
	return strstr(text, OPEN) != NULL;
}

/* Names with dots between: `steps.build.outputs.image`. */
static bool
is_name(const char *name)
{
	for (;;) {
		size_t n = strspn(name, NAME_CHARS);

		if (n == 0)
			return false;
		if (name[n] == 0)
			return true;
		if (name[n] != '.')
			return false;
		name += n + 1;
	}
}

static int
syntax_err(struct err *err, const char *why, const char *at)
{
	err_set(err, "template.syntax", "%s in '%.60s'", why, at);
	return err_remedy(err, "write a name between the braces, such as ${{ "
			       "inputs.service }} or ${{ steps.ID.outputs.NAME }}");
}

/* 1 and the next reference at or behind `from`, 0 when there is none, or -1. */
static int
find_reference(const char *from, struct reference *ret, struct err *err)
{
	const char *begin = strstr(from, OPEN), *name, *close;
	size_t len;

	if (begin == NULL)
		return 0;
	name = begin + strlen(OPEN);
	name += strspn(name, BLANKS);
	close = strstr(name, CLOSE);
	if (close == NULL)
		return syntax_err(err, "'${{' without '}}'", begin);
	len = (size_t)(close - name);
	if (memmem(name, len, "{{", 2) != NULL)
		return syntax_err(err, "'{{' inside of '${{ }}'", begin);
	while (len > 0 && strchr(BLANKS, name[len - 1]) != NULL)
		len--;
	if (len == 0)
		return syntax_err(err, "nothing between '${{' and '}}'", begin);
	if (len > MAX_NAME_BYTES)
		return syntax_err(err, "too long a name", begin);
	memcpy(ret->name, name, len);
	ret->name[len] = 0;
	if (!is_name(ret->name))
		return syntax_err(err, "what is no name", begin);
	ret->begin = begin;
	ret->end = close + strlen(CLOSE);
	return 1;
}

static int
each_in_text(const char *text,
	     int (*each)(void *self, const char *name, struct err *err), void *self,
	     struct err *err)
{
	struct reference ref;
	int found;

	while ((found = find_reference(text, &ref, err)) == 1) {
		if (each(self, ref.name, err) < 0)
			return -1;
		text = ref.end;
	}
	return found;
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

static int
size_err(struct err *err, const char *name)
{
	err_set(err, "template.size", "the text with '${{ %s }}' is larger than %u KiB",
		name, MAX_TEXT_BYTES >> 10);
	return err_remedy(err, "pass large values through a file");
}

/* A value inside a longer text. */
static int
add_as_text(struct str *text, const json_t *value, const char *name, struct err *err)
{
	if (json_is_string(value)) {
		if (json_string_length(value) > MAX_TEXT_BYTES)
			return size_err(err, name);
		str_add(text, json_string_value(value));
	} else if (!json_is_null(value)) {
		AUTO_FREE char *json = json_canonical(value);

		if (strlen(json) > MAX_TEXT_BYTES)
			return size_err(err, name);
		str_add(text, json);
	}
	return text->len > MAX_TEXT_BYTES ? size_err(err, name) : 0;
}

/* The whole text is this one reference: the value keeps its type. */
static int
expand_whole(const struct reference *ref, const struct expr_scope *scope, json_t **ret,
	     struct err *err)
{
	AUTO(json_ref) json_t *value = scope->lookup(scope->self, ref->name);

	if (json_is_string(value) && json_string_length(value) > MAX_TEXT_BYTES)
		return size_err(err, ref->name);
	*ret = STEAL(value);
	return 0;
}

/* *ret stays NULL when a name has no value yet. */
static int
expand_text(const char *text, const struct expr_scope *scope, json_t **ret,
	    struct err *err)
{
	AUTO(str) struct str out = STR_INIT;
	struct reference ref;
	const char *rest = text;
	int found;

	while ((found = find_reference(rest, &ref, err)) == 1) {
		AUTO(json_ref) json_t *value = NULL;

		if (ref.begin == text && *ref.end == 0)
			return expand_whole(&ref, scope, ret, err);
		value = scope->lookup(scope->self, ref.name);
		if (value == NULL)
			return 0;
		str_add_n(&out, rest, (size_t)(ref.begin - rest));
		if (add_as_text(&out, value, ref.name, err) < 0)
			return -1;
		rest = ref.end;
	}
	if (found < 0)
		return -1;
	str_add(&out, rest);
	*ret = json_string(str_get(&out));
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

/* ---- conditions ------------------------------------------------------------ */

/* The name or literal of an `if:`, without `${{ }}` around it. Caller owns. */
static char *
find_inner(const char *text, struct err *err)
{
	AUTO_FREE char *inner = NULL;
	size_t len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	if (str_starts(text, OPEN) && len >= 5 &&
	    strncmp(text + len - 2, CLOSE, 2) == 0) {
		text += 3 + strspn(text + 3, BLANKS);
		len = strcspn(text, "} \t\n");
	}
	inner = x_strndup(text, len);
	if (is_name(inner))
		return STEAL(inner);
	syntax_err(err, "what is no name", inner);
	return NULL;
}

int
expr_each_in_condition(const char *text,
		       int (*each)(void *self, const char *name, struct err *err),
		       void *self, struct err *err)
{
	AUTO_FREE char *inner = find_inner(text, err);

	if (inner == NULL)
		return -1;
	if (each == NULL || str_eq(inner, "true") || str_eq(inner, "false"))
		return 0;
	return each(self, inner, err);
}

int
expr_condition(const char *text, const struct expr_scope *scope, bool *ret,
	       struct err *err)
{
	AUTO_FREE char *inner = find_inner(text, err);
	AUTO(json_ref) json_t *value = NULL;

	if (inner == NULL)
		return -1;
	if (str_eq(inner, "true") || str_eq(inner, "false"))
		value = json_boolean(str_eq(inner, "true"));
	else
		value = scope->lookup(scope->self, inner);
	if (value == NULL)
		return err_set(err, "template.unknown", "'%s' has no value", inner);
	if (!json_is_boolean(value))
		return err_set(err, "template.type", "'%s' is neither true nor false",
			       inner);
	*ret = json_is_true(value);
	return 0;
}
