/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What each kind of file may not get, whatever its path is allowed. Texts are
 * the whole file before and after; NULL is a file that is not there.
 */
#ifndef FETTLE_POLICIES_CONTENT_H
#define FETTLE_POLICIES_CONTENT_H

#include "policies/review.h"

void content_dockerfile(struct review *review, const char *before, const char *after);
void content_compose(struct review *review, const char *before, const char *after);

/* True when the path is a dependency manifest; it is then reviewed. */
bool content_manifest(struct review *review, const char *before, const char *after);

/* What holds for every file: characters that do not show, tests, logging. */
void content_any(struct review *review, const char *before, const char *after);

#endif
