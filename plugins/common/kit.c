/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See kit.h. */
#include "plugins/common/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void *
must(void *p)
{
	if (!p) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
x_calloc(size_t count, size_t size)
{
	return must(calloc(count ? count : 1, size ? size : 1));
}

void *
x_realloc(void *ptr, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return must(NULL);
	return must(realloc(ptr, bytes ? bytes : 1));
}

void
auto_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

char *
text_take(struct text *text)
{
	char *s = text->s ? text->s : text_copy("");

	*text = (struct text){ 0 };
	return s;
}

void
text_move(struct text *to, struct text *from)
{
	text_done(to);
	*to = *from;
	*from = (struct text){ 0 };
}

const char *
json_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

int
file_load(const char *path, size_t max_bytes, struct text *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_TEXT struct text bytes = { 0 };
	struct stat st;
	char block[8192];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if ((size_t)n > max_bytes - bytes.len) {
			errno = EFBIG;
			return -1;
		}
		text_add_n(&bytes, block, (size_t)n);
	}
	text_move(ret, &bytes);
	return 0;
}
