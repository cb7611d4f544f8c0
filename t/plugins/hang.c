/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Never ends, and does not listen to TERM. */
#include "misbehave.h"

static int
hang_run(struct fettle_ctx *ctx)
{
	signal(SIGTERM, SIG_IGN);
	fettle_info(ctx, "hanging");
	for (;;)
		pause();
	return FETTLE_OK;
}

TEST_STEP(hang, hang_run)
