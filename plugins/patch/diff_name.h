/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of files as diffs write them, quoted or not, and which of them may be
 * touched at all. Looks at no file system.
 */
#ifndef FETTLE_PATCH_DIFF_NAME_H
#define FETTLE_PATCH_DIFF_NAME_H

#include "plugins/common/text.h"
#include "plugins/patch/diff_fault.h"

#define DIFF_MAX_PATH 4096
#define DIFF_MAX_COMPONENT 255

/* One well-formed UTF-8 character; its length, 0 when there is none. */
size_t point_decode(const char *bytes, size_t n, uint32_t *ret);

/* Characters that reorder text or are not seen: bidi controls, zero width. */
bool point_is_hidden(uint32_t point);

/*
 * Decodes the C-quoted name at the start of `s`, appending to *name. The
 * number of bytes it took, quotes included; 0: its quoting is broken.
 */
size_t name_unquote(const char *s, size_t n, struct text *name);

/*
 * Is this a name a diff may use? *ret_path is the path behind the prefix
 * ("a/", "b/" or ""); caller owns. -1 and *fault.
 */
int name_check(const struct text *name, const char *prefix, unsigned line,
	       char **ret_path, struct diff_fault *fault);

/* Equal but for upper and lower case? Both were let through by name_check(). */
bool paths_collide(const char *a, const char *b);

#endif
