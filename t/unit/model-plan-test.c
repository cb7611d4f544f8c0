/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans of core/model: frozen, read back, checked as a whole. */
#include "model-plan.h"

#include "base/str.h"

#define IF(value) "  - { id: i, uses: analyze/x, if: \"" value "\" }\n"
#define FINALLY_EDITS(value) "finally:\n" EDITS(value)

/* code NULL: the plan is right. */
static const struct {
	const char *text, *code;
	uint32_t line, column;
	const char *says;
} check_cases[] = {
	/* inputs */
	{ HEAD EDITS("${{ inputs.what }}"), NULL, 0, 0, "" },
	{ HEAD EDITS("${{ inputs.wath }}"), "template.name", 4, 44, "'inputs.what'" },
	{ HEAD "  - id: p\n    uses: patch/x\n"
	       "    with: { edits: [a, { b: '${{ inputs.no }}' }] }\n",
	  "template.name", 6, 29, "no such input" },
	/* outputs */
	{ HEAD ANALYZE EDITS("${{ steps.analyze.outputs.edits }}"), NULL, 0, 0, "" },
	{ HEAD ANALYZE EDITS("${{ steps.analyze.outputs.edits.first.path }}"),
	  NULL, 0, 0, "" },
	{ HEAD ANALYZE EDITS("${{ steps.analyze.outputs.rule.first }}"),
	  "template.name", 5, 44, "no output 'rule.first'" },
	{ HEAD ANALYZE EDITS("${{ steps.analyze.outputs.edit }}"),
	  "template.name", 5, 44, "'steps.analyze.outputs.edits'" },
	{ HEAD ANALYZE EDITS("${{ steps.analyse.outputs.edits }}"),
	  "template.name", 5, 44, "no step 'analyse'" },
	{ HEAD ANALYZE EDITS("${{ steps.analyze.edits }}"),
	  "template.name", 5, 44, "steps.ID.outputs.NAME" },
	{ HEAD EDITS("${{ steps.analyze.outputs.edits }}") ANALYZE,
	  "template.name", 4, 44, "does not run before" },
	{ HEAD EDITS("${{ steps.p.outputs.x }}"),
	  "template.name", 4, 44, "does not run before" },
	{ HEAD EDITS("${{ steps.t.outputs.edits }}")
	       "finally: [{ id: t, uses: analyze/x }]\n",
	  "template.name", 4, 44, "does not run before" },
	{ HEAD ANALYZE FINALLY_EDITS("${{ steps.analyze.outputs.edits }}"),
	  NULL, 0, 0, "" },
	/* other names */
	{ HEAD EDITS("${{ run.__proto__ }}"), "template.name", 4, 44, "no such name" },
	{ HEAD EDITS("${{ env.HOME }}"), "template.name", 4, 44, "no such name" },
	{ HEAD EDITS("${{ x"), "template.syntax", 4, 44, "without '}}'" },
	{ HEAD EDITS("${{ service.name }} ${{ project.name }}"), NULL, 0, 0, "" },
	{ HEAD EDITS("${{ project.directory }} ${{ run.id }}"), NULL, 0, 0, "" },
	{ "fettle: 1\nsteps:\n" EDITS("${{ service.name }}"),
	  "template.name", 3, 44, "no input of type service" },
	{ "fettle: 1\nsteps:\n" EDITS("${{ project.name }}"),
	  "template.name", 3, 44, "no input of type service" },
	{ "fettle: 1\nsteps:\n" EDITS("${{ project.directory }}"),
	  "template.name", 3, 44, "no input of type service" },
	/* expressions */
	{ HEAD ANALYZE EDITS("${{ steps.analyze.state }}"), NULL, 0, 0, "" },
	{ HEAD EDITS("${{ inputs.what == 1 && inputs.wath == 2 }}"),
	  "template.name", 4, 44, "'inputs.what'" },
	{ HEAD EDITS("x ${{ contain(inputs.what, 1) }}"),
	  "template.name", 4, 44, "'contains'" },
	{ HEAD EDITS("${{ format(secrets.DB) }}"),
	  "template.secret", 4, 44, "'env' only" },
	/* if */
	{ HEAD IF("inputs.what == 1"), NULL, 0, 0, "" },
	{ HEAD IF("${{ success() && run.id != null }}"), NULL, 0, 0, "" },
	{ HEAD ANALYZE IF("steps.analyze.state == 1"), NULL, 0, 0, "" },
	{ HEAD ANALYZE IF("steps.analyze.outputs.rule != null"), NULL, 0, 0, "" },
	{ HEAD ANALYZE "finally:\n" IF("steps.analyze.state == 1"), NULL, 0, 0, "" },
	{ HEAD IF("steps.analyze.state == 1") ANALYZE,
	  "template.name", 4, 35, "does not run before" },
	{ HEAD IF("steps.i.state == 1"),
	  "template.name", 4, 35, "does not run before" },
	{ HEAD ANALYZE IF("steps.analyze.status == 1"),
	  "template.name", 5, 35, "did you mean 'steps.analyze.state'" },
	{ HEAD ANALYZE IF("steps.analyze.state.x == 1"),
	  "template.name", 5, 35, "steps.ID.state" },
	{ HEAD IF("!inputs.no"), "template.name", 4, 35, "no such input" },
	{ HEAD IF("secrets.DB == null"), "template.secret", 4, 35, "'env' only" },
	{ HEAD IF("inputs.service == env.HOME"),
	  "template.name", 4, 35, "no such name" },
	/* retry and continue_on_error */
	{ HEAD "  - { id: a, uses: analyze/x, retry: { attempts: 2 } }\n",
	  NULL, 0, 0, "" },
	{ HEAD "  - { id: a, uses: analyze/x, continue_on_error: true }\n",
	  NULL, 0, 0, "" },
	{ HEAD "  - { id: p, uses: patch/x, continue_on_error: false }\n",
	  NULL, 0, 0, "" },
	{ HEAD "  - { id: p, uses: patch/x, retry: { attempts: 2 } }\n",
	  "step.effects", 4, 36, "'retry'" },
	{ HEAD "  - { id: p, uses: patch/x, continue_on_error: true }\n",
	  "step.effects", 4, 48, "'continue_on_error'" },
	{ HEAD "  - { id: b, uses: build/x, retry: { attempts: 2 } }\n" BACK,
	  "step.effects", 4, 36, "step 'b' changes something" },
	{ HEAD "  - { id: b, uses: build/x, irreversible: true, "
	       "continue_on_error: true }\n",
	  "step.effects", 4, 68, "'continue_on_error'" },
	{ HEAD ANALYZE "on_failure:\n  - { id: back, uses: rollback/x, "
		       "retry: { attempts: 2 } }\n",
	  NULL, 0, 0, "" },
	/* secrets */
	{ HEAD EDITS("${{ secrets.DB }}"), "template.secret", 4, 44, "'env' only" },
	{ HEAD "  - id: p\n    uses: patch/x\n"
	       "    with: { argv: [a, '${{ secrets.DB }}'] }\n",
	  "template.secret", 6, 23, "'env' only" },
	{ HEAD "  - { id: p, uses: patch/x, env: { A: '${{ secrets.DB }}' } }\n",
	  NULL, 0, 0, "" },
	{ HEAD "  - { id: p, uses: patch/x, env: { A: x, B: '${{ secrets.BD }}' } }\n",
	  "template.name", 4, 45, "'secrets.DB'" },
	{ HEAD "  - { id: p, uses: patch/x, with: { key: DB } }\n", NULL, 0, 0, "" },
	{ HEAD "  - { id: p, uses: patch/x, with: { key: BD } }\n",
	  "secret.unknown", 4, 42, "'DB'" },
	/* effects */
	{ HEAD "  - { id: b, uses: build/x }\n", "effect.no_undo", 4, 20, "'image'" },
	{ HEAD "  - { id: b, uses: build/x, irreversible: true }\n", NULL, 0, 0, "" },
	{ HEAD "  - { id: b, uses: build/x }\n" BACK, NULL, 0, 0, "" },
	{ HEAD ANALYZE BACK "finally:\n  - { id: c, uses: build/x }\n",
	  "effect.no_undo", 8, 20, "any more" },
	/* places */
	{ HEAD "  - { id: b, uses: rollback/x }\n",
	  "pipeline.rollback", 4, 20, "on_failure" },
	{ HEAD "  - { id: a, uses: agent/x }\n",
	  "step.workspace_write", 4, 20, "workspace" },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: agent/x }\n", NULL, 0, 0, "" },
	{ "policies:\n  - { uses: x, with: { roles: [a, '${{ inputs.what }}'] } }\n"
	  HEAD ANALYZE,
	  "template.position", 2, 31, "policy" },
	{ "policies:\n  - { uses: x, with: { roles: \"${{ 'a' }}\" } }\n" HEAD ANALYZE,
	  "template.position", 2, 31, "policy" },
};

START_TEST(a_plan_is_checked_as_a_whole)
{
	struct pipeline *p = parse(check_cases[_i].text);
	struct plan *plan = plan_of(p);
	AUTO(json_ref) json_t *secrets = json_of("{'DB': 'env:DB'}");
	struct err err = { "" };
	int result = plan_check(plan, p, secrets, &err);

	ck_assert_msg((result == 0) == (check_cases[_i].code == NULL), "%s: %s",
		      check_cases[_i].text, err.text);
	expect_err(check_cases[_i].text, &err,
		   check_cases[_i].code ? check_cases[_i].code : "",
		   check_cases[_i].line, check_cases[_i].column);
	ck_assert_msg(strstr(err.text, check_cases[_i].says) != NULL, "%s: %s",
		      check_cases[_i].says, err.text);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

START_TEST(shared_env_is_checked_where_it_stands)
{
	struct pipeline *p = parse("fettle: 1\nenv: { A: '${{ inputs.x }}' }\nsteps:\n"
				   "  - { id: a, uses: analyze/x }\n");
	struct plan *plan = plan_of(p);
	struct err err = { "" };

	ck_assert_int_eq(plan_check(plan, p, NULL, &err), -1);
	expect_err("env", &err, "template.name", 2, 11);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

#define WHOLE                                                                          \
	HEAD ANALYZE "  - { id: b, uses: build/x, env: { A: b } }\n" BACK              \
		     "policies:\n  - { uses: x, with: { a: 1 } }\n"

START_TEST(a_frozen_plan_reads_back_as_itself)
{
	struct pipeline *p = parse(WHOLE);
	struct plan *plan = plan_of(p), *back;
	AUTO_FREE char *text = NULL;
	struct err err = { "" };

	plan_freeze(plan);
	text = x_strdup(plan->text);
	back = plan_parse(text, plan->sha256, &err);
	ck_assert_msg(back != NULL, "%s", err.text);
	ck_assert_str_eq(back->service, "api");
	ck_assert_str_eq(back->workspace, "/srv/shop");
	ck_assert_int_eq(back->generated_at_ms, 1795262400000);
	ck_assert(back->is_protected);
	ck_assert_uint_eq(back->step_count, 3);
	ck_assert_uint_eq(back->policy_count, 1);
	ck_assert_str_eq(back->policies[0].module_path, "/lib/p.so");
	ck_assert_uint_eq(back->steps[1].stage, 8);
	ck_assert_uint_eq(back->steps[1].callbacks, CALLBACK_RUN);
	ck_assert_str_eq(back->steps[1].description->effects[0].kind, "image");
	ck_assert_str_eq(back->steps[1].module_path, "/lib/x.so");
	ck_assert_int_eq(back->steps[2].section, SECTION_ON_FAILURE);
	ck_assert_str_eq(back->steps[2].description->undoes.v[0], "image");
	ck_assert_uint_eq(back->steps[0].description->output_count, 2);
	ck_assert_ptr_eq(plan_find_step(back, "b"), &back->steps[1]);
	ck_assert_ptr_null(plan_find_step(back, "c"));
	plan_freeze(back);
	ck_assert_str_eq(back->sha256, plan->sha256);
	plan_free(back);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

/* Every member that a plan and its steps can have. */
#define EVERYTHING                                                                     \
	"fettle: 1\nrounds: 2\nenv: { Z: z, B: \"q\\\"\\t\" }\n"                       \
	"inputs: { service: { type: service }, what: }\nsteps:\n" ANALYZE              \
	"  - { id: c, uses: analyze/x, if: \"inputs.what != 'a\\\"\\\\\\n\u00e9'\", "  \
	"continue_on_error: true, retry: { attempts: 3, backoff: 2s } }\n"             \
	"  - { id: d, uses: patch/x, with: { argv: [a, \"${{ inputs.what }}\"], "      \
	"edits: { z: [1, true, { y: b, x: c }], a: ~ } } }\n"                          \
	"  - { id: b, uses: build/x, env: { A: b }, irreversible: true, "              \
	"timeout: 90s, idle_timeout: 10s }\n" BACK                                     \
	"policies:\n  - { uses: x, with: { b: 2, a: 1 } }\n  - uses: y\n"

static struct plan *
everything(const struct pipeline *p)
{
	struct plan *plan = plan_of(p);

	plan->rounds = p->rounds;
	plan->policies[1].is_of_site = true;
	plan->workspace[1] = '\xff';
	json_decref(plan->facts);
	plan->facts = json_of("{'z':-9,'a':[1.5,null,false],'m':{}}");
	plan_freeze(plan);
	return plan;
}

START_TEST(the_text_of_a_plan_is_its_canonical_json)
{
	struct pipeline *p = parse(EVERYTHING);
	struct plan *plan = everything(p);
	AUTO_FREE char *text = json_canonical(plan_json(plan));

	ck_assert_str_eq(plan->text, text);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

/* Runs that wait in a store hold such hashes. */
START_TEST(a_plan_keeps_its_hash_from_version_to_version)
{
	struct pipeline *p = parse(EVERYTHING);
	struct plan *plan = everything(p);

	ck_assert_str_eq(
		plan->sha256,
		"99456ccdbea5e52537549ee76c62313893c8f13690ca83f5215a9859dc5f36a5");
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

START_TEST(the_course_of_a_step_is_kept_only_when_given)
{
	struct pipeline *p =
		parse(HEAD ANALYZE "  - { id: b, uses: analyze/x, if: inputs.what, "
				   "continue_on_error: true, retry: { attempts: 3, "
				   "backoff: 2s, max: 5s, on: any } }\n");
	struct plan *plan = plan_of(p), *back;
	AUTO_FREE char *text = NULL;
	struct err err = { "" };
	const json_t *bare;

	plan_freeze(plan);
	text = x_strdup(plan->text);
	back = plan_parse(text, plan->sha256, &err);
	ck_assert_msg(back != NULL, "%s", err.text);
	bare = json_array_get(json_object_get(plan_json(plan), "steps"), 0);
	ck_assert_ptr_null(json_object_get(bare, "if"));
	ck_assert_ptr_null(json_object_get(bare, "continue_on_error"));
	ck_assert_ptr_null(json_object_get(bare, "retry"));
	ck_assert_ptr_null(back->steps[0].condition);
	ck_assert(!back->steps[0].continue_on_error);
	ck_assert_uint_eq(back->steps[0].retry.attempts, 0);
	ck_assert_str_eq(back->steps[1].condition, "inputs.what");
	ck_assert(back->steps[1].continue_on_error);
	ck_assert_uint_eq(back->steps[1].retry.attempts, 3);
	ck_assert_uint_eq(back->steps[1].retry.backoff_ms, 2000);
	ck_assert_uint_eq(back->steps[1].retry.max_ms, 5000);
	ck_assert(back->steps[1].retry.on_any);
	plan_freeze(back);
	ck_assert_str_eq(back->sha256, plan->sha256);
	plan_free(back);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

START_TEST(each_member_of_a_plan_changes_its_hash)
{
	struct pipeline *p = parse(WHOLE);
	struct plan *plan = plan_of(p);
	char before[65];

#define CHANGES(change)                                                                \
	do {                                                                           \
		plan_freeze(plan);                                                     \
		snprintf(before, sizeof(before), "%s", plan->sha256);                  \
		change;                                                                \
		plan_freeze(plan);                                                     \
		ck_assert_msg(!str_eq(before, plan->sha256), "%s", #change);           \
	} while (0)
	CHANGES(plan->instruction[0] = 'M');
	CHANGES(plan->is_protected = false);
	CHANGES(json_array_clear(plan->allow));
	CHANGES(json_object_clear(plan->facts));
	CHANGES(json_object_clear(plan->inputs));
	CHANGES(plan->modules[0]->sha256[0] = '1');
	CHANGES(plan->modules[0]->path[1] = 'x');
	CHANGES(plan->steps[0].timeout_ms++);
	CHANGES(plan->steps[0].idle_timeout_ms++);
	CHANGES(plan->steps[0].condition = "true");
	CHANGES(plan->steps[0].continue_on_error = true);
	CHANGES(plan->steps[0].retry = ((struct retry){ 2, 1, 1, false }));
	CHANGES(plan->steps[0].retry.on_any = true);
	CHANGES(plan->steps[0].is_irreversible = true);
	CHANGES(json_object_clear(plan->steps[1].env));
	CHANGES(plan->policies[0].module_sha256[0] = '0');
	CHANGES(json_object_clear(plan->policies[0].with));
#undef CHANGES
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

#define PLAN_OF(step)                                                                  \
	"{'fettle':1,'policies':[],'steps':[" step                                     \
	"],'modules':{'b/c':{'description':"                                           \
	"{'kind':'step','name':'b/c','stage':8,'flags':0,'callbacks':['run']}}}}"

static const char *const corrupt_plans[] = {
	"",
	"{",
	"[]",
	"{}",
	"{'fettle':2,'modules':{},'steps':[],'policies':[]}",
	"{'fettle':1,'modules':{},'steps':{},'policies':[]}",
	"{'fettle':1,'modules':[],'steps':[],'policies':[]}",
	"{'fettle':1,'modules':{},'steps':[{'id':'a','uses':'b/c','section':'steps'}],"
	"'policies':[]}",
	PLAN_OF("{'id':'a','uses':'b/c','section':'x'}"),
	PLAN_OF("{'id':'a','uses':'b/c','section':'steps','retry':{}}"),
};

START_TEST(a_corrupt_plan_is_refused)
{
	AUTO_FREE char *text = x_strdup(corrupt_plans[_i]);
	AUTO(json_ref) json_t *json = NULL;
	struct err err = { "" };
	char sha256[65] = "";

	for (char *c = text; *c != 0; c++)
		*c = *c == '\'' ? '"' : *c;
	json = json_parse(text, strlen(text), &err);
	if (json != NULL)
		json_sha256(json, sha256);
	ck_assert_ptr_null(plan_parse(text, sha256, &err));
	ck_assert_str_eq(err.code, "plan.corrupt");
}
END_TEST

START_TEST(a_changed_plan_is_refused)
{
	struct pipeline *p = parse(WHOLE);
	struct plan *plan = plan_of(p);
	AUTO_FREE char *text = NULL;
	struct err err = { "" };

	plan_freeze(plan);
	text = x_strdup(plan->text);
	*strstr(text, "Dockerfile") = 'd';
	ck_assert_ptr_null(plan_parse(text, plan->sha256, &err));
	expect_err("changed", &err, "plan.corrupt", 0, 0);
	plan_free(plan);
	pipeline_free(p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-plan");
	TCase *plan = tcase_create("plan");

	tcase_add_loop_test(plan, a_plan_is_checked_as_a_whole, 0,
			    ARRAY_LEN(check_cases));
	tcase_add_test(plan, shared_env_is_checked_where_it_stands);
	tcase_add_loop_test(plan, a_corrupt_plan_is_refused, 0,
			    ARRAY_LEN(corrupt_plans));
	tcase_add_test(plan, a_changed_plan_is_refused);
	tcase_add_test(plan, a_frozen_plan_reads_back_as_itself);
	tcase_add_test(plan, the_text_of_a_plan_is_its_canonical_json);
	tcase_add_test(plan, a_plan_keeps_its_hash_from_version_to_version);
	tcase_add_test(plan, the_course_of_a_step_is_kept_only_when_given);
	tcase_add_test(plan, each_member_of_a_plan_changes_its_hash);
	suite_add_tcase(suite, plan);
	return unit_run(suite);
}
