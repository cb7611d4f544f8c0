/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a unified diff, strictly: what is let through is read in the same way
 * by git and by GNU patch, and names only files that a diff may touch. Pure:
 * bytes in, changes out. hunks.h applies them.
 *
 *	text, then for each file		text: what no tool takes for more
 *	diff --git a/PATH b/PATH		may be missing, with the next lines
 *	new file mode 100644			deleted file mode, index, rename from
 *	--- a/PATH				or /dev/null; then `+++ b/PATH`
 *	@@ -LINE,COUNT +LINE,COUNT @@		then the lines of the hunk
 */
#ifndef FETTLE_PATCH_UNIFIED_H
#define FETTLE_PATCH_UNIFIED_H

#include "plugins/common/text.h"
#include "plugins/patch/diff_fault.h"

#define UNIFIED_MAX_BYTES (4u << 20)
#define UNIFIED_MAX_FILES 200
#define UNIFIED_MAX_HUNKS 5000
#define UNIFIED_MAX_LINE (1u << 20) /* of the diff, with its sign and newline */

enum change_kind { CHANGE_EDIT, CHANGE_CREATE, CHANGE_DELETE, CHANGE_RENAME };

/* A line of a hunk. */
struct hunk_line {
	char sign;	   /* ' ', '-' or '+' */
	bool is_open;	   /* the last of its file, without a newline */
	const char *bytes; /* of the diff, borrowed */
	size_t len;	   /* with its newline, if it has one */
};

struct hunk {
	size_t old_at, old_count, new_count; /* lines; old_at from 0 */
	size_t first, count;		     /* in unified.lines */
	unsigned line;			     /* of its @@ */
};

/* What happens to one file. */
struct change {
	enum change_kind kind;
	char *path, *from;   /* from: the old name of a rename, else NULL */
	size_t first, count; /* in unified.hunks */
	unsigned line;	     /* of its header */
	bool has_hidden;     /* adds bidi controls or invisible characters */
};

struct unified {
	struct change *changes;
	struct hunk *hunks;
	struct hunk_line *lines;
	size_t count, hunk_count, line_count;
};
#define UNIFIED_INIT                                                                   \
	{                                                                              \
		NULL, NULL, NULL, 0, 0, 0                                              \
	}
void unified_done(struct unified *unified);

enum unified_flag { UNIFIED_ALLOW_DELETE = 1 };

/*
 * *ret borrows `bytes`. A diff of blanks has no changes and is no failure.
 * -1 and *fault.
 */
int unified_parse(const char *bytes, size_t len, unsigned flags, struct unified *ret,
		  struct diff_fault *fault);

#endif
