/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle logs`: what the steps printed, from the log files of the run's
 * folder. With -f it goes on until the run is over, also for a run that
 * another process carries out: it looks at files and store ten times a second.
 */
#include "base/base.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "cli/report.h"
#include "cli/summary.h"

#define POLL_MS 100
#define CHUNK (64u << 10)
#define LOG_MAX_BYTES (256u << 20)
#define EVENTS_AT_ONCE 500

struct tail {
	char *step, *name;
	int fd; /* -1: not there yet */
	off_t offset;
	struct str rest; /* a line that has not ended yet */
};

struct logs {
	struct cli *cli;
	char run[RUN_ID_SIZE];
	const char *only; /* one step, or NULL */
	struct tail *tails;
	size_t tail_count;
	const char *shown; /* whose header was printed last */
	int64_t after;	   /* the last event seen */
};

static void
logs_done(struct logs *logs)
{
	for (size_t i = 0; i < logs->tail_count; i++) {
		free(logs->tails[i].step);
		free(logs->tails[i].name);
		auto_close(&logs->tails[i].fd);
		str_done(&logs->tails[i].rest);
	}
	free(logs->tails);
}

static void
tail_add(struct logs *logs, const char *step, int64_t attempt)
{
	AUTO_FREE char *name = step_log_name(step, attempt);

	for (size_t i = 0; i < logs->tail_count; i++)
		if (str_eq(logs->tails[i].name, name))
			return;
	logs->tails =
		x_realloc(logs->tails, logs->tail_count + 1, sizeof(*logs->tails));
	logs->tails[logs->tail_count++] =
		(struct tail){ .step = x_strdup(step), .name = STEAL(name), .fd = -1 };
}

/* A tail for each attempt, in the order the steps began. */
static int
add_tails(struct logs *logs, struct err *err)
{
	AUTO(json_ref) json_t *steps = store_steps(logs->cli->store, logs->run, err);
	json_t *step;
	size_t i;

	if (!steps)
		return -1;
	json_array_foreach (steps, i, step)
		for (int64_t attempt = 1; attempt <= json_int_or(step, "attempt", 1);
		     attempt++)
			if (!logs->only || str_eq(logs->only, json_text(step, "step")))
				tail_add(logs, json_text(step, "step"), attempt);
	return 0;
}

static void
tail_open(struct logs *logs, struct tail *tail)
{
	AUTO_FREE char *directory =
		x_asprintf("%s/runs/%s", store_dir(logs->cli->store), logs->run);
	AUTO_CLOSE int dirfd = -1;
	struct err err;

	if (tail->fd >= 0)
		return;
	dirfd = path_open_dir(directory, &err);
	if (dirfd >= 0)
		tail->fd = path_open_beneath(dirfd, tail->name, O_RDONLY | O_NONBLOCK,
					     0, &err);
}

static void
print_bytes(struct logs *logs, struct tail *tail, const char *bytes, size_t n)
{
	AUTO(str) struct str text = STR_INIT;
	AUTO(json_ref) json_t *line = NULL;
	struct out *out = &logs->cli->out;

	if (logs->cli->options.json) {
		line = json_pack("{s:s, s:s, s:s, s:o}", "run", logs->run, "kind",
				 "log", "step", tail->step, "text",
				 json_string_lossy(bytes, n));
		out_json_line(out, line);
		return;
	}
	if ((!logs->only || logs->tail_count > 1) &&
	    (!logs->shown || !str_eq(logs->shown, tail->name))) {
		if (logs->shown)
			str_add_c(&text, '\n');
		out_addf(out, &text, TONE_STRONG, "==> %s <==", tail->name);
		str_add_c(&text, '\n');
		logs->shown = tail->name;
	}
	out_add_safe(out, &text, bytes, n);
	out_write(out, &text);
}

/* Prints what was added to a log; only whole lines until it is the last time. */
static void
tail_read(struct logs *logs, struct tail *tail, bool is_last)
{
	AUTO_FREE char *chunk = x_malloc(CHUNK);
	const char *stop;
	ssize_t n;

	tail_open(logs, tail);
	while (tail->fd >= 0 && (n = pread(tail->fd, chunk, CHUNK, tail->offset)) > 0) {
		tail->offset += n;
		str_add_n(&tail->rest, chunk, (size_t)n);
		stop = memrchr(str_get(&tail->rest), '\n', tail->rest.len);
		if (stop) {
			size_t whole = (size_t)(stop + 1 - tail->rest.s);

			print_bytes(logs, tail, tail->rest.s, whole);
			memmove(tail->rest.s, tail->rest.s + whole,
				tail->rest.len - whole);
			str_truncate(&tail->rest, tail->rest.len - whole);
		}
	}
	if (!is_last || !tail->rest.len)
		return;
	str_add_c(&tail->rest, '\n');
	print_bytes(logs, tail, tail->rest.s, tail->rest.len);
	str_truncate(&tail->rest, 0);
}

static void
read_all(struct logs *logs, bool is_last)
{
	for (size_t i = 0; i < logs->tail_count; i++)
		tail_read(logs, &logs->tails[i], is_last);
}

/* With --json every new event is a line. */
static int
print_events(struct logs *logs, struct err *err)
{
	size_t count;

	do {
		AUTO(json_ref) json_t *events = NULL;
		json_t *event;
		size_t i;

		events = store_events(logs->cli->store, logs->run, logs->after,
				      EVENTS_AT_ONCE, err);
		if (!events)
			return -1;
		count = json_array_size(events);
		json_array_foreach (events, i, event) {
			logs->after = json_int_or(event, "seq", logs->after);
			(void)json_object_set_new(event, "run", json_string(logs->run));
			if (logs->cli->options.json)
				out_json_line(&logs->cli->out, event);
		}
	} while (count == EVENTS_AT_ONCE);
	return 0;
}

static int
print_end(struct logs *logs, struct err *err)
{
	AUTO(json_ref) json_t *summary = summary_new(logs->cli->store, logs->run, err);
	AUTO(json_ref) json_t *line = NULL;
	AUTO(str) struct str text = STR_INIT;

	if (!summary)
		return -1;
	if (logs->cli->options.json) {
		line = json_pack("{s:s, s:s, s:O}", "run", logs->run, "kind", "summary",
				 "body", summary);
		out_json_line(&logs->cli->out, line);
	} else if (!logs->cli->options.quiet) {
		str_add_c(&text, '\n');
		report_end(logs->cli, &text, summary);
		out_write(&logs->cli->out, &text);
	}
	return 0;
}

/* 1 when the run is over, 0 when not, -1 with an error. */
static int
is_over(struct logs *logs, struct err *err)
{
	AUTO(json_ref) json_t *run = store_run(logs->cli->store, logs->run, err);
	const char *state;

	if (!run)
		return -1;
	state = json_text(run, "state");
	if (run_is_orphan(logs->cli->store, run)) {
		(void)err_set(err, "interrupted",
			      "run %s is not at its end, and the process that "
			      "carried it out (%s) is gone",
			      logs->run, json_text(run, "owner"));
		return err_remedy(err, "finish it with `fettle rollback %s`",
				  logs->run);
	}
	return state_is_final(state) || str_eq(state, "awaiting_approval");
}

static int
follow(struct logs *logs, struct err *err)
{
	for (;;) {
		/* Asked before reading: what was written before the end is read. */
		int over = is_over(logs, err);

		if (add_tails(logs, err) < 0 || print_events(logs, err) < 0)
			return -1;
		read_all(logs, over != 0);
		if (over < 0)
			return -1;
		if (over || logs->cli->out.stream.is_broken)
			return over ? print_end(logs, err) : 0;
		(void)poll(NULL, 0, POLL_MS);
	}
}

static void
print_document(struct logs *logs)
{
	AUTO(json_ref) json_t *list = json_array();
	AUTO(json_ref) json_t *document = NULL;

	for (size_t i = 0; i < logs->tail_count; i++) {
		const struct tail *tail = &logs->tails[i];
		size_t len = 0;
		AUTO_FREE char *bytes = run_file(logs->cli->store, logs->run,
						 tail->name, LOG_MAX_BYTES, &len);

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o}", "step", tail->step, "name",
				  tail->name, "text",
				  bytes ? json_string_lossy(bytes, len) : json_null()));
	}
	document = json_pack("{s:s, s:O}", "run", logs->run, "logs", list);
	out_json(&logs->cli->out, document);
}

/* What is no step may still have a log: `project`. */
static int
no_such_step(struct logs *logs, struct err *err)
{
	AUTO_FREE char *name = step_log_name(logs->only, 1);
	AUTO_FREE char *bytes = NULL;
	size_t len;

	bytes = run_file(logs->cli->store, logs->run, name, LOG_MAX_BYTES, &len);
	if (bytes) {
		tail_add(logs, logs->only, 1);
		return 0;
	}
	AUTO(json_ref) json_t *steps = store_steps(logs->cli->store, logs->run, err);
	AUTO(str) struct str names = STR_INIT;
	json_t *step;
	size_t i;

	json_array_foreach (steps, i, step)
		str_addf(&names, "%s%s", i ? ", " : "", json_text(step, "step"));
	(void)err_set(err, "usage", "run %s has no step '%s'", logs->run, logs->only);
	return err_remedy(err, "its steps are: %s",
			  names.len ? str_get(&names) : "none yet");
}

int
verb_logs(struct cli *cli)
{
	AUTO(logs) struct logs logs = { .cli = cli, .only = cli_arg(cli, 1) };
	struct err err;

	if (cli_find_run(cli, cli_arg(cli, 0), logs.run, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.follow)
		return follow(&logs, &err) < 0 ? cli_fail(cli, &err, EXIT_USAGE) :
						 EXIT_DONE;
	if (add_tails(&logs, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (logs.only && !logs.tail_count && no_such_step(&logs, &err) < 0)
		return cli_fail(cli, &err, EXIT_USAGE);
	if (cli->options.json)
		print_document(&logs);
	else
		read_all(&logs, true);
	return EXIT_DONE;
}
