/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for one child, passing TERM on, and leaving nothing behind. */
#include "base/base.h"
#include "host/supervise.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "wire/tree.h"

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
reap(pid_t child, int *ret_status)
{
	bool has_ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == child) {
			*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) :
							  128 + WTERMSIG(status);
			has_ended = true;
		}
	return has_ended;
}

int
supervise(pid_t child, enum scope scope)
{
	sigset_t set = supervised();
	int status = 0;

	do
		if (sigwaitinfo(&set, NULL) == SIGTERM)
			pass_on_term(child, scope);
	while (!reap(child, &status));
	kill_rest(scope);
	return status;
}
