/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See lines.h. */
#include "plugins/common/lines.h"

bool
line_next(const struct text *text, size_t *at, struct line *ret)
{
	const char *newline;

	if (*at >= text->len)
		return false;
	newline = memchr(text->s + *at, '\n', text->len - *at);
	ret->begin = *at;
	ret->end = newline ? (size_t)(newline - text->s) + 1 : text->len;
	ret->len = ret->end - ret->begin - (newline ? 1 : 0);
	if (newline && ret->len && text->s[ret->begin + ret->len - 1] == '\r')
		ret->len--;
	*at = ret->end;
	return true;
}

size_t
line_count(const struct text *text, const char *wanted, struct line *ret)
{
	size_t at = 0, found = 0, len = strlen(wanted);
	struct line line;

	while (line_next(text, &at, &line)) {
		if (line.len != len || memcmp(text->s + line.begin, wanted, len) != 0)
			continue;
		*ret = line;
		found++;
	}
	return found;
}

const char *
line_ending(const struct text *text)
{
	const char *newline = text->len ? memchr(text->s, '\n', text->len) : NULL;

	return newline && newline > text->s && newline[-1] == '\r' ? "\r\n" : "\n";
}

bool
lines_are_crlf(const struct text *text)
{
	size_t at = 0, lines = 0;
	struct line line;

	while (line_next(text, &at, &line)) {
		if (text->s[line.end - 1] != '\n')
			continue;
		if (line.end - line.begin - line.len != 2)
			return false;
		lines++;
	}
	return lines > 0;
}
