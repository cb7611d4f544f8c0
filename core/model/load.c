/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* YAML files from disk: a regular file that not everybody may write. */
#include "base/base.h"

#include "model/node.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"

/* Whoever may write these files decides what Fettle changes. */
static int
check_mode(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "file.open", "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "file.type", "'%s' is not a regular file", path);
	if ((st.st_mode & 0444) == 0) {
		err_set(err, "file.mode", "'%s' is readable by nobody", path);
		return err_remedy(err, "chmod u+r '%s'", path);
	}
	if (st.st_mode & S_IWOTH) {
		err_set(err, "file.mode", "'%s' is writable by everybody", path);
		return err_remedy(err, "chmod o-w '%s'", path);
	}
	return 0;
}

struct node *
node_load(const char *path, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;

	if (node_read_file(path, &text, &len, err) < 0)
		return NULL;
	return node_parse(text, len, path, err);
}

int
node_read_file(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ELOOP)
		return err_set(err, "file.type", "'%s' is a symbolic link", path);
	if (fd < 0 && errno == ENXIO)
		return err_set(err, "file.type", "'%s' is not a regular file", path);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, "file.missing", "there is no file '%s'", path);
	if (fd < 0)
		return err_errno(err, errno == EACCES ? "file.mode" : "file.open",
				 "open '%s'", path);
	if (check_mode(fd, path, err) < 0)
		return -1;
	if (file_read_fd(fd, path, node_limits.bytes, ret, ret_len, err) < 0) {
		if (!str_eq(err->code, "file.size"))
			return -1;
		err_set(err, "yaml.size",
			"'%s' is larger than the %zu bytes that are read", path,
			node_limits.bytes);
		return -1;
	}
	return 0;
}
