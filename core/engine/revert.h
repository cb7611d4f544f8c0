/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The step `revert` of a run that rolls back another: what it states is the whole
 * of what the run is going to do, in the form of proposals (proposal.h) and with
 *
 *  undoes	the standing rows of the other run, each with the `stage` of its
 *		step; with the intent they are this run's own (store/store.h), for
 *		unwinding to put back
 */
#ifndef FETTLE_ENGINE_REVERT_H
#define FETTLE_ENGINE_REVERT_H

#include "engine/run.h"

/* What the steps of the other run gave, for what the steps of on_failure refer to. */
int revert_load(struct run *run, struct err *err);

/*
 * Looks at the files and asks the steps of on_failure. New reference, or NULL:
 * `rollback_conflict` when a file is neither as the other run left it nor as it was
 * before, or why a step or a stored content is not fit for it. Keeps the diff.
 */
json_t *revert_propose(struct run *run, const struct plan_step *step, int attempt,
		       struct err *err);

/*
 * 1 for a step of on_failure that does no more than what was judged as a part of the
 * whole; 0 for any other; -1 the store failed.
 */
int revert_covers(struct run *run, const struct plan_step *step, const json_t *proposal,
		  struct err *err);

#endif
