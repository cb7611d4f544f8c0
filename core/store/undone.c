/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs that put back what another left standing: whether one may begin, and what
 * the other is told of its end. The other has ended and is nobody's: like an answer
 * or a cancel, what it is told needs no claim on it.
 */
#include "base/base.h"

#include "store/undone.h"

/* ---- may one begin? ---- */

static int
refuse_state(const struct run_row *row, struct err *err)
{
	bool is_over = event_phase(row->state) == PHASE_ENDED;

	err_set(err, "rollback_not_applicable", "run %s is %s: %s", row->run,
		row->state,
		is_over ? "nothing of it stands" : "it has not ended yet");
	return err_remedy(err, "look at it with `fettle show %s`", row->run);
}

/* A rollback is not rolled back: who wants the repair again orders it again. */
static int
refuse_rollback(const struct run_row *row, struct err *err)
{
	bool is_done = str_eq(row->state, "succeeded");

	err_set(err, "rollback_not_applicable",
		"run %s is itself the rollback of run %s", row->run, row->rolls_back);
	if (is_done)
		return err_remedy(err, "to repair the service again, start a new run "
				       "with `fettle run`");
	return err_remedy(err, "`fettle rollback %s` tries again", row->rolls_back);
}

/* 0 nobody has rolled it back or is about to; -1. */
static int
check_nobody(struct store *store, const char *run, char ret_by[RUN_ID_SIZE],
	     struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT run, state, state = 'succeeded' FROM runs WHERE"
		" run = (SELECT rolled_back_by FROM runs WHERE run = ?1)"
		" OR (rolls_back = ?1 AND ended_ms IS NULL) LIMIT 1",
		"t", run);
	int rc = db_next(rows);

	if (rc < 0)
		return db_error(store, err, "look for a rollback");
	if (rc == 0)
		return 0;
	const char *by = db_text(rows, 0), *state = db_text(rows, 1);
	if (sqlite3_column_int(rows, 2)) {
		err_set(err, "rollback_not_applicable",
			"run %s was rolled back by run %s: nothing of it stands", run,
			by);
		return err_remedy(err, "`fettle show %s` tells about it", by);
	}
	snprintf(ret_by, RUN_ID_SIZE, "%s", by);
	err_set(err, "workflow_conflict",
		"run %s is being rolled back by run %s, which is %s", run, by, state);
	if (str_eq(state, "awaiting_approval"))
		return err_remedy(err, "`fettle approve %s` agrees to it, `fettle "
				       "cancel %s` ends it", by, by);
	return err_remedy(err, "wait for it: `fettle logs -f %s`", by);
}

/*
 * What a later run has changed again cannot be as it was before this one without
 * undoing that. Of files only their contents can tell (engine/revert.c).
 */
static int
check_is_last(struct store *store, const char *run, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT later.run, theirs.kind, theirs.target FROM runs r"
		" JOIN standing s ON s.run = r.run AND s.undone_seq IS NULL"
		" JOIN runs later ON later.n > r.n AND later.workspace = r.workspace"
		"  AND later.service = r.service AND later.rolls_back IS NULL"
		" JOIN standing theirs ON theirs.run = later.run"
		"  AND theirs.undone_seq IS NULL AND theirs.kind = s.kind"
		"  AND theirs.target = s.target"
		" WHERE r.run = ? AND r.service <> '' AND s.kind <> 'edit'"
		" ORDER BY later.n DESC LIMIT 1",
		"t", run);
	int rc = db_next(rows);

	if (rc < 0)
		return db_error(store, err, "look for later runs");
	if (rc == 0)
		return 0;
	err_set(err, "rollback_conflict",
		"%s '%s' was changed again by run %s, which came after run %s and "
		"stands", db_text(rows, 1), db_text(rows, 2), db_text(rows, 0), run);
	return err_remedy(err, "put that back first: `fettle rollback %s`",
			  db_text(rows, 0));
}

int
store_may_undo(struct store *store, const char *run, char ret_by[RUN_ID_SIZE],
	       struct err *err)
{
	struct run_row row;

	ret_by[0] = '\0';
	if (run_row_load(store, run, &row, err) < 0)
		return -1;
	if (row.rolls_back[0])
		return refuse_rollback(&row, err);
	if (check_nobody(store, run, ret_by, err) < 0)
		return -1;
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT 1 FROM standing WHERE run = ? AND undone_seq IS NULL LIMIT 1",
		"t", run);
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "read what stands");
	if (rc == 1 && (str_eq(row.state, "succeeded") || str_eq(row.state, "failed")))
		return check_is_last(store, run, err);
	return refuse_state(&row, err);
}

/* ---- its end ---- */

/* What it had of the other, in ret_has, and the numbers of what it put back. */
static json_t *
load_undone(struct store *store, const char *run, bool *ret_has, struct err *err)
{
	AUTO(json_ref) json_t *effects = json_array();
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT n, undone_seq IS NOT NULL FROM standing WHERE run = ?"
		" ORDER BY n",
		"t", run);
	int rc;

	*ret_has = false;
	while ((rc = db_next(rows)) == 1) {
		*ret_has = true;
		if (sqlite3_column_int(rows, 1))
			json_array_append_new(
				effects, json_integer(sqlite3_column_int64(rows, 0)));
	}
	if (rc < 0) {
		db_error(store, err, "read what was put back");
		return NULL;
	}
	return STEAL(effects);
}

int
undone_append(struct store *store, const struct run_row *row, const char *state,
	      struct err *err)
{
	const struct event_kind *kind = event_find("run.undone");
	struct run_row other;
	bool has_begun;
	AUTO(json_ref)
	json_t *effects = load_undone(store, row->run, &has_begun, err);

	if (!effects || !has_begun)
		return effects ? 0 : -1;
	AUTO(json_ref) json_t *body = json_pack("{s:s, s:s, s:O}", "by", row->run,
						"state", state, "effects", effects);
	if (append_check(kind, "engine", body, err) < 0 ||
	    run_row_load(store, row->rolls_back, &other, err) < 0 ||
	    transition_check(store, &other, kind, body, err) < 0)
		return -1;
	return append_event(store, &other, "engine", kind->name, body, err);
}
