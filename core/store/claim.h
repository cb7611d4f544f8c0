/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flock of a run: whether a process that works on it is alive, and taking it. */
#ifndef FETTLE_STORE_CLAIM_H
#define FETTLE_STORE_CLAIM_H

#include "store/db.h"

/* 1 somebody holds the flock of the run, 0 nobody does, -1 error. */
int claim_is_alive(struct store *store, const char *run, struct err *err);

/* As store_claim, for a slot of a worker; worker NULL: of none. */
int claim_run(struct store *store, const char *run, const char *owner,
	      const char *worker, struct store_claim *ret, int *ret_lock_fd,
	      struct err *err);

#endif
