/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a run's own row and its locks. See project.h. */
#include "base/base.h"

#include "store/project.h"

static int
run_queued(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	return db_run(
		store, err,
		"INSERT INTO runs (run, state, service, instruction, pipeline,"
		" workspace, requested_by, rolls_back, priority, queued_ms, crashes,"
		" epoch, seq, head)"
		" VALUES (?, 'pending', ?, ?, ?, ?, ?, ?, coalesce(? = 'high', 0), ?,"
		" 0, 0, 0, '')",
		"tttttttti", event->run, project_text(body, "service"),
		project_text(body, "instruction"), project_text(body, "pipeline"),
		project_text(body, "workspace"), project_text(body, "requested_by"),
		project_text(body, "rolls_back"), project_text(body, "priority"),
		event->time_ms);
}

static int
run_claimed(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	/* Claimed again without an end or a wait in between: whoever had it died. */
	return db_run(store, err,
		      "UPDATE runs SET crashes = crashes + (owner IS NOT NULL"
		      "  AND due_ms IS NULL"
		      "  AND state IN ('pending', 'running', 'rolling_back')),"
		      " owner = ?, worker = ?, epoch = ? WHERE run = ?",
		      "ttit", project_text(body, "owner"), project_text(body, "worker"),
		      json_int_or(body, "epoch", 0), event->run);
}

/* Back to the queue, at its old place; its claimant wants nothing more of it. */
static int
run_released(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	if (db_run(store, err,
		   "UPDATE runs SET owner = NULL, worker = NULL,"
		   " service = coalesce(?, service) WHERE run = ?",
		   "tt", project_text(body, "service"), event->run) < 0)
		return -1;
	return db_run(store, err, "DELETE FROM locks WHERE run = ?", "t", event->run);
}

static int
run_cancel(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	return db_run(store, err,
		      "UPDATE runs SET cancel_by = ?1, cancel_reason = ?2,"
		      /* Nobody is at it while it waits: somebody has to look now. */
		      " due_ms = min(due_ms, ?3) WHERE run = ?4",
		      "ttit", project_text(body, "by"), project_text(body, "reason"),
		      event->time_ms, event->run);
}

/* Who held it has ended, or never began and is dead: see store_lock. */
static int
run_locked(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	if (db_run(store, err,
		   "DELETE FROM locks WHERE name = ? AND (held = 1 OR run = ?)", "tt",
		   project_text(body, "name"), event->run) < 0)
		return -1;
	return db_run(store, err,
		      "INSERT INTO locks (name, run, ticket, held) VALUES (?, ?, ?, 1)",
		      "tti", project_text(body, "name"), event->run,
		      json_int_or(body, "ticket", 0));
}

static int
run_waiting(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	return db_run(store, err,
		      "INSERT INTO locks (name, run, ticket, held) VALUES (?, ?, ?, 0)",
		      "tti", project_text(body, "name"), event->run,
		      json_int_or(body, "ticket", 0));
}

/* Given away while the run waits with nothing changed. */
static int
run_unlocked(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	return db_run(store, err, "DELETE FROM locks WHERE name = ? AND run = ?", "tt",
		      project_text(body, "name"), event->run);
}

static int
run_planned(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	/* Of a queued run only the plan knows the service for sure. */
	return db_run(store, err,
		      "UPDATE runs SET plan_sha256 = ?,"
		      " service = coalesce(?, service) WHERE run = ?",
		      "ttt", project_text(body, "sha256"),
		      project_text(project_member(body, "plan"), "service"),
		      event->run);
}

static int
run_state(struct store *store, const struct event *event, const json_t *body,
	  struct err *err)
{
	return db_run(
		store, err,
		"UPDATE runs SET state = ?1, code = ?2, message = ?3, remedy = NULL,"
		" step = ?6, due_ms = ?7,"
		" ended_ms = NULL, ended_epoch = NULL, started_ms = CASE ?1"
		"  WHEN 'running' THEN coalesce(started_ms, ?4) ELSE started_ms END"
		" WHERE run = ?5",
		"tttittj", project_text(body, "state"), project_text(body, "code"),
		project_text(body, "message"), event->time_ms, event->run,
		project_text(body, "step"), project_member(body, "due_ms"));
}

/* Steps that nobody will end any more do not stay open, and locks not held. */
static int
run_ended(struct store *store, const struct event *event, const json_t *body,
	  struct err *err)
{
	if (db_run(store, err,
		   "UPDATE runs SET state = ?, code = ?, message = ?, remedy = ?,"
		   " step = ?, detail = ?, ended_ms = ?, ended_epoch = epoch,"
		   " due_ms = NULL, crashes = 0, cancel_by = NULL, cancel_reason = NULL"
		   " WHERE run = ?",
		   "tttttjit", project_text(body, "state"), project_text(body, "code"),
		   project_text(body, "message"), project_text(body, "remedy"),
		   project_text(body, "step"), project_member(body, "detail"),
		   event->time_ms, event->run) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE steps SET ended_ms = ?, state = CASE state"
		   " WHEN 'in_progress' THEN 'interrupted' ELSE 'cancelled' END"
		   " WHERE run = ? AND state IN ('pending', 'in_progress',"
		   " 'awaiting_approval')", "it", event->time_ms, event->run) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE attempts SET ended_ms = ?, state = 'interrupted'"
		   " WHERE run = ? AND ended_ms IS NULL", "it", event->time_ms,
		   event->run) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE holds SET state = 'voided' WHERE run = ? AND state = 'open'",
		   "t", event->run) < 0)
		return -1;
	/* What it was to put back and did not stands, of the run it came from. */
	if (db_run(store, err,
		   "DELETE FROM standing WHERE run = ?1 AND undone_seq IS NULL"
		   " AND EXISTS (SELECT 1 FROM runs"
		   "  WHERE run = ?1 AND rolls_back IS NOT NULL)",
		   "t", event->run) < 0)
		return -1;
	return db_run(store, err, "DELETE FROM locks WHERE run = ?", "t", event->run);
}

/* Another run has put back what stood of this one, all or a part. */
static int
run_undone(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	size_t i;
	json_t *n;

	json_array_foreach(project_member(body, "effects"), i, n) {
		if (db_run(store, err,
			   "UPDATE standing SET undone_seq = ? WHERE run = ? AND n = ?"
			   " AND undone_seq IS NULL", "iti", event->seq, event->run,
			   (int64_t)json_integer_value(n)) < 0)
			return -1;
	}
	return db_run(store, err,
		      "UPDATE runs SET rolled_back_by = ?1 WHERE run = ?2"
		      " AND ?3 = 'succeeded'",
		      "ttt", project_text(body, "by"), event->run,
		      project_text(body, "state"));
}

/*
 * The steps that will be done again are as good as not begun; what undid the
 * earlier attempts has nothing to undo yet. Attempts and events stay.
 */
static int
run_retried(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	size_t i;
	json_t *step;

	/* What it changes from now on, nobody has put back. */
	if (db_run(store, err, "UPDATE runs SET rolled_back_by = NULL WHERE run = ?",
		   "t", event->run) < 0)
		return -1;
	json_array_foreach(project_member(body, "steps"), i, step) {
		if (db_run(store, err,
			   "UPDATE steps SET result = NULL, why = NULL, code = NULL,"
			   " message = NULL, remedy = NULL, outputs = NULL, masked = 0,"
			   " started_ms = NULL, ended_ms = NULL, duration_ms = NULL,"
			   " state = iif(section = 'on_failure', 'skipped', 'pending')"
			   " WHERE run = ? AND step = ?",
			   "tt", event->run, json_string_value(step)) < 0)
			return -1;
	}
	return 0;
}

const struct projection run_projections[] = {
	{ "run.queued", run_queued },
	{ "run.claimed", run_claimed },
	{ "run.released", run_released },
	{ "run.cancel", run_cancel },
	{ "run.locked", run_locked },
	{ "run.waiting", run_waiting },
	{ "run.unlocked", run_unlocked },
	{ "run.planned", run_planned },
	{ "run.state", run_state },
	{ "run.retried", run_retried },
	{ "run.ended", run_ended },
	{ "run.undone", run_undone },
};
const size_t run_projection_count = ARRAY_LEN(run_projections);
