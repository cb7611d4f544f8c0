/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of runs and their directories. */
#include "base/base.h"

#include "store/run.h"

#include <sys/random.h>
#include <time.h>

#include "base/path.h"
#include "base/str.h"
#include "store/directory.h"

int
run_make_id(int64_t wall_ms, char ret_run[RUN_ID_SIZE], struct err *err)
{
	unsigned char random[3];
	struct tm tm;
	time_t seconds = (time_t)(wall_ms / 1000);
	char date[20];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_errno(err, "store_unavailable", "make a run's id");
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	snprintf(ret_run, RUN_ID_SIZE, "%s-%02x%02x%02x", date, random[0], random[1],
		 random[2]);
	return 0;
}

bool
run_is_id(const char *text)
{
	size_t n = strspn(text, "0123456789abcdef-");
	return n > 0 && n < RUN_ID_SIZE && text[n] == '\0' && text[0] != '-';
}

int
run_refuse_unknown(const char *run, struct err *err)
{
	err_set(err, "run_not_found", "there is no run '%s'", run);
	return err_remedy(err, "`fettle runs` lists them");
}

static int
find_last(struct store *store, char ret_run[RUN_ID_SIZE], struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows =
		db_query(store, "SELECT run FROM runs ORDER BY n DESC LIMIT 1", "");
	int rc = db_next(rows);
	if (rc < 0)
		return db_error(store, err, "find the last run");
	if (rc == 0) {
		err_set(err, "run_not_found", "there is no run yet");
		return err_remedy(err, "`fettle run` starts one");
	}
	snprintf(ret_run, RUN_ID_SIZE, "%s", db_text(rows, 0));
	return 0;
}

static int
refuse_ambiguous(const char *name, const struct str *found, struct err *err)
{
	err_set(err, "run.ambiguous", "'%s' may be any of %s", name, str_get(found));
	return err_remedy(err, "give more of the run's id");
}

int
store_find_run(struct store *store, const char *name, char ret_run[RUN_ID_SIZE],
	       struct err *err)
{
	if (str_eq(name, "last"))
		return find_last(store, ret_run, err);
	if (!run_is_id(name))
		return run_refuse_unknown(name, err);

	/* `g` comes after every character of an id. */
	AUTO_FREE char *behind = x_asprintf("%sg", name);
	AUTO(str) struct str found = STR_INIT;
	char run[RUN_ID_SIZE] = "";
	int rc, count = 0;
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT run FROM runs WHERE run >= ? AND run < ? ORDER BY run LIMIT 5",
		"tt", name, behind);
	while ((rc = db_next(rows)) == 1) {
		snprintf(run, sizeof(run), "%s", db_text(rows, 0));
		str_addf(&found, "%s%s", count++ ? ", " : "", run);
		if (str_eq(run, name))	/* a whole id is never ambiguous */
			break;
	}
	if (rc < 0)
		return db_error(store, err, "find the run");
	if (count == 0)
		return run_refuse_unknown(name, err);
	if (count > 1 && !str_eq(run, name))
		return refuse_ambiguous(name, &found, err);
	memcpy(ret_run, run, RUN_ID_SIZE);
	return 0;
}

char *
store_run_dir(struct store *store, const char *run, struct err *err)
{
	if (!run_is_id(run)) {
		run_refuse_unknown(run, err);
		return NULL;
	}
	AUTO_CLOSE int dir = directory_open(store->dir, err);
	if (dir < 0)
		return NULL;
	AUTO_CLOSE int runs = directory_below(dir, "runs", err);
	if (runs < 0)
		return NULL;
	AUTO_CLOSE int own = directory_below(runs, run, err);
	if (own < 0)
		return NULL;
	return x_asprintf("%s/runs/%s", store->dir, run);
}
