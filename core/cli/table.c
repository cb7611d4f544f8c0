/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Widths of text on a terminal, and tables (see out.h). */
#include "base/base.h"

#include "cli/out.h"

#include <stdarg.h>
#include <wchar.h>

/* Decodes one character of valid UTF-8; any other byte stands for itself. */
static uint32_t
utf8_next(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
	uint32_t c = *p++;

	if (more)
		c &= 0x3fu >> more;
	for (; more && (*p & 0xc0) == 0x80; more--)
		c = c << 6 | (*p++ & 0x3f);
	*s = (const char *)p;
	return c;
}

/* Past one character or one colour sequence of ours; adds its columns. */
static const char *
text_step(const char *s, unsigned *width)
{
	int columns;

	if (*s == '\033') {
		while (*s && *s != 'm')
			s++;
		return *s ? s + 1 : s;
	}
	columns = wcwidth((wchar_t)utf8_next(&s));
	*width += columns < 0 ? 1 : (unsigned)columns;
	return s;
}

unsigned
text_width(const char *text)
{
	unsigned width = 0;

	while (*text)
		text = text_step(text, &width);
	return width;
}

void
text_trim(const struct out *out, struct str *line, unsigned width)
{
	const char *mark = out->has_utf8 ? "\u2026" : ">", *s = str_get(line), *next;
	const char *cut = s;
	unsigned used = 0, after;
	bool is_toned = false;

	while (*s) {
		after = used;
		next = text_step(s, &after);
		if (*s == '\033')
			is_toned = true;
		if (after > width)
			break;
		/* Keep one column for the mark. */
		if (after + 1 <= width)
			cut = next;
		used = after;
		s = next;
	}
	if (!*s)
		return;
	str_truncate(line, (size_t)(cut - line->s));
	if (width)
		str_add(line, mark);
	if (is_toned)
		str_add(line, "\033[0m");
}

void
table_add(struct table *table, enum tone tone, const char *text)
{
	AUTO(str) struct str cell = STR_INIT;

	if (table->cells.count == table->tone_cap) {
		table->tone_cap = table->tone_cap ? 2 * table->tone_cap : 64;
		table->tones =
			x_realloc(table->tones, table->tone_cap, sizeof(*table->tones));
	}
	table->tones[table->cells.count] = tone;
	out_add_line(&cell, text, strlen(text));
	strv_add(&table->cells, str_get(&cell));
}

void
table_addf(struct table *table, enum tone tone, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	table_add(table, tone, text);
}

void
table_print(struct table *table, const struct out *out, struct str *str,
	    unsigned indent)
{
	AUTO_FREE unsigned *widths = x_calloc(table->columns, sizeof(*widths));
	size_t columns = table->columns;
	unsigned edge, height;

	out_size(out, &edge, &height);
	for (size_t i = 0; i < table->cells.count; i++) {
		unsigned width = text_width(table->cells.v[i]);

		if (width > widths[i % columns])
			widths[i % columns] = width;
	}
	for (size_t row = 0; row + columns <= table->cells.count; row += columns) {
		AUTO(str) struct str line = STR_INIT;

		str_addf(&line, "%*s", (int)indent, "");
		for (size_t i = 0; i < columns; i++) {
			const char *cell = table->cells.v[row + i];
			unsigned pad = widths[i] - text_width(cell);

			out_add(out, &line, table->tones[row + i], cell);
			if (i + 1 < columns)
				str_addf(&line, "%*s", (int)(pad + 2), "");
		}
		if (out->is_tty)
			text_trim(out, &line, edge);
		while (line.len && line.s[line.len - 1] == ' ')
			str_truncate(&line, line.len - 1);
		str_add(str, str_get(&line));
		str_add_c(str, '\n');
	}
}

void
table_done(struct table *table)
{
	strv_done(&table->cells);
	free(table->tones);
	*table = (struct table){ 0 };
}
