/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a build printed, by Docker's classic builder or by BuildKit, old or new:
 * the output of its programs alone, and the instruction at which it stopped.
 */
#ifndef FETTLE_ANALYZE_BUILDLOG_H
#define FETTLE_ANALYZE_BUILDLOG_H

#include "plugins/analyze/dockerfile.h"

/* Appends it as log_clean() does, without BuildKit's clock before each line. */
void buildlog_clean(const char *log, size_t len, struct text *ret);

/*
 * The instruction at which a build stopped, as its output tells; `count` when it
 * does not, or speaks of another Dockerfile. NULL: there is no such output.
 */
size_t buildlog_failed(const struct dockerfile *file, const char *build_log);

#endif
