/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The proposals of a run seen as one: each file from its first image to its
 * last, each effect of a step once. "step" says whose it is, of a file whose it
 * was first.
 */
#ifndef FETTLE_ENGINE_DIFFERENCE_H
#define FETTLE_ENGINE_DIFFERENCE_H

#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

/*
 * What a run changed, whether it still stands or not: [{"step","kind","target",
 * "summary"}]; kind "edit" also with the lines "added" and "removed", where the
 * images are still there. NULL on failure.
 */
json_t *difference_changes(struct store *store, const char *run, struct err *err);

#endif
