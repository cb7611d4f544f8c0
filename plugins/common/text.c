/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory, clean-up, growing text and small readers for modules. */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
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

char *
x_strndup(const char *s, size_t n)
{
	char *copy = x_calloc(n + 1, 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}

char *
x_strdup(const char *s)
{
	return s ? x_strndup(s, strlen(s)) : NULL;
}

char *
x_asprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
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

void
json_ref_done(json_t **json)
{
	json_decref(*json);
	*json = NULL;
}

static void
text_reserve(struct text *text, size_t more)
{
	size_t need;

	if (__builtin_add_overflow(text->len, more, &need) || need >= SIZE_MAX / 2)
		(void)must(NULL);
	if (need < text->cap)
		return;
	text->cap = need < 64 ? 128 : need * 2;
	text->s = x_realloc(text->s, text->cap, 1);
}

void
text_add_n(struct text *text, const void *bytes, size_t n)
{
	text_reserve(text, n);
	if (n)
		memcpy(text->s + text->len, bytes, n);
	text->len += n;
	text->s[text->len] = '\0';
}

void
text_add(struct text *text, const char *s)
{
	text_add_n(text, s, strlen(s));
}

void
text_addf(struct text *text, const char *fmt, ...)
{
	AUTO_FREE char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	text_add_n(text, must(n < 0 ? NULL : s), (size_t)n);
}

const char *
text_get(const struct text *text)
{
	return text->s ? text->s : "";
}

char *
text_take(struct text *text)
{
	char *s = text->s ? text->s : x_strdup("");

	*text = (struct text)TEXT_INIT;
	return s;
}

void
text_done(struct text *text)
{
	free(text->s);
	*text = (struct text)TEXT_INIT;
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
	AUTO(text) struct text bytes = TEXT_INIT;
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
	text_done(ret);
	*ret = bytes;
	bytes = (struct text)TEXT_INIT;
	return 0;
}
