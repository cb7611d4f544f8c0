/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of core/model share: claims about errors, names. */
#ifndef FETTLE_UNIT_MODEL_H
#define FETTLE_UNIT_MODEL_H

#include "unit.h"

#include "base/err.h"
#include "base/json.h"

/* Code and position as wanted; line 0: no position. */
static inline void
expect_err(const char *what, const struct err *err, const char *code, uint32_t line,
	   uint32_t column)
{
	char shown[2500];

	if (str_eq(err->code, code) && err->line == line && err->column == column)
		return;
	ck_abort_msg("%s: want %s at %u:%u, got %s at %u:%u: %s", what, code, line,
		     column, err->code, err->line, err->column,
		     err_format(err, shown, sizeof(shown)));
}

/* The value's canonical text is `want`. Takes the reference. */
static inline void
expect_json(const char *what, json_t *json, const char *want)
{
	AUTO_FREE char *got = NULL;

	ck_assert_msg(json != NULL, "%s: there is no value, want %s", what, want);
	got = json_canonical(json);
	json_decref(json);
	ck_assert_msg(str_eq(got, want), "%s: got %s, want %s", what, got, want);
}

/* JSON as it is written in a test: apostrophes for quotes. New reference. */
static inline json_t *
json_of(const char *text)
{
	AUTO_FREE char *quoted = x_strdup(text);
	struct err err = { "" };
	json_t *json;

	for (char *c = quoted; *c != 0; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_parse(quoted, strlen(quoted), &err);
	ck_assert_msg(json != NULL, "%s: %s", text, err.text);
	return json;
}

/* Names of an expression in a test, `later` not among them. New reference. */
static inline json_t *
names_given(void)
{
	return json_of("{'text': 'a b', 'number': 42, 'flag': true, "
		       "'list': ['a', 1], 'null': null, 'nested': '${{ text }}'}");
}

static inline json_t *
names_lookup(void *self, const char *name)
{
	return json_incref(json_object_get(self, name));
}

#endif
