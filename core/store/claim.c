/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Claiming a run: the flock keeps the living out, the epoch keeps out those
 * who lost their claim and do not know it yet.
 */
#include "base/base.h"

#include "store/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include "base/path.h"
#include "store/append.h"

static int
open_lock(struct store *store, const char *run, struct err *err)
{
	AUTO_FREE char *dir = store_run_dir(store, run, err);
	if (!dir)
		return -1;
	AUTO_FREE char *file = path_join(dir, "lock");
	int fd = open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "store_unavailable", "open '%s'", file);
	return fd;
}

/* 1 taken, 0 held by another, -1 error. */
static int
try_lock(int fd, const char *run, struct err *err)
{
	for (;;) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 1;
		if (errno == EWOULDBLOCK)
			return 0;
		if (errno != EINTR)
			return err_errno(err, "store_unavailable", "lock run '%s'",
					 run);
	}
}

int
claim_is_alive(struct store *store, const char *run, struct err *err)
{
	AUTO_CLOSE int fd = open_lock(store, run, err);
	if (fd < 0)
		return -1;
	int rc = try_lock(fd, run, err);
	return rc < 0 ? -1 : rc == 0;
}

static int
refuse_busy(struct store *store, const char *run, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows =
		db_query(store, "SELECT owner FROM runs WHERE run = ?", "t", run);
	const char *owner = db_next(rows) == 1 ? db_text(rows, 0) : "";
	err_set(err, "run.busy", "run '%s' is being worked on by %s", run,
		owner[0] ? owner : "another process");
	return err_remedy(err, "wait until it has ended, or stop that process first");
}

/* claim_is_alive holds the flock for an instant: one refusal is not yet an answer. */
static int
take_lock(struct store *store, int fd, const char *run, struct err *err)
{
	for (int tries = 0; tries < 5; tries++) {
		int rc = try_lock(fd, run, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	return refuse_busy(store, run, err);
}

static int
append_claim(struct store *store, const struct store_claim *claim, const char *worker,
	     struct run_row *row, struct err *err)
{
	json_t *body = json_pack("{s:s, s:I, s:s*}", "owner", claim->owner, "epoch",
				 (json_int_t)claim->epoch, "worker", worker);
	if (!body)
		return err_set(err, "store.body",
			       "claim run '%s': its owner is not UTF-8", claim->run);
	int rc = append_event(store, row, claim->owner, "run.claimed", body, err);
	json_decref(body);
	return rc;
}

int
claim_run(struct store *store, const char *run, const char *owner, const char *worker,
	  struct store_claim *ret, int *ret_lock_fd, struct err *err)
{
	struct run_row row;
	struct store_claim claim = { .epoch = 0 };

	/* Before its directory is made: is there such a run at all? */
	if (run_row_load(store, run, &row, err) < 0)
		return -1;
	AUTO_CLOSE int fd = open_lock(store, run, err);
	if (fd < 0 || take_lock(store, fd, run, err) < 0)
		return -1;

	if (db_begin(store, err) < 0)
		return -1;
	if (run_row_load(store, run, &row, err) < 0) {
		db_abandon(store);
		return -1;
	}
	snprintf(claim.run, sizeof(claim.run), "%s", run);
	snprintf(claim.owner, sizeof(claim.owner), "%s", owner);
	claim.epoch = row.epoch + 1;
	if (append_claim(store, &claim, worker, &row, err) < 0) {
		db_abandon(store);
		return -1;
	}
	if (db_commit(store, err) < 0)
		return -1;
	*ret = claim;
	*ret_lock_fd = STEAL_FD(fd);
	return 0;
}

int
store_claim(struct store *store, const char *run, const char *owner,
	    struct store_claim *ret, int *ret_lock_fd, struct err *err)
{
	return claim_run(store, run, owner, NULL, ret, ret_lock_fd, err);
}
