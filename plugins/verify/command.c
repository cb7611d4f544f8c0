/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* verify/command: any program that tells whether the service is well, tried again. */
#include "plugins/common/command.h"

enum { WITHIN = COMMAND_PARAMS, INTERVAL };

static const struct fettle_param params[] = {
	COMMAND_PARAM_ROWS(FETTLE_COMMAND),
	[WITHIN] = { "within", FETTLE_DURATION, 0, "0s", "0s..24h",
		     "How long to try again until it succeeds; 0s tries once." },
	[INTERVAL] = { "interval", FETTLE_DURATION, 0, "1s", "10ms..1h",
		       "How long to wait between two tries." },
};
static const struct fettle_param outputs[] = { COMMAND_OUTPUT_ROWS };

static int
run(struct fettle_ctx *ctx)
{
	return command_run_within(ctx, fettle_param_ms(ctx, WITHIN),
				  fettle_param_ms(ctx, INTERVAL));
}

static const struct fettle_step step = {
	.head = FETTLE_STEP_HEAD,
	.name = "verify/command",
	.version = FETTLE_VERSION,
	.summary = "Runs a program until it says that the service is well.",
	.stage = FETTLE_VERIFY,
	.flags = FETTLE_NETWORK | FETTLE_DOCKER | FETTLE_REPEATABLE,
	.params = FETTLE_TABLE(params),
	.outputs = FETTLE_TABLE(outputs),
	.run = run,
};

FETTLE_STEP(step)
