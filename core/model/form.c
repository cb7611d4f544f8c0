/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See form.h. */
#include "base/base.h"

#include "model/form.h"

#include <assert.h>

#define MAX_KEYS 32u

static bool
has_key(const struct form *form, const char *name)
{
	const struct form_key *key = form->keys;

	while (key->name != NULL && !str_eq(key->name, name))
		key++;
	return key->name != NULL;
}

static bool
is_known(const struct node *mapping, const struct form *form)
{
	size_t i = 0;

	while (i < mapping->count && has_key(form, mapping->keys[i]))
		i++;
	return i == mapping->count;
}

int
form_check(const struct node *mapping, const char *file, const struct form *form,
	   struct err *err)
{
	const char *names[MAX_KEYS + 1] = { NULL };
	size_t count = 0;

	if (mapping->kind == NODE_MAPPING && is_known(mapping, form))
		return 0;
	/* The names are for the message. */
	for (const struct form_key *key = form->keys; key->name != NULL; key++) {
		assert(count < MAX_KEYS);
		names[count++] = key->name;
	}
	return node_check_keys(mapping, file, names, err);
}
