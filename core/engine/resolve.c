/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking getent for an address. See resolve.h. */
#include "base/base.h"

#include "engine/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define GETENT "/usr/bin/getent"
#define MAX_ANSWER 4096

/* 0, or -1 when it is no numeric address. */
static int
parse_address(const char *text, uint16_t port, struct sockaddr_storage *ret,
	      socklen_t *ret_len)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char service[8];

	snprintf(service, sizeof service, "%u", (unsigned)port);
	if (getaddrinfo(text, service, &hints, &list) != 0)
		return -1;
	memcpy(ret, list->ai_addr, list->ai_addrlen);
	*ret_len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

/* Its standard output is a pipe, whose other end is *ret_fd. */
static int
start_getent(const char *host, pid_t *ret_pid, int *ret_fd)
{
	char *argv[] = { (char *)GETENT, (char *)"ahosts", (char *)host, NULL };
	char *envp[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr,
				 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int error = posix_spawn(ret_pid, GETENT, &actions, &attr, argv, envp);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (error == 0) {
		*ret_fd = ends[0];
		return 0;
	}
	close(ends[0]);
	errno = error;
	return -1;
}

/* All it says until it ends; false when that took too long. */
static bool
read_answer(int fd, struct str *answer)
{
	int64_t until = clock_boot_ms() + RESOLVE_MS;
	char buffer[512];

	for (;;) {
		struct pollfd readable = { fd, POLLIN, 0 };
		int64_t left = until - clock_boot_ms();
		int ready = poll(&readable, 1, left > 0 ? (int)left : 0);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0 || answer->len > MAX_ANSWER)
			return false;
		ssize_t n = read(fd, buffer, sizeof buffer);
		if (n <= 0)
			return n == 0;
		str_add_n(answer, buffer, (size_t)n);
	}
}

/* Lines of `ADDRESS KIND [NAME]`; the first is the one to be preferred. */
static int
ask(const char *host, struct str *ret_address, struct err *err)
{
	AUTO(str) struct str answer = STR_INIT;
	AUTO_CLOSE int fd = -1;
	pid_t pid = -1;

	if (start_getent(host, &pid, &fd) < 0) {
		err_errno(err, "metrics.unresolved", "start " GETENT);
		return err_remedy(err, "give the address of the host instead");
	}
	bool is_in_time = read_answer(fd, &answer);
	if (!is_in_time)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	str_add_n(ret_address, str_get(&answer), strcspn(str_get(&answer), " \t\n"));
	if (is_in_time && ret_address->len > 0)
		return 0;
	err_set(err, "metrics.unresolved", is_in_time ?
		"host '%s' is not known here" :
		"host '%s' was not found within %d ms", host, RESOLVE_MS);
	return err_remedy(err, "correct the name, or give the host's address");
}

int
resolve(const char *host, uint16_t port, struct sockaddr_storage *ret,
	socklen_t *ret_len, struct err *err)
{
	AUTO(str) struct str address = STR_INIT;

	if (parse_address(host, port, ret, ret_len) == 0)
		return 0;
	if (ask(host, &address, err) < 0)
		return -1;
	if (parse_address(str_get(&address), port, ret, ret_len) == 0)
		return 0;
	return err_set(err, "metrics.unresolved", "host '%s' has no address", host);
}
