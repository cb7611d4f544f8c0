/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One execution of one step, the straight line of DESIGN's step life:
 *
 *	parameters -> propose -> stored proposal -> gate -> intent (durable)
 *	-> edits applied by the engine -> run -> files checked -> outcome
 */
#ifndef FETTLE_ENGINE_ATTEMPT_H
#define FETTLE_ENGINE_ATTEMPT_H

#include "engine/ending.h"
#include "engine/run.h"
#include "engine/standing.h"

/*
 * standing: for a rollback step, else NULL. 0 with *ending changed when the
 * step did not succeed; -1 when the store failed and nothing more may be done.
 */
int attempt_step(struct run *run, const struct plan_step *step,
		 const struct standing *standing, struct ending *ending,
		 struct err *err);

/*
 * What a step proposes, without doing it, for whom it is a part of something
 * larger. New reference, or NULL with why.
 */
json_t *attempt_propose(struct run *run, const struct plan_step *step, struct err *err);

#endif
