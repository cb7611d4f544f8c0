/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members and types of a JSON object against a table. */
#include "base/base.h"
#include "wire/shape.h"

static bool
is_choice(const char *text, const char *choices)
{
	AUTO_FREE char *word = x_asprintf("|%s|", text);

	return !strchr(text, '|') && strstr(choices, word);
}

static bool
is_sha256(const json_t *value)
{
	return json_is_string(value) && json_string_length(value) == 64 &&
	       strspn(json_string_value(value), "0123456789abcdef") == 64;
}

static bool
is_texts(const json_t *list)
{
	size_t i;
	json_t *entry;

	json_array_foreach (list, i, entry)
		if (!json_is_string(entry))
			return false;
	return json_is_array(list);
}

static bool
is_text_map(json_t *map)
{
	const char *key;
	json_t *entry;

	json_object_foreach (map, key, entry)
		if (!json_is_string(entry))
			return false;
	return json_is_object(map);
}

static bool
is_of_type(json_t *value, const struct shape_member *member)
{
	switch (member->type) {
	case SHAPE_ANY:
		return true;
	case SHAPE_TEXT:
		return json_is_string(value);
	case SHAPE_CHOICE:
		return json_is_string(value) &&
		       is_choice(json_string_value(value), member->choices);
	case SHAPE_SHA256:
		return is_sha256(value);
	case SHAPE_INT:
		return json_is_integer(value);
	case SHAPE_BOOL:
		return json_is_boolean(value);
	case SHAPE_OBJECT:
		return json_is_object(value);
	case SHAPE_LIST:
		return json_is_array(value);
	case SHAPE_TEXTS:
		return is_texts(value);
	case SHAPE_TEXT_MAP:
		return is_text_map(value);
	}
	return false;
}

static const struct shape_member *
find_member(const struct shape_member *members, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(members[i].name, name))
			return &members[i];
	return NULL;
}

int
shape_check(const json_t *object, const struct shape_member *members, size_t count,
	    const char *code, const char *what, struct err *err)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return err_set(err, code, "%s is not a JSON object", what);

	for (size_t i = 0; i < count; i++) {
		const struct shape_member *member = &members[i];

		value = json_object_get(object, member->name);
		if (!value && !(member->flags & SHAPE_OPTIONAL))
			return err_set(err, code, "%s has no member '%s'", what,
				       member->name);
		if (!value || (json_is_null(value) && (member->flags & SHAPE_NULL)))
			continue;
		if (!is_of_type(value, member))
			return err_set(err, code, "%s has a wrong value in member '%s'",
				       what, member->name);
	}
	json_object_foreach ((json_t *)object, key, value)
		if (!find_member(members, count, key))
			return err_set(err, code, "%s has an unknown member '%s'", what,
				       key);
	return 0;
}
