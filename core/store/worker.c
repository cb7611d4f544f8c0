/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The workers there are. A row says what one is called; that it lives is said
 * by the kernel: a worker holds the flock of its file, as runs do.
 */
#include "base/base.h"

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/db.h"
#include "store/directory.h"

/* `HOST/PID` as a file name. */
static char *
file_name(const char *worker)
{
	char *name = x_strdup(worker);
	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '.';
	return name;
}

static int
open_lock(struct store *store, const char *worker, int flags, struct err *err)
{
	AUTO_FREE char *name = file_name(worker);
	AUTO_CLOSE int dir = directory_open(store->dir, err);
	if (dir < 0)
		return -1;
	AUTO_CLOSE int workers = directory_below(dir, "workers", err);
	if (workers < 0)
		return -1;
	int fd = openat(workers, name, O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (fd < 0 && errno != ENOENT)
		return err_errno(err, "store_unavailable",
				 "open the lock of worker '%s'", worker);
	return fd;
}

static bool
is_alive(struct store *store, const char *worker)
{
	struct err ignored;
	AUTO_CLOSE int fd = open_lock(store, worker, O_RDONLY, &ignored);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void
remove_file(struct store *store, const char *worker)
{
	struct err ignored;
	AUTO_FREE char *name = file_name(worker);
	AUTO_CLOSE int dir = directory_open(store->dir, &ignored);
	AUTO_CLOSE int workers =
		dir < 0 ? -1 : directory_below(dir, "workers", &ignored);
	if (workers >= 0)
		(void)unlinkat(workers, name, 0); /* an old name harms nobody */
}

static json_t *
load_workers(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *workers = json_array();
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store, "SELECT name, slots, started_ms FROM workers ORDER BY name", "");
	int rc;

	while ((rc = db_next(rows)) == 1)
		json_array_append_new(
			workers, json_pack("{s:s, s:I, s:I, s:[]}", "name",
					   db_text(rows, 0), "slots",
					   (json_int_t)sqlite3_column_int64(rows, 1),
					   "started_ms",
					   (json_int_t)sqlite3_column_int64(rows, 2),
					   "runs"));
	if (rc < 0) {
		db_error(store, err, "list the workers");
		return NULL;
	}
	return STEAL(workers);
}

static int
drop_dead(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *workers = load_workers(store, err);
	json_t *worker;
	size_t i;

	if (!workers)
		return -1;
	json_array_foreach(workers, i, worker)
		if (!is_alive(store, json_text(worker, "name")) &&
		    store_worker_remove(store, json_text(worker, "name"), err) < 0)
			return -1;
	return 0;
}

int
store_worker_add(struct store *store, const char *worker, uint32_t slots,
		 int *ret_lock_fd, struct err *err)
{
	AUTO_CLOSE int fd = open_lock(store, worker, O_RDWR | O_CREAT, err);
	if (fd < 0)
		return -1;
	/* A look at it (is_alive) holds it for an instant. */
	for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (tries == 50)
			return err_errno(err, "store_unavailable", "lock worker '%s'",
					 worker);
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	if (drop_dead(store, err) < 0 ||
	    db_run(store, err,
		   "INSERT OR REPLACE INTO workers (name, slots, started_ms)"
		   " VALUES (?, ?, ?)", "tii", worker, (int64_t)slots,
		   clock_wall_ms()) < 0)
		return -1;
	*ret_lock_fd = STEAL_FD(fd);
	return 0;
}

int
store_worker_remove(struct store *store, const char *worker, struct err *err)
{
	if (db_run(store, err, "DELETE FROM workers WHERE name = ?", "t", worker) < 0)
		return -1;
	remove_file(store, worker);
	return 0;
}

static int
add_runs(struct store *store, json_t *worker, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		store,
		"SELECT run FROM runs WHERE worker = ? AND owner IS NOT NULL"
		" AND state IN ('pending', 'running', 'rolling_back') ORDER BY n",
		"t", json_text(worker, "name"));
	int rc;

	while ((rc = db_next(rows)) == 1)
		json_array_append_new(json_object_get(worker, "runs"),
				      json_string(db_text(rows, 0)));
	return rc < 0 ? db_error(store, err, "list the runs of a worker") : 0;
}

json_t *
store_workers(struct store *store, struct err *err)
{
	AUTO(json_ref) json_t *all = load_workers(store, err);
	AUTO(json_ref) json_t *living = json_array();
	json_t *worker;
	size_t i;

	if (!all)
		return NULL;
	json_array_foreach(all, i, worker) {
		if (!is_alive(store, json_text(worker, "name")))
			continue;
		if (add_runs(store, worker, err) < 0)
			return NULL;
		json_array_append(living, worker);
	}
	return STEAL(living);
}
