/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pure parts of patch/apply, STAGE/command and policy allow-list. */
#include "module.h"

#include "plugins/common/outputs.h"
#include "plugins/patch/edits.h"
#include "policies/protected.h"

/* ---- edits ----------------------------------------------------------------- */

/* One file `f` before and after (NULL: there is none), or the code of the refusal. */
static const struct edit_case {
	const char *edits, *before, *after, *code;
} edit_cases[] = {
	/* add_line */
	{ "[{'op':'add_line','path':'f','line':'c'}]", "a\nb\n", "a\nb\nc\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'c'}]", "a\nb", "a\nb\nc\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'c'}]", "a\r\nb\r\n", "a\r\nb\r\nc\r\n",
	  NULL },
	{ "[{'op':'add_line','path':'f','line':'c'}]", "a\r\nb", "a\r\nb\r\nc\r\n",
	  NULL },
	{ "[{'op':'add_line','path':'f','line':'c'}]", "", "c\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'b'}]", "a\nb\n", "a\nb\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'b'}]", "a\nb", "a\nb", NULL },
	{ "[{'op':'add_line','path':'f','line':'b'}]", "a\r\nb\r\n", "a\r\nb\r\n",
	  NULL },
	{ "[{'op':'add_line','path':'f','line':'b'}]", "abc\n", "abc\nb\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'x','after':'a'}]", "a\nb\n",
	  "a\nx\nb\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'x','after':'b'}]", "a\nb", "a\nb\nx\n",
	  NULL },
	{ "[{'op':'add_line','path':'f','line':'x','after':'a'}]", "a\r\nb\r\n",
	  "a\r\nx\r\nb\r\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'x','after':'q'}]", "a\n", NULL,
	  "patch.line" },
	{ "[{'op':'add_line','path':'f','line':'x','after':'a'}]", "a\na\n", NULL,
	  "patch.line" },
	{ "[{'op':'add_line','path':'f','line':'x\\ny'}]", "a\n", NULL, "patch.line" },
	{ "[{'op':'add_line','path':'f','line':'x'}]", NULL, NULL, "patch.missing" },
	/* remove_line */
	{ "[{'op':'remove_line','path':'f','line':'b'}]", "a\nb\nc\n", "a\nc\n", NULL },
	{ "[{'op':'remove_line','path':'f','line':'b'}]", "a\r\nb\r\nc\r\n",
	  "a\r\nc\r\n", NULL },
	{ "[{'op':'remove_line','path':'f','line':'c'}]", "a\nc", "a\n", NULL },
	{ "[{'op':'remove_line','path':'f','line':'a'}]", "a\n", "", NULL },
	{ "[{'op':'remove_line','path':'f','line':'b'}]", "a\n", NULL, "patch.line" },
	{ "[{'op':'remove_line','path':'f','line':'a'}]", "a\na\n", NULL,
	  "patch.line" },
	{ "[{'op':'remove_line','path':'f','line':'a'}]", NULL, NULL, "patch.missing" },
	/* replace */
	{ "[{'op':'replace','path':'f','find':'==9','with':'==3'}]", "flask==9\n",
	  "flask==3\n", NULL },
	{ "[{'op':'replace','path':'f','find':'a\\nb','with':'x\\ny'}]", "a\r\nb\r\n",
	  "x\r\ny\r\n", NULL },
	{ "[{'op':'replace','path':'f','find':'b','with':''}]", "abc", "ac", NULL },
	{ "[{'op':'replace','path':'f','find':'q','with':''}]", "abc", NULL,
	  "patch.find" },
	{ "[{'op':'replace','path':'f','find':'a','with':''}]", "aba", NULL,
	  "patch.find" },
	{ "[{'op':'replace','path':'f','find':'aa','with':''}]", "aaa", NULL,
	  "patch.find" },
	{ "[{'op':'replace','path':'f','find':'','with':'x'}]", "aaa", NULL,
	  "patch.find" },
	{ "[{'op':'replace','path':'f','find':'a','with':'a'}]", "abc", "abc", NULL },
	/* write, create, delete */
	{ "[{'op':'write','path':'f','content':'x\\n'}]", "a\n", "x\n", NULL },
	{ "[{'op':'write','path':'f','content':'x'}]", NULL, "x", NULL },
	{ "[{'op':'write','path':'f','content':'\\r\\n'}]", "a\n", "\r\n", NULL },
	{ "[{'op':'create','path':'f','content':'x'}]", NULL, "x", NULL },
	{ "[{'op':'create','path':'f','content':'x'}]", "a", NULL, "patch.exists" },
	{ "[{'op':'delete','path':'f'}]", "a\n", NULL, NULL },
	{ "[{'op':'delete','path':'f'}]", NULL, NULL, "patch.missing" },
	/* several, each on what the one before made */
	{ "[{'op':'delete','path':'f'},{'op':'create','path':'f','content':'x'}]", "a",
	  "x", NULL },
	{ "[{'op':'add_line','path':'f','line':'b'},"
	  "{'op':'remove_line','path':'f','line':'b'}]",
	  "a\n", "a\n", NULL },
	{ "[{'op':'add_line','path':'f','line':'b'},"
	  "{'op':'replace','path':'f','find':'q','with':''}]",
	  "a\n", NULL, "patch.find" },
	{ "[]", "a\n", "a\n", NULL },
	/* form */
	{ "{}", "a\n", NULL, "patch.op" },
	{ "[{'op':'chmod','path':'f'}]", "a\n", NULL, "patch.op" },
	{ "[{'path':'f'}]", "a\n", NULL, "patch.op" },
	{ "['x']", "a\n", NULL, "patch.op" },
	{ "[{'op':'delete'}]", "a\n", NULL, "patch.op" },
	{ "[{'op':'delete','path':7}]", "a\n", NULL, "patch.op" },
	{ "[{'op':'replace','path':'f','find':'a'}]", "a\n", NULL, "patch.op" },
	{ "[{'op':'delete','path':'f','mode':'x'}]", "a\n", NULL, "patch.op" },
	{ "[{'op':'write','path':'f','content':['x']}]", "a\n", NULL, "patch.op" },
	/* paths */
	{ "[{'op':'delete','path':'../f'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':'/f'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':''}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':'a//f'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':'./f'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':'a/'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':'a\\\\f'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'delete','path':'a\\u0007'}]", "a\n", NULL, "patch.path" },
	{ "[{'op':'write','path':'link','content':'x'}]", "a\n", NULL, "patch.path" },
};

static int
read_f(void *arg, const char *path, const char **bytes, size_t *len, const char **why)
{
	const struct edit_case *c = arg;

	if (text_equal(path, "link")) {
		*why = "it is a symbolic link";
		return -1;
	}
	*bytes = text_equal(path, "f") ? c->before : NULL;
	*len = *bytes ? strlen(*bytes) : 0;
	return *bytes != NULL;
}

START_TEST(test_edits)
{
	struct edit_case c = edit_cases[_i];
	AUTO(edit_fault) struct edit_fault fault = EDIT_FAULT_INIT;
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO_FREE char *quoted = text_copy(c.edits);
	AUTO_JSON json_t *edits = NULL;

	for (char *p = quoted; *p; p++)
		if (*p == '\'')
			*p = '"';
	edits = json_of(quoted);
	int result = edits_compute(edits, read_f, &c, &set, &fault);
	if (c.code) {
		ck_assert_int_eq(result, -1);
		ck_assert_str_eq(fault.code, c.code);
		ck_assert_uint_eq(set.count, 0);
		ck_assert_uint_gt(fault.message.len, 10);
		ck_assert_ptr_nonnull(fault.remedy);
		return;
	}
	ck_assert_msg(result == 0, "%s: %s", c.edits, text_get(&fault.message));
	if (set.count == 0) {
		ck_assert_str_eq(c.edits, "[]");
		return;
	}
	ck_assert_uint_eq(set.count, 1);
	ck_assert_int_eq(set.files[0].exists, c.after != NULL);
	if (c.after)
		ck_assert_str_eq(text_get(&set.files[0].after), c.after);
	bool is_same = c.before && c.after && text_equal(c.before, c.after);
	ck_assert_int_eq(edit_file_changed(&set.files[0]), !is_same);
}
END_TEST

static int
read_binary(void *arg, const char *path, const char **bytes, size_t *len,
	    const char **why)
{
	*bytes = "a\0b\n";
	*len = 4;
	return 1;
}

START_TEST(test_edits_binary)
{
	AUTO(edit_fault) struct edit_fault fault = EDIT_FAULT_INIT;
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO_JSON json_t *line =
		json_quoted("[{'op':'add_line','path':'f','line':'x'}]");
	AUTO_JSON json_t *whole =
		json_quoted("[{'op':'write','path':'f','content':'x'}]");

	ck_assert_int_eq(edits_compute(line, read_binary, NULL, &set, &fault), -1);
	ck_assert_str_eq(fault.code, "patch.binary");
	ck_assert_int_eq(edits_compute(whole, read_binary, NULL, &set, &fault), 0);
	ck_assert_str_eq(text_get(&set.files[0].after), "x");
	ck_assert_uint_eq(set.files[0].before.len, 4);
}
END_TEST

/* ---- what programs put out ------------------------------------------------- */

static const struct {
	const char *file, *json, *why;
} output_cases[] = {
	{ "", "{}", NULL },
	{ "A=1\nB=two words\n", "{'A':'1','B':'two words'}", NULL },
	{ "A=", "{'A':''}", NULL },
	{ "A=1\r\nB=2", "{'A':'1','B':'2'}", NULL },
	{ "A=x=y\n", "{'A':'x=y'}", NULL },
	{ "A=1\nA=2\n", "{'A':'2'}", NULL },
	{ "\n\nA=1\n\n", "{'A':'1'}", NULL },
	{ "T<<EOF\none\n\ntwo\nEOF\nA=1\n", "{'T':'one\\n\\ntwo','A':'1'}", NULL },
	{ "T<<EOF\nEOF\n", "{'T':''}", NULL },
	{ "T<<EOF\nB=2\nEOF", "{'T':'B=2'}", NULL },
	{ "T<<EOF\none\n", NULL, "line 1: the block is never ended by 'EOF'" },
	{ "A=1\nnonsense\n", NULL, "line 2: neither NAME=VALUE nor NAME<<END" },
	{ "T<<E\nx\nE\n1=2\n", NULL, "line 4: neither NAME=VALUE nor NAME<<END" },
	{ "A B=2\n", NULL, "line 1: neither NAME=VALUE nor NAME<<END" },
	{ "T<<\n", NULL, "line 1: neither NAME=VALUE nor NAME<<END" },
	{ "A=\xff\n", NULL, "line 1: the value of 'A' is not UTF-8" },
};

START_TEST(test_outputs)
{
	AUTO_TEXT struct text why = { 0 };
	AUTO_JSON json_t *got = outputs_parse(output_cases[_i].file,
					      strlen(output_cases[_i].file), &why);

	if (output_cases[_i].why) {
		ck_assert_ptr_null(got);
		ck_assert_str_eq(text_get(&why), output_cases[_i].why);
		return;
	}
	AUTO_JSON json_t *want = json_quoted(output_cases[_i].json);
	ck_assert_msg(json_equal(got, want), "%s: %s", output_cases[_i].file,
		      text_get(&why));
}
END_TEST

/* ---- paths no list can allow ----------------------------------------------- */

static const struct {
	const char *path;
	bool git, fettle, compose;
} path_cases[] = {
	{ "api/Dockerfile", false, false, false },
	{ ".git/hooks/pre-commit", true, false, false },
	{ "sub/.git/config", true, false, false },
	{ ".GIT/config", true, false, false },
	{ ".git ./config", true, false, false },
	{ ".git.../config", true, false, false },
	{ "git~1/config", true, false, false },
	{ ".g\xe2\x80\x8cit/config", true, false, false },
	{ "\xef\xbb\xbf.git/config", true, false, false },
	{ ".git", true, false, false },
	{ ".gitignore", false, false, false },
	{ ".github/workflows/a.yml", false, false, false },
	{ "git/x", false, false, false },
	{ ".gitlonglonglonglonglong/x", false, false, false },
	{ "fettle.yaml", false, true, false },
	{ "sub/Fettle.yml", false, true, false },
	{ ".fettle/pipelines/a.yaml", false, true, false },
	{ "fettle.yaml.txt", false, false, false },
	{ "docker-compose.yml", false, false, true },
	{ "deploy/docker-compose.prod.yaml", false, false, true },
	{ "compose.yaml", false, false, true },
	{ "compose.override.yml", false, false, true },
	{ "composer.json", false, false, false },
};

START_TEST(test_paths)
{
	const char *path = path_cases[_i].path;

	ck_assert_msg(path_is_git(path) == path_cases[_i].git, "%s", path);
	ck_assert_msg(path_is_fettle(path) == path_cases[_i].fettle, "%s", path);
	ck_assert_msg(path_is_compose(path) == path_cases[_i].compose, "%s", path);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("steps");
	TCase *tc = tcase_create("steps");

	tcase_add_loop_test(tc, test_edits, 0, (int)COUNT_OF(edit_cases));
	tcase_add_test(tc, test_edits_binary);
	tcase_add_loop_test(tc, test_outputs, 0, (int)COUNT_OF(output_cases));
	tcase_add_loop_test(tc, test_paths, 0, (int)COUNT_OF(path_cases));
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
