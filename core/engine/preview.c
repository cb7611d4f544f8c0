/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `fettle plan`: the same straight line as a run, in a throw-away store, up
 * to but without the first change. Only steps of stage ANALYZE are carried
 * out, and of those only what states no effect (attempt.c).
 */
#include "base/base.h"

#include "engine/engine.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "engine/attempt.h"
#include "engine/draft.h"
#include "engine/host.h"
#include "engine/nursery.h"
#include "engine/run.h"
#include "engine/scope.h"
#include "engine/scratch.h"

/* A store that lives as long as the preview. */
struct throwaway {
	char *directory;
	struct store *store;
};

static void
throwaway_done(struct throwaway *t)
{
	if (t->store)
		store_close(t->store);
	if (t->directory)
		tree_remove(AT_FDCWD, t->directory);
	free(t->directory);
}

static int
throwaway_open(struct throwaway *t, const char *state_dir, struct err *err)
{
	AUTO_FREE char *parent = path_join(state_dir, "scratch");

	if (path_make_dirs(parent, err) < 0)
		return -1;
	t->directory = path_join(parent, "plan-XXXXXX");
	if (!mkdtemp(t->directory)) {
		auto_free(&t->directory);
		t->directory = NULL;
		return err_errno(err, "store_unavailable", "make a directory in '%s'",
				 parent);
	}
	t->store = store_open(t->directory, STORE_WRITE, err);
	return t->store ? 0 : -1;
}

/* Whether a run would skip the step; one that cannot be told yet is shown. */
static bool
is_skipped(struct run *run, const struct plan_step *step)
{
	struct expr_scope scope = scope_names(run);
	struct err not_yet = { 0 };
	bool is_true = true;

	return step->condition &&
	       expr_condition(step->condition, &scope, &is_true, &not_yet) == 0 &&
	       !is_true;
}

static void
report_skipped(struct run *run, const struct plan_step *step)
{
	json_object_set_new(run->states, step->id, json_string("skipped"));
	json_array_append_new(
		run->report,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "step", step->id, "uses",
			  step->uses, "stage", stage_name(step->stage), "state",
			  "skipped", "message", "its condition is false", "findings"));
}

static int
preview_steps(struct run *run, struct err *err)
{
	struct ending ending = { .state = ENDING_SUCCEEDED };

	for (size_t i = 0; i < run->plan->step_count; i++) {
		const struct plan_step *step = &run->plan->steps[i];

		if (step->section != SECTION_STEPS)
			continue;
		if (is_skipped(run, step)) {
			report_skipped(run, step);
			continue;
		}
		if (attempt_step(run, step, NULL, &ending, err) < 0)
			return -1;
		if (ending.state != ENDING_SUCCEEDED)
			return 0;
	}
	return 0;
}

static int
open_preview(struct run *run, const struct draft *draft, struct err *err)
{
	AUTO(json_ref)
	json_t *body =
		json_pack("{s:s, s:s, s:s, s:O, s:s, s:s}", "pipeline",
			  draft->plan->pipeline, "service", draft->plan->service,
			  "instruction", draft->plan->instruction, "inputs",
			  draft->plan->inputs, "workspace", draft->plan->workspace,
			  "requested_by", run->engine->actor);

	if (store_queue(run->engine->store, run->engine->actor, body, run->claim.run,
			err) < 0 ||
	    store_claim(run->engine->store, run->claim.run, "preview", &run->claim,
			&run->lock_fd, err) < 0 ||
	    run_open(run, err) < 0)
		return -1;
	run->report = json_array();
	if (run_append(run, "run.planned",
		       json_pack("{s:O, s:s}", "plan", plan_json(draft->plan), "sha256",
				 run->plan->sha256),
		       err) < 0)
		return -1;
	return run_append(run, "run.state", json_pack("{s:s}", "state", "running"),
			  err);
}

int
engine_plan(struct engine *engine, const struct order *order, json_t **ret,
	    struct err *err)
{
	__attribute__((cleanup(throwaway_done))) struct throwaway throwaway = { 0 };
	__attribute__((cleanup(draft_done))) struct draft draft = { 0 };
	__attribute__((cleanup(run_close))) struct run run = { .lock_fd = -1,
							       .workspace_fd = -1 };

	host_prepare(engine);
	nursery_warm(engine->nursery);
	if (draft_make(&draft, engine, order, err) < 0 ||
	    throwaway_open(&throwaway, store_dir(engine->store), err) < 0)
		return -1;
	struct engine own = *engine;
	own.store = throwaway.store;
	own.past = engine->store;
	run.engine = &own;
	run.mode = RUN_PREVIEW;
	run.plan = draft.plan;
	run.project = draft.project;
	run.secrets = draft.secrets;
	run.mask = &draft.mask;
	if (open_preview(&run, &draft, err) < 0 || preview_steps(&run, err) < 0)
		return -1;
	*ret = json_pack("{s:O, s:s, s:O}", "plan", plan_json(draft.plan), "sha256",
			 draft.plan->sha256, "steps", run.report);
	return 0;
}
