/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text for modules: strings that do not fail to be allocated, lists of them, and
 * those of JSON. Knows nothing of Compose or Fettle.
 */
#ifndef FETTLE_COMMON_TEXT_H
#define FETTLE_COMMON_TEXT_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugins/common/memory.h"

void json_auto_decref(json_t **json);
#define AUTO_JSON __attribute__((cleanup(json_auto_decref)))

/* Each ends the process when there is no memory; the caller owns. */
char *text_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *text_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
char *text_copy(const char *s);		/* NULL stays NULL */
char *text_copy_n(const char *s, size_t n);

bool text_starts(const char *s, const char *prefix);
bool text_equal(const char *a, const char *b);	/* NULL equals NULL only */

/* A growing string; zero-initialise. s is NULL until something is added. */
struct text {
	char *s;
	size_t len, cap;
};
void text_add_n(struct text *text, const void *bytes, size_t n);
void text_add(struct text *text, const char *s);
void text_addf(struct text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *text_get(const struct text *text);	/* "" when empty */
/* What the text holds, owned by the caller, never NULL; the text is empty after. */
char *text_take(struct text *text);
/* Moves `from` into `to`; what was in `to` is gone, `from` is empty after. */
void text_move(struct text *to, struct text *from);
void text_done(struct text *text);
#define AUTO_TEXT __attribute__((cleanup(text_done)))

/* A NULL-terminated list of owned strings; zero-initialise. v is NULL until then. */
struct argv {
	char **v;
	size_t count;
};
void argv_add(struct argv *argv, const char *s);
void argv_addf(struct argv *argv, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void argv_done(struct argv *argv);
const char *const *argv_get(const struct argv *argv);
#define AUTO_ARGV __attribute__((cleanup(argv_done)))

/* Members, or the fallback when missing or of another type. Borrowed. */
const char *json_member(const json_t *object, const char *key); /* NULL when missing */
const char *json_text(const json_t *object, const char *key);	/* "" when missing */
int64_t json_member_int(const json_t *object, const char *key, int64_t fallback);
bool json_member_true(const json_t *object, const char *key);
/* `a.b.c` through nested objects; NULL when some part is missing. Borrowed. */
json_t *json_path(const json_t *object, const char *path);
const char *json_path_text(const json_t *object, const char *path);

/* The text as a JSON string, or null. Bytes that are not UTF-8 become `?`. New
 * reference. */
json_t *json_text_or_null(const char *s);
/* Parses any JSON value; NULL when there is none. New reference. */
json_t *json_of(const char *text);
/* True when the array holds the text. */
bool json_has_text(const json_t *array, const char *text);

/* CLOCK_BOOTTIME in milliseconds: for deadlines. */
int64_t clock_boot_ms(void);
void clock_sleep_ms(int64_t ms);
const char *text_ms(int64_t ms, char buf[32]);	/* `87ms`, `2.4s`, `1m30s` */

#endif
