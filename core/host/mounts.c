/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* New PID and mount namespaces, and the workspace read-only in them. */
#include "base/base.h"
#include "host/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/path.h"

static int
write_proc(const char *path, const char *text)
{
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -1 : file_write_all(fd, text, strlen(text));
}

/* Without privileges: a user namespace in which we stay who we are. */
static int
unshare_user(int flags)
{
	AUTO_FREE char *users = x_asprintf("%u %u 1\n", geteuid(), geteuid());
	AUTO_FREE char *groups = x_asprintf("%u %u 1\n", getegid(), getegid());

	if (unshare(CLONE_NEWUSER | flags) < 0)
		return -1;
	if (write_proc("/proc/self/setgroups", "deny") < 0 ||
	    write_proc("/proc/self/uid_map", users) < 0 ||
	    write_proc("/proc/self/gid_map", groups) < 0)
		return -1;
	return 0;
}

int
mounts_unshare(struct jail *jail)
{
	int flags = CLONE_NEWNS | CLONE_NEWPID;

	if (jail->has_namespace)
		return 0; /* born in it */
	if (unshare(flags) < 0 && unshare_user(flags) < 0)
		return -1;
	jail->has_namespace = true;
	return 0;
}

int
mounts_make_private(struct jail *jail)
{
	if (!jail->has_namespace) {
		errno = EPERM; /* It would be the machine's own mounts. */
		return -1;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* A detached copy of what is mounted at and below `path`. */
static int
copy_tree(const char *path)
{
	return open_tree(AT_FDCWD, path,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

/* Where `path` leads, from now on that tree is seen. */
static int
put_tree(int tree, const char *path)
{
	return move_mount(tree, "", AT_FDCWD, path,
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
}

int
mounts_protect_workspace(struct jail *jail)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	AUTO_CLOSE int workspace = -1;
	AUTO_CLOSE int scratch = -1;

	if (!strv_has(&jail->techniques, "private_mounts") ||
	    jail->may_write_workspace || jail->workspace[0] == '\0' ||
	    str_eq(jail->workspace, "/")) { /* What is mounted there is not seen. */
		errno = EPERM;
		return -1;
	}
	/* The scratch directory stays writable, even when it lies in the workspace. */
	workspace = copy_tree(jail->workspace);
	scratch = copy_tree(jail->scratch);
	if (workspace < 0 || scratch < 0)
		return -1;
	if (mount_setattr(workspace, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
			  sizeof(attr)) < 0)
		return -1;
	if (put_tree(workspace, jail->workspace) < 0 ||
	    put_tree(scratch, jail->scratch) < 0)
		return -1;
	jail->has_read_only_workspace = true;
	return 0;
}

int
mounts_own_proc(struct jail *jail)
{
	/* Not everywhere allowed: a container that hides parts of /proc forbids it. */
	return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}
