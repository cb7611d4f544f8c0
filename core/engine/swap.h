/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One file exchanged for another so that nothing is ever written over bytes
 * we did not write, and a crash at any system call can be sorted out later.
 *
 *	stage    the new bytes go to a temporary file beside the target, durable
 *	commit   temporary file and target change places in one call; what came
 *	         out is hashed, and goes back when it is not what was expected
 *	settle   after a crash: says by the target's hash whether the exchange
 *	         happened, and removes the temporary file, or puts foreign bytes back
 *
 * The temporary file's name is made of run, path and direction, so a later
 * process finds it without a record.
 */
#ifndef FETTLE_ENGINE_SWAP_H
#define FETTLE_ENGINE_SWAP_H

#include "base/err.h"
#include "base/sha256.h"

struct swap {
	int dirfd;		/* of the target's directory; owned */
	char *path;		/* for messages */
	char *name;		/* the target in dirfd */
	char *temp;		/* the temporary file in dirfd */
	char from[SHA256_HEX_SIZE], to[SHA256_HEX_SIZE]; /* "": no such file */
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* direction: "new" for applying, "old" for restoring. */
int swap_init(struct swap *swap, int workspace_fd, const char *run, const char *path,
	      const char *direction, struct err *err);
void swap_done(struct swap *swap);

int swap_stage(struct swap *swap, const void *bytes, size_t len, struct err *err);
/* -1 `workspace_changed` when the target was not `from`: it stays as it was. */
int swap_commit(struct swap *swap, struct err *err);
/* Removes what stage left, when commit is not to come. */
void swap_abandon(struct swap *swap);
int swap_settle(struct swap *swap, struct err *err);

#endif
