/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unified diffs for people, by Myers' O(ND) algorithm on lines. */
#ifndef FETTLE_BASE_DIFF_H
#define FETTLE_BASE_DIFF_H

#include "str.h"

struct diff_side {
	const char *bytes;	/* NULL: the file does not exist on this side */
	size_t len;
};

/*
 * Appends `diff --git a/P b/P`, `new file mode`/`deleted file mode` where due,
 * `--- a/P`, `+++ b/P` and the hunks with three lines of context, such that
 * `git apply` accepts it. Equal sides append nothing. Bytes with a NUL give
 * `Binary files differ`. A file too different to compare in bounded work is
 * shown as all-removed, all-added. Mode is the file's (0644, 0755).
 */
void diff_unified(struct str *out, const char *path, struct diff_side before,
		  struct diff_side after, unsigned mode);

/* Added and removed lines of what diff_unified would show. */
void diff_count(struct diff_side before, struct diff_side after, unsigned *ret_added,
		unsigned *ret_removed);

#endif
