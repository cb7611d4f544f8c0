/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See signals.h. */
#include "base/base.h"

#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A handler can reach nothing but these. */
static int cancel_pipe[2] = { -1, -1 };
static volatile sig_atomic_t cancels, hangups, continues;

static void
on_cancel(int number)
{
	int saved = errno;

	(void)number;
	cancels++;
	/* The pipe is full only when it already says enough. */
	(void)!write(cancel_pipe[1], "", 1);
	errno = saved;
}

static void
on_hangup(int number)
{
	(void)number;
	hangups = 1;
}

static void
on_continue(int number)
{
	(void)number;
	continues++;
}

int
signals_install(int *ret_cancel_fd, struct err *err)
{
	struct sigaction cancel = { .sa_handler = on_cancel, .sa_flags = SA_RESTART };
	struct sigaction hangup = { .sa_handler = on_hangup, .sa_flags = SA_RESTART };
	struct sigaction go_on = { .sa_handler = on_continue, .sa_flags = SA_RESTART };
	struct sigaction given;

	if (pipe2(cancel_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(err, "host.pipe", "make a pipe for signals");
	sigemptyset(&cancel.sa_mask);
	sigemptyset(&hangup.sa_mask);
	sigemptyset(&go_on.sa_mask);
	/* Under nohup nobody hangs up: the output goes to a file. */
	if (sigaction(SIGHUP, NULL, &given) == 0 && given.sa_handler == SIG_IGN)
		hangup.sa_handler = SIG_IGN;
	if (sigaction(SIGINT, &cancel, NULL) < 0 ||
	    sigaction(SIGTERM, &cancel, NULL) < 0 ||
	    sigaction(SIGCONT, &go_on, NULL) < 0 ||
	    sigaction(SIGHUP, &hangup, NULL) < 0)
		return err_errno(err, "host.signal", "install signal handlers");
	*ret_cancel_fd = cancel_pipe[0];
	return 0;
}

int
signals_install_slot(int *ret_cancel_fd, struct err *err)
{
	struct sigaction cancel = { .sa_handler = on_cancel, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t none;

	if (pipe2(cancel_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(err, "host.pipe", "make a pipe for signals");
	sigemptyset(&cancel.sa_mask);
	sigemptyset(&ignore.sa_mask);
	sigemptyset(&none);
	if (sigaction(SIGUSR1, &cancel, NULL) < 0 ||
	    sigaction(SIGINT, &ignore, NULL) < 0 ||
	    sigaction(SIGTERM, &ignore, NULL) < 0 ||
	    sigaction(SIGHUP, &ignore, NULL) < 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return err_errno(err, "host.signal", "install signal handlers");
	*ret_cancel_fd = cancel_pipe[0];
	return 0;
}

unsigned
signals_cancels(void)
{
	return (unsigned)cancels;
}

bool
signals_hung_up(void)
{
	return hangups != 0;
}

unsigned
signals_continues(void)
{
	return (unsigned)continues;
}
