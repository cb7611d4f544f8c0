/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What modules need of plain C: memory that does not run out, scope-bound
 * clean-up, a growing text. Modules see <fettle/plugin.h> and this folder
 * only; nothing here knows what a run is.
 */
#ifndef FETTLE_COMMON_TEXT_H
#define FETTLE_COMMON_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define MUST_USE __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* These never return NULL: they end the process when there is no memory. */
void *x_calloc(size_t count, size_t size) MUST_USE;
void *x_realloc(void *ptr, size_t count, size_t size) MUST_USE; /* checks count * size */
char *x_strdup(const char *s) MUST_USE;				/* NULL stays NULL */
char *x_strndup(const char *s, size_t n) MUST_USE;		/* copies n bytes, NULs too */
char *x_asprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_USE;

/*
 * Every owning local is declared with one of these and initialised there.
 * AUTO(text) calls text_done(&x), AUTO(json_ref) json_ref_done(&x).
 */
void auto_free(void *p);	/* p points at the pointer */
void auto_close(int *fd);	/* closes when >= 0, keeps errno */
void json_ref_done(json_t **json);
#define AUTO_FREE __attribute__((cleanup(auto_free)))
#define AUTO_CLOSE __attribute__((cleanup(auto_close)))
#define AUTO(type) __attribute__((cleanup(type##_done)))
#define STEAL(p)                                                               \
	({                                                                     \
		__auto_type steal_ = (p);                                      \
		(p) = NULL;                                                    \
		steal_;                                                        \
	})

/* A growing byte string, always terminated by a NUL that does not count. */
struct text {
	char *s;	/* NULL when nothing was ever added; owned */
	size_t len, cap;
};
#define TEXT_INIT { NULL, 0, 0 }

void text_add(struct text *text, const char *s);
void text_add_n(struct text *text, const void *bytes, size_t n);
void text_addf(struct text *text, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *text_get(const struct text *text);	/* "" when empty */
char *text_take(struct text *text);		/* caller owns; text is empty after */
void text_done(struct text *text);

static inline bool
text_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static inline bool
text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The member's text, or "" when it is missing or no string. Borrowed. */
const char *json_text(const json_t *object, const char *key);

/* Reads a whole regular file of at most max_bytes. -1 with errno (EFBIG above). */
int file_load(const char *path, size_t max_bytes, struct text *ret);

#endif
