/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting and supervising fettle-host. See host.h.
 *
 *	engine <--> nursery
 *	   `- fettle-host (outer) --> namespace init --> module
 *	   ^ log pipe, event channel, pidfd
 */
#include "base/base.h"

#include "engine/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/nursery.h"
#include "engine/scratch.h"
#include "wire/event.h"
#include "wire/request.h"
#include "wire/tree.h"

#define TICK_MS 100
#define EVENTS_AT_ONCE 256
#define REFUSED_GRACE_MS 1000 /* nothing it could still say would count */

/* A running host, as the engine sees it. */
struct child {
	const struct host_call *call; /* NULL while nobody asks */
	struct scratch scratch;
	pid_t pid;
	int pid_fd, log_fd, event_fd;
	int64_t deadline_ms, idle_at_ms, kill_at_ms; /* boot time; 0: none */
	bool is_ending;		/* SIGTERM was sent */
	struct host_answer answer;
};
#define CHILD_INIT                                                                     \
	{ .scratch = SCRATCH_INIT, .pid_fd = -1, .log_fd = -1, .event_fd = -1 }

struct host_ahead {
	struct nursery *nursery;
	struct child child;
};

void
host_prepare(struct engine *engine)
{
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	if (!engine->nursery)
		engine->nursery = nursery_new(engine->lib_dir);
}

void
engine_warm(struct engine *engine)
{
	host_prepare(engine);
	nursery_warm(engine->nursery);
}

void
engine_done(struct engine *engine)
{
	nursery_free(engine->nursery);
	engine->nursery = NULL;
}

void
host_answer_done(struct host_answer *answer)
{
	json_decref(answer->result);
	answer->result = NULL;
}

/* The request as sent: the caller's, and what only this call knows. */
static json_t *
complete_request(const struct child *child, bool is_ahead)
{
	json_t *request = json_copy(child->call->request);

	json_object_set_new(request, "fettle", json_integer(1));
	json_object_set_new(request, "call", json_string(child->call->call));
	json_object_set_new(request, "scratch", json_string(child->scratch.path));
	json_object_set_new(request, "deadline_ms", json_integer(child->deadline_ms));
	if (is_ahead)
		json_object_set_new(request, "waits", json_true());
	return request;
}

static int
child_start(struct child *child, bool is_ahead, struct err *err)
{
	const struct host_call *call = child->call;
	AUTO(json_ref) json_t *request = complete_request(child, is_ahead);
	AUTO_CLOSE int request_fd = request_seal("request", request, err);
	AUTO_CLOSE int secret_fd = -1;
	AUTO_CLOSE int log_end = -1;
	AUTO_CLOSE int event_end = -1;
	struct start start;
	int ends[2];

	if (request_fd < 0)
		return -1;
	if (call->secrets &&
	    (secret_fd = request_seal("secrets", call->secrets, err)) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "spawn_failed", "make the log pipe");
	child->log_fd = ends[0];
	log_end = ends[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, "spawn_failed", "make the event channel");
	child->event_fd = ends[0];
	event_end = ends[1];
	(void)fcntl(child->log_fd, F_SETFL, O_NONBLOCK);

	start = (struct start){ .fds = { [START_LOG] = log_end,
					 [START_REQUEST] = request_fd,
					 [START_EVENTS] = event_end,
					 [START_SECRETS] = secret_fd,
					 [START_LOCK] = call->lock_fd } };
	snprintf(start.attempt, sizeof start.attempt, "%s", call->attempt);
	return nursery_send(call->nursery, &start, err);
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
	child->kill_at_ms = clock_boot_ms() + REFUSED_GRACE_MS;
}

/*
 * false when the channel is at its end. Not more than some at a time: a module that
 * sends faster than we read must not keep us from looking at the clock.
 */
static bool
child_read_events(struct child *child)
{
	const struct host_call *call = child->call;
	struct err err = { 0 };

	for (int i = 0; i < EVENTS_AT_ONCE; i++) {
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
	return true;
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
			if (child->call->tick && !child->call->tick(child->call->self))
				child_end(child, HOST_CANCELLED);
		}
		child_keep_time(child);
	}
}

/* Kills and reaps what of its tree came to us as the subreaper. */
static void
reap_strays(const struct nursery *nursery)
{
	bool has_strays;

	do {
		AUTO(pids) struct pids children = PIDS_INIT;

		has_strays = false;
		if (tree_children(&children) < 0)
			return;
		for (size_t i = 0; i < children.count; i++) {
			if (children.v[i] == nursery_pid(nursery))
				continue;
			has_strays = true;
			(void)kill(children.v[i], SIGKILL);
			(void)waitpid(children.v[i], NULL, 0);
		}
	} while (has_strays);
}

static void
child_reap(struct child *child)
{
	while (waitpid(child->pid, &child->answer.status, 0) < 0 && errno == EINTR)
		;
	reap_strays(child->call->nursery);
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

/* The host that was asked for is there, or cannot be. */
static int
child_meet(struct child *child, struct err *err)
{
	child->pid = nursery_receive(child->call->nursery, err);
	if (child->pid < 0) {
		reap_strays(child->call->nursery);
		return -1;
	}
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	return 0;
}

/* A host and its scratch directory. */
static int
child_make(struct child *child, bool is_ahead, struct err *err)
{
	const struct host_call *call = child->call;
	AUTO_FREE char *run = x_strndup(call->attempt, strcspn(call->attempt, "/"));

	if (scratch_init(&child->scratch, call->state_dir, run, err) < 0)
		return -1;
	if (child_start(child, is_ahead, err) == 0)
		return 0;
	reap_strays(call->nursery);
	return -1;
}

static void
child_set_clock(struct child *child)
{
	const struct host_call *call = child->call;
	int64_t now = clock_boot_ms();

	child->deadline_ms = call->timeout_ms ? now + (int64_t)call->timeout_ms : 0;
	child->idle_at_ms = now + (int64_t)call->idle_ms;
}

/* To one that waits. One that has ended meanwhile has said why, or will not. */
static void
child_go(struct child *child)
{
	(void)send(child->event_fd, &child->deadline_ms, sizeof child->deadline_ms,
		   MSG_NOSIGNAL);
}

static bool
is_well(const json_t *result)
{
	const char *name = json_text(result, "result");

	return str_eq(name, "ok") || str_eq(name, "noop");
}

static void
settle(struct child *child)
{
	/* What was written before the end is still in the pipe and the channel. */
	struct pollfd rest = { .fd = child->event_fd, .events = POLLIN };

	child_read_log(child);
	while (poll(&rest, 1, 0) == 1 && rest.revents & POLLIN)
		if (!child_read_events(child))
			break;
	/* A program that is ended at the deadline of its step is that step's timeout.
	 */
	if (!child->is_ending && child->deadline_ms && !is_well(child->answer.result) &&
	    clock_boot_ms() >= child->deadline_ms) {
		child->is_ending = true;
		child->answer.end = HOST_TIMED_OUT;
	}
	if (child->is_ending) {
		host_answer_done(&child->answer);
		return;
	}
	child->answer.end = child->answer.result ? HOST_ANSWERED : HOST_CRASHED;
}

struct host_ahead *
host_begin(const struct host_call *call)
{
	struct host_ahead *ahead = x_malloc(sizeof *ahead);
	struct err ignored;

	*ahead = (struct host_ahead){ .nursery = call->nursery, .child = CHILD_INIT };
	ahead->child.call = call;
	if (child_make(&ahead->child, true, &ignored) < 0) {
		child_done(&ahead->child);
		free(ahead);
		return NULL;
	}
	ahead->child.call = NULL;
	return ahead;
}

void
host_forget(struct host_ahead *ahead)
{
	const struct host_call none = { .nursery = ahead ? ahead->nursery : NULL };
	struct err ignored;

	if (!ahead)
		return;
	ahead->child.call = &none;
	if (child_meet(&ahead->child, &ignored) == 0) {
		child_signal(&ahead->child, SIGKILL);
		child_reap(&ahead->child);
	}
	child_done(&ahead->child);
	free(ahead);
}

int
host_ask(const struct host_call *call, struct host_answer *ret, struct err *err)
{
	__attribute__((cleanup(child_done))) struct child child = CHILD_INIT;
	const bool is_ahead = call->ahead != NULL;

	if (is_ahead) {
		child = call->ahead->child;
		free(call->ahead);
	}
	child.call = call;
	child_set_clock(&child);
	if ((!is_ahead && child_make(&child, false, err) < 0) ||
	    child_meet(&child, err) < 0)
		return -1;
	if (is_ahead)
		child_go(&child);
	if (call->idle)
		call->idle(call->self);
	child_supervise(&child);
	child_reap(&child);
	settle(&child);
	*ret = child.answer;
	child.answer.result = NULL;
	return 0;
}
