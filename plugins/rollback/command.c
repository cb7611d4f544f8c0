/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rollback/command: any program that puts back what the run has changed. */
#include "plugins/common/command.h"

static const struct fettle_param params[] = { COMMAND_PARAM_ROWS(FETTLE_COMMAND) };
static const struct fettle_param outputs[] = { COMMAND_OUTPUT_ROWS };

static const char *const undoes[] = { "build-command", "restart-command", NULL };

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "rollback/command",
	.version = FETTLE_VERSION,
	.summary = "Runs a program that puts back what other commands changed.",
	.stage = FETTLE_ROLLBACK,
	.flags = FETTLE_NETWORK | FETTLE_DOCKER | FETTLE_REPEATABLE,
	.undoes = undoes,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.run = command_run_effects,
};

FETTLE_STEP(step)
