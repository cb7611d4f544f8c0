/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ends its process with success while it is being loaded. */
#include "misbehave.h"

__attribute__((constructor)) static void
leave(void)
{
	exit(0);
}

static int
ctor_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	return FETTLE_OK;
}

TEST_STEP(ctor, ctor_run)
