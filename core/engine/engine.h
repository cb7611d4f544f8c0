/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The engine's public face: order a run, carry it out in the foreground, undo
 * one, recover what a crash left. The caller shows; the engine never prints.
 */
#ifndef FETTLE_ENGINE_ENGINE_H
#define FETTLE_ENGINE_ENGINE_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "model/description.h"
#include "model/node.h"
#include "store/store.h"

/* Who watches a run live. Called from the run's own straight line; must not block. */
struct engine_watch {
	/* Every event as it was committed (kinds and bodies of store/store.h). */
	void (*event)(void *self, const char *run, const char *kind,
		      const json_t *body);
	/* Masked bytes of a step's log, as they come. */
	void (*log)(void *self, const char *step, const char *bytes, size_t n);
	/* How far a step says it is; total 0: it cannot tell. Kept nowhere. */
	void (*progress)(void *self, const char *step, uint64_t done, uint64_t total,
			 const char *text);
	/* About ten times a second while a step runs. */
	void (*tick)(void *self);
	void *self;
};

struct engine {
	const char *lib_dir;	/* fettle-host, plugins/, policies/ */
	const char *data_dir;	/* rules/ */
	const char *site_file;	/* of model/site.h; NULL: none, for tests */
	struct store *store;
	struct store *past;	/* where earlier runs are, for a preview; NULL: store */
	struct engine_watch watch;
	int cancel_fd;		/* readable: cancel and unwind; -1 none */
	const char *actor;	/* `operator:NAME` */
	struct nursery *nursery; /* the engine's own: NULL at the beginning */
	struct metrics *metrics; /* of the store's events; borrowed; NULL: none */
	bool is_worker;		/* long waits are slept, not sat out (store_due) */
};

/*
 * Starts what takes a moment to start, for a verb that will need it: best before
 * the store is open. What fails here fails again there, and is told there.
 */
void engine_warm(struct engine *engine);
/* Ends what the verbs below have started. The store stays open. */
void engine_done(struct engine *engine);

/*
 * Sends StatsD metrics of what is committed through this store, one object a store,
 * if the site file or the environment says where to. Freed before the store is closed.
 */
struct metrics *metrics_new(struct store *store, const char *site_file);
void metrics_free(struct metrics *metrics);

/* What somebody wants done. Strings borrowed. */
struct order {
	const char *directory;	/* where the caller stands */
	const char *pipeline;	/* name or file; NULL: `repair` */
	const char *service;	/* NULL: from the instruction */
	const char *instruction;/* NULL: none */
	json_t *inputs;		/* object by name (pipeline_type_inputs), or NULL */
	const char *until;	/* the id of the last step to do; NULL: all */
	const char *rolls_back;	/* the run to put back, instruction being why; NULL */
	const char *pipeline_sha256; /* refused when it is another by now; NULL: any */
};

/* Reads and checks everything that needs no module run beyond describe. 0 or -1. */
int engine_check(struct engine *engine, const struct order *order, json_t **ret_summary,
		 struct err *err);

/*
 * Plans and carries out a run, to its end state. 0 with the run's id when
 * there is a run (whatever its end), -1 when it was refused before one began.
 */
int engine_run(struct engine *engine, const struct order *order,
	       char ret_run[RUN_ID_SIZE], struct err *err);

/*
 * Puts a run into the queue, for a worker. Refuses what can be refused without
 * asking the project (draft_read).
 */
enum priority { PRIORITY_NORMAL, PRIORITY_HIGH };
int engine_queue(struct engine *engine, const struct order *order,
		 enum priority priority, char ret_run[RUN_ID_SIZE], struct err *err);

/*
 * Takes the next run of the queue for a slot of `worker` and carries it out. 1
 * with its id, whatever its end; 0 none may begin now; -1. Of those that wait, are
 * due and cannot be continued *ret_left says why; they keep no other waiting.
 */
int engine_work(struct engine *engine, const char *worker, char ret_run[RUN_ID_SIZE],
		struct strv *ret_left, struct err *err);

/*
 * Ends a run whose end was asked for (store_cancel), when nobody works on it:
 * unwinds it. 0 done; 1 somebody does, and will see to it; -1.
 */
int engine_cancel(struct engine *engine, const char *run, struct err *err);

/*
 * Everything of a run up to, but without, the first change, in a throw-away
 * store. *ret: {"plan", "steps":[{"step","proposal","diff","verdict","answers",
 * "outputs","findings","state"}]}.
 */
int engine_plan(struct engine *engine, const struct order *order, json_t **ret,
		struct err *err);

/*
 * Puts back what stands of a run. Of one that ended with its work standing by a run
 * of its own, whose id is in ret_run; the unwinding of one that could not be put
 * back, or was interrupted, goes on in that run. reason may be NULL. -1 as
 * store_may_undo and engine_run.
 */
int engine_rollback(struct engine *engine, const char *run, const char *reason,
		    char ret_run[RUN_ID_SIZE], struct err *err);

/*
 * Finishes runs whose engine died: unwinds them. Ends those that waited for people
 * who said no, or nothing in time. A run that is alive is left alone, and so is one
 * that cannot be finished: it keeps no other waiting. -1 when the store cannot be
 * read.
 */
struct recovery {
	struct strv finished;	/* ids */
	struct strv left;	/* why not, a text for each */
};
int engine_recover(struct engine *engine, struct recovery *ret, struct err *err);
/* The first of these alone, for who goes on with one that waited. */
int engine_recover_interrupted(struct engine *engine, struct recovery *ret,
			       struct err *err);
void recovery_done(struct recovery *recovery); /* AUTO(recovery) */

/*
 * Goes on with a run that waits, when it is due (store_due): to its end or its
 * next wait. 0, 1 when there was nothing to do (another process has it, or it
 * does not wait any more), -1.
 */
int engine_continue(struct engine *engine, const char *run, struct err *err);

/*
 * What a run waits for, for people who have to say yes or no: the hold (see
 * engine/hold.h) with "proposal", "diff", "missing" (text), "present" (whether it
 * is open now) and in each need "approved": [name]. -1 `approval_not_applicable`
 * when the run never waited.
 */
int engine_hold(struct engine *engine, const char *run, json_t **ret, struct err *err);

/* What somebody says to it. Strings borrowed. */
struct engine_answer {
	const char *run;
	const char *account;	/* of this machine; NULL: principal names the person */
	const char *principal;
	const char *digest;	/* that was shown */
	const char *text;	/* a comment, or the reason; NULL: none */
};

/*
 * One person's approval or rejection. *ret_is_full: it can go on now
 * (engine_continue). Saying the same again is no error. -1
 * `approval_not_applicable` (it does not wait), `approval_invalid` (another
 * digest than what is waited for), `approval_expired`, `approval.digest_required`,
 * `approver_unknown`, `approver_class`, `approver_role`, `self_approval`.
 */
int engine_approve(struct engine *engine, const struct engine_answer *answer,
		   bool *ret_is_full, struct err *err);
int engine_reject(struct engine *engine, const struct engine_answer *answer,
		  struct err *err);

/*
 * Tries a run again that failed, was rolled back, denied or cancelled. from: a
 * step of `steps`, or NULL: the one that failed, or the first one before it
 * whose changes were put back. What is refused (`retry_not_allowed`,
 * `invalid_resume_step`, `missing_action_plan`, `rollback_failed`,
 * `plan_stale`, or why the world is not fit) changes nothing.
 */
enum retry_extent { RETRY_REST, RETRY_WHOLE };
int engine_retry(struct engine *engine, const char *run, const char *from,
		 enum retry_extent extent, struct err *err);

/*
 * Asks one installed policy about these facts alone; `with` (NULL: none) stands in
 * `file`. *ret: {"verdict","reason"}, the verdict `error` when it gave none.
 */
int engine_judge(struct engine *engine, const char *policy, const struct node *with,
		 const char *file, const json_t *facts, json_t **ret, struct err *err);

/*
 * Judges what a run proposed, or the newest `limit` runs (run NULL), by today's
 * policies. *ret: [{"run","step","attempt","time_ms","then","now","reason",
 * "answers"}], then and now being allow, hold or deny.
 */
int engine_replay(struct engine *engine, const char *run, uint32_t limit, json_t **ret,
		  struct err *err);

/* All modules found: [{"name","kind","path","sha256","description"|"error"}]. */
json_t *engine_modules(struct engine *engine, struct err *err);

/*
 * What the loader makes of one module file, wherever it lies (path absolute):
 * {"name","kind","path","sha256","install": where it belongs,"description"}, or
 * NULL. Needs no store. scratch_dir: a directory that exists, for what goes on
 * meanwhile.
 */
json_t *engine_describe(struct engine *engine, const char *scratch_dir,
			const char *path, struct err *err);

/* The unified diff of all edits a run proposed or applied, from the stored images. */
int engine_diff(struct store *store, const char *run, struct str *out, struct err *err);

/* What the machine offers: [{"name","ok":bool,"text","remedy"}]. */
json_t *engine_doctor(struct engine *engine, const char *directory);

#endif
