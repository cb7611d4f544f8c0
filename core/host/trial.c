/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One module of several, in a process of its own. See trial.h. */
#include "base/base.h"
#include "host/trial.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/event.h"
#include "wire/request.h"
#include "wire/tree.h"

#define TICK_MS 20    /* where there are no pidfds */
#define MARGIN_MS 100 /* for us, to say that one took too long */

static _Noreturn void
become(struct trial *trial, int channel, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(channel, EVENT_FD) < 0)
		_exit(1);
	close(channel);
	trial->serve(trial);
	_exit(1);
}

static int
take(struct trial *trial, json_t *event, struct err *err)
{
	int result;

	if (str_eq(json_text(event, "e"), trial->answers)) {
		if (trial->answer)
			trial->is_garbage = true;
		else
			trial->answer = json_incref(event);
		return 0;
	}
	result = trial->pass_on(trial, event, err);
	if (result > 0)
		trial->is_garbage = true;
	return result < 0 ? -1 : 0;
}

/* Takes what is there. 0, or -1 when our own channel is gone. */
static int
receive(struct trial *trial, struct err *err)
{
	for (;;) {
		AUTO(json_ref) json_t *event = NULL;
		struct err garbage;
		int got = event_receive(trial->channel, trial->scratch_fd, &event,
					&garbage);

		if (got == 0)
			return 0;
		if (got < 0) {
			if (!str_eq(garbage.code, "event.closed"))
				trial->is_garbage = true;
			close(STEAL_FD(trial->channel));
			return 0;
		}
		if (take(trial, event, err) < 0)
			return -1;
	}
}

static int
time_left(const struct trial *trial)
{
	int64_t left = trial->deadline_ms - MARGIN_MS - clock_boot_ms();

	if (trial->deadline_ms == 0)
		return -1;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* What it left behind has lost its parent, and we are a subreaper. */
static void
sweep(const struct trial *trial)
{
	if (!tree_has_children())
		return;
	if (!trial->host->jail.has_namespace) {
		tree_kill(NULL);
		return;
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static int
wait_end(struct trial *trial, pid_t pid, int pidfd, struct err *err)
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
			return err_errno(err, "host.poll", "wait for a module");
		if (ready > 0 && fds[1].revents && receive(trial, err) < 0)
			return -1;
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &trial->status, 0) < 0 && errno == EINTR)
		;
	sweep(trial);
	return trial->channel >= 0 ? receive(trial, err) : 0;
}

int
trial_run(struct trial *trial, struct err *err)
{
	AUTO_CLOSE int pidfd = -1;
	pid_t pid, parent = getpid();
	int ends[2];

	trial->channel = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, "host.fork", "make a channel for a module");
	fflush(NULL); /* Or the child would write it once more. */
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		become(trial, ends[1], parent);
	}
	close(ends[1]);
	trial->channel = ends[0];
	if (pid < 0)
		return err_errno(err, "host.fork", "start a module");
	pidfd = pidfd_open(pid, 0);
	return wait_end(trial, pid, pidfd, err);
}

void
trial_done(struct trial *trial)
{
	json_decref(trial->answer);
	auto_close(&trial->channel);
}

char *
trial_complaint(const struct trial *trial)
{
	if (trial->is_over_time)
		return x_strdup("did not answer in time");
	if (trial->is_garbage)
		return x_asprintf("sent something that is no %s", trial->answers);
	if (trial->answer)
		return NULL;
	if (WIFSIGNALED(trial->status))
		return x_asprintf("crashed: %s", strsignal(WTERMSIG(trial->status)));
	return x_asprintf("ended without a %s", trial->answers);
}
