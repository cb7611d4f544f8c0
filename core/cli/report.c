/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a run on one screen (see report.h). The reader may have been
 * woken up for this: the outcome first, then what to do.
 */
#include "base/base.h"

#include "cli/report.h"

#include "base/num.h"
#include "cli/hold.h"
#include "cli/summary.h"

#define TAIL_LINES 8
#define LOG_MAX_BYTES (64u << 20)

static const struct {
	const char *state, *words;
	enum tone tone;
} states[] = {
	{ "pending", "waiting", TONE_DIM },
	{ "running", "running", TONE_NAME },
	{ "in_progress", "running", TONE_NAME },
	{ "awaiting_approval", "waiting for approval", TONE_WARN },
	{ "succeeded", "succeeded", TONE_GOOD },
	{ "failed", "failed", TONE_BAD },
	{ "skipped", "skipped", TONE_DIM },
	{ "interrupted", "interrupted", TONE_BAD },
	{ "rolling_back", "rolling back", TONE_WARN },
	{ "rolled_back", "failed, rolled back", TONE_WARN },
	{ "rollback_failed", "FAILED AND NOT ROLLED BACK", TONE_LOUD },
	{ "denied", "denied", TONE_WARN },
	{ "cancelled", "cancelled", TONE_WARN },
	{ "no_work", "nothing to do", TONE_PLAIN },
};

enum tone
state_tone(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(states[i].state, state))
			return states[i].tone;
	return TONE_PLAIN;
}

const char *
state_words(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (str_eq(states[i].state, state))
			return states[i].words;
	return state;
}

void
report_label(const struct out *out, struct str *str, const char *label)
{
	str_add(str, "  ");
	out_add(out, str, TONE_DIM, label);
	str_addf(str, "%*s", REPORT_INDENT - 2 - (int)strlen(label), "");
}

static void
add_change(const struct out *out, struct str *str, const json_t *change)
{
	const char *summary = json_text(change, "summary");

	if (!str_eq(json_text(change, "kind"), "edit")) {
		unsigned used = REPORT_INDENT + text_width(json_text(change, "kind")) +
				text_width(json_text(change, "target")) + 4,
			 width, height;

		out_add(out, str, TONE_PLAIN, json_text(change, "kind"));
		str_add_c(str, ' ');
		out_add(out, str, TONE_STRONG, json_text(change, "target"));
		out_size(out, &width, &height);
		if (*summary && (!out->is_tty || used + text_width(summary) < width))
			out_addf(out, str, TONE_DIM, "  %s", summary);
		return;
	}
	str_add(str, "file ");
	out_add(out, str, TONE_STRONG, json_text(change, "target"));
	if (!json_object_get(change, "added"))
		return;
	out_addf(out, str, TONE_GOOD, "  +%lld",
		 (long long)json_int_or(change, "added", 0));
	out_addf(out, str, TONE_BAD, " -%lld",
		 (long long)json_int_or(change, "removed", 0));
}

/* All changes that stand, or all that were put back, under one label. */
static void
add_changes(struct cli *cli, struct str *out, const json_t *summary, const char *label,
	    bool standing)
{
	json_t *change;
	size_t i;

	json_array_foreach (json_object_get(summary, "changes"), i, change) {
		if (json_flag(change, "standing") != standing)
			continue;
		report_label(&cli->out, out, label);
		add_change(&cli->out, out, change);
		str_add_c(out, '\n');
		label = "";
	}
}

static size_t
count_changes(const json_t *summary, bool standing)
{
	json_t *change;
	size_t i, count = 0;

	json_array_foreach (json_object_get(summary, "changes"), i, change)
		count += json_flag(change, "standing") == standing;
	return count;
}

void
report_changes(struct cli *cli, struct str *out, const json_t *summary)
{
	const char *state = json_text(summary, "state");
	bool is_good = str_eq(state, "succeeded") || !state_is_final(state);

	add_changes(cli, out, summary, is_good ? "changed" : "NOT BACK", true);
	add_changes(cli, out, summary, "put back", false);
}

void
report_paragraph(struct cli *cli, struct str *out, const char *label, enum tone tone,
		 const char *text)
{
	if (!*text)
		return;
	report_label(&cli->out, out, label);
	out_add_wrapped(&cli->out, out, tone, text, REPORT_INDENT);
	str_add_c(out, '\n');
}

void
report_level(struct cli *cli, struct str *out, const json_t *summary)
{
	const json_t *level = json_object_get(summary, "level");
	const char *after = json_text(level, "after");
	AUTO_FREE char *text = NULL;

	if (!json_is_object(level))
		return;
	text = x_asprintf("%s before, %s after", json_text(level, "before"),
			  *after ? after : "not looked at");
	report_paragraph(cli, out, "service", TONE_PLAIN, text);
}

/* A repair that did not help leaves the service in the state it found it in. */
static bool
was_broken(const json_t *summary)
{
	const char *before = json_text(json_object_get(summary, "level"), "before");

	return *before && !str_eq(before, "running") && !str_eq(before, "healthy");
}

/* What it means for the service, in the reader's words. */
static const char *
consequence(const json_t *summary)
{
	const char *state = json_text(summary, "state");
	bool stands = count_changes(summary, true) > 0;
	bool undone = count_changes(summary, false) > 0;

	if (str_eq(state, "rollback_failed"))
		return "somebody has to look at this now";
	if (*json_text(summary, "rolled_back_by"))
		return "another run has put it back";
	if (str_eq(state, "rolled_back") || summary_is_rollback(summary))
		return was_broken(summary) ? "as it was before, which was broken" :
					     "everything is as it was before";
	if (str_eq(state, "succeeded") || str_eq(state, "no_work"))
		return stands ? "" : "nothing was changed";
	if (!state_is_final(state))
		return "";
	if (stands)
		return "what was changed still stands";
	return undone ? "everything is as it was before" : "nothing was changed";
}

void
report_headline(struct cli *cli, struct str *out, const json_t *summary)
{
	static const char *const marks[TONE_COUNT] = {
		[TONE_GOOD] = "\u2714 ",
		[TONE_BAD] = "\u2718 ",
		[TONE_WARN] = "\u2718 ",
	};
	const char *state = json_text(summary, "state"), *words = state_words(state);
	const char *then = consequence(summary),
		   *service = json_text(summary, "service");
	enum tone tone = state_tone(state);
	char took[32];

	if (summary_is_rollback(summary)) {
		words = "rolled back, as ordered";
		tone = TONE_GOOD;
	}

	if (cli->out.has_utf8 && marks[tone] && state_is_final(state))
		out_add(&cli->out, out, tone, marks[tone]);
	if (tone == TONE_LOUD)
		out_addf(&cli->out, out, tone, " %s ", words);
	else if (json_flag(summary, "is_orphan"))
		out_add(&cli->out, out, TONE_BAD, "interrupted, its process is gone");
	else
		out_add(&cli->out, out, tone, words);
	if (*service) {
		str_add(out, "  ");
		out_add(&cli->out, out, TONE_STRONG, service);
	}
	if (*then)
		out_addf(&cli->out, out, tone == TONE_LOUD ? TONE_STRONG : TONE_PLAIN,
			 ": %s", then);
	if (json_is_integer(json_object_get(summary, "duration_ms")))
		out_addf(&cli->out, out, TONE_DIM, "  (%s)",
			 num_format_ms((uint64_t)json_int_or(summary, "duration_ms", 0),
				       took));
	str_add_c(out, '\n');
}

static void
add_message(struct cli *cli, struct str *out, const char *label, const json_t *about)
{
	AUTO(str) struct str text = STR_INIT;

	if (*json_text(about, "step"))
		str_addf(&text, "%s: ", json_text(about, "step"));
	str_add(&text, json_text(about, "message"));
	if (*json_text(about, "code"))
		str_addf(&text, " [%s]", json_text(about, "code"));
	report_paragraph(cli, out, label, TONE_PLAIN, str_get(&text));
	report_paragraph(cli, out, "what to do", TONE_STRONG,
			 json_text(about, "remedy"));
}

static int64_t
attempt_of(const json_t *summary, const char *step)
{
	const json_t *steps = json_object_get(summary, "steps");

	return json_int_or(json_find(steps, "step", step), "attempt", 1);
}

/* Where a log ends without empty lines and what Fettle added: the cause again. */
static size_t
tail_end(const char *bytes, size_t len)
{
	for (;;) {
		const char *stop;

		while (len && strchr("\r\n", bytes[len - 1]))
			len--;
		stop = memrchr(bytes, '\n', len);
		stop = stop ? stop + 1 : bytes;
		if (len < strlen("fettle: ") || !str_starts(stop, "fettle: "))
			return len;
		len = (size_t)(stop - bytes);
	}
}

/* The last lines a failed step printed, at most so many. */
static void
add_tail(struct cli *cli, struct str *out, const json_t *summary, unsigned max_lines)
{
	const char *step = json_text(json_object_get(summary, "cause"), "step");
	AUTO_FREE char *name = step_log_name(step, attempt_of(summary, step));
	AUTO_FREE char *bytes = NULL;
	const char *line, *label = "last lines";
	unsigned width, height, lines = 0;
	size_t len;

	if (!*step || !max_lines)
		return;
	bytes = run_file(cli->store, json_text(summary, "run"), name, LOG_MAX_BYTES,
			 &len);
	if (!bytes)
		return;
	len = tail_end(bytes, len);
	for (line = bytes + len; line > bytes; line--)
		if (line[-1] == '\n' && ++lines == max_lines)
			break;
	out_size(&cli->out, &width, &height);
	while (line < bytes + len) {
		const char *stop = memchr(line, '\n', (size_t)(bytes + len - line));
		AUTO(str) struct str text = STR_INIT;

		if (!stop)
			stop = bytes + len;
		out_add_line(&text, line, (size_t)(stop - line));
		if (cli->out.is_tty)
			text_trim(&cli->out, &text,
				  width > 24 ? width - REPORT_INDENT - 2 : 10);
		report_label(&cli->out, out, label);
		out_addf(&cli->out, out, TONE_DIM, "| %s", str_get(&text));
		str_add_c(out, '\n');
		label = "";
		line = stop + 1;
	}
}

static void
add_forgiven(struct cli *cli, struct str *out, const json_t *summary)
{
	const json_t *step;
	size_t i;

	json_array_foreach (json_object_get(summary, "steps"), i, step) {
		AUTO(str) struct str text = STR_INIT;

		if (!str_eq(json_text(step, "state"), "failed"))
			continue;
		str_addf(&text, "%s: %s [%s]", json_text(step, "step"),
			 json_text(step, "message"), json_text(step, "code"));
		report_paragraph(cli, out, "forgiven", TONE_PLAIN, str_get(&text));
	}
}

/* What keeps the service from being as it was comes before what went wrong. */
void
report_causes(struct cli *cli, struct str *out, const json_t *summary)
{
	const json_t *cause = json_object_get(summary, "cause");
	const json_t *rollback = json_object_get(summary, "rollback");

	if (str_eq(json_text(summary, "state"), "succeeded"))
		add_forgiven(cli, out, summary);
	if (json_is_object(rollback))
		add_message(cli, out, "not back", rollback);
	if (json_is_object(cause))
		add_message(cli, out, "cause", cause);
}

static bool
has_edits(const json_t *summary)
{
	json_t *change;
	size_t i;

	json_array_foreach (json_object_get(summary, "changes"), i, change)
		if (str_eq(json_text(change, "kind"), "edit"))
			return true;
	return false;
}

void
report_next(struct cli *cli, struct str *out, const json_t *summary,
	    enum report_from from)
{
	const char *run = json_text(summary, "run");
	bool is_good = str_eq(json_text(summary, "state"), "succeeded");
	bool stands = count_changes(summary, true) > 0;
	const char *other = json_text(summary, "rolls_back");
	bool is_tried =
		*other && !is_good && state_is_final(json_text(summary, "state"));
	unsigned width, height;
	const char *label = "next";
	const struct {
		bool is_due;
		const char *verb, *run, *why;
	} steps[] = {
		{ is_tried, "rollback", other, "try it again" },
		{ stands && !is_good && !*other, "rollback", run, "put the rest back" },
		{ from == REPORT_END, "show", run, "everything about this run" },
		{ has_edits(summary), "diff", run, "the file changes" },
		{ stands && is_good, "rollback", run, "undo it all" },
	};

	out_size(&cli->out, &width, &height);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (!steps[i].is_due)
			continue;
		AUTO(str) struct str command = STR_INIT;

		cli_add_command(cli, &command, steps[i].verb, steps[i].run);
		report_label(&cli->out, out, label);
		str_add(out, str_get(&command));
		/* What wraps cannot be pasted by a double click: no comment then. */
		if (REPORT_INDENT + command.len + strlen(steps[i].why) + 5 < width)
			out_addf(&cli->out, out, TONE_DIM, "   # %s", steps[i].why);
		str_add_c(out, '\n');
		label = "";
	}
}

/* Rows that text takes on a terminal of this width. */
static unsigned
rows_of(const struct str *text, unsigned width)
{
	const char *line = str_get(text), *stop;
	unsigned rows = 0;

	for (; (stop = strchr(line, '\n')); line = stop + 1) {
		AUTO_FREE char *copy = x_strndup(line, (size_t)(stop - line));
		unsigned columns = text_width(copy);

		rows += columns > width ? (columns + width - 1) / width : 1;
	}
	return rows;
}

void
report_end(struct cli *cli, struct str *out, const json_t *summary)
{
	int code = (int)json_int_or(summary, "exit", EXIT_NOT_ROLLED_BACK);
	AUTO(str) struct str foot = STR_INIT;
	unsigned width, height, rows;
	json_t *missing;
	size_t i;

	report_headline(cli, out, summary);
	report_causes(cli, out, summary);
	report_paragraph(cli, out, "why", TONE_PLAIN, json_text(summary, "diagnosis"));
	report_level(cli, out, summary);
	report_changes(cli, out, summary);
	hold_report(cli, out, summary);
	json_array_foreach (json_object_get(summary, "missing"), i, missing)
		report_paragraph(cli, &foot, "missing", TONE_WARN,
				 json_text(missing, "message"));
	report_label(&cli->out, &foot, "artifacts");
	out_add(&cli->out, &foot, TONE_PLAIN, json_text(summary, "artifacts_dir"));
	str_add_c(&foot, '\n');
	report_next(cli, &foot, summary, REPORT_END);

	/* The log fills what room there is; the outcome must not scroll away. */
	out_size(&cli->out, &width, &height);
	rows = rows_of(out, width) + rows_of(&foot, width) + 2;
	if (!cli->out.is_tty)
		rows = 0;
	if (code != EXIT_DONE && code != EXIT_NO_WORK && rows + 2 < height)
		add_tail(cli, out, summary,
			 height - rows < TAIL_LINES ? height - rows : TAIL_LINES);
	str_add(out, str_get(&foot));
	if (cli->out.is_tty && rows >= height)
		report_headline(cli, out, summary);
}
