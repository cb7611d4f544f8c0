/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outer host and init: from the request to the module process. */
#include "base/base.h"
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fettle/plugin.h>

#include "base/path.h"
#include "host/supervise.h"
#include "wire/event.h"
#include "wire/request.h"

void
host_send_error(const struct host *host, const char *why, const struct err *err)
{
	AUTO(json_ref)
	json_t *event = json_pack("{s:s, s:s, s:s, s:s, s:o}", "e", "result", "result",
				  "error", "why", why, "code", err->code, "text",
				  json_string_lossy(err->text, strlen(err->text)));
	struct err ignored;

	if (err->remedy[0])
		json_object_set_new(
			event, "remedy",
			json_string_lossy(err->remedy, strlen(err->remedy)));
	(void)event_send(EVENT_FD, host->scratch_fd, event,
			 &ignored); /* Nobody else to tell. */
}

/*
 * No program gets our descriptors. Those that are absent are filled, so that
 * nothing we open lands where it would be taken for something else.
 */
static void
claim_descriptors(void)
{
	static const char *const names[] = {
		[SECRET_FD] = "no secrets", [LOCK_FD] = "no lock"
	};

	for (int fd = REQUEST_FD; fd <= LOCK_FD; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			(void)memfd_create(names[fd], MFD_CLOEXEC);
}

static bool
is_same_module(const json_t *one, const json_t *other)
{
	return str_eq(json_text(one, "path"), json_text(other, "path")) &&
	       str_eq(json_text(one, "sha256"), json_text(other, "sha256"));
}

/* A file that several entries name is checked once. */
static int
open_module(struct host *host, const json_t *entries, struct err *err)
{
	struct module *module = &host->modules[host->module_count];
	const json_t *entry = json_array_get(entries, host->module_count);

	for (size_t i = 0; i < host->module_count; i++)
		if (is_same_module(entry, json_array_get(entries, i))) {
			*module = host->modules[i];
			return 0;
		}
	return module_open(module, entry, err);
}

static int
open_modules(struct host *host, struct err *err)
{
	const json_t *entries = json_object_get(host->request, "modules");
	size_t count = json_array_size(entries);

	host->modules = x_calloc(count, sizeof(*host->modules));
	for (; host->module_count < count; host->module_count++)
		if (open_module(host, entries, err) < 0)
			return -1;
	return 0;
}

static int
read_request(struct host *host, struct err *err)
{
	const json_t *jail;

	host->request = request_read(REQUEST_FD, err);
	if (!host->request)
		return -1;
	jail = json_object_get(host->request, "jail");
	host->call = json_text(host->request, "call");
	host->jail = (struct jail){
		.workspace = json_text(host->request, "workspace"),
		.scratch = json_text(host->request, "scratch"),
		.may_write_workspace =
			json_int_or(jail, "flags", 0) & FETTLE_WORKSPACE_WRITE,
	};
	return 0;
}

/* ---- the processes below ----------------------------------------------- */

/*
 * Ends this process when its parent has ended, now or later. The pipe's other
 * end is held by the parent alone.
 */
static void
die_with_parent(int parent_pipe)
{
	struct pollfd pollfd = { .fd = parent_pipe };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLHUP))
		_exit(71);
	close(parent_pipe);
}

static _Noreturn void
become_module(struct host *host)
{
	struct err err;

	supervise_release();
	close(REQUEST_FD);
	close(LOCK_FD);
	if (jail_apply(&host->jail, JAIL_MODULE, &err) == 0)
		call_serve(host);
	host_send_error(host, "host", &err);
	_exit(1);
}

/* Its exit status does not say so: a program may end with any by itself. */
static int
tell_signal(const struct host *host, const struct ended *ended)
{
	AUTO(json_ref)
	json_t *event = json_pack("{s:s, s:i}", "e", "killed", "signal", ended->signal);
	struct err ignored;

	if (ended->signal)
		(void)event_send(EVENT_FD, host->scratch_fd, event,
				 &ignored); /* Nobody else to tell. */
	return ended->status;
}

/* PID 1 has the whole namespace below it; without one, a subreaper comes close. */
static int
own_descendants(struct host *host, struct err *err)
{
	if (host->jail.has_namespace)
		return jail_apply(&host->jail, JAIL_INIT, err);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return err_errno(err, "jail.failed", "become a subreaper");
	return 0;
}

static int
supervise_module(struct host *host, struct err *err)
{
	enum scope scope = host->jail.has_namespace ? SCOPE_NAMESPACE : SCOPE_TREE;
	pid_t pid;

	if (own_descendants(host, err) < 0)
		return -1;
	host->jail.supervisor = getpid();
	pid = fork();
	if (pid == 0)
		become_module(host);
	if (pid < 0)
		return err_errno(err, "host.fork", "start the module process");
	struct ended ended = supervise(pid, scope);
	if (!ended.is_crowded)
		return tell_signal(host, &ended);
	err_set(err, "process_limit",
		"the module and what it started were more than %d processes at a time, "
		"and were ended",
		PROCESSES_MAX);
	return err_remedy(err, "see the step's log for what it started");
}

static _Noreturn void
become_init(struct host *host, int parent_pipe)
{
	struct err err;
	int status;

	die_with_parent(parent_pipe);
	status = supervise_module(host, &err);
	if (status < 0)
		host_send_error(host, "host", &err);
	_exit(status < 0 ? 1 : status);
}

static int
supervise_init(struct host *host, struct err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "host.fork", "make a pipe");
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		become_init(host, ends[0]);
	}
	if (pid < 0)
		return err_errno(err, "host.fork", "start PID 1 of the namespace");
	close(ends[0]);
	struct ended ended = supervise(pid, SCOPE_CHILD);
	return tell_signal(host, &ended);
}

static int
serve(struct host *host, bool is_init, const char **ret_why, struct err *err)
{
	const char *minimum;

	*ret_why = "bug";
	if (read_request(host, err) < 0)
		return -1;
	*ret_why = "host";
	host->jail.has_namespace = is_init;
	if (jail_apply(&host->jail, JAIL_OUTER, err) < 0)
		return -1;
	host->scratch_fd = path_open_dir(host->jail.scratch, err);
	if (host->scratch_fd < 0 || open_modules(host, err) < 0 ||
	    jail_apply(&host->jail, JAIL_SPLIT, err) < 0)
		return -1;
	minimum = json_text(json_object_get(host->request, "jail"), "minimum");
	if (jail_check_minimum(&host->jail, minimum, err) < 0)
		return -1;

	supervise_prepare();
	/* A namespace that was made here has its PID 1 in the next child only. */
	if (host->jail.has_namespace && !is_init)
		return supervise_init(host, err);
	return supervise_module(host, err);
}

int
host_serve(bool is_init)
{
	struct host host = { .scratch_fd = -1 };
	const char *why;
	struct err err;
	int status;

	claim_descriptors();
	status = serve(&host, is_init, &why, &err);
	if (status >= 0)
		return status;
	host_send_error(&host, why, &err);
	return 1;
}
