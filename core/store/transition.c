/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state machine of runs, steps and attempts. */
#include "base/base.h"

#include "store/transition.h"

#include <stdarg.h>

#include "base/path.h"
#include "store/run.h"

int
run_row_load(struct store *store, const char *run, struct run_row *ret, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(store,
		"SELECT state, epoch, ended_epoch, seq, head, plan_sha256 IS NOT NULL,"
		" rolls_back FROM runs WHERE run = ?", "t", run);
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "read the run");
	if (rc == 0)
		return run_refuse_unknown(run, err);

	*ret = (struct run_row){
		.epoch = sqlite3_column_int64(rows, 1),
		.ended_epoch = sqlite3_column_int64(rows, 2),
		.seq = sqlite3_column_int64(rows, 3),
		.is_planned = sqlite3_column_int(rows, 5),
	};
	snprintf(ret->run, sizeof(ret->run), "%s", run);
	snprintf(ret->state, sizeof(ret->state), "%s", db_text(rows, 0));
	snprintf(ret->head, sizeof(ret->head), "%s", db_text(rows, 4));
	snprintf(ret->rolls_back, sizeof(ret->rolls_back), "%s", db_text(rows, 6));
	return 0;
}

static int PRINTF_LIKE(4, 5)
refuse(const struct run_row *row, const struct event_kind *kind, struct err *err,
       const char *fmt, ...)
{
	char why[300];
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	return err_set(err, "store.transition", "append %s to run '%s': %s", kind->name,
		       row->run, why);
}

/* run.state goes to a state of a living run, run.ended to an end. */
static int
check_state(struct store *store, const struct run_row *row,
	    const struct event_kind *kind, const json_t *body, struct err *err)
{
	const char *to = json_text(body, "state");
	enum phase phase = event_phase(to);
	enum phase wanted = str_eq(kind->name, "run.ended") ? PHASE_ENDED
				: PHASE_ALIVE;
	bool is_reclaimed = row->ended_epoch && row->epoch > row->ended_epoch;

	if (!(phase & wanted))
		return refuse(row, kind, err, "'%s' is no state for it", to);
	if (phase == PHASE_PENDING && !json_object_get(body, "due_ms"))
		return refuse(row, kind, err,
			      "it would sleep, and nobody knew until when");
	/* To put back is what such a run was asked for, and nobody else. */
	bool is_own_end = str_eq(row->state, "rolling_back") &&
			  str_eq(to, "succeeded");
	if (!event_can_move(row->state, to, is_reclaimed) ||
	    (is_own_end && !row->rolls_back[0]))
		return refuse(row, kind, err, "a run does not go from %s to %s",
			      row->state, to);
	return 0;
}

static int
check_planned(struct store *store, const struct run_row *row,
	      const struct event_kind *kind, const json_t *body, struct err *err)
{
	char sha256[SHA256_HEX_SIZE];

	if (row->is_planned)
		return refuse(row, kind, err, "it has a plan, which never changes");
	json_sha256(json_object_get(body, "plan"), sha256);
	if (!str_eq(sha256, json_text(body, "sha256")))
		return refuse(row, kind, err, "the plan has the hash %s, not %s",
			      sha256, json_text(body, "sha256"));
	return 0;
}

/* What is known of one step and of the attempt an event is about. */
struct step_row {
	char state[24];		/* "" when the step is not known yet */
	int64_t attempt;	/* the latest */
	bool has_ended;		/* that one, by step.ended or step.skipped */
	bool has_proposal;
	char verdict[8];	/* "" when there is none */
	bool is_started;	/* an intent was appended */
};

static int
load_step(struct store *store, const char *run, const json_t *body,
	  struct step_row *ret, struct err *err)
{
	const char *step = json_text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	*ret = (struct step_row){ 0 };
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT s.state, s.attempt, s.ended_ms IS NOT NULL, "
		" p.sha256 IS NOT NULL, v.verdict, a.started_ms IS NOT NULL"
		" FROM steps s LEFT JOIN proposals p"
		"  ON p.run = s.run AND p.step = s.step AND p.attempt = ?1"
		" LEFT JOIN verdicts v"
		"  ON v.run = s.run AND v.step = s.step AND v.attempt = ?1"
		" LEFT JOIN attempts a"
		"  ON a.run = s.run AND a.step = s.step AND a.attempt = ?1"
		" WHERE s.run = ?2 AND s.step = ?3",
		"itt", attempt, run, step);
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "read the step");
	if (rc == 0)
		return 0;
	snprintf(ret->state, sizeof(ret->state), "%s", db_text(rows, 0));
	ret->attempt = sqlite3_column_int64(rows, 1);
	ret->has_ended = sqlite3_column_int(rows, 2);
	ret->has_proposal = sqlite3_column_int(rows, 3);
	snprintf(ret->verdict, sizeof(ret->verdict), "%s", db_text(rows, 4));
	ret->is_started = sqlite3_column_int(rows, 5);
	return 0;
}

static int
check_proposed(const struct run_row *row, const struct event_kind *kind,
	       const json_t *body, const struct step_row *step, struct err *err)
{
	const char *name = json_text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (attempt < 1 || attempt < step->attempt)
		return refuse(row, kind, err, "attempt %lld of step '%s' is over",
			      (long long)attempt, name);
	if (str_eq(step->state, "in_progress"))
		return refuse(row, kind, err, "step '%s' is in progress", name);
	if (step->is_started || (attempt == step->attempt && step->has_ended))
		return refuse(row, kind, err,
			      "attempt %lld of step '%s' has begun already",
			      (long long)attempt, name);
	return 0;
}

/* The attempt of the body is the latest one, and nothing of it has happened yet. */
static int
check_not_begun(const struct run_row *row, const struct event_kind *kind,
		const json_t *body, const struct step_row *step, struct err *err)
{
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (!step->is_started && !step->has_ended && attempt == step->attempt)
		return 0;
	return refuse(row, kind, err, "attempt %lld of step '%s' has begun already",
		      (long long)attempt, json_text(body, "step"));
}

static int
check_verdict(const struct run_row *row, const struct event_kind *kind,
	      const json_t *body, const struct step_row *step, struct err *err)
{
	const char *name = json_text(body, "step");
	const char *verdict = json_text(body, "verdict");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (!str_eq(verdict, "allow") && !str_eq(verdict, "hold") &&
	    !str_eq(verdict, "deny"))
		return refuse(row, kind, err, "'%s' is no verdict", verdict);
	if (!step->has_proposal)
		return refuse(row, kind, err,
			      "attempt %lld of step '%s' has no proposal to judge",
			      (long long)attempt, name);
	return check_not_begun(row, kind, body, step, err);
}

static int
check_intent(const struct run_row *row, const struct event_kind *kind,
	     const json_t *body, const struct step_row *step, struct err *err)
{
	const char *name = json_text(body, "step");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (!str_eq(step->verdict, "allow"))
		return refuse(row, kind, err,
			      "no verdict allows attempt %lld of step '%s'%s%s",
			      (long long)attempt, name,
			      step->verdict[0] ? ": it says " : "", step->verdict);
	return check_not_begun(row, kind, body, step, err);
}

static int
check_ended(const struct run_row *row, const struct event_kind *kind,
	    const json_t *body, const struct step_row *step, struct err *err)
{
	const char *name = json_text(body, "step");
	const char *to = json_text(body, "state");
	int64_t attempt = json_int_or(body, "attempt", 0);

	if (!str_eq(to, "succeeded") && !str_eq(to, "failed") &&
	    !str_eq(to, "interrupted") && !str_eq(to, "cancelled"))
		return refuse(row, kind, err, "'%s' is no end of a step", to);
	if (attempt < 1 || attempt < step->attempt ||
	    (attempt == step->attempt && step->has_ended))
		return refuse(row, kind, err,
			      "attempt %lld of step '%s' has ended already",
			      (long long)attempt, name);
	if (attempt > step->attempt && str_eq(step->state, "in_progress"))
		return refuse(row, kind, err,
			      "attempt %lld of step '%s' is in progress",
			      (long long)step->attempt, name);
	return 0;
}

static int
check_skipped(const struct run_row *row, const struct event_kind *kind,
	      const json_t *body, const struct step_row *step, struct err *err)
{
	bool is_skipped = str_eq(step->state, "skipped");
	if ((step->has_ended && !is_skipped) || str_eq(step->state, "in_progress"))
		return refuse(row, kind, err, "step '%s' is %s",
			      json_text(body, "step"), step->state);
	return 0;
}

/* A path that leaves the run's directory would show other people's files. */
static int
check_artifact(struct store *store, const struct run_row *row,
	       const struct event_kind *kind, const json_t *body, struct err *err)
{
	if (path_check(json_text(body, "path"), err) < 0)
		return err_context(err, "append %s to run '%s'", kind->name, row->run);
	return 0;
}

static int
check_undone(struct store *store, const struct run_row *row,
	     const struct event_kind *kind, const json_t *body, struct err *err)
{
	size_t i;
	json_t *n;

	json_array_foreach(json_object_get(body, "effects"), i, n) {
		AUTO(rows) sqlite3_stmt *rows =
			db_query(store,
				 "SELECT kind FROM standing WHERE run = ? AND n = ?",
				 "ti", row->run, (int64_t)json_integer_value(n));
		int rc = db_next(rows);
		if (rc < 0)
			return db_error(store, err, "read the effects");
		if (rc == 0 || str_eq(db_text(rows, 0), "edit"))
			return refuse(row, kind, err, "it has no effect number %lld",
				      (long long)json_integer_value(n));
	}
	return 0;
}

/* An answer is one to the hold that is open, and each person gives it once. */
static int
check_hold(struct store *store, const struct run_row *row,
	   const struct event_kind *kind, const json_t *body, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT EXISTS (SELECT 1 FROM approvals a WHERE a.run = h.run"
		"  AND a.opened_seq = h.opened_seq AND a.principal = ?1)"
		" FROM holds h WHERE run = ?2 AND state = 'open' AND step = ?3"
		"  AND attempt = ?4 AND digest = ?5",
		"tttit", json_text(body, "by"), row->run, json_text(body, "step"),
		json_int_or(body, "attempt", 0), json_text(body, "digest"));
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "read the hold");
	if (rc == 0)
		return refuse(row, kind, err, "no hold with digest %s is open for it",
			      json_text(body, "digest"));
	if (str_eq(kind->name, "hold.approved") && sqlite3_column_int(rows, 0))
		return refuse(row, kind, err, "'%s' has approved already",
			      json_text(body, "by"));
	return 0;
}

static int
check_opened(const struct run_row *row, const struct event_kind *kind,
	     const json_t *body, const struct step_row *step, struct err *err)
{
	if (!str_eq(step->verdict, "hold") || step->is_started)
		return refuse(row, kind, err, "no verdict holds step '%s'",
			      json_text(body, "step"));
	return 0;
}

static const struct {
	const char *kind;
	int (*check)(struct store *store, const struct run_row *row,
		     const struct event_kind *kind, const json_t *body,
		     struct err *err);
	int (*check_step)(const struct run_row *row, const struct event_kind *kind,
			  const json_t *body, const struct step_row *step,
			  struct err *err);
} checks[] = {
	{ "run.state", check_state, NULL },
	{ "run.ended", check_state, NULL },
	{ "run.planned", check_planned, NULL },
	{ "step.proposed", NULL, check_proposed },
	{ "step.verdict", NULL, check_verdict },
	{ "step.intent", NULL, check_intent },
	{ "hold.opened", NULL, check_opened },
	{ "hold.approved", check_hold, NULL },
	{ "hold.rejected", check_hold, NULL },
	{ "hold.expired", check_hold, NULL },
	{ "hold.voided", check_hold, NULL },
	{ "hold.consumed", check_hold, NULL },
	{ "step.ended", NULL, check_ended },
	{ "step.skipped", NULL, check_skipped },
	{ "artifact.added", check_artifact, NULL },
	{ "effect.undone", check_undone, NULL },
};

int
transition_check(struct store *store, const struct run_row *row,
		 const struct event_kind *kind, const json_t *body, struct err *err)
{
	if (!(event_phase(row->state) & kind->phases))
		return refuse(row, kind, err, "the run is %s", row->state);
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		if (!str_eq(checks[i].kind, kind->name))
			continue;
		if (checks[i].check)
			return checks[i].check(store, row, kind, body, err);
		struct step_row step;
		if (load_step(store, row->run, body, &step, err) < 0)
			return -1;
		return checks[i].check_step(row, kind, body, &step, err);
	}
	return 0;
}
