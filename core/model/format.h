/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts with a grammar that was written elsewhere: names of git, of images, of
 * hosts. They end up as arguments of programs that take them for options or
 * for more than one thing unless they are what they claim to be.
 */
#ifndef FETTLE_MODEL_FORMAT_H
#define FETTLE_MODEL_FORMAT_H

#include "base/err.h"

/* All there are, for a table: git-ref|commit|... */
#define FORMAT_NAMES "git-ref|commit|image|url|hostname"

bool format_is_known(const char *name);

/*
 * Whether the text is of the format, a known one: 0, or -1 without position. Codes:
 * `ref.grammar`, `sha.grammar`, `image.grammar`, `url.policy`, `host.grammar`.
 */
int format_check(const char *name, const char *text, struct err *err);

#endif
