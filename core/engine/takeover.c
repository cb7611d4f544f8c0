/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking over a run. See takeover.h. */
#include "base/base.h"

#include "engine/takeover.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "engine/artifact.h"
#include "engine/scratch.h"
#include "engine/secret.h"

#define DYING_MS 5000 /* how long modules of a dead engine may take to die */

void
takeover_done(struct takeover *t)
{
	run_close(&t->run);
	plan_free(t->plan);
	project_free(t->project);
	json_decref(t->secrets);
	mask_done(&t->mask);
	free(t->until);
}

/* Whether the engine that owns a run, by its own word `pid N`, is gone from this
 * machine. */
static bool
owner_is_gone(struct engine *engine, const char *run)
{
	struct err ignored = { 0 };
	AUTO(json_ref) json_t *row = store_run(engine->store, run, &ignored);
	const char *owner = json_text(row, "owner");
	uint64_t pid;

	return str_starts(owner, "pid ") &&
	       num_u64(owner + strlen("pid "), &pid) == 0 && kill((pid_t)pid, 0) < 0 &&
	       errno == ESRCH;
}

/*
 * The lock is free as soon as the old engine and its modules are dead. The
 * modules die right after their engine; so much is waited for.
 */
int
takeover_claim(struct takeover *t, struct engine *engine, const char *run,
	       struct err *err)
{
	char owner[64];
	int64_t until = clock_boot_ms() + DYING_MS;

	snprintf(owner, sizeof owner, "pid %d", (int)getpid());
	t->run.engine = engine;
	while (store_claim(engine->store, run, owner, &t->run.claim, &t->run.lock_fd,
			   err) < 0) {
		if (!str_eq(err->code, "run.busy") || clock_boot_ms() >= until ||
		    !owner_is_gone(engine, run))
			return -1;
		(void)poll(NULL, 0, 10);
	}
	scratch_sweep(store_dir(engine->store), run);
	return 0;
}

/*
 * What the project keeps secret. Its file may have changed or gone since the
 * plan: undoing then does without.
 */
static void
load_secrets(struct takeover *t)
{
	if (*t->plan->service)
		t->project = project_find(t->plan->workspace, &t->missing);
	if (t->project)
		t->secrets = secrets_resolve(t->project, &t->mask, &t->missing);
	if (!t->secrets)
		t->secrets = json_object();
}

static bool
has_ended(const char *state)
{
	return !str_eq(state, "in_progress") && !str_eq(state, "pending") &&
	       !str_eq(state, "awaiting_approval");
}

/* Outputs that are stored without a secret's value are not what the step gave. */
void
takeover_learn(struct run *run, const json_t *step)
{
	const char *id = json_text(step, "step");
	json_t *outputs = json_object_get(step, "outputs");

	if (json_flag(step, "masked")) {
		strv_add(&run->lost, id);
		return;
	}
	if (!json_is_object(outputs))
		return;
	json_object_set(run->outputs, id, outputs);
	run_diagnose(run, json_text(outputs, "diagnosis"));
}

static int
load_steps(struct run *run, struct err *err)
{
	AUTO(json_ref)
	json_t *steps = store_steps(run->engine->store, run->claim.run, err);
	const json_t *step;
	size_t i;

	if (!steps)
		return -1;
	json_array_foreach (steps, i, step) {
		const char *id = json_text(step, "step");

		json_object_set(run->attempts, id, json_object_get(step, "attempt"));
		takeover_learn(run, step);
		if (!has_ended(json_text(step, "state"))) {
			int attempt = (int)json_int_or(step, "attempt", 1);

			if (step_log_adopt(run, id, attempt, err) < 0)
				return -1;
			continue;
		}
		json_object_set(run->states, id, json_object_get(step, "state"));
		strv_add(&run->ended, id);
	}
	return 0;
}

static int
load_round(struct takeover *t, struct err *err)
{
	struct store *store = t->run.engine->store;
	AUTO(json_ref)
	json_t *round = store_last_event(store, t->run.claim.run, "run.round", err);
	AUTO(json_ref)
	json_t *retried = store_last_event(store, t->run.claim.run, "run.retried", err);
	AUTO(json_ref)
	json_t *agreed =
		store_last_event(store, t->run.claim.run, "hold.consumed", err);
	AUTO(json_ref)
	json_t *queued = store_last_event(store, t->run.claim.run, "run.queued", err);
	const json_t *body = json_object_get(round, "body");

	if (!round || !retried || !agreed || !queued)
		return -1;
	t->run.is_agreed =
		json_int_or(agreed, "seq", 0) > json_int_or(retried, "seq", 0);
	/* Of a run that was in the queue it is part of what was ordered. */
	const json_t *ordered = json_object_get(queued, "body");
	if (json_is_object(json_object_get(ordered, "order")))
		ordered = json_object_get(ordered, "order");
	const char *until = json_text(ordered, "until");
	if (*until)
		t->run.until = t->until = x_strdup(until);
	t->run.round = 1;
	/* A retry that began in the first round counts anew. */
	if (json_is_object(body) &&
	    (json_int_or(round, "seq", 0) > json_int_or(retried, "seq", 0) ||
	     json_int_or(json_object_get(retried, "body"), "round", 1) > 1)) {
		t->run.round = (uint32_t)json_int_or(body, "round", 1);
		t->run.earlier = json_incref(json_object_get(body, "earlier"));
		t->run.now = json_incref(json_object_get(body, "facts"));
	}
	return 0;
}

/* Whoever had the run may have died before there was time to write it. */
static int
find_plan_file(struct run *run, json_t *plan, struct err *err)
{
	AUTO(json_ref)
	json_t *files = store_artifacts(run->engine->store, run->claim.run, err);

	if (!files)
		return -1;
	if (!json_find(files, "name", "plan.json"))
		run->unwritten_plan = json_incref(plan);
	return 0;
}

int
takeover_open(struct takeover *t, struct err *err)
{
	struct engine *engine = t->run.engine;
	const struct store_claim claim = t->run.claim;
	struct store *store = engine->store;
	AUTO(json_ref) json_t *stored = store_plan(store, t->run.claim.run, err);

	if (!stored)
		return -1;
	t->plan =
		plan_parse(json_text(stored, "text"), json_text(stored, "sha256"), err);
	if (!t->plan)
		return -1;
	load_secrets(t);
	t->run.plan = t->plan;
	t->run.project = t->project;
	t->run.secrets = t->secrets;
	t->run.mask = &t->mask;
	if (run_open(&t->run, err) < 0) {
		/* It is still ours to end. */
		t->run.engine = engine;
		t->run.claim = claim;
		return -1;
	}
	if (load_round(t, err) < 0 || load_steps(&t->run, err) < 0)
		return -1;
	return find_plan_file(&t->run, json_object_get(stored, "plan"), err);
}

int
takeover_give_up(struct takeover *t, struct err *err)
{
	struct err why = *err;
	AUTO(json_ref) json_t *standing = NULL;

	if (str_eq(why.code, "store_unavailable") ||
	    str_eq(why.code, "store.stale_epoch") ||
	    !(standing = store_standing(t->run.engine->store, t->run.claim.run, err)))
		return -1;
	bool is_clean = json_array_size(standing) == 0;
	return run_end_closed(
		t->run.engine, &t->run.claim,
		json_pack("{s:s, s:s, s:s, s:s}", "state",
			  is_clean ? "failed" : "rollback_failed", "code",
			  is_clean ? why.code : "rollback_failed", "message", why.text,
			  "remedy", why.remedy),
		err);
}

int
takeover_lock(struct takeover *t, char ret_holder[RUN_ID_SIZE], struct err *err)
{
	AUTO_FREE char *name = run_lock_name(t->plan);
	int got = name ? store_lock(t->run.engine->store, &t->run.claim, name,
				    ret_holder, err) :
			 1;

	return got < 0 ? -1 : got == 0;
}
