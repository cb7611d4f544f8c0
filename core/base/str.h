/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing byte string, always terminated by a NUL that does not count, and
 * a growing list of strings.
 */
#ifndef FETTLE_BASE_STR_H
#define FETTLE_BASE_STR_H

#include "base.h"

struct str {
	char *s;	/* never NULL after str_init or the first add; owned */
	size_t len, cap;
};
#define STR_INIT { NULL, 0, 0 }

void str_add_n(struct str *str, const void *bytes, size_t n);
void str_add_c(struct str *str, char c);
void str_addf(struct str *str, const char *fmt, ...) PRINTF_LIKE(2, 3);
void str_reserve(struct str *str, size_t more);
void str_truncate(struct str *str, size_t len);
const char *str_get(const struct str *str);	/* "" when empty */
char *str_take(struct str *str);		/* caller owns; str is empty after */
void str_done(struct str *str);

/* Here, so that the length of a literal is known. */
static inline void
str_add(struct str *str, const char *s)
{
	str_add_n(str, s, strlen(s));
}

/* A NULL-terminated list of owned strings: usable as an argv. */
struct strv {
	char **v;	/* NULL when nothing was ever added */
	size_t count;
};
#define STRV_INIT { NULL, 0 }

void strv_add(struct strv *strv, const char *s);
void strv_addf(struct strv *strv, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strv_add_n(struct strv *strv, const char *s, size_t n);
bool strv_has(const struct strv *strv, const char *s);
void strv_clear(struct strv *strv);
void strv_done(struct strv *strv);

/* The entry nearest to `word` by edit distance, or NULL when none is near. */
const char *strv_nearest(const struct strv *strv, const char *word);

/*
 * Appends bytes so that a terminal shows them harmlessly: control and bidi
 * characters and bytes that are not UTF-8 as `\xNN` or `\u{NNNN}`; tab and
 * newline as they are.
 */
void str_add_visible(struct str *str, const char *bytes, size_t n);

/* True when the bytes are well-formed UTF-8 (no overlongs, no surrogates). */
bool utf8_is_valid(const char *bytes, size_t n);

#endif
