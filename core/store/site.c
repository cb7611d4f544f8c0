/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pausing and resuming the site. Both are events of a chain that belongs to no
 * run, so that who did it, when and why can be proved like all else.
 */
#include "base/base.h"

#include "store/site.h"

#include "store/append.h"

int
site_is_paused(struct store *store, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store, "SELECT 1 FROM site WHERE paused_ms IS NOT NULL", "");
	int rc = db_next(rows);
	return rc < 0 ? db_error(store, err, "ask whether the site is paused") : rc;
}

int
site_append(struct store *store, const char *actor, const char *kind,
	    const json_t *body, struct err *err)
{
	struct run_row row = { .run = SITE, .head = EVENT_NO_PREV };
	AUTO(rows) sqlite3_stmt *rows =
		db_query(store, "SELECT seq, head FROM site", "");
	int rc = db_next(rows);

	if (rc < 0)
		return db_error(store, err, "read the site's events");
	if (rc == 1) {
		row.seq = sqlite3_column_int64(rows, 0);
		snprintf(row.head, sizeof(row.head), "%s", db_text(rows, 1));
	}
	rows_done(&rows);
	return append_event(store, &row, actor, kind, body, err);
}

/* 1 done, 0 it was so before, -1. */
static int
change(struct store *store, const char *actor, const char *kind, const json_t *body,
       bool to_paused, struct err *err)
{
	if (append_check(event_find(kind), actor, body, err) < 0 ||
	    db_begin(store, err) < 0)
		return -1;
	int is_paused = site_is_paused(store, err);
	bool is_so = is_paused == to_paused;
	if (is_paused < 0 ||
	    (!is_so && site_append(store, actor, kind, body, err) < 0)) {
		db_abandon(store);
		return -1;
	}
	return db_commit(store, err) < 0 ? -1 : !is_so;
}

int
store_pause(struct store *store, const char *actor, const char *reason, struct err *err)
{
	AUTO(json_ref) json_t *body = json_pack("{s:s*}", "reason", reason);
	return change(store, actor, "site.paused", body, true, err);
}

int
store_resume(struct store *store, const char *actor, struct err *err)
{
	AUTO(json_ref) json_t *body = json_object();
	return change(store, actor, "site.resumed", body, false, err);
}
