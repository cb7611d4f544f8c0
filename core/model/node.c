/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes once they are read: finding members, reading them as values, pointing
 * at them in errors.
 */
#include "base/base.h"

#include "model/node.h"

#include <stdarg.h>

#include "base/num.h"
#include "base/str.h"
#include "model/scalar.h"

void
node_free(struct node *root)
{
	struct arena arena;

	if (root == NULL)
		return;
	/* It lies in the very memory that is given back. */
	arena = *root->arena;
	arena_done(&arena);
}

void
node_done(struct node **node)
{
	node_free(*node);
	*node = NULL;
}

bool
node_is_null(const struct node *node)
{
	if (node->kind != NODE_SCALAR || !node->is_plain)
		return false;
	return node->len == 0 || str_eq(node->text, "~") ||
	       str_eq(node->text, "null") || str_eq(node->text, "Null") ||
	       str_eq(node->text, "NULL");
}

static size_t
find_index(const struct node *mapping, const char *key)
{
	size_t i = 0;

	if (mapping->kind != NODE_MAPPING)
		return mapping->count;
	while (i < mapping->count && !str_eq(mapping->keys[i], key))
		i++;
	return i;
}

const struct node *
node_find(const struct node *mapping, const char *key)
{
	size_t i = find_index(mapping, key);

	if (mapping->kind != NODE_MAPPING || i == mapping->count)
		return NULL;
	return mapping->items[i];
}

int
node_err(const struct node *node, const char *file, struct err *err, const char *code,
	 const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(err, code, "%s", text);
	return err_at(err, file, node->line, node->column);
}

int
node_at(const struct node *node, const char *file, struct err *err)
{
	return err_at(err, file, node->line, node->column);
}

int
node_at_key(const struct node *mapping, size_t i, const char *file, struct err *err)
{
	return err_at(err, file, mapping->key_places[i].line,
		      mapping->key_places[i].column);
}

static int
unknown_key(const struct node *mapping, size_t i, const char *file,
	    const char *const *allowed, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *near;

	for (; *allowed != NULL; allowed++) {
		strv_add(&names, *allowed);
		str_addf(&list, "%s%s", list.len ? ", " : "", *allowed);
	}
	near = strv_nearest(&names, mapping->keys[i]);
	if (near != NULL)
		err_set(err, "key.unknown", "unknown key '%s', did you mean '%s'?",
			mapping->keys[i], near);
	else
		err_set(err, "key.unknown", "unknown key '%s'", mapping->keys[i]);
	err_remedy(err, "keys here are: %s", str_get(&list));
	return node_at_key(mapping, i, file, err);
}

int
node_check_keys(const struct node *mapping, const char *file,
		const char *const *allowed, struct err *err)
{
	if (mapping->kind != NODE_MAPPING)
		return node_err(mapping, file, err, "type.map",
				"a mapping of keys is due here");
	for (size_t i = 0; i < mapping->count; i++) {
		const char *const *name = allowed;

		while (*name != NULL && !str_eq(*name, mapping->keys[i]))
			name++;
		if (*name == NULL)
			return unknown_key(mapping, i, file, allowed, err);
	}
	return 0;
}

const char *
node_text(const struct node *node, const char *file, const char *what, struct err *err)
{
	if (node->kind == NODE_SCALAR && !node_is_null(node))
		return node->text;
	node_err(node, file, err, "type.string", "'%s' must be text", what);
	if (node->kind == NODE_SCALAR && node->len > 0)
		err_remedy(err, "put it in quotes if the word '%s' is meant",
			   node->text);
	return NULL;
}

int
node_get_text(const struct node *mapping, const char *file, const char *key, char **ret,
	      struct err *err)
{
	const struct node *node = node_find(mapping, key);
	const char *text;

	if (node == NULL)
		return 0;
	text = node_text(node, file, key, err);
	if (text == NULL)
		return -1;
	free(*ret);
	*ret = x_strdup(text);
	return 0;
}

int
node_get_bool(const struct node *mapping, const char *file, const char *key, bool *ret,
	      struct err *err)
{
	const struct node *node = node_find(mapping, key);

	if (node == NULL)
		return 0;
	if (node->kind != NODE_SCALAR)
		return node_err(node, file, err, "type.bool",
				"'%s' must be true or false", key);
	if (scalar_bool(node->text, ret, err) == 0)
		return 0;
	err_context(err, "'%s'", key);
	return node_at(node, file, err);
}

int
node_get_ms(const struct node *mapping, const char *file, const char *key,
	    uint64_t *ret, struct err *err)
{
	const struct node *node = node_find(mapping, key);
	uint64_t ms;

	if (node == NULL)
		return 0;
	if (node->kind != NODE_SCALAR)
		return node_err(node, file, err, "type.duration",
				"'%s' must be a duration such as 5m30s", key);
	if (str_eq(node->text, "0"))
		return node_err(node, file, err, "type.range",
				"'%s' must be at least 1ms", key);
	if (scalar_ms(node->text, &ms, err) < 0) {
		err_context(err, "'%s'", key);
		return node_at(node, file, err);
	}
	if (ms == 0)
		return node_err(node, file, err, "type.range",
				"'%s' must be at least 1ms", key);
	*ret = ms;
	return 0;
}

static json_t *
scalar_to_json(const struct node *node)
{
	int64_t number;

	if (node->is_plain && (str_eq(node->text, "true") || str_eq(node->text, "fals"
										"e")))
		return json_boolean(node->text[0] == 't');
	if (node->is_plain && num_i64(node->text, &number) == 0)
		return json_integer(number);
	return json_stringn(node->text, node->len);
}

json_t *
node_to_json(const struct node *node)
{
	json_t *json;

	if (node->kind == NODE_SCALAR)
		return scalar_to_json(node);
	json = node->kind == NODE_MAPPING ? json_object() : json_array();
	for (size_t i = 0; i < node->count; i++) {
		json_t *item = node_to_json(node->items[i]);

		if (node->kind == NODE_MAPPING)
			json_object_set_new(json, node->keys[i], item);
		else
			json_array_append_new(json, item);
	}
	return json;
}
