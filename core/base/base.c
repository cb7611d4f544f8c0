/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation that ends the process instead of failing, and the functions
 * behind the clean-up attributes.
 */
#include "base/base.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

static void
out_of_memory(size_t size)
{
	fprintf(stderr, "fettle: out of memory (%zu bytes wanted)\n", size);
	abort();
}

void *
x_malloc(size_t size)
{
	void *p = malloc(size ? size : 1);
	if (!p)
		out_of_memory(size);
	return p;
}

void *
x_calloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);
	if (!p)
		out_of_memory(count);
	return p;
}

void *
x_realloc(void *ptr, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		out_of_memory(SIZE_MAX);
	void *p = realloc(ptr, bytes ? bytes : 1);
	if (!p)
		out_of_memory(bytes);
	return p;
}

char *
x_strdup(const char *s)
{
	return s ? x_strndup(s, strlen(s)) : NULL;
}

char *
x_strndup(const char *s, size_t n)
{
	n = strnlen(s, n);
	char *copy = x_malloc(n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *
x_vasprintf(const char *fmt, va_list ap)
{
	char *text = NULL;
	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory(strlen(fmt));
	return text;
}

char *
x_asprintf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = x_vasprintf(fmt, ap);
	va_end(ap);
	return text;
}

void
auto_free(void *p)
{
	/* The variable may be of any pointer type: copied, not aliased. */
	void *owned;
	memcpy(&owned, p, sizeof(owned));
	free(owned);
}

void
auto_close(int *fd)
{
	if (*fd < 0)
		return;
	int saved = errno;
	(void)close(STEAL_FD(*fd));
	errno = saved;
}
