/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backup is a directory that looks like a state directory: fettle.db, blobs/,
 * runs/. It appears under its name when it is complete and on the disk.
 */
#include "base/base.h"

#include "store/admin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "store/blob.h"
#include "store/copy.h"
#include "store/event.h"
#include "store/shelf.h"

/* ---- the directory in the making --------------------------------------- */

static int
remove_file(void *self, int dirfd, const char *parent, const char *name,
	    const struct stat *st, struct err *err)
{
	(void)unlinkat(dirfd, name, 0);
	return 0;
}

/* The files of a backup that never was, then its directories. */
static void
remove_unfinished(const char *directory)
{
	static const char *const parts[] = { "blobs", "runs" };
	static const char *const files[] = { "fettle.db", "fettle.db-journal",
					     "fettle.db-wal", "fettle.db-shm",
					     "audit.key" };
	struct err ignored;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		AUTO_FREE char *root = path_join(directory, parts[i]);
		DIR *dir;

		(void)shelf_each(root, remove_file, NULL, &ignored);
		dir = opendir(root);
		for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
			if (entry->d_name[0] != '.')
				(void)unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
		if (dir)
			closedir(dir);
		(void)rmdir(root);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		AUTO_FREE char *path = path_join(directory, files[i]);

		(void)unlink(path);
	}
	(void)rmdir(directory);
}

/* What killed processes left of the same backup: nobody holds its lock any more. */
static void
sweep(const char *parent, const char *prefix)
{
	DIR *dir = opendir(parent);

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
		AUTO_FREE char *path = NULL;
		AUTO_CLOSE int fd = -1;

		if (!str_starts(entry->d_name, prefix))
			continue;
		path = path_join(parent, entry->d_name);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_unfinished(path);
	}
	if (dir)
		closedir(dir);
}

/* A directory beside the one that is wanted; its lock in *ret_lock. Caller owns. */
static char *
make_aside(const char *directory, int *ret_lock, struct err *err)
{
	const char *slash = strrchr(directory, '/');
	AUTO_FREE char *parent =
		slash == directory ? x_strdup("/") :
				     x_strndup(directory, (size_t)(slash - directory));
	AUTO_FREE char *prefix = x_asprintf(".%s.fettle-", slash + 1);
	AUTO_FREE char *aside = x_asprintf("%s/%sXXXXXX", parent, prefix);
	AUTO_CLOSE int fd = -1;

	if (access(directory, F_OK) == 0) {
		err_set(err, "store.exists", "'%s' exists already", directory);
		err_remedy(err, "name a directory that does not exist yet");
		return NULL;
	}
	sweep(parent, prefix);
	if (!mkdtemp(aside)) {
		err_errno(err, "store_unavailable", "make a directory in '%s'", parent);
		err_remedy(err, "name a directory whose parent exists and that you may "
				"write");
		return NULL;
	}
	fd = open(aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_errno(err, "store_unavailable", "lock '%s'", aside);
		remove_unfinished(aside);
		return NULL;
	}
	*ret_lock = STEAL_FD(fd);
	return STEAL(aside);
}

/* All of it on the disk, then under its name, and the name on the disk, too. */
static int
put_in_place(int aside_fd, const char *aside, const char *directory, struct err *err)
{
	AUTO_FREE char *parent =
		x_strndup(aside, (size_t)(strrchr(aside, '/') - aside) + 1);
	AUTO_CLOSE int fd = path_open_dir(parent, err);

	if (fd < 0)
		return -1;
	if (syncfs(aside_fd) < 0 ||
	    renameat2(AT_FDCWD, aside, AT_FDCWD, directory, RENAME_NOREPLACE) < 0 ||
	    fsync(fd) < 0)
		return err_errno(err, "store_unavailable", "put the backup to '%s'",
				 directory);
	return 0;
}

/* ---- what goes in ------------------------------------------------------ */

static int
fill(struct store *store, struct store *copy, struct copy_sum *sum, struct err *err)
{
	AUTO(strv) struct strv referenced = STRV_INIT, needed = STRV_INIT;
	AUTO_CLOSE int lock = blob_lock(store, LOCK_SH, err);

	/* From here on nobody collects what the copy of the database names. */
	if (lock < 0 || copy_database(store, copy, err) < 0 ||
	    db_script(copy, "PRAGMA journal_mode = DELETE", err) < 0 ||
	    blob_referenced(copy, &referenced, err) < 0 ||
	    blob_needed(copy, INT64_MAX, &needed, err) < 0)
		return -1;
	if (copy_blobs(store->dir, copy, &referenced, &needed, sum, err) < 0 ||
	    copy_key(store->dir, copy->dir, err) < 0)
		return -1;
	return copy_artifacts(copy, store->dir, copy->dir, sum, err);
}

static json_t *
report(struct store *copy, const char *directory, const struct copy_sum *sum)
{
	return json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:O}", "directory", directory, "runs",
		(json_int_t)db_number(copy, "SELECT count(*) FROM runs"), "unfinished",
		(json_int_t)db_number(copy,
				      "SELECT count(*) FROM runs WHERE state IN"
				      " ('running', 'rolling_back')"),
		"blobs", (json_int_t)sum->blobs, "artifacts",
		(json_int_t)sum->artifacts, "bytes", (json_int_t)sum->bytes, "missing",
		sum->missing);
}

json_t *
store_backup(struct store *store, const char *directory, struct err *err)
{
	AUTO(json_ref) json_t *missing = json_array();
	AUTO(json_ref) json_t *told = NULL;
	struct copy_sum sum = { .missing = missing };
	__attribute__((cleanup(copy_close))) struct store *copy = NULL;
	AUTO_CLOSE int lock = -1;
	AUTO_FREE char *aside = make_aside(directory, &lock, err);
	int failed;

	if (!aside)
		return NULL;
	copy = copy_open(aside, true, err);
	failed = copy ? fill(store, copy, &sum, err) : -1;
	if (!failed)
		told = report(copy, directory, &sum);
	copy_close(&copy);
	if (!failed)
		failed = put_in_place(lock, aside, directory, err);
	if (failed) {
		remove_unfinished(aside);
		return NULL;
	}
	return STEAL(told);
}
