/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Patterns of `allow:`: which files of the workspace a repair may change. */
#ifndef FETTLE_MODEL_ALLOW_H
#define FETTLE_MODEL_ALLOW_H

#include "base/base.h"
#include "base/err.h"

/*
 * 0, or -1 without position: `allow.path` for what leads out of the workspace
 * or into .git, `allow.pattern` for a malformed glob, `allow.too_wide` for one
 * that names nothing, `template.position`.
 */
int allow_check(const char *pattern, struct err *err);

#endif
