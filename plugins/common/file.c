/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See file.h. */
#include "plugins/common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int
file_load(const char *path, size_t max_bytes, struct text *ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	AUTO_TEXT struct text bytes = { 0 };
	struct stat st;
	char block[8192];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if ((size_t)n > max_bytes - bytes.len) {
			errno = EFBIG;
			return -1;
		}
		text_add_n(&bytes, block, (size_t)n);
	}
	text_move(ret, &bytes);
	return 0;
}
