/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scratch directories of callbacks. See scratch.h. */
#include "base/base.h"

#include "engine/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"

#define TREE_MAX_DEPTH 200
#define SCRATCH_MAX_AGE_S (24 * 3600)

static void
tree_remove_at(int dirfd, const char *name, int depth)
{
	if (unlinkat(dirfd, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* A module may have taken the permissions away from its own directory. */
	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = openat(dirfd, name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	DIR *dir = depth < TREE_MAX_DEPTH ? fdopendir(fd) : NULL;
	if (!dir) {
		close(fd);
		return;
	}
	(void)fchmod(fd, 0700);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			tree_remove_at(fd, entry->d_name, depth + 1);
	closedir(dir);
	(void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

void
tree_remove(int dirfd, const char *name)
{
	tree_remove_at(dirfd, name, 0);
}

static int
make(struct scratch *scratch, const char *state_dir, const char *owner, struct err *err)
{
	AUTO_FREE char *parent = path_join(state_dir, "scratch");
	AUTO_FREE char *path = x_asprintf("%s/%s.XXXXXX", parent, owner);
	AUTO_FREE char *template = x_strdup(path);

	if (!mkdtemp(path)) {
		memcpy(path, template, strlen(path));
		if (errno != ENOENT || (mkdir(parent, 0700) < 0 && errno != EEXIST) ||
		    !mkdtemp(path))
			return err_errno(err, "store_unavailable",
					 "make a scratch directory in '%s'", parent);
	}
	int fd = path_open_dir(path, err);
	if (fd < 0)
		return -1;
	scratch->path = STEAL(path);
	scratch->fd = fd;
	return 0;
}

int
scratch_init(struct scratch *scratch, struct scratch *spare, const char *state_dir,
	     const char *owner, struct err *err)
{
	const char *name = spare->path ? strrchr(spare->path, '/') + 1 : "";
	size_t n = strlen(owner);

	if (!str_starts(name, owner) || name[n] != '.')
		return make(scratch, state_dir, owner, err);
	*scratch = *spare;
	*spare = (struct scratch)SCRATCH_INIT;
	return 0;
}

void
scratch_done(struct scratch *scratch)
{
	if (scratch->fd >= 0)
		close(scratch->fd);
	if (scratch->path)
		tree_remove(AT_FDCWD, scratch->path);
	auto_free(&scratch->path);
	*scratch = (struct scratch)SCRATCH_INIT;
}

void
scratch_keep(struct scratch *scratch, struct scratch *spare)
{
	if (scratch->fd < 0 || spare->path || !dir_is_untouched(scratch->fd)) {
		scratch_done(scratch);
		return;
	}
	*spare = *scratch;
	*scratch = (struct scratch)SCRATCH_INIT;
}

void
scratch_sweep(const char *state_dir, const char *owner)
{
	AUTO_FREE char *parent = path_join(state_dir, "scratch");
	DIR *dir = opendir(parent);
	size_t n = strlen(owner);

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (str_starts(entry->d_name, owner) && entry->d_name[n] == '.')
			tree_remove(dirfd(dir), entry->d_name);
	closedir(dir);
}

void
scratch_sweep_old(const char *state_dir)
{
	AUTO_FREE char *parent = path_join(state_dir, "scratch");
	time_t oldest = time(NULL) - SCRATCH_MAX_AGE_S;
	DIR *dir = opendir(parent);
	struct stat st;

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, "..") &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime < oldest)
			tree_remove(dirfd(dir), entry->d_name);
	closedir(dir);
}
