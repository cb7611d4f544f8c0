/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for one child, passing TERM on, and leaving nothing behind. */
#include "base/base.h"
#include "host/supervise.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "wire/tree.h"

#define TICK_MS 50
#define PID_SEARCHED 65536

/* INT, HUP and QUIT come from a terminal and are the engine's business. */
static sigset_t
supervised(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	return set;
}

void
supervise_prepare(void)
{
	sigset_t set = supervised();

	/* PID 1 of a namespace gets no signal of default action, unless it is blocked.
	 */
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void
supervise_release(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
supervise_reset(void)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL };

	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &fallback, NULL); /* Some cannot be set. */
	supervise_release();
}

static void
pass_on_term(pid_t child, enum scope scope)
{
	switch (scope) {
	case SCOPE_CHILD:
		kill(child, SIGTERM);
		break;
	case SCOPE_NAMESPACE:
		kill(-1, SIGTERM);
		break;
	case SCOPE_TREE:
		tree_signal(SIGTERM);
		break;
	}
}

static void
kill_rest(enum scope scope)
{
	switch (scope) {
	case SCOPE_CHILD:
		break;
	case SCOPE_NAMESPACE:
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
			;
		break;
	case SCOPE_TREE:
		tree_kill(NULL);
		break;
	}
}

/* Reaps all that has ended; true when the child was among them. */
static bool
reap(pid_t child, struct ended *ret)
{
	bool has_ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == child) {
			ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
			ret->status = ret->signal ? 128 + ret->signal :
						    WEXITSTATUS(status);
			has_ended = true;
		}
	return has_ended;
}

/* ---- too many ---------------------------------------------------------- */

/* All threads of the machine, modulo what the kernel counts in: only growth counts. */
static unsigned short
count_machine(void)
{
	struct sysinfo info = { 0 };

	(void)sysinfo(&info);
	return info.procs;
}

/* Are there more than so many here? /proc may show other processes than ours. */
static bool
is_above(int limit)
{
	int count = 0;

	for (pid_t pid = 2; pid < PID_SEARCHED && count <= limit; pid++)
		count += kill(pid, 0) == 0;
	return count > limit;
}

/*
 * Looking at all processes takes long where thousands run: meanwhile the child and
 * what is in its group stands still. (The child is not reaped yet, so the group is
 * still its own.) If they are too many, the group is killed at once.
 */
static bool
is_tree_above(pid_t child, size_t limit)
{
	kill(-child, SIGSTOP);
	bool is_above = tree_is_above(limit);
	kill(-child, is_above ? SIGKILL : SIGCONT);
	return is_above;
}

/*
 * A fork bomb cannot be outrun by looking at it: the machine's count, which costs
 * nothing, says when it is time to count our own.
 */
static bool
is_crowded(pid_t child, enum scope scope, unsigned short *calm)
{
	unsigned short now = count_machine(), growth = (unsigned short)(now - *calm);

	if (scope == SCOPE_CHILD || growth > USHRT_MAX / 2) {
		*calm = now;
		return false;
	}
	if (growth < PROCESSES_MAX / 2)
		return false;
	*calm = now;
	return scope == SCOPE_TREE ? is_tree_above(child, PROCESSES_MAX) :
				     is_above(PROCESSES_MAX);
}

struct ended
supervise(pid_t child, enum scope scope)
{
	static const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	sigset_t set = supervised();
	unsigned short calm = count_machine();
	struct ended ended = { 0 };
	bool is_at_end = false;

	while (!is_at_end && !ended.is_crowded) {
		int got = scope == SCOPE_CHILD ? sigwaitinfo(&set, NULL) :
						 sigtimedwait(&set, NULL, &tick);
		if (got == SIGTERM)
			pass_on_term(child, scope);
		ended.is_crowded = is_crowded(child, scope, &calm);
		is_at_end = reap(child, &ended);
	}
	kill_rest(scope);
	return ended;
}
