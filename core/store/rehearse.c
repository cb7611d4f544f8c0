/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiling ahead of time what the end of a run needs. */
#include "base/base.h"

#include "store/checkpoint.h"
#include "store/project.h"
#include "store/store.h"

static void
rehearse_changes(struct store *store, struct err *ignored)
{
	static const char *const kinds[] = { "artifact.added", "step.ended",
					     "run.ended" };
	AUTO(json_ref) json_t *nothing = json_object();

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct event event = { .run = "", .kind = kinds[i] };

		(void)project(store, &event, nothing, "", ignored);
	}
	checkpoint_rehearse(store);
}

/* What whoever waited for the run asks next. */
static void
rehearse_questions(struct store *store, struct err *ignored)
{
	json_decref(store_events_of(store, "", "", 0, 1, ignored));
	json_decref(store_run(store, "", ignored));
	json_decref(store_steps(store, "", ignored));
	json_decref(store_artifacts(store, "", ignored));
	json_decref(store_standing(store, "", ignored));
	json_decref(store_proposal(store, "", "", ignored));
}

void
store_rehearse(struct store *store)
{
	struct err ignored;

	store->is_rehearsing = true;
	rehearse_changes(store, &ignored);
	rehearse_questions(store, &ignored);
	store->is_rehearsing = false;
}
