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
	json_t *value = is_json ? json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
				: json_string_lossy(text, n);
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
		json_object_set_new(object, name, column_json(rows, i, column[len] == '{'));
	}
	return object;
}

/* All rows as an array; NULL with err. */
static json_t *
take_rows(struct store *store, sqlite3_stmt *rows, struct err *err)
{
	AUTO(rows) sqlite3_stmt *owned = rows;
	AUTO(json_ref) json_t *array = json_array();
	int rc;

	while ((rc = db_next(owned)) == 1)
		json_array_append_new(array, row_object(owned));
	if (rc < 0) {
		db_error(store, err, "read the store");
		return NULL;
	}
	return STEAL(array);
}

/* The first row, or JSON null; NULL with err. */
static json_t *
take_row(struct store *store, sqlite3_stmt *rows, struct err *err)
{
	AUTO(json_ref) json_t *array = take_rows(store, rows, err);
	if (!array)
		return NULL;
	json_t *first = json_array_get(array, 0);
	return first ? json_incref(first) : json_null();
}

#define RUN_COLUMNS                                                                     \
	"SELECT run, state, code, message, remedy, step, service, instruction, pipeline,"\
	" workspace, requested_by, queued_ms, started_ms, ended_ms, owner, epoch,"      \
	" plan_sha256, detail AS 'detail{}' FROM runs "

json_t *
store_runs(struct store *store, const struct store_filter *filter, struct err *err)
{
	static const struct store_filter everything;
	if (!filter)
		filter = &everything;
	return take_rows(store, db_query(store,
		RUN_COLUMNS "WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR service = ?2)"
		" ORDER BY n DESC LIMIT ?3 OFFSET ?4", "ttii", filter->state,
		filter->service, (int64_t)(filter->limit ? filter->limit : 20),
		(int64_t)filter->offset), err);
}

json_t *
store_unfinished(struct store *store, struct err *err)
{
	return take_rows(store, db_query(store,
		RUN_COLUMNS "WHERE state IN ('running', 'rolling_back')"
		" OR (state = 'pending' AND epoch > 0) ORDER BY n", ""), err);
}

json_t *
store_run(struct store *store, const char *run, struct err *err)
{
	json_t *row = take_row(store, db_query(store, RUN_COLUMNS "WHERE run = ?", "t", run),
			       err);
	if (!json_is_null(row))
		return row;
	json_decref(row);
	run_refuse_unknown(run, err);
	return NULL;
}

json_t *
store_steps(struct store *store, const char *run, struct err *err)
{
	return take_rows(store, db_query(store,
		"SELECT step, section, stage, state, attempt, result, why, code, message,"
		" remedy, outputs AS 'outputs{}', started_ms, ended_ms, duration_ms"
		" FROM steps WHERE run = ? ORDER BY n", "t", run), err);
}

json_t *
store_artifacts(struct store *store, const char *run, struct err *err)
{
	return take_rows(store, db_query(store,
		"SELECT name, step, attempt, type, path, bytes, sha256,"
		" iif(missing, 'true', 'false') AS 'missing{}', message, time_ms"
		" FROM artifacts WHERE run = ? ORDER BY n", "t", run), err);
}

json_t *
store_standing(struct store *store, const char *run, struct err *err)
{
	return take_rows(store, db_query(store,
		"SELECT n, step, attempt, kind, target, body AS 'body{}' FROM standing"
		" WHERE run = ? AND undone_seq IS NULL ORDER BY n", "t", run), err);
}

json_t *
store_plan(struct store *store, const char *run, struct err *err)
{
	json_t *plan = take_row(store, db_query(store,
		"SELECT plan AS 'plan{}', plan AS text, sha256 FROM plans WHERE run = ?", "t",
		run), err);
	if (!json_is_null(plan))
		return plan;
	json_decref(plan);
	err_set(err, "missing_action_plan", "run '%s' has no plan", run);
	err_remedy(err, "it ended before one was made: `fettle show %s` tells why", run);
	return NULL;
}

json_t *
store_proposal(struct store *store, const char *run, const char *step, struct err *err)
{
	return take_row(store, db_query(store,
		"SELECT proposal AS 'proposal{}', sha256, attempt FROM proposals"
		" WHERE run = ? AND step = ? ORDER BY attempt DESC LIMIT 1", "tt", run, step),
		err);
}

json_t *
store_events(struct store *store, const char *run, int64_t after, uint32_t limit,
	     struct err *err)
{
	return take_rows(store, db_query(store,
		"SELECT seq, time_ms, kind, actor, body AS 'body{}', hash FROM events"
		" WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?", "tii", run, after,
		limit ? (int64_t)limit : (int64_t)-1), err);
}

json_t *
store_description_find(struct store *store, const char *sha256)
{
	struct err ignored;	/* a cache that cannot be read has nothing */
	AUTO(json_ref) json_t *row = take_row(store, db_query(store,
		"SELECT description AS 'description{}' FROM descriptions WHERE sha256 = ?",
		"t", sha256), &ignored);
	json_t *description = json_object_get(row, "description");
	return json_is_object(description) ? json_incref(description) : NULL;
}

int
store_description_add(struct store *store, const char *sha256, const json_t *description,
		      struct err *err)
{
	return db_run(store, err,
		"INSERT INTO descriptions (sha256, description) VALUES (?, ?)"
		" ON CONFLICT (sha256) DO UPDATE SET description = excluded.description",
		"tj", sha256, description);
}
