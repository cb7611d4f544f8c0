/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting the nursery and asking it for hosts. See nursery.h. */
#include "base/base.h"

#include "engine/nursery.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "wire/request.h"

#define CHANNEL_FD 3
#define REPLY_TIMEOUT_S 10
/* Room for the longest attempt; see core/host/nursery.c. */
#define ATTEMPT_ROOM (sizeof(((struct start *)NULL)->attempt) - 1)

struct nursery {
	const char *lib_dir;
	pid_t pid;	/* 0: not started, or gone */
	int channel;
	bool is_owed;	/* a question was sent, and its host not told yet */
};

struct nursery *
nursery_new(const char *lib_dir)
{
	struct nursery *nursery = x_malloc(sizeof *nursery);

	*nursery = (struct nursery){ .lib_dir = lib_dir, .channel = -1 };
	return nursery;
}

void
nursery_rest(struct nursery *nursery)
{
	if (nursery->channel >= 0)
		close(STEAL_FD(nursery->channel));
	if (nursery->pid)
		(void)kill(nursery->pid, SIGKILL);
}

static void
stop(struct nursery *nursery)
{
	nursery_rest(nursery);
	nursery->is_owed = false;
	if (nursery->pid == 0)
		return;
	while (waitpid(nursery->pid, NULL, 0) < 0 && errno == EINTR)
		;
	nursery->pid = 0;
}

void
nursery_free(struct nursery *nursery)
{
	if (!nursery)
		return;
	nursery_rest(nursery);
	stop(nursery);
	free(nursery);
}

static int
spawn(struct nursery *nursery, int channel_end, struct err *err)
{
	AUTO_FREE char *program = path_join(nursery->lib_dir, "fettle-host");
	AUTO_FREE char *attempt =
		x_asprintf("FETTLE_ATTEMPT=%*s", (int)ATTEMPT_ROOM, "");
	char *argv[] = { program, (char *)"--nursery", NULL };
	/* Bound once here: a host would look up again what it calls, each anew. */
	char *envp[] = { (char *)"PATH=" PROGRAM_PATH, (char *)"LANG=C.UTF-8",
			 (char *)"LD_BIND_NOW=1", attempt, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	posix_spawn_file_actions_adddup2(&actions, channel_end, CHANNEL_FD);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	/* A session of its own: the terminal's Ctrl-C is ours alone. */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	int error =
		posix_spawn(&nursery->pid, program, &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (error == 0)
		return 0;
	nursery->pid = 0;
	errno = error;
	err_errno(err, "spawn_failed", "start '%s'", program);
	return err_remedy(err, "check the installation with `fettle doctor`");
}

static int
start(struct nursery *nursery, struct err *err)
{
	const struct timeval limit = { .tv_sec = REPLY_TIMEOUT_S };
	AUTO_CLOSE int channel_end = -1;
	int ends[2];

	if (nursery->pid && nursery->channel >= 0)
		return 0;
	stop(nursery);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, "spawn_failed", "make a channel to fettle-host");
	nursery->channel = ends[0];
	channel_end = ends[1];
	(void)setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (spawn(nursery, channel_end, err) == 0)
		return 0;
	stop(nursery);
	return -1;
}

void
nursery_warm(struct nursery *nursery)
{
	struct err ignored;

	(void)start(nursery, &ignored);
}

int
nursery_send(struct nursery *nursery, const struct start *question, struct err *err)
{
	assert(!nursery->is_owed); /* replies come in the order of questions */
	if (start(nursery, err) < 0)
		return -1;
	/* One that was killed since the last question took nothing of this one. */
	if (start_send(nursery->channel, question, err) < 0) {
		stop(nursery);
		if (start(nursery, err) < 0 ||
		    start_send(nursery->channel, question, err) < 0)
			return -1;
	}
	nursery->is_owed = true;
	return 0;
}

pid_t
nursery_receive(struct nursery *nursery, struct err *err)
{
	pid_t pid = -1;

	nursery->is_owed = false;
	if (start_await_reply(nursery->channel, &pid, err) < 0) {
		stop(nursery);
		return -1;
	}
	return pid;
}

pid_t
nursery_pid(const struct nursery *nursery)
{
	return nursery->pid;
}
