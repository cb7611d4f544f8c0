/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a store is, and whether all of it can be proved. See admin.h. */
#include "base/base.h"

#include "store/admin.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sha256.h"
#include "store/blob.h"
#include "store/event.h"
#include "store/shelf.h"

#define PROBLEMS_MAX 100

static int64_t
file_bytes(const struct store *store, const char *name)
{
	AUTO_FREE char *path = path_join(store->dir, name);
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* `ok`, or the first thing SQLite finds wrong. Caller owns. */
static char *
integrity(struct store *store, const char *sql)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(store, sql, "");

	return x_strdup(db_next(rows) == 1 ? db_text(rows, 0) :
					     "it cannot be checked");
}

static json_t *
count_states(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *states = json_object();
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store, "SELECT state, count(*) FROM runs GROUP BY state", "");
	int rc;

	while ((rc = db_next(rows)) == 1)
		json_object_set_new(states, db_text(rows, 0),
				    json_integer(sqlite3_column_int64(rows, 1)));
	if (rc < 0) {
		db_error(store, err, "count the runs");
		return NULL;
	}
	return STEAL(states);
}

static json_t *
sum_to_json(const struct store *store, const char *name, struct err *err)
{
	AUTO_FREE char *root = path_join(store->dir, name);
	struct shelf_sum sum;

	if (shelf_count(root, &sum, err) < 0)
		return NULL;
	return json_pack("{s:I, s:I}", "count", (json_int_t)sum.count, "bytes",
			 (json_int_t)sum.bytes);
}

json_t *
store_status(struct store *store, struct err *err)
{
	static const struct {
		const char *name, *sql;
	} numbers[] = {
		{ "schema", "PRAGMA user_version" },
		{ "events", "SELECT count(*) FROM events" },
		{ "unfinished",
		  "SELECT count(*) FROM runs WHERE state IN ('pending', 'running',"
		  " 'rolling_back', 'awaiting_approval')" },
		{ "standing",
		  "SELECT count(*) FROM standing WHERE undone_seq IS NULL" },
		{ "oldest_ms", "SELECT coalesce(min(queued_ms), 0) FROM runs" },
		{ "newest_ms", "SELECT coalesce(max(queued_ms), 0) FROM runs" },
	};
	AUTO(json_ref) json_t *status = json_object();
	AUTO(json_ref) json_t *runs = count_states(store, err);
	AUTO(json_ref) json_t *blobs = runs ? sum_to_json(store, "blobs", err) : NULL;
	AUTO(json_ref)
	json_t *artifacts = blobs ? sum_to_json(store, "runs", err) : NULL;
	AUTO_FREE char *state = NULL;

	if (!artifacts)
		return NULL;
	json_object_set_new(status, "state_dir",
			    json_string_lossy(store->dir, strlen(store->dir)));
	json_object_set_new(status, "sqlite", json_string(sqlite3_libversion()));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_object_set_new(status, numbers[i].name,
				    json_integer(db_number(store, numbers[i].sql)));
	json_object_set_new(status, "database_bytes",
			    json_integer(file_bytes(store, "fettle.db")));
	json_object_set_new(status, "log_bytes",
			    json_integer(file_bytes(store, "fettle.db-wal")));
	json_object_set(status, "runs", runs);
	json_object_set(status, "blobs", blobs);
	json_object_set(status, "artifacts", artifacts);
	state = integrity(store, "PRAGMA quick_check(1)");
	json_object_set_new(status, "integrity", json_string(state));
	return STEAL(status);
}

/* ---- proving ------------------------------------------------------------ */

static void PRINTF_LIKE(4, 5)
	add_problem(json_t *problems, const char *run, const char *code,
		    const char *fmt, ...)
{
	json_t *problem;
	va_list args;

	va_start(args, fmt);
	AUTO_FREE char *text = x_vasprintf(fmt, args);
	va_end(args);
	if (json_array_size(problems) >= PROBLEMS_MAX)
		return;
	problem = json_pack("{s:s, s:o}", "code", code, "text",
			    json_string_lossy(text, strlen(text)));
	if (run)
		json_object_set_new(problem, "run", json_string(run));
	json_array_append_new(problems, problem);
}

/* Every chain there are events of, also of runs that lost their row. */
static int
prove_chains(struct store *store, json_t *problems, int64_t *ret_runs, struct err *err)
{
	AUTO(strv) struct strv runs = STRV_INIT;
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store, "SELECT run FROM events UNION SELECT run FROM runs", "");
	struct err why;
	int rc;

	while ((rc = db_next(rows)) == 1)
		strv_add(&runs, db_text(rows, 0));
	if (rc < 0)
		return db_error(store, err, "list the runs");
	for (size_t i = 0; i < runs.count; i++)
		if (store_verify(store, runs.v[i], &why) < 0)
			add_problem(problems, runs.v[i], why.code, "%s", why.text);
	*ret_runs = db_number(store, "SELECT count(*) FROM runs");
	return 0;
}

static int
prove_blobs(struct store *store, json_t *problems, int64_t *ret_blobs, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	struct err why;

	if (blob_needed(store, INT64_MAX, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *bytes = NULL;

		if (store_blob_get(store, names.v[i], &bytes, NULL, &why) < 0)
			add_problem(problems, NULL, why.code, "%s", why.text);
	}
	*ret_blobs = (int64_t)names.count;
	return 0;
}

/* One that is gone was collected, or told as missing; one that differs was changed. */
static int
prove_artifacts(struct store *store, json_t *problems, int64_t *ret_artifacts,
		struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT run, path, sha256 FROM artifacts"
		" WHERE missing = 0 AND path IS NOT NULL ORDER BY run, n",
		"");
	int64_t count = 0;
	int rc;

	while ((rc = db_next(rows)) == 1) {
		const char *run = db_text(rows, 0), *name = db_text(rows, 1);
		AUTO_FREE char *path =
			x_asprintf("%s/runs/%s/%s", store->dir, run, name);
		AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		char sha256[SHA256_HEX_SIZE];
		struct err why;

		if (fd < 0)
			continue;
		count++;
		if (sha256_fd(fd, sha256, NULL, &why) < 0)
			add_problem(problems, run, why.code, "%s", why.text);
		else if (!str_eq(sha256, db_text(rows, 2)))
			add_problem(problems, run, "artifact.changed",
				    "artifact '%s' of run '%s' is not what was stored: "
				    "its bytes hash to %s",
				    name, run, sha256);
	}
	*ret_artifacts = count;
	return rc < 0 ? db_error(store, err, "list the artifacts") : 0;
}

json_t *
store_check(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *problems = json_array();
	int64_t runs = 0, blobs = 0, artifacts = 0;
	AUTO_FREE char *state = integrity(store, "PRAGMA integrity_check(1)");

	if (!str_eq(state, "ok"))
		add_problem(problems, NULL, "store.corrupt", "'%s/fettle.db': %s",
			    store->dir, state);
	if (prove_chains(store, problems, &runs, err) < 0 ||
	    prove_blobs(store, problems, &blobs, err) < 0 ||
	    prove_artifacts(store, problems, &artifacts, err) < 0)
		return NULL;
	return json_pack("{s:b, s:I, s:I, s:I, s:O}", "ok",
			 json_array_size(problems) == 0, "runs", (json_int_t)runs,
			 "blobs", (json_int_t)blobs, "artifacts", (json_int_t)artifacts,
			 "problems", problems);
}
