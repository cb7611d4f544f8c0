/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store's own view of SQLite: one connection, its statements prepared once
 * and kept, transactions that wait fairly for the one writer. Knows nothing of
 * runs and events.
 */
#ifndef FETTLE_STORE_DB_H
#define FETTLE_STORE_DB_H

#include <sqlite3.h>
#include <stdarg.h>

#include "base/ed25519.h"
#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

struct statement {
	const char *sql;	/* a literal: the same text is the same statement */
	sqlite3_stmt *stmt;
};

/* Who signs the next checkpoint, when that was looked up ahead (store_rehearse). */
struct signer {
	bool is_known;
	struct ed25519_secret secret;
	struct ed25519_public public;
};

struct store {
	sqlite3 *db;
	char *dir;		/* the state directory */
	enum store_mode mode;
	bool in_transaction;	/* the caller's, from store_begin */
	bool is_rehearsing;	/* statements are compiled, none is run */
	struct signer signer;
	bool is_spoiled;	/* an append in it failed: it cannot be committed */
	int64_t busy_until_ms;	/* when waiting for the writer ends */
	uint64_t jitter;	/* state of the generator of waiting times */
	struct statement *statements;
	size_t statement_count;
	struct store_listener listener;
	json_t *unheard;	/* events of the open transaction; NULL: none */
};

/* Opens the file, gives it a write-ahead log. 0, or -1 and db closed. */
int db_open(struct store *store, const char *file, struct err *err);
/*
 * Every commit from now on survives a power cut, and foreign keys hold. A refused
 * pragma is no error to SQLite, so each is read back: a store that only believes
 * it is durable is worse than none.
 */
int db_make_durable(struct store *store, struct err *err);
/* Syncs the database file itself; its log is synced by commits. */
int db_sync(struct store *store, struct err *err);
void db_close(struct store *store);

/* Fills err from what the connection last reported, puts `doing: ` in front. */
int db_error(const struct store *store, struct err *err, const char *doing);
/* One or many statements without parameters; their rows are dropped. */
int db_script(struct store *store, const char *sql, struct err *err);
/* One integer of a query without parameters, or -1. */
int64_t db_number(struct store *store, const char *sql);

/*
 * A cached statement, ready to be stepped, with a value for each letter of
 * `types`: t const char * (or NULL), i int64_t, j const json_t * as canonical
 * text (NULL, and JSON null, is NULL). Text is borrowed until the statement is
 * reset. NULL on failure (db_error says why).
 *
 * AUTO(rows) sqlite3_stmt *rows = db_query(...); resets it, which a reader
 * must: rows left open hold the log back.
 */
sqlite3_stmt *db_query(struct store *store, const char *sql, const char *types, ...);
sqlite3_stmt *db_query_list(struct store *store, const char *sql, const char *types,
			    va_list args);
void rows_done(sqlite3_stmt **stmt);
/* 1 a row, 0 the end, -1 failed. stmt may be NULL: failed. */
int db_next(sqlite3_stmt *stmt);
/* Text of a column, "" for NULL; lives until the next step or reset. */
const char *db_text(sqlite3_stmt *stmt, int column);

/* Runs a changing statement to its end; parameters as db_query. */
int db_run(struct store *store, struct err *err, const char *sql, const char *types,
	   ...);

/* BEGIN IMMEDIATE, unless the caller has one open, and its end. */
int db_begin(struct store *store, struct err *err);
int db_commit(struct store *store, struct err *err);
/* Undoes; inside the caller's transaction marks it as one that cannot be committed. */
void db_abandon(struct store *store);

#endif
