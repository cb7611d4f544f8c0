/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening and closing the store, and the caller's transactions. */
#include "base/base.h"

#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/path.h"
#include "store/db.h"
#include "store/directory.h"
#include "store/schema.h"

/*
 * SQLite would make the file with the mode of the umask; its log follows it. One
 * that is there is not opened: closing it would drop the locks of a connection
 * that this process may have.
 */
static int
create_file(int dir, const char *state_dir, struct err *err)
{
	AUTO_CLOSE int fd = openat(dir, "fettle.db",
				   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return err_errno(err, "store_unavailable", "open '%s/fettle.db'",
				 state_dir);
	return 0;
}

static int
find_file(int dir, const char *state_dir, struct err *err)
{
	if (faccessat(dir, "fettle.db", R_OK, AT_EACCESS) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(err, "store_unavailable", "open '%s/fettle.db'",
				 state_dir);
	err_set(err, "store.missing", "there is no store in '%s' yet", state_dir);
	return err_remedy(err, "`fettle run` makes it with the first run");
}

/*
 * One process at a time makes the file, switches it to a write-ahead log and
 * makes the tables; those that come meanwhile find all of it done.
 */
static int
lock_directory(int dir, const char *state_dir, struct err *err)
{
	while (flock(dir, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_errno(err, "store_unavailable", "lock '%s'",
					 state_dir);
	return 0;
}

struct store *
store_open(const char *state_dir, enum store_mode mode, struct err *err)
{
	AUTO_CLOSE int dir = mode == STORE_WRITE ? directory_make(state_dir, err)
						 : directory_open(state_dir, err);
	if (dir < 0)
		return NULL;
	if (mode == STORE_READ && find_file(dir, state_dir, err) < 0)
		return NULL;
	if (mode == STORE_WRITE && (lock_directory(dir, state_dir, err) < 0 ||
				    create_file(dir, state_dir, err) < 0))
		return NULL;

	AUTO_FREE char *file = path_join(state_dir, "fettle.db");
	struct store *store = x_calloc(1, sizeof(*store));
	store->dir = x_strdup(state_dir);
	store->mode = mode;
	bool is_old = false;
	if (db_open(store, file, err) < 0 || schema_check(store, &is_old, err) < 0 ||
	    db_make_durable(store, err) < 0 ||
	    (is_old && store_rebuild(store, err) < 0)) {
		store_close(store);
		return NULL;
	}
	return store;
}

void
store_close(struct store *store)
{
	if (!store)
		return;
	db_close(store);
	json_decref(store->unheard);
	explicit_bzero(&store->signer, sizeof(store->signer));
	free(store->dir);
	free(store);
}

const char *
store_dir(const struct store *store)
{
	return store->dir;
}

int
store_begin(struct store *store, struct err *err)
{
	assert(!store->in_transaction);
	if (db_begin(store, err) < 0)
		return -1;
	store->in_transaction = true;
	store->is_spoiled = false;
	return 0;
}

int
store_commit(struct store *store, struct err *err)
{
	assert(store->in_transaction);
	if (store->is_spoiled) {
		store_rollback(store);
		return err_set(err, "store.transition",
			       "commit to the store: something of this transaction was "
			       "refused, so nothing of it is kept");
	}
	store->in_transaction = false;
	return db_commit(store, err);
}

void
store_rollback(struct store *store)
{
	store->in_transaction = false;
	db_abandon(store);
}

int64_t
store_version(struct store *store)
{
	return db_number(store, "PRAGMA data_version");
}
