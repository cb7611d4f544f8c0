/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A directory for one callback of a module, below STATE_DIR/scratch: empty at
 * its start, removed with all that is in it at its end.
 */
#ifndef FETTLE_ENGINE_SCRATCH_H
#define FETTLE_ENGINE_SCRATCH_H

#include "base/err.h"

struct scratch {
	char *path;	/* absolute; owned */
	int fd;		/* of the directory, -1 when there is none */
};
#define SCRATCH_INIT { NULL, -1 }

/* owner: the run it is for, so that scratch_sweep finds what a crash left. */
int scratch_init(struct scratch *scratch, const char *state_dir, const char *owner,
		 struct err *err);
void scratch_done(struct scratch *scratch);

/* Removes the directories of a run whose processes are all dead. */
void scratch_sweep(const char *state_dir, const char *owner);

/* Removes what lies there for more than a day: left by processes that were killed. */
void scratch_sweep_old(const char *state_dir);

/* Removes a directory tree without following a link; what cannot go stays. */
void tree_remove(int dirfd, const char *name);

#endif
