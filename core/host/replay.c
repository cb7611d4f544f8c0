/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle-host --replay FILE`: a kept request once more, for finding out why a
 * module did what it did. Only calls that change nothing; no secrets, no
 * deadline, a scratch directory of its own. Events go to standard output, one
 * JSON line each; the module's output goes to standard error.
 */
#include "base/base.h"
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "host/supervise.h"
#include "wire/event.h"
#include "wire/request.h"

static json_t *
load_request(const char *file, const char *scratch, struct err *err)
{
	AUTO_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);
	AUTO(json_ref) json_t *request = NULL;
	const char *call;

	if (fd < 0) {
		err_errno(err, "request.invalid", "open '%s'", file);
		return NULL;
	}
	request = request_read(fd, err);
	if (!request)
		return NULL;
	call = json_text(request, "call");
	if (str_eq(call, "run") || str_eq(call, "observe")) {
		err_set(err, "request.replay",
			"'%s' holds the call '%s', which is not repeated", file, call);
		err_remedy(err,
			   "only describe, check, propose and judge change nothing");
		return NULL;
	}
	json_object_set_new(request, "scratch", json_string(scratch));
	json_object_set_new(request, "deadline_ms", json_integer(0));
	return STEAL(request);
}

/* Gives the process the descriptors that the engine gives it, and no others. */
static void
take_descriptors(int request, int channel)
{
	/* Up first, so that none lies where another shall go. */
	request = fcntl(request, F_DUPFD_CLOEXEC, 16);
	channel = fcntl(channel, F_DUPFD_CLOEXEC, 16);
	if (dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(2, 1) < 0 ||
	    dup2(request, REQUEST_FD) < 0 || dup2(channel, EVENT_FD) < 0)
		_exit(1);
	close(SECRET_FD);
	close(LOCK_FD);
}

/* Prints every event. True when the call ended well. */
static bool
print_events(int channel, int scratch_fd, struct err *err)
{
	struct pollfd pollfd = { .fd = channel, .events = POLLIN };
	bool is_well = false;

	for (;;) {
		AUTO(json_ref) json_t *event = NULL;
		AUTO_FREE char *line = NULL;
		int got = event_receive(channel, scratch_fd, &event, err);

		if (got < 0 && str_eq(err->code, "event.closed"))
			return is_well;
		if (got < 0) {
			log_err(err);
			return false;
		}
		if (got == 0) {
			(void)poll(&pollfd, 1, -1);
			continue;
		}
		line = json_canonical(event);
		puts(line);
		if (str_eq(json_text(event, "e"), "result"))
			is_well = str_eq(json_text(event, "result"), "ok") ||
				  str_eq(json_text(event, "result"), "noop");
	}
}

static int
run_request(const json_t *request, const char *scratch, struct err *err)
{
	AUTO_CLOSE int scratch_fd = path_open_dir(scratch, err);
	AUTO_CLOSE int fd = scratch_fd < 0 ? -1 : request_seal("request", request, err);
	bool is_well;
	int ends[2];
	pid_t pid;

	if (fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, "host.fork", "make a channel");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		take_descriptors(fd, ends[1]);
		supervise_reset();
		_exit(host_serve(false));
	}
	close(ends[1]);
	if (pid < 0)
		return err_errno(err, "host.fork", "start the host");
	is_well = print_events(ends[0], scratch_fd, err);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(ends[0]);
	return is_well ? 0 : 1;
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int
replay(const char *file)
{
	char scratch[] = "/tmp/fettle-replay-XXXXXX";
	AUTO(json_ref) json_t *request = NULL;
	struct err err;
	int status = -1;

	if (!mkdtemp(scratch)) {
		err_errno(&err, "replay.scratch", "create '%s'", scratch);
		log_err(&err);
		return 1;
	}
	request = load_request(file, scratch, &err);
	if (request)
		status = run_request(request, scratch, &err);
	if (status < 0)
		log_err(&err);
	(void)nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return status < 0 ? 1 : status;
}
