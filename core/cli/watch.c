/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ears of a view (view.h): events, logs and ticks of a run, and signals. */
#include "base/base.h"

#include "cli/view.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/signals.h"

#define LOG_LINE_MAX 4096
#define PAINT_MS 100

/* What the reader's own signals did. */
static void
look_at_signals(struct view *view)
{
	unsigned cancels = signals_cancels();

	if (signals_hung_up() && view->mode != VIEW_SILENT) {
		/* Nobody looks any more; the run goes on, the store knows all. */
		view->mode = VIEW_SILENT;
		view->cli->out.stream.is_broken = true;
		view->cli->out.stream.error =
			EPIPE; /* no error: there is nobody to tell */
	}
	/* What the shell wrote meanwhile stays: the list begins anew below it. */
	if (signals_continues() != view->continues)
		view->line_count = 0;
	view->continues = signals_continues();
	if (cancels == view->cancels || view->is_over)
		return;
	if (view->cancels == 0)
		view_phase(view, "cancelling: what was changed is put back");
	if (cancels > 1)
		view_say(view,
			 "already cancelling; a second signal does not cut it short");
	view->cancels = cancels;
}

static void
print_event(struct view *view, const char *kind, const json_t *body)
{
	AUTO(json_ref)
	json_t *line = json_pack("{s:s, s:I, s:s, s:O}", "run", view->run, "time_ms",
				 (json_int_t)clock_wall_ms(), "kind", kind, "body",
				 body);

	if (line)
		out_json_line(&view->cli->out, line);
}

/* Who reads again is told how much is missing, in front of what comes next. */
static void
print_dropped(struct view *view)
{
	struct out *out = &view->cli->out;
	AUTO(json_ref) json_t *body = NULL;

	if (out->stream.dropped == 0 || !stream_is_ready(&out->stream))
		return;
	body = json_pack("{s:I}", "count", (json_int_t)out->stream.dropped);
	out->stream.dropped = 0;
	print_event(view, "output.dropped", body);
}

static void
watch_event(void *self, const char *run, const char *kind, const json_t *body)
{
	struct view *view = self;

	(void)snprintf(view->run, sizeof(view->run), "%s", run);
	look_at_signals(view);
	if (view->mode == VIEW_JSON) {
		print_dropped(view);
		print_event(view, kind, body);
		return;
	}
	view_event(view, kind, body);
	if (view->mode == VIEW_LIVE)
		view_paint(view);
}

static void
keep_last_line(struct view *view)
{
	if (view->log_line.len) {
		free(view->last_line);
		view->last_line = x_strdup(str_get(&view->log_line));
	}
	str_truncate(&view->log_line, 0);
}

static void
watch_log(void *self, const char *step, const char *bytes, size_t n)
{
	struct view *view = self;
	struct view_row *row;

	if (view->mode != VIEW_LIVE || !view->row_count)
		return;
	row = view_row(view, step);
	if (row->state == ROW_WAITING)
		view_row_begin(view, row);
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' || bytes[i] == '\r')
			keep_last_line(view);
		else if (view->log_line.len < LOG_LINE_MAX)
			str_add_c(&view->log_line, bytes[i]);
	}
	if (clock_boot_ms() - view->painted_ms >= PAINT_MS)
		view_paint(view);
}

static void
watch_progress(void *self, const char *step, uint64_t done, uint64_t total,
	       const char *text)
{
	struct view *view = self;
	struct view_row *row;

	if (view->mode != VIEW_LIVE || !view->row_count)
		return;
	row = view_row(view, step);
	free(row->progress);
	row->progress = total && !*text ?
				x_asprintf("%llu of %llu", (unsigned long long)done,
					   (unsigned long long)total) :
				x_strdup(text);
}

static void
watch_tick(void *self)
{
	struct view *view = self;

	look_at_signals(view);
	if (view->mode == VIEW_LIVE &&
	    clock_boot_ms() - view->painted_ms >= PAINT_MS - 20)
		view_paint(view);
}

struct engine_watch
view_watch(struct view *view)
{
	return (struct engine_watch){ .event = watch_event,
				      .log = watch_log,
				      .progress = watch_progress,
				      .tick = watch_tick,
				      .self = view };
}

void
view_attend(struct view *view, struct engine *engine)
{
	engine->watch = view_watch(view);
	stream_go_live(&view->cli->out.stream);
}

void
view_end(struct view *view)
{
	struct out *out = &view->cli->out;

	view->is_over = true;
	stream_settle(&out->stream);
	log_settle();
	if (view->mode == VIEW_LIVE && view->row_count)
		view_paint(view);
	if (view->mode == VIEW_JSON)
		print_dropped(view);
	else if (out->stream.dropped > 0)
		log_warn("%llu lines were not read in time, and are left out: `fettle "
			 "show %s` tells what happened",
			 (unsigned long long)out->stream.dropped, view->run);
}
