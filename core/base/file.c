/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole files: bounded reading, durable replacement. */
#include "base/base.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int
refuse_size(struct err *err, const char *name, size_t max_bytes)
{
	return err_set(err, "file.size", "read '%s': it is larger than %zu bytes", name,
		       max_bytes);
}

int
file_read_fd(int fd, const char *name, size_t max_bytes, char **ret, size_t *ret_len,
	     struct err *err)
{
	AUTO(str) struct str bytes = STR_INIT;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "file.read", "read '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "file.type", "read '%s': it is not a regular file",
			       name);
	if ((uintmax_t)st.st_size > max_bytes)
		return refuse_size(err, name, max_bytes);

	/* The size is a hint: files grow, and those of /proc say 0. */
	str_reserve(&bytes, (size_t)st.st_size + 1);
	for (;;) {
		str_reserve(&bytes, 1);
		ssize_t n = pread(fd, bytes.s + bytes.len, bytes.cap - bytes.len - 1,
				  (off_t)bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "file.read", "read '%s'", name);
		if (n == 0)
			break;
		bytes.len += (size_t)n;
		if (bytes.len > max_bytes)
			return refuse_size(err, name, max_bytes);
		bytes.s[bytes.len] = '\0';
	}
	if (ret_len)
		*ret_len = bytes.len;
	*ret = str_take(&bytes);
	return 0;
}

int
file_read(const char *path, size_t max_bytes, char **ret, size_t *ret_len,
	  struct err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? "path.missing" : "path.open",
				 "open '%s'", path);
	return file_read_fd(fd, path, max_bytes, ret, ret_len, err);
}

int
file_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;
	while (n > 0) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

#define TEMP_NAME_SIZE 256	/* NAME_MAX and the NUL */

/* A new, empty file beside `name`; its name goes to ret_name. -1 with errno. */
static int
create_temp(int dir, const char *name, char ret_name[TEMP_NAME_SIZE])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

	for (int tries = 0; tries < 64; tries++) {
		unsigned char random[6];
		char suffix[sizeof(random) + 1] = "";
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return -1;
		for (size_t i = 0; i < sizeof(random); i++)
			suffix[i] = letters[random[i] % 32];
		snprintf(ret_name, TEMP_NAME_SIZE, ".%.200s.fettle-%s", name, suffix);
		int fd = openat(dir, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				0600);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static int
replace(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode,
	int (*sync)(int fd), struct err *err)
{
	char temp[TEMP_NAME_SIZE];

	if (name[0] == '\0' || strchr(name, '/') || str_eq(name, ".") ||
	    str_eq(name, ".."))
		return err_set(
			err, "path.invalid",
			"write '%s': it is not the name of a file in a directory",
			name);
	/* dirfd may be O_PATH or AT_FDCWD, and those cannot be synced. */
	AUTO_CLOSE int dir = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, "file.write", "open the directory of '%s'", name);
	AUTO_CLOSE int fd = create_temp(dir, name, temp);
	if (fd < 0)
		return err_errno(err, "file.write", "create a file beside '%s'", name);

	if (file_write_all(fd, bytes, n) < 0 || fchmod(fd, mode & 07777) < 0 ||
	    sync(fd) < 0 || renameat(dir, temp, dir, name) < 0) {
		err_errno(err, "file.write", "write '%s'", name);
		(void)unlinkat(dir, temp, 0);
		return -1;
	}
	if (sync(dir) < 0)
		return err_errno(err, "file.sync",
				 "'%s' is written, but may be lost in a power cut",
				 name);
	return 0;
}

int
file_replace(int dirfd, const char *name, const void *bytes, size_t n, mode_t mode,
	     struct err *err)
{
	return replace(dirfd, name, bytes, n, mode, fsync, err);
}

static int
no_sync(int fd)
{
	(void)fd;
	return 0;
}

int
file_replace_unsynced(int dirfd, const char *name, const void *bytes, size_t n,
		      mode_t mode, struct err *err)
{
	return replace(dirfd, name, bytes, n, mode, no_sync, err);
}
