/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store: append-only, hash-chained events a run, and the tables derived
 * from them. The only way to change state is store_append(); it inserts the
 * event and applies its projection in one transaction, so that every table is
 * a pure function of the events (`store_rebuild` proves it). Also the
 * content-addressed blobs (pre- and post-images) beside the database.
 *
 * Events and their bodies (a member marked ? may be missing):
 *
 *  run.queued     pipeline, service, instruction, inputs, workspace, requested_by,
 *                 order? (what a worker plans it from), priority?: high|normal,
 *                 until?, rolls_back?: the run whose changes it puts back, reason?
 *  run.claimed    owner, epoch, worker?
 *  run.released   service?: back to the queue, nothing was begun
 *  run.cancel     by, reason?: somebody wants it to end; appended by store_cancel
 *  run.planned    plan (the frozen JSON), sha256
 *  run.state      state: running | rolling_back | awaiting_approval | pending;
 *                 code?, message?, step?; due_ms? when it waits: somebody has to
 *                 look then; pending: sleeps before step's next try, tries were made
 *  run.round      round (2, 3, ...), earlier: the outputs of the round before,
 *                 facts?: of the project when it began
 *  run.retried    from, by, steps: [id] to be done again, round, message?;
 *                 behind run.state
 *  run.renewed    changed: [{key, what, was, is}], rules: {} by those keys: what judges
 *                 and carries out a run that goes on is not what it was before
 *  run.ended      state (terminal), code?, message?, remedy?, step?, detail? (any)
 *  run.undone     by: the run that rolled this one back, state: how that one ended,
 *                 effects: [int] that it put back (row numbers of store_standing);
 *                 appended by the store with run.ended of the other
 *  step.proposed  step, attempt, proposal, sha256; voids the verdict on the last one
 *  step.verdict   step, attempt, verdict: allow|hold|deny,
 *                 answers: [{policy, verdict, reason}]; needs the proposal
 *  hold.opened    step, attempt, digest: what is to be agreed to, basis?: {} what it is
 *                 the hash of, requesters: [name],
 *                 needs: [{policy, roles: [any of], quorum, self_approval: bool}],
 *                 expires_ms; the verdict on the step holds
 *  hold.approved  step, attempt, digest, by, roles: [of the person], comment?, full?:
 *                 true when it is the last one needed; by store_answer
 *  hold.rejected  step, attempt, digest, by, reason; by store_answer
 *  hold.expired   step, attempt, digest: nobody can agree any more
 *  hold.voided    step, attempt, digest, why: what was to be agreed to has changed;
 *                 changed?: [{key, what, was, is}]
 *  hold.consumed  step, attempt, digest, by: [name]; needs the quorum of each need;
 *                 comes before the allowing verdict and the intent, and once
 *  step.intent    step, attempt, section, stage: the attempt starts; needs a verdict
 *                 that allows it
 *  step.ended     step, attempt, state: succeeded|failed|interrupted|cancelled,
 *                 result, why?, code?, message?, remedy?, outputs?, duration_ms,
 *                 masked?: true when a secret's value was taken out of outputs
 *  step.skipped   step, section, code?, message?
 *  step.note      step, attempt, level: info|warn, text
 *  step.finding   step, attempt, rule, confidence, title, evidence
 *  artifact.added   name, step?, attempt?, type, path (below the run's directory),
 *                 bytes, sha256
 *  artifact.missing name, step?, message
 *  unwind.files   restored: [path], conflicts: [{path, expected, found}], kept: [path]
 *  effect.undone  effects: [int]  (row numbers of store_standing)
 *  run.locked, run.waiting  name, ticket: appended by store_lock alone
 *  run.unlocked   name: given away by a run that waits
 *  site.paused    reason?: of no run, but of a chain of its own
 *  site.resumed
 *  site.collected keep_days, runs, files, blobs, bytes: what `store gc` removed
 *
 * step.proposed and step.ended may carry section and stage too: for steps that
 * end before their intent.
 *
 * An event that cannot follow what is known (an ended run that starts a step, a
 * second end, an intent without an allowing verdict) is refused with
 * `store.transition`, a body of the wrong shape with `store.body`. A run that is
 * rollback_failed may go to rolling_back by a claim taken after its end, and end
 * again; one that failed, was rolled back, denied or cancelled may go to running (a
 * retry). run.ended closes open steps.
 *
 * On step.intent every edit and effect of the step's latest proposal becomes a
 * standing row: {"n", "step", "attempt", "kind": "edit"|KIND, "target", "body"}. A
 * proposal with `undoes`, of a run that rolls back another, holds the other's rows:
 * they are its own until its end, and what it has not put back by then is the
 * other's alone again.
 * unwind.files ends the edit rows of the paths in restored; effect.undone the
 * named rows.
 *
 * Errors: `store_unavailable` (cannot open, write, commit), `store.stale_epoch`
 * (somebody else claimed the run: stop at once), `store.version`,
 * `store.missing` (STORE_READ, and there is none yet), `store.corrupt`,
 * `run_not_found`, `run.ambiguous`, `missing_action_plan`.
 */
#ifndef FETTLE_STORE_STORE_H
#define FETTLE_STORE_STORE_H

#include "base/err.h"
#include "base/json.h"

#define RUN_ID_SIZE 32 /* `20261121-120501-7f3a9c` and the NUL */

struct store;

enum store_mode {
	STORE_READ,	 /* must exist; no write, no migration */
	STORE_WRITE,	 /* made when missing: directory 0700, database 0600 */
};

/*
 * Opens STATE_DIR/fettle.db: WAL and synchronous=FULL are read back, or refused.
 * Wrong owner of the directory, a newer schema, a network file system: refused.
 * Close before fork.
 */
struct store *store_open(const char *state_dir, enum store_mode mode, struct err *err);
void store_close(struct store *store);
const char *store_dir(const struct store *store);	/* the state directory */

/* The right to write to one run. Filled by store_claim; every append carries it. */
struct store_claim {
	char run[RUN_ID_SIZE];
	char owner[64];		/* `HOST/PID` for people */
	int64_t epoch;
};

/*
 * One transaction around several appends (BEGIN IMMEDIATE; own busy handler,
 * at most 10 s). Not nested. store_append outside makes its own. After a
 * refused append the whole transaction can only be rolled back; store_commit
 * then does that and fails.
 */
int store_begin(struct store *store, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);

/*
 * Compiles the statements that end a step and a run, and those that tell of the
 * end, and runs none: for a moment in which there is nothing else to do.
 */
void store_rehearse(struct store *store);

/*
 * Who hears of every event that this connection commits, in order, after its
 * commit: for what is derived from events outside of the store. May read the store,
 * must not block. NULL: nobody any more.
 */
struct store_listener {
	void (*event)(void *self, const char *run, const char *kind,
		      const json_t *body);
	void *self;
};
void store_listen(struct store *store, const struct store_listener *listener);

/* A new run: makes the id, appends run.queued. -1 as store_may_undo. */
int store_queue(struct store *store, const char *actor, const json_t *body,
		char ret_run[RUN_ID_SIZE], struct err *err);
/*
 * Whether a run may be rolled back by a new one: it ended with its changes left
 * standing, and nobody is at it. -1 `rollback_not_applicable`, `rollback_conflict`
 * when a later run has changed the same things of the service again, or
 * `workflow_conflict` with the run that is at it in ret_by, else "".
 */
int store_may_undo(struct store *store, const char *run, char ret_by[RUN_ID_SIZE],
		   struct err *err);
/* How many runs are queued and nobody's. -1 when that cannot be told. */
int64_t store_queued(struct store *store);
/*
 * Claims the next queued run for a slot of a worker: high priority first, then
 * the oldest, none whose service is busy. 1 with *ret and *ret_lock_fd as from
 * store_claim; 0 none may begin now, or the site is paused; -1.
 */
int store_take(struct store *store, const char *owner, const char *worker,
	       struct store_claim *ret, int *ret_lock_fd, struct err *err);

/*
 * Asks for the end of a run, whoever has it; needs no claim. Who works on the run
 * finds `cancel_by` in its row. -1 `workflow_conflict` when it has ended.
 */
enum cancelling {
	CANCELLING_NOW,		/* asked for by this call */
	CANCELLING_AGAIN,	/* by an earlier one: nothing was appended */
	CANCELLING_LATE,	/* it is being unwound: nothing was appended */
};
int store_cancel(struct store *store, const char *run, const char *actor,
		 const char *reason, enum cancelling *ret, struct err *err);

/*
 * What a person says to a run that waits: hold.approved or hold.rejected. Needs no
 * claim. Whether the person may say so is the caller's business.
 */
int store_answer(struct store *store, const char *run, const char *actor,
		 const char *kind, const json_t *body, struct err *err);
/* The time, which is never before that of the newest event. */
int64_t store_now(struct store *store);
/*
 * The time, which is never before that of any event since this one: what was too
 * late once stays so, wherever the clock is set to.
 */
int64_t store_latest(struct store *store, const char *run, int64_t seq);

/*
 * While the site is paused no run is taken from the queue. 1 done, 0 it was so
 * before, -1. reason may be NULL.
 */
int store_pause(struct store *store, const char *actor, const char *reason,
		struct err *err);
int store_resume(struct store *store, const char *actor, struct err *err);
/* {"time_ms","by","reason"}, or JSON null when it is not paused. */
json_t *store_paused(struct store *store, struct err *err);

/*
 * The workers: `HOST/PID`, alive as long as the lock in *ret_lock_fd is held.
 * store_workers lists those that live: {"name","slots","started_ms","runs":[id]}.
 */
int store_worker_add(struct store *store, const char *worker, uint32_t slots,
		     int *ret_lock_fd, struct err *err);
int store_worker_remove(struct store *store, const char *worker, struct err *err);
json_t *store_workers(struct store *store, struct err *err);

/* Appends to a claimed run. `actor`: `engine`, `operator:NAME`. body is borrowed. */
int
store_append(struct store *store, const struct store_claim *claim, const char *actor,
	     const char *kind, const json_t *body, struct err *err);

/*
 * Claims a run: takes flock on STATE_DIR/runs/ID/lock (kept in *ret_lock_fd,
 * inheritable by hosts; the kernel frees it when the last holder died), raises
 * the epoch, appends run.claimed. -1 `run.busy` naming the owner when the lock
 * is held by a living process. Inside a transaction it counts from the commit on.
 */
int store_claim(struct store *store, const char *run, const char *owner,
		struct store_claim *ret, int *ret_lock_fd, struct err *err);

/*
 * The lock of a service (or any name): held by at most one run that is not in
 * a terminal state; released by run.ended. 1 taken or already ours; 0 held
 * by another, whose id is in ret_holder, and we are in the queue: ask again,
 * the first to ask gets it first; -1 error. A dead process that holds or waits
 * is passed over, unless its run has begun: that is unwound first.
 */
int store_lock(struct store *store, const struct store_claim *claim, const char *name,
	       char ret_holder[RUN_ID_SIZE], struct err *err);

/* Reading. New references; NULL with err on failure; empty arrays for nothing. */
struct store_filter {
	const char *state, *service;	/* NULL: any */
	uint32_t limit, offset;		/* limit 0: 20 */
	const char *cursor;		/* only runs older than this one; NULL: all */
};
/* Newest first: {"run","state","code","message","remedy","step","service",
   "instruction","pipeline","workspace","requested_by","queued_ms","started_ms",
   "ended_ms","owner","epoch","plan_sha256","due_ms","detail","worker","crashes",
   "cancel_by","cancel_reason","rolls_back","rolled_back_by","priority","position" in
   the queue} (null until known; due_ms null unless it waits). */
json_t *
store_runs(struct store *store, const struct store_filter *filter, struct err *err);
json_t *store_run(struct store *store, const char *run, struct err *err);
/* In plan order of first event: {"step","section","stage","state","attempt","result",
   "why","code","message","remedy","outputs","started_ms","ended_ms","duration_ms",
   "masked":bool} */
json_t *store_steps(struct store *store, const char *run, struct err *err);
/* {"name","step","attempt","type","path","bytes","sha256","missing":bool,"message",
   "time_ms"}; a name added again replaces. */
json_t *store_artifacts(struct store *store, const char *run, struct err *err);
json_t *store_standing(struct store *store, const char *run, struct err *err);
/* The same of what once stood and was put back, or never came to be. */
json_t *store_undone(struct store *store, const char *run, struct err *err);
/* {"plan": object, "text": the very text that was hashed, "sha256"} */
json_t *store_plan(struct store *store, const char *run, struct err *err);
/* Latest proposal of a step, {"proposal","sha256","attempt"}; JSON null for none. */
json_t *
store_proposal(struct store *store, const char *run, const char *step, struct err *err);
/* {"seq","time_ms","kind","actor","body","hash"} with seq > after, oldest first;
   limit 0: all. */
json_t *store_events(struct store *store, const char *run, int64_t after,
		     uint32_t limit, struct err *err);
/* The same of some kinds, "|step.note|step.finding|"; limit is at least 1. */
json_t *store_events_of(struct store *store, const char *run, const char *kinds,
			int64_t after, uint32_t limit, struct err *err);
/*
 * Runs in `running` or `rolling_back`, and claimed ones that never got so far,
 * oldest first: what recovery looks at. None that waits.
 */
json_t *store_unfinished(struct store *store, struct err *err);
/*
 * Runs that wait and that somebody has to look at by now: the pause before a
 * retry is over, or what an approval waited for came, or its time did. Those
 * due first come first. engine_continue() looks.
 */
json_t *store_due(struct store *store, int64_t now_ms, struct err *err);
/* The latest event of a kind, as store_events gives it; JSON null for none. */
json_t *store_last_event(struct store *store, const char *run, const char *kind,
			 struct err *err);
/* Resolves `last`, a full id or a unique prefix. */
int store_find_run(struct store *store, const char *name, char ret_run[RUN_ID_SIZE],
		   struct err *err);
/* PRAGMA data_version: changes when another process has written. */
int64_t store_version(struct store *store);

/* Module descriptions by SHA-256 of the module file. find: NULL when not cached. */
json_t *store_description_find(struct store *store, const char *sha256);
int store_description_add(struct store *store, const char *sha256,
			  const json_t *description, struct err *err);

/* Blobs: durable (fsync of file and directory) before put returns. */
int store_blob_put(struct store *store, const void *bytes, size_t n,
		   char ret_sha256[65], struct err *err);
/* Caller owns *ret (NUL behind). `store.corrupt`: the bytes do not hash to sha256. */
int store_blob_get(struct store *store, const char *sha256, char **ret, size_t *ret_len,
		   struct err *err);

/* STATE_DIR/runs/ID, made when missing (0700). Caller owns. */
char *store_run_dir(struct store *store, const char *run, struct err *err);

/*
 * Recomputes every hash of one run and compares the end with the run's row: 0, or
 * -1 `audit.broken` naming the first bad event.
 */
int store_verify(struct store *store, const char *run, struct err *err);
/* Derives all tables again from the events; `audit.broken` changes nothing. */
int store_rebuild(struct store *store, struct err *err);

#endif
