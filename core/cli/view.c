/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See view.h: what becomes of the rows with each event. */
#include "base/base.h"

#include "cli/view.h"

#include "base/num.h"
#include "cli/report.h"

/* The engine prepares the next step without a word: show that one as begun. */
static void
begin_next(struct view *view)
{
	if (view->is_over || view->phase)
		return;
	for (size_t i = 0; i < view->row_count; i++) {
		struct view_row *row = &view->rows[i];

		if (row->state == ROW_FAILED || row->state == ROW_STOPPED ||
		    row->state == ROW_RUNNING)
			return;
		if (row->state == ROW_WAITING && row->is_main) {
			view_row_begin(view, row);
			return;
		}
	}
}

static void
on_queued(struct view *view, const json_t *body)
{
	AUTO(str) struct str line = STR_INIT;

	free(view->pipeline);
	free(view->service);
	view->pipeline = x_strdup(json_text(body, "pipeline"));
	view->service = x_strdup(json_text(body, "service"));
	str_addf(&line, "run %s: %s", view->run, view->pipeline);
	if (*view->service)
		str_addf(&line, ", service %s", view->service);
	if (view->mode == VIEW_LINES)
		view_say(view, str_get(&line));
}

static void
on_planned(struct view *view, const json_t *body)
{
	json_t *step;
	size_t i;

	view_rows_clear(view);
	view->round = 1;
	view->rounds = json_int_or(json_object_get(body, "plan"), "rounds", 1);
	json_array_foreach (json_object_get(json_object_get(body, "plan"), "steps"), i,
			    step)
		(void)view_row_add(view, json_text(step, "id"), json_text(step, "uses"),
			      !str_eq(json_text(step, "section"), "on_failure"));
	begin_next(view);
}

void
view_phase(struct view *view, const char *text)
{
	free(view->phase);
	view->phase = x_strdup(text);
	if (view->mode == VIEW_LINES)
		view_say(view, text);
}

/* Steps before that one were done before, by another process perhaps. */
static void
keep_rows(struct view *view, const char *step)
{
	size_t first = 0;

	while (first < view->row_count && !str_eq(view->rows[first].id, step))
		first++;
	if (first == view->row_count)
		return;
	for (size_t i = 0; i < view->row_count; i++) {
		struct view_row *row = &view->rows[i];

		if (i < first && row->is_main) {
			row->state = ROW_DONE;
			free(row->message);
			row->message = x_strdup("kept");
		} else if (row->state == ROW_RUNNING) {
			row->state = ROW_WAITING;
		}
	}
	begin_next(view);
}

static void
on_state(struct view *view, const json_t *body)
{
	const char *state = json_text(body, "state"),
		   *message = json_text(body, "message");
	AUTO(str) struct str line = STR_INIT;

	if (str_eq(state, "running")) {
		/* What it waited for has come. */
		if (!view->cancels) {
			free(view->phase);
			view->phase = NULL;
		}
		keep_rows(view, json_text(body, "step"));
		return;
	}
	str_add(&line, state_words(state));
	if (*message)
		str_addf(&line, ": %s", message);
	view_phase(view, str_get(&line));
}

/* All steps are done once more, with what the round before found out. */
static void
on_round(struct view *view, const json_t *body)
{
	AUTO_FREE char *line = NULL;
	const char *why = "";

	view->round = json_int_or(body, "round", view->round + 1);
	for (size_t i = 0; i < view->row_count; i++) {
		struct view_row *row = &view->rows[i];

		if (row->state == ROW_FAILED && row->message)
			why = row->message;
	}
	line = x_asprintf("round %lld%s%s", (long long)view->round,
			  *why ? ": the one before did not help: " : "", why);
	view_say(view, line);
	for (size_t i = 0; i < view->row_count; i++) {
		struct view_row *row = &view->rows[i];

		if (!row->is_main)
			continue;
		row->state = ROW_WAITING;
		row->duration_ms = -1;
		free(row->message);
		free(row->finding);
		row->message = row->finding = NULL;
		strv_clear(&row->notes);
	}
	begin_next(view);
}

static void
on_retried(struct view *view, const json_t *body)
{
	const char *why = json_text(body, "message");
	AUTO_FREE char *line = x_asprintf("begins at '%s'%s%s", json_text(body, "from"),
					  *why ? ": " : "", why);

	view_say(view, line);
}

static void
on_cancel(struct view *view, const json_t *body)
{
	const char *reason = json_text(body, "reason");
	AUTO_FREE char *text = x_asprintf("%s asks for the end of this run%s%s",
					  json_text(body, "by"), *reason ? ": " : "",
					  reason);

	view_say(view, text);
}

static enum row_state
row_state_of(const json_t *body)
{
	const char *state = json_text(body, "state");

	if (str_eq(json_text(body, "result"), "noop"))
		return ROW_NOOP;
	if (str_eq(state, "succeeded"))
		return ROW_DONE;
	return str_eq(state, "failed") ? ROW_FAILED : ROW_STOPPED;
}

/* What a finished step is remembered by. */
static const char *
row_gist(const struct view_row *row)
{
	if (row->finding)
		return row->finding;
	for (size_t i = row->notes.count; i-- > 0;)
		if (!str_starts(row->notes.v[i], WARNING))
			return row->notes.v[i];
	return row->change ? row->change : "";
}

/* The first effect stands for all: a step of ours has one. */
static void
on_proposed(struct view *view, const json_t *body)
{
	struct view_row *row = view_row(view, json_text(body, "step"));
	const json_t *effects = json_object_get(json_object_get(body, "proposal"),
						"effects");
	const char *summary = json_text(json_array_get(effects, 0), "summary");

	free(row->change);
	row->change = *summary ? x_strdup(summary) : NULL;
}

static void
on_intent(struct view *view, const json_t *body)
{
	struct view_row *row = view_row(view, json_text(body, "step"));

	view_row_begin(view, row);
	row->attempt = json_int_or(body, "attempt", 1);
	if (row->attempt > 1)
		view_say_step(view, row, "started %s, attempt %lld", row->uses,
			      (long long)row->attempt);
	else
		view_say_step(view, row, "started%s%s", *row->uses ? " " : "",
			      row->uses);
}

static void
on_skipped(struct view *view, const json_t *body)
{
	view_row(view, json_text(body, "step"))->state = ROW_SKIPPED;
}

static void
on_step_ended(struct view *view, const json_t *body)
{
	struct view_row *row = view_row(view, json_text(body, "step"));
	const char *message = json_text(body, "message");
	char took[32];

	row->state = row_state_of(body);
	row->duration_ms = json_int_or(body, "duration_ms", -1);
	free(row->message);
	row->message = x_strdup(*message ? message : row_gist(row));
	view_say_step(
		view, row, "%s after %s%s%s",
		row->state == ROW_NOOP ? "nothing to do" :
					 state_words(json_text(body, "state")),
		num_format_ms(row->duration_ms < 0 ? 0 : (uint64_t)row->duration_ms,
			      took),
		*message ? ": " : "", message);
	begin_next(view);
}

static void
on_verdict(struct view *view, const json_t *body)
{
	struct view_row *row = view_row(view, json_text(body, "step"));
	json_t *answer;
	size_t i;

	if (str_eq(json_text(body, "verdict"), "allow"))
		return;
	json_array_foreach (json_object_get(body, "answers"), i, answer) {
		const char *verdict = json_text(answer, "verdict");
		AUTO_FREE char *text = NULL;

		if (str_eq(verdict, "allow") || str_eq(verdict, "abstain"))
			continue;
		text = x_asprintf("policy %s: %s: %s", json_text(answer, "policy"),
				  verdict, json_text(answer, "reason"));
		strv_add(&row->notes, text);
		view_say_step(view, row, "%s", text);
	}
}

static void
add_note(struct view *view, const json_t *body, const char *prefix, const char *text)
{
	AUTO_FREE char *note = x_asprintf("%s%s", prefix, text);
	struct view_row *row;

	/* Of the run as a whole: it waits for another one. */
	if (!*json_text(body, "step")) {
		view_say(view, note);
		return;
	}
	row = view_row(view, json_text(body, "step"));
	strv_add(&row->notes, note);
	view_say_step(view, row, "%s", note);
}

/* Whether people have to be asked again is told by what comes behind. */
static void
on_voided(struct view *view, const json_t *body)
{
	struct view_row *row = view_row(view, json_text(body, "step"));
	AUTO_FREE char *text =
		x_asprintf("the approval is void: %s", json_text(body, "why"));

	strv_add(&row->notes, text);
	view_say_step(view, row, "%s", text);
}

static void
on_renewed(struct view *view, const json_t *body)
{
	AUTO(str) struct str line = STR_INIT;
	const json_t *change;
	size_t i;

	str_add(&line, "not as before: ");
	json_array_foreach (json_object_get(body, "changed"), i, change)
		str_addf(&line, "%s%s", i ? ", " : "", json_text(change, "what"));
	view_say(view, str_get(&line));
}

static void
on_files_back(struct view *view, const json_t *body)
{
	size_t restored = json_array_size(json_object_get(body, "restored"));
	AUTO(str) struct str line = STR_INIT;
	json_t *conflict;
	size_t i;

	if (restored) {
		str_addf(&line, "%zu file%s put back", restored,
			 restored == 1 ? "" : "s");
		view_say(view, str_get(&line));
	}
	json_array_foreach (json_object_get(body, "conflicts"), i, conflict) {
		str_truncate(&line, 0);
		str_addf(&line, "NOT PUT BACK, somebody else changed it: %s",
			 json_text(conflict, "path"));
		view_say(view, str_get(&line));
	}
}

static void
on_note(struct view *view, const json_t *body)
{
	add_note(view, body, str_eq(json_text(body, "level"), "warn") ? WARNING : "",
		 json_text(body, "text"));
}

static void
on_finding(struct view *view, const json_t *body)
{
	struct view_row *row = view_row(view, json_text(body, "step"));

	free(row->finding);
	row->finding = x_strdup(json_text(body, "title"));
	add_note(view, body, "found: ", row->finding);
}

static void
on_missing(struct view *view, const json_t *body)
{
	view_say(view, json_text(body, "message"));
}

static void
on_ended(struct view *view, const json_t *body)
{
	view->is_over = true;
}

void
view_event(struct view *view, const char *kind, const json_t *body)
{
	static const struct {
		const char *kind;
		void (*hear)(struct view *view, const json_t *body);
	} news[] = {
		{ "run.queued", on_queued },	   { "run.planned", on_planned },
		{ "run.state", on_state },	   { "run.round", on_round },
		{ "run.retried", on_retried },	   { "run.ended", on_ended },
		{ "run.cancel", on_cancel },	   { "run.renewed", on_renewed },
		{ "hold.voided", on_voided },	   { "step.proposed", on_proposed },
		{ "step.verdict", on_verdict },	   { "step.intent", on_intent },
		{ "step.ended", on_step_ended },   { "step.skipped", on_skipped },
		{ "step.note", on_note },	   { "step.finding", on_finding },
		{ "unwind.files", on_files_back }, { "artifact.missing", on_missing },
	};

	for (size_t i = 0; i < ARRAY_LEN(news); i++)
		if (str_eq(news[i].kind, kind))
			news[i].hear(view, body);
}

void
view_restart(struct view *view)
{
	if (view->mode == VIEW_LIVE)
		view_erase(view);
	view_rows_clear(view);
	free(view->phase);
	view->phase = NULL;
	view->is_over = false;
	view->run[0] = '\0';
}
