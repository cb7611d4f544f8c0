/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipelines, modules and plans of the tests about plans. */
#ifndef FETTLE_UNIT_MODEL_PLAN_H
#define FETTLE_UNIT_MODEL_PLAN_H

#include "model.h"

#include "model/plan.h"

/* Modules as a test needs them. */
#define MODULE(uses, rest)                                                    \
	{ uses, "{'kind':'step','name':'" uses "','callbacks':['run']," rest "}" }
static const struct {
	const char *uses, *json;
} modules[] = {
	MODULE("analyze/x", "'stage':2,'flags':0,'outputs':["
			    "{'name':'edits','type':11,'flags':0,'help':'h'},"
			    "{'name':'rule','type':4,'flags':0,'help':'h'}]"),
	MODULE("patch/x", "'stage':4,'flags':0,'params':["
			  "{'name':'edits','type':11,'flags':0,'help':'h'},"
			  "{'name':'argv','type':9,'flags':2,'help':'h'},"
			  "{'name':'key','type':12,'flags':0,'help':'h'}]"),
	MODULE("build/x", "'stage':8,'flags':2,'effects':['image']"),
	MODULE("rollback/x", "'stage':64,'flags':2,'undoes':['image']"),
	MODULE("agent/x", "'stage':256,'flags':8"),
};

static inline struct description *
describe(const char *uses)
{
	struct err err = { "" };

	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		AUTO(json_ref) json_t *json = NULL;
		struct description *d;

		if (!str_eq(modules[i].uses, uses))
			continue;
		json = json_of(modules[i].json);
		d = description_new(json, &err);
		ck_assert_msg(d != NULL, "%s: %s", uses, err.text);
		return d;
	}
	ck_abort_msg("there is no module %s", uses);
	return NULL;
}

static inline void
add_step(struct plan *plan, const struct pipeline *p)
{
	const char *uses = p->steps[plan->step_count].uses;
	const struct plan_module *module = plan_find_module(plan, uses);
	struct err err = { "" };

	if (module == NULL)
		module = plan_add_module(plan, uses, "/lib/x.so", "00", describe(uses));
	ck_assert_msg(plan_add_step(plan, p, module, &err) == 0, "%s", err.text);
}

static inline struct plan *
plan_of(const struct pipeline *p)
{
	struct plan *plan = x_calloc(1, sizeof(*plan));

	plan->pipeline = x_strdup(p->name);
	plan->pipeline_sha256 = x_strdup(p->sha256);
	plan->instruction = x_strdup("mend api");
	plan->service = x_strdup("api");
	plan->workspace = x_strdup("/srv/shop");
	plan->generated_by = x_strdup("operator");
	plan->generated_at_ms = 1795262400000;
	plan->inputs = json_of("{'service': 'api'}");
	plan->allow = json_of("['api/Dockerfile']");
	plan->facts = json_of("{'project.name': 'shop'}");
	plan->is_protected = true;
	for (size_t i = 0; i < p->step_count; i++)
		add_step(plan, p);
	plan->policies = x_calloc(p->policy_count + 1, sizeof(*plan->policies));
	for (size_t i = 0; i < p->policy_count; i++)
		plan->policies[plan->policy_count++] = (struct plan_policy){
			.uses = x_strdup(p->policies[i].uses),
			.module_sha256 = x_strdup("11"),
			.module_path = x_strdup("/lib/p.so"),
			.stages = 4,
		};
	for (size_t i = 0; i < p->policy_count; i++)
		if (p->policies[i].with != NULL)
			plan->policies[i].with = node_to_json(p->policies[i].with);
	return plan;
}

static inline struct pipeline *
parse(const char *text)
{
	struct err err = { "" };
	struct pipeline *p = pipeline_parse(text, strlen(text), "p.yaml", &err);

	ck_assert_msg(p != NULL, "%s: %s", text, err.text);
	return p;
}

#define HEAD "fettle: 1\ninputs: { service: { type: service }, what: }\nsteps:\n"
#define ANALYZE "  - { id: analyze, uses: analyze/x }\n"
#define BACK "on_failure:\n  - { id: back, uses: rollback/x }\n"

/* A step whose parameter `edits` is this value, at column 44. */
#define EDITS(value) "  - { id: p, uses: patch/x, with: { edits: '" value "' } }\n"

#endif
