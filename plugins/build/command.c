/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* build/command: any program that builds the service. */
#include "plugins/common/command.h"

static const struct fettle_param params[] = { COMMAND_PARAM_ROWS(0) };
static const struct fettle_param outputs[] = { COMMAND_OUTPUT_ROWS };

static const char *const effects[] = { "build-command", NULL };

static int
propose(struct fettle_ctx *ctx)
{
	return command_propose_effect(ctx, effects[0], "built");
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "build/command",
	.version = FETTLE_VERSION,
	.summary = "Runs a program that builds the service.",
	.stage = FETTLE_BUILD,
	.flags = FETTLE_NETWORK | FETTLE_DOCKER,
	.effects = effects,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.propose = propose,
	.run = command_run,
};

FETTLE_STEP(step)
