/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `${{ a.b.c }}` in strings: lookups only. One pass, nothing is expanded
 * twice. A string that is exactly one reference takes the value's type; a
 * reference inside a longer string becomes text.
 */
#ifndef FETTLE_MODEL_EXPR_H
#define FETTLE_MODEL_EXPR_H

#include "base/err.h"
#include "base/json.h"

/* Finds a name's value. */
struct expr_scope {
	/* New reference, or NULL when the name is known but has no value yet. */
	json_t *(*lookup)(void *self, const char *name);
	void *self;
	bool has_failed; /* a step of this run has: success(), failure() */
};

bool expr_has(const char *text);

/*
 * Calls `each` for every reference in a JSON value (strings inside arrays and
 * objects too). -1 with `template.syntax` on an unclosed, empty or nested
 * `${{`, or when each returns -1.
 */
int expr_each(const json_t *value,
	      int (*each)(void *self, const char *name, struct err *err),
	      void *self, struct err *err);

/*
 * The value with every reference replaced. New reference. *ret_known is false
 * when a name has no value yet; the result is then json_null().
 * -1 with `template.syntax`, `template.size` (a text above 128 KiB).
 */
int expr_expand(const json_t *value, const struct expr_scope *scope, json_t **ret,
		bool *ret_known, struct err *err);

/*
 * The text of an `if:`, with or without `${{ }}` around the whole. -1 also with
 * `template.type` when it is neither true nor false, and `template.unknown`
 * when it depends on a name that has no value yet.
 */
int expr_condition(const char *text, const struct expr_scope *scope, bool *ret,
		   struct err *err);

/* expr_each of an `if:`. Without `each` it only checks the form. */
int expr_each_in_condition(const char *text,
			   int (*each)(void *self, const char *name, struct err *err),
			   void *self, struct err *err);

#endif
