/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See summary.h. */
#include "base/base.h"

#include "cli/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include "base/num.h"
#include "base/path.h"
#include "cli/cli.h"
#include "engine/difference.h"

#define EVENTS_AT_ONCE 100

bool
state_is_final(const char *state)
{
	return !str_eq(state, "pending") && !str_eq(state, "running") &&
	       !str_eq(state, "rolling_back") && !str_eq(state, "awaiting_approval");
}

/* The owner is `pid N` or `HOST/N`. */
static bool
owner_is_gone(const char *owner)
{
	const char *mark = strrchr(owner, '/');
	uint64_t pid;

	if (!mark)
		mark = strrchr(owner, ' ');
	if (!mark || num_u64(mark + 1, &pid) != NUM_OK || pid == 0 || pid > INT32_MAX)
		return false;
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/*
 * Asked only after the owner was not found, so that the moment in which this
 * holds the lock disturbs nobody.
 */
static bool
lock_is_free(struct store *store, const char *run)
{
	AUTO_FREE char *path = x_asprintf("%s/runs/%s/lock", store_dir(store), run);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0;
}

bool
run_is_orphan(struct store *store, const json_t *run)
{
	const char *state = json_text(run, "state");

	if (!str_eq(state, "running") && !str_eq(state, "rolling_back"))
		return false;
	return owner_is_gone(json_text(run, "owner")) &&
	       lock_is_free(store, json_text(run, "run"));
}

char *
step_log_name(const char *step, int64_t attempt)
{
	return attempt > 1 ? x_asprintf("%s.%lld.log", step, (long long)attempt) :
			     x_asprintf("%s.log", step);
}

char *
run_file(struct store *store, const char *run, const char *name, size_t max_bytes,
	 size_t *ret_len)
{
	AUTO_FREE char *directory = x_asprintf("%s/runs/%s", store_dir(store), run);
	AUTO_CLOSE int dirfd = -1, fd = -1;
	struct err err;
	char *bytes;

	dirfd = path_open_dir(directory, &err);
	if (dirfd >= 0)
		fd = path_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK, 0, &err);
	if (fd < 0 || file_read_fd(fd, name, max_bytes, &bytes, ret_len, &err) < 0)
		return NULL;
	return bytes;
}

/* A file stands until the last step that changed it is put back. */
static bool
is_standing(const json_t *standing, const json_t *change)
{
	const char *kind = json_text(change, "kind"), *step = json_text(change, "step");
	const json_t *row;
	size_t i;

	json_array_foreach (standing, i, row)
		if (str_eq(json_text(row, "kind"), kind) &&
		    str_eq(json_text(row, "target"), json_text(change, "target")) &&
		    (str_eq(kind, "edit") ||
		     str_eq(json_text_or(row, "step", step), step)))
			return true;
	return false;
}

/* What a rollback has not put back stands, of whatever step of the other run. */
static json_t *
load_standing(struct store *store, const char *run, const json_t *summary,
	      struct err *err)
{
	const char *other = json_text(summary, "rolls_back");
	json_t *rows = store_standing(store, *other ? other : run, err), *row;
	size_t i;

	json_array_foreach (rows, i, row)
		if (*other)
			(void)json_object_del(row, "step");
	return rows;
}

static int
gather_changes(struct store *store, const char *run, json_t *summary, struct err *err)
{
	AUTO(json_ref) json_t *standing = load_standing(store, run, summary, err);
	json_t *changes = difference_changes(store, run, err), *change;
	size_t i;

	(void)json_object_set_new(summary, "changes",
				  changes ? changes : json_array());
	if (!standing || !changes)
		return -1;
	json_array_foreach (changes, i, change)
		(void)json_object_set_new(
			change, "standing",
			json_boolean(is_standing(standing, change)));
	return 0;
}

/*
 * How well the service was before and is after, as modules told: the state
 * recorded with an effect, and output `level` of the last step that has one.
 */
static int
gather_level(struct store *store, const char *run, json_t *summary, struct err *err)
{
	AUTO_FREE char *before = NULL;
	const char *after = "";
	json_t *step, *effect;
	size_t i, j;

	json_array_foreach (json_object_get(summary, "steps"), i, step) {
		const char *level =
			json_text(json_object_get(step, "outputs"), "level");
		AUTO(json_ref) json_t *row = NULL;

		row = store_proposal(store, run, json_text(step, "step"), err);
		if (!row)
			return -1;
		if (*level)
			after = level;
		json_array_foreach (
			json_object_get(json_object_get(row, "proposal"), "effects"), j,
			effect) {
			level = json_text(json_object_get(effect, "before"), "level");
			if (!before && *level)
				before = x_strdup(level);
		}
	}
	(void)json_object_set_new(
		summary, "level",
		before ? json_pack("{s:s, s:s}", "before", before, "after", after) :
			 json_null());
	return 0;
}

/* Each step has its attempts in "attempts": how each began, and how it ended. */
static void
add_attempt(json_t *steps, const json_t *event)
{
	static const char *const told[] = { "state", "result", "why", "message",
					    "remedy", "duration_ms", "code" };
	bool is_begin = str_eq(json_text(event, "kind"), "step.intent");
	const json_t *body = json_object_get(event, "body");
	json_t *step = json_find(steps, "step", json_text(body, "step"));
	json_t *attempts = json_object_get(step, "attempts"), *attempt;
	json_t *number = json_object_get(body, "attempt"), *value;

	if (!step)
		return;
	if (!attempts) {
		attempts = json_array();
		(void)json_object_set_new(step, "attempts", attempts);
	}
	attempt = json_array_get(attempts, json_array_size(attempts) - 1);
	if (!attempt || !json_equal(json_object_get(attempt, "attempt"), number)) {
		attempt = json_pack("{s:O, s:s}", "attempt", number, "state",
				    "in_progress");
		(void)json_array_append_new(attempts, attempt);
	}
	(void)json_object_set(attempt, is_begin ? "started_ms" : "ended_ms",
			      json_object_get(event, "time_ms"));
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (!is_begin && (value = json_object_get(body, told[i])))
			(void)json_object_set(attempt, told[i], value);
}

/* Findings, warnings, missing artifacts and attempts are told by events only. */
static int
gather_events(struct store *store, const char *run, json_t *summary, struct err *err)
{
	json_t *findings = json_array(), *warnings = json_array(),
	       *missing = json_array();
	int64_t after = 0;
	size_t count;

	(void)json_object_set_new(summary, "findings", findings);
	(void)json_object_set_new(summary, "warnings", warnings);
	(void)json_object_set_new(summary, "missing", missing);
	do {
		AUTO(json_ref) json_t *events = NULL;
		json_t *event;
		size_t i;

		events = store_events_of(store, run,
					 "|step.finding|step.note|step.intent|"
					 "step.ended|artifact.missing|",
					 after, EVENTS_AT_ONCE, err);
		if (!events)
			return -1;
		count = json_array_size(events);
		json_array_foreach (events, i, event) {
			const char *kind = json_text(event, "kind");
			json_t *body = json_object_get(event, "body");

			after = json_int_or(event, "seq", after);
			if (str_eq(kind, "step.finding"))
				(void)json_array_append(findings, body);
			else if (str_eq(kind, "artifact.missing"))
				(void)json_array_append(missing, body);
			else if (str_eq(kind, "step.note") &&
				 str_eq(json_text(body, "level"), "warn"))
				(void)json_array_append(warnings, body);
			else if (!str_eq(kind, "step.note"))
				add_attempt(json_object_get(summary, "steps"), event);
		}
	} while (count == EVENTS_AT_ONCE);
	return 0;
}

/* What the engine says; for a run that is not at its end, the first failed step. */
static json_t *
find_cause(const json_t *summary)
{
	json_t *said = json_object_get(json_object_get(summary, "detail"), "cause"),
	       *step;
	size_t i;

	if (json_is_object(said))
		return json_incref(said);
	/* What failed there was forgiven. */
	if (str_eq(json_text(summary, "state"), "succeeded"))
		return json_null();
	json_array_foreach (json_object_get(summary, "steps"), i, step) {
		const char *state = json_text(step, "state");

		if (str_eq(state, "failed") || str_eq(state, "interrupted") ||
		    str_eq(state, "cancelled"))
			return json_pack("{s:s, s:s, s:s, s:s}", "step",
					 json_text(step, "step"), "code",
					 json_text(step, "code"), "message",
					 json_text(step, "message"), "remedy",
					 json_text(step, "remedy"));
	}
	if (!*json_text(summary, "message"))
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s}", "step", "", "code",
			 json_text(summary, "code"), "message",
			 json_text(summary, "message"), "remedy",
			 json_text(summary, "remedy"));
}

static json_t *
find_rollback(const json_t *summary)
{
	json_t *said = json_object_get(json_object_get(summary, "detail"), "rollback");

	return json_is_object(said) ? json_incref(said) : json_null();
}

/* The diagnosis the engine chose; else that of an analysis; else the surest finding. */
static const char *
find_diagnosis(const json_t *summary)
{
	const char *best = json_text(json_object_get(summary, "detail"), "diagnosis");
	int64_t confidence = -1;
	json_t *item;
	size_t i;

	if (*best)
		return best;
	json_array_foreach (json_object_get(summary, "steps"), i, item) {
		const char *text =
			json_text(json_object_get(item, "outputs"), "diagnosis");

		if (*text)
			return text;
	}
	json_array_foreach (json_object_get(summary, "findings"), i, item) {
		if (json_int_or(item, "confidence", 0) <= confidence)
			continue;
		confidence = json_int_or(item, "confidence", 0);
		best = json_text(item, "title");
	}
	return best;
}

bool
summary_is_rollback(const json_t *summary)
{
	const char *state = json_text(summary, "state");

	if (*json_text(summary, "rolls_back"))
		return str_eq(state, "succeeded");
	return str_eq(state, "rolled_back") &&
	       str_eq(json_text(summary, "code"), "rollback_ordered");
}

static int
find_exit(const json_t *summary)
{
	if (summary_is_rollback(summary))
		return EXIT_DONE;
	return cli_exit_of_state(json_text(summary, "state"));
}

json_t *
summary_new(struct store *store, const char *run, struct err *err)
{
	AUTO(json_ref) json_t *summary = store_run(store, run, err);
	json_t *steps = NULL, *artifacts = NULL;
	int64_t started, ended;

	if (!summary)
		return NULL;
	steps = store_steps(store, run, err);
	if (!steps)
		return NULL;
	(void)json_object_set_new(summary, "steps", steps);
	artifacts = store_artifacts(store, run, err);
	if (!artifacts)
		return NULL;
	(void)json_object_set_new(summary, "artifacts", artifacts);
	if (gather_changes(store, run, summary, err) < 0 ||
	    gather_level(store, run, summary, err) < 0 ||
	    gather_events(store, run, summary, err) < 0)
		return NULL;
	started = json_int_or(summary, "started_ms", 0);
	ended = json_int_or(summary, "ended_ms", 0);
	(void)json_object_set_new(summary, "duration_ms",
				  started && ended ? json_integer(ended - started) :
						     json_null());
	(void)json_object_set_new(summary, "exit", json_integer(find_exit(summary)));
	(void)json_object_set_new(summary, "is_orphan",
				  json_boolean(run_is_orphan(store, summary)));
	(void)json_object_set_new(summary, "cause", find_cause(summary));
	(void)json_object_set_new(summary, "rollback", find_rollback(summary));
	(void)json_object_set_new(summary, "diagnosis",
				  json_string(find_diagnosis(summary)));
	(void)json_object_set_new(summary, "artifacts_dir",
				  json_sprintf("%s/runs/%s", store_dir(store), run));
	return STEAL(summary);
}
