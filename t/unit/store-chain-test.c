/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chain of events: tampering is found and named, tables follow from events. */
#include "store-kit.h"

#include <fcntl.h>

#include "base/str.h"
#include "store/event.h"

/* The run under test has 10 events, another one behind it has 10 too. */
static void
two_runs(char ret_run[RUN_ID_SIZE])
{
	for (int i = 0; i < 2; i++) {
		start_run();
		start_step();
		OK(append("step.note", "{'step':'patch','level':'info','text':'one'}"));
		OK(append("step.note", "{'step':'patch','level':'info','text':'two'}"));
		OK(append("step.ended",
			  "{'step':'patch','attempt':1,'state':'succeeded'}"));
		OK(append("run.ended", "{'state':'succeeded'}"));
		if (i == 0)
			memcpy(ret_run, claim.run, RUN_ID_SIZE);
	}
}

#define RUN "(SELECT run FROM runs WHERE n = 1)"
#define OTHER "(SELECT run FROM runs WHERE n = 2)"
#define MINE "run = " RUN
#define COPY(run, seq, from)                                                           \
	"INSERT INTO events (run, seq, time_ms, kind, actor, body, prev, hash)"        \
	" SELECT " run \
	", " seq ", time_ms, kind, actor, body, prev, hash FROM events WHERE " from

static const struct {
	const char *name, *sql, *want;
} tampered[] = {
	{ "body",
	  "UPDATE events SET body = replace(body, 'one', 'ONE')"
	  " WHERE seq = 7 AND " MINE,
	  "event 7 was changed" },
	{ "a blank in the body",
	  "UPDATE events SET body = replace(body, ':', ': ') WHERE seq = 7 AND " MINE,
	  "event 7 was changed" },
	{ "bytes that are not UTF-8",
	  "UPDATE events SET actor = CAST(x'ff00fe' AS TEXT) WHERE seq = 7 AND " MINE,
	  "event 7 was changed" },
	{ "time", "UPDATE events SET time_ms = time_ms - 1 WHERE seq = 2 AND " MINE,
	  "event 2 was changed" },
	{ "actor", "UPDATE events SET actor = 'operator:eve' WHERE seq = 1 AND " MINE,
	  "event 1 was changed" },
	{ "kind", "UPDATE events SET kind = 'step.finding' WHERE seq = 7 AND " MINE,
	  "event 7 was changed" },
	{ "hash", "UPDATE events SET hash = prev WHERE seq = 10 AND " MINE,
	  "event 10 was changed" },
	{ "prev", "UPDATE events SET prev = hash WHERE seq = 10 AND " MINE,
	  "event 10 was changed" },
	{ "two edited, the first is named",
	  "UPDATE events SET actor = 'x' WHERE seq IN (9, 4) AND " MINE,
	  "event 4 was changed" },
	{ "delete the first", "DELETE FROM events WHERE seq = 1 AND " MINE,
	  "event 1 is missing" },
	{ "delete one", "DELETE FROM events WHERE seq = 5 AND " MINE,
	  "event 5 is missing" },
	{ "delete one and close the gap",
	  "DELETE FROM events WHERE seq = 5 AND " MINE ";"
	  "UPDATE events SET seq = seq + 100 WHERE seq > 5 AND " MINE ";"
	  "UPDATE events SET seq = seq - 101 WHERE seq > 100 AND " MINE,
	  "event 5 was changed" },
	{ "reorder",
	  "UPDATE events SET seq = 99 WHERE seq = 7 AND " MINE ";"
	  "UPDATE events SET seq = 7 WHERE seq = 8 AND " MINE ";"
	  "UPDATE events SET seq = 8 WHERE seq = 99 AND " MINE,
	  "event 7 was changed" },
	{ "truncate in the middle",
	  "DELETE FROM events WHERE seq BETWEEN 4 AND 8 AND " MINE,
	  "event 4 is missing" },
	{ "truncate at the end", "DELETE FROM events WHERE seq > 8 AND " MINE,
	  "event 9 is missing" },
	{ "truncate all", "DELETE FROM events WHERE " MINE, "event 1 is missing" },
	{ "splice in an event of another run",
	  "DELETE FROM events WHERE seq = 7 AND " MINE
	  ";" COPY(RUN, "7", "seq = 7 AND run = " OTHER),
	  "event 7 was changed" },
	{ "splice behind the end", COPY(RUN, "11", "seq = 10 AND run = " OTHER),
	  "event 11 was changed" },
	{ "duplicate behind the end", COPY(RUN, "11", "seq = 10 AND " MINE),
	  "event 11 was changed" },
	{ "duplicate in the middle",
	  "UPDATE events SET seq = seq + 100 WHERE seq > 5 AND " MINE ";"
	  "UPDATE events SET seq = seq - 99 WHERE seq > 100 AND " MINE
	  ";" COPY(RUN, "6", "seq = 5 AND " MINE),
	  "event 6 was changed" },
	{ "another end in the run's row", "UPDATE runs SET head = '' WHERE " MINE,
	  "event 10 was replaced" },
};

START_TEST(tampering_is_found_and_the_first_bad_event_named)
{
	char run[RUN_ID_SIZE];
	two_runs(run);
	OK(store_verify(store, run, &err));
	if (tamper(tampered[_i].sql) < 0)
		ck_abort_msg("%s: %s", tampered[_i].name, err.text);

	FAILS(store_verify(store, run, &err), "audit.broken");
	ck_assert_msg(strstr(err.text, tampered[_i].want) && strstr(err.text, run),
		      "%s: got '%s', want '%s'", tampered[_i].name, err.text,
		      tampered[_i].want);
	OK(store_verify(store, claim.run, &err));	/* the other run is whole */
}
END_TEST

/* A forger who knows the rule can hash a changed event anew: then it no longer fits. */
START_TEST(event_hashed_anew_does_not_fit_its_follower)
{
	char run[RUN_ID_SIZE], hash[SHA256_HEX_SIZE];
	two_runs(run);
	AUTO(json_ref) json_t *events = store_events(store, run, 4, 2, &err);
	AUTO_FREE char *prev = x_strdup(json_text(json_array_get(events, 0), "hash"));
	struct event forged = {
		.run = run,
		.seq = 6,
		.time_ms = 1,
		.kind = "step.note",
		.actor = "engine",
		.body = "{}",
		.prev = prev,
	};
	event_hash(&forged, hash);
	AUTO_FREE char *sql =
		x_asprintf("UPDATE events SET time_ms = 1, kind = 'step.note',"
			   " body = '{}', hash = '%s' WHERE seq = 6 AND run = '%s'",
			   hash, run);
	OK(tamper(sql));
	FAILS(store_verify(store, run, &err), "audit.broken");
	ck_assert_ptr_nonnull(strstr(err.text, "event 7 does not follow event 6"));
}
END_TEST

START_TEST(hash_is_that_of_the_canonical_json)
{
	char want[65], found[65];
	AUTO(json_ref) json_t *event = object(
		"{'run':'r','seq':7,'time_ms':1234567890123,"
		"'kind':'step.note','actor':'operator:\xc3\xa4',"
		"'body':{'b':1,'a':['x']},"
		"'prev':'00'}");
	AUTO_FREE char *body = json_canonical(json_object_get(event, "body"));
	struct event row = {
		.run = "r", .seq = 7, .time_ms = 1234567890123, .kind = "step.note",
		.actor = "operator:\xc3\xa4", .body = body, .prev = "00",
	};
	json_sha256(event, want);
	event_hash(&row, found);
	ck_assert_str_eq(found, want);
}
END_TEST

/* ---- rebuilding ---- */

static const char *const tables[] = {
	"runs",	    "steps",	 "proposals", "verdicts",
	"attempts", "standing", "artifacts", "locks",
};

static int
dump_row(void *out, int count, char **values, char **names)
{
	for (int i = 0; i < count; i++)
		str_addf(out, "%s=%s|", names[i], values[i] ? values[i] : "(null)");
	str_add_c(out, '\n');
	return 0;
}

static char *
dump(void)
{
	AUTO(str) struct str out = STR_INIT;
	AUTO_FREE char *file = x_asprintf("%s/fettle.db", dir);
	sqlite3 *db = NULL;
	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		AUTO_FREE char *sql =
			x_asprintf("SELECT * FROM %s ORDER BY 1, 2", tables[i]);
		str_addf(&out, "[%s]\n", tables[i]);
		ck_assert_int_eq(sqlite3_exec(db, sql, dump_row, &out, NULL),
				 SQLITE_OK);
	}
	sqlite3_close(db);
	return str_take(&out);
}

/* `%d` stands for a step, then for an attempt. */
static const struct {
	const char *kind, *body;
} random_events[] = {
	{ "run.planned",
	  "{'plan':{},'sha256':"
	  "'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'}" },
	{ "run.state", "{'state':'running','message':'%d %d'}" },
	{ "run.state", "{'state':'running'}" },
	{ "run.state", "{'state':'rolling_back','code':'c'}" },
	{ "run.state", "{'state':'awaiting_approval'}" },
	{ "run.ended", "{'state':'failed','detail':{'n':[%d,%d]},'step':'s1'}" },
	{ "run.ended", "{'state':'rolled_back'}" },
	{ "step.proposed",
	  "{'step':'s%d','attempt':%d,'sha256':'x','stage':'patch','proposal':{"
	  "'edits':[{'path':'a','pre':'1','post':'2'},"
	  "{'path':'b','pre':null,'post':'3'}],"
	  "'effects':[{'kind':'image','target':'t','before':{'x':1}}]}}" },
	{ "step.proposed",
	  "{'step':'s%d','attempt':%d,'proposal':{'edits':[]},'sha256':'y'}" },
	{ "step.verdict",
	  "{'step':'s%d','attempt':%d,'verdict':'allow','answers':[]}" },
	{ "step.verdict",
	  "{'step':'s%d','attempt':%d,'verdict':'hold','answers':[{'a':1}]}" },
	{ "step.verdict", "{'step':'s%d','attempt':%d,'verdict':'deny','answers':[]}" },
	{ "step.intent",
	  "{'step':'s%d','attempt':%d,'section':'steps','stage':'build'}" },
	{ "step.intent", "{'step':'s%d','attempt':%d}" },
	{ "step.ended",
	  "{'step':'s%d','attempt':%d,'state':'failed','outputs':{'o':1.5},"
	  "'duration_ms':12,'why':'bug','message':'m'}" },
	{ "step.ended",
	  "{'step':'s%d','attempt':%d,'state':'succeeded','result':'ok'}" },
	{ "step.skipped", "{'step':'s%d','section':'finally','message':'%d'}" },
	{ "step.note",
	  "{'step':'s%d','attempt':%d,'level':'warn','text':'\xe2\x82\xac'}" },
	{ "step.finding",
	  "{'step':'s%d','attempt':%d,'rule':'r','confidence':90,'title':'t'}" },
	{ "artifact.added",
	  "{'name':'s%d.log','attempt':%d,'path':'x','bytes':5,'sha256':'z'}" },
	{ "artifact.missing", "{'name':'s%d.log','step':'s%d','message':'full'}" },
	{ "unwind.files", "{'restored':['a','%d%d']}" },
	{ "effect.undone", "{'effects':[%d]}" },
};

/* An array of formats: the compiler cannot check them. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int
append_one(size_t i, int step, int attempt)
{
	AUTO_FREE char *body = x_asprintf(random_events[i].body, step, attempt);
	return append(random_events[i].kind, body) == 0;
}

/* The place of the first of a kind in the table. */
static size_t
place(const char *kind)
{
	size_t i = 0;
	while (!str_eq(random_events[i].kind, kind))
		i++;
	return i;
}

/* Something, or the beginning of a step; how many events were taken. */
static int
append_random(uint64_t *seed)
{
	size_t i = unit_random(seed, ARRAY_LEN(random_events));
	int step = (int)unit_random(seed, 4), attempt = 1 + (int)unit_random(seed, 2);

	if (unit_random(seed, 10) == 0)
		return append_one(place("step.proposed"), step, attempt) +
		       append_one(place("step.verdict"), step, attempt) +
		       append_one(place("step.intent"), step, attempt);
	/* Runs that live long have more to tell. */
	if ((str_eq(random_events[i].kind, "run.state") ||
	     str_eq(random_events[i].kind, "run.ended")) && unit_random(seed, 8) > 0)
		return 0;
	return append_one(i, step, attempt);
}

/* Several runs at once, most of what is tried being refused; until `want` events. */
static void
random_history(uint64_t seed, int want)
{
	struct store_claim claims[6];
	int fds[6];
	char holder[RUN_ID_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		lock_fd = -1;
		start_run();
		claims[i] = claim;
		fds[i] = lock_fd;
	}
	lock_fd = -1;
	for (int taken = 0; taken < want;) {
		size_t i = unit_random(&seed, ARRAY_LEN(claims));
		claim = claims[i];
		for (int k = 0; k < 30; k++)
			taken += append_random(&seed);
		if (unit_random(&seed, 3) == 0)
			(void)store_lock(store, &claim, "shop:api", holder, &err);
		AUTO(json_ref) json_t *run = store_run(store, claim.run, &err);
		if (str_eq(json_text(run, "state"), "failed")) {
			close(fds[i]);
			OK(store_claim(store, claim.run, "host/2", &claims[i], &fds[i],
				       &err));
		} else if (str_eq(json_text(run, "state"), "rolled_back")) {
			close(fds[i]);
			lock_fd = -1;
			start_run();
			claims[i] = claim;
			fds[i] = lock_fd;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(claims); i++)
		close(fds[i]);
	lock_fd = -1;
}

START_TEST(rebuilt_tables_are_those_that_were)
{
	random_history((uint64_t)_i, 400);
	AUTO_FREE char *before = dump();
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		AUTO_FREE char *sql = x_asprintf("SELECT count(*) FROM %s", tables[i]);
		if (!str_eq(tables[i], "locks"))	/* may all be free by now */
			ck_assert_msg(raw_number(sql) > 0, "%s is empty", tables[i]);
	}

	OK(store_rebuild(store, &err));
	AUTO_FREE char *after = dump();
	ck_assert_str_eq(after, before);

	OK(raw_sql(
		"DROP TRIGGER verdicts_stay; DELETE FROM verdicts; DELETE FROM steps;"
		"DROP INDEX runs_state; DROP TABLE artifacts;"
		"UPDATE runs SET state = 'x'"));
	OK(store_rebuild(store, &err));
	AUTO_FREE char *mended = dump();
	ck_assert_str_eq(mended, before);
	AUTO(json_ref) json_t *runs = store_runs(store, NULL, &err);
	size_t i;
	json_t *run;
	json_array_foreach(runs, i, run)
		OK(store_verify(store, json_text(run, "run"), &err));
}
END_TEST

START_TEST(broken_chain_is_not_rebuilt_from)
{
	char run[RUN_ID_SIZE];
	two_runs(run);
	OK(tamper("UPDATE events SET actor = 'x' WHERE seq = 4 AND " MINE));
	AUTO_FREE char *before = dump();
	FAILS(store_rebuild(store, &err), "audit.broken");
	ck_assert_ptr_nonnull(strstr(err.text, "event 4"));
	AUTO_FREE char *after = dump();
	ck_assert_str_eq(after, before);
	start_run();	/* the store still works */
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		event_hashed_anew_does_not_fit_its_follower,
		hash_is_that_of_the_canonical_json, broken_chain_is_not_rebuilt_from,
	};
	Suite *suite = suite_create("store-chain");
	TCase *tcase = kit_case(suite, "chain", tests, ARRAY_LEN(tests));
	tcase_add_loop_test(tcase, tampering_is_found_and_the_first_bad_event_named, 0,
			    ARRAY_LEN(tampered));
	tcase_add_loop_test(tcase, rebuilt_tables_are_those_that_were, 1, 6);
	return unit_run(suite);
}
