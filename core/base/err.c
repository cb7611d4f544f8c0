/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Error values. Text is always well-formed UTF-8 without control characters,
 * whatever a file name in it was made of, so that it may be shown and stored.
 */
#include "base/base.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>

#include "base/str.h"

/* Copies what fits; a text that does not ends in `...` on a whole character. */
static void
copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);
	if (n < size) {
		memcpy(to, from, n + 1);
		return;
	}
	n = size - sizeof("...");
	while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
		n--;
	memcpy(to, from, n);
	memcpy(to + n, "...", sizeof("..."));
}

/* The arguments may point into the error itself: format first, fill later. */
static void PRINTF_LIKE(2, 0)
add_formatted(struct str *text, const char *fmt, va_list ap)
{
	AUTO_FREE char *raw = x_vasprintf(fmt, ap);
	str_add_visible(text, raw, strlen(raw));
}

static void
fill(struct err *err, const char *code, const char *text)
{
	AUTO_FREE char *code_copy = x_strdup(code);
	memset(err, 0, sizeof(*err));
	copy_text(err->code, sizeof(err->code), code_copy);
	copy_text(err->text, sizeof(err->text), text);
}

int
err_set(struct err *err, const char *code, const char *fmt, ...)
{
	AUTO(str) struct str text = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	add_formatted(&text, fmt, ap);
	va_end(ap);
	fill(err, code, str_get(&text));
	return -1;
}

int
err_errno(struct err *err, const char *code, const char *fmt, ...)
{
	int number = errno;
	AUTO(str) struct str text = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	add_formatted(&text, fmt, ap);
	va_end(ap);
	str_addf(&text, ": %s", strerror(number));
	fill(err, code, str_get(&text));
	return -1;
}

int
err_context(struct err *err, const char *fmt, ...)
{
	AUTO(str) struct str text = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	add_formatted(&text, fmt, ap);
	va_end(ap);
	str_addf(&text, ": %s", err->text);
	copy_text(err->text, sizeof(err->text), str_get(&text));
	return -1;
}

int
err_remedy(struct err *err, const char *fmt, ...)
{
	AUTO(str) struct str text = STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	add_formatted(&text, fmt, ap);
	va_end(ap);
	copy_text(err->remedy, sizeof(err->remedy), str_get(&text));
	return -1;
}

int
err_at(struct err *err, const char *file, uint32_t line, uint32_t column)
{
	AUTO(str) struct str text = STR_INIT;
	if (file)
		str_add_visible(&text, file, strlen(file));
	copy_text(err->file, sizeof(err->file), str_get(&text));
	err->line = line;
	err->column = column;
	return -1;
}

const char *
err_format(const struct err *err, char *buf, size_t size)
{
	AUTO(str) struct str text = STR_INIT;
	if (err->file[0] != '\0') {
		str_add(&text, err->file);
		if (err->line > 0)
			str_addf(&text, ":%u", err->line);
		if (err->line > 0 && err->column > 0)
			str_addf(&text, ":%u", err->column);
		str_add(&text, ": ");
	} else if (err->line > 0) {
		str_addf(&text, "line %u, column %u: ", err->line, err->column);
	}
	str_add(&text, err->text);
	if (size >= sizeof("..."))
		copy_text(buf, size, str_get(&text));
	else if (size > 0)
		buf[0] = '\0';
	return buf;
}
