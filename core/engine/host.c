/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting and supervising fettle-host. See host.h.
 *
 *	engine --spawn--> fettle-host (outer) --> namespace init --> module
 *	   ^ log pipe, event channel, pidfd
 */
#include "base/base.h"

#include "engine/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "engine/scratch.h"
#include "wire/event.h"
#include "wire/request.h"

#define TICK_MS 100
#define LOCK_FD 6
#define FIRST_FREE_FD 16 /* sources of the child's descriptors live above */

/* A running host, as the engine sees it. */
struct child {
	const struct host_call *call;
	struct scratch scratch;
	pid_t pid;
	int pid_fd, log_fd, event_fd;
	int64_t deadline_ms, idle_at_ms, kill_at_ms; /* boot time; 0: none */
	bool is_ending;		/* SIGTERM was sent */
	struct host_answer answer;
};

void
host_prepare(void)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
}

void
host_answer_done(struct host_answer *answer)
{
	json_decref(answer->result);
	answer->result = NULL;
}

/* Moves a descriptor out of the way of the child's fixed numbers. */
static int
lift(int fd)
{
	int lifted = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

	close(fd);
	return lifted;
}

/* The host's descriptors 0..6, in this order; -1 leaves a number closed. */
struct wiring {
	int fds[LOCK_FD + 1];
};

static int
spawn_host(struct child *child, const struct wiring *wiring, struct err *err)
{
	AUTO_FREE char *program = path_join(child->call->lib_dir, "fettle-host");
	AUTO_FREE char *attempt = x_asprintf("FETTLE_ATTEMPT=%s", child->call->attempt);
	char *argv[] = { program, NULL };
	char *envp[] = { (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/"
				 "bin:/sbin:/bin",
			 (char *)"LANG=C.UTF-8", attempt, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i <= LOCK_FD; i++)
		if (wiring->fds[i] >= 0)
			posix_spawn_file_actions_adddup2(&actions, wiring->fds[i], i);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	/* A session of its own: the terminal's Ctrl-C is ours alone. */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						POSIX_SPAWN_SETSID);
	int error = posix_spawn(&child->pid, program, &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		errno = error;
		err_errno(err, "spawn_failed", "start '%s'", program);
		return err_remedy(err, "check the installation with `fettle doctor`");
	}
	return 0;
}

/* The request as sent: the caller's, and what only this call knows. */
static json_t *
complete_request(const struct child *child)
{
	json_t *request = json_copy(child->call->request);

	json_object_set_new(request, "fettle", json_integer(1));
	json_object_set_new(request, "call", json_string(child->call->call));
	json_object_set_new(request, "scratch", json_string(child->scratch.path));
	json_object_set_new(request, "deadline_ms", json_integer(child->deadline_ms));
	return request;
}

static int
child_start(struct child *child, struct err *err)
{
	const struct host_call *call = child->call;
	AUTO(json_ref) json_t *request = complete_request(child);
	AUTO_CLOSE int request_fd = -1;
	AUTO_CLOSE int secret_fd = -1;
	AUTO_CLOSE int null_fd = -1;
	AUTO_CLOSE int log_end = -1;
	AUTO_CLOSE int event_end = -1;
	int pipe_fds[2], pair[2];

	if ((request_fd = request_seal("request", request, err)) < 0)
		return -1;
	request_fd = lift(request_fd);
	if (call->secrets) {
		if ((secret_fd = request_seal("secrets", call->secrets, err)) < 0)
			return -1;
		secret_fd = lift(secret_fd);
	}
	if ((null_fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return err_errno(err, "spawn_failed", "open '/dev/null'");
	null_fd = lift(null_fd);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, "spawn_failed", "make the log pipe");
	child->log_fd = pipe_fds[0];
	log_end = lift(pipe_fds[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "spawn_failed", "make the event channel");
	child->event_fd = pair[0];
	event_end = lift(pair[1]);
	(void)fcntl(child->log_fd, F_SETFL, O_NONBLOCK);

	struct wiring wiring = { { null_fd, log_end, log_end, request_fd, event_end,
				   secret_fd >= 0 ? secret_fd : null_fd, -1 } };
	AUTO_CLOSE int lock_end = -1;
	if (call->lock_fd >= 0) {
		lock_end = fcntl(call->lock_fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
		wiring.fds[LOCK_FD] = lock_end;
	}
	if (spawn_host(child, &wiring, err) < 0)
		return -1;
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return 0;
}

static void
child_signal(struct child *child, int signal)
{
	if (child->pid > 0)
		(void)kill(child->pid, signal);
}

/* Asks the tree to end; the first reason given is the one that counts. */
static void
child_end(struct child *child, enum host_end why)
{
	if (child->is_ending)
		return;
	child->is_ending = true;
	child->answer.end = why;
	child->kill_at_ms = clock_boot_ms() + HOST_GRACE_MS;
	child_signal(child, SIGTERM);
}

static void
child_read_log(struct child *child)
{
	char buffer[16384];

	for (int i = 0; i < 64; i++) {
		ssize_t n = read(child->log_fd, buffer, sizeof buffer);

		if (n <= 0)
			return;
		child->idle_at_ms = clock_boot_ms() + (int64_t)child->call->idle_ms;
		if (child->call->log)
			child->call->log(child->call->self, buffer, (size_t)n);
	}
}

static void
child_refuse(struct child *child, const struct err *err)
{
	child->answer.err = *err;
	child_end(child, HOST_REFUSED);
}

/* false when the channel is at its end. */
static bool
child_read_events(struct child *child)
{
	const struct host_call *call = child->call;
	struct err err = { 0 };

	for (;;) {
		AUTO(json_ref) json_t *event = NULL;
		int got =
			event_receive(child->event_fd, child->scratch.fd, &event, &err);

		if (got == 0)
			return true;
		if (got < 0) {
			if (!str_eq(err.code, "event.closed"))
				child_refuse(child, &err);
			return false;
		}
		child->idle_at_ms = clock_boot_ms() + (int64_t)call->idle_ms;
		if (str_eq(json_text(event, "e"), "result")) {
			if (child->answer.result) {
				err_set(&err, "event.garbage",
					"module sent a second result");
				child_refuse(child, &err);
				return false;
			}
			child->answer.result = json_incref(event);
		} else if (child->answer.result) {
			err_set(&err, "event.garbage",
				"module sent an event after its result");
			child_refuse(child, &err);
			return false;
		} else if (call->event && call->event(call->self, event,
						      child->scratch.fd, &err) < 0) {
			child_refuse(child, &err);
			return false;
		}
	}
}

static void
child_keep_time(struct child *child)
{
	int64_t now = clock_boot_ms();

	if (child->is_ending) {
		if (now >= child->kill_at_ms)
			child_signal(child, SIGKILL);
	} else if (child->deadline_ms && now >= child->deadline_ms)
		child_end(child, HOST_TIMED_OUT);
	else if (child->call->idle_ms && now >= child->idle_at_ms)
		child_end(child, HOST_IDLE);
}

/* Where there are no pidfds (an old kernel, a strict container): asked each tick. */
static bool
child_has_ended(const struct child *child)
{
	siginfo_t info = { 0 };

	return child->pid_fd < 0 &&
	       waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid == child->pid;
}

/* Until the host has ended. */
static void
child_supervise(struct child *child)
{
	struct pollfd polls[] = {
		{ child->pid_fd, POLLIN, 0 },
		{ child->event_fd, POLLIN, 0 },
		{ child->log_fd, POLLIN, 0 },
		{ child->call->cancel_fd, POLLIN, 0 },
	};
	int64_t tick_at = clock_boot_ms() + TICK_MS;

	for (;;) {
		int64_t wait = tick_at - clock_boot_ms();
		int ready = poll(polls, ARRAY_LEN(polls), wait > 0 ? (int)wait : 0);

		if (ready > 0 && polls[2].revents) {
			child_read_log(child);
			if (polls[2].revents & (POLLHUP | POLLERR) &&
			    !(polls[2].revents & POLLIN))
				polls[2].fd = -1;
		}
		if (ready > 0 && polls[1].revents && !child_read_events(child))
			polls[1].fd = -1;
		if (ready > 0 && polls[3].revents) {
			child_end(child, HOST_CANCELLED);
			polls[3].fd = -1;
		}
		if ((ready > 0 && polls[0].revents) || child_has_ended(child))
			return;
		if (clock_boot_ms() >= tick_at) {
			tick_at = clock_boot_ms() + TICK_MS;
			if (child->call->tick)
				child->call->tick(child->call->self);
		}
		child_keep_time(child);
	}
}

/* Reaps the host and whatever of its tree came to us as the subreaper. */
static void
child_reap(struct child *child)
{
	while (waitpid(child->pid, &child->answer.status, 0) < 0 && errno == EINTR)
		;
	/* The kernel names only children here; we have no others. */
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0)
			return; /* ECHILD: nobody is left */
		if (info.si_pid != 0)
			continue;
		char path[64];
		snprintf(path, sizeof path, "/proc/self/task/%d/children",
			 (int)getpid());
		AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
		char list[4096] = "";
		ssize_t n = fd >= 0 ? read(fd, list, sizeof list - 1) : -1;
		for (char *p = list; n > 0 && *p;) {
			char *end;
			long pid = strtol(p, &end, 10);

			if (end == p)
				break;
			(void)kill((pid_t)pid, SIGKILL);
			p = end;
		}
		if (waitpid(-1, NULL, n > 0 ? 0 : WNOHANG) <= 0)
			return;
	}
}

static void
child_done(struct child *child)
{
	auto_close(&child->pid_fd);
	auto_close(&child->log_fd);
	auto_close(&child->event_fd);
	scratch_done(&child->scratch);
	host_answer_done(&child->answer);
}

static void
settle(struct child *child)
{
	/* What was written before the end is still in the pipe and the channel. */
	child_read_log(child);
	(void)child_read_events(child);
	if (child->is_ending) {
		host_answer_done(&child->answer);
		return;
	}
	child->answer.end = child->answer.result ? HOST_ANSWERED : HOST_CRASHED;
}

int
host_ask(const struct host_call *call, struct host_answer *ret, struct err *err)
{
	__attribute__((
		cleanup(child_done))) struct child child = { .call = call,
							     .scratch = SCRATCH_INIT,
							     .pid_fd = -1,
							     .log_fd = -1,
							     .event_fd = -1 };
	int64_t now = clock_boot_ms();
	AUTO_FREE char *run = x_strndup(call->attempt, strcspn(call->attempt, "/"));

	if (scratch_init(&child.scratch, call->state_dir, run, err) < 0)
		return -1;
	child.deadline_ms = call->timeout_ms ? now + (int64_t)call->timeout_ms : 0;
	child.idle_at_ms = now + (int64_t)call->idle_ms;
	if (child_start(&child, err) < 0)
		return -1;
	child_supervise(&child);
	child_reap(&child);
	settle(&child);
	*ret = child.answer;
	child.answer.result = NULL;
	return 0;
}
