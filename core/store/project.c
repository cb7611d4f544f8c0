/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One function for each kind of event. They decide nothing: whether an event
 * may happen was asked before (transition.c), and what they write must come
 * from the events alone, or a rebuilt store would differ.
 */
#include "base/base.h"

#include "store/project.h"

/* The member as text, or NULL. */
static const char *
text(const json_t *body, const char *key)
{
	return json_string_value(json_object_get(body, key));
}

static const json_t *
member(const json_t *body, const char *key)
{
	return json_object_get(body, key);
}

static int
run_queued(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	return db_run(
		store, err,
		"INSERT INTO runs (run, state, service, instruction, pipeline,"
		" workspace, requested_by, priority, queued_ms, crashes, epoch, seq,"
		" head)"
		" VALUES (?, 'pending', ?, ?, ?, ?, ?, coalesce(? = 'high', 0), ?, 0,"
		" 0, 0, '')",
		"ttttttti", event->run, text(body, "service"),
		text(body, "instruction"), text(body, "pipeline"),
		text(body, "workspace"), text(body, "requested_by"),
		text(body, "priority"), event->time_ms);
}

static int
run_claimed(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	/* Claimed again without an end in between: whoever had it has died. */
	return db_run(store, err,
		      "UPDATE runs SET crashes = crashes + (owner IS NOT NULL"
		      "  AND state IN ('pending', 'running', 'rolling_back')),"
		      " owner = ?, worker = ?, epoch = ? WHERE run = ?",
		      "ttit", text(body, "owner"), text(body, "worker"),
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
		   "tt", text(body, "service"), event->run) < 0)
		return -1;
	return db_run(store, err, "DELETE FROM locks WHERE run = ?", "t", event->run);
}

static int
run_cancel(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	return db_run(store, err,
		      "UPDATE runs SET cancel_by = ?, cancel_reason = ? WHERE run = ?",
		      "ttt", text(body, "by"), text(body, "reason"), event->run);
}

/* Who held it has ended, or never began and is dead: see store_lock. */
static int
run_locked(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	if (db_run(store, err,
		   "DELETE FROM locks WHERE name = ? AND (held = 1 OR run = ?)", "tt",
		   text(body, "name"), event->run) < 0)
		return -1;
	return db_run(store, err,
		      "INSERT INTO locks (name, run, ticket, held) VALUES (?, ?, ?, 1)",
		      "tti", text(body, "name"), event->run,
		      json_int_or(body, "ticket", 0));
}

static int
run_waiting(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	return db_run(store, err,
		      "INSERT INTO locks (name, run, ticket, held) VALUES (?, ?, ?, 0)",
		      "tti", text(body, "name"), event->run,
		      json_int_or(body, "ticket", 0));
}

static int
run_planned(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	if (db_run(store, err, "INSERT INTO plans (run, plan, sha256) VALUES (?, ?, ?)",
		   "tjt", event->run, member(body, "plan"), text(body, "sha256")) < 0)
		return -1;
	/* Of a queued run only the plan knows the service for sure. */
	return db_run(store, err,
		      "UPDATE runs SET plan_sha256 = ?,"
		      " service = coalesce(?, service) WHERE run = ?",
		      "ttt", text(body, "sha256"),
		      text(member(body, "plan"), "service"), event->run);
}

static int
run_state(struct store *store, const struct event *event, const json_t *body,
	  struct err *err)
{
	return db_run(
		store, err,
		"UPDATE runs SET state = ?1, code = ?2, message = ?3, remedy = NULL,"
		" ended_ms = NULL, ended_epoch = NULL, started_ms = CASE ?1"
		"  WHEN 'running' THEN coalesce(started_ms, ?4) ELSE started_ms END"
		" WHERE run = ?5",
		"tttit", text(body, "state"), text(body, "code"), text(body, "message"),
		event->time_ms, event->run);
}

/* Steps that nobody will end any more do not stay open, and locks not held. */
static int
run_ended(struct store *store, const struct event *event, const json_t *body,
	  struct err *err)
{
	if (db_run(store, err,
		   "UPDATE runs SET state = ?, code = ?, message = ?, remedy = ?,"
		   " step = ?, detail = ?, ended_ms = ?, ended_epoch = epoch,"
		   " crashes = 0, cancel_by = NULL, cancel_reason = NULL"
		   " WHERE run = ?",
		   "tttttjit", text(body, "state"), text(body, "code"),
		   text(body, "message"), text(body, "remedy"), text(body, "step"),
		   member(body, "detail"), event->time_ms, event->run) < 0)
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
	return db_run(store, err, "DELETE FROM locks WHERE run = ?", "t", event->run);
}

/* The row of a step, made at its first event. */
static int
touch_step(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	return db_run(
		store, err,
		"INSERT INTO steps (run, step, n, section, stage, state, attempt)"
		" VALUES (?1, ?2, (SELECT count(*) + 1 FROM steps WHERE run = ?1),"
		"  ?3, ?4, 'pending', 0)"
		" ON CONFLICT (run, step) DO UPDATE SET"
		"  section = coalesce(excluded.section, section),"
		"  stage = coalesce(excluded.stage, stage)",
		"tttt", event->run, text(body, "step"), text(body, "section"),
		text(body, "stage"));
}

/* A new proposal voids the verdict on the one before it. */
static int
step_proposed(struct store *store, const struct event *event, const json_t *body,
	      struct err *err)
{
	const char *step = text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (touch_step(store, event, body, err) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE steps SET state = 'pending', attempt = ?, result = NULL,"
		   " why = NULL, code = NULL, message = NULL, remedy = NULL,"
		   " outputs = NULL, started_ms = NULL, ended_ms = NULL,"
		   " duration_ms = NULL WHERE run = ? AND step = ?", "itt", attempt,
		   event->run, step) < 0)
		return -1;
	if (db_run(store, err,
		   "DELETE FROM verdicts WHERE run = ? AND step = ? AND attempt = ?",
		   "tti", event->run, step, attempt) < 0)
		return -1;
	return db_run(
		store, err,
		"INSERT INTO proposals (run, step, attempt, proposal, sha256)"
		" VALUES (?, ?, ?, ?, ?) ON CONFLICT (run, step, attempt) DO UPDATE SET"
		" proposal = excluded.proposal, sha256 = excluded.sha256",
		"ttijt", event->run, step, attempt, member(body, "proposal"),
		text(body, "sha256"));
}

static int
step_verdict(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	const char *step = text(body, "step");

	if (db_run(store, err,
		   "INSERT INTO verdicts"
		   " (run, step, attempt, verdict, answers, time_ms)"
		   " VALUES (?, ?, ?, ?, ?, ?)"
		   " ON CONFLICT (run, step, attempt) DO UPDATE SET"
		   " verdict = excluded.verdict, answers = excluded.answers,"
		   " time_ms = excluded.time_ms",
		   "ttitji", event->run, step, json_int_or(body, "attempt", 0),
		   text(body, "verdict"), member(body, "answers"), event->time_ms) < 0)
		return -1;
	return db_run(store, err,
		      "UPDATE steps SET state = CASE ?1 WHEN 'allow' THEN 'pending'"
		      " WHEN 'hold' THEN 'awaiting_approval' ELSE 'failed' END,"
		      " code = CASE ?1 WHEN 'deny' THEN 'denied' END"
		      " WHERE run = ?2 AND step = ?3",
		      "ttt", text(body, "verdict"), event->run, step);
}

/* One standing row for each element of a list of the proposal. */
static int
add_standing(struct store *store, const struct event *event, const json_t *body,
	     const json_t *list, struct err *err)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry) {
		bool is_edit = json_object_get(entry, "path") != NULL;
		if (db_run(store, err,
			   "INSERT INTO standing"
			   " (run, n, step, attempt, kind, target, body)"
			   " VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM standing"
			   "  WHERE run = ?1), ?2, ?3, ?4, ?5, ?6)",
			   "ttittj", event->run, text(body, "step"),
			   json_int_or(body, "attempt", 0),
			   is_edit ? "edit" : json_text(entry, "kind"),
			   json_text(entry, is_edit ? "path" : "target"), entry) < 0)
			return -1;
	}
	return 0;
}

static int
stand(struct store *store, const struct event *event, const json_t *body,
      struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT proposal FROM proposals"
		" WHERE run = ? AND step = ? AND attempt = ?",
		"tti", event->run, text(body, "step"), json_int_or(body, "attempt", 0));
	if (db_next(rows) != 1)
		return db_error(store, err, "read the proposal");
	AUTO(json_ref) json_t *proposal =
		json_loads(db_text(rows, 0), JSON_ALLOW_NUL, NULL);
	if (add_standing(store, event, body, member(proposal, "edits"), err) < 0)
		return -1;
	return add_standing(store, event, body, member(proposal, "effects"), err);
}

static int
step_intent(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	const char *step = text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (touch_step(store, event, body, err) < 0)
		return -1;
	if (db_run(store, err,
		   "INSERT INTO attempts (run, step, attempt, verdict, started_ms)"
		   " VALUES (?, ?, ?, 'allow', ?)", "ttii", event->run, step, attempt,
		   event->time_ms) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE steps SET state = 'in_progress', started_ms = ?"
		   " WHERE run = ? AND step = ?", "itt", event->time_ms, event->run,
		   step) < 0)
		return -1;
	return stand(store, event, body, err);
}

static int
step_ended(struct store *store, const struct event *event, const json_t *body,
	   struct err *err)
{
	const char *step = text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (touch_step(store, event, body, err) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE steps SET state = ?, attempt = ?, result = ?, why = ?,"
		   " code = ?, message = ?, remedy = ?, outputs = ?, ended_ms = ?,"
		   " duration_ms = ? WHERE run = ? AND step = ?",
		   "titttttjijtt", text(body, "state"), attempt, text(body, "result"),
		   text(body, "why"), text(body, "code"), text(body, "message"),
		   text(body, "remedy"), member(body, "outputs"), event->time_ms,
		   member(body, "duration_ms"), event->run, step) < 0)
		return -1;
	return db_run(store, err,
		      "UPDATE attempts SET state = ?, ended_ms = ?"
		      " WHERE run = ? AND step = ? AND attempt = ?",
		      "titti", text(body, "state"), event->time_ms, event->run, step,
		      attempt);
}

static int
step_skipped(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	if (touch_step(store, event, body, err) < 0)
		return -1;
	return db_run(
		store, err,
		"UPDATE steps SET state = 'skipped', code = ?, message = ?,"
		" ended_ms = ? WHERE run = ? AND step = ?",
		"ttitt", text(body, "code"), text(body, "message"), event->time_ms,
		event->run, text(body, "step"));
}

/* Told by the events alone: no table holds it. */
static int
only_told(struct store *store, const struct event *event, const json_t *body,
	  struct err *err)
{
	return 0;
}

static int
artifact(struct store *store, const struct event *event, const json_t *body,
	 struct err *err)
{
	int64_t is_missing = str_eq(event->kind, "artifact.missing");
	return db_run(
		store, err,
		"INSERT INTO artifacts (run, n, name, step, attempt, type, path, bytes,"
		"  sha256, message, missing, time_ms)"
		" VALUES (?1, (SELECT count(*) + 1 FROM artifacts WHERE run = ?1),"
		"  ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT (run, name) DO UPDATE SET step = excluded.step,"
		"  attempt = excluded.attempt, type = excluded.type,"
		"  path = excluded.path, bytes = excluded.bytes,"
		"  sha256 = excluded.sha256, message = excluded.message,"
		"  missing = excluded.missing, time_ms = excluded.time_ms",
		"tttjttjttii", event->run, text(body, "name"), text(body, "step"),
		member(body, "attempt"), text(body, "type"), text(body, "path"),
		member(body, "bytes"), text(body, "sha256"), text(body, "message"),
		is_missing, event->time_ms);
}

static int
unwind_files(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	size_t i;
	json_t *path;

	json_array_foreach(json_object_get(body, "restored"), i, path) {
		if (db_run(store, err,
			   "UPDATE standing SET undone_seq = ? WHERE run = ?"
			   " AND kind = 'edit' AND target = ? AND undone_seq IS NULL",
			   "itt", event->seq, event->run, json_string_value(path)) < 0)
			return -1;
	}
	return 0;
}

static int
effect_undone(struct store *store, const struct event *event, const json_t *body,
	      struct err *err)
{
	size_t i;
	json_t *n;

	json_array_foreach(json_object_get(body, "effects"), i, n) {
		if (db_run(store, err,
			   "UPDATE standing SET undone_seq = ? WHERE run = ? AND n = ?"
			   " AND undone_seq IS NULL", "iti", event->seq, event->run,
			   (int64_t)json_integer_value(n)) < 0)
			return -1;
	}
	return 0;
}

static int
site_paused(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	return db_run(store, err,
		      "INSERT INTO site VALUES (?1, ?2, ?3, ?4, 0, '')"
		      " ON CONFLICT (run) DO UPDATE SET paused_ms = ?2,"
		      " paused_by = ?3, paused_reason = ?4",
		      "titt", event->run, event->time_ms, event->actor,
		      text(body, "reason"));
}

static int
site_resumed(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	return db_run(store, err,
		      "UPDATE site SET paused_ms = NULL, paused_by = NULL,"
		      " paused_reason = NULL", "");
}

static const struct {
	const char *kind;
	int (*project)(struct store *store, const struct event *event,
		       const json_t *body, struct err *err);
} projections[] = {
	{ "run.queued", run_queued },
	{ "run.claimed", run_claimed },
	{ "run.released", run_released },
	{ "run.cancel", run_cancel },
	{ "run.locked", run_locked },
	{ "run.waiting", run_waiting },
	{ "run.planned", run_planned },
	{ "run.state", run_state },
	{ "run.ended", run_ended },
	{ "step.proposed", step_proposed },
	{ "step.verdict", step_verdict },
	{ "step.intent", step_intent },
	{ "step.ended", step_ended },
	{ "step.skipped", step_skipped },
	{ "step.note", only_told },
	{ "step.finding", only_told },
	{ "artifact.added", artifact },
	{ "artifact.missing", artifact },
	{ "unwind.files", unwind_files },
	{ "effect.undone", effect_undone },
	{ "site.paused", site_paused },
	{ "site.resumed", site_resumed },
};

int
project(struct store *store, const struct event *event, const json_t *body,
	const char *hash, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(projections); i++) {
		if (!str_eq(projections[i].kind, event->kind))
			continue;
		if (projections[i].project(store, event, body, err) < 0)
			return -1;
		return db_run(store, err,
			      str_eq(event->run, SITE) ?
			      "UPDATE site SET seq = ?, head = ? WHERE run = ?" :
			      "UPDATE runs SET seq = ?, head = ? WHERE run = ?",
			      "itt", event->seq, hash, event->run);
	}
	return err_set(err, "store.version",
		       "event %lld of run '%s' is of the unknown kind '%s'",
		       (long long)event->seq, event->run, event->kind);
}
