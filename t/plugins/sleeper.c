/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs `sleep 1000`: for 200 ms when fact `timeout` is there, else for as long
 * as the step has time. Tells how that ended.
 */
#include "misbehave.h"

static int
sleeper_run(struct fettle_ctx *ctx)
{
	static const char *const argv[] = {
		"sh", "-c", "setsid sleep 1000 & echo started; exec sleep 1000", NULL
	};
	struct fettle_exec exec = { .size = sizeof(exec), .argv = argv };
	struct fettle_exited exited = { .size = sizeof(exited) };
	char text[80];

	if (fettle_fact(ctx, "timeout"))
		exec.timeout_ms = 200;
	if (fettle_exec(ctx, &exec, &exited) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "%s", exited.err);
	snprintf(text, sizeof(text), "status %d signal %d timed_out %d time %s",
		 exited.status, exited.signal, exited.timed_out,
		 fettle_time_left(ctx) ? "left" : "over");
	fettle_set_output_text(ctx, "text", text);
	if (fettle_time_left(ctx) == 0 && fettle_exec(ctx, &exec, &exited) == 0)
		return fettle_error(ctx, FETTLE_WHY_BUG,
				    "a program was started out of time");
	return FETTLE_OK;
}

TEST_STEP_TELLING(sleeper, sleeper_run)
