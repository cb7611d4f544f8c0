/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queueing a run and appending to it. */
#include "base/base.h"

#include "store/append.h"

#include "base/clock.h"
#include "base/str.h"
#include "store/checkpoint.h"
#include "store/listen.h"
#include "store/project.h"
#include "store/run.h"
#include "store/undone.h"

int
append_event(struct store *store, struct run_row *row, const char *actor,
	     const char *kind, const json_t *body, struct err *err)
{
	AUTO_FREE char *text = json_canonical(body);
	char hash[SHA256_HEX_SIZE];
	struct event event = {
		.run = row->run,
		.seq = row->seq + 1,
		.time_ms = clock_wall_ms(),
		.kind = kind,
		.actor = actor,
		.body = text,
		.prev = row->head,
	};

	event_hash(&event, hash);
	if (db_run(store, err,
		   "INSERT INTO events"
		   " (run, seq, time_ms, kind, actor, body, prev, hash)"
		   " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		   "tiittttt", event.run, event.seq, event.time_ms, event.kind,
		   event.actor, event.body, event.prev, hash) < 0 ||
	    project(store, &event, body, hash, err) < 0)
		return err_context(err, "append %s to run '%s'", kind, row->run);
	row->seq = event.seq;
	memcpy(row->head, hash, sizeof(hash));
	listen_keep(store, event.run, kind, body);
	return 0;
}

int
append_begin(struct store *store, const struct store_claim *claim, struct run_row *ret,
	     struct err *err)
{
	if (run_row_load(store, claim->run, ret, err) < 0)
		return -1;
	if (ret->epoch == claim->epoch)
		return 0;
	err_set(err, "store.stale_epoch",
		"run '%s' was taken over by another process (%lld, not %lld)",
		claim->run, (long long)ret->epoch, (long long)claim->epoch);
	return err_remedy(err, "`fettle show %s` tells who has it", claim->run);
}

int
append_check(const struct event_kind *kind, const char *actor, const json_t *body,
	    struct err *err)
{
	if (actor[0] == '\0' || !utf8_is_valid(actor, strlen(actor)))
		return err_set(err, "store.body", "append %s: its actor has no name",
			       kind->name);
	return event_check_body(kind, body, err);
}

static int
queue(struct store *store, const char *actor, const json_t *body,
      char ret_run[RUN_ID_SIZE], struct err *err)
{
	struct run_row row = { .head = EVENT_NO_PREV };

	/* Two runs of one second may draw the same number, once in 16 millions. */
	do {
		if (run_make_id(clock_wall_ms(), row.run, err) < 0)
			return -1;
		AUTO(rows) sqlite3_stmt *rows = db_query(
			store, "SELECT 1 FROM runs WHERE run = ?", "t", row.run);
		int rc = db_next(rows);
		if (rc < 0)
			return db_error(store, err, "queue a run");
		if (rc == 0)
			break;
	} while (true);
	const char *other = json_text(body, "rolls_back");
	char by[RUN_ID_SIZE];
	if ((*other && store_may_undo(store, other, by, err) < 0) ||
	    append_event(store, &row, actor, "run.queued", body, err) < 0)
		return -1;
	memcpy(ret_run, row.run, RUN_ID_SIZE);
	return 0;
}

int
store_queue(struct store *store, const char *actor, const json_t *body,
	    char ret_run[RUN_ID_SIZE], struct err *err)
{
	char run[RUN_ID_SIZE];

	if (append_check(event_find("run.queued"), actor, body, err) < 0 ||
	    db_begin(store, err) < 0)
		return -1;
	if (queue(store, actor, body, run, err) < 0) {
		db_abandon(store);
		return -1;
	}
	if (db_commit(store, err) < 0)
		return -1;
	memcpy(ret_run, run, RUN_ID_SIZE);
	return 0;
}

static int
append(struct store *store, const struct store_claim *claim, const char *actor,
       const struct event_kind *kind, const json_t *body, struct err *err)
{
	bool is_end = str_eq(kind->name, "run.ended");
	struct run_row row;

	if (append_begin(store, claim, &row, err) < 0 ||
	    transition_check(store, &row, kind, body, err) < 0)
		return -1;
	if (is_end && row.rolls_back[0] &&
	    undone_append(store, &row, json_text(body, "state"), err) < 0)
		return -1;
	if (append_event(store, &row, actor, kind->name, body, err) < 0)
		return -1;
	return is_end ? checkpoint_append(store, err) : 0;
}

int
store_append(struct store *store, const struct store_claim *claim, const char *actor,
	     const char *kind, const json_t *body, struct err *err)
{
	const struct event_kind *known = event_find(kind);

	if (!known || known->is_internal)
		return err_set(err, "store.body", "append %s to run '%s': %s", kind,
			       claim->run, known ? "only the store itself does that"
						 : "there is no such kind of event");
	if (append_check(known, actor, body, err) < 0 || db_begin(store, err) < 0)
		return -1;
	if (append(store, claim, actor, known, body, err) < 0) {
		db_abandon(store);
		return -1;
	}
	return db_commit(store, err);
}
