/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See slot.h. */
#include "base/base.h"

#include "cli/slot.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/report.h"
#include "cli/signals.h"

#define LOOK_MS 100	/* for something new in the store */
#define RECOVER_MS 1000 /* for runs whose process has died: nothing tells of that */

/* A line when a run begins and one when it ends. */
static void
tell(void *self, const char *run, const char *kind, const json_t *body)
{
	struct cli *cli = self;
	AUTO(str) struct str text = STR_INIT;
	AUTO(json_ref) json_t *line = NULL;
	const char *service = json_text(body, "service");
	const char *message = json_text(body, "message");

	if (!str_eq(kind, "run.queued") && !str_eq(kind, "run.ended"))
		return;
	if (cli->options.json) {
		line = json_pack("{s:s, s:I, s:s, s:O}", "run", run, "time_ms",
				 (json_int_t)clock_wall_ms(), "kind", kind, "body",
				 body);
		out_json_line(&cli->out, line);
		return;
	}
	if (cli->options.quiet)
		return;
	str_addf(&text, "run %s: ", run);
	if (str_eq(kind, "run.queued"))
		str_addf(&text, "begins%s%s", *service ? ", service " : "", service);
	else
		str_addf(&text, "%s%s%s", state_words(json_text(body, "state")),
			 *message ? ": " : "", message);
	str_add_c(&text, '\n');
	out_write(&cli->out, &text);
}

/* What cannot be finished now is tried again, and said once. */
static void
tell_left(const struct strv *left, struct strv *told)
{
	for (size_t i = 0; i < left->count; i++) {
		if (strv_has(told, left->v[i]))
			continue;
		log_warn("%s", left->v[i]);
		strv_add(told, left->v[i]);
	}
}

/* Runs whose process died. */
static void
recover(struct engine *engine, int64_t *due_ms, struct strv *told)
{
	AUTO(recovery) struct recovery recovery = { 0 };
	int64_t pause = RECOVER_MS;
	struct err err;

	if (clock_boot_ms() < *due_ms)
		return;
	if (engine_recover(engine, &recovery, &err) < 0) {
		(void)err_context(&err, "finish what an interrupted run left");
		log_err(&err);
		pause = 60 * RECOVER_MS;
	}
	tell_left(&recovery.left, told);
	*due_ms = clock_boot_ms() + pause;
}

/* Is there no more to wait for? 1, 0, -1. */
static int
is_done(struct store *store, const struct slot *slot, struct err *err)
{
	AUTO(json_ref) json_t *paused = NULL;

	if (slot->mode != SLOT_DRAIN)
		return slot->mode == SLOT_ONCE;
	if (!(paused = store_paused(store, err)))
		return -1;
	return json_is_object(paused) || store_queued(store) <= 0;
}

/* How the slot ends, or -1. */
static int
serve(struct engine *engine, const struct slot *slot, struct err *err)
{
	struct pollfd drain = { slot->drain_fd, POLLIN, 0 };
	AUTO(strv) struct strv told = STRV_INIT;
	char run[RUN_ID_SIZE];
	int64_t recover_ms = 0;

	while (poll(&drain, 1, 0) == 0) {
		recover(engine, &recover_ms, &told);
		AUTO(strv) struct strv left = STRV_INIT;
		int did = engine_work(engine, slot->worker, run, &left, err);

		tell_left(&left, &told);
		if (did != 0)
			return did < 0 ? -1 : SLOT_WORKED;
		int done = is_done(engine->store, slot, err);
		if (done != 0)
			return done < 0 ? -1 : SLOT_IDLE;
		(void)poll(&drain, 1, LOOK_MS);
	}
	return SLOT_IDLE;
}

int
slot_main(struct cli *cli, const struct slot *slot)
{
	AUTO(str) struct str actor = STR_INIT;
	AUTO(engine) struct engine engine = { 0 };
	struct err err;
	int end = -1;

	cli_actor(&actor);
	if (cli_open_store(cli, STORE_WRITE, &err) == 0) {
		engine = cli_engine(cli, str_get(&actor));
		engine.watch = (struct engine_watch){ .event = tell, .self = cli };
		stream_go_live(&cli->out.stream);
		if (signals_install_slot(&engine.cancel_fd, &err) == 0)
			end = serve(&engine, slot, &err);
	}
	if (end < 0)
		log_err(&err);
	return end < 0 ? EXIT_USAGE : end;
}
