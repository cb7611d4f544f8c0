/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going on with a run that another process began: what continuing one that
 * waits and retrying one that ended have in common.
 */
#ifndef FETTLE_ENGINE_CONTINUE_H
#define FETTLE_ENGINE_CONTINUE_H

#include "engine/takeover.h"

/*
 * Looks at the world afresh, as a run does before its first step: the project's
 * facts as they are now (run->fresh, and run->now if nothing of the run stands),
 * every module's check.
 */
int continue_look(struct takeover *t, struct err *err);

/* Waits for the service's lock. -1 `service_busy` when cancelled meanwhile. */
int continue_lock(struct takeover *t, struct err *err);

/*
 * The straight line from step `from` on, to the run's end or the next wait.
 * retried: body of run.retried, or NULL. Steals it.
 */
int continue_from(struct takeover *t, const char *from, json_t *retried,
		  struct err *err);

/* Nothing of the run stands: others may work on the service meanwhile. */
int continue_unlock(struct run *run, struct err *err);

/* Stops for a while: appends run.state with that body, gives the service away
   unless something stands. Steals body. */
int continue_later(struct run *run, json_t *body, struct err *err);

/* Tells who watches of the run, as if it had just been planned. row: of the store. */
void continue_introduce(const struct takeover *t, const json_t *row);

#endif
