/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See link.h. */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
link_read(const char *path, char ret[LINK_MAX])
{
	ssize_t n = readlink(path, ret, LINK_MAX - 1);

	if (n < 0 && errno != ENOENT)
		return -1;
	ret[n < 0 ? 0 : n] = '\0';
	if (n < LINK_MAX - 1)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* The name of the link has to survive a power cut, too. */
static int
sync_directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[LINK_MAX];
	int fd, failed;

	if (!slash || slash - path + 2 > (ptrdiff_t)sizeof(directory)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(directory, path, (size_t)(slash - path) + 1);
	directory[slash - path + 1] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	failed = fsync(fd);
	close(fd);
	return failed;
}

int
link_put(const char *path, const char *to)
{
	char aside[LINK_MAX + 16];

	if (!*to) {
		if (unlink(path) < 0 && errno != ENOENT)
			return -1;
		return sync_directory_of(path);
	}
	snprintf(aside, sizeof(aside), "%s.fettle-new", path);
	/* A crash may have left it; nobody else uses this name. */
	if (unlink(aside) < 0 && errno != ENOENT)
		return -1;
	if (symlink(to, aside) < 0)
		return -1;
	if (rename(aside, path) < 0) {
		int saved = errno;

		(void)unlink(aside);
		errno = saved;
		return -1;
	}
	return sync_directory_of(path);
}

int
link_of_json(const char *json, char ret[LINK_MAX])
{
	size_t n = strlen(json);

	ret[0] = '\0';
	if (strcmp(json, "null") == 0)
		return 0;
	if (n < 2 || n - 2 >= LINK_MAX || json[0] != '"' || json[n - 1] != '"')
		return -1;
	memcpy(ret, json + 1, n - 2);
	ret[n - 2] = '\0';
	return 0;
}
