/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's events on their way to the store and to whoever watches. See run.h. */
#include "base/base.h"

#include "engine/run.h"

#include "engine/artifact.h"
#include "engine/mask.h"

int
run_begin(struct run *run, struct err *err)
{
	if (run->is_being_made) {
		run->is_being_made = false;
		run->is_in_transaction = true;
		return 0;
	}
	if (store_begin(run->engine->store, err) < 0)
		return -1;
	run->is_in_transaction = true;
	return 0;
}

static void
tell(struct run *run, const char *kind, const json_t *body)
{
	const struct engine_watch *watch = &run->engine->watch;

	if (watch->event)
		watch->event(watch->self, run->claim.run, kind, body);
}

static void
tell_queued(struct run *run)
{
	json_t *event;
	size_t i;

	json_array_foreach (run->queued, i, event)
		tell(run, json_text(event, "kind"), json_object_get(event, "body"));
	json_array_clear(run->queued);
}

/* What did not get into the store is still to be said, before all else. */
static void
take_back_notes(struct run *run)
{
	json_array_extend(run->sent, run->notes);
	json_array_clear(run->notes);
	json_array_extend(run->notes, run->sent);
	json_array_clear(run->sent);
}

int
run_commit(struct run *run, struct err *err)
{
	run->is_in_transaction = false;
	if (store_commit(run->engine->store, err) < 0) {
		json_array_clear(run->queued);
		take_back_notes(run);
		return -1;
	}
	json_array_clear(run->sent);
	tell_queued(run);
	return 0;
}

void
run_abort(struct run *run)
{
	run->is_in_transaction = false;
	store_rollback(run->engine->store);
	json_array_clear(run->queued);
	take_back_notes(run);
}

/* Into the open transaction. */
static int
append_now(struct run *run, const char *kind, const json_t *body, struct err *err)
{
	/* Mostly there is nothing to mask, and a copy of a plan is not free. */
	AUTO(json_ref)
	json_t *masked = run->mask->values.count > 0 ?
				 mask_json(run->mask, body) :
				 json_incref((json_t *)(uintptr_t)body);

	if (store_append(run->engine->store, &run->claim, "engine", kind, masked, err) <
	    0)
		return -1;
	json_array_append_new(run->queued,
			      json_pack("{s:s, s:O}", "kind", kind, "body", masked));
	return 0;
}

static int
append_notes(struct run *run, struct err *err)
{
	json_t *note;
	size_t i;

	json_array_foreach (run->notes, i, note)
		if (append_now(run, json_text(note, "kind"),
			       json_object_get(note, "body"), err) < 0)
			return -1;
	json_array_extend(run->sent, run->notes);
	json_array_clear(run->notes);
	return 0;
}

/* Whether the run ends with it, or waits from then on. */
static bool
comes_to_rest(const char *kind, const json_t *body)
{
	const char *state = json_text(body, "state");

	return str_eq(kind, "run.ended") ||
	       (str_eq(kind, "run.state") && !str_eq(state, "running") &&
		!str_eq(state, "rolling_back"));
}

int
run_append(struct run *run, const char *kind, json_t *body, struct err *err)
{
	AUTO(json_ref) json_t *owned = body;
	bool is_nested = run->is_in_transaction;

	if (comes_to_rest(kind, owned))
		artifact_plan(run);
	if (!is_nested && run_begin(run, err) < 0)
		return -1;
	if (append_notes(run, err) < 0 || append_now(run, kind, owned, err) < 0) {
		if (!is_nested)
			run_abort(run);
		return -1;
	}
	return is_nested ? 0 : run_commit(run, err);
}

void
run_note(struct run *run, const char *kind, json_t *body)
{
	json_array_append_new(run->notes,
			      json_pack("{s:s, s:o}", "kind", kind, "body", body));
}

int
run_flush(struct run *run, struct err *err)
{
	if (json_array_size(run->notes) == 0 && !run->is_being_made)
		return 0;
	if (run_begin(run, err) < 0)
		return -1;
	if (append_notes(run, err) < 0) {
		run_abort(run);
		return -1;
	}
	return run_commit(run, err);
}

int
run_end_closed(struct engine *engine, const struct store_claim *claim, json_t *body,
	       struct err *err)
{
	const struct mask none = { 0 };
	struct run run = { .engine = engine,
			   .claim = *claim,
			   .mask = &none,
			   .queued = json_array(),
			   .notes = json_array(),
			   .sent = json_array() };
	int failed = run_append(&run, "run.ended", body, err);

	json_decref(run.queued);
	json_decref(run.notes);
	json_decref(run.sent);
	return failed;
}

void
run_progress(const struct run *run, const char *step, const json_t *event)
{
	const struct engine_watch *watch = &run->engine->watch;
	const char *text = json_text(event, "text");
	AUTO(str) struct str masked = STR_INIT;

	if (!watch->progress)
		return;
	mask_bytes(run->mask, text, strlen(text), &masked);
	watch->progress(watch->self, step, (uint64_t)json_int_or(event, "done", 0),
			(uint64_t)json_int_or(event, "total", 0), str_get(&masked));
}
