/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a rollback is going to do. See revert.h. */
#include "base/base.h"

#include "engine/revert.h"

#include "engine/artifact.h"
#include "engine/attempt.h"
#include "engine/edit.h"
#include "engine/image.h"
#include "engine/proposal.h"
#include "engine/takeover.h"

int
revert_load(struct run *run, struct err *err)
{
	AUTO(json_ref)
	json_t *steps = store_steps(run->engine->store, run->plan->rolls_back, err);
	const json_t *step;
	size_t i;

	if (!steps)
		return -1;
	json_array_foreach (steps, i, step)
		takeover_learn(run, step);
	return 0;
}

/* ---- what stands ---- */

/* Without what that run did irreversibly, on purpose. */
static json_t *
load_standing(struct run *run, struct err *err)
{
	struct store *store = run->engine->store;
	const char *other = run->plan->rolls_back;
	AUTO(json_ref) json_t *standing = store_standing(store, other, err);
	AUTO(json_ref) json_t *stored = standing ? store_plan(store, other, err) : NULL;
	AUTO(json_ref) json_t *rows = json_array();
	AUTO(json_ref) json_t *stages = json_object();
	const json_t *steps = json_object_get(json_object_get(stored, "plan"), "steps");
	AUTO(strv) struct strv irreversible = STRV_INIT;
	json_t *item;
	size_t i;

	if (!stored)
		return NULL;
	json_array_foreach (steps, i, item) {
		const char *id = json_text(item, "id");

		json_object_set(stages, id, json_object_get(item, "stage"));
		if (json_flag(item, "irreversible"))
			strv_add(&irreversible, id);
	}
	json_array_foreach (standing, i, item) {
		const char *id = json_text(item, "step");

		json_object_set(item, "stage", json_object_get(stages, id));
		if (!strv_has(&irreversible, id))
			json_array_append(rows, item);
	}
	if (json_array_size(rows) > 0)
		return STEAL(rows);
	err_set(err, "rollback_not_applicable",
		"what stands of run %s was not meant to be put back (irreversible)",
		other);
	return NULL;
}

/* ---- files ---- */

/* From the last image of each path to its first: a file edited twice goes back once. */
static json_t *
reverse_edits(const json_t *rows)
{
	json_t *edits = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		json_t *edit = json_object_get(row, "body");

		if (!standing_is_edit(row))
			continue;
		json_t *known = json_find(edits, "path", json_text(edit, "path"));
		if (known) {
			json_object_set(known, "pre", json_object_get(edit, "post"));
			continue;
		}
		json_t *back = json_copy(edit);
		json_object_set(back, "pre", json_object_get(edit, "post"));
		json_object_set(back, "post", json_object_get(edit, "pre"));
		json_object_set_new(back, "op",
				    json_string(*json_text(edit, "pre") ? "write" :
									  "delete"));
		json_array_append_new(edits, back);
	}
	return edits;
}

static int
refuse_conflict(const struct run *run, const json_t *edit, const struct image *now,
		struct err *err)
{
	const char *left = json_text(edit, "pre");

	err_set(err, "rollback_conflict",
		"'%s' was changed after run %s changed it (it is %.12s, the run left "
		"%.12s): nothing is put back",
		json_text(edit, "path"), run->plan->rolls_back,
		now->exists ? now->sha256 : "missing", *left ? left : "missing");
	return err_remedy(err,
			  "bring the file to what it was before or after that run "
			  "(`fettle diff %s`), then roll it back again",
			  run->plan->rolls_back);
}

/* Those that are not as they were already, if all others are as they were left. */
static json_t *
due_edits(struct run *run, const json_t *rows, struct err *err)
{
	AUTO(json_ref) json_t *all = reverse_edits(rows);
	AUTO(json_ref) json_t *due = json_array();
	json_t *edit;
	size_t i;

	json_array_foreach (all, i, edit) {
		__attribute__((cleanup(image_done))) struct image now = { 0 };

		if (image_read(run->workspace_fd, json_text(edit, "path"), &now, err) <
		    0)
			return NULL;
		if (str_eq(now.sha256, json_text(edit, "post")))
			continue;
		if (!str_eq(now.sha256, json_text(edit, "pre"))) {
			refuse_conflict(run, edit, &now, err);
			return NULL;
		}
		json_array_append(due, edit);
	}
	return STEAL(due);
}

/* Also finds out whether the contents are there to be put back. */
static int
keep_diff(struct run *run, const struct plan_step *step, int attempt,
	  const json_t *edits, struct err *err)
{
	AUTO(str) struct str diff = STR_INIT;

	if (edits_diff(run->engine->store, edits, &diff, err) < 0)
		return -1;
	if (json_array_size(edits) > 0)
		artifact_store(run, step->id, attempt, "patch.diff", "text/x-diff",
			       str_get(&diff), diff.len);
	return 0;
}

/* ---- effects and commands ---- */

static json_t *
reverse_effects(const struct plan_step *step, const json_t *rows)
{
	json_t *effects = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		json_t *effect = json_object_get(row, "body");

		if (standing_is_edit(row) || standing_has_effect(effects, effect))
			continue;
		json_t *back = json_copy(effect);
		json_object_set_new(back, "summary",
				    json_sprintf("puts back: %s",
						 json_text(effect, "summary")));
		json_object_set_new(back, "step", json_string(step->id));
		json_array_append_new(effects, back);
	}
	return effects;
}

/* What the steps behind are going to start. */
static json_t *
collect_commands(struct run *run, struct err *err)
{
	AUTO(json_ref) json_t *commands = json_array();

	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];

		if (step->section != SECTION_ON_FAILURE)
			continue;
		AUTO(json_ref) json_t *proposal = attempt_propose(run, step, err);
		if (!proposal)
			return NULL;
		json_array_extend(commands, json_object_get(proposal, "commands"));
	}
	return STEAL(commands);
}

json_t *
revert_propose(struct run *run, const struct plan_step *step, int attempt,
	       struct err *err)
{
	AUTO(json_ref) json_t *rows = load_standing(run, err);
	AUTO(json_ref) json_t *edits = rows ? due_edits(run, rows, err) : NULL;

	if (!edits || keep_diff(run, step, attempt, edits, err) < 0)
		return NULL;
	AUTO(json_ref) json_t *commands = collect_commands(run, err);
	if (!commands)
		return NULL;
	return json_pack("{s:O, s:o, s:O, s:O}", "edits", edits, "effects",
			 reverse_effects(step, rows), "commands", commands, "undoes",
			 rows);
}

/* ---- what was judged ---- */

static bool
has_command(const json_t *commands, const json_t *argv)
{
	const json_t *known;
	size_t i;

	json_array_foreach (commands, i, known)
		if (json_equal(known, argv))
			return true;
	return false;
}

static const char *
find_revert(const struct plan *plan)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan_is_revert(&plan->steps[i]))
			return plan->steps[i].id;
	return "";
}

int
revert_covers(struct run *run, const struct plan_step *step, const json_t *proposal,
	      struct err *err)
{
	const json_t *argv;
	size_t i;

	if (!plan_rolls_back(run->plan) || step->section != SECTION_ON_FAILURE)
		return 0;
	AUTO(json_ref)
	json_t *whole = store_proposal(run->engine->store, run->claim.run,
				       find_revert(run->plan), err);
	if (!whole)
		return -1;
	AUTO(json_ref) json_t *own = mask_json(run->mask, proposal);
	const json_t *judged =
		json_object_get(json_object_get(whole, "proposal"), "commands");
	json_array_foreach (json_object_get(own, "commands"), i, argv)
		if (!has_command(judged, argv))
			return 0;
	return 1;
}
