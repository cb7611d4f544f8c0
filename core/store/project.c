/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One function for each kind of event. They decide nothing: whether an event
 * may happen was asked before (transition.c), and what they write must come
 * from the events alone, or a rebuilt store would differ.
 */
#include "base/base.h"

#include "store/project.h"

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
		"tttt", event->run, project_text(body, "step"),
		project_text(body, "section"), project_text(body, "stage"));
}

/* A new proposal voids the verdict on the one before it. */
static int
propose_again(struct store *store, const struct event *event, const json_t *body,
	      const char *step, int64_t attempt, struct err *err)
{
	if (db_run(store, err,
		   "DELETE FROM verdicts WHERE run = ? AND step = ? AND attempt = ?",
		   "tti", event->run, step, attempt) < 0)
		return -1;
	return db_run(store, err,
		      "UPDATE proposals SET proposal = ?, sha256 = ?"
		      " WHERE run = ? AND step = ? AND attempt = ?",
		      "jttti", project_member(body, "proposal"),
		      project_text(body, "sha256"), event->run, step, attempt);
}

static int
step_proposed(struct store *store, const struct event *event, const json_t *body,
	      struct err *err)
{
	const char *step = project_text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (touch_step(store, event, body, err) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE steps SET state = 'pending', attempt = ?, result = NULL,"
		   " why = NULL, code = NULL, message = NULL, remedy = NULL,"
		   " outputs = NULL, masked = 0, started_ms = NULL, ended_ms = NULL,"
		   " duration_ms = NULL WHERE run = ? AND step = ?", "itt", attempt,
		   event->run, step) < 0)
		return -1;
	if (db_run(store, err,
		   "INSERT OR IGNORE INTO proposals"
		   " (run, step, attempt, proposal, sha256) VALUES (?, ?, ?, ?, ?)",
		   "ttijt", event->run, step, attempt,
		   project_member(body, "proposal"), project_text(body, "sha256")) < 0)
		return -1;
	return sqlite3_changes(store->db) > 0 ?
		       0 :
		       propose_again(store, event, body, step, attempt, err);
}

static int
step_verdict(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	const char *step = project_text(body, "step");

	if (db_run(store, err,
		   "INSERT INTO verdicts"
		   " (run, step, attempt, verdict, answers, time_ms)"
		   " VALUES (?, ?, ?, ?, ?, ?)"
		   " ON CONFLICT (run, step, attempt) DO UPDATE SET"
		   " verdict = excluded.verdict, answers = excluded.answers,"
		   " time_ms = excluded.time_ms",
		   "ttitji", event->run, step, json_int_or(body, "attempt", 0),
		   project_text(body, "verdict"), project_member(body, "answers"),
		   event->time_ms) < 0)
		return -1;
	return db_run(store, err,
		      "UPDATE steps SET state = CASE ?1 WHEN 'allow' THEN 'pending'"
		      " WHEN 'hold' THEN 'awaiting_approval' ELSE 'failed' END,"
		      " code = CASE ?1 WHEN 'deny' THEN 'denied' END"
		      " WHERE run = ?2 AND step = ?3",
		      "ttt", project_text(body, "verdict"), event->run, step);
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
			   "ttittj", event->run, project_text(body, "step"),
			   json_int_or(body, "attempt", 0),
			   is_edit ? "edit" : json_text(entry, "kind"),
			   json_text(entry, is_edit ? "path" : "target"), entry) < 0)
			return -1;
	}
	return 0;
}

/*
 * A run that rolls back another has the other's rows from here on, as they were:
 * what it puts back is told by their numbers.
 */
static int
take_standing(struct store *store, const struct event *event, const json_t *list,
	      struct err *err)
{
	size_t i;
	json_t *row;

	json_array_foreach(list, i, row) {
		if (db_run(store, err,
			   "INSERT INTO standing"
			   " (run, n, step, attempt, kind, target, body)"
			   " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 FROM runs"
			   " WHERE run = ?1 AND rolls_back IS NOT NULL",
			   "titittj", event->run, json_int_or(row, "n", 0),
			   project_text(row, "step"), json_int_or(row, "attempt", 0),
			   project_text(row, "kind"), project_text(row, "target"),
			   project_member(row, "body")) < 0)
			return -1;
	}
	return 0;
}

static int
stand(struct store *store, const struct event *event, const json_t *body,
      struct err *err)
{
	AUTO(rows)
	sqlite3_stmt *rows = db_query(store,
				      "SELECT proposal FROM proposals"
				      " WHERE run = ? AND step = ? AND attempt = ?",
				      "tti", event->run, project_text(body, "step"),
				      json_int_or(body, "attempt", 0));
	if (db_next(rows) != 1)
		return db_error(store, err, "read the proposal");
	AUTO(json_ref) json_t *proposal =
		json_loads(db_text(rows, 0), JSON_ALLOW_NUL, NULL);
	if (project_member(proposal, "undoes"))
		return take_standing(store, event, project_member(proposal, "undoes"),
				     err);
	if (add_standing(store, event, body, project_member(proposal, "edits"), err) <
	    0)
		return -1;
	return add_standing(store, event, body, project_member(proposal, "effects"),
			    err);
}

static int
step_intent(struct store *store, const struct event *event, const json_t *body,
	    struct err *err)
{
	const char *step = project_text(body, "step");
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
	const char *step = project_text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (touch_step(store, event, body, err) < 0)
		return -1;
	if (db_run(store, err,
		   "UPDATE steps SET state = ?, attempt = ?, result = ?, why = ?,"
		   " code = ?, message = ?, remedy = ?, outputs = ?, ended_ms = ?,"
		   " duration_ms = ?, masked = ? WHERE run = ? AND step = ?",
		   "titttttjijitt", project_text(body, "state"), attempt,
		   project_text(body, "result"), project_text(body, "why"),
		   project_text(body, "code"), project_text(body, "message"),
		   project_text(body, "remedy"), project_member(body, "outputs"),
		   event->time_ms, project_member(body, "duration_ms"),
		   (int64_t)json_flag(body, "masked"), event->run, step) < 0)
		return -1;
	return db_run(store, err,
		      "UPDATE attempts SET state = ?, ended_ms = ?"
		      " WHERE run = ? AND step = ? AND attempt = ?",
		      "titti", project_text(body, "state"), event->time_ms, event->run,
		      step, attempt);
}

static int
step_skipped(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	if (touch_step(store, event, body, err) < 0)
		return -1;
	return db_run(store, err,
		      "UPDATE steps SET state = 'skipped', code = ?, message = ?,"
		      " ended_ms = ? WHERE run = ? AND step = ?",
		      "ttitt", project_text(body, "code"),
		      project_text(body, "message"), event->time_ms, event->run,
		      project_text(body, "step"));
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
		"tttjttjttii", event->run, project_text(body, "name"),
		project_text(body, "step"), project_member(body, "attempt"),
		project_text(body, "type"), project_text(body, "path"),
		project_member(body, "bytes"), project_text(body, "sha256"),
		project_text(body, "message"), is_missing, event->time_ms);
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
		      project_text(body, "reason"));
}

static int
site_resumed(struct store *store, const struct event *event, const json_t *body,
	     struct err *err)
{
	return db_run(store, err,
		      "UPDATE site SET paused_ms = NULL, paused_by = NULL,"
		      " paused_reason = NULL", "");
}

/* Told for the record; the site's row is there from its first event on. */
static int
site_collected(struct store *store, const struct event *event, const json_t *body,
	       struct err *err)
{
	return db_run(store, err,
		      "INSERT INTO site VALUES (?1, NULL, NULL, NULL, 0, '')"
		      " ON CONFLICT (run) DO NOTHING",
		      "t", event->run);
}

static const struct projection projections[] = {
	{ "run.round", only_told },
	{ "step.proposed", step_proposed },
	{ "step.verdict", step_verdict },
	{ "step.intent", step_intent },
	{ "step.ended", step_ended },
	{ "step.skipped", step_skipped },
	{ "step.note", only_told },
	{ "run.renewed", only_told },
	{ "step.finding", only_told },
	{ "artifact.added", artifact },
	{ "artifact.missing", artifact },
	{ "unwind.files", unwind_files },
	{ "effect.undone", effect_undone },
	{ "site.paused", site_paused },
	{ "site.resumed", site_resumed },
	{ "site.collected", site_collected },
};

static const struct {
	const struct projection *list;
	const size_t *count;
} more[] = {
	{ run_projections, &run_projection_count },
	{ hold_projections, &hold_projection_count },
};

static const struct projection *
find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(projections); i++)
		if (str_eq(projections[i].kind, kind))
			return &projections[i];
	for (size_t k = 0; k < ARRAY_LEN(more); k++)
		for (size_t i = 0; i < *more[k].count; i++)
			if (str_eq(more[k].list[i].kind, kind))
				return &more[k].list[i];
	return NULL;
}

int
project(struct store *store, const struct event *event, const json_t *body,
	const char *hash, struct err *err)
{
	const struct projection *found = find(event->kind);

	if (!found)
		return err_set(err, "store.version",
			       "event %lld of run '%s' is of the unknown kind '%s'",
			       (long long)event->seq, event->run, event->kind);
	if (found->project(store, event, body, err) < 0)
		return -1;
	return db_run(store, err,
		      str_eq(event->run, SITE) ?
			      "UPDATE site SET seq = ?, head = ? WHERE run = ?" :
			      "UPDATE runs SET seq = ?, head = ? WHERE run = ?",
		      "itt", event->seq, hash, event->run);
}
