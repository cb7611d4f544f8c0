/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifests as text: a change of a JSON file that keeps every other byte as its
 * author wrote it, and the one edit that says so. No file, no service.
 */
#ifndef FETTLE_ANALYZE_MANIFEST_H
#define FETTLE_ANALYZE_MANIFEST_H

#include "plugins/common/text.h"

/*
 * The edit (as in patch/edits.h, new reference) after which text[at, at + cut) is
 * `with`: a replace of whole lines, as many as make the quote unique.
 */
json_t *splice_edit(const struct text *text, const char *path, size_t at, size_t cut,
		    const char *with);

/*
 * Adds `"name": "value"` to the object `section` of a JSON object, which gets one
 * when it has none. NULL and *why (static) when it cannot be done surely.
 */
json_t *manifest_add(const struct text *text, const char *path, const char *section,
		     const char *name, const char *value, const char **why);

/* Takes out the one comma too many, or puts in the missing one; NULL when that is
 * not all that is wrong. */
json_t *manifest_repair(const struct text *text, const char *path);

/* The manifest as JSON; NULL when it is none, or no object. New reference. */
json_t *manifest_parse(const struct text *text);

#endif
