/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going on with a run that another process began. See continue.h. */
#include "base/base.h"

#include "engine/continue.h"

#include "base/clock.h"
#include "engine/cancel.h"
#include "engine/ending.h"
#include "engine/host.h"
#include "engine/module.h"
#include "engine/recover.h"
#include "engine/survey.h"

#define LOCK_POLL_MS 200
#define BUSY_MS 2000 /* after so long a worker looks again for a busy service */

/* ---- looking afresh ---- */

static int
check_pinned(struct engine *engine, const char *name, bool is_policy,
	     const char *sha256, struct err *err)
{
	AUTO(module) struct module *module = module_find(engine, name, is_policy, err);

	if (!module)
		return -1;
	if (str_eq(module->sha256, sha256))
		return 0;
	err_set(err, "plan_stale",
		"%s '%s' is another one than when the run was planned: its SHA-256 "
		"is %s, the plan has %s",
		is_policy ? "policy" : "module", name, module->sha256, sha256);
	return err_remedy(err, "start a new run with `fettle run`");
}

static int
check_modules(const struct takeover *t, struct err *err)
{
	const struct plan *plan = t->plan;

	for (size_t i = 0; i < plan->step_count; i++)
		if (check_pinned(t->run.engine, plan->steps[i].uses, false,
				 plan->steps[i].module_sha256, err) < 0)
			return -1;
	for (size_t i = 0; i < plan->policy_count; i++)
		if (check_pinned(t->run.engine, plan->policies[i].uses, true,
				 plan->policies[i].module_sha256, err) < 0)
			return -1;
	return 0;
}

int
continue_look(struct takeover *t, struct err *err)
{
	struct run *run = &t->run;

	if (check_modules(t, err) < 0)
		return -1;
	if (*t->plan->service) {
		json_t *now = survey_now(run->engine, t->plan, t->secrets, err);

		if (!now)
			return -1;
		json_decref(run->now);
		run->now = now;
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
	if (run_begin(run, err) < 0) {
		json_decref(retried);
		return -1;
	}
	if (run_append(run, "run.state",
		       json_pack("{s:s, s:s}", "state", "running", "step", from),
		       err) < 0) {
		json_decref(retried);
		run_abort(run);
		return -1;
	}
	if (retried && run_append(run, "run.retried", retried, err) < 0) {
		run_abort(run);
		return -1;
	}
	return run_commit(run, err) < 0 ? -1 : run_go_on(run, err);
}

/* What a run that waits cannot go on without is its failure. */
static int
fail(struct takeover *t, const char *step, const struct err *why, struct err *err)
{
	struct ending ending = { .state = ENDING_FAILED, .cause = *why };

	snprintf(ending.step, sizeof ending.step, "%s", step);
	strv_done(&t->run.ended);
	if (run_append(&t->run, "run.state",
		       json_pack("{s:s, s:s}", "state", "running", "step", step),
		       err) < 0)
		return -1;
	return run_end(&t->run, &ending, err);
}

static int
wait_for_service(struct takeover *t, const json_t *state, struct err *err)
{
	json_t *later = json_deep_copy(state);

	json_object_set_new(later, "due_ms", json_integer(clock_wall_ms() + BUSY_MS));
	return continue_later(&t->run, later, err);
}

/* `pending`: the pause before a step's next try is over. */
static int
go_on(struct takeover *t, const json_t *state, struct err *err)
{
	const char *step = json_text(state, "step");
	struct err why = { 0 };

	if (takeover_open(t, err) < 0)
		return takeover_give_up(t, err);
	if (t->missing.code[0])
		return fail(t, step, &t->missing, err);
	if (continue_lock(t, &why) < 0) {
		if (str_eq(why.code, "service_busy"))
			return wait_for_service(t, state, err);
		*err = why;
		return -1;
	}
	if (continue_look(t, &why) < 0)
		return fail(t, step, &why, err);
	snprintf(t->run.slept_step, sizeof t->run.slept_step, "%s", step);
	t->run.slept_tries = (uint32_t)json_int_or(state, "tries", 0);
	return continue_from(t, step, NULL, err);
}

int
engine_continue(struct engine *engine, const char *run, struct err *err)
{
	__attribute__((cleanup(takeover_done))) struct takeover t = TAKEOVER_INIT;
	AUTO(json_ref) json_t *event = NULL;
	AUTO(json_ref) json_t *row = NULL;

	host_prepare(engine);
	if (takeover_claim(&t, engine, run, err) < 0)
		return str_eq(err->code, "run.busy") ? 1 : -1;
	if (!(row = store_run(engine->store, run, err)) ||
	    !(event = store_last_event(engine->store, run, "run.state", err)))
		return -1;
	if (!json_is_integer(json_object_get(row, "due_ms")))
		return 1;
	if (*json_text(row, "cancel_by")) {
		takeover_done(&t);
		t = (struct takeover)TAKEOVER_INIT;
		return recover_run(engine, run, err);
	}
	return go_on(&t, json_object_get(event, "body"), err);
}
