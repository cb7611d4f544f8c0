/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Built against a header whose struct fettle_step ended before observe(). */
#include "misbehave.h"

#include <stddef.h>

static int
older_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	return FETTLE_OK;
}

/* What lies behind the shorter table must not be read. */
static const struct {
	struct fettle_step step;
} older = { {
	.head = { FETTLE_MAGIC, FETTLE_ABI_MAJOR, 0,
		  offsetof(struct fettle_step, observe), FETTLE_KIND_STEP },
	.name = "test/older",
	.version = "1.0",
	.summary = "Comes from an older version.",
	.stage = FETTLE_BUILD,
	.run = older_run,
	.observe = older_run,
} };
const struct fettle_head *const fettle_plugin = &older.step.head;
