/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of today for a plan of yesterday. See rules.h. */
#include "base/base.h"

#include "engine/rules.h"

#include "engine/digest.h"
#include "engine/hold.h"
#include "engine/module.h"
#include "engine/policies.h"
#include "engine/survey.h"

/* ---- modules ---- */

static int
refuse_module(const struct plan_module *module, struct err *err)
{
	snprintf(err->code, sizeof err->code, "plan_stale");
	return err_context(err,
			   "module '%s' was replaced by one that the plan does not fit",
			   module->uses);
}

static int
renew_module(struct engine *engine, struct plan *plan, const struct plan_module *module,
	     struct err *err)
{
	AUTO(module) struct module *now = module_find(engine, module->uses, false, err);

	if (!now)
		return -1;
	if (str_eq(now->sha256, module->sha256) && str_eq(now->path, module->path))
		return 0;
	if (plan_renew_module(plan, module->uses, now->path, now->sha256,
			      STEAL(now->description), err) < 0)
		return refuse_module(module, err);
	return 0;
}

/* All that can be: what cannot go on is put back with them. */
static int
renew_modules(struct engine *engine, struct plan *plan, struct err *err)
{
	int failed = 0;

	for (size_t i = 0; i < plan->module_count; i++) {
		struct err why = { 0 };

		/* One that is no file is the engine's own. */
		if (!*plan->modules[i]->sha256)
			continue;
		if (renew_module(engine, plan, plan->modules[i], &why) == 0)
			continue;
		if (!failed)
			*err = why;
		failed = -1;
	}
	return failed;
}

/* ---- the service ---- */

/* The project file may protect a service meanwhile; a plan never loses that. */
static void
renew_service(struct takeover *t)
{
	struct plan *plan = t->plan;

	if (!t->project)
		return;
	const struct project_service *profile =
		project_find_service(t->project, plan->service);
	const json_t *service = json_object_get(plan->facts, "project.service");

	json_decref(plan->allow);
	plan->allow = survey_allow(profile, service);
	plan->is_protected |= profile && profile->is_protected;
	json_object_set(plan->facts, "service.allow", plan->allow);
	json_object_set_new(plan->facts, "service.protected",
			    json_boolean(plan->is_protected));
}

/* ---- what has changed ---- */

/* The rules the run was under last. */
static int
find_last(struct takeover *t, json_t **ret_rules, struct err *err)
{
	AUTO(json_ref)
	json_t *event = store_last_event(t->run.engine->store, t->run.claim.run,
					 "run.renewed", err);
	json_t *rules = json_object_get(json_object_get(event, "body"), "rules");

	if (!event)
		return -1;
	*ret_rules = json_is_object(rules) ? json_incref(rules) : plan_rules(t->plan);
	return 0;
}

static bool
has_module(const json_t *changed)
{
	const json_t *change;
	size_t i;

	json_array_foreach (changed, i, change)
		if (str_starts(json_text(change, "key"), "module:"))
			return true;
	return false;
}

static int
refuse_unasked(const struct takeover *t, const json_t *changed, struct err *err)
{
	AUTO(str) struct str words = STR_INIT;

	digest_add_words(changed, &words);
	err_set(err, "plan_stale", "it is not what people agreed to any more: %s",
		str_get(&words));
	return err_remedy(err, "`fettle retry %s` asks them again",
			  t->run.claim.run);
}

static int
advise(const struct takeover *t, struct err *err)
{
	if (!str_eq(err->code, "plan_stale"))
		return -1;
	if (plan_rolls_back(t->plan))
		return err_remedy(err, "`fettle rollback %s` plans it anew",
				  t->plan->rolls_back);
	return err_remedy(err, "start a new run with `fettle run`");
}

static int
renew_policies(struct takeover *t, struct err *err)
{
	AUTO(site) struct site *site = hold_site(t->run.engine, err);

	if (!site || policies_renew(t->run.engine, t->plan, site, err) < 0)
		return -1;
	return t->project ? survey_check_service(site, t->project, t->plan->service,
						 err) :
			    0;
}

int
rules_renew(struct takeover *t, enum rules_for whom, struct err *err)
{
	AUTO(json_ref) json_t *was = NULL;
	struct err why = { 0 }, other = { 0 };

	if (find_last(t, &was, err) < 0)
		return -1;
	int failed = renew_modules(t->run.engine, t->plan, &why);
	renew_service(t);
	if (renew_policies(t, &other) < 0 && !failed) {
		why = other;
		failed = -1;
	}
	if (failed && whom != RULES_UNDO) {
		*err = why;
		return advise(t, err);
	}
	AUTO(json_ref) json_t *is = plan_rules(t->plan);
	AUTO(json_ref) json_t *changed = digest_changes(was, is);
	if (json_array_size(changed) == 0)
		return 0;
	if (whom == RULES_UNASKED && t->run.is_agreed && has_module(changed))
		return refuse_unasked(t, changed, err);
	return run_append(&t->run, "run.renewed",
			  json_pack("{s:O, s:O}", "changed", changed, "rules", is),
			  err);
}
