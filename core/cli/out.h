/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard output: text in tones on a terminal and plain text elsewhere,
 * tables, diffs, JSON. Everything that comes from outside passes through
 * out_add or out_add_safe, so that no byte of it can steer a terminal.
 */
#ifndef FETTLE_CLI_OUT_H
#define FETTLE_CLI_OUT_H

#include "base/json.h"
#include "base/str.h"
#include "base/stream.h"

enum tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_BAD,
	TONE_WARN,
	TONE_DIM,
	TONE_STRONG,
	TONE_LOUD,	/* the worst news there is */
	TONE_NAME,
};
#define TONE_COUNT 8

struct out {
	bool is_terminal; /* of any kind: foreign text is not sent to it as it is */
	bool is_tty;	/* and not TERM=dumb */
	bool has_colour;
	bool has_utf8;
	struct stream stream; /* live while a run goes on, which no reader holds up */
};

void out_init(struct out *out, bool with_colour);

/* Writes all of str to stdout and empties it. */
void out_write(struct out *out, struct str *str);

/* One JSON document, indented, in ASCII on a terminal. */
void out_json(struct out *out, const json_t *json);
/* One JSON object in one line. */
void out_json_line(struct out *out, const json_t *json);

/* Width and height of the terminal; 80 x 24 when there is none. */
void out_size(const struct out *out, unsigned *ret_width, unsigned *ret_height);

/* Text made visible (see str_add_visible), in a tone; newlines stay. */
void out_add(const struct out *out, struct str *str, enum tone tone, const char *text);
void out_addf(const struct out *out, struct str *str, enum tone tone,
	      const char *fmt, ...) PRINTF_LIKE(4, 5);
/*
 * A program's output: colour sequences are dropped, all else made visible on
 * a terminal; as it is when stdout is none.
 */
void out_add_safe(const struct out *out, struct str *str, const char *bytes, size_t n);
/* The same, and newlines, tabs and carriage returns become one blank. */
void out_add_line(struct str *str, const char *bytes, size_t n);
/*
 * A paragraph that begins at column `indent`: each further line gets so many
 * blanks in front, and a terminal's edge breaks it between words.
 */
void out_add_wrapped(const struct out *out, struct str *str, enum tone tone,
		     const char *text, unsigned indent);
/* A unified diff, coloured on a terminal. */
void out_add_diff(const struct out *out, struct str *str, const char *diff, size_t n);

/* Columns a terminal needs for the text; colour sequences count nothing. */
unsigned text_width(const char *text);
/* Cuts a line of visible text to so many columns, with a mark when it was longer. */
void text_trim(const struct out *out, struct str *line, unsigned width);

/* A table: cells row by row; the last column is cut at the edge of a terminal. */
struct table {
	size_t columns;
	struct strv cells;
	enum tone *tones;
	size_t tone_cap;
};
void table_add(struct table *table, enum tone tone, const char *text);
void table_addf(struct table *table, enum tone tone, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
void table_print(struct table *table, const struct out *out, struct str *str,
		 unsigned indent);
void table_done(struct table *table);

/* `2026-11-21 12:05:01` in local time, `-` for 0. */
const char *time_local(int64_t wall_ms, char buf[32]);
const char *time_of_day(int64_t wall_ms, char buf[32]); /* `12:05:01` */

#endif
