/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* analyze/command: any program that finds out what is wrong. */
#include "plugins/common/command.h"

static const struct fettle_param params[] = { COMMAND_PARAM_ROWS(FETTLE_COMMAND) };
static const struct fettle_param outputs[] = { COMMAND_OUTPUT_ROWS };

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "analyze/command",
	.version = FETTLE_VERSION,
	.summary = "Runs a program that finds out what is wrong.",
	.stage = FETTLE_ANALYZE,
	.flags = FETTLE_NETWORK | FETTLE_DOCKER | FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.run = command_run,
};

FETTLE_STEP(step)
