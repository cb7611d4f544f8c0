/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths that are not like others, whatever an allow-list says. Pure. */
#ifndef FETTLE_POLICIES_PROTECTED_H
#define FETTLE_POLICIES_PROTECTED_H

#include <stdbool.h>

/*
 * True when some component is `.git`, at any depth, in any case, or what a
 * file system may take for it: trailing dots and blanks, `git~1`, characters
 * that do not show.
 */
bool path_is_git(const char *path);

/* True for the project file and what lies in `.fettle`. */
bool path_is_fettle(const char *path);

/* True for names that compose looks for by itself, and their overrides. */
bool path_is_compose(const char *path);

#endif
