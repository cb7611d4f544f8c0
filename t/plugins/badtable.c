/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Its table has the same parameter twice. */
#include "misbehave.h"

static const struct fettle_param PARAMS[] = {
	{ "twice", FETTLE_BOOL, 0, NULL, NULL, "Once." },
	{ "twice", FETTLE_BOOL, 0, NULL, NULL, "And again." },
};

static int
badtable_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	return FETTLE_OK;
}

static const struct fettle_step badtable = {
	FETTLE_STEP_HEAD,      .name = "test/badtable",
	.version = "1.0",      .summary = "Has a table that cannot be.",
	.stage = FETTLE_BUILD, .params = FETTLE_TABLE(PARAMS),
	.run = badtable_run,
};
FETTLE_STEP(badtable)
