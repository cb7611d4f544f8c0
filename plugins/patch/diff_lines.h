/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a diff, one at a time, and the text that stands between its files. */
#ifndef FETTLE_PATCH_DIFF_LINES_H
#define FETTLE_PATCH_DIFF_LINES_H

#include "plugins/patch/unified.h"

struct diff_lines {
	const char *bytes;
	size_t len, at; /* at: behind the line */
	const char *s;	/* the line, without its newline */
	size_t n;
	unsigned number;
	bool is_end; /* there is no line */
	struct diff_fault *fault;
};

/* Goes to the next line. -1: it is no line of text. */
int diff_next(struct diff_lines *lines);

bool diff_line_starts(const struct diff_lines *lines, const char *prefix);

/* Fails for the line. */
#define diff_fail(lines, ...)                                                          \
	diff_fault_set((lines)->fault, (lines)->number, __VA_ARGS__)

/* The line says something about the diff itself: it ends in LF alone. */
int diff_header_check(const struct diff_lines *lines);

/*
 * The line belongs to no file. -1 when some tool could take it for more.
 * is_behind_hunk: nothing but blank lines stands between it and a hunk.
 */
int diff_text_check(const struct diff_lines *lines, bool is_behind_hunk);

#endif
