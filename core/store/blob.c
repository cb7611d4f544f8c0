/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content-addressed files, STATE/blobs/ab/abcd...: what puts things back. */
#include "base/base.h"

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sha256.h"
#include "store/blob.h"
#include "store/directory.h"

#define BLOB_MAX_BYTES ((size_t)256 << 20)

/* STATE/blobs/ab. A descriptor, or -1. */
static int
open_shelf(int blobs, const char *sha256, struct err *err)
{
	char name[3] = { sha256[0], sha256[1], '\0' };

	return directory_below_durable(blobs, name, err);
}

/*
 * Held shared while a blob is put, exclusively while old ones are removed: one
 * that is found there and gets a new reference is not taken away meanwhile.
 */
int
blob_lock(struct store *store, int how, struct err *err)
{
	AUTO_CLOSE int dir = directory_open(store->dir, err);
	if (dir < 0)
		return -1;
	AUTO_CLOSE int blobs = directory_below_durable(dir, "blobs", err);
	if (blobs < 0)
		return -1;
	while (flock(blobs, how) < 0)
		if (errno != EINTR)
			return err_errno(err, "store_unavailable", "lock '%s/blobs'",
					 store->dir);
	return STEAL_FD(blobs);
}

/* True when the very bytes are there already; they count as new from now on. */
static bool
is_stored(int shelf, const char *sha256)
{
	struct err ignored;
	char found[SHA256_HEX_SIZE];
	uint64_t size;

	AUTO_CLOSE int fd = openat(shelf, sha256, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && sha256_fd(fd, found, &size, &ignored) == 0 &&
	       str_eq(found, sha256) && futimens(fd, NULL) == 0 && fsync(fd) == 0;
}

int
store_blob_put(struct store *store, const void *bytes, size_t n, char ret_sha256[65],
	       struct err *err)
{
	char sha256[SHA256_HEX_SIZE];

	if (n > BLOB_MAX_BYTES)
		return err_set(err, "store.blob_size",
			       "store %zu bytes: the limit is %zu", n, BLOB_MAX_BYTES);
	sha256_hex(bytes, n, sha256);
	AUTO_CLOSE int lock = blob_lock(store, LOCK_SH, err);
	AUTO_CLOSE int shelf = lock < 0 ? -1 : open_shelf(lock, sha256, err);
	if (shelf < 0)
		return -1;

	/* A damaged one is replaced, one whose name is not yet durable is synced. */
	if (is_stored(shelf, sha256)) {
		if (fsync(shelf) < 0)
			return err_errno(err, "store_unavailable", "sync the blob '%s'",
					 sha256);
	} else if (file_replace(shelf, sha256, bytes, n, 0400, err) < 0) {
		snprintf(err->code, sizeof(err->code), "store_unavailable");
		return err_context(err, "store a blob in '%s'", store->dir);
	}
	memcpy(ret_sha256, sha256, sizeof(sha256));
	return 0;
}

bool
blob_is_name(const char *text)
{
	return strspn(text, "0123456789abcdef") == 64 && text[64] == '\0';
}

int
store_blob_get(struct store *store, const char *sha256, char **ret, size_t *ret_len,
	       struct err *err)
{
	char found[SHA256_HEX_SIZE];
	size_t len = 0;

	if (!blob_is_name(sha256))
		return err_set(err, "store.corrupt",
			       "read the blob '%s': that is no SHA-256", sha256);
	AUTO_FREE char *file =
		x_asprintf("%s/blobs/%.2s/%s", store->dir, sha256, sha256);
	AUTO_FREE char *bytes = NULL;
	if (file_read(file, BLOB_MAX_BYTES, &bytes, &len, err) < 0) {
		snprintf(err->code, sizeof(err->code), "store.corrupt");
		err_context(err, "read a stored file");
		return err_remedy(
			err,
			"`fettle store gc` removes it when the run is old and "
			"nothing of it stands; else restore '%s' from a backup",
			file);
	}
	sha256_hex(bytes, len, found);
	if (!str_eq(found, sha256)) {
		err_set(err, "store.corrupt",
			"the stored file '%s' is damaged: its bytes "
			"hash to %s",
			file, found);
		return err_remedy(err, "restore it from a backup");
	}
	*ret = STEAL(bytes);
	if (ret_len)
		*ret_len = len;
	return 0;
}
