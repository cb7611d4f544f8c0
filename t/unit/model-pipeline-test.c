/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pipelines of core/model: what is taken from the file, and inputs. */
#include "model.h"

#include "model/env.h"
#include "model/pipeline.h"

#define STEPS "steps:\n  - { id: a, uses: build/x }\n"
#define RETRY(value) \
	"fettle: 1\nsteps:\n  - { id: a, uses: build/x, retry: " value " }\n"

static const struct {
	const char *text, *code;
	uint32_t line, column;
} refusals[] = {
	/* steps */
	{ "fettle: 1\nsteps: {}\n", "type.list", 2, 8 },
	{ "fettle: 1\nsteps: [x]\n", "type.map", 2, 9 },
	{ "fettle: 1\nsteps:\n  - { uses: build/x }\n", "key.missing", 3, 5 },
	{ "fettle: 1\nsteps:\n  - { id: a }\n", "key.missing", 3, 5 },
	{ "fettle: 1\nsteps:\n  - { id: [a], uses: build/x }\n", "id.grammar", 3, 11 },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: [x] }\n", "type.string", 3, 20 },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: Build/x }\n", "pipeline.step_type", 3,
	  20 },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: build/x/y }\n", "pipeline.step_type",
	  3, 20 },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: build/ }\n", "pipeline.step_type", 3,
	  20 },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: build/x, with: [] }\n", "type.map", 3,
	  35 },
	{ "fettle: 1\n" STEPS "on_failure: x\n", "type.list", 4, 13 },
	{ "fettle: 1\n" STEPS "finally:\n  - { id: b }\n", "key.missing", 5, 5 },
	{ "fettle: [1]\n" STEPS, "pipeline.version", 1, 9 },
	/* policies */
	{ "fettle: 1\npolicies: {}\n" STEPS, "type.list", 2, 11 },
	{ "fettle: 1\npolicies: [{}]\n" STEPS, "key.missing", 2, 12 },
	{ "fettle: 1\npolicies: [{ uses: a/b }]\n" STEPS, "pipeline.policy", 2, 20 },
	{ "fettle: 1\npolicies: [{ uses: a, id: b }]\n" STEPS, "key.unknown", 2, 23 },
	{ "fettle: 1\npolicies: [{ uses: 'x${{ a }}' }]\n" STEPS, "template.position",
	  2, 20 },
	/* env */
	{ "fettle: 1\nenv: [A]\n" STEPS, "type.map", 2, 6 },
	{ "fettle: 1\nenv: { PATH: x }\n" STEPS, "env.denied", 2, 8 },
	{ "fettle: 1\nenv: { a.b: x }\n" STEPS, "env.name", 2, 8 },
	{ "fettle: 1\nenv: { A: [x] }\n" STEPS, "type.string", 2, 11 },
	{ "fettle: 1\nenv: { A: }\n" STEPS, "type.string", 2, 11 },
	{ "fettle: 1\nsteps:\n  - id: a\n    uses: build/x\n    env: { LD_PRELOAD: x "
	  "}\n",
	  "env.denied", 5, 12 },
	/* inputs */
	{ "fettle: 1\ninputs: []\n" STEPS, "type.map", 2, 9 },
	{ "fettle: 1\ninputs: { a: { type: text } }\n" STEPS, "type.choice", 2, 22 },
	{ "fettle: 1\ninputs: { a: { kind: int } }\n" STEPS, "key.unknown", 2, 16 },
	{ "fettle: 1\ninputs: { a.b: { type: int } }\n" STEPS, "id.grammar", 2, 11 },
	{ "fettle: 1\ninputs: { a: { required: yes } }\n" STEPS, "type.bool", 2, 26 },
	{ "fettle: 1\ninputs: { a: { type: int, default: x } }\n" STEPS, "type.int", 2,
	  36 },
	{ "fettle: 1\ninputs: { a: { type: service }, b: { type: service } }\n" STEPS,
	  "input.duplicate_service", 2, 33 },
	/* if, continue_on_error, retry */
	{ "fettle: 1\nsteps:\n  - { id: a, uses: build/x, if: }\n", "type.string", 3,
	  33 },
	{ "fettle: 1\nsteps:\n  - { id: a, uses: build/x, if: '${{ a' }\n",
	  "template.syntax", 3, 33 },
	{ RETRY("true"), "type.map", 3, 36 },
	{ RETRY("{ backoff: 1s }"), "key.missing", 3, 36 },
	{ RETRY("{ attempts: 11 }"), "type.range", 3, 48 },
	{ RETRY("{ attempts: x }"), "type.int", 3, 48 },
	{ RETRY("{ attempts: [2] }"), "type.string", 3, 48 },
	{ RETRY("{ attempts: 2, tries: 3 }"), "key.unknown", 3, 51 },
	{ RETRY("{ attempts: 2, backoff: 5 }"), "type.duration", 3, 60 },
	{ RETRY("{ attempts: 2, backoff: 2s, max: 1s }"), "type.range", 3, 69 },
	{ RETRY("{ attempts: 2, on: all }"), "type.choice", 3, 55 },
	/* the rest */
	{ "fettle: 1\nname: [x]\n" STEPS, "type.string", 2, 7 },
	{ "fettle: 1\ndescription: {}\n" STEPS, "type.string", 2, 14 },
};

START_TEST(a_wrong_pipeline_is_refused_at_its_place)
{
	const char *text = refusals[_i].text;
	struct err err = { "" };

	ck_assert_msg(pipeline_parse(text, strlen(text), "p.yaml", &err) == NULL,
		      "%s was taken", text);
	expect_err(text, &err, refusals[_i].code, refusals[_i].line,
		   refusals[_i].column);
	ck_assert_str_eq(err.file, "p.yaml");
}
END_TEST

static struct pipeline *
parse(const char *text)
{
	struct err err = { "" };
	struct pipeline *p = pipeline_parse(text, strlen(text), "dir/p.yaml", &err);

	ck_assert_msg(p != NULL, "%s: %s", text, err.text);
	return p;
}

START_TEST(a_pipeline_is_read)
{
	struct pipeline *p =
		parse("fettle: 1\nname: mend\ndescription: text\n"
		      "env: { A: no, B: '1' }\n"
		      "policies: [{ uses: allow-list }, { uses: x, with: { a: b } }]\n"
		      "finally:\n  - { id: tell, uses: build/command }\n"
		      "on_failure:\n  - { id: back, uses: rollback/compose }\n"
		      "steps:\n"
		      "  - id: build\n"
		      "    uses: build/compose\n"
		      "    with: { a: b }\n"
		      "    env: { C: '${{ inputs.x }}' }\n"
		      "    timeout: 5m\n"
		      "    idle_timeout: 90s\n"
		      "    irreversible: true\n"
		      "  - { id: r, uses: restart/compose, with: }\n");

	ck_assert_str_eq(p->name, "mend");
	ck_assert_str_eq(p->description, "text");
	ck_assert_str_eq(p->file, "dir/p.yaml");
	ck_assert_uint_eq(strlen(p->sha256), 64);
	expect_json("env", json_incref(p->env), "{\"A\":\"no\",\"B\":\"1\"}");
	ck_assert_uint_eq(p->policy_count, 2);
	ck_assert_str_eq(p->policies[1].uses, "x");
	ck_assert_ptr_null(p->policies[0].with);
	ck_assert_uint_eq(p->policies[1].with->count, 1);
	ck_assert_uint_eq(p->step_count, 4);
	ck_assert_str_eq(p->steps[0].id, "build");
	ck_assert_str_eq(p->steps[0].uses, "build/compose");
	ck_assert_uint_eq(p->steps[0].timeout_ms, 300000);
	ck_assert_uint_eq(p->steps[0].idle_timeout_ms, 90000);
	ck_assert(p->steps[0].is_irreversible);
	expect_json("env of a step", json_incref(p->steps[0].env),
		    "{\"C\":\"${{ inputs.x }}\"}");
	ck_assert_uint_eq(p->steps[0].with->line, 13);
	ck_assert_uint_eq(p->steps[1].timeout_ms, 0);
	ck_assert(!p->steps[1].is_irreversible);
	ck_assert_ptr_null(p->steps[1].with);
	ck_assert_ptr_null(p->steps[1].env);
	pipeline_free(p);
}
END_TEST

START_TEST(the_course_of_a_step_is_read)
{
	struct pipeline *p =
		parse("fettle: 1\nsteps:\n"
		      "  - { id: a, uses: build/x }\n"
		      "  - { id: b, uses: build/x, if: '${{ inputs.x }}', "
		      "continue_on_error: true, retry: { attempts: 10 } }\n"
		      "  - { id: c, uses: build/x, if: true, retry: { attempts: 2, "
		      "backoff: 250ms, max: 2m, on: any } }\n"
		      "  - { id: d, uses: build/x, retry: { attempts: 2, backoff: 2m, "
		      "on: transient } }\n");
	const struct retry *retry = &p->steps[2].retry;

	ck_assert_ptr_null(p->steps[0].condition);
	ck_assert(!p->steps[0].continue_on_error);
	ck_assert_uint_eq(p->steps[0].retry.attempts, 0);
	ck_assert_str_eq(p->steps[1].condition, "${{ inputs.x }}");
	ck_assert(p->steps[1].continue_on_error);
	ck_assert_uint_eq(p->steps[1].retry.attempts, 10);
	ck_assert_uint_eq(p->steps[1].retry.backoff_ms, 1000);
	ck_assert_uint_eq(p->steps[1].retry.max_ms, 60000);
	ck_assert(!p->steps[1].retry.on_any);
	ck_assert_str_eq(p->steps[2].condition, "true");
	ck_assert(retry->attempts == 2 && retry->backoff_ms == 250 &&
		  retry->max_ms == 120000 && retry->on_any);
	ck_assert(!p->steps[3].retry.on_any);
	ck_assert_uint_eq(p->steps[3].retry.max_ms, 120000);
	pipeline_free(p);
}
END_TEST

START_TEST(sections_stand_in_order)
{
	struct pipeline *p = parse("finally: [{ id: c, uses: a/b }]\n"
				   "on_failure: [{ id: b, uses: a/b }]\nfettle: "
				   "1\n" STEPS);

	ck_assert_str_eq(p->steps[0].id, "a");
	ck_assert_int_eq(p->steps[0].section, SECTION_STEPS);
	ck_assert_str_eq(p->steps[1].id, "b");
	ck_assert_int_eq(p->steps[1].section, SECTION_ON_FAILURE);
	ck_assert_str_eq(p->steps[2].id, "c");
	ck_assert_int_eq(p->steps[2].section, SECTION_FINALLY);
	ck_assert_str_eq(section_name(SECTION_ON_FAILURE), "on_failure");
	pipeline_free(p);
}
END_TEST

START_TEST(a_pipeline_without_a_name_has_its_files)
{
	struct pipeline *p = parse("fettle: 1\n" STEPS);

	ck_assert_str_eq(p->name, "p");
	pipeline_free(p);
}
END_TEST

START_TEST(the_built_in_pipeline_repairs_a_service)
{
	const char *text = pipeline_builtin("repair");
	struct pipeline *p = parse(text);

	ck_assert_str_eq(p->name, "repair");
	ck_assert_uint_eq(p->step_count, 6);
	ck_assert_str_eq(p->steps[5].uses, "rollback/compose");
	ck_assert_int_eq(p->steps[5].section, SECTION_ON_FAILURE);
	ck_assert(pipeline_has_input(p, INPUT_SERVICE));
	ck_assert(pipeline_has_input(p, INPUT_STRING));
	ck_assert(!pipeline_has_input(p, INPUT_INT));
	ck_assert_ptr_null(pipeline_builtin("repare"));
	pipeline_free(p);
}
END_TEST

START_TEST(a_missing_file_is_said_to_be_missing)
{
	struct err err = { "" };

	ck_assert_ptr_null(pipeline_load("/nonexistent/p.yaml", &err));
	expect_err("missing", &err, "file.missing", 0, 0);
}
END_TEST

#define INPUTS                                                                         \
	"fettle: 1\nname: mend\ninputs:\n"                                             \
	"  text: { type: string, required: true }\n"                                   \
	"  tries: { type: int, default: 3 }\n"                                         \
	"  force: { type: bool }\n"                                                    \
	"  service: { type: service }\n"                                               \
	"  note:\n" STEPS

static const struct {
	const char *given, *want; /* want: JSON, or a code */
	bool is_refused;
} input_cases[] = {
	{ "{'text': 'x'}",
	  "{\"force\":false,\"note\":\"\",\"service\":\"\",\"text\":\"x\",\"tries\":3}",
	  false },
	{ "{'text': 'no', 'tries': '-1', 'force': 'true', 'service': 'api', 'note': "
	  "'7'}",
	  "{\"force\":true,\"note\":\"7\",\"service\":\"api\",\"text\":\"no\","
	  "\"tries\":-1}",
	  false },
	{ "{}", "input.required", true },
	{ "{'text': 'x', 'trise': '1'}", "input.unknown", true },
	{ "{'text': 'x', 'tries': 'many'}", "type.int", true },
	{ "{'text': 'x', 'tries': '9223372036854775808'}", "type.range", true },
	{ "{'text': 'x', 'force': 'yes'}", "type.bool", true },
	{ "{'text': 5, 'tries': 2, 'force': true}",
	  "{\"force\":true,\"note\":\"\",\"service\":\"\",\"text\":\"5\",\"tries\":2}",
	  false },
	{ "{'text': [5]}", "type.string", true },
	{ "{'text': 'x', 'force': 1}", "type.bool", true },
	{ "{'text': 'x', 'service': 'api;id'}", "service.grammar", true },
	{ "{'text': 'x', 'service': '--project-directory=/'}", "service.grammar",
	  true },
	{ "{'text': 'x', 'service': '-f'}", "service.grammar", true },
	{ "{'text': 'x', 'service': 'a b'}", "service.grammar", true },
};

START_TEST(inputs_are_typed)
{
	struct pipeline *p = parse(INPUTS);
	AUTO(json_ref) json_t *given = json_of(input_cases[_i].given);
	struct err err = { "" };
	json_t *got = pipeline_type_inputs(p, given, &err);

	if (input_cases[_i].is_refused) {
		ck_assert_msg(got == NULL, "%s was taken", input_cases[_i].given);
		expect_err(input_cases[_i].given, &err, input_cases[_i].want, 0, 0);
	} else {
		expect_json(input_cases[_i].given, got, input_cases[_i].want);
	}
	pipeline_free(p);
}
END_TEST

#define ONE(input) "fettle: 1\nname: p\ninputs:\n  i: { " input " }\n" STEPS

/* want: the value as JSON, or a code; given: text, NULL for none. */
static const struct {
	const char *input, *given, *want;
} type_cases[] = {
	{ "type: string", NULL, "''" },
	{ "type: string, default: no", NULL, "'no'" },
	{ "type: string, min: 2, max: 3", "ab", "'ab'" },
	{ "type: string, min: 2, max: 3", "a", "type.range" },
	{ "type: string, min: 2, max: 3", "\xc3\xa9t\xc3\xa9s", "type.range" },
	{ "type: string", "${{ secrets.X }}", "'${{ secrets.X }}'" },
	{ "type: bool", NULL, "false" },
	{ "type: bool, default: true", NULL, "true" },
	{ "type: bool", "yes", "type.bool" },
	{ "type: bool", "", "type.bool" },
	{ "type: int", NULL, "0" },
	{ "type: int, default: -7", NULL, "-7" },
	{ "type: int", "1.5", "type.int" },
	{ "type: int", "", "type.int" },
	{ "type: int, min: 1, max: 9", "0", "type.range" },
	{ "type: int, min: 1", "10", "10" },
	{ "type: real", NULL, "0.0" },
	{ "type: real, default: 0.5", NULL, "0.5" },
	{ "type: real", "1e3", "type.real" },
	{ "type: real, max: 1.5", "1.6", "type.range" },
	{ "type: choice, choices: [a, b]", NULL, "''" },
	{ "type: choice, choices: [a, b], default: b", NULL, "'b'" },
	{ "type: choice, choices: [a, b]", "c", "param.choice" },
	{ "type: duration", NULL, "0" },
	{ "type: duration, default: 5m30s", NULL, "330000" },
	{ "type: duration", "5", "type.duration" },
	{ "type: duration, max: 1m", "61s", "type.range" },
	{ "type: size", NULL, "0" },
	{ "type: size, default: 64KiB", NULL, "65536" },
	{ "type: size", "64kb", "type.size" },
	{ "type: path", NULL, "''" },
	{ "type: path, default: api/Dockerfile", NULL, "'api/Dockerfile'" },
	{ "type: path", "../x", "path.invalid" },
	{ "type: path", "", "path.invalid" },
	{ "type: list", NULL, "[]" },
	{ "type: list, default: [a, 1]", NULL, "['a','1']" },
	{ "type: list", "[a, 'b c']", "['a','b c']" },
	{ "type: list", "a", "type.list" },
	{ "type: list", "{ a: b }", "type.list" },
	{ "type: list", "[a, [b]]", "type.string" },
	{ "type: list", "[a", "yaml.syntax" },
	{ "type: list", "${{ run.id }}", "template.position" },
	{ "type: list", "['${{ run.id }}']", "['${{ run.id }}']" },
	{ "type: map", NULL, "{}" },
	{ "type: map, default: { A: no }", NULL, "{'A':'no'}" },
	{ "type: map", "{ A: 1, B: x }", "{'A':'1','B':'x'}" },
	{ "type: map", "[a]", "type.map" },
	{ "type: map", "x\nA: 1", "yaml.syntax" },
	{ "type: json", NULL, "null" },
	{ "type: json, default: { a: [1, true] }", NULL, "{'a':[1,true]}" },
	{ "type: json", "{'a': [1, {'b': 'c'}]}", "{'a':[1,{'b':'c'}]}" },
	{ "type: json", "{ a: 1, a: 2 }", "yaml.duplicate_key" },
	{ "type: service", NULL, "''" },
	{ "type: service, default: api", NULL, "'api'" },
	{ "type: service", "a b", "service.grammar" },
	{ "required: true", NULL, "input.required" },
	{ "required: true", "", "''" },
};

START_TEST(inputs_have_every_type)
{
	AUTO_FREE char *text = x_asprintf(ONE("%s"), type_cases[_i].input);
	AUTO(json_ref) json_t *given = json_object();
	struct pipeline *p = parse(text);
	struct err err = { "" };
	json_t *got;

	if (type_cases[_i].given != NULL)
		json_object_set_new(given, "i", json_string(type_cases[_i].given));
	got = pipeline_type_inputs(p, given, &err);
	if (got == NULL) {
		expect_err(text, &err, type_cases[_i].want, 0, 0);
		ck_assert_msg(strstr(err.text, "input 'i'") != NULL ||
				      strstr(err.text, "needs the input") != NULL,
			      "%s", err.text);
	} else {
		AUTO_FREE char *want = x_asprintf("{'i':%s}", type_cases[_i].want);
		AUTO(json_ref) json_t *json = json_of(want);
		AUTO_FREE char *canonical = json_canonical(json);

		expect_json(text, got, canonical);
	}
	pipeline_free(p);
}
END_TEST

static const struct {
	const char *input, *code;
	uint32_t column;
} input_refusals[] = {
	{ "type: text", "type.choice", 14 },
	{ "type: secret", "type.choice", 14 },
	{ "typ: int", "key.unknown", 8 },
	{ "type: int, default: x", "type.int", 28 },
	{ "type: int, default: [1]", "type.int", 28 },
	{ "type: int, default:", "type.int", 28 },
	{ "type: int, min: 1, max: 3, default: 4", "type.range", 44 },
	{ "type: bool, default: yes", "type.bool", 29 },
	{ "type: choice", "key.missing", 6 },
	{ "type: choice, choices: []", "type.list", 31 },
	{ "type: choice, choices: [a, 'b|c']", "type.choice", 35 },
	{ "type: choice, choices: [a], default: b", "param.choice", 45 },
	{ "type: int, choices: [1]", "key.conflict", 28 },
	{ "type: list, min: 1", "type.range", 25 },
	{ "type: service, max: 1", "type.range", 28 },
	{ "type: int, min: x", "type.range", 24 },
	{ "type: duration, max: 5", "type.range", 29 },
	{ "type: path, default: /etc", "path.invalid", 29 },
	{ "type: service, default: -f", "service.grammar", 32 },
	{ "default: '${{ run.id }}'", "template.position", 17 },
	{ "type: list, default: ['${{ run.id }}']", "template.position", 29 },
	{ "required: 1", "type.bool", 18 },
};

START_TEST(a_wrong_input_is_refused_at_its_place)
{
	AUTO_FREE char *text = x_asprintf(ONE("%s"), input_refusals[_i].input);
	struct err err = { "" };

	ck_assert_msg(pipeline_parse(text, strlen(text), "p.yaml", &err) == NULL,
		      "%s was taken", text);
	expect_err(text, &err, input_refusals[_i].code, 4, input_refusals[_i].column);
}
END_TEST

START_TEST(an_unknown_input_is_named_with_the_nearest)
{
	struct pipeline *p = parse(INPUTS);
	AUTO(json_ref) json_t *given = json_of("{'text': 'x', 'trise': '1'}");
	struct err err = { "" };

	ck_assert_ptr_null(pipeline_type_inputs(p, given, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "'tries'"));
	ck_assert_ptr_nonnull(strstr(err.remedy, "text, tries, force, service, note"));
	pipeline_free(p);
}
END_TEST

static const struct {
	const char *name, *code; /* NULL: taken */
} env_cases[] = {
	{ "LD_PRELOAD", "env.denied" },
	{ "LD_LIBRARY_PATH", "env.denied" },
	{ "LD_", "env.denied" },
	{ "PATH", "env.denied" },
	{ "BASH_ENV", "env.denied" },
	{ "GIT_SSH_COMMAND", "env.denied" },
	{ "DOCKER_HOST", "env.denied" },
	{ "DOCKER_CONTEXT", "env.denied" },
	{ "COMPOSE_FILE", "env.denied" },
	{ "COMPOSE_PROJECT_NAME", "env.denied" },
	{ "FETTLE_ATTEMPT", "env.denied" },
	{ "GLIBC_TUNABLES", "env.denied" },
	{ "A=B", "env.name" },
	{ "", "env.name" },
	{ "1A", "env.name" },
	{ "A-B", "env.name" },
	{ "A B", "env.name" },
	{ "\xc3\xa9", "env.name" },
	{ "PATHS", NULL },
	{ "DB_PASSWORD", NULL },
	{ "_x9", NULL },
	{ "LDAP_URL", NULL },
	{ "DOCKER_BUILDKIT", NULL },
};

START_TEST(variables_that_change_what_runs_are_denied)
{
	struct err err = { "" };
	int result = env_check_name(env_cases[_i].name, &err);

	ck_assert_int_eq(result, env_cases[_i].code ? -1 : 0);
	expect_err(env_cases[_i].name, &err,
		   env_cases[_i].code ? env_cases[_i].code : "", 0, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-pipeline");
	TCase *pipeline = tcase_create("pipeline"), *inputs = tcase_create("inputs");

	tcase_add_loop_test(pipeline, a_wrong_pipeline_is_refused_at_its_place, 0,
			    ARRAY_LEN(refusals));
	tcase_add_loop_test(pipeline, variables_that_change_what_runs_are_denied, 0,
			    ARRAY_LEN(env_cases));
	tcase_add_test(pipeline, a_missing_file_is_said_to_be_missing);
	tcase_add_test(pipeline, a_pipeline_is_read);
	tcase_add_test(pipeline, sections_stand_in_order);
	tcase_add_test(pipeline, the_course_of_a_step_is_read);
	tcase_add_test(pipeline, a_pipeline_without_a_name_has_its_files);
	tcase_add_test(pipeline, the_built_in_pipeline_repairs_a_service);
	suite_add_tcase(suite, pipeline);
	tcase_add_loop_test(inputs, inputs_are_typed, 0, ARRAY_LEN(input_cases));
	tcase_add_loop_test(inputs, inputs_have_every_type, 0, ARRAY_LEN(type_cases));
	tcase_add_loop_test(inputs, a_wrong_input_is_refused_at_its_place, 0,
			    ARRAY_LEN(input_refusals));
	tcase_add_test(inputs, an_unknown_input_is_named_with_the_nearest);
	suite_add_tcase(suite, inputs);
	return unit_run(suite);
}
