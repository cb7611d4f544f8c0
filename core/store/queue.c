/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which queued run is next. High priority before normal, then first come first
 * served; of one service one at a time, in that order, and a service that is
 * busy keeps nobody else waiting.
 */
#include "base/base.h"

#include "store/claim.h"
#include "store/site.h"

/*
 * A service is busy while a run holds its lock or waits for it, and while a run
 * for it was taken that has not come so far yet. The lock's name is the engine's
 * (run_lock_name).
 */
static const char next[] =
	"SELECT run FROM runs r WHERE state = 'pending' AND owner IS NULL"
	" AND (coalesce(service, '') = '' OR (NOT EXISTS (SELECT 1 FROM locks"
	"   WHERE name = r.workspace || ':' || r.service)"
	"  AND NOT EXISTS (SELECT 1 FROM runs o WHERE o.service = r.service"
	"   AND o.workspace = r.workspace AND o.owner IS NOT NULL"
	"   AND o.due_ms IS NULL"
	"   AND o.state IN ('pending', 'running', 'rolling_back'))))"
	" ORDER BY priority DESC, n LIMIT 1";

/* 1 and the run, 0 none may begin now, -1. */
static int
find_next(struct store *store, char ret_run[RUN_ID_SIZE], struct err *err)
{
	int rc = site_is_paused(store, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	AUTO(rows) sqlite3_stmt *rows = db_query(store, next, "");
	rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "look for the next run");
	if (rc == 1)
		snprintf(ret_run, RUN_ID_SIZE, "%s", db_text(rows, 0));
	return rc;
}

int
store_take(struct store *store, const char *owner, const char *worker,
	   struct store_claim *ret, int *ret_lock_fd, struct err *err)
{
	char run[RUN_ID_SIZE];

	/* Those who find nothing do not keep the writers waiting. */
	int rc = find_next(store, run, err);
	if (rc <= 0)
		return rc;
	if (store_begin(store, err) < 0)
		return -1;
	rc = find_next(store, run, err);
	if (rc == 1 &&
	    claim_run(store, run, owner, worker, ret, ret_lock_fd, err) < 0)
		rc = str_eq(err->code, "run.busy") ? 0 : -1;
	if (rc <= 0) {
		store_rollback(store);
		return rc;
	}
	return store_commit(store, err) < 0 ? -1 : 1;
}

int64_t
store_queued(struct store *store)
{
	return db_number(store, "SELECT count(*) FROM runs"
				" WHERE state = 'pending' AND owner IS NULL");
}
