/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See view.h: a view's beginning and end, its rows, and plain lines. */
#include "base/base.h"

#include "cli/view.h"

#include <stdarg.h>

#include "base/clock.h"

void
view_init(struct view *view, struct cli *cli)
{
	*view = (struct view){ .cli = cli,
			       .begin_ms = clock_boot_ms(),
			       .opening = "reading project and pipeline" };
	if (cli->options.json)
		view->mode = VIEW_JSON;
	else if (cli->options.quiet)
		view->mode = VIEW_SILENT;
	else if (cli->out.is_tty)
		view->mode = VIEW_LIVE;
	else
		view->mode = VIEW_LINES;
}

void
view_rows_clear(struct view *view)
{
	for (size_t i = 0; i < view->row_count; i++) {
		free(view->rows[i].id);
		free(view->rows[i].uses);
		free(view->rows[i].message);
		free(view->rows[i].finding);
		free(view->rows[i].change);
		free(view->rows[i].progress);
		strv_done(&view->rows[i].notes);
	}
	free(view->rows);
	view->rows = NULL;
	view->row_count = 0;
}

void
view_done(struct view *view)
{
	view_rows_clear(view);
	free(view->pipeline);
	free(view->service);
	free(view->phase);
	free(view->last_line);
	free(view->line_widths);
	str_done(&view->log_line);
	strv_done(&view->notes);
}

static void
say_line(struct view *view, struct str *line)
{
	str_add_c(line, '\n');
	out_write(&view->cli->out, line);
}

void
view_say(struct view *view, const char *text)
{
	AUTO(str) struct str line = STR_INIT;

	if (view->mode == VIEW_LIVE)
		strv_add(&view->notes, text);
	if (view->mode != VIEW_LINES)
		return;
	out_add_line(&line, text, strlen(text));
	say_line(view, &line);
}

void
view_say_step(struct view *view, const struct view_row *row, const char *fmt, ...)
{
	va_list args;

	if (view->mode != VIEW_LINES)
		return;
	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	AUTO_FREE char *full = x_asprintf("%s: %s", row->id, text);
	view_say(view, full);
}

struct view_row *
view_row_add(struct view *view, const char *id, const char *uses, bool is_main)
{
	struct view_row *row;

	view->rows = x_realloc(view->rows, view->row_count + 1, sizeof(*view->rows));
	row = &view->rows[view->row_count++];
	*row = (struct view_row){ .id = x_strdup(id),
				  .uses = x_strdup(uses),
				  .is_main = is_main,
				  .duration_ms = -1 };
	return row;
}

struct view_row *
view_row(struct view *view, const char *id)
{
	for (size_t i = 0; i < view->row_count; i++)
		if (str_eq(view->rows[i].id, id))
			return &view->rows[i];
	return view_row_add(view, id, "", false);
}

void
view_row_begin(struct view *view, struct view_row *row)
{
	if (row->state == ROW_RUNNING)
		return;
	for (size_t i = 0; i < view->row_count; i++)
		if (view->rows[i].state == ROW_RUNNING)
			view->rows[i].state = ROW_WAITING;
	row->state = ROW_RUNNING;
	row->begin_ms = clock_boot_ms();
	str_truncate(&view->log_line, 0);
	free(view->last_line);
	view->last_line = NULL;
	free(row->progress);
	row->progress = NULL;
}
