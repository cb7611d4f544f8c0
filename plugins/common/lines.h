/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a text as they lie in it, whatever ends them. */
#ifndef FETTLE_COMMON_LINES_H
#define FETTLE_COMMON_LINES_H

#include "plugins/common/text.h"

struct line {
	size_t begin, len;	/* without its ending */
	size_t end;		/* behind its ending */
};

/* The line that starts at *at; *at moves to the next one. False at the end. */
bool line_next(const struct text *text, size_t *at, struct line *ret);

/* How many lines say exactly this; *ret is the last one of them. */
size_t line_count(const struct text *text, const char *wanted, struct line *ret);

/* What ends the lines of this text: as its first line, or a bare newline. */
const char *line_ending(const struct text *text);

/* True when there is a line break and every one is CRLF. */
bool lines_are_crlf(const struct text *text);

#endif
