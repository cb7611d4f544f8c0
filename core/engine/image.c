/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading workspace files safely. See image.h. */
#include "base/base.h"

#include "engine/image.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"

void
image_done(struct image *image)
{
	free(image->bytes);
	*image = (struct image){ 0 };
}

int
image_open_parent(int workspace_fd, const char *path, const char **ret_name,
		  struct err *err)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *folder =
		slash ? x_strndup(path, (size_t)(slash - path)) : x_strdup(".");
	int fd;

	if (path_check(path, err) < 0)
		return -1;
	if (slash)
		fd = path_open_beneath(workspace_fd, folder, O_RDONLY | O_DIRECTORY, 0,
				       err);
	else if ((fd = fcntl(workspace_fd, F_DUPFD_CLOEXEC, 0)) < 0)
		return err_errno(err, "apply.open", "open the workspace");
	if (fd < 0) {
		if (str_eq(err->code, "path.missing")) {
			err_set(err, "apply.missing_dir",
				"'%s': its directory does not exist", path);
			return err_remedy(
				err, "make the directory first; an edit makes files "
				     "only");
		}
		if (str_eq(err->code, "path.symlink"))
			snprintf(err->code, sizeof err->code, "apply.symlink");
		else if (str_eq(err->code, "path.escape"))
			snprintf(err->code, sizeof err->code, "apply.escape");
		return -1;
	}
	*ret_name = slash ? slash + 1 : path;
	return fd;
}

static bool
has_extra_metadata(int fd)
{
	char names[4096];
	ssize_t n = flistxattr(fd, names, sizeof names);

	if (n < 0)
		return errno == ERANGE;
	for (const char *name = names; name < names + n; name += strlen(name) + 1)
		if (!str_starts(name, "security.selinux"))
			return true;
	return false;
}

static int
refuse_odd_files(int fd, const char *path, struct stat *ret, struct err *err)
{
	if (fstat(fd, ret) < 0)
		return err_errno(err, "apply.open", "look at '%s'", path);
	if (!S_ISREG(ret->st_mode)) {
		err_set(err, "apply.type", "'%s' is not a regular file", path);
		return err_remedy(err, "only regular files can be edited");
	}
	if (ret->st_nlink != 1) {
		err_set(err, "apply.hardlink",
			"'%s' has %lu hard links: an edit would "
			"change the file under its other names too, or cut it loose "
			"from them",
			path, (unsigned long)ret->st_nlink);
		return err_remedy(err,
				  "give it a copy of its own: cp '%s' x && mv x '%s'",
				  path, path);
	}
	if ((ret->st_mode & (S_ISUID | S_ISGID | S_ISVTX)) || has_extra_metadata(fd)) {
		err_set(err, "apply.metadata",
			"'%s' has set-id bits, an ACL or extended "
			"attributes, which an edit would lose",
			path);
		return err_remedy(err, "edit it by hand, or remove the attributes");
	}
	if (ret->st_size > (off_t)IMAGE_MAX_BYTES)
		return err_set(err, "apply.size", "'%s' is larger than %u MiB", path,
			       IMAGE_MAX_BYTES >> 20);
	return 0;
}

int
image_read(int workspace_fd, const char *path, struct image *ret, struct err *err)
{
	const char *name;
	AUTO_CLOSE int dirfd = image_open_parent(workspace_fd, path, &name, err);
	AUTO_FREE char *bytes = NULL;
	struct stat st;
	size_t len;

	if (dirfd < 0)
		return -1;
	AUTO_CLOSE int fd =
		path_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK, 0, err);
	if (fd < 0 && str_eq(err->code, "path.missing")) {
		*ret = (struct image){ .exists = false, .mode = 0644 };
		return 0;
	}
	if (fd < 0) {
		bool is_link = str_eq(err->code, "path.symlink");

		err_set(err, is_link ? "apply.symlink" : "apply.open",
			is_link ? "'%s' is a symbolic link" : "'%s' cannot be opened",
			path);
		return err_remedy(err, is_link ?
					       "name the file it points at, if that is "
					       "allowed to change" :
					       "check its permissions");
	}
	if (refuse_odd_files(fd, path, &st, err) < 0 ||
	    file_read_fd(fd, path, IMAGE_MAX_BYTES, &bytes, &len, err) < 0)
		return -1;
	*ret = (struct image){ .exists = true,
			       .bytes = STEAL(bytes),
			       .len = len,
			       .mode = st.st_mode & 07777,
			       .uid = st.st_uid,
			       .gid = st.st_gid };
	sha256_hex(ret->bytes, len, ret->sha256);
	return 0;
}

int
image_hash_at(int dirfd, const char *name, char ret_sha256[SHA256_HEX_SIZE])
{
	AUTO_CLOSE int fd =
		openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct err ignored;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 1 : -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	return sha256_fd(fd, ret_sha256, NULL, &ignored);
}
