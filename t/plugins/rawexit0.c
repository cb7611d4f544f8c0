/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* As exit0, without any clean-up of the C library. */
#include "misbehave.h"

static int
rawexit0_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	_exit(0);
}

TEST_STEP(rawexit0, rawexit0_run)
