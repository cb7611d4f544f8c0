/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See outputs.h. */
#include "plugins/common/outputs.h"

#include <ctype.h>

#include "plugins/common/lines.h"

static size_t
name_length(const char *s, size_t len)
{
	size_t n = 0;

	if (len == 0 || isdigit((unsigned char)s[0]))
		return 0;
	while (n < len && (isalnum((unsigned char)s[n]) || s[n] == '_'))
		n++;
	return n;
}

/* The lines up to the one that says `end`, by newlines; false when there is none. */
static bool
block_take(const struct text *text, size_t *at, size_t *number, const char *end,
	   struct text *ret)
{
	struct line line;
	bool is_first = true;

	while (line_next(text, at, &line)) {
		(*number)++;
		if (line.len == strlen(end) &&
		    memcmp(text->s + line.begin, end, line.len) == 0)
			return true;
		if (!is_first)
			text_add(ret, "\n");
		text_add_n(ret, text->s + line.begin, line.len);
		is_first = false;
	}
	return false;
}

/* The value that starts behind the name, one line or a block. False and *why. */
static bool
value_take(const struct text *text, size_t *at, size_t *number, struct line rest,
	   struct text *value, struct text *why)
{
	const char *s = text->s + rest.begin;
	size_t begins = *number;

	if (rest.len >= 1 && s[0] == '=') {
		text_add_n(value, s + 1, rest.len - 1);
		return true;
	}
	if (rest.len >= 3 && s[0] == '<' && s[1] == '<') {
		AUTO_FREE char *end = text_copy_n(s + 2, rest.len - 2);

		if (block_take(text, at, number, end, value))
			return true;
		text_addf(why, "line %zu: the block is never ended by '%s'", begins,
			  end);
		return false;
	}
	text_addf(why, "line %zu: neither NAME=VALUE nor NAME<<END", begins);
	return false;
}

json_t *
outputs_parse(const char *bytes, size_t len, struct text *why)
{
	AUTO_JSON json_t *values = json_object();
	AUTO_TEXT struct text text = { 0 };
	size_t at = 0, number = 0;
	struct line line;

	text_add_n(&text, bytes, len);
	while (line_next(&text, &at, &line)) {
		AUTO_TEXT struct text value = { 0 };
		AUTO_FREE char *name = NULL;
		size_t n = name_length(text.s + line.begin, line.len);
		size_t begins = ++number;

		if (line.len == 0)
			continue;
		name = text_copy_n(text.s + line.begin, n);
		line.begin += n;
		line.len -= n;
		if (n == 0) {
			text_addf(why, "line %zu: neither NAME=VALUE nor NAME<<END",
				  begins);
			return NULL;
		}
		if (!value_take(&text, &at, &number, line, &value, why))
			return NULL;
		if (json_object_set_new(values, name,
					json_stringn(text_get(&value), value.len)) <
		    0) {
			text_addf(why, "line %zu: the value of '%s' is not UTF-8",
				  begins, name);
			return NULL;
		}
	}
	return STEAL(values);
}
