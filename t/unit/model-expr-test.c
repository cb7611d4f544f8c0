/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions of core/model: their form, and texts they stand in. */
#include "model.h"

#include "base/str.h"
#include "model/expr.h"

/* ---- form ------------------------------------------------------------------- */

static const struct {
	const char *text, *code, *says;
} form_cases[] = {
	{ "${{ a", "template.syntax", "'${{' without '}}' at the end of" },
	{ "${{ a }} ${{", "template.syntax", "nothing" },
	{ "${{a}", "template.syntax", "no operator at '}' of" },
	{ "x ${{ }} y", "template.syntax", "nothing where" },
	{ "${{}}", "template.syntax", "nothing where" },
	{ "${{ ${{ a }} }}", "template.syntax", "'{{' inside" },
	{ "${{ {{a}} }}", "template.syntax", "'{{' inside" },
	{ "${{ a b }}", "template.syntax", "no operator at 'b }}'" },
	{ "${{ a..b }}", "template.syntax", "no name" },
	{ "${{ .a }}", "template.syntax", "no value at '.a" },
	{ "${{ a. }}", "template.syntax", "no name" },
	{ "${{ \xc3\xa9 }}", "template.syntax", "no value" },
	{ "${{ a = b }}", "template.syntax", "no operator at '= b" },
	{ "${{ a & b }}", "template.syntax", "no operator at '& b" },
	{ "${{ a | b }}", "template.syntax", "no operator at '| b" },
	{ "${{ a + 1 }}", "template.syntax", "no operator at '+ 1" },
	{ "${{ a === b }}", "template.syntax", "no value at '= b" },
	{ "${{ a == }}", "template.syntax", "no value at '}}'" },
	{ "${{ && a }}", "template.syntax", "no value at '&& a" },
	{ "${{ a || }}", "template.syntax", "no value at '}}'" },
	{ "${{ ! }}", "template.syntax", "no value at '}}'" },
	{ "${{ 1 < 2 < 3 }}", "template.syntax", "second comparison" },
	{ "${{ a == b != c }}", "template.syntax", "second comparison" },
	{ "${{ (a }}", "template.syntax", "no ')' at '}}'" },
	{ "${{ a) }}", "template.syntax", "no operator at ') }}'" },
	{ "${{ () }}", "template.syntax", "no value at ') }}'" },
	{ "${{ 'a }}", "template.syntax", "closing quote" },
	{ "${{ 'a''}}", "template.syntax", "closing quote" },
	{ "${{ \"a\" }}", "template.syntax", "no value" },
	{ "${{ 0x10 }}", "template.syntax", "no number at '0x10" },
	{ "${{ 1e3 }}", "template.syntax", "no number at '1e3" },
	{ "${{ 007 }}", "template.syntax", "no number" },
	{ "${{ 1. }}", "template.syntax", "no number" },
	{ "${{ 1.2.3 }}", "template.syntax", "no number" },
	{ "${{ - }}", "template.syntax", "no number" },
	{ "${{ 99999999999999999999 }}", "template.syntax", "no number" },
	{ "${{ 1a }}", "template.syntax", "no number" },
	{ "${{ a() }}", "template.name", "no function 'a'" },
	{ "${{ contain('a', 'b') }}", "template.name", "did you mean 'contains'" },
	{ "${{ a.b() }}", "template.name", "no function 'a.b'" },
	{ "${{ success(a) }}", "template.syntax", "too many arguments of success()" },
	{ "${{ contains(a) }}", "template.syntax", "too few arguments of contains()" },
	{ "${{ contains(a, b, c) }}", "template.syntax", "too many arguments" },
	{ "${{ format() }}", "template.syntax", "too few arguments of format()" },
	{ "${{ contains(a b) }}", "template.syntax", "no ',' or ')' at 'b)" },
	{ "${{ contains(a, }}", "template.syntax", "no value at '}}'" },
	{ "${{ contains(a,, b) }}", "template.syntax", "no value at ', b)" },
};

static int
count_name(void *self, const char *name, struct err *err)
{
	(*(unsigned *)self)++;
	return 0;
}

START_TEST(malformed_expressions_are_refused)
{
	AUTO(json_ref) json_t *value = json_string(form_cases[_i].text);
	struct expr_scope scope = { .lookup = NULL };
	struct err err = { "" };
	json_t *got = NULL;
	bool is_known = false;
	unsigned count = 0;

	ck_assert_int_eq(expr_each(value, count_name, &count, &err), -1);
	expect_err(form_cases[_i].text, &err, form_cases[_i].code, 0, 0);
	ck_assert_msg(strstr(err.text, form_cases[_i].says) != NULL, "%s: %s",
		      form_cases[_i].says, err.text);
	ck_assert(err.remedy[0] != 0);
	if (strstr(form_cases[_i].text, "}} ${{") != NULL)
		return;
	ck_assert_int_eq(expr_expand(value, &scope, &got, &is_known, &err), -1);
	expect_err(form_cases[_i].text, &err, form_cases[_i].code, 0, 0);
}
END_TEST

/* `head`, then `part` so many times, then `tail`. Caller owns. */
static char *
repeat(const char *head, const char *part, unsigned times, const char *tail)
{
	AUTO(str) struct str text = STR_INIT;

	str_add(&text, head);
	for (unsigned i = 0; i < times; i++)
		str_add(&text, part);
	str_add(&text, tail);
	return str_take(&text);
}

/* The largest that is taken; one more is too much. */
static const struct {
	const char *head, *part;
	unsigned times;
	const char *tail;
} limits[] = {
	{ "${{ ", "!", 31, "a }}" },
	{ "${{ ", "format(", 0, "a }}" },
	{ "${{ a", " || a", 254, " }}" },
	{ "${{ '", "x", 4096 - 9, "' }}" },
	{ "", "${{ a }}", 256, "" },
};

START_TEST(limits_of_expressions_hold)
{
	static const char closing[] = "))))))))))))))))))))))))))))))))";
	bool is_call = str_eq(limits[_i].part, "format(");
	unsigned times = is_call ? 31 : limits[_i].times;
	AUTO_FREE char *tail =
		is_call ? x_asprintf("a%.31s }}", closing) : x_strdup(limits[_i].tail);
	AUTO_FREE char *more_tail =
		is_call ? x_asprintf("a%.32s }}", closing) : x_strdup(limits[_i].tail);
	AUTO_FREE char *most = repeat(limits[_i].head, limits[_i].part, times, tail);
	AUTO_FREE char *more =
		repeat(limits[_i].head, limits[_i].part, times + 1, more_tail);
	AUTO(json_ref) json_t *taken = json_string(most), *refused = json_string(more);
	struct err err = { "" };
	unsigned count = 0;

	ck_assert_msg(expr_each(taken, count_name, &count, &err) == 0, "%.60s: %s",
		      most, err.text);
	ck_assert_int_eq(expr_each(refused, count_name, &count, &err), -1);
	expect_err(limits[_i].part, &err, "template.size", 0, 0);
}
END_TEST

static int
list_name(void *self, const char *name, struct err *err)
{
	str_addf(self, "%s;", name);
	return 0;
}

START_TEST(every_name_is_told_in_order)
{
	AUTO(json_ref)
	json_t *value = json_string("${{ a.b == 'x.y' && !(c < 1.5) || "
				    "contains(d-e.f_g, h) }} ${{ true }} "
				    "${{ format('{0}}}', i,null, 7, failure()) }}");
	AUTO(str) struct str names = STR_INIT;
	struct err err = { "" };

	ck_assert_msg(expr_each(value, list_name, &names, &err) == 0, "%s", err.text);
	ck_assert_str_eq(str_get(&names), "a.b;c;d-e.f_g;h;i;");
}
END_TEST

START_TEST(other_braces_are_text)
{
	AUTO(json_ref)
	json_t *value =
		json_of("['}}', '{{ a }}', '$ {{ a }}', '$HOME', '${a}', '100%s%n']");
	struct err err = { "" };
	unsigned count = 0;

	ck_assert_int_eq(expr_each(value, count_name, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert(!expr_has("$HOME {{ a }}"));
	ck_assert(expr_has("x ${{ a }}"));
}
END_TEST

static int
refuse_name(void *self, const char *name, struct err *err)
{
	return err_set(err, "template.name", "%s", name);
}

START_TEST(a_name_can_be_refused_wherever_it_stands)
{
	AUTO(json_ref)
	json_t *value = json_of("{'a': ['x', {'b': 'y ${{ inputs.z }}'}]}");
	struct err err = { "" };
	unsigned count = 0;

	ck_assert_int_eq(expr_each(value, count_name, &count, &err), 0);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(expr_each(value, refuse_name, NULL, &err), -1);
	ck_assert_str_eq(err.text, "inputs.z");
}
END_TEST

static const struct {
	const char *value, *want; /* want NULL: not known yet */
} expand_cases[] = {
	{ "'x'", "\"x\"" },
	{ "'${{ text }}'", "\"a b\"" },
	{ "'${{number}}'", "42" },
	{ "'${{ flag }}'", "true" },
	{ "'${{ list }}'", "[\"a\",1]" },
	{ "'${{ null }}'", "null" },
	{ "'<${{ number }}>'", "\"<42>\"" },
	{ "'${{ flag }}${{ text }}'", "\"truea b\"" },
	{ "' ${{ number }}'", "\" 42\"" },
	{ "'=${{ list }}'", "\"=[\\\"a\\\",1]\"" },
	{ "'[${{ null }}]'", "\"[]\"" },
	{ "'${{ nested }}'", "\"${{ text }}\"" },
	{ "'<${{ nested }}>'", "\"<${{ text }}>\"" },
	{ "['${{ number }}', {'k': 'n${{ number }}'}, 7]", "[42,{\"k\":\"n42\"},7]" },
	{ "'${{ text }} ${{ nested }}'", "\"a b ${{ text }}\"" },
	{ "'${{ number == 42 }}'", "true" },
	{ "'<${{ number == 42 }}>'", "\"<true>\"" },
	{ "'%s%n $HOME ~ *'", "\"%s%n $HOME ~ *\"" },
	{ "'${{ later }}'", NULL },
	{ "'x ${{ later }}'", NULL },
	{ "['a', '${{ later }}']", NULL },
	{ "{'a': '${{ text }}', 'b': '${{ later }}'}", NULL },
};

START_TEST(references_are_replaced_once)
{
	AUTO(json_ref) json_t *names = names_given();
	AUTO(json_ref) json_t *value = json_of(expand_cases[_i].value);
	struct expr_scope scope = { .lookup = names_lookup, .self = names };
	struct err err = { "" };
	json_t *got = NULL;
	bool is_known = false;

	ck_assert_int_eq(expr_expand(value, &scope, &got, &is_known, &err), 0);
	ck_assert_int_eq(is_known, expand_cases[_i].want != NULL);
	expect_json(expand_cases[_i].value, got,
		    expand_cases[_i].want ? expand_cases[_i].want : "null");
}
END_TEST

START_TEST(a_text_above_128_kib_is_refused)
{
	AUTO_FREE char *large = x_malloc((128 << 10) + 2);
	AUTO(json_ref) json_t *names = json_object();
	AUTO(json_ref) json_t *whole = json_string("${{ large }}");
	AUTO(json_ref) json_t *part = json_string("-${{ large }}");
	struct expr_scope scope = { .lookup = names_lookup, .self = names };
	struct err err = { "" };
	json_t *got = NULL;
	bool is_known = false;

	memset(large, 'x', (128 << 10) + 1);
	large[(128 << 10) + 1] = 0;
	json_object_set_new(names, "large", json_string(large));
	ck_assert_int_eq(expr_expand(whole, &scope, &got, &is_known, &err), -1);
	expect_err("whole", &err, "template.size", 0, 0);
	large[128 << 10] = 0;
	json_object_set_new(names, "large", json_string(large));
	ck_assert_int_eq(expr_expand(part, &scope, &got, &is_known, &err), -1);
	expect_err("part", &err, "template.size", 0, 0);
	ck_assert_ptr_null(got);
	ck_assert_int_eq(expr_expand(whole, &scope, &got, &is_known, &err), 0);
	ck_assert_uint_eq(json_string_length(got), 128 << 10);
	json_decref(got);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-expr");
	TCase *form = tcase_create("form"), *value = tcase_create("value");

	tcase_add_loop_test(form, malformed_expressions_are_refused, 0,
			    ARRAY_LEN(form_cases));
	tcase_add_loop_test(form, limits_of_expressions_hold, 0, ARRAY_LEN(limits));
	tcase_add_test(form, every_name_is_told_in_order);
	tcase_add_test(form, other_braces_are_text);
	tcase_add_test(form, a_name_can_be_refused_wherever_it_stands);
	suite_add_tcase(suite, form);
	tcase_add_loop_test(value, references_are_replaced_once, 0,
			    ARRAY_LEN(expand_cases));
	tcase_add_test(value, a_text_above_128_kib_is_refused);
	suite_add_tcase(suite, value);
	return unit_run(suite);
}
