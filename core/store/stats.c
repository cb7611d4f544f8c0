/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What automation saved, counted from the derived tables. What counts as a
 * command, and as one left to people, is defined in fettle(1), STATISTICS; the
 * statements below say the same.
 */
#include "base/base.h"

#include "store/admin.h"

#include <stdlib.h>

#include "store/db.h"

#define WITHIN_MS ((int64_t)20 * 60000)

/* Runs that were to do something; who rolls another back only takes it away. */
#define IS_JOB "runs.rolls_back IS NULL"
/* Runs that failed at what was asked; an ordered rollback is no failure. */
#define IS_FAILED                                                                      \
	"(runs.state IN ('failed', 'rolled_back', 'rollback_failed')"                  \
	" AND coalesce(runs.code, '') <> 'rollback_ordered' AND " IS_JOB ")"
#define IS_DONE                                                                        \
	"((runs.state = 'succeeded' OR coalesce(runs.code, '') = 'rollback_ordered')"  \
	" AND " IS_JOB ")"

/* One integer of a query with the beginning of the period; -1 with err. */
static int64_t
count(struct store *store, int64_t since_ms, const char *sql, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(store, sql, "i", since_ms);

	if (db_next(rows) != 1) {
		db_error(store, err, "count");
		return -1;
	}
	return sqlite3_column_int64(rows, 0);
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Sorted durations of a query with one column. */
struct durations {
	int64_t *v;
	size_t count;
};

static void
durations_done(struct durations *durations)
{
	free(durations->v);
}

static int
durations_load(struct store *store, int64_t since_ms, const char *sql,
	       struct durations *ret, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(store, sql, "i", since_ms);
	int rc;

	while ((rc = db_next(rows)) == 1) {
		ret->v = x_realloc(ret->v, ret->count + 1, sizeof(*ret->v));
		ret->v[ret->count++] = sqlite3_column_int64(rows, 0);
	}
	if (rc < 0)
		return db_error(store, err, "read durations");
	if (ret->count > 1)
		qsort(ret->v, ret->count, sizeof(*ret->v), by_size);
	return 0;
}

static json_t *
median(const struct durations *durations)
{
	size_t n = durations->count;

	if (n == 0)
		return json_null();
	return json_integer(n % 2 ? durations->v[n / 2] :
				    (durations->v[n / 2 - 1] + durations->v[n / 2]) /
					    2);
}

static json_t *
percent(int64_t part, int64_t whole)
{
	return whole > 0 ? json_real((double)(part * 1000 / whole) / 10) : json_null();
}

static int
add_durations(struct store *store, int64_t since_ms, json_t *stats, struct err *err)
{
	__attribute__((cleanup(durations_done))) struct durations whole = { 0 },
								  repair = { 0 };
	size_t within = 0;

	if (durations_load(store, since_ms,
			   "SELECT ended_ms - started_ms FROM runs"
			   " WHERE queued_ms >= ? AND state = 'succeeded'"
			   " AND started_ms IS NOT NULL AND " IS_JOB,
			   &whole, err) < 0 ||
	    durations_load(store, since_ms,
			   "SELECT max(v.ended_ms) - min(p.started_ms) FROM runs r"
			   " JOIN steps p ON p.run = r.run AND p.stage = 'patch'"
			   " JOIN steps v ON v.run = r.run AND v.stage = 'verify'"
			   " WHERE r.queued_ms >= ? AND r.state = 'succeeded'"
			   " AND p.started_ms IS NOT NULL AND v.ended_ms IS NOT NULL"
			   " GROUP BY r.run",
			   &repair, err) < 0)
		return -1;
	while (within < repair.count && repair.v[within] <= WITHIN_MS)
		within++;
	json_object_set_new(stats, "median_run_ms", median(&whole));
	json_object_set_new(stats, "median_patch_to_verify_ms", median(&repair));
	json_object_set_new(stats, "within_20m_percent",
			    percent((int64_t)within, (int64_t)repair.count));
	return 0;
}

static int
add_states(struct store *store, int64_t since_ms, json_t *stats, struct err *err)
{
	AUTO(json_ref) json_t *states = json_object();
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT state, count(*) FROM runs WHERE queued_ms >= ?"
		" AND " IS_JOB " GROUP BY state",
		"i", since_ms);
	int64_t all = 0;
	int rc;

	while ((rc = db_next(rows)) == 1) {
		all += sqlite3_column_int64(rows, 1);
		json_object_set_new(states, db_text(rows, 0),
				    json_integer(sqlite3_column_int64(rows, 1)));
	}
	if (rc < 0)
		return db_error(store, err, "count the runs");
	json_object_set_new(stats, "runs", json_integer(all));
	json_object_set(stats, "states", states);
	return 0;
}

/* ---- commands ---- */

#define OF_SERVICE "SELECT coalesce(runs.service, ''), "

/* Commands of the attempts that were begun: one each at least, and one a file. */
#define COMMANDS                                                                       \
	OF_SERVICE "sum(max(1, coalesce(json_array_length(p.proposal,"                 \
	" '$.commands'), 0)) + coalesce(json_array_length(p.proposal,"                 \
	" '$.edits'), 0)) FROM runs JOIN attempts a ON a.run = runs.run"               \
	" JOIN proposals p ON p.run = a.run AND p.step = a.step"                       \
	" AND p.attempt = a.attempt WHERE queued_ms >= ? AND " IS_JOB " "

/* A number of each service that has one. */
static const struct {
	const char *name, *sql;
} numbers[] = {
	{ "by_fettle", COMMANDS "GROUP BY 1" },
	{ "of_done", COMMANDS "AND " IS_DONE " GROUP BY 1" },
	{ "orders",
	  OF_SERVICE "count(*) FROM events e JOIN runs USING (run)"
	  " WHERE runs.queued_ms >= ? AND (e.actor LIKE 'operator:%' OR"
	  " (e.kind = 'run.ended' AND"
	  "  json_extract(e.body, '$.code') = 'rollback_ordered')) GROUP BY 1" },
	{ "failed_jobs",
	  OF_SERVICE "sum(coalesce((SELECT count(*) FROM"
	  " json_each(p.body, '$.plan.steps') s"
	  " WHERE json_extract(s.value, '$.section') = 'steps'), 1))"
	  " FROM runs LEFT JOIN events p"
	  " ON p.run = runs.run AND p.kind = 'run.planned'"
	  " WHERE queued_ms >= ? AND " IS_FAILED " GROUP BY 1" },
	{ "standing",
	  OF_SERVICE "count(*) FROM standing JOIN runs USING (run)"
	  " WHERE queued_ms >= ? AND undone_seq IS NULL"
	  " AND (runs.state = 'rollback_failed' OR runs.run IN"
	  "  (SELECT rolls_back FROM runs WHERE state = 'rollback_failed'))"
	  " GROUP BY 1" },
};

static json_t *
no_commands(void)
{
	json_t *commands = json_object();

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_object_set_new(commands, numbers[i].name, json_integer(0));
	return commands;
}

static void
add_to(json_t *commands, const char *name, int64_t number)
{
	json_object_set_new(commands, name,
			    json_integer(json_int_or(commands, name, 0) + number));
}

static int
add_services(struct store *store, int64_t since_ms, json_t *stats, struct err *err)
{
	AUTO(json_ref) json_t *services = json_array();
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT coalesce(service, ''), count(*), sum(" IS_DONE "),"
		" sum(" IS_FAILED "), sum(state = 'rollback_failed') FROM runs"
		" WHERE queued_ms >= ? AND " IS_JOB " GROUP BY 1 ORDER BY 2 DESC, 1",
		"i", since_ms);
	int rc;

	while ((rc = db_next(rows)) == 1) {
		int64_t done = sqlite3_column_int64(rows, 2),
			failed = sqlite3_column_int64(rows, 3);

		json_array_append_new(
			services,
			json_pack("{s:s, s:I, s:I, s:I, s:I, s:o, s:o}", "service",
				  db_text(rows, 0), "runs",
				  (json_int_t)sqlite3_column_int64(rows, 1),
				  "succeeded", (json_int_t)done, "failed",
				  (json_int_t)failed, "rollback_failed",
				  (json_int_t)sqlite3_column_int64(rows, 4),
				  "success_percent", percent(done, done + failed),
				  "commands", no_commands()));
	}
	if (rc < 0)
		return db_error(store, err, "count the services");
	json_object_set(stats, "services", services);
	return 0;
}

/* NULL for a service whose first run came since they were listed. */
static json_t *
commands_of(const json_t *services, const char *service)
{
	return json_object_get(json_find(services, "service", service), "commands");
}

static int
add_number(struct store *store, int64_t since_ms, size_t i, json_t *stats,
	   struct err *err)
{
	const json_t *services = json_object_get(stats, "services");
	json_t *all = json_object_get(stats, "commands");
	AUTO(rows) sqlite3_stmt *rows = db_query(store, numbers[i].sql, "i", since_ms);
	int rc;

	while ((rc = db_next(rows)) == 1) {
		int64_t number = sqlite3_column_int64(rows, 1);

		add_to(all, numbers[i].name, number);
		add_to(commands_of(services, db_text(rows, 0)), numbers[i].name,
		       number);
	}
	return rc < 0 ? db_error(store, err, "count the commands") : 0;
}

/* What follows from the numbers of a service, or of all. */
static void
conclude(json_t *stats)
{
	json_t *commands = json_object_get(stats, "commands");
	int64_t failed = json_int_or(commands, "failed_jobs", 0);
	int64_t by_hand = json_int_or(commands, "of_done", 0) + failed;
	int64_t left = json_int_or(commands, "orders", 0) + failed +
		       json_int_or(commands, "standing", 0);

	json_object_set_new(commands, "by_hand", json_integer(by_hand));
	json_object_set_new(commands, "left", json_integer(left));
	json_object_set_new(stats, "less_manual_percent",
			    percent(left < by_hand ? by_hand - left : 0, by_hand));
}

static int
add_commands(struct store *store, int64_t since_ms, json_t *stats, struct err *err)
{
	json_t *service;
	size_t i;

	json_object_set_new(stats, "commands", no_commands());
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		if (add_number(store, since_ms, i, stats, err) < 0)
			return -1;
	json_array_foreach (json_object_get(stats, "services"), i, service)
		conclude(service);
	conclude(stats);
	return 0;
}

json_t *
store_stats(struct store *store, int64_t since_ms, struct err *err)
{
	AUTO(json_ref) json_t *stats = json_object();
	int64_t done, failed, rollbacks;

	json_object_set_new(stats, "since_ms", json_integer(since_ms));
	if (add_states(store, since_ms, stats, err) < 0 ||
	    add_services(store, since_ms, stats, err) < 0 ||
	    add_durations(store, since_ms, stats, err) < 0 ||
	    add_commands(store, since_ms, stats, err) < 0)
		return NULL;
	done = count(store, since_ms,
		     "SELECT count(*) FROM runs WHERE queued_ms >= ? AND " IS_DONE,
		     err);
	failed = count(store, since_ms,
		       "SELECT count(*) FROM runs WHERE queued_ms >= ? AND " IS_FAILED,
		       err);
	rollbacks = count(store, since_ms,
			  "SELECT count(*) FROM runs WHERE queued_ms >= ?"
			  " AND NOT (" IS_JOB ")",
			  err);
	if (done < 0 || failed < 0 || rollbacks < 0)
		return NULL;
	json_object_set_new(stats, "rollbacks", json_integer(rollbacks));
	json_object_set_new(stats, "success_percent", percent(done, done + failed));
	return STEAL(stats);
}
