/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people say to a run that waits for them: they need no claim on it. */
#include "base/base.h"

#include "base/clock.h"
#include "store/append.h"

int64_t
store_now(struct store *store)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store, "SELECT time_ms FROM events ORDER BY id DESC LIMIT 1", "");
	int64_t newest = db_next(rows) == 1 ? sqlite3_column_int64(rows, 0) : 0;
	int64_t now = clock_wall_ms();

	return now > newest ? now : newest;
}

int64_t
store_latest(struct store *store, const char *run, int64_t seq)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT max(time_ms) FROM events WHERE id >="
		" (SELECT id FROM events WHERE run = ? AND seq = ?)",
		"ti", run, seq);
	int64_t latest = db_next(rows) == 1 ? sqlite3_column_int64(rows, 0) : 0;
	int64_t now = clock_wall_ms();

	return now > latest ? now : latest;
}

int
store_answer(struct store *store, const char *run, const char *actor, const char *kind,
	     const json_t *body, struct err *err)
{
	const struct event_kind *known = event_find(kind);
	struct run_row row;

	if (!known ||
	    (!str_eq(kind, "hold.approved") && !str_eq(kind, "hold.rejected")))
		return err_set(err, "store.body", "append %s to run '%s': that is no "
			       "answer of a person", kind, run);
	if (append_check(known, actor, body, err) < 0 || db_begin(store, err) < 0)
		return -1;
	if (run_row_load(store, run, &row, err) < 0 ||
	    transition_check(store, &row, known, body, err) < 0 ||
	    append_event(store, &row, actor, kind, body, err) < 0) {
		db_abandon(store);
		return -1;
	}
	return db_commit(store, err);
}
