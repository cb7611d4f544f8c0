/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See corpus-plan.h. */
#include "base/base.h"

#include "corpus-plan.h"

#include "base/json.h"
#include "model/plan.h"

/* Types and flags are those of fettle/plugin.h. */
static const struct {
	const char *uses, *json;
} modules[] = {
	{ "analyze/logs",
	  "{\"kind\":\"step\",\"name\":\"analyze/logs\",\"stage\":2,\"flags\":0,"
	  "\"callbacks\":[\"run\"],\"outputs\":["
	  "{\"name\":\"edits\",\"type\":11,\"flags\":0,\"help\":\"h\"},"
	  "{\"name\":\"rule\",\"type\":4,\"flags\":0,\"help\":\"h\"}]}" },
	{ "patch/apply",
	  "{\"kind\":\"step\",\"name\":\"patch/apply\",\"stage\":4,\"flags\":0,"
	  "\"callbacks\":[\"run\"],\"params\":["
	  "{\"name\":\"edits\",\"type\":11,\"flags\":0,\"help\":\"h\"}]}" },
	{ "verify/command",
	  "{\"kind\":\"step\",\"name\":\"verify/command\",\"stage\":32,\"flags\":0,"
	  "\"callbacks\":[\"run\"],\"params\":["
	  "{\"name\":\"argv\",\"type\":9,\"flags\":2,\"help\":\"h\"}]}" },
};

static struct description *
describe(const char *uses, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
		AUTO(json_ref) json_t *json = NULL;

		if (!str_eq(modules[i].uses, uses))
			continue;
		json = json_parse(modules[i].json, strlen(modules[i].json), err);
		return json != NULL ? description_new(json, err) : NULL;
	}
	err_set(err, "plugin.missing", "the corpus has no module '%s'", uses);
	return NULL;
}

static int
add_step(struct plan *plan, const struct pipeline *p, struct err *err)
{
	const char *uses = p->steps[plan->step_count].uses;
	const struct plan_module *module = plan_find_module(plan, uses);

	if (module == NULL) {
		struct description *d = describe(uses, err);

		if (d == NULL)
			return -1;
		module = plan_add_module(plan, uses, "", "", d);
	}
	return plan_add_step(plan, p, module, err);
}

static void
plan_begin(struct plan *plan, const struct pipeline *p)
{
	plan->policies = x_calloc(p->policy_count + 1, sizeof(*plan->policies));
	for (size_t i = 0; i < p->policy_count; i++) {
		const struct node *with = p->policies[i].with;

		plan->policies[plan->policy_count++] = (struct plan_policy){
			.uses = x_strdup(p->policies[i].uses),
			.with = with != NULL ? node_to_json(with) : NULL,
		};
	}
}

int
corpus_plan(const char *path, struct err *err)
{
	struct pipeline *p = pipeline_load(path, err);
	struct plan *plan = x_calloc(1, sizeof(*plan));
	AUTO(json_ref) json_t *secrets = json_pack("{s:s}", "TOKEN", "env:TOKEN");
	int result = p != NULL ? 0 : -1;

	if (p != NULL)
		plan_begin(plan, p);
	for (size_t i = 0; result == 0 && i < p->step_count; i++)
		result = add_step(plan, p, err);
	if (result == 0)
		result = plan_check(plan, p, secrets, err);
	plan_free(plan);
	pipeline_free(p);
	return result;
}
