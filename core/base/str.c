/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The growing byte string. */
#include "base/base.h"

#include "base/str.h"

#include <assert.h>
#include <stdarg.h>

void
str_reserve(struct str *str, size_t more)
{
	size_t want;
	if (__builtin_add_overflow(str->len, more, &want) || want > SIZE_MAX / 2 - 1)
		want = SIZE_MAX; /* x_realloc ends the process */
	else
		want += 1;
	if (str->s && want <= str->cap)
		return;
	size_t cap = str->cap ? str->cap : 64;
	while (cap < want && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap < want)
		cap = want;
	str->s = x_realloc(str->s, cap, 1);
	str->cap = cap;
	str->s[str->len] = '\0';
}

void
str_add_n(struct str *str, const void *bytes, size_t n)
{
	str_reserve(str, n);
	if (n > 0)
		memcpy(str->s + str->len, bytes, n);
	str->len += n;
	str->s[str->len] = '\0';
}

void
str_add_c(struct str *str, char c)
{
	str_reserve(str, 1);
	str->s[str->len++] = c;
	str->s[str->len] = '\0';
}

void
str_addf(struct str *str, const char *fmt, ...)
{
	va_list ap;
	str_reserve(str, 0);
	va_start(ap, fmt);
	int n = vsnprintf(str->s + str->len, str->cap - str->len, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if ((size_t)n >= str->cap - str->len) {
		str_reserve(str, (size_t)n);
		va_start(ap, fmt);
		n = vsnprintf(str->s + str->len, str->cap - str->len, fmt, ap);
		va_end(ap);
	}
	str->len += (size_t)n;
}

void
str_truncate(struct str *str, size_t len)
{
	assert(len <= str->len);
	if (!str->s)
		return;
	str->len = len;
	str->s[len] = '\0';
}

const char *
str_get(const struct str *str)
{
	return str->s ? str->s : "";
}

char *
str_take(struct str *str)
{
	str_reserve(str, 0);
	char *s = str->s;
	*str = (struct str)STR_INIT;
	return s;
}

void
str_done(struct str *str)
{
	free(str->s);
	*str = (struct str)STR_INIT;
}
