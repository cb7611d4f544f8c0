/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a person sees while a run is carried out: a list of steps that is
 * painted anew in place on a terminal, plain lines elsewhere, JSON lines with
 * --json. Fed by engine_watch; never blocks the run on anything but a write.
 */
#ifndef FETTLE_CLI_VIEW_H
#define FETTLE_CLI_VIEW_H

#include "cli/cli.h"

#define WARNING "warning: "	/* begins a note that is one */

enum row_state {
	ROW_WAITING, ROW_RUNNING, ROW_DONE, ROW_NOOP, ROW_FAILED, ROW_SKIPPED,
	ROW_STOPPED,
};

struct view_row {
	char *id, *uses, *message;
	bool is_main;		/* not of `on_failure`: shown before it begins */
	enum row_state state;
	int64_t begin_ms;	/* CLOCK_BOOTTIME; 0: not yet */
	int64_t duration_ms;	/* -1: not known */
	struct strv notes;	/* shown while it runs, and when it went wrong */
	char *finding;		/* the last thing it found, or NULL */
	char *change;		/* what it said it would change, or NULL */
	char *progress;		/* how far it is, while it runs, or NULL */
	int64_t attempt;
};

enum view_mode { VIEW_LIVE, VIEW_LINES, VIEW_JSON, VIEW_SILENT };

struct view {
	struct cli *cli;
	enum view_mode mode;
	char *pipeline, *service;	/* of run.queued; may be NULL */
	const char *opening;	/* what goes on before there are steps */
	char run[RUN_ID_SIZE];
	struct view_row *rows;
	size_t row_count;
	struct strv notes;	/* of the run as a whole */
	char *phase;		/* `rolling back: ...`, or NULL */
	struct str log_line;	/* of the running step, not yet ended */
	char *last_line;	/* the last ended one */
	int64_t begin_ms, painted_ms;
	int64_t round, rounds;	/* 0: not known */
	unsigned cancels;	/* told to the reader already */
	unsigned continues;	/* `fg`s that were painted anew for */
	bool is_over;
	/* The frame on the screen. */
	unsigned *line_widths;
	size_t line_count;
	unsigned frame;		/* counts paintings, for the turning mark */
};

void view_init(struct view *view, struct cli *cli);
void view_done(struct view *view);
/* What shows events to the view, which is borrowed. */
struct engine_watch view_watch(struct view *view);
/* The same for what this engine does from now on: no reader holds it up. */
void view_attend(struct view *view, struct engine *engine);
/* Paints for the last time, leaves the cursor below, waits for readers again. */
void view_end(struct view *view);
/* Forgets the steps of a run that was shown before another one begins. */
void view_restart(struct view *view);
/* Takes what was painted off the screen again. */
void view_erase(struct view *view);
/* A line that stays, above or below what is painted. */
void view_say(struct view *view, const char *text);

/*
 * What engines that died left behind is finished before anything new begins, with
 * engine_recover or engine_recover_interrupted, and told.
 */
typedef int recover_fn(struct engine *engine, struct recovery *ret, struct err *err);
int cli_recover(struct engine *engine, struct view *view, recover_fn *recover,
		struct err *err);

/* A plain line `step: text`. */
void view_say_step(struct view *view, const struct view_row *row, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
struct view_row *view_row_add(struct view *view, const char *id, const char *uses,
			      bool is_main);
void view_rows_clear(struct view *view);

/* What becomes of the rows with an event; the step's own log comes beside it. */
void view_event(struct view *view, const char *kind, const json_t *body);
/* The row of a step; one the plan did not name gets one of its own. */
struct view_row *view_row(struct view *view, const char *id);
void view_row_begin(struct view *view, struct view_row *row);
/* What the run as a whole is at, when it is not simply going on. */
void view_phase(struct view *view, const char *text);

/* paint.c */
void view_paint(struct view *view);

#endif
