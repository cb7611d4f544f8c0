/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a diff that say which file it is and what becomes of it. */
#ifndef FETTLE_PATCH_DIFF_HEADER_H
#define FETTLE_PATCH_DIFF_HEADER_H

#include "plugins/patch/diff_lines.h"

/*
 * Reads from `diff --git` or `---` up to the first line behind the header.
 * Fills kind, path and from (caller owns); *ret_has_hunks says if hunks follow.
 */
int
diff_header_read(struct diff_lines *lines, struct change *change, bool *ret_has_hunks);

#endif
