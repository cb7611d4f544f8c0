/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files below a held directory. A path from outside is relative, canonical
 * and opened with openat2 so that no symlink, `..`, magic link or mount leads
 * out of the directory behind the descriptor.
 */
#ifndef FETTLE_BASE_PATH_H
#define FETTLE_BASE_PATH_H

#include "base.h"
#include "err.h"
#include "str.h"

/*
 * Refuses what is not canonical: empty, absolute, `.`, `..` or empty
 * components, control characters, backslash, not UTF-8, over 4096 bytes.
 * Code `path.invalid`.
 */
int path_check(const char *path, struct err *err);

/* An O_DIRECTORY|O_CLOEXEC descriptor of an absolute or relative directory, or -1. */
int path_open_dir(const char *directory, struct err *err);

/*
 * openat2(RESOLVE_BENEATH|NO_SYMLINKS|NO_MAGICLINKS|NO_XDEV), O_CLOEXEC added.
 * A descriptor, or -1 with code `path.missing` (ENOENT), `path.symlink`
 * (ELOOP), `path.escape` (EXDEV) or `path.open`.
 */
int path_open_beneath(int dirfd, const char *path, int flags, mode_t mode,
		      struct err *err);

/*
 * Glob on a canonical path, in time of at most pattern times path: `*` and `?` within a
 * component, `**` as a whole component over any number of them, `[abc]`, `[a-z]`,
 * `[!x]`.
 */
bool path_matches(const char *pattern, const char *path);

/* mkdir -p with mode 0700 for what is missing. */
int path_make_dirs(const char *directory, struct err *err);

/* As mkdtemp makes one: empty, ours, of mode 0700, without extended attributes. */
bool dir_is_untouched(int dirfd);

/* `a` + "/" + `b`; an absolute b wins. Caller owns. */
char *path_join(const char *a, const char *b) MUST_USE;

/*
 * Whole files, from offset 0. read: refuses above max_bytes with `file.size`, anything
 * but a regular file with `file.type`; caller owns *ret, which has a NUL behind.
 */
int file_read_fd(int fd, const char *name, size_t max_bytes, char **ret,
		 size_t *ret_len, struct err *err);
int file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_len,
	      struct err *err);

/* Write all bytes, over EINTR and short writes. -1 with errno. */
int file_write_all(int fd, const void *bytes, size_t n);

/*
 * Durable replacement: temp file in the same directory, mode, fsync, rename,
 * fsync of the directory. On failure the old file is as it was and no temp
 * file is left (a crash may leave `.NAME.fettle-XXXXXX`). Code `file.sync`: the
 * new file is there, but the directory could not be synced.
 */
int file_replace(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode,
		 struct err *err);
/* The same without the syncs: for what a power cut may take or cut short. */
int file_replace_unsynced(int dirfd, const char *name, const void *bytes, size_t n,
			  mode_t mode, struct err *err);

#endif
