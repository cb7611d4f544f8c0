/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refusing what a paused site must not begin. See pause.h. */
#include "base/base.h"

#include "engine/pause.h"

#include <fettle/plugin.h>

#include "base/clock.h"

int
pause_check(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *paused = store_paused(store, err);
	char since[32];

	if (!paused)
		return -1;
	if (json_is_null(paused))
		return 0;
	const char *reason = json_text(paused, "reason");
	err_set(err, "paused", "the site was paused by %s at %s%s%s",
		json_text(paused, "by"),
		clock_format(json_int_or(paused, "time_ms", 0), since),
		*reason ? ": " : "", reason);
	return err_remedy(err, "`fettle resume` lets runs begin again; until then "
			       "`fettle run --queue` puts one in the queue");
}

/* Steps of these stages only look. */
static bool
is_change(const char *stage)
{
	return *stage && !str_eq(stage, stage_name(FETTLE_ANALYZE)) &&
	       !str_eq(stage, stage_name(FETTLE_VERIFY));
}

static bool
has_any(const json_t *proposal, const char *what)
{
	return json_array_size(json_object_get(proposal, what)) > 0;
}

/* Does something stand, or was a step carried out that is more than a look? */
static bool
has_changed(struct run *run)
{
	struct err ignored;
	AUTO(json_ref)
	json_t *standing =
		store_standing(run->engine->store, run->claim.run, &ignored);
	AUTO(json_ref)
	json_t *steps = store_steps(run->engine->store, run->claim.run, &ignored);
	const json_t *step;
	size_t i;

	if (json_array_size(standing) > 0)
		return true;
	json_array_foreach (steps, i, step)
		if (is_change(json_text(step, "stage")) &&
		    json_is_integer(json_object_get(step, "started_ms")) &&
		    !str_eq(json_text(step, "result"), "noop"))
			return true;
	return false;
}

bool
pause_stops(struct run *run, const struct plan_step *step, const json_t *proposal,
	    struct err *why)
{
	struct store *store = run->engine->store;
	bool changes = has_any(proposal, "edits") || has_any(proposal, "effects") ||
		       is_change(stage_name(step->stage));
	struct err err = { 0 };

	/* What was done is put back while the site is paused, too. */
	if (run->mode == RUN_PREVIEW || step->section != SECTION_STEPS ||
	    plan_rolls_back(run->plan) || !changes || pause_check(store, &err) == 0)
		return false;
	if (str_eq(err.code, "paused")) {
		if (has_changed(run))
			return false;
		err_context(&err, "before its first change, step '%s'", step->id);
		err_remedy(&err, "`fettle resume`, then `fettle retry %s`",
			   run->claim.run);
	}
	*why = err;
	return true;
}
