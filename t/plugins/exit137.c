/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends its process with the status that a shell gives for one that was killed. */
#include "misbehave.h"

static int
exit137_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	exit(137);
}

TEST_STEP(exit137, exit137_run)
