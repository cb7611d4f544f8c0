/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks of several steps in one jail: each in a process of its own that
 * loads its module itself, with a scratch directory that nobody has touched.
 */
#include "base/base.h"
#include "host/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "host/call.h"
#include "host/trial.h"
#include "wire/event.h"
#include "wire/request.h"

/* A directory below the host's own, for checks that leave no trace in it. */
struct place {
	char *path;
	int fd;
	unsigned serial;
};

static void
place_done(struct place *place)
{
	auto_close(&place->fd);
	free(place->path);
}

/* A check and what it is told. */
struct check {
	struct trial trial; /* first: its functions get this one */
	const struct place *place;
	json_t *request;
	json_t *secrets; /* borrowed */
};

static void
check_done(struct check *check)
{
	trial_done(&check->trial);
	json_decref(check->request);
}

/* Where somebody has been, nobody goes again. */
static int
place_renew(struct place *place, const char *scratch, struct err *err)
{
	if (place->fd >= 0 && dir_is_untouched(place->fd))
		return 0;
	place_done(place);
	place->path = x_asprintf("%s/%u", scratch, ++place->serial);
	place->fd = mkdir(place->path, 0700) == 0 ? path_open_dir(place->path, err) :
						    err_errno(err, "host.scratch",
							      "make '%s'", place->path);
	return place->fd < 0 ? -1 : 0;
}

static void
serve_check(struct trial *trial)
{
	struct check *check = (struct check *)(void *)trial;
	struct host *host = trial->host;
	struct err err;

	setenv("HOME", check->place->path, 1);
	setenv("TMPDIR", check->place->path, 1);
	close(host->scratch_fd);
	host->scratch_fd = trial->scratch_fd;
	if (!host->jail.workspace[0] && fchdir(host->scratch_fd) < 0)
		_exit(1);
	if (module_load(&host->modules[trial->index], &err) < 0)
		call_end_with_error(host, "host", &err);
	/* Not alone in there: fettle_exec() must not kill all it can see. */
	host->jail.has_namespace = false;
	call_step(host, trial->index, check->request, check->secrets);
}

/* Nobody waits for the rest of what a check says. */
static int
drop(struct trial *trial, const json_t *event, struct err *err)
{
	return 0;
}

/* 1 the step could work; 0 not; -1. */
static int
send_checked(struct trial *trial, struct err *err)
{
	AUTO_FREE char *complaint = trial_complaint(trial);
	AUTO(json_ref)
	json_t *event = complaint ? json_pack("{s:s, s:s, s:s}", "result", "error",
					      "why", "bug", "ended", complaint) :
				    json_copy(trial->answer);
	const char *result = json_text(event, "result");
	bool is_good = str_eq(result, "ok") || str_eq(result, "noop");

	json_object_set_new(event, "e", json_string("checked"));
	json_object_set_new(event, "module", json_integer((json_int_t)trial->index));
	if (event_send(EVENT_FD, trial->host->scratch_fd, event, err) < 0)
		return -1;
	return is_good;
}

static json_t *
request_of(const struct check *check)
{
	const struct trial *trial = &check->trial;
	const json_t *all = trial->host->request;
	const json_t *module =
		json_array_get(json_object_get(all, "modules"), trial->index);
	json_t *request = json_copy((json_t *)(uintptr_t)all);
	const char *step = json_text(module, "step");

	json_object_set_new(request, "scratch", json_string(check->place->path));
	json_object_set_new(request, "deadline_ms", json_integer(trial->deadline_ms));
	json_object_set_new(request, "step", json_string(step));
	json_object_set_new(request, "operation",
			    json_sprintf("%s/%s", json_text(all, "run"), step));
	return request;
}

static int64_t
deadline_of(const struct host *host)
{
	int64_t all = json_int_or(host->request, "deadline_ms", 0);
	int64_t each = json_int_or(host->request, "each_ms", 0);

	if (each == 0)
		return all;
	each += clock_boot_ms();
	return all && all < each ? all : each;
}

/* 1, 0, -1: as send_checked. */
static int
check_one(struct host *host, size_t i, const struct place *place, json_t *secrets,
	  struct err *err)
{
	AUTO(check)
	struct check check = {
		.trial = { .host = host,
			   .index = i,
			   .scratch_fd = place->fd,
			   .deadline_ms = deadline_of(host),
			   .serve = serve_check,
			   .pass_on = drop,
			   .answers = "result",
			   .channel = -1 },
		.place = place,
		.secrets = secrets,
	};

	check.request = request_of(&check);
	if (trial_run(&check.trial, err) < 0)
		return -1;
	return send_checked(&check.trial, err);
}

int
check_all(struct host *host, struct err *err)
{
	AUTO(json_ref) json_t *secrets = request_read_secrets(SECRET_FD, err);
	AUTO(place) struct place place = { .fd = -1 };
	int result = secrets ? 1 : -1;

	close(SECRET_FD);
	for (size_t i = 0; i < host->module_count && result > 0; i++) {
		result = place_renew(&place, host->jail.scratch, err);
		if (result == 0)
			result = check_one(host, i, &place, secrets, err);
	}
	return result < 0 ? -1 : 0;
}
