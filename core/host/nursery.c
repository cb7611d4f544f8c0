/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that hosts are forked from, so that a question does not pay for
 * starting a program. It loads no module, reads no request and keeps nothing of
 * one: what it is, every host is at its beginning.
 *
 *	engine --exec--> nursery
 *	   `- outer host (forked here, but the engine's child)
 *
 * As root the host is born into its namespaces, and saves a process; where that is
 * not allowed, it looks for a way itself (mounts.c).
 */
#include "base/base.h"
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "host/supervise.h"
#include "wire/request.h"
#include "wire/start.h"

#define CHANNEL_FD REQUEST_FD
#define FIRST_FREE_FD 16

/* fork(), with the engine as the parent: it waits for the host and kills it. */
static pid_t
fork_for_parent(unsigned long namespaces)
{
	unsigned long flags = CLONE_PARENT | SIGCHLD | namespaces;
#if defined(__s390__) || defined(__CRIS__)
	return (pid_t)syscall(SYS_clone, 0UL, flags, NULL, NULL, 0UL);
#else
	return (pid_t)syscall(SYS_clone, flags, 0UL, NULL, NULL, 0UL);
#endif
}

/*
 * /proc/PID/environ shows the memory that exec filled. The engine left room in
 * there, so that the name of an attempt can be seen from outside.
 */
static void
name_attempt(const char *attempt)
{
	char *room = getenv("FETTLE_ATTEMPT");
	size_t size = room ? strlen(room) : 0;

	if (strlen(attempt) > size) {
		setenv("FETTLE_ATTEMPT", attempt, 1);
		return;
	}
	memset(room, 0, size);
	memcpy(room, attempt, strlen(attempt));
}

/* As if the engine had started us for this question alone. */
static _Noreturn void
become_host(const struct start *start, bool is_init)
{
	const struct {
		int from, to;
	} places[] = {
		{ start->fds[START_LOG], 1 },
		{ start->fds[START_LOG], 2 },
		{ start->fds[START_REQUEST], REQUEST_FD },
		{ start->fds[START_EVENTS], EVENT_FD },
		{ start->fds[START_SECRETS], SECRET_FD },
		{ start->fds[START_LOCK], LOCK_FD },
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		if (places[i].from < 0)
			close(places[i].to);
		else if (dup2(places[i].from, places[i].to) < 0)
			_exit(71);
	}
	closefrom(LOCK_FD + 1);
	setsid();
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* Until the namespaces are made. */
	name_attempt(start->attempt);
	_exit(host_serve(is_init));
}

/* Room below FIRST_FREE_FD for a host's own; what comes lands above. */
static int
move_channel(void)
{
	int channel = fcntl(CHANNEL_FD, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

	for (int fd = CHANNEL_FD; fd <= LOCK_FD; fd++)
		if (channel < 0 || dup2(0, fd) < 0)
			return -1;
	return channel;
}

/* The same for every host; after a fork it would be done each time. */
static void
prepare(void)
{
	json_decref(json_object());
	supervise_reset();
	/* PID 1 would lose a signal that comes before it has blocked it. */
	supervise_prepare();
}

/*
 * The last host's mounts are kept until the next one's are there: taking them down
 * takes as long as all the rest of a host's end, and nobody waits for it here.
 */
static void
keep_mounts(pid_t pid)
{
	static int kept = -1;
	char path[40];
	int earlier = kept;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	kept = open(path, O_RDONLY | O_CLOEXEC);
	if (earlier >= 0)
		close(earlier);
}

/* 1: go on; 0: the engine is gone; -1. */
static int
start_one(int channel, struct err *err)
{
	struct start start;
	int got = start_receive(channel, &start, err);

	if (got <= 0)
		return got;
	bool is_init = true;
	pid_t pid = fork_for_parent(CLONE_NEWPID | CLONE_NEWNS);
	if (pid < 0) {
		is_init = false;
		pid = fork_for_parent(0);
	}
	if (pid == 0)
		become_host(&start, is_init);
	pid = pid < 0 ? -errno : pid;
	start_close(&start);
	if (start_reply(channel, pid, err) < 0)
		return -1;
	if (is_init)
		keep_mounts(pid);
	return 1;
}

int
nursery(void)
{
	struct pollfd engine = { .fd = CHANNEL_FD };
	struct err err;
	int channel, got;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    (poll(&engine, 1, 0) == 1 && engine.revents & POLLHUP) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || chdir("/") < 0 ||
	    (channel = move_channel()) < 0)
		return 71;
	prepare();
	do
		got = start_one(channel, &err);
	while (got > 0);
	if (got < 0)
		log_err(&err);
	return got < 0 ? 71 : 0;
}
