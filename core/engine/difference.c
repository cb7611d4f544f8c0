/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `fettle diff`: what a run's steps proposed, from the stored images. */
#include "base/base.h"

#include "engine/engine.h"
#include "engine/proposal.h"

int
engine_diff(struct store *store, const char *run, struct str *out, struct err *err)
{
	AUTO(json_ref) json_t *steps = store_steps(store, run, err);
	const json_t *step;
	size_t i;

	if (!steps)
		return -1;
	json_array_foreach (steps, i, step) {
		AUTO(json_ref) json_t *stored =
			store_proposal(store, run, json_text(step, "step"), err);

		if (!stored)
			return -1;
		if (proposal_diff(store, json_object_get(stored, "proposal"), out,
				  err) < 0)
			return -1;
	}
	return 0;
}
