/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON manifests changed as text: nothing but what is meant, or nothing at all. */
#include "module.h"

#include "plugins/analyze/manifest.h"

/* The text after the one edit, which must be a replace of a unique quote. */
static char *
apply(const char *before, const json_t *edit)
{
	const char *find = json_text(edit, "find");
	const char *at = strstr(before, find);

	ck_assert_str_eq(json_text(edit, "op"), "replace");
	ck_assert_str_eq(json_text(edit, "path"), "p");
	ck_assert_uint_gt(strlen(find), 0);
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(strstr(at + 1, find));
	return text_format("%.*s%s%s", (int)(at - before), before,
			   json_text(edit, "with"), at + strlen(find));
}

static const struct {
	const char *before, *after; /* after: NULL when nothing can be done */
} additions[] = {
	{ "{\n  \"deps\": {\n    \"a\": \"1\"\n  }\n}\n",
	  "{\n  \"deps\": {\n    \"n\": \"*\",\n    \"a\": \"1\"\n  }\n}\n" },
	{ "{\r\n\t\"deps\": {\r\n\t\t\"a\": \"1\"\r\n\t}\r\n}\r\n",
	  "{\r\n\t\"deps\": {\r\n\t\t\"n\": \"*\",\r\n\t\t\"a\": "
	  "\"1\"\r\n\t}\r\n}\r\n" },
	{ "{\"deps\":{\"a\":\"1\"}}", "{\"deps\":{\"n\": \"*\", \"a\":\"1\"}}" },
	{ "{\n  \"deps\": {}\n}\n", "{\n  \"deps\": {\n    \"n\": \"*\"\n  }\n}\n" },
	{ "{\"deps\": { }}", "{\"deps\": {\"n\": \"*\"}}" },
	{ "{\n  \"x\": \"y\"\n}\n",
	  "{\n  \"x\": \"y\",\n  \"deps\": {\n    \"n\": \"*\"\n  }\n}\n" },
	{ "{\"x\": 1}", "{\"x\": 1, \"deps\": {\"n\": \"*\"}}" },
	/* The section's name inside other values is none. */
	{ "{\n  \"a\": {\"deps\": {\"x\": \"}\"}},\n  \"deps\": {\"b\": \"1\"}\n}",
	  "{\n  \"a\": {\"deps\": {\"x\": \"}\"}},\n  \"deps\": {\"n\": \"*\", \"b\": "
	  "\"1\"}\n}" },
	{ "{\"s\": \"\\\"deps\\\": {\", \"deps\": {\"b\": \"1\"}}",
	  "{\"s\": \"\\\"deps\\\": {\", \"deps\": {\"n\": \"*\", \"b\": \"1\"}}" },
	{ "{\"deps\": {\"n\": \"1\"}}", NULL },
	{ "{\"deps\": [\"n\"]}", NULL },
	{ "{\"deps\": {\"a\": \"1\",}}", NULL },
	{ "{\"a\": 1, \"a\": 2}", NULL },
	{ "[]", NULL },
	{ "{}", NULL },
	{ "", NULL },
};

START_TEST(test_addition)
{
	const char *before = additions[_i].before, *why = NULL;
	AUTO_TEXT struct text text = { 0 };

	text_add(&text, before);
	AUTO_JSON json_t *edit = manifest_add(&text, "p", "deps", "n", "*", &why);

	ck_assert_msg(!edit == !additions[_i].after, "%s: %s", before,
		      why ? why : "changed");
	if (!edit) {
		ck_assert_ptr_nonnull(why);
		return;
	}
	AUTO_FREE char *after = apply(before, edit);

	ck_assert_str_eq(after, additions[_i].after);
}
END_TEST

static const struct {
	const char *before, *after;
} repairs[] = {
	{ "{\"a\": 1,}", "{\"a\": 1}" },
	{ "{\"a\": [1, 2, ]}\n", "{\"a\": [1, 2 ]}\n" },
	{ "{\n  \"a\": \"x\"\n  \"b\": {}\n}\n",
	  "{\n  \"a\": \"x\",\n  \"b\": {}\n}\n" },
	{ "{\n  \"a\": {}\n  \"b\": 1\n}\n", "{\n  \"a\": {},\n  \"b\": 1\n}\n" },
	{ "{\"a\": \",}\", \"b\": 1,}", "{\"a\": \",}\", \"b\": 1}" },
	{ "{\"a\": 1,, \"b\": 1}", NULL },     /* not for certain */
	{ "{\"a\": 1,\n\"b\": [1,],}", NULL }, /* two are wrong */
	{ "{\"a\": \"x}", NULL },	       /* no end of a string */
	{ "<<<<<<< HEAD\n{}", NULL },
	{ "{\"a\": 1}", NULL }, /* nothing is wrong */
	{ "", NULL },
};

START_TEST(test_repair)
{
	const char *before = repairs[_i].before;
	AUTO_TEXT struct text text = { 0 };

	text_add(&text, before);
	AUTO_JSON json_t *edit = manifest_repair(&text, "p");

	ck_assert_msg(!edit == !repairs[_i].after, "%s", before);
	if (!edit)
		return;
	AUTO_FREE char *after = apply(before, edit);

	ck_assert_str_eq(after, repairs[_i].after);
}
END_TEST

START_TEST(test_quote_is_unique)
{
	static const char *const before = "x\na\nx\nb\nx\n";
	AUTO_TEXT struct text text = { 0 };

	text_add(&text, before);
	AUTO_JSON json_t *edit = splice_edit(&text, "p", 4, 1, "y");
	AUTO_FREE char *after = apply(before, edit);

	ck_assert_str_eq(after, "x\na\ny\nb\nx\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rules-manifest");
	TCase *tc = tcase_create("rules-manifest");

	tcase_add_loop_test(tc, test_addition, 0, (int)COUNT_OF(additions));
	tcase_add_loop_test(tc, test_repair, 0, (int)COUNT_OF(repairs));
	tcase_add_test(tc, test_quote_is_unique);
	suite_add_tcase(suite, tc);
	return module_run(suite);
}
