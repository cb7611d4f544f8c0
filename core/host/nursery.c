/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that hosts are forked from, so that a question does not pay for
 * starting a program. It loads no module, reads no request and keeps nothing of
 * one: what it is, every host is at its beginning.
 *
 *	engine --exec--> nursery
 *	   `- outer host (forked here, but the engine's child)
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
#include "base/sha256.h"
#include "host/supervise.h"
#include "wire/request.h"
#include "wire/start.h"

#define CHANNEL_FD REQUEST_FD
#define FIRST_FREE_FD 16

/* fork(), with the engine as the parent: it waits for the host and kills it. */
static pid_t
fork_for_parent(void)
{
	unsigned long flags = CLONE_PARENT | SIGCHLD;
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
become_host(const struct start *start)
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
	_exit(host_serve());
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
	struct sha256 *hash = sha256_new();
	char hex[SHA256_HEX_SIZE];

	sha256_end(hash, hex);
	json_object_seed(0);
	supervise_reset();
}

/* 1: go on; 0: the engine is gone; -1. */
static int
start_one(int channel, struct err *err)
{
	struct start start;
	int got = start_receive(channel, &start, err);

	if (got <= 0)
		return got;
	pid_t pid = fork_for_parent();
	if (pid == 0)
		become_host(&start);
	pid = pid < 0 ? -errno : pid;
	start_close(&start);
	return start_reply(channel, pid, err) < 0 ? -1 : 1;
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
