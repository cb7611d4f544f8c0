/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The live frame of view.h: composed as a list of lines, cut to the size of
 * the terminal, and written with one write over the frame before it, so that
 * nothing flickers and nothing scrolls away.
 */
#include "base/base.h"

#include "cli/view.h"

#include "base/clock.h"
#include "base/num.h"

/* What goes first when the terminal is too low. */
enum keep { KEEP_ALWAYS, KEEP_WAITING, KEEP_DONE, KEEP_DETAIL };

struct frame {
	const struct out *out;
	struct strv lines;
	enum keep *keeps;
};

static void
frame_add(struct frame *frame, enum keep keep, struct str *line)
{
	frame->keeps =
		x_realloc(frame->keeps, frame->lines.count + 1, sizeof(*frame->keeps));
	frame->keeps[frame->lines.count] = keep;
	strv_add(&frame->lines, str_get(line));
	str_truncate(line, 0);
}

static void
frame_done(struct frame *frame)
{
	strv_done(&frame->lines);
	free(frame->keeps);
}

static const struct {
	const char *mark, *ascii;
	enum tone tone;
} marks[] = {
	[ROW_WAITING] = { "\u25cb", ".", TONE_DIM },
	[ROW_RUNNING] = { "\u25cf", "*", TONE_NAME },
	[ROW_DONE] = { "\u2714", "+", TONE_GOOD },
	[ROW_NOOP] = { "\u2714", "+", TONE_DIM },
	[ROW_FAILED] = { "\u2718", "x", TONE_BAD },
	[ROW_SKIPPED] = { "-", "-", TONE_DIM },
	[ROW_STOPPED] = { "\u2718", "x", TONE_WARN },
};

static const char *
turning(const struct view *view)
{
	static const char *const turns[] = { "\u280b", "\u2819", "\u2839", "\u2838",
					     "\u283c", "\u2834", "\u2826", "\u2827",
					     "\u2807", "\u280f" };
	static const char *const ascii[] = { "|", "/", "-", "\\" };

	return view->cli->out.has_utf8 ? turns[view->frame % ARRAY_LEN(turns)] :
					 ascii[view->frame % ARRAY_LEN(ascii)];
}

/* Whole seconds while time runs, so that the figure does not jump about. */
static const char *
running_time(int64_t begin_ms, char buf[32])
{
	int64_t ms = clock_boot_ms() - begin_ms;

	if (ms >= 1000)
		return num_format_ms((uint64_t)(ms / 1000 * 1000), buf);
	(void)snprintf(buf, 32, "0s");
	return buf;
}

static unsigned
name_width(const struct view *view)
{
	unsigned width = 6;

	for (size_t i = 0; i < view->row_count; i++)
		if (text_width(view->rows[i].id) > width)
			width = text_width(view->rows[i].id);
	return width > 24 ? 24 : width;
}

static void
add_header(const struct view *view, struct frame *frame)
{
	AUTO(str) struct str line = STR_INIT;
	size_t done = 0, all = 0;
	char took[32];

	for (size_t i = 0; i < view->row_count; i++) {
		all += view->rows[i].is_main;
		done += view->rows[i].is_main && view->rows[i].state != ROW_WAITING &&
			view->rows[i].state != ROW_RUNNING;
	}
	out_add(frame->out, &line, TONE_STRONG,
		view->pipeline ? view->pipeline : "fettle");
	if (view->service && *view->service) {
		str_add_c(&line, ' ');
		out_add(frame->out, &line, TONE_STRONG, view->service);
	}
	if (view->rounds > 1)
		str_addf(&line, "  round %lld of %lld", (long long)view->round,
			 (long long)view->rounds);
	if (all)
		str_addf(&line, "  %zu of %zu steps", done, all);
	else
		str_addf(&line, "  %s", view->opening);
	str_addf(&line, "  %s", running_time(view->begin_ms, took));
	if (*view->run)
		out_addf(frame->out, &line, TONE_DIM, "  run %s", view->run);
	frame_add(frame, KEEP_ALWAYS, &line);
}

static void
add_row_line(const struct view *view, struct frame *frame, const struct view_row *row,
	     enum keep keep)
{
	AUTO(str) struct str line = STR_INIT;
	const struct out *out = frame->out;
	unsigned width = name_width(view), used = text_width(row->id);
	const char *mark =
		out->has_utf8 ? marks[row->state].mark : marks[row->state].ascii;
	const char *message = row->message ? row->message : "";
	char took[32] = "";

	if (row->state == ROW_RUNNING && !view->is_over)
		mark = turning(view);
	str_add(&line, "  ");
	out_add(out, &line, marks[row->state].tone, mark);
	str_add_c(&line, ' ');
	out_add(out, &line, row->state == ROW_WAITING ? TONE_DIM : TONE_PLAIN, row->id);
	if (row->state == ROW_RUNNING)
		(void)running_time(row->begin_ms, took);
	else if (row->duration_ms >= 0)
		(void)num_format_ms((uint64_t)row->duration_ms, took);
	if (row->state == ROW_SKIPPED)
		(void)snprintf(took, sizeof(took), "skipped");
	/* While it runs: how far it is, or else what it is about to change. */
	if (row->state == ROW_RUNNING && row->progress)
		message = row->progress;
	else if (row->state == ROW_RUNNING)
		message = row->change ? row->change : "";
	else if (row->state == ROW_NOOP && !*message)
		message = "nothing to do";
	if (*took || *message)
		str_addf(&line, "%*s%8s  ", used < width ? (int)(width - used) : 0, "",
			 took);
	if (row->attempt > 1 && row->state != ROW_WAITING)
		str_addf(&line, "attempt %lld%s", (long long)row->attempt,
			 *message ? ": " : "");
	out_add_line(&line, message, strlen(message));
	frame_add(frame, keep, &line);
}

/* A note in full: what it says at its end (`404, not 200`) matters most. */
static void
add_note(struct frame *frame, enum keep keep, enum tone tone, const char *text)
{
	AUTO(str) struct str note = STR_INIT, wrapped = STR_INIT, line = STR_INIT;

	out_add_line(&note, text, strlen(text));
	str_add(&wrapped, "      ");
	out_add_wrapped(frame->out, &wrapped, tone, str_get(&note), 8);
	for (const char *from = str_get(&wrapped); *from;) {
		size_t n = strcspn(from, "\n");

		str_add_n(&line, from, n);
		frame_add(frame, keep, &line);
		from += n + (from[n] == '\n');
	}
}

static void
add_details(const struct view *view, struct frame *frame, const struct view_row *row,
	    enum keep keep)
{
	AUTO(str) struct str line = STR_INIT;
	const char *text =
		view->log_line.len ? str_get(&view->log_line) : view->last_line;

	for (size_t i = 0; i < row->notes.count; i++) {
		bool is_warning = str_starts(row->notes.v[i], WARNING);

		/* A step that went well is one line; warnings stay. */
		if (!is_warning && (row->state == ROW_DONE || row->state == ROW_NOOP))
			continue;
		add_note(frame, keep, is_warning ? TONE_WARN : TONE_PLAIN,
			 row->notes.v[i]);
	}
	/* A note is in the log too: once is enough. */
	if (text && strv_has(&row->notes, text))
		return;
	if (row->state == ROW_RUNNING && text && !view->is_over) {
		AUTO(str) struct str last = STR_INIT;

		out_add_line(&last, text, strlen(text));
		str_add(&line, "      ");
		out_addf(frame->out, &line, TONE_DIM, "| %s", str_get(&last));
		frame_add(frame, KEEP_ALWAYS, &line);
	}
}

static void
add_row(const struct view *view, struct frame *frame, const struct view_row *row)
{
	enum keep keep = KEEP_DONE, details = KEEP_DETAIL;

	if (row->state == ROW_WAITING || row->state == ROW_SKIPPED)
		keep = KEEP_WAITING;
	if (row->state == ROW_RUNNING || row->state == ROW_FAILED ||
	    row->state == ROW_STOPPED)
		keep = details = KEEP_ALWAYS;
	add_row_line(view, frame, row, keep);
	add_details(view, frame, row, details);
}

static void
add_footer(const struct view *view, struct frame *frame)
{
	AUTO(str) struct str line = STR_INIT;

	if (view->phase && !view->is_over) {
		str_add(&line, "  ");
		out_add_line(&line, view->phase, strlen(view->phase));
		frame_add(frame, KEEP_ALWAYS, &line);
	}
	for (size_t i = 0; i < view->notes.count; i++) {
		str_add(&line, "  ");
		out_add_line(&line, view->notes.v[i], strlen(view->notes.v[i]));
		frame_add(frame, KEEP_ALWAYS, &line);
	}
	if (view->is_over || view->cancels || view->phase)
		return;
	str_add(&line, "  ");
	out_add(frame->out, &line, TONE_DIM, "Ctrl-C cancels and puts everything back");
	frame_add(frame, KEEP_WAITING, &line);
}

static void
frame_drop(struct frame *frame, size_t i)
{
	size_t rest = frame->lines.count - i - 1;

	free(frame->lines.v[i]);
	memmove(&frame->lines.v[i], &frame->lines.v[i + 1],
		(rest + 1) * sizeof(*frame->lines.v));
	memmove(&frame->keeps[i], &frame->keeps[i + 1], rest * sizeof(*frame->keeps));
	frame->lines.count--;
}

/* Details first, then what is done (oldest first), then what waits (last first). */
static void
frame_fit(struct frame *frame, size_t height)
{
	for (enum keep keep = KEEP_DETAIL; keep > KEEP_WAITING; keep--)
		for (size_t i = 0;
		     i < frame->lines.count && frame->lines.count > height;)
			if (frame->keeps[i] == keep)
				frame_drop(frame, i);
			else
				i++;
	for (size_t i = frame->lines.count; i-- > 0 && frame->lines.count > height;)
		if (frame->keeps[i] == KEEP_WAITING)
			frame_drop(frame, i);
	/* Still too much: the header goes, the news at the bottom stays. */
	while (frame->lines.count > height)
		frame_drop(frame, 0);
}

/* Rows the frame on the screen takes now, should the width have changed. */
static unsigned
rows_on_screen(const struct view *view, unsigned width)
{
	unsigned rows = 0;

	for (size_t i = 0; i < view->line_count; i++)
		rows += view->line_widths[i] ?
				(view->line_widths[i] + width - 1) / width :
				1;
	return rows;
}

void
view_erase(struct view *view)
{
	AUTO(str) struct str screen = STR_INIT;
	unsigned width, height, rows;

	if (!stream_is_ready(&view->cli->out.stream))
		return;
	out_size(&view->cli->out, &width, &height);
	rows = rows_on_screen(view, width);
	if (rows)
		str_addf(&screen, "\033[%uA\r\033[J", rows);
	view->line_count = 0;
	out_write(&view->cli->out, &screen);
}

void
view_paint(struct view *view)
{
	AUTO(frame) struct frame frame = { .out = &view->cli->out };
	AUTO(str) struct str screen = STR_INIT;
	unsigned width, height, rows;

	/* The screen stays as it is, and so does what is known of it. */
	if (!stream_is_ready(&view->cli->out.stream))
		return;
	out_size(frame.out, &width, &height);
	add_header(view, &frame);
	for (size_t i = 0; i < view->row_count; i++)
		if (view->rows[i].is_main || view->rows[i].state != ROW_WAITING)
			add_row(view, &frame, &view->rows[i]);
	add_footer(view, &frame);
	frame_fit(&frame, height > 1 ? height - 1 : 1);

	rows = rows_on_screen(view, width);
	if (rows)
		str_addf(&screen, "\033[%uA", rows);
	str_add_c(&screen, '\r');
	view->line_widths = x_realloc(view->line_widths, frame.lines.count + 1,
				      sizeof(*view->line_widths));
	for (size_t i = 0; i < frame.lines.count; i++) {
		AUTO(str) struct str line = STR_INIT;

		str_add(&line, frame.lines.v[i]);
		/* A full last column would let \033[K eat a character. */
		text_trim(frame.out, &line, width - 1);
		view->line_widths[i] = text_width(str_get(&line));
		str_add(&screen, str_get(&line));
		str_add(&screen, "\033[K\n");
	}
	view->line_count = frame.lines.count;
	str_add(&screen, "\033[J");
	out_write(&view->cli->out, &screen);
	view->painted_ms = clock_boot_ms();
	view->frame++;
}
