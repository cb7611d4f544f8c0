/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing and registering a run's files. See artifact.h. */
#include "base/base.h"

#include "engine/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sha256.h"
#include "engine/proposal.h"

#define COPY_MAX_BYTES (64u << 20)

static void
note_missing(struct run *run, const char *step, const char *name, const struct err *why)
{
	run_note(run, "artifact.missing",
		 json_pack("{s:s, s:s*, s:s}", "name", name, "step", step, "message",
			   why->text));
}

/* Adds artifact.added for a file that is complete. */
static void
note_added(struct run *run, const char *step, int attempt, const char *name,
	   const char *type)
{
	AUTO_FREE char *path = path_join(run->directory, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char sha256[SHA256_HEX_SIZE];
	uint64_t bytes = 0;
	struct err err = { 0 };

	if (fd < 0)
		err_errno(&err, "artifact", "open '%s'", path);
	if (fd < 0 || sha256_fd(fd, sha256, &bytes, &err) < 0) {
		note_missing(run, step, name, &err);
		return;
	}
	json_t *body =
		json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", name, "type", type,
			  "path", name, "bytes", (json_int_t)bytes, "sha256", sha256);
	if (step) {
		json_object_set_new(body, "step", json_string(step));
		json_object_set_new(body, "attempt", json_integer(attempt));
	}
	run_note(run, "artifact.added", body);
}

void
artifact_store(struct run *run, const char *step, int attempt, const char *name,
	       const char *type, const char *bytes, size_t n)
{
	AUTO(str) struct str masked = STR_INIT;
	struct err err = { 0 };
	AUTO_CLOSE int dirfd = path_open_dir(run->directory, &err);

	mask_bytes(run->mask, bytes, n, &masked);
	if (dirfd < 0 ||
	    file_replace_unsynced(dirfd, name, str_get(&masked), masked.len, 0600,
				  &err) < 0)
		note_missing(run, step, name, &err);
	else
		note_added(run, step, attempt, name, type);
}

void
artifact_plan(struct run *run)
{
	AUTO(json_ref) json_t *plan = STEAL(run->unwritten_plan);
	AUTO_FREE char *text =
		plan ? json_dumps(plan, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;

	if (text)
		artifact_store(run, NULL, 0, "plan.json", "application/json", text,
			       strlen(text));
}

/* `plan.json` and step logs are ours: a module's artifact never takes such a name. */
static bool
is_own_name(const struct run *run, const char *name)
{
	if (str_eq(name, "plan.json") || str_eq(name, "lock"))
		return true;
	for (size_t i = 0; i < run->plan->step_count; i++) {
		const char *id = run->plan->steps[i].id;
		size_t n = strlen(id);

		if (str_starts(name, id) && name[n] == '.')
			return true;
	}
	return false;
}

void
artifact_copy(struct run *run, const char *step, int attempt, const json_t *event,
	      int scratch_fd)
{
	const char *name = json_text(event, "name"), *file = json_text(event, "file");
	AUTO_FREE char *bytes = NULL;
	struct err err = { 0 };
	size_t n;

	if (path_check(name, &err) < 0 || strchr(name, '/') || is_own_name(run, name)) {
		err_set(&err, "artifact", "'%s' is no name for an artifact", name);
		note_missing(run, step, "unnamed", &err);
		return;
	}
	AUTO_CLOSE int fd =
		path_open_beneath(scratch_fd, file, O_RDONLY | O_NONBLOCK, 0, &err);
	if (fd < 0 || file_read_fd(fd, file, COPY_MAX_BYTES, &bytes, &n, &err) < 0)
		note_missing(run, step, name, &err);
	else
		artifact_store(run, step, attempt, name,
			       json_text_or(event, "type", "text/plain"), bytes, n);
}

static char *
log_name(const char *step, int attempt)
{
	return attempt > 1 ? x_asprintf("%s.%d.log", step, attempt) :
			     x_asprintf("%s.log", step);
}

void
step_log_open(struct step_log *log, struct run *run, const char *step, int attempt)
{
	*log = (struct step_log){ .run = run,
				  .step = step,
				  .attempt = attempt,
				  .name = log_name(step, attempt),
				  .fd = -1,
				  .stream = { .mask = run->mask } };
	AUTO_FREE char *path = path_join(run->directory, log->name);
	log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		       0600);
	if (log->fd < 0)
		err_errno(&log->err, "artifact", "open '%s'", path);
}

static void
write_masked(struct step_log *log, const struct str *text)
{
	const struct engine_watch *watch = &log->run->engine->watch;

	if (text->len == 0)
		return;
	if (watch->log)
		watch->log(watch->self, log->step, text->s, text->len);
	if (log->fd < 0)
		return;
	if (log->bytes + text->len > STEP_LOG_MAX_BYTES) {
		log->dropped += text->len;
		return;
	}
	if (file_write_all(log->fd, text->s, text->len) < 0) {
		err_errno(&log->err, "artifact", "write '%s'", log->name);
		close(log->fd);
		log->fd = -1;
		return;
	}
	log->bytes += text->len;
}

void
step_log_write(struct step_log *log, const char *bytes, size_t n)
{
	AUTO(str) struct str masked = STR_INIT;

	mask_feed(&log->stream, bytes, n, &masked);
	write_masked(log, &masked);
}

void
step_log_line(struct step_log *log, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *line = x_vasprintf(fmt, args);
	va_end(args);
	step_log_write(log, line, strlen(line));
	step_log_write(log, "\n", 1);
}

void
step_log_close(struct step_log *log)
{
	AUTO(str) struct str rest = STR_INIT;

	mask_end(&log->stream, &rest);
	write_masked(log, &rest);
	if (log->dropped > 0 && log->fd >= 0) {
		AUTO_FREE char *line = x_asprintf(
			"\n[%llu bytes dropped: the log is at its "
			"limit of %u MiB]\n",
			(unsigned long long)log->dropped, STEP_LOG_MAX_BYTES >> 20);

		(void)file_write_all(log->fd, line, strlen(line));
	}
	if (log->fd >= 0) {
		close(log->fd);
		note_added(log->run, log->step, log->attempt, log->name, "text/plain");
	} else
		note_missing(log->run, log->step, log->name, &log->err);
	free(log->name);
}

static bool
has_artifact(const json_t *artifacts, const char *name, const char *sha256)
{
	const json_t *row = json_find(artifacts, "name", name);

	return row && str_eq(json_text(row, "sha256"), sha256);
}

int
step_log_adopt(struct run *run, const char *step, int attempt, struct err *err)
{
	AUTO_FREE char *name = log_name(step, attempt);
	AUTO_FREE char *path = path_join(run->directory, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	AUTO(json_ref) json_t *artifacts = NULL;
	char sha256[SHA256_HEX_SIZE];
	struct err ignored = { 0 };
	uint64_t bytes;

	if (fd < 0 || sha256_fd(fd, sha256, &bytes, &ignored) < 0)
		return 0;
	artifacts = store_artifacts(run->engine->store, run->claim.run, err);
	if (!artifacts)
		return -1;
	if (!has_artifact(artifacts, name, sha256))
		note_added(run, step, attempt, name, "text/plain");
	return 0;
}

void
artifact_keep_diff(struct run *run, const char *step, int attempt, const json_t *edits)
{
	AUTO(str) struct str diff = STR_INIT;
	AUTO_FREE char *name = attempt > 1 ? x_asprintf("%s.%d.diff", step, attempt) :
					     x_asprintf("%s.diff", step);
	struct err err = { 0 };

	if (json_array_size(edits) == 0)
		return;
	if (edits_diff(run->engine->store, edits, &diff, &err) < 0)
		run_note(run, "artifact.missing",
			 json_pack("{s:s, s:s, s:s}", "name", name, "step", step,
				   "message", err.text));
	else
		artifact_store(run, step, attempt, name, "text/x-diff", str_get(&diff),
			       diff.len);
}
