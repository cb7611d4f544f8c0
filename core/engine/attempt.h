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

/*
 * standing: the effects a rollback step is to undo, or NULL. 0 with *ending
 * changed when the step did not succeed; -1 when the store failed and nothing
 * more may be done.
 */
int attempt_step(struct run *run, const struct plan_step *step, const json_t *standing,
		 struct ending *ending, struct err *err);

#endif
