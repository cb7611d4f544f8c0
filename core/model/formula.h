/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One expression, parsed: what stands between `${{` and `}}`, or in an `if:`.
 *
 *	or      = and { "||" and }
 *	and     = compare { "&&" compare }
 *	compare = not [ ("==" | "!=" | "<" | "<=" | ">" | ">=") not ]
 *	not     = "!" not | "(" or ")" | literal | name | call
 *	call    = name "(" [ or { "," or } ] ")"
 *
 * Private to core/model: others use expr.h.
 */
#ifndef FETTLE_MODEL_FORMULA_H
#define FETTLE_MODEL_FORMULA_H

#include "base/str.h"
#include "model/expr.h"

#define FORMULA_OPEN "${{"
#define FORMULA_CLOSE "}}"
#define FORMULA_BLANKS " \t\r\n"

enum formula_op {
	OP_VALUE, OP_NAME,
	OP_NOT, OP_AND, OP_OR,
	OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE,
	OP_SUCCESS, OP_FAILURE, OP_CONTAINS, OP_FORMAT,
};

/* Operands are a list: the first, then each one's next. */
struct formula_term {
	enum formula_op op;
	json_t *value;		/* of OP_VALUE */
	char *name;		/* of OP_NAME */
	uint32_t first, next;	/* indexes into terms; 0: none */
};

struct formula {
	char *text;			/* for messages */
	struct formula_term *terms;	/* [0] is unused; names in order of the text */
	uint32_t count, root;
};

/*
 * NULL with `template.syntax`, `template.name` (there is no such function),
 * `template.size` (4 KiB, 256 terms, 32 levels). The second is of a text at
 * `${{`; *ret_end is behind its `}}`.
 */
struct formula *formula_parse(const char *text, struct err *err);
struct formula *formula_parse_braced(const char *text, const char **ret_end,
				     struct err *err);
void formula_done(struct formula **formula); /* for AUTO(formula) */

/*
 * *ret is a new reference, or NULL when the value depends on a name that has
 * none yet. -1 with `template.type`, `template.size`, `template.syntax` (a
 * format that is none).
 */
int formula_evaluate(const struct formula *formula, const struct expr_scope *scope,
		     json_t **ret, struct err *err);

/*
 * Adds a value as text: a text itself, nothing for null, all else as JSON. -1
 * with `template.size` when the text is above 128 KiB then.
 */
int formula_add_text(struct str *text, const json_t *value, struct err *err);
int formula_check_size(size_t bytes, struct err *err);

#endif
