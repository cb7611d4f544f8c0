/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A regular expression (PCRE2) from a project or pipeline, matched against what
 * a service says. Matching is limited in time and memory: what goes beyond does
 * not match.
 */
#ifndef FETTLE_COMMON_PATTERN_H
#define FETTLE_COMMON_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* NULL when it is none; *ret_why, where wanted, says so (caller owns). */
struct pattern *pattern_new(const char *text, char **ret_why);
void pattern_free(struct pattern *pattern);	/* NULL is fine */

/* Does it match anywhere in these bytes, whatever they are? */
bool pattern_finds(const struct pattern *pattern, const char *bytes, size_t n);

#endif
