/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One SQLite connection: pragmas, cached statements, transactions. */
#include "base/base.h"

#include "store/db.h"

#include <assert.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/listen.h"
#include "store/logfile.h"

#define BUSY_MAX_MS 10000

/* xorshift64: the waits need to differ between processes, nothing more. */
static uint64_t
jitter_next(struct store *store)
{
	uint64_t x = store->jitter;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return store->jitter = x;
}

/*
 * SQLite's own handler sleeps longer and longer, so that who has waited longest
 * asks least often and starves. This one keeps asking every few milliseconds.
 */
static int
busy_wait(void *self, int count)
{
	struct store *store = self;
	int64_t now = clock_boot_ms();
	if (count == 0)
		store->busy_until_ms = now + BUSY_MAX_MS;
	else if (now >= store->busy_until_ms)
		return 0;

	uint64_t max_us = count < 10 ? 500 : 4000;
	uint64_t us = 100 + jitter_next(store) % max_us;
	nanosleep(&(struct timespec){ .tv_nsec = (long)us * 1000 }, NULL);
	return 1;
}

int
db_error(const struct store *store, struct err *err, const char *doing)
{
	const char *why = store->db ? sqlite3_errmsg(store->db) : "out of memory";
	switch (store->db ? sqlite3_errcode(store->db) & 0xff : SQLITE_NOMEM) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(err, "store_unavailable",
			"%s: another process has been writing to '%s' for %d s",
			doing, store->dir, BUSY_MAX_MS / 1000);
		return err_remedy(err, "end the process that holds '%s/fettle.db', "
				  "then try again", store->dir);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		err_set(err, "store.corrupt", "%s: '%s/fettle.db': %s", doing,
			store->dir, why);
		return err_remedy(err,
				  "put a backup in its place, or move the file away "
				  "to start with an empty store");
	case SQLITE_CONSTRAINT:
		err_set(err, "store.transition", "%s: the store refuses it: %s", doing,
			why);
		return err_remedy(err, "this is a defect of Fettle: please report it");
	case SQLITE_FULL:
		err_set(err, "store_unavailable",
			"%s: no space is left for '%s/fettle.db'", doing, store->dir);
		return err_remedy(err, "free space on the file system of '%s'",
				  store->dir);
	default:
		err_set(err, "store_unavailable", "%s: '%s/fettle.db': %s", doing,
			store->dir, why);
		return err_remedy(err,
				  "make '%s' a directory of a local disk that you may "
				  "write, or name another with --state-dir",
				  store->dir);
	}
}

int
db_script(struct store *store, const char *sql, struct err *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return db_error(store, err, "prepare the store");
}

int64_t
db_number(struct store *store, const char *sql)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(store, sql, "");
	return db_next(rows) == 1 ? sqlite3_column_int64(rows, 0) : -1;
}

/* 1 the database has a write-ahead log, 0 not, -1 unknown. */
static int
journal(struct store *store, const char *sql)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(store, sql, "");
	return db_next(rows) == 1 ? str_eq(db_text(rows, 0), "wal") : -1;
}

/* What is empty needs no syncing yet: db_make_durable does it once, at the end. */
static int
set_journal(struct store *store, struct err *err)
{
	int rc = journal(store, "PRAGMA journal_mode");
	if (rc == 0 && store->mode == STORE_WRITE) {
		if (db_script(store, "PRAGMA synchronous = OFF", err) < 0)
			return -1;
		rc = journal(store, "PRAGMA journal_mode = WAL");
	}
	if (rc < 0)
		return db_error(store, err, "open the store");
	if (rc == 0 && store->mode == STORE_WRITE)
		return err_set(err, "store_unavailable",
			       "open the store in '%s': its file system allows no "
			       "write-ahead log",
			       store->dir);
	return 0;
}

/*
 * Who ends last moves all that is in the log into the file, and leaves the log
 * there, empty: to remove it and make it again costs more than a commit. (Never
 * with something in it: it would be laid over a backup that is put in the place
 * of the file.)
 */
int
db_make_durable(struct store *store, struct err *err)
{
	if (db_script(
		    store,
		    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
		    "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216;"
		    "PRAGMA cache_size = -512",
		    err) < 0)
		return -1;
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &(int){ 1 });
	if (db_number(store, "PRAGMA synchronous") == 2 &&
	    db_number(store, "PRAGMA foreign_keys") == 1)
		return 0;
	return err_set(err, "store_unavailable",
		       "open the store in '%s': this SQLite %s neither promises "
		       "durable commits nor foreign keys",
		       store->dir, sqlite3_libversion());
}

int
db_sync(struct store *store, struct err *err)
{
	sqlite3_file *file = NULL;

	/* Not by a descriptor of our own: closing it would drop SQLite's locks. */
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (file && file->pMethods &&
	    file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) == SQLITE_OK)
		return 0;
	return err_set(err, "store_unavailable", "sync '%s/fettle.db'", store->dir);
}

/*
 * Once a process, before its first connection; later calls do nothing. There are
 * no threads, and nobody asks how much memory SQLite has: both cost a good part
 * of compiling a statement.
 */
static void
configure(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int
db_open(struct store *store, const char *file, struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX |
		    (store->mode == STORE_WRITE ? SQLITE_OPEN_READWRITE :
						  SQLITE_OPEN_READONLY);

	configure();
	store->jitter = ((uint64_t)clock_boot_ms() << 20 ^ (uint64_t)getpid()) | 1;
	if (sqlite3_open_v2(file, &store->db, flags, logfile_vfs()) != SQLITE_OK) {
		db_error(store, err, "open the store");
		db_close(store);
		return -1;
	}
	sqlite3_extended_result_codes(store->db, 0);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 512, 256);
	sqlite3_busy_handler(store->db, busy_wait, store);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (set_journal(store, err) < 0) {
		db_close(store);
		return -1;
	}
	return 0;
}

void
db_close(struct store *store)
{
	for (size_t i = 0; i < store->statement_count; i++)
		sqlite3_finalize(store->statements[i].stmt);
	free(store->statements);
	store->statements = NULL;
	store->statement_count = 0;
	/* A transaction that is still open is undone by this. */
	int rc = sqlite3_close(store->db);
	assert(rc == SQLITE_OK);
	store->db = NULL;
}

static sqlite3_stmt *
prepare(struct store *store, const char *sql)
{
	for (size_t i = 0; i < store->statement_count; i++)
		if (store->statements[i].sql == sql)
			return store->statements[i].stmt;

	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt,
			       NULL) != SQLITE_OK)
		return NULL;
	size_t n = store->statement_count;
	if (n % 16 == 0)
		store->statements = x_realloc(store->statements, n + 16,
					      sizeof(*store->statements));
	store->statements[store->statement_count++] = (struct statement){ sql, stmt };
	return stmt;
}

static int
bind_json(sqlite3_stmt *stmt, int i, const json_t *json)
{
	if (!json || json_is_null(json))
		return sqlite3_bind_null(stmt, i);
	return sqlite3_bind_text(stmt, i, json_canonical(json), -1, free);
}

sqlite3_stmt *
db_query_list(struct store *store, const char *sql, const char *types, va_list args)
{
	sqlite3_stmt *stmt = prepare(store, sql);
	if (!stmt)
		return NULL;
	sqlite3_reset(stmt);
	assert(sqlite3_bind_parameter_count(stmt) == (int)strlen(types));

	int rc = SQLITE_OK;
	for (int i = 1; types[i - 1] && rc == SQLITE_OK; i++) {
		switch (types[i - 1]) {
		case 't':
			rc = sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1,
					       SQLITE_STATIC);
			break;
		case 'i':
			rc = sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
			break;
		case 'j':
			rc = bind_json(stmt, i, va_arg(args, const json_t *));
			break;
		default:
			assert(!"a letter of types is t, i or j");
		}
	}
	return rc == SQLITE_OK ? stmt : NULL;
}

sqlite3_stmt *
db_query(struct store *store, const char *sql, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = db_query_list(store, sql, types, args);
	va_end(args);
	return stmt;
}

void
rows_done(sqlite3_stmt **stmt)
{
	if (*stmt)
		sqlite3_reset(*stmt);
	*stmt = NULL;
}

int
db_next(sqlite3_stmt *stmt)
{
	switch (stmt ? sqlite3_step(stmt) : SQLITE_ERROR) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return -1;
	}
}

const char *
db_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);
	return text ? (const char *)text : "";
}

int
db_run(struct store *store, struct err *err, const char *sql, const char *types, ...)
{
	if (store->is_rehearsing) {
		(void)prepare(store, sql);
		return 0;
	}
	va_list args;
	va_start(args, types);
	sqlite3_stmt *stmt = db_query_list(store, sql, types, args);
	va_end(args);

	int rc;
	while ((rc = db_next(stmt)) == 1)
		;
	if (rc < 0)
		db_error(store, err, "write to the store");
	if (stmt)
		sqlite3_reset(stmt);
	return rc;
}

int
db_begin(struct store *store, struct err *err)
{
	if (store->in_transaction)
		return 0;
	return db_run(store, err, "BEGIN IMMEDIATE", "");
}

int
db_commit(struct store *store, struct err *err)
{
	if (store->in_transaction)
		return 0;
	if (db_run(store, err, "COMMIT", "") == 0) {
		listen_tell(store);
		return 0;
	}
	db_abandon(store);
	return -1;
}

void
db_abandon(struct store *store)
{
	struct err ignored;

	store->is_spoiled = store->in_transaction;
	if (!store->in_transaction)
		listen_forget(store);
	if (store->in_transaction || sqlite3_get_autocommit(store->db))
		return;
	(void)db_run(store, &ignored, "ROLLBACK", "");	/* what fails, close undoes */
}
