/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Applies a diff to what the files are: each line of a hunk must stand exactly
 * where the hunk says it does. No fuzz, no offset, no white space forgiven.
 */
#ifndef FETTLE_PATCH_HUNKS_H
#define FETTLE_PATCH_HUNKS_H

#include "plugins/patch/edits.h"
#include "plugins/patch/unified.h"

/*
 * Each file's post-image, in the order of the diff; a rename is two files, the
 * old name first. -1 and *fault with the reader's reason as `apply.read`.
 */
int unified_apply(const struct unified *unified, edit_reader *read, void *arg,
		  struct edit_set *ret, struct diff_fault *fault);

#endif
