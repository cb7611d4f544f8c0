/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See copy.h. */
#include "base/base.h"

#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "store/blob.h"
#include "store/run.h"

#define ARTIFACT_MAX_BYTES ((size_t)1 << 30)

struct store *
copy_open(const char *directory, bool is_new, struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | (is_new ? SQLITE_OPEN_READWRITE |
						    SQLITE_OPEN_CREATE :
						    SQLITE_OPEN_READONLY);
	AUTO_FREE char *file = path_join(directory, "fettle.db");
	struct store *copy = x_calloc(1, sizeof(*copy));

	copy->dir = x_strdup(directory);
	copy->mode = is_new ? STORE_WRITE : STORE_READ;
	if (sqlite3_open_v2(file, &copy->db, flags, NULL) == SQLITE_OK &&
	    sqlite3_exec(copy->db, "PRAGMA synchronous = FULL", NULL, NULL, NULL) ==
		    SQLITE_OK)
		return copy;
	db_error(copy, err, "open the backup");
	copy_close(&copy);
	return NULL;
}

void
copy_close(struct store **copy)
{
	if (!*copy)
		return;
	db_close(*copy);
	free((*copy)->dir);
	free(*copy);
	*copy = NULL;
}

int
copy_database(struct store *from, struct store *to, struct err *err)
{
	sqlite3_backup *backup =
		sqlite3_backup_init(to->db, "main", from->db, "main");
	int rc;

	if (!backup)
		return db_error(to, err, "copy the database");
	/* Each of the two waits for others by its own busy handler. */
	rc = sqlite3_backup_step(backup, -1);
	if (sqlite3_backup_finish(backup) == SQLITE_OK && rc == SQLITE_DONE)
		return 0;
	return db_error(to, err, "copy the database");
}

/* 1 copied, 0 there already, -1 gone or damaged, -2 cannot be written. */
static int
copy_blob(struct store *from, struct store *to, const char *name, struct copy_sum *sum,
	  struct err *err)
{
	AUTO_FREE char *path = x_asprintf("%s/blobs/%.2s/%s", to->dir, name, name);
	AUTO_FREE char *bytes = NULL, *there = NULL;
	char sha256[65];
	size_t len;

	if (access(path, F_OK) == 0 &&
	    store_blob_get(to, name, &there, &len, err) == 0)
		return 0;
	if (store_blob_get(from, name, &bytes, &len, err) < 0)
		return -1;
	if (store_blob_put(to, bytes, len, sha256, err) < 0)
		return -2;
	sum->blobs++;
	sum->bytes += (int64_t)len;
	return 1;
}

int
copy_blobs(const char *from_dir, struct store *to, const struct strv *names,
	   const struct strv *needed, struct copy_sum *sum, struct err *err)
{
	struct store from = { .dir = (char *)(uintptr_t)from_dir };

	for (size_t i = 0; i < names->count; i++) {
		int rc = copy_blob(&from, to, names->v[i], sum, err);

		if (rc == -2)
			return -1;
		if (rc == -1 && blob_is_among(needed, names->v[i]))
			json_array_append_new(sum->missing,
					      json_sprintf("blob %s", names->v[i]));
	}
	return 0;
}

int
copy_key(const char *from_dir, const char *to_dir, struct err *err)
{
	AUTO_FREE char *from = path_join(from_dir, "audit.key");
	AUTO_FREE char *key = NULL;
	AUTO_CLOSE int dir = path_open_dir(to_dir, err);
	size_t len;

	if (dir < 0)
		return -1;
	if (access(from, F_OK) < 0)
		return 0;
	if (file_read(from, 4096, &key, &len, err) < 0 ||
	    file_replace(dir, "audit.key", key, len, 0600, err) < 0)
		return err_context(err, "copy the key of the log to '%s'", to_dir);
	return 0;
}

/* A file that is gone was never there, or collected: no fault. */
static int
copy_artifact(const char *from_dir, const char *to_dir, const char *run,
	      const char *name, struct copy_sum *sum, struct err *err)
{
	AUTO_FREE char *from = x_asprintf("%s/runs/%s", from_dir, run);
	AUTO_FREE char *runs = x_asprintf("%s/runs", to_dir);
	AUTO_FREE char *to = x_asprintf("%s/%s", runs, run);
	AUTO_FREE char *bytes = NULL;
	AUTO_CLOSE int dirfd = path_open_dir(from, err), fd = -1, into = -1;
	size_t len;

	if (dirfd >= 0)
		fd = path_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK, 0, err);
	if (fd < 0 || file_read_fd(fd, name, ARTIFACT_MAX_BYTES, &bytes, &len, err) < 0)
		return 0;
	if ((mkdir(runs, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(to, 0700) < 0 && errno != EEXIST))
		return err_errno(err, "store_unavailable", "make the directory '%s'",
				 to);
	into = path_open_dir(to, err);
	if (into < 0 || file_replace(into, name, bytes, len, 0600, err) < 0)
		return err_context(err, "copy an artifact to '%s'", to);
	sum->artifacts++;
	sum->bytes += (int64_t)len;
	return 0;
}

int
copy_artifacts(struct store *list, const char *from_dir, const char *to_dir,
	       struct copy_sum *sum, struct err *err)
{
	AUTO(rows) sqlite3_stmt *rows = db_query(
		list,
		"SELECT run, path FROM artifacts"
		" WHERE missing = 0 AND path IS NOT NULL ORDER BY run, n",
		"");
	int rc;

	while ((rc = db_next(rows)) == 1) {
		const char *run = db_text(rows, 0), *name = db_text(rows, 1);

		/* A backup is a stranger's file until it has proved itself. */
		if (!run_is_id(run) || strchr(name, '/'))
			continue;
		if (copy_artifact(from_dir, to_dir, run, name, sum, err) < 0)
			return -1;
	}
	return rc < 0 ? db_error(list, err, "list the artifacts") : 0;
}
