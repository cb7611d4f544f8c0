/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaves twenty daemons behind, each in a session of its own. */
#include "misbehave.h"

#include <sys/wait.h>

static void
leave_daemon(void)
{
	pid_t pid = fork();

	if (pid > 0) {
		waitpid(pid, NULL, 0);
		return;
	}
	setsid();
	if (fork() > 0)
		_exit(0);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	for (;;)
		pause();
}

static int
forker_run(struct fettle_ctx *ctx)
{
	for (int i = 0; i < 20; i++)
		leave_daemon();
	fettle_info(ctx, "twenty daemons run");
	return FETTLE_OK;
}

TEST_STEP(forker, forker_run)
