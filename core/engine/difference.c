/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run did or would have done to the files, from first image to last. */
#include "base/base.h"

#include "engine/difference.h"

#include "engine/engine.h"
#include "engine/proposal.h"

#define EVENTS_AT_ONCE 100

/* A file edited again: its first pre-image, its latest post-image. */
static void
merge_edit(json_t *edits, const json_t *edit)
{
	const char *path = json_text(edit, "path");
	json_t *known;
	size_t i;

	json_array_foreach (edits, i, known) {
		if (!str_eq(json_text(known, "path"), path))
			continue;
		json_object_set(known, "post", json_object_get(edit, "post"));
		json_object_set(known, "op", json_object_get(edit, "op"));
		return;
	}
	json_array_append_new(edits, json_deep_copy(edit));
}

/* The same thing changed again is one change. */
static void
merge_effect(json_t *effects, const json_t *effect)
{
	const json_t *known;
	size_t i;

	json_array_foreach (effects, i, known)
		if (str_eq(json_text(known, "kind"), json_text(effect, "kind")) &&
		    str_eq(json_text(known, "target"), json_text(effect, "target")))
			return;
	json_array_append_new(effects, json_deep_copy(effect));
}

static void
merge(struct difference *difference, const json_t *proposal)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(proposal, "edits"), i, item)
		merge_edit(difference->edits, item);
	json_array_foreach (json_object_get(proposal, "effects"), i, item)
		merge_effect(difference->effects, item);
}

void
difference_done(struct difference *difference)
{
	json_decref(difference->edits);
	json_decref(difference->effects);
	*difference = (struct difference){ 0 };
}

int
difference_init(struct difference *difference, struct store *store, const char *run,
		struct err *err)
{
	int64_t after = 0;
	size_t got;

	*difference =
		(struct difference){ .edits = json_array(), .effects = json_array() };
	do {
		AUTO(json_ref)
		json_t *events = store_events_of(store, run, "|step.proposed|", after,
						 EVENTS_AT_ONCE, err);
		const json_t *event;
		size_t i;

		if (!events) {
			difference_done(difference);
			return -1;
		}
		got = json_array_size(events);
		json_array_foreach (events, i, event) {
			after = json_int_or(event, "seq", after);
			merge(difference,
			      json_object_get(json_object_get(event, "body"),
					      "proposal"));
		}
	} while (got == EVENTS_AT_ONCE);
	return 0;
}

int
engine_diff(struct store *store, const char *run, struct str *out, struct err *err)
{
	AUTO(difference) struct difference difference = { 0 };

	if (difference_init(&difference, store, run, err) < 0)
		return -1;
	return edits_diff(store, difference.edits, out, err);
}
