/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frozen plans that are gone on with later, with other modules. */
#include "model-plan.h"

/* Another version of patch/x, or of build/x, and why the plan does not fit it. */
static const struct {
	const char *uses, *json, *code;
} later_modules[] = {
	{ "patch/x",
	  "'stage':4,'flags':0,'params':["
	  "{'name':'edits','type':11,'flags':0,'help':'another word'},"
	  "{'name':'argv','type':9,'flags':2,'help':'h'},"
	  "{'name':'key','type':12,'flags':0,'help':'h'},"
	  "{'name':'more','type':2,'flags':0,'preset':'7','help':'h'}]",
	  "" },
	{ "patch/x", "'stage':4,'flags':0,'params':[]", "param.unknown" },
	{ "patch/x",
	  "'stage':4,'flags':0,'params':["
	  "{'name':'edits','type':2,'flags':0,'accept':'1..2','help':'h'}]",
	  "type.int" },
	{ "patch/x",
	  "'stage':4,'flags':0,'params':["
	  "{'name':'edits','type':11,'flags':0,'help':'h'},"
	  "{'name':'must','type':2,'flags':1,'help':'h'}]",
	  "param.required" },
	{ "patch/x", "'stage':8,'flags':0", "plan_stale" },
	{ "build/x", "'stage':8,'flags':2,'effects':['image']", "" },
	{ "build/x", "'stage':8,'flags':0,'effects':['image']", "plan_stale" },
	{ "build/x", "'stage':8,'flags':2,'effects':['image','network']",
	  "plan_stale" },
	{ "build/x", "'stage':8,'flags':2", "plan_stale" },
	{ "rollback/x", "'stage':64,'flags':2,'undoes':['network']", "plan_stale" },
	{ "analyze/x",
	  "'stage':2,'flags':0,'outputs':["
	  "{'name':'edits','type':11,'flags':0,'help':'h'}]",
	  "plan_stale" },
};

static struct description *
describe_later(const char *uses, const char *json)
{
	AUTO_FREE char *text = x_asprintf("{'kind':'step','name':'%s','callbacks':"
					  "['run','check'],%s}", uses, json);
	AUTO(json_ref) json_t *parsed = json_of(text);
	struct err err = { "" };
	struct description *d = description_new(parsed, &err);

	ck_assert_msg(d != NULL, "%s: %s", json, err.text);
	return d;
}

START_TEST(a_plan_goes_on_with_modules_it_fits)
{
	struct pipeline *p =
		parse(HEAD ANALYZE EDITS("[]") "  - { id: b, uses: build/x }\n" BACK);
	struct plan *plan = plan_of(p);
	const char *uses = later_modules[_i].uses, *code = later_modules[_i].code;
	const struct plan_module *module = plan_find_module(plan, uses);
	struct err err = { "" };

	plan_freeze(plan);
	AUTO_FREE char *text = x_strdup(plan->text);
	AUTO(json_ref) json_t *was = plan_rules(plan);
	AUTO_FREE char *key = x_asprintf("module:%s", uses);
	int failed = plan_renew_module(plan, uses, "/lib/y.so", "22",
				       describe_later(uses, later_modules[_i].json),
				       &err);
	ck_assert_msg(str_eq(err.code, code), "%d: want '%s', got '%s': %s", _i, code,
		      err.code, err.text);
	ck_assert_int_eq(failed, *code ? -1 : 0);
	ck_assert_str_eq(plan->text, text);
	AUTO(json_ref) json_t *is = plan_rules(plan);
	ck_assert_str_eq(json_text(is, key), failed ? "00" : "22");
	json_object_set(is, key, json_object_get(was, key));
	ck_assert(json_equal(is, was));
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		ck_assert_ptr_eq(step->module_sha256,
				 plan_find_module(plan, step->uses)->sha256);
		ck_assert_ptr_eq(step->description,
				 plan_find_module(plan, step->uses)->description);
	}
	ck_assert_str_eq(module->path, failed ? "/lib/x.so" : "/lib/y.so");
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

START_TEST(a_renewed_step_has_the_presets_of_today)
{
	struct pipeline *p = parse(HEAD ANALYZE EDITS("[]") BACK);
	struct plan *plan = plan_of(p);
	struct err err = { "" };

	ck_assert_int_eq(plan_renew_module(plan, "patch/x", "/lib/y.so", "22",
					   describe_later("patch/x",
							  later_modules[0].json),
					   &err), 0);
	const struct plan_step *step = &plan->steps[1];
	ck_assert_int_eq(json_int_or(step->with, "more", 0), 7);
	ck_assert(json_object_get(step->with, "edits") != NULL);
	ck_assert_uint_eq(step->callbacks, CALLBACK_RUN | CALLBACK_CHECK);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

START_TEST(rules_name_each_policy_by_whose_it_is)
{
	struct pipeline *p = parse("fettle: 1\nsteps:\n" ANALYZE
				   "policies:\n  - { uses: a, with: { x: 1 } }\n"
				   "  - { uses: a, with: { x: 2 } }\n"
				   "  - { uses: a, with: { x: 1 } }\n");
	struct plan *plan = plan_of(p);

	plan->policies[0].is_of_site = true;
	AUTO(json_ref) json_t *rules = plan_rules(plan);
	ck_assert_str_eq(json_text(rules, "site:a"), json_text(rules, "rules:a#2"));
	ck_assert_str_ne(json_text(rules, "site:a"), json_text(rules, "rules:a"));
	ck_assert_str_eq(json_text(rules, "policy:a"), "11");
	ck_assert_str_eq(json_text(rules, "protected"), "yes");
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-renew");
	TCase *renew = tcase_create("renew");

	tcase_add_loop_test(renew, a_plan_goes_on_with_modules_it_fits, 0,
			    ARRAY_LEN(later_modules));
	tcase_add_test(renew, a_renewed_step_has_the_presets_of_today);
	tcase_add_test(renew, rules_name_each_policy_by_whose_it_is);
	suite_add_tcase(suite, renew);
	return unit_run(suite);
}
