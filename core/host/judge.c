/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All policies of a gate. Each speaks on a channel of its own, so that none
 * can answer for another, and what it says is checked before it is passed on.
 */
#include "base/base.h"
#include "host/judge.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sdk/private.h"
#include "wire/event.h"
#include "wire/request.h"
#include "wire/tree.h"

#define TICK_MS 20    /* where there are no pidfds */
#define MARGIN_MS 100 /* for us, to say that a policy took too long */

struct trial {
	struct host *host;
	size_t index;
	int channel;
	json_t *verdict; /* the first valid one; owned */
	bool is_over_time, is_garbage;
	int status; /* of waitpid */
};

/* ---- the policy's process ---------------------------------------------- */

static int
send_error(const struct trial *trial, const char *reason, struct err *err)
{
	AUTO(json_ref)
	json_t *event =
		json_pack("{s:s, s:I, s:s, s:s, s:o}", "e", "verdict", "module",
			  (json_int_t)trial->index, "policy",
			  trial->host->modules[trial->index].path, "verdict", "error",
			  "reason", json_string_lossy(reason, strlen(reason)));

	return event_send(EVENT_FD, trial->host->scratch_fd, event, err);
}

static int
load_policy(struct module *module, struct err *err)
{
	if (module_load(module, err) < 0)
		return -1;
	if (!module->is_policy)
		return err_set(err, "plugin.abi", "'%s' is a step, not a policy",
			       module->path);
	return 0;
}

static _Noreturn void
become_policy(struct trial *trial, int channel, pid_t parent)
{
	struct host *host = trial->host;
	struct module *module = &host->modules[trial->index];
	struct fettle_ctx *ctx;
	struct err err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(channel, EVENT_FD) < 0)
		_exit(1);
	close(channel);
	if (load_policy(module, &err) < 0)
		_exit(send_error(trial, err.text, &err) < 0);

	struct fettle__call call = {
		.callback = IN_JUDGE,
		.name = module->policy.name,
		.params = module->params,
		.param_count = module->param_count,
		.request = host->request,
		.index = trial->index,
		.event_fd = EVENT_FD,
		.scratch_fd = host->scratch_fd,
		.in_own_namespace = host->jail.has_namespace,
	};

	ctx = fettle__begin(&call);
	fettle__end(ctx, module->policy.judge(ctx));
	_exit(0);
}

/* ---- the other side ---------------------------------------------------- */

static int
pass_on(struct trial *trial, json_t *event, struct err *err)
{
	const char *kind = json_text(event, "e");

	if (str_eq(kind, "note") || str_eq(kind, "progress"))
		return event_send(EVENT_FD, trial->host->scratch_fd, event, err);
	if (!str_eq(kind, "verdict") || trial->verdict ||
	    json_int_or(event, "module", -1) != (json_int_t)trial->index)
		trial->is_garbage = true;
	else
		trial->verdict = json_incref(event);
	return 0;
}

/* Takes what is there. 0, or -1 when our own channel is gone. */
static int
receive(struct trial *trial, struct err *err)
{
	for (;;) {
		AUTO(json_ref) json_t *event = NULL;
		struct err garbage;
		int got = event_receive(trial->channel, trial->host->scratch_fd, &event,
					&garbage);

		if (got == 0)
			return 0;
		if (got < 0) {
			if (!str_eq(garbage.code, "event.closed"))
				trial->is_garbage = true;
			close(STEAL_FD(trial->channel));
			return 0;
		}
		if (pass_on(trial, event, err) < 0)
			return -1;
	}
}

static int
time_left(const struct trial *trial)
{
	int64_t deadline = json_int_or(trial->host->request, "deadline_ms", 0);
	int64_t left = deadline - MARGIN_MS - clock_boot_ms();

	if (deadline == 0)
		return -1;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

static int
wait_policy(struct trial *trial, pid_t pid, int pidfd, struct err *err)
{
	struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN } };

	while (!tree_has_ended(pid)) {
		int left = time_left(trial);
		int ready;

		if (left == 0) {
			trial->is_over_time = true;
			break;
		}
		if (pidfd < 0 && (left < 0 || left > TICK_MS))
			left = TICK_MS;
		fds[1] = (struct pollfd){ .fd = trial->channel, .events = POLLIN };
		ready = poll(fds, 2, left);
		if (ready < 0 && errno != EINTR)
			return err_errno(err, "host.poll", "wait for a policy");
		if (ready > 0 && fds[1].revents && receive(trial, err) < 0)
			return -1;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &trial->status, 0) < 0 && errno == EINTR)
		;
	return trial->channel >= 0 ? receive(trial, err) : 0;
}

/* Why there is no verdict of its own, or NULL when there is. */
static char *
complaint(const struct trial *trial)
{
	const char *path = trial->host->modules[trial->index].path;

	if (trial->is_over_time)
		return x_asprintf("policy '%s' did not answer in time", path);
	if (trial->is_garbage)
		return x_asprintf("policy '%s' sent something that is no verdict",
				  path);
	if (trial->verdict)
		return NULL;
	if (WIFSIGNALED(trial->status))
		return x_asprintf("policy '%s' crashed: %s", path,
				  strsignal(WTERMSIG(trial->status)));
	return x_asprintf("policy '%s' ended without a verdict", path);
}

static int
send_verdict(const struct trial *trial, struct err *err)
{
	AUTO_FREE char *reason = complaint(trial);

	if (reason)
		return send_error(trial, reason, err);
	return event_send(EVENT_FD, trial->host->scratch_fd, trial->verdict, err);
}

static int
judge_one(struct trial *trial, struct err *err)
{
	AUTO_CLOSE int pidfd = -1;
	pid_t pid, parent = getpid();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, "host.fork", "make a channel for a policy");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become_policy(trial, ends[1], parent);
	}
	close(ends[1]);
	trial->channel = ends[0];
	if (pid < 0)
		return err_errno(err, "host.fork", "start a policy");
	pidfd = pidfd_open(pid, 0);
	if (wait_policy(trial, pid, pidfd, err) < 0)
		return -1;
	return send_verdict(trial, err);
}

int
judge_all(struct host *host, struct err *err)
{
	for (size_t i = 0; i < host->module_count; i++) {
		struct trial trial = { .host = host, .index = i, .channel = -1 };
		int result = judge_one(&trial, err);

		json_decref(trial.verdict);
		auto_close(&trial.channel);
		if (result < 0)
			return -1;
	}
	return 0;
}
