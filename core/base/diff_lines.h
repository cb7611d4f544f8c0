/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which lines of two texts differ: the search below diff.c, which shows it. */
#ifndef FETTLE_BASE_DIFF_LINES_H
#define FETTLE_BASE_DIFF_LINES_H

#include "base.h"

struct line {
	const char *s;	/* borrowed from the text; with its newline, if it has one */
	size_t len;
	size_t id;	/* equal for equal lines, on both sides */
	bool is_changed;/* removed (before) or added (after) */
};

struct lines {
	struct line *v;	/* owned */
	size_t count;
};

/*
 * Splits both texts and marks what changed, by a shortest edit script, or
 * everything between the first and the last difference when that is too long.
 */
void diff_lines(const char *before, size_t before_len, const char *after,
		size_t after_len, struct lines *ret_before, struct lines *ret_after);
void lines_done(struct lines *lines);

#endif
