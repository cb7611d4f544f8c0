/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the engine wrote, read behind its back and held against the rules, event
 * by event; and those who write behind its back. See history-world.h.
 */
#include "history-world.h"

#include "unit.h"

#include <sqlite3.h>

#include "base/path.h"

static sqlite3 *db;		/* a connection that is none of Fettle's */
static sqlite3_stmt *events;
static int64_t last_id;

void
world_open_log(void)
{
	static const char sql[] = "SELECT id, run, seq, time_ms, kind, body FROM events"
				  " WHERE id > ? ORDER BY id";
	AUTO_FREE char *file = path_join(world.state_dir, "fettle.db");

	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	world_sql("PRAGMA synchronous = OFF");
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &events, NULL), SQLITE_OK);
}

void
world_close_log(void)
{
	sqlite3_finalize(events);
	sqlite3_close(db);
}

/* ---- behind everybody's back ---- */

void
world_sql(const char *sql)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		world_tell("  refused: %s", why);
	sqlite3_free(why);
}

void
world_forge(const char *sql)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	world_sql(sql);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
}

static int64_t
newest_id(void)
{
	sqlite3_stmt *row = NULL;

	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT max(id) FROM events", -1, &row,
					    NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
	int64_t id = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return id;
}

void
world_skip(void)
{
	last_id = newest_id();
}

void
world_remove(const char *run)
{
	static const char *const tables[] = { "approvals", "holds", "locks", "standing",
					      "attempts", "verdicts", "proposals",
					      "steps", "artifacts", "runs",
					      "events" };
	AUTO(str) struct str sql = STR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		str_addf(&sql, "DELETE FROM %s WHERE run = '%s';", tables[i], run);
	world_forge(str_get(&sql));
	last_id = newest_id(); /* the numbers of the last ones are given again */
}

/* ---- by the rules ---- */

static void
tell_opened(struct told_run *r, const json_t *body)
{
	struct rule_hold *hold = &r->hold, before = *hold;
	size_t set = world.seen.asked;

	if (set > MOOD_HOLD_OTHERS)
		world_broken("a hold was opened that nobody asked for");
	*hold = (struct rule_hold){
		.state = HOLD_OPEN,
		.need_count = world.need_count[set],
		.requesters = 1u << r->requester,
		.expires_ms = INT64_MAX,
		.matter = world.seen,
	};
	if (r->retrier < PEOPLE)
		hold->requesters |= 1u << r->retrier;
	for (size_t i = 0; i < hold->need_count; i++) {
		hold->needs[i] = world.needs[set][i];
		if (world_now() + hold->needs[i].valid_ms < hold->expires_ms)
			hold->expires_ms = world_now() + hold->needs[i].valid_ms;
	}
	snprintf(hold->step, sizeof hold->step, "%s", json_text(body, "step"));
	snprintf(hold->digest, sizeof hold->digest, "%s", json_text(body, "digest"));
	if (str_eq(hold->step, "patch"))
		memcpy(hold->matter.before, r->before, sizeof r->before);
	if (json_int_or(body, "expires_ms", 0) > hold->expires_ms)
		world_broken("a hold is open for too long");
	hold->expires_ms = json_int_or(body, "expires_ms", 0);
	if (before.state != HOLD_NONE && str_eq(before.digest, hold->digest) &&
	    (!rule_is_same(&before.matter, &hold->matter) ||
	     !str_eq(before.step, hold->step)))
		world_broken("one digest stands for two matters");
	for (size_t i = 0; i < RUNS; i++)
		if (&world.runs[i] != r &&
		    str_eq(world.runs[i].hold.digest, hold->digest))
			world_broken("one digest stands for two runs");
	r->opened++;
}

static void
tell_approved(struct told_run *r, const json_t *body, int64_t time_ms)
{
	struct rule_hold *hold = &r->hold;
	size_t i = 0;

	while (i < PEOPLE && !str_eq(world.people[i].name, json_text(body, "by")))
		i++;
	/* A forged log is found when it is to be used. */
	if (r->is_forged)
		return;
	if (i == PEOPLE || hold->has_said[i])
		world_broken("an approval was recorded of nobody, or twice");
	const char *why = rule_answer(hold, world.people, i, json_text(body, "digest"),
				      true, time_ms);
	if (*why)
		world_broken("an approval was recorded that does not count: %s", why);
	hold->has_said[i] = true;
	hold->roles_said[i] = world.people[i].roles;
}

static void
tell_consumed(struct told_run *r, const json_t *body, int64_t seq, int64_t time_ms)
{
	struct matter matter = world.seen;

	if (str_eq(r->hold.step, "patch"))
		memcpy(matter.before, r->before, sizeof r->before);
	if (r->is_forged)
		world_broken("approvals of a forged log were used");
	if (!str_eq(json_text(body, "digest"), r->hold.digest))
		world_broken("approvals of another digest were used");
	if (!rule_may_open(&r->hold, world.people, &matter, time_ms))
		world_broken(
			"run %s: approvals were used that do not count: hold %d, in "
			"time %d, full %d; matter %.8s/%u/%u/%u, now %.8s/%u/%u/%u",
			r->id, r->hold.state, rule_is_in_time(&r->hold, time_ms),
			rule_is_full(&r->hold, world.people), r->hold.matter.before,
			r->hold.matter.config, r->hold.matter.asked,
			r->hold.matter.modules, matter.before, matter.config,
			matter.asked, matter.modules);
	r->hold.state = HOLD_OVER;
	r->consumed_seq = seq;
	r->consumed++;
}

static void
tell_verdict(struct told_run *r, const json_t *body, int64_t seq)
{
	const json_t *answer;
	size_t i;

	r->verdict_seq = seq;
	r->is_allowed = str_eq(json_text(body, "verdict"), "allow");
	r->is_held = false;
	json_array_foreach (json_object_get(body, "answers"), i, answer)
		r->is_held |= str_eq(json_text(answer, "verdict"), "hold");
}

/* I4 itself: nothing held is begun but right behind its approvals' use. */
static void
tell_intent(struct told_run *r, const json_t *body, int64_t seq)
{
	const char *step = json_text(body, "step");

	if (!r->is_allowed || r->verdict_seq != seq - 1)
		world_broken("step %s was begun without its verdict", step);
	if (r->is_held &&
	    (r->consumed_seq != seq - 2 || !str_eq(r->hold.step, step)))
		world_broken("step %s was held, and begun without approvals", step);
	if ((r->hold.state == HOLD_OPEN || r->hold.state == HOLD_REJECTED) &&
	    str_eq(r->hold.step, step))
		world_broken("step %s was begun with a hold on it", step);
}

static void
tell_state(struct told_run *r, const json_t *body, bool is_end)
{
	snprintf(r->state, sizeof r->state, "%s", json_text(body, "state"));
	if (!is_end)
		return;
	r->hold.state = HOLD_OVER;
	r->has_service = false;
	r->is_cancelled = false;
}

static void
tell_event(struct told_run *r, const char *kind, const json_t *body, int64_t seq,
	   int64_t time_ms)
{
	if (str_eq(kind, "run.state") || str_eq(kind, "run.ended"))
		tell_state(r, body, str_eq(kind, "run.ended"));
	else if (str_eq(kind, "run.queued"))
		r->requester = world_person(json_text(body, "requested_by") +
					    strlen("operator:"));
	else if (str_eq(kind, "run.retried"))
		r->retrier = world_person(json_text(body, "by") + strlen("operator:"));
	else if (str_eq(kind, "run.locked") || str_eq(kind, "run.unlocked"))
		r->has_service = str_eq(kind, "run.locked");
	else if (str_eq(kind, "run.cancel"))
		r->is_cancelled = true;
	else if (str_eq(kind, "step.proposed"))
		snprintf(r->before, sizeof r->before, "%s",
			 json_text(json_array_get(
					   json_object_get(json_object_get(body,
									   "proposal"),
							   "edits"),
					   0),
				   "pre"));
	else if (str_eq(kind, "step.verdict"))
		tell_verdict(r, body, seq);
	else if (str_eq(kind, "step.intent"))
		tell_intent(r, body, seq);
	else if (str_eq(kind, "hold.opened"))
		tell_opened(r, body);
	else if (str_eq(kind, "hold.approved"))
		tell_approved(r, body, time_ms);
	else if (str_eq(kind, "hold.consumed"))
		tell_consumed(r, body, seq, time_ms);
	else if (str_eq(kind, "hold.rejected"))
		r->hold.state = HOLD_REJECTED;
	else if (str_eq(kind, "hold.expired") || str_eq(kind, "hold.voided"))
		r->hold.state = HOLD_OVER;
}

static struct told_run *
find_run(const char *id, const char *kind)
{
	for (size_t i = 0; i < RUNS; i++)
		if (str_eq(world.runs[i].id, id))
			return &world.runs[i];
	if (world.starting < 0 || !str_eq(kind, "run.queued"))
		return NULL;
	struct told_run *r = &world.runs[world.starting];
	snprintf(r->id, sizeof r->id, "%s", id);
	snprintf(r->state, sizeof r->state, "pending");
	return r;
}

static void
see_time(int64_t time_ms)
{
	if (time_ms > world.newest_ms)
		world.newest_ms = time_ms;
	for (size_t i = 0; i < RUNS; i++)
		if (time_ms > world.runs[i].hold.latest_ms)
			world.runs[i].hold.latest_ms = time_ms;
}

void
world_observe(void)
{
	sqlite3_bind_int64(events, 1, last_id);
	while (sqlite3_step(events) == SQLITE_ROW) {
		const char *id = (const char *)sqlite3_column_text(events, 1);
		const char *kind = (const char *)sqlite3_column_text(events, 4);
		int64_t seq = sqlite3_column_int64(events, 2);
		int64_t time_ms = sqlite3_column_int64(events, 3);
		struct told_run *r = find_run(id, kind);
		AUTO(json_ref)
		json_t *body = json_loads(
			(const char *)sqlite3_column_text(events, 5), 0, NULL);

		last_id = sqlite3_column_int64(events, 0);
		world_tell("  %s %lld %s %s%s", id, (long long)seq, kind,
			   json_text(body, "code"), json_text(body, "why"));
		if (r)
			tell_event(r, kind, body, seq, time_ms);
		see_time(time_ms);
	}
	sqlite3_reset(events);
}

