/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going on with a run that another process began. See continue.h. */
#include "base/base.h"

#include "engine/continue.h"

#include "base/clock.h"
#include "engine/cancel.h"
#include "engine/ending.h"
#include "engine/hold.h"
#include "engine/host.h"
#include "engine/pause.h"
#include "engine/quorum.h"
#include "engine/recover.h"
#include "engine/rules.h"
#include "engine/survey.h"

#define LOCK_POLL_MS 200
#define UNKNOWN_MS 60000 /* and for a site file that cannot be read */
#define BUSY_MS 2000 /* after so long a worker looks again for a busy service */

/* ---- looking afresh ---- */

/*
 * What the steps are told: the project as it is, unless something of the run
 * stands; then as it was before, which is what they were told so far.
 */
static int
renew_facts(struct run *run, json_t *fresh, struct err *err)
{
	AUTO(json_ref)
	json_t *standing = store_standing(run->engine->store, run->claim.run, err);

	json_decref(run->fresh);
	run->fresh = fresh;
	if (!standing)
		return -1;
	if (json_array_size(standing) == 0) {
		json_decref(run->now);
		run->now = json_incref(fresh);
	}
	return 0;
}

int
continue_look(struct takeover *t, struct err *err)
{
	struct run *run = &t->run;

	if (*t->plan->service) {
		AUTO(site) struct site *site = hold_site(run->engine, err);

		if (!site || (t->project &&
			      survey_check_service(site, t->project, t->plan->service,
						   err) < 0))
			return -1;
		json_t *fresh = survey_now(run->engine, t->plan, t->secrets, err);

		if (!fresh || renew_facts(run, fresh, err) < 0)
			return -1;
	}
	return survey_checks_again(run->engine, t->plan, t->secrets, run->now, err);
}

/* ---- the service's lock ---- */

int
continue_lock(struct takeover *t, struct err *err)
{
	const struct engine_watch *watch = &t->run.engine->watch;
	char holder[RUN_ID_SIZE] = "";
	int busy;

	while ((busy = takeover_lock(t, holder, err)) > 0) {
		if (!t->run.engine->is_worker &&
		    !cancel_is_asked(&t->run, LOCK_POLL_MS)) {
			if (watch->tick)
				watch->tick(watch->self);
			continue;
		}
		err_set(err, "service_busy",
			"service '%s' is being worked on by run %s", t->plan->service,
			holder);
		return err_remedy(err,
				  "wait for it (`fettle logs -f %s`), then try again",
				  holder);
	}
	return busy;
}

/* ---- stopping for a while ---- */

int
continue_unlock(struct run *run, struct err *err)
{
	AUTO_FREE char *name = run_lock_name(run->plan);
	AUTO(json_ref)
	json_t *standing = store_standing(run->engine->store, run->claim.run, err);

	if (!standing)
		return -1;
	if (!name || json_array_size(standing) > 0)
		return 0;
	return run_append(run, "run.unlocked", json_pack("{s:s}", "name", name), err);
}

int
continue_later(struct run *run, json_t *body, struct err *err)
{
	if (run_begin(run, err) < 0) {
		json_decref(body);
		return -1;
	}
	if (run_append(run, "run.state", body, err) < 0 ||
	    continue_unlock(run, err) < 0) {
		run_abort(run);
		return -1;
	}
	return run_commit(run, err);
}

/* ---- going on ---- */

static int
record_running(struct run *run, const char *from, json_t *retried, struct err *err)
{
	AUTO(json_ref) json_t *owned = retried;

	if (run_begin(run, err) < 0)
		return -1;
	if (run_append(run, "run.state",
		       json_pack("{s:s, s:s}", "state", "running", "step", from),
		       err) < 0 ||
	    (owned && run_append(run, "run.retried", STEAL(owned), err) < 0)) {
		run_abort(run);
		return -1;
	}
	return run_commit(run, err);
}

int
continue_from(struct takeover *t, const char *from, json_t *retried, struct err *err)
{
	struct run *run = &t->run;

	for (size_t i = 0; i < t->plan->step_count; i++) {
		const struct plan_step *step = &t->plan->steps[i];

		if (str_eq(step->id, from))
			break;
		if (step->section == SECTION_STEPS)
			strv_add(&run->kept, step->id);
	}
	for (size_t i = 0; i < run->kept.count; i++)
		run->has_failed |= str_eq(json_text(run->states, run->kept.v[i]),
					  "failed");
	strv_done(&run->ended);
	/* An approval is used in the very moment in which the run goes on. */
	if (!run->is_asleep && record_running(run, from, retried, err) < 0)
		return -1;
	return run_go_on(run, err);
}

/* The end of a run that waited: what it cannot go on without, or a no. */
static int
end(struct takeover *t, enum ending_state state, const char *step,
    const struct err *why, struct err *err)
{
	struct ending ending = { .state = state, .cause = *why };

	snprintf(ending.step, sizeof ending.step, "%s", step);
	strv_done(&t->run.ended);
	t->run.is_asleep = true;
	if (rules_renew(t, RULES_UNDO, err) < 0)
		return -1;
	return run_end(&t->run, &ending, err);
}

/* The same wait, but not as long. */
static int
wait_on(struct takeover *t, const json_t *state, int64_t due_ms, struct err *err)
{
	json_t *later = json_deep_copy(state);

	json_object_set_new(later, "due_ms", json_integer(due_ms));
	return continue_later(&t->run, later, err);
}

/* Nobody died: it waits on as it did. */
static int
wait_for_site(struct takeover *t, const json_t *state, const struct err *paused,
	      struct err *err)
{
	AUTO(json_ref)
	json_t *row = store_run(t->run.engine->store, t->run.claim.run, err);
	int64_t due = json_int_or(row, "due_ms", clock_wall_ms());

	if (!row || wait_on(t, state, due, err) < 0)
		return -1;
	*err = *paused;
	return -1;
}

/*
 * What people agreed to waits until it can be told whether it may still be done: a
 * slip in the site file, a variable nobody set, is no reason to ask them again. Nor
 * is an engine that is down a reason to end anything that waits.
 */
static int
wait_a_while(struct takeover *t, const json_t *state, const struct err *why,
	     struct err *err)
{
	AUTO(json_ref) json_t *later = json_deep_copy(state);
	AUTO_FREE char *message =
		x_asprintf("it cannot go on now: %s%s%s", why->text,
			   why->remedy[0] ? "; " : "", why->remedy);

	json_object_set_new(later, "code", json_string(why->code));
	json_object_set_new(later, "message", json_string(message));
	return wait_on(t, later, clock_wall_ms() + UNKNOWN_MS, err);
}

/* Behind a hold it waits on for a while; else it ends. 1, or -1. */
static int
stop(struct takeover *t, const json_t *state, const struct err *why, struct err *err)
{
	bool is_held = str_eq(json_text(state, "state"), "awaiting_approval");
	enum ending_state ending = str_eq(why->code, "policy.service") ?
					   ENDING_DENIED :
					   ENDING_FAILED;
	int done;

	if (is_held && !str_eq(why->code, "policy.service") &&
	    !str_eq(why->code, "plan_stale"))
		done = wait_a_while(t, state, why, err);
	else
		done = end(t, ending, json_text(state, "step"), why, err);
	return done < 0 ? -1 : 1;
}

/* 0 when the run can go on from the step; 1 when it ended, or waits on; -1. */
static int
prepare(struct takeover *t, const json_t *state, enum rules_for whom, struct err *err)
{
	struct err why = { 0 };
	int done;

	/* It waits as long as the site does; what is said and done meanwhile counts. */
	if (!plan_rolls_back(t->plan) && pause_check(t->run.engine->store, &why) < 0)
		return wait_for_site(t, state, &why, err);

	if (t->missing.code[0])
		return stop(t, state, &t->missing, err);
	if (continue_lock(t, &why) < 0) {
		if (!str_eq(why.code, "service_busy")) {
			*err = why;
			return -1;
		}
		done = wait_on(t, state, clock_wall_ms() + BUSY_MS, err);
		return done < 0 ? -1 : 1;
	}
	if (rules_renew(t, whom, &why) < 0) {
		if (str_starts(why.code, "store")) {
			*err = why;
			return -1;
		}
		return stop(t, state, &why, err);
	}
	if (continue_look(t, &why) == 0)
		return 0;
	if (plan_rolls_back(t->plan) && str_eq(why.code, "plan_stale"))
		err_remedy(&why, "`fettle rollback %s` plans it anew",
			   t->plan->rolls_back);
	done = why.may_pass ?
		       wait_a_while(t, state, &why, err) :
		       end(t, ENDING_FAILED, json_text(state, "step"), &why, err);
	return done < 0 ? -1 : 1;
}

/* `pending`: the pause before a step's next try is over. */
static int
try_again(struct takeover *t, const json_t *state, struct err *err)
{
	const char *step = json_text(state, "step");
	int done = prepare(t, state, RULES_UNASKED, err);

	if (done != 0)
		return done < 0 ? -1 : 0;
	snprintf(t->run.slept_step, sizeof t->run.slept_step, "%s", step);
	t->run.slept_tries = (uint32_t)json_int_or(state, "tries", 0);
	return continue_from(t, step, NULL, err);
}

static int
end_rejected(struct takeover *t, const json_t *hold, struct err *err)
{
	struct err why = { 0 };

	hold_explain_no(hold, &why);
	return end(t, ENDING_DENIED, json_text(hold, "step"), &why, err);
}

static int
end_expired(struct takeover *t, const json_t *hold, struct err *err)
{
	struct err why = { 0 };

	if (str_eq(json_text(hold, "state"), "open") &&
	    run_append(&t->run, "hold.expired",
		       json_pack("{s:O, s:O, s:O}", "step",
				 json_object_get(hold, "step"), "attempt",
				 json_object_get(hold, "attempt"), "digest",
				 json_object_get(hold, "digest")),
		       err) < 0)
		return -1;
	err_set(&why, "approval_expired", "nobody agreed in time to step '%s'",
		json_text(hold, "step"));
	bool is_rollback = plan_rolls_back(t->plan);
	err_remedy(&why, "`fettle %s %s` asks again",
		   is_rollback ? "rollback" : "retry",
		   is_rollback ? t->plan->rolls_back : t->run.claim.run);
	return end(t, ENDING_DENIED, json_text(hold, "step"), &why, err);
}

/* `awaiting_approval`: what people said, or that their time is up. */
static int
hear(struct takeover *t, const json_t *state, struct err *err)
{
	struct store *store = t->run.engine->store;
	AUTO(json_ref) json_t *hold = hold_find(store, t->run.claim.run, err);
	AUTO(site) struct site *site = hold_site(t->run.engine, err);
	int64_t expires = json_int_or(hold, "expires_ms", 0);

	if (!hold)
		return -1;
	/* Nobody is known: it is no answer, and is looked at again. */
	if (!site)
		return wait_on(t, state, clock_wall_ms() + UNKNOWN_MS, err);
	if (str_eq(json_text(hold, "state"), "rejected"))
		return end_rejected(t, hold, err);
	if (!str_eq(json_text(hold, "state"), "open") ||
	    hold_is_late(store, t->run.claim.run, hold))
		return end_expired(t, hold, err);
	if (!quorum_is_full(hold, site))
		return wait_on(t, state, expires, err);
	int done = prepare(t, state, RULES_ASKED, err);
	if (done != 0)
		return done < 0 ? -1 : 0;
	t->run.hold = json_incref(hold);
	t->run.is_asleep = true;
	return continue_from(t, json_text(hold, "step"), NULL, err);
}

/* Whoever watches gets to know the run as if it had just been planned. */
void
continue_introduce(const struct takeover *t, const json_t *row)
{
	const struct engine_watch *watch = &t->run.engine->watch;
	const char *run = t->run.claim.run;
	AUTO(json_ref)
	json_t *planned = json_pack("{s:O, s:s}", "plan", plan_json(t->plan), "sha256",
				    t->plan->sha256);

	if (!watch->event)
		return;
	watch->event(watch->self, run, "run.queued", row);
	watch->event(watch->self, run, "run.planned", planned);
}

/*
 * Who takes up a run that waits lets it wait on, go on or end; each of these is an
 * event. Claims without one are of processes that died. Ours is not among them.
 */
static int64_t
count_deaths(struct store *store, const char *run, const json_t *waits, struct err *err)
{
	AUTO(json_ref)
	json_t *since = store_events(store, run, json_int_or(waits, "seq", 0), 0, err);
	int64_t claims = 0;
	const json_t *event;
	size_t i;

	if (!since)
		return -1;
	json_array_foreach (since, i, event)
		claims += str_eq(json_text(event, "kind"), "run.claimed");
	return claims - 1;
}

int
engine_continue(struct engine *engine, const char *run, struct err *err)
{
	__attribute__((cleanup(takeover_done))) struct takeover t = TAKEOVER_INIT;
	AUTO(json_ref) json_t *event = NULL;
	AUTO(json_ref) json_t *row = store_run(engine->store, run, err);

	host_prepare(engine);
	if (!row)
		return -1;
	if (*json_text(row, "cancel_by"))
		return recover_run(engine, run, err);
	if (takeover_claim(&t, engine, run, err) < 0)
		return str_eq(err->code, "run.busy") ? 1 : -1;
	json_decref(row);
	if (!(row = store_run(engine->store, run, err)) ||
	    !(event = store_last_event(engine->store, run, "run.state", err)))
		return -1;
	if (!json_is_integer(json_object_get(row, "due_ms")))
		return 1;
	int64_t deaths = count_deaths(engine->store, run, event, err);
	int is_harmless = deaths < 0 ? -1 : recover_poison(&t, deaths, err);
	if (is_harmless <= 0)
		return is_harmless;
	if (takeover_open(&t, err) < 0)
		return takeover_give_up(&t, err);
	continue_introduce(&t, row);
	return str_eq(json_text(row, "state"), "pending") ?
		       try_again(&t, json_object_get(event, "body"), err) :
		       hear(&t, json_object_get(event, "body"), err);
}
