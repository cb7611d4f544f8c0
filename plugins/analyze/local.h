/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules of the project itself: what an import means that no package brings. */
#ifndef FETTLE_ANALYZE_LOCAL_H
#define FETTLE_ANALYZE_LOCAL_H

#include "plugins/common/text.h"

/*
 * Where below the directory `root` the Python module `name` (no dots) is a
 * file or a package, at most `depth` directories down; relative to root.
 * Caller owns; NULL when nowhere. Symlinks, hidden directories, environments
 * and installed packages are not looked into.
 */
char *local_module(const char *root, const char *name, int depth);

#endif
