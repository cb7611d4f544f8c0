/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tries to kill its supervisor, and everybody it can reach. */
#include "misbehave.h"

static int
killer_run(struct fettle_ctx *ctx)
{
	(void)ctx;
	kill(getppid(), SIGKILL);
	kill(getppid(), SIGSTOP);
	kill(-1, SIGKILL);
	return FETTLE_OK;
}

TEST_STEP(killer, killer_run)
