/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Never answers. */
#include "misbehave.h"

static int
phang_judge(struct fettle_ctx *ctx)
{
	(void)ctx;
	signal(SIGTERM, SIG_IGN);
	for (;;)
		pause();
	return FETTLE_ALLOW;
}

TEST_POLICY(phang, phang_judge)
