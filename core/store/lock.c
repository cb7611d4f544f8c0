/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Named locks (a service's): at most one run holds one, those who ask meanwhile
 * get it in the order of asking. Both the holding and the waiting are events,
 * so that everybody sees them and a rebuilt store knows them.
 */
#include "base/base.h"

#include "store/append.h"
#include "store/claim.h"

/* A row of the table. */
struct lock_row {
	char run[RUN_ID_SIZE];
	bool is_held;
	bool is_working;	/* its run may have changed something */
};

/*
 * The n-th to hold the lock or to wait for it: the holder, then the waiting by
 * ticket. 1, 0 when there are fewer, -1.
 */
static int
load_nth(struct store *store, const char *name, int64_t n, struct lock_row *ret,
	 struct err *err)
{
	AUTO(rows)
	sqlite3_stmt *rows = db_query(
		store,
		"SELECT l.run, l.held, r.state, r.due_ms IS NOT NULL FROM locks l JOIN "
		"runs r USING (run)"
		" WHERE l.name = ? ORDER BY l.held DESC, l.ticket LIMIT 1 OFFSET ?",
		"ti", name, n);
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "read the lock");
	if (rc == 0)
		return 0;
	snprintf(ret->run, sizeof(ret->run), "%s", db_text(rows, 0));
	ret->is_held = sqlite3_column_int(rows, 1);
	ret->is_working = event_phase(db_text(rows, 2)) &
			  (PHASE_RUNNING | PHASE_UNWINDING | PHASE_AWAITING) ||
			  sqlite3_column_int(rows, 3);
	return 1;
}

/*
 * Who is before us: 1 and its id, 0 nobody, -1. A holder that may have changed
 * something counts though its process is dead: it must be unwound first. One
 * that never began, and one that waits, counts while its process lives.
 */
static int
find_before(struct store *store, const char *run, const char *name,
	    struct lock_row *ret, struct err *err)
{
	for (int64_t n = 0;; n++) {
		int rc = load_nth(store, name, n, ret, err);
		if (rc <= 0)
			return rc;
		if (str_eq(ret->run, run)) {
			/* Ours, or our turn. */
			return 0;
		}
		if (ret->is_held && ret->is_working)
			return 1;
		rc = claim_is_alive(store, ret->run, err);
		if (rc != 0)
			return rc;
	}
}

/* Our row: 1 held, 0 waiting (then *ret_ticket is ours), 2 none, -1. */
enum own_row { OWN_ERROR = -1, OWN_WAITING, OWN_HELD, OWN_NONE };

static enum own_row
find_own(struct store *store, const char *run, const char *name, int64_t *ret_ticket,
	 struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows =
		db_query(store,
			 "SELECT held, ticket FROM locks WHERE name = ? AND run = ?",
			 "tt", name, run);
	int rc = db_next(rows);
	if (rc < 0)
		db_error(store, err, "read the lock");
	if (rc <= 0)
		return rc < 0 ? OWN_ERROR : OWN_NONE;
	*ret_ticket = sqlite3_column_int64(rows, 1);
	return sqlite3_column_int(rows, 0) ? OWN_HELD : OWN_WAITING;
}

static int64_t
next_ticket(struct store *store, const char *name)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store, "SELECT coalesce(max(ticket), 0) + 1 FROM locks WHERE name = ?",
		"t", name);
	return db_next(rows) == 1 ? sqlite3_column_int64(rows, 0) : -1;
}

/* 1, or -1. */
static int
append_lock(struct store *store, struct run_row *row, const char *kind,
	    const char *name, int64_t ticket, struct err *err)
{
	if (ticket < 0)
		return db_error(store, err, "read the lock");
	json_t *body =
		json_pack("{s:s, s:I}", "name", name, "ticket", (json_int_t)ticket);
	if (!body)
		return err_set(err, "store.body", "lock a name that is not UTF-8");
	int rc = append_event(store, row, "engine", kind, body, err);
	json_decref(body);
	return rc < 0 ? -1 : 1;
}

static int
lock(struct store *store, const struct store_claim *claim, const char *name,
     char ret_holder[RUN_ID_SIZE], struct err *err)
{
	struct run_row row;
	struct lock_row before;
	int64_t ticket = 0;

	if (append_begin(store, claim, &row, err) < 0)
		return -1;
	if (row.ended_epoch && row.epoch == row.ended_epoch)
		return err_set(err, "store.transition",
			       "lock '%s' for run '%s': the run is %s", name, row.run,
			       row.state);
	enum own_row own = find_own(store, row.run, name, &ticket, err);
	if (own == OWN_ERROR)
		return -1;
	if (own == OWN_HELD)
		return 1;
	if (own == OWN_NONE)
		ticket = next_ticket(store, name);

	int rc = find_before(store, row.run, name, &before, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return append_lock(store, &row, "run.locked", name, ticket, err);
	if (own == OWN_NONE &&
	    append_lock(store, &row, "run.waiting", name, ticket, err) < 0)
		return -1;
	memcpy(ret_holder, before.run, RUN_ID_SIZE);
	return 0;
}

int
store_lock(struct store *store, const struct store_claim *claim, const char *name,
	   char ret_holder[RUN_ID_SIZE], struct err *err)
{
	char holder[RUN_ID_SIZE] = "";

	if (db_begin(store, err) < 0)
		return -1;
	int rc = lock(store, claim, name, holder, err);
	if (rc < 0) {
		db_abandon(store);
		return -1;
	}
	if (db_commit(store, err) < 0)
		return -1;
	if (rc == 0)
		memcpy(ret_holder, holder, RUN_ID_SIZE);
	return rc;
}
