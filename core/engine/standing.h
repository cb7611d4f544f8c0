/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What stands of a run, done and not put back: the rows of store_standing(), edits
 * and effects together, oldest first.
 */
#ifndef FETTLE_ENGINE_STANDING_H
#define FETTLE_ENGINE_STANDING_H

#include "base/json.h"

/* What a rollback step is to undo. Borrowed arrays of the same length. */
struct standing {
	const json_t *effects;	/* as its run() is handed them */
	const json_t *rows;	/* their numbers in the store: ended with its success */
};

bool standing_is_edit(const json_t *row);

/*
 * Whether the list has an effect on the same thing: of a thing that was changed twice
 * only the first effect knows how it was before the run.
 */
bool standing_has_effect(const json_t *effects, const json_t *effect);

#endif
