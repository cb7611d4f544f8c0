/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trying again with what was learnt. See rounds.h. */
#include "base/base.h"

#include "engine/rounds.h"

#include <fettle/plugin.h>

#include "engine/section.h"
#include "engine/survey.h"

static uint32_t
stage_of(const struct run *run, const char *step)
{
	const struct plan_step *found = plan_find_step(run->plan, step);

	return found ? found->stage : 0;
}

/*
 * Only the proof that the service is not well yet is a reason to look again. A build
 * that failed is such: what was patched was one of the things that were wrong.
 */
static bool
is_worth_another(const struct run *run, const struct ending *own)
{
	uint32_t stage = stage_of(run, own->step);

	return own->state == ENDING_FAILED && own->is_answer &&
	       run->round < run->plan->rounds &&
	       (stage == FETTLE_VERIFY || stage == FETTLE_RESTART ||
		stage == FETTLE_BUILD);
}

/* A later round in which the analysis had nothing new to say. */
static bool
is_fruitless(const struct run *run, const struct ending *own)
{
	return run->round > 1 && own->state == ENDING_FAILED &&
	       stage_of(run, own->step) == FETTLE_ANALYZE;
}

static void
note_round(struct run *run, const char *step, const char *text)
{
	run_note(run, "step.note",
		 json_pack("{s:s, s:i, s:s, s:o}", "step", step, "attempt",
			   (int)json_int_or(run->attempts, step, 1), "level", "info",
			   "text", json_sprintf("round %u of %u: %s", run->round,
						run->plan->rounds, text)));
}

/* 0 ready; 1 the project cannot be looked at, so there is no other round; -1. */
static int
begin_next(struct run *run, const struct ending *own, struct err *err)
{
	struct err why = { 0 };
	/* Without a service there is no project to look at. */
	json_t *now = *run->plan->service ? survey_now(run->engine, run->plan,
						       run->secrets, &why) :
					    json_object();

	if (!now) {
		note_round(run, own->step, why.text);
		return 1;
	}
	note_round(run, own->step, "it did not help yet; looking again");
	json_decref(run->now);
	run->now = now;
	json_decref(run->earlier);
	run->earlier = mask_json(run->mask, run->outputs);
	return run_append(run, "run.round",
			  json_pack("{s:i, s:O, s:O}", "round", (int)run->round + 1,
				    "earlier", run->earlier, "facts", run->now),
			  err);
}

int
rounds_carry_out(struct run *run, struct ending *ending, struct err *err)
{
	if (run->round == 0)
		run->round = 1;
	for (;; run->round++) {
		struct ending own = { .state = ENDING_SUCCEEDED };
		int next;

		if (section_steps(run, &own, err) < 0)
			return -1;
		strv_done(&run->kept);
		if (ending->state != ENDING_SUCCEEDED && is_fruitless(run, &own)) {
			/* The cause stays that of the round before. */
			note_round(run, own.step, "nothing new was found");
			return run_flush(run, err);
		}
		*ending = own;
		/* The last success goes with the end of the run. */
		if (own.state == ENDING_SUCCEEDED)
			return 0;
		if (!is_worth_another(run, &own))
			return run_flush(run, err);
		next = begin_next(run, &own, err);
		if (next != 0)
			return next < 0 ? -1 : run_flush(run, err);
	}
}
