/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One run in the hands of this process: its plan, its claim, and what is known
 * so far. Everything the run's files (attempt, gate, unwind, ...) share.
 */
#ifndef FETTLE_ENGINE_RUN_H
#define FETTLE_ENGINE_RUN_H

#include "engine/engine.h"
#include "engine/mask.h"
#include "model/plan.h"
#include "model/project.h"

enum run_mode {
	RUN_CARRY_OUT,
	RUN_PREVIEW, /* nothing is changed: only steps of stage ANALYZE are run */
};

/* What became known of a wish to end the run; see cancel.h. */
struct cancel {
	bool is_asked;
	char *by, *reason;	/* owned; NULL: by a signal */
	int64_t version;	/* of the store when it was last looked at */
};

struct run {
	struct engine *engine;
	enum run_mode mode;
	const struct plan *plan;
	const struct project *project; /* NULL when recovering, or without a service */
	const char *until;	       /* the last step to do; NULL: all */
	const json_t *secrets;	       /* NAME -> value; NULL: none */
	const struct mask *mask;
	struct store_claim claim;
	int lock_fd;		/* the run's lock; owned */
	int workspace_fd;	/* owned */
	char *directory;	/* the run's folder of artifacts; owned */
	json_t *outputs;	/* step id -> its outputs, as given (not masked) */
	bool has_rehearsed;	/* store_rehearse() was called */
	json_t *unwritten_plan;	/* its file is still to be made; NULL: it is not */
	bool is_being_made;	/* in a transaction that the next commit ends */
	json_t *queued;		/* events of an open transaction, for the watcher */
	json_t *notes;		/* events not yet appended: see run_note */
	json_t *sent;		/* those of the open transaction */
	json_t *attempts;	/* step id -> number of attempts made so far */
	json_t *states;		/* step id -> how it ended, for `steps.ID.state` */
	uint32_t round;		/* 1, 2, ... */
	json_t *earlier; /* outputs of the round before, masked; NULL in the first */
	json_t *now;		/* project facts of this round; NULL in the first */
	bool has_failed;	/* a step failed and was forgiven, or the run did */
	struct strv ended;	/* steps an earlier process saw to their end */
	struct strv kept;	/* steps passed over until this round is done */
	struct strv lost;	/* steps whose outputs held a secret: not known here */
	char slept_step[64];	/* the step the run slept before, or "" */
	uint32_t slept_tries;	/* tries made of it before that */
	json_t *hold;		/* the hold it goes on from (hold.h); NULL: none */
	json_t *fresh;		/* project facts just looked at; NULL: not yet */
	bool is_agreed;		/* people agreed to a step, and so to its plan */
	bool is_asleep;		/* still recorded as waiting: see run_wake */
	json_t *report;		/* preview: array of step reports */
	struct str diagnosis;	/* what was found wrong, round by round */
	const struct err *failure; /* why it is being unwound, or NULL; borrowed */
	struct cancel cancel;
	bool is_undoing;	/* cancel is not listened to */
	int64_t judged_ms;	/* the time that policies are told; 0: the clock's */
	bool is_in_transaction;	/* run_begin was called */
};

/* Opens the workspace and the run's folder. On failure *run is closed. */
int run_open(struct run *run, struct err *err);
void run_close(struct run *run);

/*
 * Events. Bodies are masked before they are stored. append steals body; it
 * is a transaction of its own unless one is open; watchers hear of it after
 * the commit.
 */
int run_begin(struct run *run, struct err *err);
int run_commit(struct run *run, struct err *err);
void run_abort(struct run *run);
int run_append(struct run *run, const char *kind, json_t *body, struct err *err);

/* Ends a claimed run that could not be opened. Steals body, that of run.ended. */
int run_end_closed(struct engine *engine, const struct store_claim *claim, json_t *body,
		   struct err *err);

/*
 * An event that may wait a moment: stored, and then told, with the next append or
 * run_flush, in the order of the calls. Steals body.
 */
void run_note(struct run *run, const char *kind, json_t *body);
int run_flush(struct run *run, struct err *err);
/* How far a step is: for who watches now, masked, and kept nowhere. */
void run_progress(const struct run *run, const char *step, const json_t *event);

/* What an analysis found, behind what was found before; "" for nothing. */
void run_diagnose(struct run *run, const char *diagnosis);

/* The service lock's name, or NULL for a plan without a service. Caller owns. */
char *run_lock_name(const struct plan *plan);

/* All of a claimed, planned run: steps, unwinding, finally, end. */
int run_carry_out(struct run *run, struct err *err);
/* The same for a run that is recorded as running: all that is not in run->kept. */
int run_go_on(struct run *run, struct err *err);
/* A run that waited is recorded as running again, from that step on. */
int run_wake(struct run *run, const char *step, struct err *err);
struct ending;
/* What comes behind the steps: unwinding, finally, end. */
int run_end(struct run *run, struct ending *ending, struct err *err);

#endif
