/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs one test for `make check`: in a session of its own, without a terminal, and
 * not for ever. A test that hangs is ended and named; the others go on. What a test
 * leaves running comes to us, is reaped, and killed when the test has ended: else it
 * would hold the pipe that its output is read from.
 *
 *	FETTLE_TEST_LIMIT=N	ends it after N seconds (600)
 *	FETTLE_TEST_DEADLINE=N	ends it at this time of day (date +%s), and does not
 *				begin it then any more
 *	FETTLE_TEST_TIMES=FILE	appends how many seconds it took, and how many of a
 *				processor (without what an engine did for it)
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "wire/tree.h"

#define LIMIT_S 600
#define GRACE_MS 20000 /* for what the test does at its end */

static uint64_t
number(const char *name, uint64_t preset)
{
	const char *text = getenv(name);
	uint64_t n;

	if (!text || !*text)
		return preset;
	if (num_u64(text, &n) < 0) {
		printf("Bail out! %s is '%s', which is no number\n", name, text);
		exit(99);
	}
	return n;
}

/* How long the test may take. */
static int64_t
limit_ms(void)
{
	int64_t limit = (int64_t)number("FETTLE_TEST_LIMIT", LIMIT_S) * 1000;
	int64_t end = (int64_t)number("FETTLE_TEST_DEADLINE", 0) * 1000;
	int64_t left = end - clock_wall_ms();

	return end == 0 || left > limit ? limit : left;
}

static pid_t
start(char *const argv[], const sigset_t *mask)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO)
		(void)execvp(argv[0], argv);
	printf("Bail out! %s cannot be run: %s\n", argv[0], strerror(errno));
	(void)fflush(stdout);
	_exit(99);
}

/* Reaps who has ended; true when the test is among them. */
static bool
reap(pid_t test, int *ret_status)
{
	bool has_ended = false;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != test)
			continue;
		*ret_status = status;
		has_ended = true;
	}
	return has_ended;
}

/* Waits for the test's end, 0; or for a signal to us, its number; or -1: time is up. */
static int
wait_until(pid_t test, int64_t end_ms, const sigset_t *signals, int *ret_status)
{
	for (;;) {
		int64_t left = end_ms - clock_boot_ms();
		struct timespec rest = { .tv_sec = left / 1000,
					 .tv_nsec = left % 1000 * 1000000 };

		if (reap(test, ret_status))
			return 0;
		if (left <= 0)
			return -1;
		int signal = sigtimedwait(signals, NULL, &rest);
		if (signal > 0 && signal != SIGCHLD)
			return signal;
	}
}

static double
seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* Once all of it has been reaped. */
static void
note_time(const char *test, int64_t took_ms)
{
	const char *path = getenv("FETTLE_TEST_TIMES");
	struct rusage usage = { 0 };

	if (!path || !*path)
		return;
	(void)getrusage(RUSAGE_CHILDREN, &usage);
	AUTO_FREE char *line =
		x_asprintf("%6.1f %6.1f  %s\n", (double)took_ms / 1000,
			   seconds(&usage.ru_utime) + seconds(&usage.ru_stime), test);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		fprintf(stderr, "run-test: write '%s': %s\n", path, strerror(errno));
}

int
main(int argc, char *argv[])
{
	int64_t limit = limit_ms(), begun_ms = clock_boot_ms();
	sigset_t signals, mask;
	int status = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: run-test COMMAND...\n");
		return 2;
	}
	if (limit <= 0) {
		printf("Bail out! not begun: the time for all tests is over\n");
		return 99;
	}
	(void)sigemptyset(&signals);
	for (size_t i = 0; i < 4; i++)
		(void)sigaddset(&signals,
				(const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP }[i]);
	(void)sigprocmask(SIG_BLOCK, &signals, &mask);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid_t pid = start(argv + 1, &mask);
	if (pid < 0) {
		printf("Bail out! fork: %s\n", strerror(errno));
		return 99;
	}
	int why = wait_until(pid, begun_ms + limit, &signals, &status);
	int64_t took_ms = clock_boot_ms() - begun_ms;
	if (why < 0)
		printf("\nBail out! it was ended after %lld s\n",
		       (long long)(took_ms / 1000));
	(void)fflush(stdout);
	if (why != 0) { /* it may clean up first */
		(void)kill(-pid, SIGTERM);
		(void)wait_until(pid, clock_boot_ms() + GRACE_MS, &signals, &status);
	}
	tree_kill(NULL);
	note_time(argv[argc - 1], took_ms);
	if (why != 0)
		return why > 0 ? 128 + why : 99;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
