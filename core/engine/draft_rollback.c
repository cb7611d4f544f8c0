/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a run that ended to the plan that rolls it back: what that run was, by its
 * own plan; modules, policies and project as they are now.
 */
#include "base/base.h"

#include "engine/draft_rollback.h"

#include "base/clock.h"
#include "engine/module.h"
#include "engine/policies.h"

static struct plan *
load_plan(struct engine *engine, const char *run, struct err *err)
{
	AUTO(json_ref) json_t *stored = store_plan(engine->store, run, err);

	if (!stored)
		return NULL;
	return plan_parse(json_text(stored, "text"), json_text(stored, "sha256"), err);
}

/* A service cannot be told to be unprotected without its project. */
static int
find_project(struct draft *draft, const struct plan *of, struct err *err)
{
	draft->directory = x_strdup(of->workspace);
	if (!*of->service)
		return 0;
	draft->project = project_find(of->workspace, err);
	return draft->project ? 0 : -1;
}

static const struct plan_module *
find_module(struct draft *draft, const char *uses, struct err *err)
{
	const struct plan_module *known = plan_find_module(draft->plan, uses);

	if (known)
		return known;
	AUTO(module)
	struct module *module = module_find(draft->engine, uses, false, err);
	if (!module)
		return NULL;
	return plan_add_module(draft->plan, uses, module->path, module->sha256,
			       STEAL(module->description));
}

static int
draft_steps(struct draft *draft, const struct plan *of, struct err *err)
{
	for (size_t i = 0; i < of->step_count; i++) {
		const struct plan_step *step = &of->steps[i];
		const struct plan_module *module;

		if (step->section != SECTION_ON_FAILURE)
			continue;
		if (!(module = find_module(draft, step->uses, err)))
			return -1;
		plan_revert_add(draft->plan, step, module);
	}
	return 0;
}

static int
make(struct draft *draft, const struct plan *of, struct err *err)
{
	const struct order *order = draft->order;
	const char *reason = order->instruction ? order->instruction : "";

	draft->instruction = x_asprintf("rollback of run %s%s%s", order->rolls_back,
					*reason ? ": " : "", reason);
	draft->inputs = json_incref(of->inputs);
	/* There is none to read: what it said is in the plan of the other run. */
	draft->pipeline = x_calloc(1, sizeof *draft->pipeline);
	draft->plan = plan_revert(of, order->rolls_back, draft->instruction);
	draft->plan->generated_at_ms = clock_wall_ms();
	if (find_project(draft, of, err) < 0 || draft_steps(draft, of, err) < 0 ||
	    policies_draft_again(draft, of, err) < 0)
		return -1;
	plan_freeze(draft->plan);
	return 0;
}

int
draft_rollback(struct draft *draft, struct engine *engine, const struct order *order,
	       struct err *err)
{
	struct plan *of = load_plan(engine, order->rolls_back, err);

	*draft = (struct draft){ .engine = engine, .order = order, .run = draft->run };
	if (!of)
		return -1;
	int failed = make(draft, of, err);
	if (failed)
		draft_done(draft);
	plan_free(of);
	return failed;
}
