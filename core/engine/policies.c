/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policies of a plan. See policies.h. */
#include "base/base.h"

#include "engine/policies.h"

#include "engine/metrics.h"
#include "engine/module.h"
#include "model/site.h"

#define SERVICE_POLICY "allow-list"
#define PROTECTION_POLICY "approval"

/* ---- adding one ---- */

/* Takes `with` over. */
static struct plan_policy *
add(struct plan *plan, const struct module *module, json_t *with)
{
	struct plan_policy *policy;

	plan->policies = x_realloc(plan->policies, plan->policy_count + 1,
				   sizeof *plan->policies);
	policy = &plan->policies[plan->policy_count++];
	*policy = (struct plan_policy){
		.uses = x_strdup(module->name),
		.module_sha256 = x_strdup(module->sha256),
		.module_path = x_strdup(module->path),
		.stages = module->description->stages,
		.flags = module->description->flags,
		.with = with,
	};
	return policy;
}

/* `file` is where `with` stands. */
static int
add_written(struct engine *engine, struct plan *plan, const char *uses,
	    const struct node *with, const char *file, struct err *err)
{
	AUTO(module) struct module *module = module_find(engine, uses, true, err);

	if (!module)
		return -1;
	json_t *typed = description_type_with(module->description, with, file, err);
	if (!typed)
		return -1;
	(void)add(plan, module, typed);
	return 0;
}

static int
add_list(struct engine *engine, struct plan *plan, const struct pipeline_policy *list,
	 size_t count, const char *file, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (add_written(engine, plan, list[i].uses, list[i].with, file, err) <
		    0) {
			const struct node *uses = node_find(list[i].node, "uses");

			return err->line || !uses ? -1 : node_at(uses, file, err);
		}
	return 0;
}

/* They come first, and whatever a pipeline says. */
static int
add_site(struct engine *engine, struct plan *plan, const struct site *site,
	 struct err *err)
{
	if (add_list(engine, plan, site->policies, site->policy_count, site->file,
		     err) < 0)
		return -1;
	for (size_t i = 0; i < plan->policy_count; i++)
		plan->policies[i].is_of_site = true;
	return 0;
}

/* ---- what a service has by itself ---- */

static const struct plan_policy *
find(const struct plan *plan, const char *uses)
{
	for (size_t i = 0; i < plan->policy_count; i++)
		if (str_eq(plan->policies[i].uses, uses))
			return &plan->policies[i];
	return NULL;
}

/* A service is never changed without its allow-list, whatever a pipeline says. */
static int
add_allow_list(struct engine *engine, struct plan *plan, const char *file,
	       struct err *err)
{
	if (find(plan, SERVICE_POLICY))
		return 0;
	return add_written(engine, plan, SERVICE_POLICY, NULL, file, err);
}

/* The site's gate, or one by its presets. */
static bool
has_gate(const struct plan *plan, const json_t *presets)
{
	for (size_t i = 0; i < plan->policy_count; i++) {
		const struct plan_policy *policy = &plan->policies[i];

		if (str_eq(policy->uses, PROTECTION_POLICY) &&
		    (policy->is_of_site || json_equal(policy->with, presets)))
			return true;
	}
	return false;
}

int
policies_protect(struct engine *engine, struct plan *plan, const char *file,
		 struct err *err)
{
	if (!plan->is_protected)
		return 0;
	AUTO(module)
	struct module *module = module_find(engine, PROTECTION_POLICY, true, err);
	if (!module)
		return -1;
	AUTO(json_ref)
	json_t *presets = description_type_with(module->description, NULL, file, err);
	if (!presets)
		return -1;
	if (!has_gate(plan, presets))
		(void)add(plan, module, json_incref(presets));
	return 0;
}

/* ---- those of a frozen plan ---- */

/* One of the pipeline, or of the service: as it was frozen, with today's module. */
static int
keep(struct engine *engine, struct plan *plan, const struct plan_policy *policy,
     struct err *err)
{
	AUTO(module)
	struct module *module = module_find(engine, policy->uses, true, err);

	if (!module)
		return -1;
	json_t *with = plan_type_again(module->description, policy->with, err);
	if (!with) {
		snprintf(err->code, sizeof err->code, "plan_stale");
		return err_context(err,
				   "policy '%s' was replaced by one that the plan does "
				   "not fit",
				   policy->uses);
	}
	(void)add(plan, module, with);
	return 0;
}

static int
keep_all(struct engine *engine, struct plan *plan, const struct plan *of,
	 struct err *err)
{
	for (size_t i = 0; i < of->policy_count; i++)
		if (!of->policies[i].is_of_site &&
		    keep(engine, plan, &of->policies[i], err) < 0)
			return -1;
	return 0;
}

/* ---- a draft, and a plan of before ---- */

static int
draft_site(struct draft *draft, struct err *err)
{
	struct engine *engine = draft->engine;

	if (!engine->site_file)
		return 0;
	if (!(draft->site = site_load(engine->site_file, err)) ||
	    metrics_learn(engine->metrics, draft->site, err) < 0)
		return -1;
	return add_site(engine, draft->plan, draft->site, err);
}

int
policies_draft(struct draft *draft, struct err *err)
{
	const struct pipeline *pipeline = draft->pipeline;
	struct engine *engine = draft->engine;

	if (draft_site(draft, err) < 0 ||
	    add_list(engine, draft->plan, pipeline->policies, pipeline->policy_count,
		     pipeline->file, err) < 0)
		return -1;
	return draft->project ?
		       add_allow_list(engine, draft->plan, pipeline->file, err) :
		       0;
}

int
policies_draft_again(struct draft *draft, const struct plan *of, struct err *err)
{
	if (draft_site(draft, err) < 0)
		return -1;
	return keep_all(draft->engine, draft->plan, of, err);
}

int
policies_renew(struct engine *engine, struct plan *plan, const struct site *site,
	       struct err *err)
{
	struct plan *now = x_calloc(1, sizeof *now);
	int failed = add_site(engine, now, site, err);

	now->is_protected = plan->is_protected;
	if (!failed)
		failed = keep_all(engine, now, plan, err);
	if (!failed && *plan->service)
		failed = add_allow_list(engine, now, "", err);
	if (!failed)
		failed = policies_protect(engine, now, "", err);
	if (!failed)
		plan_take_policies(plan, now);
	plan_free(now);
	return failed;
}
