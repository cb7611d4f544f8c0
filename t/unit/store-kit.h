/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the store share: a fresh store, a claimed run in it, short
 * ways to append, and a door to the tables that goes around the store.
 */
#ifndef FETTLE_UNIT_STORE_KIT_H
#define FETTLE_UNIT_STORE_KIT_H

#include "unit.h"

#include <sqlite3.h>

#include "base/json.h"
#include "store/store.h"

static char *dir;		/* the state directory */
static struct store *store;
static struct err err;
static struct store_claim claim;	/* the run that append() writes to */
static int lock_fd = -1;

static inline void
close_store(void)
{
	store_close(store);
	store = NULL;
}

static inline void
open_store(void)
{
	store = store_open(dir, STORE_WRITE, &err);
	ck_assert_msg(store != NULL, "%s", err.text);
}

static inline void
kit_setup(void)
{
	dir = unit_directory();
	open_store();
}

static inline void
kit_teardown(void)
{
	close_store();
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
	unit_remove(dir);
	free(dir);
}

/* A case whose tests each have a fresh store. */
static inline TCase *
kit_case(Suite *suite, const char *name, const TTest *const tests[], size_t count)
{
	TCase *tcase = tcase_create(name);
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, kit_setup, kit_teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return tcase;
}

#define OK(call) ck_assert_msg((call) == 0, "%s: %s [%s]", #call, err.text, err.code)
/* The call fails with this code, and says something. */
#define FAILS(call, want)                                                       \
	do {                                                                    \
		memset(&err, 0, sizeof(err));                                   \
		ck_assert_int_eq((call), -1);                                   \
		ck_assert_str_eq(err.code, want);                               \
		ck_assert_str_ne(err.text, "");                                 \
	} while (0)

/* A JSON object from text with ' instead of ". */
static inline json_t *
object(const char *text)
{
	AUTO_FREE char *copy = x_strdup(text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json_t *json = json_loads(copy, 0, NULL);
	ck_assert_msg(json != NULL, "not JSON: %s", copy);
	return json;
}

static inline int
append(const char *kind, const char *text)
{
	AUTO(json_ref) json_t *body = object(text);
	return store_append(store, &claim, "engine", kind, body, &err);
}

/* A new run, not claimed. */
static inline void
queue_run(char run[RUN_ID_SIZE])
{
	AUTO(json_ref) json_t *body = object("{'pipeline':'repair','service':'api',"
		"'instruction':'mend it','inputs':{},'workspace':'/srv/shop',"
		"'requested_by':'operator:ann'}");
	OK(store_queue(store, "operator:ann", body, run, &err));
}

static inline void
claim_run(const char *run)
{
	if (lock_fd >= 0)
		close(lock_fd);
	OK(store_claim(store, run, "host/1", &claim, &lock_fd, &err));
}

static inline void
begin_run(void)
{
	char run[RUN_ID_SIZE];
	queue_run(run);
	claim_run(run);
}

static inline void
start_run(void)
{
	begin_run();
	OK(append("run.state", "{'state':'running'}"));
}

/* A step up to its verdict. */
static inline void
judge_step(const char *verdict)
{
	AUTO_FREE char *text = x_asprintf(
		"{'step':'patch','attempt':1,'verdict':'%s','answers':[]}", verdict);
	OK(append(
		"step.proposed",
		"{'step':'patch','attempt':1,'sha256':'aa',"
		"'proposal':{'edits':[{'path':'a','pre':'p','post':'q'}],"
		"'effects':[{'kind':'image','target':'shop:1',"
		"'before':{'id':'x'}}]}}"));
	OK(append("step.verdict", text));
}

static inline void
start_step(void)
{
	judge_step("allow");
	OK(append("step.intent", "{'step':'patch','attempt':1,'section':'steps',"
				 "'stage':'patch'}"));
}

/* The text of one value of the run's row. */
static inline const char *
run_value(const char *key)
{
	static char value[200];
	AUTO(json_ref) json_t *run = store_run(store, claim.run, &err);
	ck_assert_ptr_nonnull(run);
	snprintf(value, sizeof(value), "%s", json_text(run, key));
	return value;
}

/* SQL behind the store's back, with its triggers or without. 0, or -1 and err.text. */
static inline int
raw_sql(const char *sql)
{
	AUTO_FREE char *file = x_asprintf("%s/fettle.db", dir);
	sqlite3 *db = NULL;
	char *why = NULL;
	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	int rc = sqlite3_exec(db, sql, NULL, NULL, &why);
	snprintf(err.text, sizeof(err.text), "%s", why ? why : "");
	sqlite3_free(why);
	sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : -1;
}

#define UNLOCK_EVENTS "DROP TRIGGER events_keep; DROP TRIGGER events_stay;"

static inline int
tamper(const char *sql)
{
	AUTO_FREE char *all = x_asprintf(UNLOCK_EVENTS "%s", sql);
	return raw_sql(all);
}

/* One integer of a query behind the store's back. */
static inline int64_t
raw_number(const char *sql)
{
	AUTO_FREE char *file = x_asprintf("%s/fettle.db", dir);
	sqlite3 *db = NULL;
	sqlite3_stmt *rows = NULL;
	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &rows, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(rows), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(rows, 0);
	sqlite3_finalize(rows);
	sqlite3_close(db);
	return n;
}

#endif
