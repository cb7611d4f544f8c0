/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Taking away what nobody needs: files of runs that ended long ago, and blobs
 * that no run could still put back. Events stay for ever, and a run's directory
 * with its lock, so that two who lock it lock the same file.
 */
#include "base/base.h"

#include "store/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "store/append.h"
#include "store/blob.h"
#include "store/shelf.h"
#include "store/site.h"

#define DAY_MS ((int64_t)86400000)
#define GRACE_MS ((int64_t)3600000) /* of a blob whose event is not there yet */

#define OLD_RUNS                                                                       \
	" FROM runs WHERE ended_ms < ?1 AND state NOT IN"                              \
	" ('pending', 'running', 'awaiting_approval', 'rolling_back')"

struct collection {
	struct store *store;
	bool is_dry;
	int64_t now_ms;
	struct strv old;	/* runs, sorted */
	struct strv needed;	/* blobs, sorted */
	json_t *runs;		/* ids; owned by the caller */
	int64_t files, blobs, bytes;
};

static void
collection_done(struct collection *c)
{
	strv_done(&c->old);
	strv_done(&c->needed);
}

/* Removes the file, or only counts it. 1 done, 0 it was gone, -1. */
static int
take_away(struct collection *c, int dirfd, const char *name, const struct stat *st,
	  struct err *err)
{
	if (!c->is_dry && unlinkat(dirfd, name, 0) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_errno(err, "store_unavailable", "remove '%s'", name);
	}
	c->bytes += st->st_size;
	return 1;
}

static void
add_run(struct collection *c, const char *run)
{
	const char *last = json_string_value(
		json_array_get(c->runs, json_array_size(c->runs) - 1));

	if (!last || !str_eq(last, run))
		json_array_append_new(c->runs, json_string(run));
}

static int
visit_artifact(void *self, int dirfd, const char *run, const char *name,
	       const struct stat *st, struct err *err)
{
	struct collection *c = self;
	AUTO_CLOSE int lock = -1;
	int rc;

	if (str_eq(name, "lock") || !blob_is_among(&c->old, run))
		return 0;
	/* Somebody who has claimed it again, to roll it back, may write here. */
	lock = openat(dirfd, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		return 0;
	rc = take_away(c, dirfd, name, st, err);
	if (rc < 0)
		return -1;
	c->files += rc;
	if (rc)
		add_run(c, run);
	return 0;
}

static int
visit_blob(void *self, int dirfd, const char *shelf, const char *name,
	   const struct stat *st, struct err *err)
{
	struct collection *c = self;
	int64_t changed_ms = (int64_t)st->st_mtim.tv_sec * 1000;
	int rc;

	if (blob_is_among(&c->needed, name) || c->now_ms - changed_ms < GRACE_MS)
		return 0;
	rc = take_away(c, dirfd, name, st, err);
	if (rc < 0)
		return -1;
	c->blobs += rc;
	return 0;
}

static int
load_old(struct collection *c, int64_t before_ms, struct err *err)
{
	AUTO(rows)
	sqlite3_stmt *rows = db_query(c->store, "SELECT run" OLD_RUNS " ORDER BY run",
				      "i", before_ms);
	int rc;

	while ((rc = db_next(rows)) == 1)
		strv_add(&c->old, db_text(rows, 0));
	return rc < 0 ? db_error(c->store, err, "list the old runs") : 0;
}

/* Nobody puts a blob meanwhile: what is needed now is all that is needed. */
static int
collect_blobs(struct collection *c, int64_t before_ms, struct err *err)
{
	AUTO_FREE char *root = path_join(c->store->dir, "blobs");
	AUTO_CLOSE int lock = blob_lock(c->store, LOCK_EX, err);

	if (lock < 0 || blob_needed(c->store, before_ms, &c->needed, err) < 0)
		return -1;
	return shelf_each(root, visit_blob, c, err);
}

/* What modules keep outside of the store for effects that are put back by now. */
static json_t *
list_discards(struct collection *c, int64_t before_ms, struct err *err)
{
	AUTO(json_ref) json_t *list = json_array();
	AUTO(rows) sqlite3_stmt *rows = db_query(
		c->store,
		"SELECT run, kind, target, json_extract(body, '$.before.discard')"
		" FROM standing s WHERE json_type(body, '$.before.discard') = 'array'"
		/* What a rollback has put back is told with the run it was of. */
		" AND run IN (SELECT run" OLD_RUNS " AND rolls_back IS NULL)"
		" AND NOT EXISTS (SELECT 1 FROM standing o WHERE o.run = s.run"
		"  AND o.undone_seq IS NULL) ORDER BY run, n",
		"i", before_ms);
	int rc;

	while ((rc = db_next(rows)) == 1) {
		json_t *argv = json_loads(db_text(rows, 3), 0, NULL);

		if (argv)
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:s, s:o}", "run",
						db_text(rows, 0), "kind",
						db_text(rows, 1), "target",
						db_text(rows, 2), "argv", argv));
	}
	if (rc < 0) {
		db_error(c->store, err, "list what modules keep");
		return NULL;
	}
	return STEAL(list);
}

static int
record(const struct collection *c, const struct collecting *order, struct err *err)
{
	AUTO(json_ref) json_t *body = json_pack(
		"{s:I, s:I, s:I, s:I, s:I}", "keep_days", (json_int_t)order->keep_days,
		"runs", (json_int_t)json_array_size(c->runs), "files",
		(json_int_t)c->files, "blobs", (json_int_t)c->blobs, "bytes",
		(json_int_t)c->bytes);

	if (c->is_dry || (c->files == 0 && c->blobs == 0))
		return 0;
	if (append_check(event_find("site.collected"), order->actor, body, err) < 0 ||
	    db_begin(c->store, err) < 0)
		return -1;
	if (site_append(c->store, order->actor, "site.collected", body, err) < 0) {
		db_abandon(c->store);
		return -1;
	}
	return db_commit(c->store, err);
}

json_t *
store_collect(struct store *store, const struct collecting *order, struct err *err)
{
	AUTO(json_ref) json_t *runs = json_array();
	AUTO(json_ref) json_t *discard = NULL;
	AUTO_FREE char *root = path_join(store->dir, "runs");
	__attribute__((cleanup(collection_done))) struct collection c = {
		.store = store,
		.is_dry = order->is_dry,
		.now_ms = clock_wall_ms(),
		.runs = runs,
	};
	int64_t before_ms = c.now_ms - order->keep_days * DAY_MS;

	if (load_old(&c, before_ms, err) < 0 ||
	    shelf_each(root, visit_artifact, &c, err) < 0 ||
	    collect_blobs(&c, before_ms, err) < 0)
		return NULL;
	discard = list_discards(&c, before_ms, err);
	if (!discard || record(&c, order, err) < 0)
		return NULL;
	return json_pack("{s:I, s:b, s:O, s:I, s:I, s:I, s:O}", "keep_days",
			 (json_int_t)order->keep_days, "dry_run", order->is_dry,
			 "runs", runs, "files", (json_int_t)c.files, "blobs",
			 (json_int_t)c.blobs, "bytes", (json_int_t)c.bytes, "discard",
			 discard);
}
