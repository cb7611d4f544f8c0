/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan of a run that rolls back another: `revert`, which is the engine's own,
 * and the steps that the other had under on_failure.
 */
#include "base/base.h"

#include "model/plan.h"

#include <assert.h>

#include <fettle/plugin.h>

#define REVERT_ID "revert"
#define REVERT_USES "fettle/revert"

bool
plan_rolls_back(const struct plan *plan)
{
	return plan->rolls_back != NULL && *plan->rolls_back != '\0';
}

bool
plan_is_revert(const struct plan_step *step)
{
	return *step->module_sha256 == '\0';
}

/* A name that no step of on_failure has. */
static char *
free_id(const struct plan *of)
{
	char *id = x_strdup(REVERT_ID);

	for (unsigned i = 2; plan_find_step(of, id) != NULL; i++) {
		free(id);
		id = x_asprintf(REVERT_ID "-%u", i);
	}
	return id;
}

static struct description *
describe(void)
{
	AUTO(json_ref) json_t *json = json_pack(
		"{s:s, s:s, s:s, s:s, s:i, s:i, s:[], s:[], s:[], s:[], s:[]}", "kind",
		"step", "name", REVERT_USES, "version", "1", "summary",
		"Puts back what another run left standing.", "stage",
		(int)FETTLE_ROLLBACK, "flags", 0, "effects", "undoes", "callbacks",
		"params", "outputs");
	struct err err;
	struct description *d = description_new(json, &err);

	assert(d != NULL);
	return d;
}

static struct plan_step *
next_step(struct plan *plan, const char *id, const struct plan_module *module)
{
	struct plan_step *step = &plan->steps[plan->step_count++];

	*step = (struct plan_step){
		.id = plan_copy(plan, id),
		.uses = module->uses,
		.module_sha256 = module->sha256,
		.module_path = module->path,
		.description = module->description,
		.stage = module->description->stages,
		.flags = module->description->flags,
		.callbacks = module->description->callbacks,
	};
	(void)map_add(&plan->by_id, step->id, step);
	return step;
}

struct plan *
plan_revert(const struct plan *of, const char *run, const char *instruction)
{
	struct plan *plan = x_calloc(1, sizeof(*plan));
	AUTO_FREE char *id = free_id(of);

	plan->pipeline = x_strdup(of->pipeline);
	plan->pipeline_sha256 = x_strdup(of->pipeline_sha256);
	plan->instruction = x_strdup(instruction);
	plan->service = x_strdup(of->service);
	plan->workspace = x_strdup(of->workspace);
	plan->rolls_back = x_strdup(run);
	plan->rounds = 1;
	plan->generated_by = x_strdup("system");
	plan->facts = json_object();
	plan->inputs = json_incref(of->inputs);
	plan->steps = x_calloc(of->step_count + 1, sizeof(*plan->steps));
	map_reserve(&plan->by_id, of->step_count + 1);
	struct plan_step *step = next_step(
		plan, id, plan_add_module(plan, REVERT_USES, "", "", describe()));
	step->section = SECTION_STEPS;
	step->with = json_object();
	return plan;
}

void
plan_revert_add(struct plan *plan, const struct plan_step *of,
		const struct plan_module *module)
{
	struct plan_step *step = next_step(plan, of->id, module);

	step->section = SECTION_ON_FAILURE;
	step->with = json_incref(of->with);
	step->env = json_incref(of->env);
	step->timeout_ms = of->timeout_ms;
	step->idle_timeout_ms = of->idle_timeout_ms;
	step->condition = plan_copy(plan, of->condition);
	step->continue_on_error = of->continue_on_error;
	step->retry = of->retry;
}
