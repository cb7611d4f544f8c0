/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `${{ expression }}` in strings, and the conditions of `if:`. One pass,
 * nothing is expanded twice. A string that is exactly one expression takes the
 * value's type; an expression inside a longer string becomes text. The grammar
 * is in formula.h, what it means in fettle-pipeline(5).
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

struct formula;

bool expr_has(const char *text);

/*
 * Calls `each` for every name in the expressions of a JSON value (strings
 * inside arrays and objects too), in the order of the text. -1 with
 * `template.syntax`, `template.name` (there is no such function),
 * `template.size` (an expression above 4 KiB, 256 terms or 32 levels; more
 * than 256 in a text), or when each returns -1.
 */
int expr_each(const json_t *value,
	      int (*each)(void *self, const char *name, struct err *err),
	      void *self, struct err *err);

/*
 * The value with every expression replaced. New reference. *ret_known is false
 * when it depends on a name that has no value yet; the result is then
 * json_null(). -1 with the codes of expr_each, `template.type` (operands that
 * do not fit), `template.size` (a text above 128 KiB).
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

/* An `if:` that is looked at more than once. NULL with the codes of expr_each. */
struct formula *expr_parse_condition(const char *text, struct err *err);
void expr_condition_free(struct formula *condition);
int expr_each_in_condition(const struct formula *condition,
			   int (*each)(void *self, const char *name, struct err *err),
			   void *self, struct err *err);

#endif
