/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policies of a draft's plan. See draft_policies.h. */
#include "base/base.h"

#include "engine/draft_policies.h"

#include "engine/metrics.h"
#include "engine/module.h"

#define SERVICE_POLICY "allow-list"
#define PROTECTION_POLICY "approval"

/* Takes `with` over. */
static void
add_policy(struct plan *plan, const char *uses, const struct module *module,
	   json_t *with)
{
	plan->policies = x_realloc(plan->policies, plan->policy_count + 1,
				   sizeof *plan->policies);
	plan->policies[plan->policy_count++] = (struct plan_policy){
		.uses = x_strdup(uses),
		.module_sha256 = x_strdup(module->sha256),
		.module_path = x_strdup(module->path),
		.stages = module->description->stages,
		.flags = module->description->flags,
		.with = with,
	};
}

/* `file` is where `with` stands. */
static int
draft_policy(struct draft *draft, const char *uses, const struct node *with,
	     const char *file, struct err *err)
{
	AUTO(module)
	struct module *module = module_find(draft->engine, uses, true, err);

	if (!module)
		return -1;
	json_t *typed = description_type_with(module->description, with, file, err);
	if (!typed)
		return -1;
	add_policy(draft->plan, uses, module, typed);
	return 0;
}

static int
draft_policy_list(struct draft *draft, const struct pipeline_policy *list, size_t count,
		  const char *file, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (draft_policy(draft, list[i].uses, list[i].with, file, err) < 0) {
			const struct node *uses = node_find(list[i].node, "uses");

			return err->line || !uses ? -1 : node_at(uses, file, err);
		}
	return 0;
}

static bool
has_policy(const struct draft *draft, const char *uses)
{
	for (size_t i = 0; i < draft->plan->policy_count; i++)
		if (str_eq(draft->plan->policies[i].uses, uses))
			return true;
	return false;
}

/* They come first and whatever a pipeline says. */
static int
draft_site_policies(struct draft *draft, struct err *err)
{
	const char *site_file = draft->engine->site_file;

	if (!site_file)
		return 0;
	draft->site = site_load(site_file, err);
	if (!draft->site ||
	    metrics_learn(draft->engine->metrics, draft->site, err) < 0 ||
	    draft_policy_list(draft, draft->site->policies,
			      draft->site->policy_count, site_file, err) < 0)
		return -1;
	for (size_t i = 0; i < draft->plan->policy_count; i++)
		draft->plan->policies[i].is_of_site = true;
	return 0;
}

int
draft_policies(struct draft *draft, struct err *err)
{
	const struct pipeline *pipeline = draft->pipeline;

	if (draft_site_policies(draft, err) < 0 ||
	    draft_policy_list(draft, pipeline->policies, pipeline->policy_count,
			      pipeline->file, err) < 0)
		return -1;
	/* A service is never changed without its allow-list, whatever a pipeline says.
	 */
	if (draft->project && !has_policy(draft, SERVICE_POLICY))
		return draft_policy(draft, SERVICE_POLICY, NULL, pipeline->file, err);
	return 0;
}

int
draft_policies_again(struct draft *draft, const struct plan *of, struct err *err)
{
	if (draft_site_policies(draft, err) < 0)
		return -1;
	for (size_t i = 0; i < of->policy_count; i++) {
		const struct plan_policy *policy = &of->policies[i];

		if (policy->is_of_site)
			continue;
		AUTO(module)
		struct module *module =
			module_find(draft->engine, policy->uses, true, err);
		if (!module)
			return -1;
		add_policy(draft->plan, policy->uses, module,
			   json_incref(policy->with));
	}
	return 0;
}

int
draft_site(struct engine *engine, struct plan *plan, struct err *err)
{
	struct draft look = { .engine = engine, .plan = plan };
	AUTO(site) struct site *site = NULL;

	if (!engine->site_file)
		return 0;
	site = site_load(engine->site_file, err);
	if (!site)
		return -1;
	return draft_policy_list(&look, site->policies, site->policy_count,
				 engine->site_file, err);
}

int
draft_check_site(struct engine *engine, const struct plan *plan, struct err *err)
{
	struct plan *now = x_calloc(1, sizeof *now);
	bool is_there = true;
	int failed = draft_site(engine, now, err);

	for (size_t i = 0; i < now->policy_count; i++)
		is_there = is_there && i < plan->policy_count &&
			   str_eq(plan->policies[i].uses, now->policies[i].uses) &&
			   json_equal(plan->policies[i].with, now->policies[i].with);
	plan_free(now);
	if (failed || is_there)
		return failed;
	err_set(err, "plan_stale",
		"the policies of the site are not those of when the run was planned");
	return err_remedy(err, "start a new run with `fettle run`");
}

/* A policy with nothing said to it is what its presets make it, and asked once. */
static bool
has_presets(const struct draft *draft, const char *uses)
{
	struct err ignored;
	AUTO(module)
	struct module *module = module_find(draft->engine, uses, true, &ignored);
	AUTO(json_ref)
	json_t *presets = module ? description_type_with(module->description, NULL,
							 uses, &ignored) :
				   NULL;

	for (size_t i = 0; presets && i < draft->plan->policy_count; i++)
		if (str_eq(draft->plan->policies[i].uses, uses) &&
		    json_equal(draft->plan->policies[i].with, presets))
			return true;
	return false;
}

/*
 * `protected: true` is a gate of its own, unless the site says which: a pipeline
 * can ask for more people, and not for fewer.
 */
int
draft_protection(struct draft *draft, struct err *err)
{
	const struct plan *plan = draft->plan;

	/* The plan of a rollback has it from the run before, if that was protected. */
	if (!plan->is_protected || has_presets(draft, PROTECTION_POLICY))
		return 0;
	for (size_t i = 0; i < plan->policy_count; i++)
		if (plan->policies[i].is_of_site &&
		    str_eq(plan->policies[i].uses, PROTECTION_POLICY))
			return 0;
	return draft_policy(draft, PROTECTION_POLICY, NULL, draft->project->file, err);
}
