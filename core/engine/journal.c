/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run's events on their way to the store and to whoever watches. See run.h. */
#include "base/base.h"

#include "engine/run.h"

#include "engine/mask.h"

int
run_begin(struct run *run, struct err *err)
{
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

int
run_commit(struct run *run, struct err *err)
{
	run->is_in_transaction = false;
	if (store_commit(run->engine->store, err) < 0) {
		json_array_clear(run->queued);
		return -1;
	}
	tell_queued(run);
	return 0;
}

void
run_abort(struct run *run)
{
	run->is_in_transaction = false;
	store_rollback(run->engine->store);
	json_array_clear(run->queued);
}

/* Into the open transaction. */
static int
append_now(struct run *run, const char *kind, const json_t *body, struct err *err)
{
	AUTO(json_ref) json_t *masked = mask_json(run->mask, body);

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
	json_array_clear(run->notes);
	return 0;
}

int
run_append(struct run *run, const char *kind, json_t *body, struct err *err)
{
	AUTO(json_ref) json_t *owned = body;
	bool is_nested = run->is_in_transaction;

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
	if (json_array_size(run->notes) == 0)
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
			   .notes = json_array() };
	int failed = run_append(&run, "run.ended", body, err);

	json_decref(run.queued);
	json_decref(run.notes);
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
