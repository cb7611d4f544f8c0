/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading: each question is one statement, and each row becomes an object with
 * the names of the statement's columns. A column named `x{}` holds JSON text
 * and becomes its value under `x`.
 */
#include "base/base.h"

#include "store/store.h"

#include <stdarg.h>

#include "store/db.h"
#include "store/run.h"

static json_t *
column_json(sqlite3_stmt *rows, int i, bool is_json)
{
	switch (sqlite3_column_type(rows, i)) {
	case SQLITE_INTEGER:
		return json_integer(sqlite3_column_int64(rows, i));
	case SQLITE_NULL:
		return json_null();
	default:
		break;
	}
	const char *text = db_text(rows, i);
	size_t n = (size_t)sqlite3_column_bytes(rows, i);
	if (!is_json)
		return json_string_lossy(text, n);
	json_t *value = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	return value ? value : json_null();
}

static json_t *
row_object(sqlite3_stmt *rows)
{
	json_t *object = json_object();
	for (int i = 0; i < sqlite3_column_count(rows); i++) {
		char name[32];
		const char *column = sqlite3_column_name(rows, i);
		size_t len = strcspn(column, "{");
		snprintf(name, sizeof(name), "%.*s", (int)len, column);
		json_object_set_new(object, name,
				    column_json(rows, i, column[len] == '{'));
	}
	return object;
}

static json_t *
rows_array(struct store *store, sqlite3_stmt *owned, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = owned;
	AUTO(json_ref) json_t *array = json_array();
	int rc;

	if (store->is_rehearsing)
		return STEAL(array);
	while ((rc = db_next(rows)) == 1)
		json_array_append_new(array, row_object(rows));
	if (rc < 0) {
		db_error(store, err, "read the store");
		return NULL;
	}
	return STEAL(array);
}

/* All rows as an array; NULL with err. Parameters as those of db_query. */
static json_t *
ask(struct store *store, struct err *err, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *rows = db_query_list(store, sql, types, args);
	va_end(args);
	return rows_array(store, rows, err);
}

/* The first row, or JSON null; NULL with err. */
static json_t *
ask_one(struct store *store, struct err *err, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *rows = db_query_list(store, sql, types, args);
	va_end(args);
	AUTO(json_ref) json_t *array = rows_array(store, rows, err);
	if (!array)
		return NULL;
	json_t *first = json_array_get(array, 0);
	return first ? json_incref(first) : json_null();
}

#define RUN_COLUMNS                                                                    \
	"SELECT run, state, code, message, remedy, step, service, instruction,"        \
	" pipeline, workspace, requested_by, queued_ms, started_ms, ended_ms, owner,"  \
	" epoch, plan_sha256, due_ms, detail AS 'detail{}', worker, crashes,"          \
	" cancel_by, cancel_reason, rolls_back, rolled_back_by,"                       \
	" iif(priority, 'high', 'normal') AS priority,"                                \
	" CASE WHEN state = 'pending' AND owner IS NULL THEN"                          \
	"  (SELECT count(*) FROM runs q WHERE q.state = 'pending'"                     \
	"   AND q.owner IS NULL AND (q.priority > r.priority"                          \
	"    OR (q.priority = r.priority AND q.n <= r.n))) END AS position"            \
	" FROM runs r "

json_t *
store_runs(struct store *store, const struct store_filter *filter, struct err *err)
{
	static const struct store_filter everything;
	if (!filter)
		filter = &everything;
	int64_t limit = filter->limit ? filter->limit : 20;
	return ask(store, err,
		   RUN_COLUMNS "WHERE (?1 IS NULL OR state = ?1)"
			       " AND (?2 IS NULL OR service = ?2)"
			       " AND (?5 IS NULL OR n < (SELECT n FROM runs"
			       "  WHERE run = ?5))"
			       " ORDER BY n DESC LIMIT ?3 OFFSET ?4",
		   "ttiit", filter->state, filter->service, limit,
		   (int64_t)filter->offset, filter->cursor);
}

json_t *
store_run(struct store *store, const char *run, struct err *err)
{
	json_t *row = ask_one(store, err, RUN_COLUMNS "WHERE run = ?", "t", run);
	if (!json_is_null(row))
		return row;
	json_decref(row);
	run_refuse_unknown(run, err);
	return NULL;
}

/* Mostly there are none: then the long statement above is not even compiled. */
static json_t *
runs_named(struct store *store, json_t *owned, struct err *err)
{
	AUTO(json_ref) json_t *names = owned;
	AUTO(json_ref) json_t *runs = json_array();
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		json_t *run = store_run(store, json_text(name, "run"), err);

		if (!run)
			return NULL;
		json_array_append_new(runs, run);
	}
	return names ? STEAL(runs) : NULL;
}

json_t *
store_unfinished(struct store *store, struct err *err)
{
	return runs_named(store,
			  ask(store, err,
			      "SELECT run FROM runs"
			      " WHERE state IN ('running', 'rolling_back')"
			      " OR (state = 'pending' AND owner IS NOT NULL"
			      "  AND due_ms IS NULL) ORDER BY n",
			      ""),
			  err);
}

json_t *
store_due(struct store *store, int64_t now_ms, struct err *err)
{
	return runs_named(
		store,
		ask(store, err,
		    "SELECT run FROM runs WHERE due_ms <= ? ORDER BY due_ms, n", "i",
		    now_ms),
		err);
}

json_t *
store_paused(struct store *store, struct err *err)
{
	return ask_one(store, err,
		       "SELECT paused_ms AS time_ms, paused_by AS 'by',"
		       " paused_reason AS reason FROM site"
		       " WHERE paused_ms IS NOT NULL", "");
}

json_t *
store_steps(struct store *store, const char *run, struct err *err)
{
	return ask(store, err,
		   "SELECT step, section, stage, state, attempt, result, why, code,"
		   " message, remedy, outputs AS 'outputs{}', started_ms, ended_ms,"
		   " duration_ms, iif(masked, 'true', 'false') AS 'masked{}'"
		   " FROM steps WHERE run = ? ORDER BY n",
		   "t", run);
}

json_t *
store_artifacts(struct store *store, const char *run, struct err *err)
{
	return ask(store, err,
		   "SELECT name, step, attempt, type, path, bytes, sha256,"
		   " iif(missing, 'true', 'false') AS 'missing{}', message, time_ms"
		   " FROM artifacts WHERE run = ? ORDER BY n",
		   "t", run);
}

json_t *
store_standing(struct store *store, const char *run, struct err *err)
{
	return ask(store, err,
		   "SELECT n, step, attempt, kind, target, body AS 'body{}'"
		   " FROM standing WHERE run = ? AND undone_seq IS NULL ORDER BY n",
		   "t", run);
}

json_t *
store_undone(struct store *store, const char *run, struct err *err)
{
	return ask(store, err,
		   "SELECT n, step, attempt, kind, target, body AS 'body{}'"
		   " FROM standing WHERE run = ? AND undone_seq IS NOT NULL ORDER BY n",
		   "t", run);
}

json_t *
store_plan(struct store *store, const char *run, struct err *err)
{
	AUTO(json_ref) json_t *row = ask_one(
		store, err,
		"SELECT body AS 'body{}' FROM events WHERE run = ?"
		" AND kind = 'run.planned' ORDER BY seq LIMIT 1",
		"t", run);
	json_t *body = json_object_get(row, "body");

	if (!row)
		return NULL;
	if (json_is_object(body)) {
		AUTO_FREE char *text = json_canonical(json_object_get(body, "plan"));

		json_object_set_new(body, "text", json_string(text));
		return json_incref(body);
	}
	err_set(err, "missing_action_plan", "run '%s' has no plan", run);
	err_remedy(err, "it ended before one was made: `fettle show %s` tells why",
		   run);
	return NULL;
}

json_t *
store_proposal(struct store *store, const char *run, const char *step, struct err *err)
{
	return ask_one(store, err,
		       "SELECT proposal AS 'proposal{}', sha256, attempt"
		       " FROM proposals WHERE run = ? AND step = ?"
		       " ORDER BY attempt DESC LIMIT 1",
		       "tt", run, step);
}

json_t *
store_events(struct store *store, const char *run, int64_t after, uint32_t limit,
	     struct err *err)
{
	return ask(store, err,
		   "SELECT seq, time_ms, kind, actor, body AS 'body{}', hash"
		   " FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",
		   "tii", run, after, limit ? (int64_t)limit : (int64_t)-1);
}

json_t *
store_events_of(struct store *store, const char *run, const char *kinds, int64_t after,
		uint32_t limit, struct err *err)
{
	return ask(store, err,
		   "SELECT seq, time_ms, kind, actor, body AS 'body{}', hash"
		   " FROM events WHERE run = ? AND seq > ?"
		   " AND instr(?, '|' || kind || '|') ORDER BY seq LIMIT ?",
		   "titi", run, after, kinds, (int64_t)limit);
}

json_t *
store_last_event(struct store *store, const char *run, const char *kind,
		 struct err *err)
{
	return ask_one(store, err,
		       "SELECT seq, time_ms, kind, actor, body AS 'body{}', hash"
		       " FROM events WHERE run = ? AND kind = ?"
		       " ORDER BY seq DESC LIMIT 1",
		       "tt", run, kind);
}

json_t *
store_description_find(struct store *store, const char *sha256)
{
	struct err ignored; /* a cache that cannot be read has nothing */
	AUTO(json_ref) json_t *row =
		ask_one(store, &ignored,
			"SELECT description AS 'description{}' FROM descriptions"
			" WHERE sha256 = ?",
			"t", sha256);
	json_t *description = json_object_get(row, "description");
	return json_is_object(description) ? json_incref(description) : NULL;
}

int
store_description_add(struct store *store, const char *sha256,
		      const json_t *description, struct err *err)
{
	return db_run(store, err,
		      "INSERT INTO descriptions (sha256, description) VALUES (?, ?)"
		      " ON CONFLICT (sha256) DO UPDATE SET"
		      " description = excluded.description",
		      "tj", sha256, description);
}
