/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carrying out a section of a pipeline. See section.h. */
#include "base/base.h"

#include "engine/section.h"

#include <fettle/plugin.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/attempt.h"
#include "engine/cancel.h"
#include "engine/continue.h"
#include "engine/hold.h"
#include "engine/scope.h"

#define TICK_MS 100
#define SIT_OUT_MS 3000 /* a worker sleeps through longer waits */

/* ---- skipping ---- */

static int
skip(struct run *run, const struct plan_step *step, const char *why, struct err *err)
{
	/* Said once; and what ran in an earlier round was not skipped. */
	if (strv_has(&run->ended, step->id) || json_object_get(run->states, step->id))
		return 0;
	json_object_set_new(run->states, step->id, json_string("skipped"));
	return run_append(run, "step.skipped",
			  json_pack("{s:s, s:s, s:s}", "step", step->id, "section",
				    section_name(step->section), "message", why),
			  err);
}

/* The rest of `steps`, when one step ended it. */
static int
skip_from(struct run *run, size_t first, const char *why, struct err *err)
{
	if (run_begin(run, err) < 0)
		return -1;
	for (size_t i = first; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];

		if (step->section == SECTION_STEPS && skip(run, step, why, err) < 0) {
			run_abort(run);
			return -1;
		}
	}
	return run_commit(run, err);
}

/* ---- is it due? ---- */

static int
next_attempt(const struct run *run, const struct plan_step *step)
{
	return (int)json_int_or(run->attempts, step->id, 0) + 1;
}

/* A condition that cannot be told is the step's failure. */
static int
record_untold(struct run *run, const struct plan_step *step, struct ending *ending,
	      struct err *err)
{
	const struct err *why = &ending->cause;

	ending->state = ENDING_FAILED;
	snprintf(ending->step, sizeof ending->step, "%s", step->id);
	json_object_set_new(run->states, step->id, json_string("failed"));
	return run_append(run, "step.ended",
			  json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:i}", "step",
				    step->id, "attempt", next_attempt(run, step),
				    "state", "failed", "result", "error", "code",
				    why->code, "message", why->text, "remedy",
				    why->remedy, "duration_ms", 0),
			  err);
}

/* 1 due; 0 not, and recorded as such; -1 the store failed. */
static int
is_due(struct run *run, const struct plan_step *step, struct ending *ending,
       struct err *err)
{
	struct expr_scope scope = scope_names(run);
	bool is_true = true;

	if (!step->condition)
		return 1;
	if (scope_refuse_lost(run, step->condition, &ending->cause) < 0 ||
	    expr_condition(step->condition, &scope, &is_true, &ending->cause) < 0) {
		err_context(&ending->cause, "`if` of step '%s'", step->id);
		return record_untold(run, step, ending, err);
	}
	if (is_true)
		return 1;
	return skip(run, step, "its condition is false", err);
}

/* ---- once more? ---- */

/* Doubles with each attempt, up to the step's own limit. */
static uint64_t
backoff_ms(const struct retry *retry, uint32_t attempt)
{
	uint64_t wait = retry->backoff_ms;

	for (uint32_t i = 1; i < attempt && wait < retry->max_ms; i++)
		wait *= 2;
	return wait < retry->max_ms ? wait : retry->max_ms;
}

static bool
is_worth_retrying(const struct plan_step *step, const struct ending *own,
		  uint32_t attempt)
{
	return attempt < step->retry.attempts && own->state == ENDING_FAILED &&
	       (own->is_transient || step->retry.on_any);
}

/* 0 when it is time, 1 when cancelled meanwhile, -1 when the store failed. */
static int
wait_before_retry(struct run *run, const struct plan_step *step, uint32_t attempt,
		  struct err *err)
{
	const struct engine_watch *watch = &run->engine->watch;
	uint64_t wait = backoff_ms(&step->retry, attempt);
	int64_t until = clock_boot_ms() + (int64_t)wait;
	char buffer[32];

	run_note(run, "step.note",
		 json_pack("{s:s, s:i, s:s, s:o}", "step", step->id, "attempt",
			   (int)attempt, "level", "info", "text",
			   json_sprintf("attempt %u of %u failed; again in %s", attempt,
					step->retry.attempts,
					num_format_ms(wait, buffer))));
	if (run_flush(run, err) < 0)
		return -1;
	for (int64_t left = (int64_t)wait; left > 0; left = until - clock_boot_ms()) {
		if (cancel_is_asked(run, left < TICK_MS ? (int)left : TICK_MS))
			return 1;
		if (watch->tick)
			watch->tick(watch->self);
	}
	return 0;
}

static bool
is_worth_sleeping(const struct run *run, const struct plan_step *step, uint32_t attempt)
{
	return run->engine->is_worker && step->section == SECTION_STEPS &&
	       backoff_ms(&step->retry, attempt) > SIT_OUT_MS;
}

/* Holds no slot and no process: whichever worker is free when it is due goes on. */
static int
sleep_before_retry(struct run *run, const struct plan_step *step, uint32_t attempt,
		   struct err *err)
{
	uint64_t wait = backoff_ms(&step->retry, attempt);
	char buffer[32];

	return continue_later(
		run,
		json_pack("{s:s, s:I, s:s, s:i, s:o}", "state", "pending", "due_ms",
			  (json_int_t)(clock_wall_ms() + (int64_t)wait), "step",
			  step->id, "tries", (int)attempt, "message",
			  json_sprintf("attempt %u of %u of step '%s' failed; again in "
				       "%s",
				       attempt, step->retry.attempts, step->id,
				       num_format_ms(wait, buffer))),
		err);
}

/* Tries that were made before the run slept count. */
static uint32_t
tries_so_far(struct run *run, const struct plan_step *step)
{
	uint32_t tries = str_eq(run->slept_step, step->id) ? run->slept_tries : 0;

	run->slept_step[0] = '\0';
	return tries;
}

static int
attempt_until_done(struct run *run, const struct plan_step *step, struct ending *ending,
		   struct err *err)
{
	for (uint32_t attempt = tries_so_far(run, step) + 1;; attempt++) {
		struct ending own = { .state = ENDING_SUCCEEDED };

		if (attempt_step(run, step, NULL, &own, err) < 0)
			return -1;
		if (own.state == ENDING_SUCCEEDED)
			return 0;
		*ending = own;
		if (!is_worth_retrying(step, &own, attempt))
			return 0;
		if (is_worth_sleeping(run, step, attempt)) {
			ending->state = ENDING_WAITING;
			return sleep_before_retry(run, step, attempt, err);
		}
		int waited = wait_before_retry(run, step, attempt, err);
		if (waited != 0) {
			cancel_before(run, step->id, ending);
			ending->is_attempted = true;
			return waited < 0 ? -1 : 0;
		}
		*ending = (struct ending){ .state = ENDING_SUCCEEDED };
	}
}

/* ---- does it matter? ---- */

static int
forgive(struct run *run, const struct plan_step *step, struct ending *ending)
{
	if (ending->state != ENDING_FAILED || !step->continue_on_error)
		return 0;
	run->has_failed = true;
	run_note(run, "step.note",
		 json_pack("{s:s, s:i, s:s, s:s}", "step", step->id, "attempt",
			   (int)json_int_or(run->attempts, step->id, 1), "level",
			   "warn", "text",
			   "it failed, and the run goes on (continue_on_error)"));
	*ending = (struct ending){ .state = ENDING_SUCCEEDED };
	return 1;
}

/* A later round goes on only if its analysis says something else. */
static void
demand_news(struct run *run, const struct plan_step *step, struct ending *ending)
{
	if (run->round <= 1 || step->stage != FETTLE_ANALYZE ||
	    step->section != SECTION_STEPS ||
	    ending->state != ENDING_SUCCEEDED)
		return;
	/* What the store knows of the round before it knows without secrets. */
	AUTO(json_ref)
	json_t *found = mask_json(run->mask, json_object_get(run->outputs, step->id));
	if (!json_equal(found, json_object_get(run->earlier, step->id)))
		return;
	ending->state = ENDING_FAILED;
	snprintf(ending->step, sizeof ending->step, "%s", step->id);
	err_set(&ending->cause, "no_new_finding", "step '%s' found the same again",
		step->id);
}

static int
carry_out(struct run *run, const struct plan_step *step, struct ending *ending,
	  struct err *err)
{
	int due = hold_is_of(run, step) ? 1 : is_due(run, step, ending, err);

	if (due <= 0)
		return due;
	if (attempt_until_done(run, step, ending, err) < 0)
		return -1;
	(void)forgive(run, step, ending);
	demand_news(run, step, ending);
	return 0;
}

int
section_steps(struct run *run, struct ending *ending, struct err *err)
{
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];

		if (step->section != SECTION_STEPS || strv_has(&run->kept, step->id))
			continue;
		if (cancel_is_asked(run, 0)) {
			cancel_before(run, step->id, ending);
			return skip_from(run, i, "the run was cancelled", err);
		}
		if (carry_out(run, step, ending, err) < 0)
			return -1;
		if (ending->state == ENDING_WAITING)
			return 0;
		if (ending->state != ENDING_SUCCEEDED)
			return skip_from(run, i + 1, "an earlier step did not succeed",
					 err);
		if (run->until && str_eq(step->id, run->until))
			return skip_from(run, i + 1, "the run was to stop before it",
					 err);
	}
	return 0;
}

int
section_finally(struct run *run, struct ending *ending, struct err *err)
{
	run->has_failed |= ending->state != ENDING_SUCCEEDED;
	/* Who cancelled the run did not mean the cleaning up behind it. */
	run->is_undoing |= ending->state == ENDING_CANCELLED;
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];
		struct ending own = { .state = ENDING_SUCCEEDED };

		if (step->section != SECTION_FINALLY || strv_has(&run->ended, step->id))
			continue;
		if (carry_out(run, step, &own, err) < 0)
			return -1;
		if (own.state != ENDING_SUCCEEDED &&
		    ending->state == ENDING_SUCCEEDED) {
			*ending = own;
			ending->state = ENDING_FAILED_FINALLY;
		}
	}
	return 0;
}
