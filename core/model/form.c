/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See form.h. */
#include "base/base.h"

#include "model/form.h"

#include <assert.h>

#define MAX_KEYS 32u

int
form_check(const struct node *mapping, const char *file, const struct form *form,
	   struct err *err)
{
	const char *names[MAX_KEYS + 1] = { NULL };
	size_t count = 0;

	for (const struct form_key *key = form->keys; key->name != NULL; key++) {
		assert(count < MAX_KEYS);
		names[count++] = key->name;
	}
	return node_check_keys(mapping, file, names, err);
}
