/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scratch directories of callbacks. See scratch.h. */
#include "base/base.h"

#include "engine/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
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

/*
 * Making and removing a directory costs more than most callbacks, so that one
 * which was not used waits here, under a name that is nobody's, for the next.
 */
static char *
spare_of(const char *path)
{
	return x_asprintf("%.*s/spare", (int)(strrchr(path, '/') - path), path);
}

/* Its age is that of its use: what lies there for long is swept. */
static int
take_spare(const char *path)
{
	AUTO_FREE char *spare = spare_of(path);

	if (rename(spare, path) < 0)
		return -1;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && dir_is_untouched(fd) && futimens(fd, NULL) == 0)
		return STEAL_FD(fd);
	tree_remove(AT_FDCWD, path);
	return -1;
}

static int
make(const char *path, struct err *err)
{
	AUTO_FREE char *parent = x_strndup(path, (size_t)(strrchr(path, '/') - path));

	if (mkdir(path, 0700) < 0 &&
	    (errno != ENOENT || (mkdir(parent, 0700) < 0 && errno != EEXIST) ||
	     mkdir(path, 0700) < 0)) {
		err_errno(err, "store_unavailable", "make a scratch directory in '%s'",
			  parent);
		return err_remedy(err, "make it writable, or name another state "
				       "directory with --state-dir");
	}
	return path_open_dir(path, err);
}

int
scratch_init(struct scratch *scratch, const char *state_dir, const char *owner,
	     struct err *err)
{
	uint64_t unique = 0;

	if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
		return err_errno(err, "store_unavailable",
				 "name a scratch directory in '%s'", state_dir);
	AUTO_FREE char *path = x_asprintf("%s/scratch/%s.%016llx", state_dir, owner,
					  (unsigned long long)unique);
	int fd = take_spare(path);
	if (fd < 0)
		fd = make(path, err);
	if (fd < 0)
		return -1;
	*scratch = (struct scratch){ .path = STEAL(path), .fd = fd };
	return 0;
}

static int
leave_spare(const struct scratch *scratch)
{
	AUTO_FREE char *spare = spare_of(scratch->path);

	return dir_is_untouched(scratch->fd) ? rename(scratch->path, spare) : -1;
}

void
scratch_done(struct scratch *scratch)
{
	if (scratch->path && leave_spare(scratch) < 0)
		tree_remove(AT_FDCWD, scratch->path);
	auto_close(&scratch->fd);
	auto_free(&scratch->path);
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
