/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making a store what a backup says. Nothing of the backup is believed before
 * its chains, and the blobs that putting back would need, are proved. Files come
 * first, the database last and in one transaction: who is killed meanwhile
 * leaves the store as it was, with some files more.
 */
#include "base/base.h"

#include "store/admin.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "store/blob.h"
#include "store/claim.h"
#include "store/copy.h"
#include "store/schema.h"

static int
check_backup(struct store *backup, struct err *err)
{
	AUTO(json_ref) json_t *checked = NULL;
	const json_t *problem;
	bool is_old;

	/* As one that may be brought up to date: an older backup is welcome. */
	backup->mode = STORE_WRITE;
	if (db_number(backup, "PRAGMA user_version") == 0)
		return err_set(err, "store.missing", "'%s' holds no backup of a store",
			       backup->dir);
	if (schema_check(backup, &is_old, err) < 0)
		return -1;
	checked = store_check(backup, err);
	if (!checked)
		return -1;
	problem = json_array_get(json_object_get(checked, "problems"), 0);
	if (!problem)
		return 0;
	err_set(err, json_text(problem, "code"), "the backup '%s' is not whole: %s",
		backup->dir, json_text(problem, "text"));
	return err_remedy(err, "use another backup; nothing was restored");
}

/* Nobody may be at work: what is replaced would be pulled from under their feet. */
static int
check_idle(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *runs = store_unfinished(store, err);
	AUTO(json_ref) json_t *workers = runs ? store_workers(store, err) : NULL;
	const json_t *run;
	size_t i;

	if (!workers)
		return -1;
	if (json_array_size(workers) > 0)
		err_set(err, "store.busy", "worker %s is at work here",
			json_text(json_array_get(workers, 0), "name"));
	json_array_foreach (runs, i, run) {
		int alive = claim_is_alive(store, json_text(run, "run"), err);

		if (alive < 0)
			return -1;
		if (alive)
			err_set(err, "store.busy", "run '%s' is being carried out",
				json_text(run, "run"));
		if (alive)
			return err_remedy(err, "wait until it has ended");
	}
	if (json_array_size(workers) > 0)
		return err_remedy(err, "end it first");
	return 0;
}

/* The database as it is now, beside itself. *ret is owned by the caller. */
static int
put_aside(struct store *store, char **ret, struct err *err)
{
	AUTO_FREE char *directory = NULL;
	__attribute__((cleanup(copy_close))) struct store *copy = NULL;
	char stamp[32];
	struct tm tm;
	time_t now = time(NULL);

	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
	directory = x_asprintf("%s/replaced-%s", store->dir, stamp);
	if (path_make_dirs(directory, err) < 0)
		return -1;
	copy = copy_open(directory, true, err);
	if (!copy || copy_database(store, copy, err) < 0 ||
	    db_script(copy, "PRAGMA journal_mode = DELETE", err) < 0 ||
	    copy_key(store->dir, directory, err) < 0)
		return err_context(err, "keep the store that is there");
	*ret = STEAL(directory);
	return 0;
}

static int
bring_over(struct store *store, struct store *backup, struct copy_sum *sum,
	   struct err *err)
{
	AUTO(strv) struct strv referenced = STRV_INIT, needed = STRV_INIT;

	if (blob_referenced(backup, &referenced, err) < 0 ||
	    blob_needed(backup, INT64_MAX, &needed, err) < 0 ||
	    copy_blobs(backup->dir, store, &referenced, &needed, sum, err) < 0 ||
	    copy_artifacts(backup, backup->dir, store->dir, sum, err) < 0 ||
	    copy_key(backup->dir, store->dir, err) < 0)
		return -1;
	return copy_database(backup, store, err);
}

json_t *
store_restore(struct store *store, const char *directory, bool is_replacing,
	      struct err *err)
{
	__attribute__((cleanup(copy_close))) struct store *backup = NULL;
	AUTO(json_ref) json_t *missing = json_array();
	struct copy_sum sum = { .missing = missing };
	AUTO_FREE char *replaced = NULL;
	int64_t events = db_number(store, "SELECT count(*) FROM events");

	if (events != 0 && !is_replacing) {
		err_set(err, "store.exists", "the store in '%s' has events already",
			store->dir);
		err_remedy(err, "restore to another --state-dir, or replace it with "
				"--replace: its database is then kept beside it");
		return NULL;
	}
	backup = copy_open(directory, false, err);
	if (!backup || check_backup(backup, err) < 0 || check_idle(store, err) < 0)
		return NULL;
	if (events != 0 && put_aside(store, &replaced, err) < 0)
		return NULL;
	if (bring_over(store, backup, &sum, err) < 0)
		return NULL;
	return json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:O, s:s?}", "directory", directory,
		"runs", (json_int_t)db_number(backup, "SELECT count(*) FROM runs"),
		"unfinished",
		(json_int_t)db_number(backup, "SELECT count(*) FROM runs WHERE state IN"
					      " ('running', 'rolling_back')"),
		"blobs", (json_int_t)sum.blobs, "artifacts", (json_int_t)sum.artifacts,
		"bytes", (json_int_t)sum.bytes, "missing", missing, "replaced",
		replaced);
}
