/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The globs of allow-lists, exactly as the engine understands them. */
#ifndef FETTLE_COMMON_GLOB_H
#define FETTLE_COMMON_GLOB_H

#include <jansson.h>
#include <stdbool.h>

/*
 * True when `pattern` matches the whole canonical `path`: `*` and `?` within
 * a component, `**` as a whole component over any number of them (none too),
 * `[abc]`, `[a-z]`, `[!x]`. Everything else stands for itself; an unclosed
 * `[` is a plain character. Time grows with pattern times path, never faster.
 */
bool glob_matches(const char *pattern, const char *path);

/* True when one of a JSON list of patterns matches. */
bool glob_list_matches(const json_t *patterns, const char *path);

/* True when the pattern has no wildcard: it names exactly one path. */
bool glob_is_literal(const char *pattern);

#endif
