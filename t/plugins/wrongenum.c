/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers with a number that means nothing. */
#include "misbehave.h"

static int
wrongenum_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	return 99;
}

TEST_STEP(wrongenum, wrongenum_run)
