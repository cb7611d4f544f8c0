/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends its process with the status of success, without an answer. */
#include "misbehave.h"

static int
exit0_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	exit(0);
}

TEST_STEP(exit0, exit0_run)
