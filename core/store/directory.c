/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: who owns it, where it lives. */
#include "base/base.h"

#include "store/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/path.h"

/*
 * A write-ahead log is shared memory between processes: over a network it is
 * silently not shared. FUSE is not here: it is local as often as not.
 */
static const struct {
	unsigned long magic;
	const char *name;
} networks[] = {
	{ 0x6969, "NFS" },	   { 0xff534d42, "CIFS" },   { 0xfe534d42, "SMB2" },
	{ 0x517b, "SMB" },	   { 0x01021997, "9p" },     { 0x00c36400, "CephFS" },
	{ 0x5346414f, "AFS" },	   { 0x6b414653, "AFS" },    { 0x73757245, "Coda" },
	{ 0x0bd00bd0, "Lustre" },  { 0x01161970, "GFS2" },   { 0x7461636f, "OCFS2" },
	{ 0x19830326, "BeeGFS" },  { 0x47504653, "GPFS" },   { 0x564c, "NCP" },
};

const char *
directory_network(unsigned long magic)
{
	for (size_t i = 0; i < ARRAY_LEN(networks); i++)
		if (networks[i].magic == (magic & 0xffffffff))
			return networks[i].name;
	return NULL;
}

static int
check(int fd, const char *directory, struct err *err)
{
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_errno(err, "store_unavailable", "look at '%s'", directory);
	if (st.st_uid != geteuid()) {
		err_set(err, "store_unavailable",
			"the state directory '%s' belongs to user %u, and you are %u",
			directory, st.st_uid, geteuid());
		return err_remedy(err,
				  "run as its owner, or name another directory with "
				  "--state-dir");
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		err_set(err, "store_unavailable",
			"the state directory '%s' may be written by others (mode %04o)",
			directory, st.st_mode & 07777);
		return err_remedy(err, "chmod go-w '%s'", directory);
	}
	const char *network = directory_network((unsigned long)fs.f_type);
	if (network) {
		err_set(err, "store_unavailable",
			"the state directory '%s' is on a network (%s), where a "
			"commit is not safe",
			directory, network);
		return err_remedy(err,
				  "name a directory of a local disk with --state-dir");
	}
	return 0;
}

int
directory_open(const char *directory, struct err *err)
{
	AUTO_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		err_set(err, "store.missing", "there is no store in '%s' yet",
			directory);
		return err_remedy(err, "`fettle run` makes it with the first run");
	}
	if (fd < 0) {
		err_errno(err, "store_unavailable", "open the state directory '%s'",
			  directory);
		return err_remedy(err, "name another directory with --state-dir");
	}
	if (check(fd, directory, err) < 0)
		return -1;
	return STEAL_FD(fd);
}

int
directory_make(const char *directory, struct err *err)
{
	if (path_make_dirs(directory, err) < 0) {
		snprintf(err->code, sizeof(err->code), "store_unavailable");
		err_context(err, "make the state directory '%s'", directory);
		return err_remedy(err, "name a directory that you may write with "
				  "--state-dir");
	}
	return directory_open(directory, err);
}

static int
below(int dirfd, const char *name, bool is_durable, struct err *err)
{
	bool is_new = mkdirat(dirfd, name, 0700) == 0;
	if (!is_new && errno != EEXIST)
		return err_errno(err, "store_unavailable", "make the directory '%s'",
				 name);
	if (is_new && is_durable && fsync(dirfd) < 0)
		return err_errno(err, "store_unavailable", "sync the directory of '%s'",
				 name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "store_unavailable", "open the directory '%s'",
				 name);
	return fd;
}

int
directory_below(int dirfd, const char *name, struct err *err)
{
	return below(dirfd, name, false, err);
}

int
directory_below_durable(int dirfd, const char *name, struct err *err)
{
	return below(dirfd, name, true, err);
}
