/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dies of a signal. */
#include "misbehave.h"

static int
crash_run(struct fettle_ctx *ctx)
{
	fettle_info(ctx, "about to crash");
	raise(SIGSEGV);
	return FETTLE_OK;
}

TEST_STEP(crash, crash_run)
