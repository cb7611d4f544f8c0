/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program that leaves a grandchild behind, with both captured pipes
 * open. fettle_exec() must return at once all the same, and kill it.
 */
#include "misbehave.h"

#include <errno.h>
#include <sys/wait.h>

static int
holdpipe_run(struct fettle_ctx *ctx)
{
	static const char *const argv[] = { "sh", "-c",
					    "setsid sleep 1000 & sleep 1000 & echo out",
					    NULL };
	struct fettle_exec exec = { .size = sizeof(exec),
				    .flags = FETTLE_CAPTURE | FETTLE_CAPTURE_ERROR,
				    .argv = argv };
	struct fettle_exited exited = { .size = sizeof(exited) };

	if (fettle_exec(ctx, &exec, &exited) < 0)
		return fettle_error(ctx, FETTLE_WHY_HOST, "%s", exited.err);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		return fettle_error(ctx, FETTLE_WHY_BUG, "a process is left");
	fettle_set_output_text(ctx, "text", exited.out);
	return FETTLE_OK;
}

TEST_STEP_TELLING(holdpipe, holdpipe_run)
