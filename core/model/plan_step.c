/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a pipeline and the modules they use, as they stand in a plan. */
#include "base/base.h"

#include "model/plan.h"

#include <assert.h>
#include <fettle/plugin.h>

#define TIMEOUT_MS (20u * 60 * 1000)
#define IDLE_TIMEOUT_MS (5u * 60 * 1000)

const struct plan_module *
plan_find_module(const struct plan *plan, const char *uses)
{
	for (size_t i = 0; i < plan->module_count; i++)
		if (str_eq(plan->modules[i]->uses, uses))
			return plan->modules[i];
	return NULL;
}

const struct plan_module *
plan_add_module(struct plan *plan, const char *uses, const char *path,
		const char *sha256, struct description *description)
{
	struct plan_module *module = x_calloc(1, sizeof(*module));

	*module = (struct plan_module){ .uses = x_strdup(uses),
					.path = x_strdup(path),
					.sha256 = x_strdup(sha256),
					.description = description };
	plan->modules = x_realloc(plan->modules, plan->module_count + 1,
				  sizeof(struct plan_module *));
	plan->modules[plan->module_count++] = module;
	return module;
}

char *
plan_copy(struct plan *plan, const char *text)
{
	return text ? arena_strndup(&plan->texts, text, strlen(text)) : NULL;
}

/* The pipeline's own variables are part of every step's. NULL: there are none. */
static json_t *
merge_env(json_t *shared, json_t *own)
{
	json_t *env;

	if (shared == NULL || own == NULL)
		return json_incref(own != NULL ? own : shared);
	env = json_copy(shared);
	json_object_update(env, own);
	return env;
}

/* A verification may be silent as long as it waits. */
static uint64_t
idle_timeout_ms(const struct pipeline_step *written, uint32_t stage)
{
	if (written->idle_timeout_ms > 0)
		return written->idle_timeout_ms;
	return stage == FETTLE_VERIFY ? 0 : IDLE_TIMEOUT_MS;
}

int
plan_add_step(struct plan *plan, const struct pipeline *pipeline,
	      const struct plan_module *module, struct err *err)
{
	const struct pipeline_step *written = &pipeline->steps[plan->step_count];
	const struct description *d = module->description;
	struct plan_step *step;
	json_t *with;

	assert(plan->step_count < pipeline->step_count);
	with = description_type_with(d, written->with, pipeline->file, err);
	if (with == NULL)
		return -1;
	if (plan->steps == NULL) {
		plan->steps = x_calloc(pipeline->step_count, sizeof(*plan->steps));
		map_reserve(&plan->by_id, pipeline->step_count);
	}
	step = &plan->steps[plan->step_count++];
	*step = (struct plan_step){
		.id = plan_copy(plan, written->id),
		.uses = module->uses,
		.module_sha256 = module->sha256,
		.module_path = module->path,
		.description = d,
		.section = written->section,
		.stage = d->stages,
		.flags = d->flags,
		.callbacks = d->callbacks,
		.is_irreversible = written->is_irreversible,
		.with = with,
		.env = merge_env(pipeline->env, written->env),
		.timeout_ms = written->timeout_ms ? written->timeout_ms : TIMEOUT_MS,
		.idle_timeout_ms = idle_timeout_ms(written, d->stages),
		.condition = plan_copy(plan, written->condition),
		.continue_on_error = written->continue_on_error,
		.retry = written->retry,
	};
	(void)map_add(&plan->by_id, step->id, step);
	return 0;
}
