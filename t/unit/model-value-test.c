/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptions of modules and the parameters they take. */
#include "model.h"

#include <fettle/plugin.h>

#include "model/description.h"
#include "model/value.h"

/* A step with one parameter of each type; `p` is put in its place by the tests. */
#define STEP_HEAD                                                                      \
	"{'kind':'step','name':'build/test','version':'1','summary':'s','stage':8,"    \
	"'flags':2,'effects':['image'],'undoes':[],'callbacks':['check','run'],"
#define STEP_TAIL ",'outputs':[{'name':'id','type':4,'flags':0,'help':'h'}]}"

static struct description *
describe(const char *params)
{
	AUTO_FREE char *text = x_asprintf(STEP_HEAD "'params':%s" STEP_TAIL, params);
	AUTO(json_ref) json_t *json = json_of(text);
	struct err err = { "" };
	struct description *d = description_new(json, &err);

	ck_assert_msg(d != NULL, "%s: %s", text, err.text);
	return d;
}

static struct description *
describe_one(uint32_t type, uint32_t flags, const char *accept)
{
	AUTO_FREE char *quoted = accept ? x_asprintf("'%s'", accept) : x_strdup("null");
	AUTO_FREE char *text = x_asprintf("[{'name':'p','type':%u,'flags':%u,'preset':"
					  "null,'accept':%s,'help':'h'}]",
					  type, flags, quoted);

	return describe(text);
}

static const char *const bad_descriptions[] = {
	"[]",
	"{}",
	"{'kind':'thing','name':'build/x','stage':8,'flags':0}",
	"{'kind':'step','name':'../x','stage':8,'flags':0}",
	"{'kind':'step','name':'x','stage':8,'flags':0}",
	"{'kind':'step','name':'','stage':8,'flags':0}",
	"{'kind':'step','name':'build/X','stage':8,'flags':0}",
	"{'kind':'policy','name':'build/x','stages':8,'flags':0}",
	"{'kind':'step','name':'build/x','stage':9,'flags':0}",
	"{'kind':'step','name':'build/x','stage':0,'flags':0}",
	"{'kind':'step','name':'build/x','stage':512,'flags':0}",
	"{'kind':'step','name':'build/x','stage':'build','flags':0}",
	"{'kind':'step','name':'build/x','stage':8}",
	"{'kind':'step','name':'build/x','stage':8,'flags':-1}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'callbacks':['judge']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'callbacks':['fly']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'callbacks':'run'}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':[1]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'undoes':['']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':4,'accept':'git-reff'}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':9,'accept':'git-ref'}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a ']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a b']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a =b']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a p=b']}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a p=b'],"
	"'params':[{'name':'p','type':4}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a p=b|d'],"
	"'params':[{'name':'p','type':5,'accept':'b|c'}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a p='],"
	"'params':[{'name':'p','type':5,'accept':'b|c'}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':['a p=yes'],"
	"'params':[{'name':'p','type':1}]}",
	"{'kind':'policy','name':'x','stages':8,'flags':0,'callbacks':[]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':{}}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':[1]}",
	"{'kind':'step','name':'build/"
	"x','stage':8,'flags':0,'params':[{'name':'P','type':4}]}",
	"{'kind':'step','name':'build/"
	"x','stage':8,'flags':0,'params':[{'name':'p','type':0}]}",
	"{'kind':'step','name':'build/"
	"x','stage':8,'flags':0,'params':[{'name':'p','type':13}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':4},{'name':'p','type':1}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':2,'preset':'many'}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':2,'accept':'1..2','preset':'3'}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':2,'accept':'few'}]}",
	"{'kind':'step','name':'build/"
	"x','stage':8,'flags':0,'params':[{'name':'p','type':5}]}",
	"{'kind':'step','name':'build/x','stage':8,'flags':0,'params':"
	"[{'name':'p','type':10,'accept':'1..2'}]}",
};

START_TEST(a_description_of_another_form_is_refused)
{
	AUTO(json_ref) json_t *json = json_of(bad_descriptions[_i]);
	struct err err = { "" };

	ck_assert_msg(description_new(json, &err) == NULL, "%s", bad_descriptions[_i]);
	expect_err(bad_descriptions[_i], &err, "plugin.description", 0, 0);
}
END_TEST

/* Parameters -> the kinds that are possible. */
static const struct {
	const char *with, *kinds;
} effect_cases[] = {
	{ "{'how':'a','dry':true}", "always" },
	{ "{'how':'b','dry':true}", "always some" },
	{ "{'how':'c','dry':false}", "always some wet" },
	{ "{'how':'a','dry':false}", "always wet" },
	{ "{'how':'${{ inputs.x }}','dry':true}", "always some" },
	{ "{'how':'a','dry':'${{ inputs.x }}'}", "always wet" },
	{ "{}", "always some wet" },
};

START_TEST(effects_depend_on_parameters)
{
	AUTO(json_ref) json_t *json = json_of(
		"{'kind':'step','name':'build/x','stage':8,'flags':0,'effects':["
		"'always','some how=b','some how=c','wet dry=false'],'params':["
		"{'name':'how','type':5,'accept':'a|b|c','help':'h'},"
		"{'name':'dry','type':1,'help':'h'}]}");
	AUTO(json_ref) json_t *with = json_of(effect_cases[_i].with);
	AUTO(strv) struct strv kinds = STRV_INIT;
	AUTO(str) struct str text = STR_INIT;
	struct err err = { "" };
	struct description *d = description_new(json, &err);

	ck_assert_msg(d != NULL, "%s", err.text);
	description_effects(d, with, &kinds);
	for (size_t i = 0; i < kinds.count; i++)
		str_addf(&text, "%s%s", i > 0 ? " " : "", kinds.v[i]);
	ck_assert_str_eq(str_get(&text), effect_cases[_i].kinds);
	description_free(d);
}
END_TEST

START_TEST(a_description_is_read)
{
	struct description *d = describe("[{'name':'p','type':6,'flags':1,'help':'how "
					 "long'}]");

	ck_assert(!d->is_policy);
	ck_assert_str_eq(d->name, "build/test");
	ck_assert_uint_eq(d->stages, FETTLE_BUILD);
	ck_assert_uint_eq(d->flags, FETTLE_DOCKER);
	ck_assert_uint_eq(d->callbacks, CALLBACK_CHECK | CALLBACK_RUN);
	ck_assert_str_eq(d->effects[0].kind, "image");
	ck_assert_uint_eq(d->undoes.count, 0);
	ck_assert_uint_eq(d->param_count, 1);
	ck_assert_uint_eq(d->params[0].type, FETTLE_DURATION);
	ck_assert_str_eq(d->params[0].help, "how long");
	ck_assert_str_eq(d->outputs[0].name, "id");
	description_free(d);
}
END_TEST

START_TEST(stages_have_names)
{
	for (uint32_t bit = FETTLE_PROJECT; bit <= FETTLE_CONTROL; bit <<= 1)
		ck_assert_uint_eq(stage_find(stage_name(bit)), bit);
	ck_assert_str_eq(stage_name(FETTLE_PATCH), "patch");
	ck_assert_str_eq(stage_name(FETTLE_PATCH | FETTLE_BUILD), "");
	ck_assert_str_eq(stage_name(0), "");
	ck_assert_uint_eq(stage_find("paint"), 0);
	ck_assert_str_eq(param_type_name(FETTLE_SIZE), "size");
	ck_assert_str_eq(param_type_name(99), "");
}
END_TEST

/* `with: { p: VALUE }` for one parameter. want: JSON, or the code of the refusal. */
static const struct {
	uint32_t type, flags;
	const char *accept, *value, *want;
	uint32_t column; /* of the refusal on line 1, `p: ` before it; 0: taken */
} with_cases[] = {
	{ FETTLE_BOOL, 0, NULL, "true", "true", 0 },
	{ FETTLE_BOOL, 0, NULL, "'false'", "false", 0 },
	{ FETTLE_BOOL, 0, NULL, "yes", "type.bool", 4 },
	{ FETTLE_BOOL, 0, NULL, "", "type.bool", 3 },
	{ FETTLE_BOOL, 0, NULL, "[true]", "type.bool", 4 },
	{ FETTLE_INT, 0, NULL, "42", "42", 0 },
	{ FETTLE_INT, 0, NULL, "\"-7\"", "-7", 0 },
	{ FETTLE_INT, 0, NULL, "0x10", "type.int", 4 },
	{ FETTLE_INT, 0, NULL, "1_000", "type.int", 4 },
	{ FETTLE_INT, 0, NULL, "1.5", "type.int", 4 },
	{ FETTLE_INT, 0, NULL, "9223372036854775808", "type.range", 4 },
	{ FETTLE_INT, 0, "1..9", "9", "9", 0 },
	{ FETTLE_INT, 0, "1..9", "10", "type.range", 4 },
	{ FETTLE_INT, 0, "1..9", "0", "type.range", 4 },
	{ FETTLE_INT, 0, "-5..", "-5", "-5", 0 },
	{ FETTLE_INT, 0, "-5..", "-6", "type.range", 4 },
	{ FETTLE_INT, 0, "..9", "-900", "-900", 0 },
	{ FETTLE_STRING, 0, "git-ref", "main", "\"main\"", 0 },
	{ FETTLE_STRING, 0, "git-ref", "--output=x", "ref.grammar", 4 },
	{ FETTLE_STRING, 0, "git-ref", "'${{ inputs.x }}'", "\"${{ inputs.x }}\"", 0 },
	{ FETTLE_REAL, 0, NULL, "0.5", "0.5", 0 },
	{ FETTLE_REAL, 0, NULL, "-2", "-2.0", 0 },
	{ FETTLE_REAL, 0, NULL, ".nan", "type.real", 4 },
	{ FETTLE_REAL, 0, NULL, "1e9", "type.real", 4 },
	{ FETTLE_REAL, 0, "0..1", "1.1", "type.range", 4 },
	{ FETTLE_STRING, 0, NULL, "no", "\"no\"", 0 },
	{ FETTLE_STRING, 0, NULL, "1.10", "\"1.10\"", 0 },
	{ FETTLE_STRING, 0, NULL, "\"\"", "\"\"", 0 },
	{ FETTLE_STRING, 0, NULL, "~", "type.string", 4 },
	{ FETTLE_STRING, 0, NULL, "{ a: b }", "type.string", 4 },
	{ FETTLE_STRING, 0, "2..3", "\"\xc3\xa9\xc3\xa9\xc3\xa9\"",
	  "\"\xc3\xa9\xc3\xa9\xc3\xa9\"", 0 },
	{ FETTLE_STRING, 0, "2..3", "a", "type.range", 4 },
	{ FETTLE_STRING, 0, "2..3", "abcd", "type.range", 4 },
	{ FETTLE_CHOICE, 0, "auto|container|build", "build", "\"build\"", 0 },
	{ FETTLE_CHOICE, 0, "auto|container|build", "biuld", "param.choice", 4 },
	{ FETTLE_CHOICE, 0, "auto|container|build", "auto|container", "param.choice",
	  4 },
	{ FETTLE_DURATION, 0, NULL, "5m30s", "330000", 0 },
	{ FETTLE_DURATION, 0, NULL, "0s", "0", 0 },
	{ FETTLE_DURATION, 0, NULL, "5 m", "type.duration", 4 },
	{ FETTLE_DURATION, 0, NULL, "5", "type.duration", 4 },
	{ FETTLE_DURATION, 0, "1s..1h", "999ms", "type.range", 4 },
	{ FETTLE_DURATION, 0, "1s..1h", "61m", "type.range", 4 },
	{ FETTLE_SIZE, 0, NULL, "64KiB", "65536", 0 },
	{ FETTLE_SIZE, 0, NULL, "64kb", "type.size", 4 },
	{ FETTLE_SIZE, 0, NULL, "99999999999GiB", "type.range", 4 },
	{ FETTLE_SIZE, 0, "..1MiB", "2MiB", "type.range", 4 },
	{ FETTLE_PATH, 0, NULL, "api/Dockerfile", "\"api/Dockerfile\"", 0 },
	{ FETTLE_PATH, 0, NULL, "../x", "path.invalid", 4 },
	{ FETTLE_PATH, 0, NULL, "/etc/passwd", "path.invalid", 4 },
	{ FETTLE_LIST, 0, NULL, "[a, 1, no]", "[\"a\",\"1\",\"no\"]", 0 },
	{ FETTLE_LIST, 0, NULL, "[]", "[]", 0 },
	{ FETTLE_LIST, 0, NULL, "a", "type.list", 4 },
	{ FETTLE_LIST, 0, NULL, "{ a: b }", "type.list", 4 },
	{ FETTLE_LIST, 0, NULL, "[a, [b]]", "type.string", 8 },
	{ FETTLE_LIST, 0, NULL, "[a, ~]", "type.string", 8 },
	{ FETTLE_LIST, 0, NULL, "[\"x${{ inputs.a }}\", b]",
	  "[\"x${{ inputs.a }}\",\"b\"]", 0 },
	{ FETTLE_LIST, 0, NULL, "${{ steps.a.outputs.b }}",
	  "\"${{ steps.a.outputs.b }}\"", 0 },
	{ FETTLE_MAP, 0, NULL, "{ A: 1, B: x }", "{\"A\":\"1\",\"B\":\"x\"}", 0 },
	{ FETTLE_MAP, 0, NULL, "[a]", "type.map", 4 },
	{ FETTLE_MAP, 0, NULL, "{ A: [x] }", "type.string", 9 },
	{ FETTLE_JSON, 0, NULL, "{ a: [1, true, no] }", "{\"a\":[1,true,\"no\"]}", 0 },
	{ FETTLE_JSON, 0, NULL, "${{ inputs.a }}", "\"${{ inputs.a }}\"", 0 },
	{ FETTLE_SECRET, 0, NULL, "DB_PASSWORD", "\"DB_PASSWORD\"", 0 },
	{ FETTLE_SECRET, 0, NULL, "a-b", "secret.name", 4 },
	{ FETTLE_SECRET, 0, NULL, "${{ secrets.A }}", "template.position", 4 },
	{ FETTLE_INT, 0, NULL, "${{ inputs.n }}", "\"${{ inputs.n }}\"", 0 },
	{ FETTLE_PATH, 0, NULL, "api/${{ inputs.n }}", "\"api/${{ inputs.n }}\"", 0 },
};

START_TEST(parameters_are_typed)
{
	struct description *d = describe_one(with_cases[_i].type, with_cases[_i].flags,
					     with_cases[_i].accept);
	AUTO_FREE char *text = x_asprintf("p: %s", with_cases[_i].value);
	struct err err = { "" };
	AUTO(node) struct node *with = NULL;
	AUTO(json_ref) json_t *got = NULL;

	with = node_parse(text, strlen(text), "test.yaml", &err);
	ck_assert_msg(with != NULL, "%s: %s", text, err.text);
	got = description_type_with(d, with, "test.yaml", &err);
	if (with_cases[_i].column == 0) {
		ck_assert_msg(got != NULL, "%s: %s", text, err.text);
		expect_json(text, json_incref(json_object_get(got, "p")),
			    with_cases[_i].want);
	} else {
		ck_assert_msg(got == NULL, "%s was taken", text);
		expect_err(text, &err, with_cases[_i].want, 1, with_cases[_i].column);
		ck_assert_str_eq(err.file, "test.yaml");
	}
	description_free(d);
}
END_TEST

static const struct {
	const char *argv;
	const char *code; /* NULL: taken */
	uint32_t column;
} program_cases[] = {
	{ "[sh, -c, 'echo ${{ inputs.x }}']", "template.shell", 13 },
	{ "[sh, -lc, 'echo ${{ inputs.x }}']", "template.shell", 14 },
	{ "[sh, '-cecho ${{ inputs.x }}']", "template.shell", 9 },
	{ "[/bin/bash, -eu, -o, pipefail, -c, 'a ${{ inputs.x }}']", "template.shell",
	  39 },
	{ "[env, A=b, sh, -c, '${{ inputs.x }}']", "template.shell", 23 },
	{ "[timeout, 5s, bash, -c, '${{ inputs.x }}']", "template.shell", 28 },
	{ "[python3, -c, 'print(${{ inputs.x }})']", "template.shell", 18 },
	{ "[python3.11, -W, ignore, -c, '${{ inputs.x }}']", "template.shell", 33 },
	{ "[perl, -ne, '${{ inputs.x }}']", "template.shell", 16 },
	{ "[node, --eval, '${{ inputs.x }}']", "template.shell", 19 },
	{ "[node, '--eval=${{ inputs.x }}']", "template.shell", 11 },
	{ "[ssh, host, 'ls ${{ inputs.x }}']", "template.shell", 16 },
	{ "[awk, '{ print ${{ inputs.x }} }', file]", "template.shell", 10 },
	{ "[sh, '${{ inputs.x }}']", "template.shell", 9 },
	{ "[sh, '-${{ inputs.x }}', '${{ inputs.y }}']", "template.shell", 9 },
	{ "['${{ inputs.x }}', a]", "template.position", 5 },
	{ "${{ inputs.x }}", "template.position", 4 },
	{ "[]", "type.list", 4 },
	{ "[sh, -c, 'echo \"$1\"', sh, '${{ inputs.x }}']", NULL, 0 },
	{ "[sh, -c, 'exec \"$@\"', sh, python3, -c, '${{ inputs.x }}']",
	  "template.shell", 43 },
	{ "[sh, script.sh, '${{ inputs.x }}']", NULL, 0 },
	{ "[python3, -m, tool, '${{ inputs.x }}']", NULL, 0 },
	{ "[echo, -c, '${{ inputs.x }}']", NULL, 0 },
	{ "[shred, -c, '${{ inputs.x }}']", NULL, 0 },
	{ "[sh, -c, 'echo \"$WHAT\"']", NULL, 0 },
};

START_TEST(no_reference_becomes_program_text)
{
	struct description *d = describe_one(FETTLE_LIST, FETTLE_PROGRAM, NULL);
	AUTO_FREE char *text = x_asprintf("p: %s", program_cases[_i].argv);
	struct err err = { "" };
	AUTO(node)
	struct node *with = node_parse(text, strlen(text), "test.yaml", &err);
	AUTO(json_ref) json_t *got = description_type_with(d, with, "test.yaml", &err);

	if (program_cases[_i].code == NULL) {
		ck_assert_msg(got != NULL, "%s: %s", text, err.text);
	} else {
		ck_assert_msg(got == NULL, "%s was taken", text);
		expect_err(text, &err, program_cases[_i].code, 1,
			   program_cases[_i].column);
	}
	description_free(d);
}
END_TEST

#define TWO_PARAMS                                                                     \
	"[{'name':'within','type':6,'flags':0,'preset':'2m','help':'h'},"              \
	"{'name':'edits','type':11,'flags':1,'help':'the edits'},"                     \
	"{'name':'note','type':4,'flags':0,'help':'h'}]"

START_TEST(an_unknown_parameter_is_named_with_the_nearest)
{
	struct description *d = describe(TWO_PARAMS);
	struct err err = { "" };
	AUTO(node)
	struct node *with = node_parse("edits: x\nwithn: 5s\n", 19, "f", &err);

	ck_assert_ptr_null(description_type_with(d, with, "f", &err));
	expect_err("withn", &err, "param.unknown", 2, 1);
	ck_assert_ptr_nonnull(strstr(err.text, "'within'"));
	description_free(d);
}
END_TEST

START_TEST(a_required_parameter_must_be_there)
{
	struct description *d = describe(TWO_PARAMS);
	struct err err = { "" };
	AUTO(node) struct node *with = node_parse("\nwithin: 5s\n", 12, "f", &err);

	ck_assert_ptr_null(description_type_with(d, with, "f", &err));
	expect_err("with", &err, "param.required", 2, 1);
	ck_assert_ptr_null(description_type_with(d, NULL, "f", &err));
	expect_err("no with", &err, "param.required", 0, 0);
	ck_assert_str_eq(err.file, "f");
	description_free(d);
}
END_TEST

START_TEST(presets_fill_what_is_not_given)
{
	struct description *d = describe(TWO_PARAMS);
	struct err err = { "" };
	AUTO(node) struct node *with = node_parse("edits: []\n", 10, "f", &err);

	expect_json("with", description_type_with(d, with, "f", &err),
		    "{\"edits\":[],\"within\":120000}");
	description_free(d);
}
END_TEST

static const struct {
	uint32_t type;
	const char *preset, *want;
} preset_cases[] = {
	{ FETTLE_LIST, "[a, b]", "[\"a\",\"b\"]" },
	{ FETTLE_MAP, "{ A: b }", "{\"A\":\"b\"}" },
	{ FETTLE_STRING, "", "\"\"" },
	{ FETTLE_STRING, "no", "\"no\"" },
	{ FETTLE_BOOL, "true", "true" },
	{ FETTLE_SIZE, "1MiB", "1048576" },
};

START_TEST(presets_are_written_as_yaml)
{
	struct description_param param = { .name = (char[]){ "p" },
					   .type = preset_cases[_i].type };
	AUTO_FREE char *preset = x_strdup(preset_cases[_i].preset);
	struct err err = { "" };

	param.preset = preset;
	expect_json(preset, value_preset(&param, &err), preset_cases[_i].want);
}
END_TEST

static const struct {
	uint32_t type;
	const char *value, *want; /* want: JSON, or a code */
	bool is_refused;
} known_cases[] = {
	{ FETTLE_INT, "42", "42", false },
	{ FETTLE_INT, "'42'", "42", false },
	{ FETTLE_INT, "'x'", "type.int", true },
	{ FETTLE_INT, "true", "type.int", true },
	{ FETTLE_BOOL, "false", "false", false },
	{ FETTLE_BOOL, "'true'", "true", false },
	{ FETTLE_BOOL, "1", "type.bool", true },
	{ FETTLE_REAL, "2", "2.0", false },
	{ FETTLE_STRING, "7", "\"7\"", false },
	{ FETTLE_STRING, "true", "\"true\"", false },
	{ FETTLE_STRING, "null", "type.string", true },
	{ FETTLE_STRING, "['a']", "type.string", true },
	{ FETTLE_DURATION, "5000", "5000", false },
	{ FETTLE_DURATION, "'5s'", "5000", false },
	{ FETTLE_DURATION, "-1", "type.range", true },
	{ FETTLE_SIZE, "'1KiB'", "1024", false },
	{ FETTLE_PATH, "'../x'", "path.invalid", true },
	{ FETTLE_PATH, "'a/b'", "\"a/b\"", false },
	{ FETTLE_LIST, "['a', 1, true]", "[\"a\",\"1\",\"true\"]", false },
	{ FETTLE_LIST, "[['a']]", "type.string", true },
	{ FETTLE_LIST, "'a'", "type.list", true },
	{ FETTLE_LIST, "null", "type.list", true },
	{ FETTLE_MAP, "{'A': 1}", "{\"A\":\"1\"}", false },
	{ FETTLE_MAP, "{'A': null}", "type.string", true },
	{ FETTLE_MAP, "[]", "type.map", true },
	{ FETTLE_JSON, "[{'op': 'x'}]", "[{\"op\":\"x\"}]", false },
};

START_TEST(a_value_that_became_known_is_typed)
{
	struct description_param param = { .name = (char[]){ "p" },
					   .type = known_cases[_i].type };
	AUTO(json_ref) json_t *value = json_of(known_cases[_i].value);
	struct err err = { "" };
	json_t *got = description_type_value(&param, value, &err);

	if (!known_cases[_i].is_refused) {
		expect_json(known_cases[_i].value, got, known_cases[_i].want);
		return;
	}
	ck_assert_msg(got == NULL, "%s was taken", known_cases[_i].value);
	expect_err(known_cases[_i].value, &err, known_cases[_i].want, 0, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-value");
	TCase *description = tcase_create("description"), *value = tcase_create("valu"
										"e");

	tcase_add_loop_test(description, a_description_of_another_form_is_refused, 0,
			    ARRAY_LEN(bad_descriptions));
	tcase_add_test(description, a_description_is_read);
	tcase_add_loop_test(description, effects_depend_on_parameters, 0,
			    ARRAY_LEN(effect_cases));
	tcase_add_test(description, stages_have_names);
	suite_add_tcase(suite, description);
	tcase_add_loop_test(value, no_reference_becomes_program_text, 0,
			    ARRAY_LEN(program_cases));
	tcase_add_test(value, an_unknown_parameter_is_named_with_the_nearest);
	tcase_add_test(value, a_required_parameter_must_be_there);
	tcase_add_loop_test(value, parameters_are_typed, 0, ARRAY_LEN(with_cases));
	tcase_add_test(value, presets_fill_what_is_not_given);
	tcase_add_loop_test(value, presets_are_written_as_yaml, 0,
			    ARRAY_LEN(preset_cases));
	tcase_add_loop_test(value, a_value_that_became_known_is_typed, 0,
			    ARRAY_LEN(known_cases));
	suite_add_tcase(suite, value);
	return unit_run(suite);
}
