/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stands in for project/compose where there is no Docker: the services a to e,
 * none of which exists. Takes a minute when the workspace has a file `slow`, and
 * finds no engine when it has a file `down`.
 */
#include "misbehave.h"

static const struct fettle_param OUTPUTS[] = {
	{ "services", FETTLE_JSON, FETTLE_REQUIRED, NULL, NULL, "The services." },
};

static int
services_run(struct fettle_ctx *ctx)
{
	if (fettle_file(ctx, "slow", NULL))
		sleep(60);
	if (fettle_file(ctx, "down", NULL))
		return fettle_error_code(ctx, FETTLE_WHY_HOST, "docker_unreachable", "",
					 "there is no engine");
	fettle_set_output(ctx, "services",
			  "{\"a\":{},\"b\":{},\"c\":{},\"d\":{},\"e\":{}}");
	return FETTLE_OK;
}

static const struct fettle_step services = {
	FETTLE_STEP_HEAD,
	.name = "project/compose",
	.version = "1.0",
	.summary = "Names five services.",
	.stage = FETTLE_PROJECT,
	.flags = FETTLE_REPEATABLE,
	.outputs = FETTLE_TABLE(OUTPUTS),
	.run = services_run,
};
FETTLE_STEP(services)
