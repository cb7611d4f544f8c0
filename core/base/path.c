/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of files: checking them, opening them beneath a directory. */
#include "base/base.h"

#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PATH_MAX_BYTES 4096

/* Why a path is not canonical, or NULL. */
static const char *
find_fault(const char *path)
{
	size_t len = strnlen(path, PATH_MAX_BYTES + 1);
	if (len == 0)
		return "it is empty";
	if (len > PATH_MAX_BYTES)
		return "it is longer than 4096 bytes";
	if (path[0] == '/')
		return "it is absolute";
	if (!utf8_is_valid(path, len))
		return "it is not UTF-8";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)path[i];
		if (c < 0x20 || c == 0x7f)
			return "it has a control character";
		/* C1 control characters: U+0080 to U+009F. */
		if (c == 0xc2 && (unsigned char)path[i + 1] < 0xa0)
			return "it has a control character";
		if (c == '\\')
			return "it has a backslash";
	}
	for (const char *part = path;;) {
		size_t n = strcspn(part, "/");
		if (n == 0)
			return "it has an empty component";
		if (n <= 2 && strspn(part, ".") >= n)
			return "it has a '.' or '..' component";
		if (part[n] == '\0')
			return NULL;
		part += n + 1;
	}
}

int
path_check(const char *path, struct err *err)
{
	const char *fault = find_fault(path);
	if (!fault)
		return 0;
	err_set(err, "path.invalid", "path '%.200s' is not allowed: %s", path, fault);
	return err_remedy(err,
			  "write it relative to the workspace, like 'api/Dockerfile'");
}

int
path_open_dir(const char *directory, struct err *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno == ENOENT ? "path.missing" : "path.open",
				 "open directory '%s'", directory);
	return fd;
}

int
path_open_beneath(int dirfd, const char *path, int flags, mode_t mode, struct err *err)
{
	bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = creates ? mode & 07777 : 0,	/* else the kernel wants 0 */
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd;
	/* EAGAIN: a rename raced with the walk. The kernel asks for patience. */
	for (int tries = 0; tries < 128; tries++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	switch (errno) {
	case ENOENT:
		return err_errno(err, "path.missing", "open '%s'", path);
	case ELOOP:
		err_set(err, "path.symlink",
			"open '%s': a part of it is a symbolic link", path);
		return err_remedy(err, "name the file itself, not a link to it");
	case EXDEV:
		return err_set(
			err, "path.escape",
			"open '%s': it leads out of its directory or to another mount",
			path);
	case ENOSYS:
	case EPERM:
		err_errno(err, "path.open", "open '%s'", path);
		return err_remedy(err,
				  "Fettle needs the system call openat2 (Linux 5.6); "
				  "in a container its seccomp profile must allow it");
	default:
		return err_errno(err, "path.open", "open '%s'", path);
	}
}

int
path_make_dirs(const char *directory, struct err *err)
{
	AUTO_FREE char *part = x_strdup(directory);
	struct stat st;

	for (char *p = part; *p != '\0';) {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		char end = *p;
		*p = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST) {
			/* On the way down only a directory that is there matters. */
			int reason = errno;
			if (stat(part, &st) < 0) {
				errno = reason;
				return err_errno(err, "path.create",
						 "create directory '%s'", part);
			}
		}
		*p = end;
	}
	if (stat(directory, &st) < 0)
		return err_errno(err, "path.create", "create directory '%s'",
				 directory);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, "path.create",
			       "create directory '%s': a file of that name is there",
			       directory);
	return 0;
}

char *
path_join(const char *a, const char *b)
{
	size_t len = strlen(a);
	if (b[0] == '/' || len == 0)
		return x_strdup(b);
	return x_asprintf("%s%s%s", a, a[len - 1] == '/' ? "" : "/", b);
}

static bool
is_empty(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	bool is_empty = dir != NULL;

	for (struct dirent *entry; is_empty && (entry = readdir(dir)) != NULL;)
		is_empty = str_eq(entry->d_name, ".") || str_eq(entry->d_name, "..");
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	return is_empty;
}

bool
dir_is_untouched(int dirfd)
{
	struct stat st;

	return fstat(dirfd, &st) == 0 && (st.st_mode & 07777) == 0700 &&
	       st.st_uid == geteuid() && st.st_gid == getegid() &&
	       flistxattr(dirfd, NULL, 0) <= 0 && is_empty(dirfd);
}
