/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See memory.h. */
#include "plugins/common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

void *
x_must(void *ptr)
{
	if (!ptr) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return ptr;
}

void *
x_calloc(size_t count, size_t size)
{
	return x_must(calloc(count ? count : 1, size ? size : 1));
}

void *
x_realloc(void *ptr, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return x_must(NULL);
	return x_must(realloc(ptr, bytes ? bytes : 1));
}

void
auto_free(void *p)
{
	free(*(void **)p);
}

void
auto_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}
