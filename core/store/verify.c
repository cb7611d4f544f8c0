/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proofs: that no event was tampered with, that all tables follow from the events. */
#include "base/base.h"

#include "store/verify.h"

#include <stdarg.h>

#include "store/event.h"
#include "store/project.h"
#include "store/run.h"
#include "store/schema.h"

static int PRINTF_LIKE(4, 5)
broken(const char *run, int64_t seq, struct err *err, const char *fmt, ...)
{
	char why[200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	err_set(err, "audit.broken", "run '%s': event %lld %s", run, (long long)seq,
		why);
	return err_remedy(err,
			  "somebody or something changed the store behind Fettle's "
			  "back: compare it with a backup");
}

/* The columns of EVENT_COLUMNS; strings live until the next step. */
#define EVENT_COLUMNS                                                                  \
	"SELECT run, seq, time_ms, kind, actor, body, prev, hash FROM events "

static struct event
event_of(sqlite3_stmt *rows)
{
	return (struct event){
		.run = db_text(rows, 0),
		.seq = sqlite3_column_int64(rows, 1),
		.time_ms = sqlite3_column_int64(rows, 2),
		.kind = db_text(rows, 3),
		.actor = db_text(rows, 4),
		.body = db_text(rows, 5),
		.prev = db_text(rows, 6),
	};
}

/* Does it follow the event `seq`, whose hash was `head`? */
static int
check_link(sqlite3_stmt *rows, int64_t seq, const char *head, struct err *err)
{
	struct event event = event_of(rows);
	char hash[SHA256_HEX_SIZE];

	if (event.seq != seq + 1)
		return broken(event.run, seq + 1, err, "is missing");
	event_hash(&event, hash);
	if (!str_eq(hash, db_text(rows, 7)))
		return broken(event.run, event.seq, err,
			      "was changed: its hash is not that of its content");
	if (!str_eq(event.prev, head))
		return broken(event.run, event.seq, err,
			      "does not follow event %lld: one of the two was replaced",
			      (long long)seq);
	return 0;
}

/* What the tables say of the last event. */
static sqlite3_stmt *
query_end(struct store *store, const char *run)
{
	return db_query(store,
			str_eq(run, SITE) ?
				"SELECT seq, head FROM site WHERE run = ?" :
				"SELECT seq, head FROM runs WHERE run = ?",
			"t", run);
}

/* Against the run's row: events cut off at the end leave a chain that is whole. */
static int
check_end(struct store *store, const char *run, int64_t seq, const char *head,
	  struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = query_end(store, run);
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "verify the run");
	if (rc == 0 && seq == 0)
		return run_refuse_unknown(run, err);
	if (rc == 0)
		return broken(run, 1, err, "belongs to a run that has no row");
	if (sqlite3_column_int64(rows, 0) > seq)
		return broken(run, seq + 1, err, "is missing: the run had %lld",
			      (long long)sqlite3_column_int64(rows, 0));
	if (sqlite3_column_int64(rows, 0) < seq)
		return broken(run, sqlite3_column_int64(rows, 0) + 1, err,
			      "was added behind the last one");
	if (!str_eq(db_text(rows, 1), head))
		return broken(run, seq, err,
			      "was replaced: the run's row has another hash");
	return 0;
}

int
store_verify(struct store *store, const char *run, struct err *err)
{
	char head[SHA256_HEX_SIZE] = EVENT_NO_PREV;
	int64_t seq = 0;
	int rc;

	AUTO(rows) sqlite3_stmt *rows =
		db_query(store, EVENT_COLUMNS "WHERE run = ? ORDER BY seq", "t", run);
	while ((rc = db_next(rows)) == 1) {
		if (check_link(rows, seq, head, err) < 0)
			return -1;
		seq = sqlite3_column_int64(rows, 1);
		snprintf(head, sizeof(head), "%s", db_text(rows, 7));
	}
	if (rc < 0)
		return db_error(store, err, "verify the run");
	return check_end(store, run, seq, head, err);
}

/* What the run's new row says its last event was: nothing before the first. */
static int
load_head(struct store *store, const char *run, int64_t *ret_seq,
	  char ret_head[SHA256_HEX_SIZE], struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = query_end(store, run);
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "rebuild the store");
	*ret_seq = rc == 1 ? sqlite3_column_int64(rows, 0) : 0;
	snprintf(ret_head, SHA256_HEX_SIZE, "%s",
		 rc == 1 ? db_text(rows, 1) : EVENT_NO_PREV);
	return 0;
}

static int
replay(struct store *store, sqlite3_stmt *rows, struct err *err)
{
	struct event event = event_of(rows);
	char head[SHA256_HEX_SIZE] = "";
	int64_t seq = 0;

	if (load_head(store, event.run, &seq, head, err) < 0 ||
	    check_link(rows, seq, head, err) < 0)
		return -1;
	AUTO(json_ref) json_t *body = json_loads(event.body, JSON_ALLOW_NUL, NULL);
	if (!body)
		return broken(event.run, event.seq, err, "has a body that is not JSON");
	return project(store, &event, body, db_text(rows, 7), err);
}

int
tables_derive(struct store *store, struct err *err)
{
	int rc;

	if (schema_renew(store, err) < 0)
		return -1;
	AUTO(rows) sqlite3_stmt *rows =
		db_query(store, EVENT_COLUMNS "ORDER BY id", "");
	while ((rc = db_next(rows)) == 1)
		if (replay(store, rows, err) < 0)
			return -1;
	return rc < 0 ? db_error(store, err, "rebuild the store") : 0;
}

int
store_rebuild(struct store *store, struct err *err)
{
	if (db_begin(store, err) < 0)
		return -1;
	if (tables_derive(store, err) < 0) {
		db_abandon(store);
		return -1;
	}
	return db_commit(store, err);
}
