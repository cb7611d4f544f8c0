/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A run of another process in the hands of this one: its claim, its stored
 * plan, and what the store knows of it so far.
 */
#ifndef FETTLE_ENGINE_TAKEOVER_H
#define FETTLE_ENGINE_TAKEOVER_H

#include "engine/run.h"

struct takeover {
	struct run run;
	struct plan *plan;
	struct project *project;	/* NULL: none, or see missing */
	json_t *secrets;
	struct mask mask;
	char *until;
	struct err missing;	/* why its project or secrets cannot be had; code "" */
};

#define TAKEOVER_INIT { .run = { .lock_fd = -1, .workspace_fd = -1 } }

/*
 * Claims the run: nobody of its earlier process lives any more then. -1
 * `run.busy` when somebody does.
 */
int takeover_claim(struct takeover *t, struct engine *engine, const char *run,
		   struct err *err);

/*
 * Loads plan, outputs, states and attempts; opens the workspace. What the
 * project keeps secret may be missing: undoing does without, going on cannot.
 */
int takeover_open(struct takeover *t, struct err *err);

/* What a stored row of a step says of its outputs. */
void takeover_learn(struct run *run, const json_t *step);

/*
 * Workspace or plan are gone: nothing can be done or put back any more. Ends
 * the run, once and loudly. *err says why; 0, or -1 when the store is to blame.
 */
int takeover_give_up(struct takeover *t, struct err *err);

/*
 * The lock of the run's service: 0 ours; 1 another run, whose id is in
 * ret_holder, has it; -1 the store failed.
 */
int takeover_lock(struct takeover *t, char ret_holder[RUN_ID_SIZE], struct err *err);

void takeover_done(struct takeover *t);

#endif
