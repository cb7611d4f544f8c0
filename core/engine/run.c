/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run, top to bottom.
 *
 *	steps -> [first failure: unwind] -> finally -> end state
 *
 * A run that rolls back another has one step, which is the gate of it all, and
 * unwinds what stands of the other.
 */
#include "base/base.h"

#include "engine/run.h"

#include <unistd.h>

#include "base/path.h"
#include "engine/revert.h"
#include "engine/rounds.h"
#include "engine/section.h"
#include "engine/summary.h"
#include "engine/unwind.h"

int
run_open(struct run *run, struct err *err)
{
	run->outputs = json_object();
	run->queued = json_array();
	run->notes = json_array();
	run->sent = json_array();
	run->attempts = json_object();
	run->states = json_object();
	run->workspace_fd = path_open_dir(run->plan->workspace, err);
	if (run->workspace_fd >= 0)
		run->directory = store_run_dir(run->engine->store, run->claim.run, err);
	if (run->directory &&
	    (!plan_rolls_back(run->plan) || revert_load(run, err) == 0))
		return 0;
	run_close(run);
	return -1;
}

void
run_close(struct run *run)
{
	if (run->is_being_made)
		store_rollback(run->engine->store);
	auto_close(&run->lock_fd);
	auto_close(&run->workspace_fd);
	auto_free(&run->directory);
	json_decref(run->outputs);
	json_decref(run->unwritten_plan);
	json_decref(run->queued);
	json_decref(run->notes);
	json_decref(run->sent);
	json_decref(run->attempts);
	json_decref(run->states);
	json_decref(run->earlier);
	json_decref(run->now);
	json_decref(run->hold);
	json_decref(run->fresh);
	strv_done(&run->ended);
	strv_done(&run->kept);
	strv_done(&run->lost);
	json_decref(run->report);
	str_done(&run->diagnosis);
	free(run->cancel.by);
	free(run->cancel.reason);
	*run = (struct run){ .lock_fd = -1, .workspace_fd = -1 };
}

void
run_diagnose(struct run *run, const char *diagnosis)
{
	if (strstr(str_get(&run->diagnosis), diagnosis))
		return;
	str_addf(&run->diagnosis, "%s%s", run->diagnosis.len ? "; then: " : "",
		 diagnosis);
}

char *
run_lock_name(const struct plan *plan)
{
	return *plan->service ? x_asprintf("%s:%s", plan->workspace, plan->service) :
				NULL;
}

int
run_wake(struct run *run, const char *step, struct err *err)
{
	if (!run->is_asleep)
		return 0;
	run->is_asleep = false;
	return run_append(run, "run.state",
			  json_pack("{s:s, s:s}", "state", "running", "step", step),
			  err);
}

static bool
is_to_unwind(const struct run *run, const struct ending *ending)
{
	return ending->state != ENDING_SUCCEEDED || plan_rolls_back(run->plan);
}

int
run_end(struct run *run, struct ending *ending, struct err *err)
{
	if (run_wake(run, ending->step, err) < 0)
		return -1;
	/* Unwinding asks the store what stands. */
	if (is_to_unwind(run, ending) &&
	    (run_flush(run, err) < 0 || unwind(run, ending, err) < 0))
		return -1;
	if (section_finally(run, ending, err) < 0)
		return -1;
	return summary_end(run, ending, err);
}

int
run_go_on(struct run *run, struct err *err)
{
	struct ending ending = { .state = ENDING_SUCCEEDED };

	if (rounds_carry_out(run, &ending, err) < 0)
		return -1;
	/* Whoever continues it needs no more than what the store knows. */
	if (ending.state == ENDING_WAITING)
		return 0;
	return run_end(run, &ending, err);
}

int
run_carry_out(struct run *run, struct err *err)
{
	run_note(run, "run.state", json_pack("{s:s}", "state", "running"));
	return run_go_on(run, err);
}
