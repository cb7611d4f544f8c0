/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run, top to bottom.
 *
 *	steps -> [first failure: unwind] -> finally -> end state
 */
#include "base/base.h"

#include "engine/run.h"

#include <poll.h>
#include <unistd.h>

#include "base/path.h"
#include "engine/attempt.h"
#include "engine/summary.h"
#include "engine/unwind.h"

int
run_open(struct run *run, struct err *err)
{
	run->outputs = json_object();
	run->queued = json_array();
	run->notes = json_array();
	run->attempts = json_object();
	run->workspace_fd = path_open_dir(run->plan->workspace, err);
	if (run->workspace_fd >= 0)
		run->directory = store_run_dir(run->engine->store, run->claim.run, err);
	if (run->directory)
		return 0;
	run_close(run);
	return -1;
}

void
run_close(struct run *run)
{
	auto_close(&run->lock_fd);
	auto_close(&run->workspace_fd);
	auto_free(&run->directory);
	json_decref(run->outputs);
	json_decref(run->queued);
	json_decref(run->notes);
	json_decref(run->attempts);
	strv_done(&run->ended);
	json_decref(run->report);
	str_done(&run->diagnosis);
	*run = (struct run){ .lock_fd = -1, .workspace_fd = -1 };
}

char *
run_lock_name(const struct plan *plan)
{
	return *plan->service ? x_asprintf("%s:%s", plan->workspace, plan->service) :
				NULL;
}

static bool
is_cancelled(const struct run *run)
{
	struct pollfd cancel = { run->engine->cancel_fd, POLLIN, 0 };

	return cancel.fd >= 0 && poll(&cancel, 1, 0) > 0;
}

/* The rest of the section, when one step ended it. */
static int
skip_from(struct run *run, size_t first, struct err *err)
{
	if (run_begin(run, err) < 0)
		return -1;
	for (size_t i = first; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];
		json_t *body;

		if (step->section != SECTION_STEPS)
			continue;
		body = json_pack("{s:s, s:s}", "step", step->id, "section",
				 section_name(step->section));
		if (run_append(run, "step.skipped", body, err) < 0) {
			run_abort(run);
			return -1;
		}
	}
	return run_commit(run, err);
}

/* The pipeline's own steps, until one does not succeed. */
static int
carry_out_steps(struct run *run, struct ending *ending, struct err *err)
{
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];

		if (step->section != SECTION_STEPS)
			continue;
		if (is_cancelled(run))
			ending_cancel(ending, step->id);
		else if (attempt_step(run, step, NULL, ending, err) < 0)
			return -1;
		if (ending->state != ENDING_SUCCEEDED)
			return skip_from(
				run,
				is_cancelled(run) && !ending->is_attempted ? i : i + 1,
				err);
		if (run->until && str_eq(step->id, run->until))
			return skip_from(run, i + 1, err);
	}
	return 0;
}

int
run_finally(struct run *run, struct ending *ending, struct err *err)
{
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];
		struct ending own = { .state = ENDING_SUCCEEDED };

		if (step->section != SECTION_FINALLY || strv_has(&run->ended, step->id))
			continue;
		if (attempt_step(run, step, NULL, &own, err) < 0)
			return -1;
		if (own.state != ENDING_SUCCEEDED &&
		    ending->state == ENDING_SUCCEEDED) {
			*ending = own;
			ending->state = ENDING_FAILED_FINALLY;
		}
	}
	return 0;
}

int
run_carry_out(struct run *run, struct err *err)
{
	struct ending ending = { .state = ENDING_SUCCEEDED };

	if (run_append(run, "run.state", json_pack("{s:s}", "state", "running"), err) <
	    0)
		return -1;
	if (carry_out_steps(run, &ending, err) < 0)
		return -1;
	if (ending.state != ENDING_SUCCEEDED && unwind(run, &ending, err) < 0)
		return -1;
	if (run_finally(run, &ending, err) < 0)
		return -1;
	return summary_end(run, &ending, err);
}
