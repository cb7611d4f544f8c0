/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking for the end of a run that somebody else has: an event from outside.
 * It needs no claim and takes none away: it only goes between two events of
 * whoever works on the run, who looks for it.
 */
#include "base/base.h"

#include "store/append.h"

static int
refuse_ended(const struct run_row *row, struct err *err)
{
	err_set(err, "workflow_conflict",
		"run '%s' has ended (%s): nothing is left to cancel", row->run,
		row->state);
	return err_remedy(err,
			  "`fettle show %s` tells how, `fettle rollback %s` puts "
			  "back what still stands of it",
			  row->run, row->run);
}

/* Was it asked for before? 1, 0, -1. */
static int
is_asked(struct store *store, const char *run, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows =
		db_query(store, "SELECT cancel_by IS NOT NULL FROM runs WHERE run = ?",
			 "t", run);
	if (db_next(rows) != 1)
		return db_error(store, err, "read the run");
	return sqlite3_column_int(rows, 0);
}

static int
ask(struct store *store, const char *run, const char *actor, const json_t *body,
    enum cancelling *ret, struct err *err)
{
	struct run_row row;

	if (run_row_load(store, run, &row, err) < 0)
		return -1;
	enum phase phase = event_phase(row.state);
	if (phase == PHASE_ENDED)
		return refuse_ended(&row, err);
	int was_asked = is_asked(store, run, err);
	if (was_asked < 0)
		return -1;
	*ret = phase == PHASE_UNWINDING ? CANCELLING_LATE :
	       was_asked		? CANCELLING_AGAIN :
					  CANCELLING_NOW;
	if (*ret != CANCELLING_NOW)
		return 0;
	return append_event(store, &row, actor, "run.cancel", body, err);
}

int
store_cancel(struct store *store, const char *run, const char *actor,
	     const char *reason, enum cancelling *ret, struct err *err)
{
	AUTO(json_ref) json_t *body =
		json_pack("{s:s, s:s*}", "by", actor, "reason", reason);
	enum cancelling cancelling;

	if (append_check(event_find("run.cancel"), actor, body, err) < 0 ||
	    db_begin(store, err) < 0)
		return -1;
	if (ask(store, run, actor, body, &cancelling, err) < 0) {
		db_abandon(store);
		return -1;
	}
	if (db_commit(store, err) < 0)
		return -1;
	*ret = cancelling;
	return 0;
}
