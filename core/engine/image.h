/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file of the workspace as it is now: its bytes, their hash and who owns
 * it. Opened beneath the held workspace descriptor; refuses whatever an edit
 * could not put back exactly.
 */
#ifndef FETTLE_ENGINE_IMAGE_H
#define FETTLE_ENGINE_IMAGE_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/sha256.h"

#define IMAGE_MAX_BYTES (16u << 20)

struct image {
	bool exists;
	char *bytes;	/* owned; NULL when it does not exist */
	size_t len;
	char sha256[SHA256_HEX_SIZE];	/* "" when it does not exist */
	mode_t mode;	/* permission bits */
	uid_t uid;
	gid_t gid;
};

/*
 * Reads a file. A missing one is no error. Refused: `apply.symlink`,
 * `apply.escape`, `apply.type`, `apply.hardlink`, `apply.metadata` (set-id bits,
 * ACL or extended attributes), `apply.size`, `apply.missing_dir`.
 */
int image_read(int workspace_fd, const char *path, struct image *ret, struct err *err);
void image_done(struct image *image);

/* A path's directory, and its last component (points into path); -1 as above. */
int image_open_parent(int workspace_fd, const char *path, const char **ret_name,
		      struct err *err);

/* The hash of a directory entry: 0; 1 when there is none; -1 when it cannot be read. */
int image_hash_at(int dirfd, const char *name, char ret_sha256[SHA256_HEX_SIZE]);

#endif
