/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a program, gathers its output, ends it and what it leaves behind. */
#include "base/base.h"
#include "sdk/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "wire/tree.h"

#define GRACE_MS 2000 /* from TERM to KILL */
#define TICK_MS 20    /* where there are no pidfds */
#define DRAIN_MS 500  /* for the rest of the output, when a pipe stays open */

extern char **environ;

/* ---- start ------------------------------------------------------------- */

/*
 * The child shares our memory and we stand still until it is the program, or says
 * why not: no page of a large module is copied for it.
 */
struct start {
	pid_t parent;
	int out, err; /* the child's ends, -1: inherit */
	sigset_t mask;
	volatile int error; /* the child's errno */
};

static _Noreturn void
fail_child(struct start *start)
{
	start->error = errno;
	_exit(127);
}

/* As exec would do it anyway: a handler would run in the memory of the parent. */
static void
drop_handlers(void)
{
	struct sigaction action, fallback = { .sa_handler = SIG_DFL };

	for (int number = 1; number < NSIG; number++)
		if (sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler != SIG_DFL &&
		    (action.sa_handler != SIG_IGN || number == SIGPIPE))
			(void)sigaction(number, &fallback, NULL);
}

static _Noreturn void
become(const struct program *program, struct start *start)
{
	drop_handlers();
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != start->parent)
		_exit(127);
	if ((start->out >= 0 && dup2(start->out, 1) < 0) ||
	    (start->err >= 0 && dup2(start->err, 2) < 0))
		fail_child(start);
	closefrom(3);
	if (chdir(program->base_directory) < 0 ||
	    (program->directory && chdir(program->directory) < 0))
		fail_child(start);

	sigprocmask(SIG_SETMASK, &start->mask, NULL);
	environ = (char **)(uintptr_t)program->env;
	execvp(program->argv[0], program->argv);
	fail_child(start);
}

static pid_t
fork_into(const struct program *program, struct start *start)
{
	char **const own = environ;
	sigset_t all, blocked;
	pid_t pid;

	/* Let in again by the child when it has no handlers any more. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &blocked);
	pid = vfork();
	if (pid == 0)
		become(program, start);
	environ = own;
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	return pid;
}

static int
open_capture(struct capture *capture, int *ret_child_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	capture->fd = ends[0];
	*ret_child_end = ends[1];
	return 0;
}

/* The child's pid, or -1 with errno: also when it could not become the program. */
static pid_t
spawn(struct program *program, const sigset_t *mask)
{
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int err = -1;
	pid_t pid;

	if (program->captures_out && open_capture(&program->out, &out) < 0)
		return -1;
	if ((program->captures_err || program->tail_bytes) &&
	    open_capture(&program->err, &err) < 0)
		return -1;
	program->err.tail_bytes = program->captures_err ? 0 : program->tail_bytes;

	/* One pipe for both streams keeps their lines in order. */
	struct start start = { getpid(), out, err, *mask, 0 };
	if (out < 0 && program->err.tail_bytes)
		start.out = err;
	pid = fork_into(program, &start);
	if (pid < 0 || start.error == 0)
		return pid;
	waitpid(pid, NULL, 0);
	errno = start.error;
	return -1;
}

/* ---- output ------------------------------------------------------------ */

/* Keeps between one and two times tail_bytes, so that moving them is rare. */
static void
tail_add(struct capture *capture, const char *bytes, size_t n)
{
	struct str *tail = &capture->bytes;

	(void)file_write_all(1, bytes, n); /* A log that is gone stops nothing. */
	str_add_n(tail, bytes, n);
	if (tail->len <= 2 * capture->tail_bytes)
		return;
	memmove(tail->s, tail->s + tail->len - capture->tail_bytes,
		capture->tail_bytes);
	str_truncate(tail, capture->tail_bytes);
}

static void
capture_add(struct capture *capture, const char *bytes, size_t n)
{
	size_t room = CAPTURE_MAX_BYTES - capture->bytes.len;

	if (n > room) {
		capture->is_cut = true;
		n = room;
	}
	str_add_n(&capture->bytes, bytes, n);
}

/* Takes what is there now. */
static void
capture_read(struct capture *capture)
{
	char bytes[65536];
	ssize_t n;

	if (capture->fd < 0)
		return;
	n = read(capture->fd, bytes, sizeof(bytes));
	if (n > 0 && capture->tail_bytes)
		tail_add(capture, bytes, (size_t)n);
	else if (n > 0)
		capture_add(capture, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close(STEAL_FD(capture->fd));
}

/* Never waits for the end of the stream: a descendant may hold the pipe for ever. */
static void
drain(struct program *program)
{
	int64_t end = clock_boot_ms() + DRAIN_MS;

	while (program->out.fd >= 0 || program->err.fd >= 0) {
		struct pollfd fds[] = {
			{ .fd = program->out.fd, .events = POLLIN },
			{ .fd = program->err.fd, .events = POLLIN },
		};
		int64_t left = end - clock_boot_ms();

		if (left <= 0 || (poll(fds, 2, (int)left) < 0 && errno != EINTR))
			break;
		if (fds[0].revents)
			capture_read(&program->out);
		if (fds[1].revents)
			capture_read(&program->err);
	}
}

/* ---- end --------------------------------------------------------------- */

/* When to do the next thing to a program that takes too long. */
struct patience {
	int64_t term_at, kill_at; /* CLOCK_BOOTTIME ms; INT64_MAX: never */
};

static struct timespec
until(int64_t at)
{
	int64_t left = at - clock_boot_ms();

	if (left < 0)
		left = 0;
	return (struct timespec){ .tv_sec = left / 1000,
				  .tv_nsec = left % 1000 * 1000000 };
}

/* Blocked outside of ppoll, it may wait there for us. */
static bool
is_term_pending(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static void
wait_end(struct program *program, pid_t pid, int pidfd, const sigset_t *mask)
{
	struct patience patience = { INT64_MAX, INT64_MAX };
	struct pollfd fds[3] = { { .fd = pidfd, .events = POLLIN } };

	if (program->limit_ms < INT64_MAX / 2)
		patience.term_at = clock_boot_ms() + (int64_t)program->limit_ms;
	while (!tree_has_ended(pid)) {
		int64_t now = clock_boot_ms();

		if (!program->timed_out &&
		    (program->is_cancelled() || now >= patience.term_at)) {
			program->timed_out = true;
			patience = (struct patience){ INT64_MAX, now + GRACE_MS };
			/* Who cancels sends TERM to the whole tree: not twice. */
			if (!program->is_cancelled())
				kill(-pid, SIGTERM);
		}
		if (now >= patience.kill_at) {
			patience.kill_at = INT64_MAX;
			kill(-pid, SIGKILL);
		}

		int64_t next = patience.term_at < patience.kill_at ? patience.term_at :
								     patience.kill_at;
		if (pidfd < 0 && next > now + TICK_MS)
			next = now + TICK_MS;
		struct timespec timeout = until(next);

		fds[1] = (struct pollfd){ .fd = program->out.fd, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = program->err.fd, .events = POLLIN };
		/* TERM is let in here only: it cannot fall between test and wait. */
		if (ppoll(fds, 3, next == INT64_MAX ? NULL : &timeout, mask) < 0)
			continue;
		if (fds[1].revents)
			capture_read(&program->out);
		if (fds[2].revents)
			capture_read(&program->err);
	}
	/* The TERM of a cancel goes to all at once: the program may have died first. */
	if (program->is_cancelled() || is_term_pending())
		program->timed_out = true;
}

/* Kills what the program left behind, and nothing that was there before it. */
static void
sweep(const struct program *program, const struct pids *before)
{
	if (!tree_has_children())
		return;
	if (program->in_own_namespace && before->count == 0) {
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
			;
		return;
	}
	tree_kill(before);
}

static void
take_status(struct program *program, pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	program->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	program->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int
run_masked(struct program *program, const sigset_t *mask, struct err *err)
{
	AUTO(pids) struct pids before = PIDS_INIT;
	AUTO_CLOSE int pidfd = -1;
	pid_t pid;

	/* Without a /proc of our own nothing can be spared. */
	if (tree_has_children())
		(void)tree_children(&before);
	pid = spawn(program, mask);
	if (pid < 0)
		return err_errno(err, "exec.start", "start '%s'", program->argv[0]);
	pidfd = pidfd_open(pid, 0);
	wait_end(program, pid, pidfd, mask);
	/* Before the pid is reaped: until then its group cannot be anybody else's. */
	kill(-pid, SIGKILL);
	take_status(program, pid);
	sweep(program, &before);
	drain(program);
	return 0;
}

int
program_run(struct program *program, struct err *err)
{
	sigset_t term, mask;
	int result;

	program->out.fd = program->err.fd = -1;
	program->status = -1;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &mask);
	result = run_masked(program, &mask, err);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return result;
}

void
program_done(struct program *program)
{
	auto_close(&program->out.fd);
	auto_close(&program->err.fd);
	str_done(&program->out.bytes);
	str_done(&program->err.bytes);
}
