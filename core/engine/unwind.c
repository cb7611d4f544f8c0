/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unwinding. See unwind.h. */
#include "base/base.h"

#include "engine/unwind.h"

#include "engine/artifact.h"
#include "engine/attempt.h"
#include "engine/edit.h"
#include "engine/image.h"
#include "engine/observe.h"

/* The first thing that is in the way of "as before"; later ones are in the events. */
static void
stands(struct ending *ending, const struct err *why)
{
	ending->unwound = UNWOUND_NOT;
	if (!ending->rollback.code[0])
		ending->rollback = *why;
}

/* Both versions of a file that is not ours any more, for whoever merges them. */
static void
keep_both(struct run *run, const json_t *edit)
{
	__attribute__((cleanup(image_done))) struct image now = { 0 };
	const char *path = json_text(edit, "path"), *pre = json_text(edit, "pre");
	AUTO_FREE char *flat = x_strdup(path);
	AUTO_FREE char *bytes = NULL;
	struct err ignored = { 0 };
	size_t len;

	for (char *p = flat; *p; p++)
		if (*p == '/')
			*p = '_';
	AUTO_FREE char *before = x_asprintf("conflict-%s.before", flat);
	AUTO_FREE char *found = x_asprintf("conflict-%s.found", flat);
	if (*pre &&
	    store_blob_get(run->engine->store, pre, &bytes, &len, &ignored) == 0)
		artifact_store(run, NULL, 0, before, "text/plain", bytes, len);
	if (image_read(run->workspace_fd, path, &now, &ignored) == 0 && now.exists)
		artifact_store(run, NULL, 0, found, "text/plain", now.bytes, now.len);
}

/* Path -> its standing edits, oldest first, in the order of the first ones. */
static json_t *
edits_by_path(const json_t *standing)
{
	json_t *paths = json_object(), *edits;
	const json_t *row;
	size_t i;

	json_array_foreach (standing, i, row) {
		const char *path = json_text(row, "target");

		if (!standing_is_edit(row))
			continue;
		if (!(edits = json_object_get(paths, path)))
			json_object_set_new(paths, path, edits = json_array());
		json_array_append(edits, json_object_get(row, "body"));
	}
	return paths;
}

static int
unwind_files(struct run *run, const json_t *standing, struct ending *ending,
	     struct err *err)
{
	AUTO(json_ref) json_t *paths = edits_by_path(standing);
	AUTO(json_ref) json_t *restored = json_array();
	AUTO(json_ref) json_t *conflicts = json_array();
	const char *path;
	json_t *edits;

	json_object_foreach (paths, path, edits) {
		struct err why = { 0 };
		enum restored done = edit_restore(run, edits, &why);

		if (done == RESTORED_YES) {
			json_array_append_new(restored, json_string(path));
			continue;
		}
		if (done == RESTORED_CONFLICT)
			keep_both(run, json_array_get(edits, 0));
		stands(ending, &why);
		json_array_append_new(conflicts,
				      json_pack("{s:s, s:s, s:s}", "path", path, "code",
						why.code, "message", why.text));
	}
	if (json_array_size(restored) + json_array_size(conflicts) == 0)
		return 0;
	return run_append(run, "unwind.files",
			  json_pack("{s:O, s:O, s:[]}", "restored", restored,
				    "conflicts", conflicts, "kept"),
			  err);
}

/*
 * The effects a step can undo, as rollback modules are handed them, and their
 * row numbers.
 */
static json_t *
pick_effects(const json_t *standing, const struct plan_step *step, json_t *ret_rows)
{
	json_t *effects = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (standing, i, row) {
		if (standing_is_edit(row) ||
		    !strv_has(&step->description->undoes, json_text(row, "kind")))
			continue;
		if (!standing_has_effect(effects, json_object_get(row, "body")))
			json_array_append(effects, json_object_get(row, "body"));
		json_array_append(ret_rows, json_object_get(row, "n"));
	}
	return effects;
}

/* Said once, also when an earlier process already said it. */
static int
skip_step(struct run *run, const struct plan_step *step, struct err *err)
{
	if (strv_has(&run->ended, step->id))
		return 0;
	return run_append(run, "step.skipped",
			  json_pack("{s:s, s:s, s:s}", "step", step->id, "section",
				    "on_failure", "message", "nothing to undo"),
			  err);
}

static int
unwind_step(struct run *run, const struct plan_step *step, const json_t *standing,
	    struct ending *ending, struct err *err)
{
	AUTO(json_ref) json_t *rows = json_array();
	AUTO(json_ref) json_t *effects = pick_effects(standing, step, rows);
	struct ending own = { .state = ENDING_SUCCEEDED };

	/* Nothing of this step's kinds stands: there is nothing for it to do. */
	if (step->description->undoes.count > 0 && json_array_size(effects) == 0)
		return skip_step(run, step, err);
	struct standing undo = { effects, rows };
	if (attempt_step(run, step, &undo, &own, err) < 0)
		return -1;
	if (own.state != ENDING_SUCCEEDED)
		stands(ending, &own.cause);
	return 0;
}

/*
 * A step that ran to its end and said no may have left things as they were (a
 * build that failed). One that was cut off proves nothing: what it asked for
 * may still be happening.
 */
static int
drop_untouched(struct run *run, const struct ending *ending, struct err *err)
{
	const struct plan_step *step = plan_find_step(run->plan, ending->step);

	if (!step || !ending->is_answer)
		return 0;
	return observe_drop_untouched(run, step, err);
}

static int
unwind_effects(struct run *run, struct ending *ending, struct err *err)
{
	AUTO(json_ref) json_t *standing =
		store_standing(run->engine->store, run->claim.run, err);

	if (!standing)
		return -1;
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];

		if (step->section == SECTION_ON_FAILURE &&
		    unwind_step(run, step, standing, ending, err) < 0)
			return -1;
	}
	return 0;
}

/* Effects of steps that said `irreversible: true` are not waited for. */
static bool
is_irreversible(const struct run *run, const json_t *row)
{
	const struct plan_step *step =
		plan_find_step(run->plan, json_text(row, "step"));

	return step && step->is_irreversible;
}

static int
note_leftovers(struct run *run, struct ending *ending, struct err *err)
{
	AUTO(json_ref) json_t *standing =
		store_standing(run->engine->store, run->claim.run, err);
	const json_t *row;
	size_t i;

	if (!standing)
		return -1;
	json_array_foreach (standing, i, row) {
		struct err why = { 0 };

		if (is_irreversible(run, row))
			continue;
		err_set(&why, "rollback_incomplete",
			"%s '%s' of step '%s' was not put back", json_text(row, "kind"),
			json_text(row, "target"), json_text(row, "step"));
		stands(ending, &why);
	}
	return 0;
}

static const char *
given(const char *text)
{
	return *text ? text : NULL;
}

int
unwind(struct run *run, struct ending *ending, struct err *err)
{
	AUTO(json_ref) json_t *standing =
		store_standing(run->engine->store, run->claim.run, err);

	if (!standing)
		return -1;
	ending->unwound = UNWOUND_NOTHING;
	if (json_array_size(standing) == 0)
		return 0;
	run->is_undoing = true;
	run->failure = &ending->cause;
	ending->unwound = UNWOUND_ALL;
	if (run_append(run, "run.state",
		       json_pack("{s:s, s:s*, s:s*}", "state", "rolling_back", "code",
				 given(ending->cause.code), "message",
				 given(ending->cause.text)),
		       err) < 0 ||
	    unwind_files(run, standing, ending, err) < 0 ||
	    drop_untouched(run, ending, err) < 0 ||
	    unwind_effects(run, ending, err) < 0)
		return -1;
	return note_leftovers(run, ending, err);
}
