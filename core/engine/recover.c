/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Undoing what a run left: after a crash, or because an operator orders it.
 * The claim (a kernel lock that dies with its holders) proves that neither
 * the old engine nor a module of it lives any more.
 */
#include "base/base.h"

#include "engine/recover.h"

#include "engine/hold.h"
#include "engine/host.h"
#include "engine/rules.h"
#include "engine/section.h"
#include "engine/summary.h"
#include "engine/takeover.h"
#include "engine/unwind.h"

#define MAX_CRASHES 3

/* Steps that were running when the engine died. */
static int
mark_interrupted(struct run *run, struct ending *ending, struct err *err)
{
	AUTO(json_ref)
	json_t *steps = store_steps(run->engine->store, run->claim.run, err);
	const json_t *step;
	size_t i;

	if (!steps)
		return -1;
	json_array_foreach (steps, i, step) {
		if (!str_eq(json_text(step, "state"), "in_progress"))
			continue;
		snprintf(ending->step, sizeof ending->step, "%s",
			 json_text(step, "step"));
		json_t *body = json_pack(
			"{s:s, s:I, s:s, s:s, s:s, s:s, s:i}", "step", ending->step,
			"attempt", (json_int_t)json_int_or(step, "attempt", 1), "state",
			"interrupted", "result", "error", "code", "interrupted",
			"message", "fettle ended while this step ran", "duration_ms",
			0);
		if (run_append(run, "step.ended", body, err) < 0)
			return -1;
	}
	return 0;
}

static int
end_with(struct takeover *t, const char *state, const struct err *why, struct err *err)
{
	json_t *cause = json_pack("{s:s, s:s, s:s, s:s}", "step", "", "code", why->code,
				  "message", why->text, "remedy", why->remedy);

	return run_end_closed(t->run.engine, &t->run.claim,
			      json_pack("{s:s, s:s, s:s, s:s, s:{s:o}}", "state", state,
					"code", why->code, "message", why->text,
					"remedy", why->remedy, "detail", "cause",
					cause),
			      err);
}

/* 1 when it came from the queue, with all that is needed to begin anew. */
static int
was_queued(struct takeover *t, struct err *err)
{
	AUTO(json_ref)
	json_t *events =
		store_events(t->run.engine->store, t->run.claim.run, 0, 1, err);
	const json_t *body = json_object_get(json_array_get(events, 0), "body");

	return events ? json_is_object(json_object_get(body, "order")) : -1;
}

/* A run that died before it was planned has done nothing. */
static int
end_unplanned(struct takeover *t, const struct err *why, struct err *err)
{
	AUTO(json_ref) json_t *nothing = json_object();
	bool is_cancelled = str_eq(why->code, "cancelled");
	int is_queued = is_cancelled ? 0 : was_queued(t, err);

	if (is_queued < 0)
		return -1;
	if (is_queued)
		return store_append(t->run.engine->store, &t->run.claim, "engine",
				    "run.released", nothing, err);
	return end_with(t, is_cancelled ? "cancelled" : "failed", why, err);
}

/*
 * What has ended the engine so often would do so again. What it changed stands,
 * until somebody orders the rollback.
 */
int
recover_poison(struct takeover *t, int64_t crashes, struct err *err)
{
	if (crashes < MAX_CRASHES)
		return 1;

	const char *run = t->run.claim.run;
	AUTO(json_ref)
	json_t *standing = store_standing(t->run.engine->store, run, err);
	struct err why = { 0 };

	if (!standing)
		return -1;
	bool has_changed = json_array_size(standing) > 0;
	err_set(&why, "poison",
		"fettle crashed %lld times while it worked on this run%s",
		(long long)crashes,
		has_changed ? ", and what the run changed is not put back" : "");
	err_remedy(&why, has_changed ? "`fettle rollback %s` puts it back" :
				       "`fettle logs %s` may tell why", run);
	return end_with(t, has_changed ? "rollback_failed" : "failed", &why, err);
}

/* A run that has ended gave its service's lock away. */
static int
take_service(struct takeover *t, struct err *err)
{
	char holder[RUN_ID_SIZE] = "";
	int busy = takeover_lock(t, holder, err);

	if (busy <= 0)
		return busy;
	err_set(err, "service_busy", "service '%s' is being worked on by run %s",
		t->plan->service, holder);
	return err_remedy(err, "wait for it (`fettle logs -f %s`), then try again",
			  holder);
}

/* Steps, those of `finally` too, are begun in a running run only. */
static int
wake(struct run *run, struct err *err)
{
	AUTO(json_ref) json_t *row = store_run(run->engine->store, run->claim.run, err);
	const char *state = json_text(row, "state");

	if (!row)
		return -1;
	if (!str_eq(state, "pending") && !str_eq(state, "awaiting_approval"))
		return 0;
	return run_append(run, "run.state", json_pack("{s:s}", "state", "running"),
			  err);
}

/* Once it has begun to put another run back, it goes on; before, it ends. */
static int
finish_rollback(struct takeover *t, struct ending *ending, struct err *err)
{
	struct store *store = t->run.engine->store;
	const char *run = t->run.claim.run;
	AUTO(json_ref) json_t *standing = store_standing(store, run, err);
	AUTO(json_ref) json_t *undone = store_undone(store, run, err);

	if (!standing || !undone)
		return -1;
	if (json_array_size(standing) + json_array_size(undone) > 0)
		*ending = (struct ending){ .state = ENDING_SUCCEEDED };
	if (wake(&t->run, err) < 0 || mark_interrupted(&t->run, ending, err) < 0)
		return -1;
	return run_end(&t->run, ending, err);
}

static int
undo(struct takeover *t, enum ending_state state, const struct err *cause,
     struct err *err)
{
	struct ending ending = { .state = state, .cause = *cause };
	bool is_ordered = state == ENDING_ORDERED;

	if (takeover_open(t, err) < 0)
		return is_ordered ? -1 : takeover_give_up(t, err);
	if ((is_ordered && take_service(t, err) < 0) ||
	    rules_renew(t, RULES_UNDO, err) < 0)
		return -1;
	if (plan_rolls_back(t->plan))
		return finish_rollback(t, &ending, err);
	if (wake(&t->run, err) < 0 || mark_interrupted(&t->run, &ending, err) < 0)
		return -1;
	if (unwind(&t->run, &ending, err) < 0 ||
	    (!is_ordered && section_finally(&t->run, &ending, err) < 0))
		return -1;
	return summary_end(&t->run, &ending, err);
}

/* Why a run nobody works on is ended: somebody asked for it, or its engine died. */
static enum ending_state
find_cause(const json_t *row, struct err *ret)
{
	const char *by = json_text(row, "cancel_by");
	const char *reason = json_text(row, "cancel_reason");

	if (!*by) {
		err_set(ret, "interrupted", "fettle ended %s",
			*json_text(row, "plan_sha256") ?
				"while the run was going on" :
				"before the run was planned");
		return ENDING_INTERRUPTED;
	}
	err_set(ret, "cancelled", "cancelled by %s%s%s", by, *reason ? ": " : "",
		reason);
	return ENDING_CANCELLED;
}

/* Who died while it looked again left the service with a run that has no use for it. */
static int
let_wait(struct takeover *t, const json_t *row, struct err *err)
{
	const char *service = json_text(row, "service"), *run = t->run.claim.run;
	AUTO(json_ref)
	json_t *standing = store_standing(t->run.engine->store, run, err);

	if (!standing)
		return -1;
	if (!*service || json_array_size(standing) > 0)
		return 0;
	AUTO(json_ref)
	json_t *body = json_pack("{s:o}", "name",
				 json_sprintf("%s:%s", json_text(row, "workspace"),
					      service));
	return store_append(t->run.engine->store, &t->run.claim, "engine",
			    "run.unlocked", body, err);
}

int
recover_run(struct engine *engine, const char *run, struct err *err)
{
	__attribute__((cleanup(takeover_done))) struct takeover t = TAKEOVER_INIT;
	AUTO(json_ref) json_t *row = NULL;
	struct err cause = { 0 };

	if (takeover_claim(&t, engine, run, err) < 0)
		return str_eq(err->code, "run.busy") ? 1 : -1;
	if (!(row = store_run(engine->store, run, err)))
		return -1;
	/* Between the caller's look and our claim its own process may have ended it. */
	if (json_is_integer(json_object_get(row, "ended_ms")))
		return 1;
	/* It waits, as it is to; its time is the business of engine_continue. */
	if (json_is_integer(json_object_get(row, "due_ms")) &&
	    !*json_text(row, "cancel_by"))
		return let_wait(&t, row, err) < 0 ? -1 : 1;
	int64_t crashes = json_int_or(row, "crashes", 0);
	int is_harmless = recover_poison(&t, crashes, err);
	if (is_harmless <= 0)
		return is_harmless;
	enum ending_state state = find_cause(row, &cause);
	if (!*json_text(row, "plan_sha256"))
		return end_unplanned(&t, &cause, err);
	return undo(&t, state, &cause, err);
}

int
engine_cancel(struct engine *engine, const char *run, struct err *err)
{
	AUTO(json_ref) json_t *row = store_run(engine->store, run, err);

	if (!row)
		return -1;
	if (!*json_text(row, "cancel_by"))
		return 1;
	host_prepare(engine);
	return recover_run(engine, run, err);
}

/* One that cannot be finished does not keep the others waiting. */
static void
leave(struct recovery *ret, const char *verb, const char *run, struct err *why)
{
	(void)err_context(why, "%s run %s", verb, run);
	strv_addf(&ret->left, "%s [%s]", why->text, why->code);
}

/* Whether nobody can say yes to it any more. 1, 0, -1. */
static int
is_refused(struct engine *engine, const json_t *row, struct err *err)
{
	const char *run = json_text(row, "run");

	if (!str_eq(json_text(row, "state"), "awaiting_approval"))
		return 0;
	AUTO(json_ref) json_t *hold = hold_find(engine->store, run, err);
	if (!hold)
		return -1;
	return !str_eq(json_text(hold, "state"), "open") ||
	       hold_is_late(engine->store, run, hold);
}

int
recover_refused(struct engine *engine, struct recovery *ret, struct err *err)
{
	int64_t now = store_now(engine->store);
	AUTO(json_ref) json_t *runs = store_due(engine->store, now, err);
	const json_t *row;
	size_t i;

	if (!runs)
		return -1;
	json_array_foreach (runs, i, row) {
		const char *run = json_text(row, "run");
		struct err why = { 0 };
		int is_due = is_refused(engine, row, &why);
		int done = is_due > 0 ? engine_continue(engine, run, &why) : 1;

		if (is_due < 0 || done < 0)
			leave(ret, "end", run, &why);
		else if (done == 0)
			strv_add(&ret->finished, run);
	}
	return 0;
}

int
engine_recover_interrupted(struct engine *engine, struct recovery *ret,
			   struct err *err)
{
	AUTO(json_ref) json_t *runs = store_unfinished(engine->store, err);
	const json_t *row;
	size_t i;

	if (!runs)
		return -1;
	host_prepare(engine);
	json_array_foreach (runs, i, row) {
		const char *run = json_text(row, "run");
		struct err why = { 0 };
		int done = recover_run(engine, run, &why);

		if (done < 0)
			leave(ret, "finish", run, &why);
		else if (done == 0)
			strv_add(&ret->finished, run);
	}
	return 0;
}

int
engine_recover(struct engine *engine, struct recovery *ret, struct err *err)
{
	return engine_recover_interrupted(engine, ret, err) < 0 ?
		       -1 :
		       recover_refused(engine, ret, err);
}

void
recovery_done(struct recovery *recovery)
{
	strv_done(&recovery->finished);
	strv_done(&recovery->left);
}

/* The unwinding of a run that could not be put back, or whose engine died, goes on. */
static int
unwind_on(struct engine *engine, const char *run, struct err *err)
{
	__attribute__((cleanup(takeover_done))) struct takeover t = TAKEOVER_INIT;
	struct err cause = { 0 };

	host_prepare(engine);
	if (takeover_claim(&t, engine, run, err) < 0)
		return -1;
	err_set(&cause, "rollback_ordered", "rollback ordered by %s", engine->actor);
	return undo(&t, ENDING_ORDERED, &cause, err);
}

/* Who is at it already may be dead, or may have waited for people long enough. */
static int
check_may_undo(struct engine *engine, const char *run, struct err *err)
{
	AUTO(recovery) struct recovery others = { 0 };
	char by[RUN_ID_SIZE];

	if (store_may_undo(engine->store, run, by, err) == 0)
		return 0;
	if (!*by)
		return -1;
	host_prepare(engine);
	if (recover_run(engine, by, err) < 0 ||
	    recover_refused(engine, &others, err) < 0)
		return -1;
	return store_may_undo(engine->store, run, by, err);
}

int
engine_rollback(struct engine *engine, const char *run, const char *reason,
		char ret_run[RUN_ID_SIZE], struct err *err)
{
	AUTO(json_ref) json_t *row = store_run(engine->store, run, err);
	const char *state = json_text(row, "state");
	bool is_unwinding = str_eq(state, "rollback_failed") ||
			    str_eq(state, "running") || str_eq(state, "rolling_back");
	const char *service = json_text(row, "service");

	if (!row)
		return -1;
	if (is_unwinding && !*json_text(row, "rolls_back")) {
		snprintf(ret_run, RUN_ID_SIZE, "%s", run);
		return unwind_on(engine, run, err);
	}
	if (check_may_undo(engine, run, err) < 0)
		return -1;
	const struct order order = { .directory = json_text(row, "workspace"),
				     .service = *service ? service : NULL,
				     .instruction = reason,
				     .rolls_back = run };
	return engine_run(engine, &order, ret_run, err);
}
