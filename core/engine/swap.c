/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Exchanging one file. See swap.h. */
#include "base/base.h"

#include "engine/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "engine/image.h"

int
swap_init(struct swap *swap, int workspace_fd, const char *run, const char *path,
	  const char *direction, struct err *err)
{
	const char *name;
	char hash[SHA256_HEX_SIZE];
	int dirfd = image_open_parent(workspace_fd, path, &name, err);

	if (dirfd < 0)
		return -1;
	sha256_hex(path, strlen(path), hash);
	*swap = (struct swap){ .dirfd = dirfd,
			       .path = x_strdup(path),
			       .name = x_strdup(name),
			       .temp = x_asprintf(".fettle-%s-%.8s.%s", run, hash,
						  direction),
			       .mode = 0644,
			       .uid = geteuid(),
			       .gid = getegid() };
	return 0;
}

void
swap_done(struct swap *swap)
{
	auto_close(&swap->dirfd);
	free(swap->path);
	free(swap->name);
	free(swap->temp);
	*swap = (struct swap){ .dirfd = -1 };
}

static int
cannot(const struct swap *swap, const char *what, struct err *err)
{
	int error = errno;

	err_errno(err, "apply.write", "%s '%s'", what, swap->path);
	if (error == ENOSPC || error == EDQUOT)
		return err_remedy(err, "make room on the file system of the workspace");
	if (error == EROFS || error == EACCES || error == EPERM)
		return err_remedy(err, "fettle needs to write the directory '%s' is in",
				  swap->path);
	return -1;
}

int
swap_stage(struct swap *swap, const void *bytes, size_t len, struct err *err)
{
	if (!swap->to[0]) /* a deletion has nothing to stage */
		return 0;
	AUTO_CLOSE int fd =
		openat(swap->dirfd, swap->temp,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return cannot(swap, "make a temporary file for", err);
	if (file_write_all(fd, bytes, len) < 0)
		return cannot(swap, "write the new content of", err);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return cannot(swap, "look at the new content of", err);
	if ((st.st_uid != swap->uid || st.st_gid != swap->gid) &&
	    fchown(fd, swap->uid, swap->gid) < 0)
		return cannot(swap, "keep the owner of", err);
	if (fchmod(fd, swap->mode) < 0)
		return cannot(swap, "keep the mode of", err);
	if (fsync(fd) < 0)
		return cannot(swap, "make durable the new content of", err);
	return 0;
}

void
swap_abandon(struct swap *swap)
{
	if (swap->to[0])
		(void)unlinkat(swap->dirfd, swap->temp, 0);
}

static int
changed(const struct swap *swap, struct err *err)
{
	err_set(err, "workspace_changed",
		"'%s' is not as it was when the edit was proposed: "
		"somebody else changed it",
		swap->path);
	return err_remedy(err, "look at the file, then run again");
}

/* 0 when the entry hashes to want ("": there is none). */
static int
expect(const struct swap *swap, const char *entry, const char *want)
{
	char hash[SHA256_HEX_SIZE] = "";

	if (image_hash_at(swap->dirfd, entry, hash) < 0)
		return -1;
	return str_eq(hash, want) ? 0 : -1;
}

static int
commit_creation(struct swap *swap, struct err *err)
{
	if (renameat2(swap->dirfd, swap->temp, swap->dirfd, swap->name,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST) {
		swap_abandon(swap);
		return changed(swap, err);
	}
	return cannot(swap, "create", err);
}

static int
commit_deletion(struct swap *swap, struct err *err)
{
	if (renameat2(swap->dirfd, swap->name, swap->dirfd, swap->temp,
		      RENAME_NOREPLACE) < 0)
		return errno == ENOENT ? changed(swap, err) :
					 cannot(swap, "delete", err);
	if (expect(swap, swap->temp, swap->from) < 0) {
		(void)renameat2(swap->dirfd, swap->temp, swap->dirfd, swap->name,
				RENAME_NOREPLACE);
		return changed(swap, err);
	}
	if (fsync(swap->dirfd) < 0)
		return cannot(swap, "make durable the deletion of", err);
	if (unlinkat(swap->dirfd, swap->temp, 0) < 0)
		return cannot(swap, "delete", err);
	return 0;
}

static int
commit_exchange(struct swap *swap, struct err *err)
{
	/* A cheap look first, so that a changed file is not even touched. */
	if (expect(swap, swap->name, swap->from) < 0) {
		swap_abandon(swap);
		return changed(swap, err);
	}
	if (renameat2(swap->dirfd, swap->temp, swap->dirfd, swap->name,
		      RENAME_EXCHANGE) < 0) {
		if (errno == ENOENT) {
			swap_abandon(swap);
			return changed(swap, err);
		}
		return cannot(swap, "exchange", err);
	}
	if (expect(swap, swap->temp, swap->from) < 0) {
		(void)renameat2(swap->dirfd, swap->temp, swap->dirfd, swap->name,
				RENAME_EXCHANGE);
		swap_abandon(swap);
		return changed(swap, err);
	}
	if (fsync(swap->dirfd) < 0)
		return cannot(swap, "make durable the exchange of", err);
	if (unlinkat(swap->dirfd, swap->temp, 0) < 0)
		return cannot(swap, "remove the old content of", err);
	return 0;
}

int
swap_commit(struct swap *swap, struct err *err)
{
	int done = !swap->from[0] ? commit_creation(swap, err)
		   : !swap->to[0] ? commit_deletion(swap, err)
				  : commit_exchange(swap, err);

	if (done == 0 && fsync(swap->dirfd) < 0)
		return cannot(swap, "make durable the change of", err);
	return done;
}

int
swap_settle(struct swap *swap, struct err *err)
{
	char temp[SHA256_HEX_SIZE] = "", target[SHA256_HEX_SIZE] = "";
	int found = image_hash_at(swap->dirfd, swap->temp, temp);

	if (found == 1)
		return 0;
	if (found < 0 || image_hash_at(swap->dirfd, swap->name, target) < 0)
		return cannot(swap, "look at the files left of", err);
	bool was_exchanged = str_eq(target, swap->to) && !str_eq(target, swap->from);
	/* Not exchanged: the temporary file is ours, whole or half written. */
	if (!was_exchanged && swap->to[0]) {
		if (unlinkat(swap->dirfd, swap->temp, 0) < 0)
			return cannot(swap, "remove the temporary file of", err);
		return 0;
	}
	/* Exchanged: it holds what the target was; foreign bytes go back. */
	if (str_eq(temp, swap->from)) {
		if (unlinkat(swap->dirfd, swap->temp, 0) < 0)
			return cannot(swap, "remove the old content of", err);
		return 0;
	}
	if (target[0] && !swap->to[0]) {
		err_set(err, "rollback_conflict",
			"'%s' was deleted by us and made again by "
			"somebody else; '%s' beside it holds what was there",
			swap->path, swap->temp);
		return err_remedy(err, "keep the one you want and remove the other");
	}
	if (renameat2(swap->dirfd, swap->temp, swap->dirfd, swap->name,
		      target[0] ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
		return cannot(swap, "put back", err);
	if (target[0])
		(void)unlinkat(swap->dirfd, swap->temp, 0);
	return 0;
}
