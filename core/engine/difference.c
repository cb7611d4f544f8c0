/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a run did or would have done to the files, from first image to last. */
#include "base/base.h"

#include "engine/difference.h"

#include "base/diff.h"
#include "engine/engine.h"
#include "engine/proposal.h"

#define EVENTS_AT_ONCE 100

struct difference {
	json_t *edits, *effects; /* arrays in the form of proposals; owned */
};

enum difference_of {
	DIFFERENCE_PROPOSED,	/* whatever a step stated */
	DIFFERENCE_BEGUN	/* what a step of section `steps` began to do */
};

/* A file edited again: its first pre-image, its latest post-image. */
static void
merge_edit(json_t *edits, const json_t *edit, json_t *step)
{
	json_t *known = json_find(edits, "path", json_text(edit, "path"));

	if (known) {
		json_object_set(known, "post", json_object_get(edit, "post"));
		json_object_set(known, "op", json_object_get(edit, "op"));
		return;
	}
	json_t *first = json_deep_copy(edit);
	json_object_set(first, "step", step);
	json_array_append_new(edits, first);
}

/* The same thing changed again by the same step is one change. */
static void
merge_effect(json_t *effects, const json_t *effect, json_t *step)
{
	const json_t *known;
	size_t i;

	json_array_foreach (effects, i, known)
		if (json_equal(json_object_get(known, "step"), step) &&
		    str_eq(json_text(known, "kind"), json_text(effect, "kind")) &&
		    str_eq(json_text(known, "target"), json_text(effect, "target")))
			return;
	json_t *first = json_deep_copy(effect);
	json_object_set(first, "step", step);
	json_array_append_new(effects, first);
}

static void
merge(struct difference *difference, const json_t *proposed)
{
	const json_t *proposal = json_object_get(proposed, "proposal");
	json_t *step = json_object_get(proposed, "step");
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(proposal, "edits"), i, item)
		merge_edit(difference->edits, item, step);
	json_array_foreach (json_object_get(proposal, "effects"), i, item)
		merge_effect(difference->effects, item, step);
}

/* `latest`: what each step proposed last, by its name. */
static void
learn(struct difference *difference, json_t *latest, const json_t *event,
      enum difference_of of)
{
	json_t *body = json_object_get(event, "body");
	const char *step = json_text(body, "step");

	if (str_eq(json_text(event, "kind"), "step.intent")) {
		if (of == DIFFERENCE_BEGUN &&
		    str_eq(json_text(body, "section"), "steps"))
			merge(difference, json_object_get(latest, step));
	} else if (of == DIFFERENCE_PROPOSED) {
		merge(difference, body);
	} else {
		json_object_set(latest, step, body);
	}
}

static void
difference_done(struct difference *difference)
{
	json_decref(difference->edits);
	json_decref(difference->effects);
	*difference = (struct difference){ 0 };
}

static int
difference_init(struct difference *difference, struct store *store, const char *run,
		enum difference_of of, struct err *err)
{
	AUTO(json_ref) json_t *latest = json_object();
	int64_t after = 0;
	size_t got;

	*difference =
		(struct difference){ .edits = json_array(), .effects = json_array() };
	do {
		AUTO(json_ref)
		json_t *events = store_events_of(store, run,
						 "|step.proposed|step.intent|", after,
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
			learn(difference, latest, event, of);
		}
	} while (got == EVENTS_AT_ONCE);
	return 0;
}

/* The lines an edit adds and removes, from the stored images. */
static void
count_lines(struct store *store, const json_t *edit, json_t *change)
{
	const char *pre = json_text(edit, "pre"), *post = json_text(edit, "post");
	AUTO_FREE char *before = NULL;
	AUTO_FREE char *after = NULL;
	struct diff_side from = { 0 }, to = { 0 };
	unsigned added, removed;
	struct err ignored;

	if (*pre && store_blob_get(store, pre, &before, &from.len, &ignored) < 0)
		return;
	if (*post && store_blob_get(store, post, &after, &to.len, &ignored) < 0)
		return;
	from.bytes = before;
	to.bytes = after;
	diff_count(from, to, &added, &removed);
	json_object_set_new(change, "added", json_integer(added));
	json_object_set_new(change, "removed", json_integer(removed));
}

json_t *
difference_changes(struct store *store, const char *run, struct err *err)
{
	AUTO(difference) struct difference difference = { 0 };
	json_t *changes, *item, *change;
	size_t i;

	if (difference_init(&difference, store, run, DIFFERENCE_BEGUN, err) < 0)
		return NULL;
	changes = json_array();
	json_array_foreach (difference.edits, i, item) {
		change = json_pack("{s:O, s:s, s:O, s:s}", "step",
				   json_object_get(item, "step"), "kind", "edit",
				   "target", json_object_get(item, "path"), "summary",
				   "");
		count_lines(store, item, change);
		json_array_append_new(changes, change);
	}
	json_array_foreach (difference.effects, i, item)
		json_array_append_new(
			changes, json_pack("{s:O, s:s, s:s, s:s}", "step",
					   json_object_get(item, "step"), "kind",
					   json_text(item, "kind"), "target",
					   json_text(item, "target"), "summary",
					   json_text(item, "summary")));
	return changes;
}

int
engine_diff(struct store *store, const char *run, struct str *out, struct err *err)
{
	AUTO(difference) struct difference difference = { 0 };

	if (difference_init(&difference, store, run, DIFFERENCE_PROPOSED, err) < 0)
		return -1;
	return edits_diff(store, difference.edits, out, err);
}
