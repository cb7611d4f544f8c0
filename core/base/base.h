/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every file of Fettle starts with: allocation that does not fail,
 * scope-bound clean-up, and the functions nobody here may call.
 */
#ifndef FETTLE_BASE_BASE_H
#define FETTLE_BASE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define MUST_USE __attribute__((warn_unused_result))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Memory. These never return NULL: they end the process when there is none, or
 * when count * size is no size.
 */
void *x_malloc(size_t size) MUST_USE;
void *x_calloc(size_t count, size_t size) MUST_USE;
void *x_realloc(void *ptr, size_t count, size_t size) MUST_USE;
char *x_strdup(const char *s) MUST_USE;			/* NULL stays NULL */
char *x_strndup(const char *s, size_t n) MUST_USE;
char *x_asprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_USE;
char *x_vasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0) MUST_USE;

/*
 * Scope-bound clean-up. Every owning local is declared with one of these and
 * initialised at its declaration; STEAL hands the value over and leaves an
 * empty variable behind.
 */
void auto_free(void *p);	/* p points at the pointer */
void auto_close(int *fd);	/* closes when >= 0, sets it to -1, keeps errno */
#define AUTO_FREE __attribute__((cleanup(auto_free)))
#define AUTO_CLOSE __attribute__((cleanup(auto_close)))
/* AUTO(str): at the end of the scope str_done(&x) is called. */
#define AUTO(type) __attribute__((cleanup(type##_done)))
#define STEAL(p)                                                               \
	({                                                                     \
		__auto_type steal_ = (p);                                      \
		(p) = NULL;                                                    \
		steal_;                                                        \
	})
#define STEAL_FD(fd)                                                           \
	({                                                                     \
		int steal_ = (fd);                                             \
		(fd) = -1;                                                     \
		steal_;                                                        \
	})

static inline bool
str_eq(const char *a, const char *b)
{
	/* Most texts differ at once, and this is asked very often. */
	return a[0] == b[0] && strcmp(a, b) == 0;
}

static inline bool
str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

#include "banned.h"

#endif
