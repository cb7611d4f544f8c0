/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See shelf.h. */
#include "base/base.h"

#include "store/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void
close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define AUTO_DIR __attribute__((cleanup(close_dir)))

/* NULL with errno. Follows no link. */
static DIR *
open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

static bool
is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

static int
visit_one(DIR *dir, const char *parent, shelf_visit *visit, void *self, struct err *err)
{
	struct stat st;

	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (is_dots(entry->d_name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (visit(self, dirfd(dir), parent, entry->d_name, &st, err) < 0)
			return -1;
	}
	return 0;
}

int
shelf_each(const char *root, shelf_visit *visit, void *self, struct err *err)
{
	AUTO_DIR DIR *top = open_dir(AT_FDCWD, root);

	if (!top && errno == ENOENT)
		return 0;
	if (!top)
		return err_errno(err, "store_unavailable", "open '%s'", root);
	for (struct dirent *entry; (entry = readdir(top)) != NULL;) {
		AUTO_DIR DIR *dir = NULL;

		if (is_dots(entry->d_name))
			continue;
		dir = open_dir(dirfd(top), entry->d_name);
		if (dir && visit_one(dir, entry->d_name, visit, self, err) < 0)
			return -1;
	}
	return 0;
}

static int
add_up(void *self, int dirfd, const char *parent, const char *name,
       const struct stat *st, struct err *err)
{
	struct shelf_sum *sum = self;

	/* The locks of runs are ours, no file of a run. */
	if (!str_eq(name, "lock")) {
		sum->count++;
		sum->bytes += st->st_size;
	}
	return 0;
}

int
shelf_count(const char *root, struct shelf_sum *ret, struct err *err)
{
	*ret = (struct shelf_sum){ 0 };
	return shelf_each(root, add_up, ret, err);
}
