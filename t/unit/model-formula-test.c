/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expressions of core/model: what they are worth, and conditions. */
#include "model.h"

#include "base/str.h"
#include "model/expr.h"

/* ---- values of expressions -------------------------------------------------- */

/* what: the value as JSON, `?` for not known yet, or a code. */
static const struct {
	const char *text, *what;
} value_cases[] = {
	/* literals */
	{ "true", "true" },
	{ "false", "false" },
	{ "null", "null" },
	{ "0", "0" },
	{ "-42", "-42" },
	{ "0.5", "0.5" },
	{ "-0.25", "-0.25" },
	{ "''", "\"\"" },
	{ "'it''s'", "\"it's\"" },
	{ "'}}${{'", "\"}}${{\"" },
	{ "'\xc3\xa9'", "\"\xc3\xa9\"" },
	{ "((7))", "7" },
	/* equality */
	{ "1 == 1", "true" },
	{ "1 == 2", "false" },
	{ "1 == 1.0", "true" },
	{ "number != 42", "false" },
	{ "number == -42", "false" },
	{ "text == 'a b'", "true" },
	{ "text != 'a b'", "false" },
	{ "text == 'A B'", "false" },
	{ "flag == true", "true" },
	{ "flag != false", "true" },
	{ "null == null", "true" },
	{ "text == null", "false" },
	{ "null != list", "true" },
	{ "list == list", "true" },
	{ "text == 1", "template.type" },
	{ "'42' == number", "template.type" },
	{ "flag != 'true'", "template.type" },
	{ "list == text", "template.type" },
	{ "number == flag", "template.type" },
	/* order */
	{ "1 < 2", "true" },
	{ "2 < 2", "false" },
	{ "2 <= 2", "true" },
	{ "3 <= 2", "false" },
	{ "2 > 1", "true" },
	{ "2 > 2", "false" },
	{ "2 >= 2", "true" },
	{ "1 >= 2", "false" },
	{ "-1 < 0.5", "true" },
	{ "9007199254740993 > 9007199254740992", "true" },
	{ "'a' < 'b'", "true" },
	{ "'a' < 'B'", "false" },
	{ "'' <= ''", "true" },
	{ "'10' < '9'", "true" },
	{ "1 < '2'", "template.type" },
	{ "null < 1", "template.type" },
	{ "flag < flag", "template.type" },
	{ "list > list", "template.type" },
	/* and, or, not */
	{ "true && true", "true" },
	{ "true && false", "false" },
	{ "false || true", "true" },
	{ "false || false", "false" },
	{ "!true", "false" },
	{ "!!flag", "true" },
	{ "true && true && false", "false" },
	{ "false || false || true", "true" },
	{ "false && text", "false" },
	{ "true || 1", "true" },
	{ "true && text", "template.type" },
	{ "1 && true", "template.type" },
	{ "null || true", "template.type" },
	{ "!1", "template.type" },
	{ "!''", "template.type" },
	/* what binds tighter */
	{ "true || false && false", "true" },
	{ "(true || false) && false", "false" },
	{ "false && false || true", "true" },
	{ "false && (false || true)", "false" },
	{ "!false && false", "false" },
	{ "!(false && false)", "true" },
	{ "!false == true", "true" },
	{ "1 < 2 == true", "template.syntax" },
	{ "(1 < 2) == true", "true" },
	{ "1 == 1 && 2 == 2", "true" },
	{ "1 == 2 || 2 == 2", "true" },
	/* blanks */
	{ "1==1&&2<3", "true" },
	{ "\t1\n==\n1 ", "true" },
	{ "contains ( 'ab' , 'b' )", "true" },
	/* functions */
	{ "success()", "true" },
	{ "failure()", "false" },
	{ "success() && !failure()", "true" },
	{ "contains('abc', 'bc')", "true" },
	{ "contains('abc', 'x')", "false" },
	{ "contains('abc', '')", "true" },
	{ "contains(list, 'a')", "true" },
	{ "contains(list, 1)", "true" },
	{ "contains(list, 1.0)", "true" },
	{ "contains(list, '1')", "false" },
	{ "contains(list, null)", "false" },
	{ "contains('abc', 1)", "template.type" },
	{ "contains(map, 'a')", "template.type" },
	{ "contains(1, 1)", "template.type" },
	{ "contains(null, 'a')", "template.type" },
	{ "format('x')", "\"x\"" },
	{ "format('{0}-{1}-{0}', text, number)", "\"a b-42-a b\"" },
	{ "format('{0}{1}{2}', list, null, 0.5)", "\"[\\\"a\\\",1]0.5\"" },
	{ "format('{{{0}}}', 'x')", "\"{x}\"" },
	{ "format('{10}', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", "template.syntax" },
	{ "format('{9}', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", "\"9\"" },
	{ "format('%s%n {0}', '%s')", "\"%s%n %s\"" },
	{ "format('{0}', '{0}${{ text }}')", "\"{0}${{ text }}\"" },
	{ "format('{0}')", "template.syntax" },
	{ "format('{')", "template.syntax" },
	{ "format('}')", "template.syntax" },
	{ "format('{x}', 1)", "template.syntax" },
	{ "format('{0', 1)", "template.syntax" },
	{ "format('{-1}', 1)", "template.syntax" },
	{ "format(1)", "template.type" },
	/* not known yet */
	{ "later", "?" },
	{ "!later", "?" },
	{ "later == 1", "?" },
	{ "1 != later", "?" },
	{ "later < 1", "?" },
	{ "later && true", "?" },
	{ "later && false", "false" },
	{ "false && later", "false" },
	{ "true && later", "?" },
	{ "later || true", "true" },
	{ "true || later", "true" },
	{ "later || false", "?" },
	{ "(later && true) || true", "true" },
	{ "contains(later, 'a')", "?" },
	{ "contains('a', later)", "?" },
	{ "format('{0}', later)", "?" },
	{ "format(later, 1)", "?" },
	{ "later && 1", "template.type" },
	{ "contains(1, later)", "template.type" },
};

START_TEST(an_expression_is_worth)
{
	AUTO_FREE char *text = x_asprintf("${{ %s }}", value_cases[_i].text);
	AUTO(json_ref) json_t *names = names_given(), *value = json_string(text);
	struct expr_scope scope = { .lookup = names_lookup, .self = names };
	const char *what = value_cases[_i].what;
	struct err err = { "" };
	json_t *got = NULL;
	bool is_known = false;

	json_object_set_new(names, "map", json_of("{'a': 1}"));
	if (expr_expand(value, &scope, &got, &is_known, &err) < 0) {
		expect_err(text, &err, what, 0, 0);
		ck_assert(err.remedy[0] != 0);
		return;
	}
	ck_assert_msg(is_known == !str_eq(what, "?"), "%s is known: %d", text,
		      is_known);
	expect_json(text, got, is_known ? what : "null");
}
END_TEST

START_TEST(a_type_error_says_where_and_what)
{
	AUTO(json_ref) json_t *names = names_given();
	struct expr_scope scope = { .lookup = names_lookup, .self = names };
	struct err err = { "" };
	bool flag;

	ck_assert_int_eq(expr_condition("number == '42'", &scope, &flag, &err), -1);
	ck_assert_str_eq(err.text,
			 "'number == '42'': '==' compares a number with a text");
	ck_assert_int_eq(expr_condition("!list", &scope, &flag, &err), -1);
	ck_assert_str_eq(err.text, "'!list': '!' takes true or false, not a list");
}
END_TEST

START_TEST(what_a_format_makes_has_a_limit)
{
	AUTO_FREE char *large = x_malloc((100 << 10) + 1);
	AUTO(json_ref) json_t *names = json_object();
	struct expr_scope scope = { .lookup = names_lookup, .self = names };
	struct err err = { "" };
	bool flag;

	memset(large, 'x', 100 << 10);
	large[100 << 10] = 0;
	json_object_set_new(names, "large", json_string(large));
	ck_assert_int_eq(expr_condition("format('{0}{0}', large) == ''", &scope, &flag,
					&err),
			 -1);
	expect_err("format", &err, "template.size", 0, 0);
	ck_assert_int_eq(expr_condition("contains(large, 'xxx')", &scope, &flag, &err),
			 0);
	ck_assert(flag);
}
END_TEST

/* ---- conditions -------------------------------------------------------------- */

static const struct {
	const char *text, *what;
} condition_cases[] = {
	{ "true", "true" },
	{ "${{ false }}", "false" },
	{ " ${{ flag }}\n", "true" },
	{ "flag && number > 41", "true" },
	{ "${{ flag && number > 42 }}", "false" },
	{ "text == '}}'", "false" },
	{ "success()", "false" },
	{ "failure() && flag", "true" },
	{ "text", "template.type" },
	{ "number", "template.type" },
	{ "null", "template.type" },
	{ "later", "template.unknown" },
	{ "${{ later == 1 }}", "template.unknown" },
	{ "later == 1 && false", "false" },
	{ "", "template.syntax" },
	{ " ", "template.syntax" },
	{ "${{ }}", "template.syntax" },
	{ "${{ flag }} && ${{ flag }}", "template.syntax" },
	{ "${{ flag }}x", "template.syntax" },
	{ "x${{ flag }}", "template.syntax" },
	{ "flag }}", "template.syntax" },
	{ "${{ flag", "template.syntax" },
	{ "flags()", "template.name" },
};

START_TEST(a_condition_is_true_or_false)
{
	AUTO(json_ref) json_t *names = names_given();
	struct expr_scope scope = { names_lookup, names, .has_failed = true };
	const char *what = condition_cases[_i].what;
	bool flag = !str_eq(what, "true"), before = flag;
	struct err err = { "" };

	if (expr_condition(condition_cases[_i].text, &scope, &flag, &err) < 0) {
		expect_err(condition_cases[_i].text, &err, what, 0, 0);
		ck_assert(err.remedy[0] != 0);
		ck_assert(flag == before);
		return;
	}
	ck_assert_str_eq(flag ? "true" : "false", what);
}
END_TEST

static int
list_name(void *self, const char *name, struct err *err)
{
	str_addf(self, "%s;", name);
	return 0;
}

START_TEST(names_of_a_condition_are_told)
{
	AUTO(str) struct str names = STR_INIT;
	struct err err = { "" };

	static const char *const texts[] = { "a.b == 1 || c", "${{ d }}" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct formula *condition = expr_parse_condition(texts[i], &err);

		ck_assert_ptr_nonnull(condition);
		ck_assert_int_eq(expr_each_in_condition(condition, list_name, &names,
							&err),
				 0);
		expr_condition_free(condition);
	}
	ck_assert_str_eq(str_get(&names), "a.b;c;d;");
	ck_assert_ptr_null(expr_parse_condition("a b", &err));
	expect_err("a b", &err, "template.syntax", 0, 0);
}
END_TEST

/* ---- random expressions against another evaluation ------------------------- */

enum level { LEVEL_OR, LEVEL_AND, LEVEL_COMPARE, LEVEL_NOT };

/* One of true, false and unknown is written; 1, 0, -1 returned. */
static int
write_leaf(struct str *text, uint64_t *seed)
{
	static const char *const leaves[] = { "later", "false", "true", "!flag",
					      "flag" };
	static const int worth[] = { -1, 0, 1, 0, 1 };
	unsigned i = unit_random(seed, ARRAY_LEN(leaves));

	str_add(text, leaves[i]);
	return worth[i];
}

static int
write_comparison(struct str *text, uint64_t *seed)
{
	static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };
	int a = (int)unit_random(seed, 3) - 1, b = (int)unit_random(seed, 3) - 1;
	unsigned sign = unit_random(seed, ARRAY_LEN(signs));
	const int worth[] = { a == b, a != b, a < b, a <= b, a > b, a >= b };

	str_addf(text, "%d %s%s%d", a, signs[sign], b < 0 ? " " : "", b);
	return worth[sign];
}

/* Parentheses only where a weaker operator stands under a stronger one. */
static int
write_any(struct str *text, uint64_t *seed, enum level level, unsigned depth)
{
	enum level own = depth == 0 ? LEVEL_NOT : (enum level)unit_random(seed, 4);
	bool is_closed = own < level;
	int worth, other;

	str_add(text, is_closed ? "(" : "");
	if (own == LEVEL_COMPARE) {
		worth = write_comparison(text, seed);
	} else if (depth == 0) {
		worth = write_leaf(text, seed);
	} else if (own == LEVEL_NOT) {
		str_add(text, "!");
		worth = write_any(text, seed, LEVEL_NOT, depth - 1);
		worth = worth < 0 ? -1 : !worth;
	} else {
		int strong = own == LEVEL_OR;

		worth = write_any(text, seed, own, depth - 1);
		str_add(text, own == LEVEL_OR ? " || " : "&&");
		other = write_any(text, seed, own, depth - 1);
		if (worth == strong || other == strong)
			worth = strong;
		else
			worth = worth < 0 || other < 0 ? -1 : !strong;
	}
	str_add(text, is_closed ? ")" : "");
	return worth;
}

START_TEST(random_conditions_are_worth_what_they_say)
{
	AUTO(json_ref) json_t *names = names_given();
	struct expr_scope scope = { .lookup = names_lookup, .self = names };
	uint64_t seed = 20261121;

	for (unsigned i = 0; i < 20000; i++) {
		AUTO(str) struct str text = STR_INIT;
		int want = write_any(&text, &seed, LEVEL_OR, 1 + i % 5), got;
		struct err err = { "" };
		bool flag = false;

		if (expr_condition(str_get(&text), &scope, &flag, &err) == 0)
			got = flag;
		else
			got = str_eq(err.code, "template.unknown") ? -1 : -2;
		ck_assert_msg(got == want, "%s: got %d, want %d: %s", str_get(&text),
			      got, want, err.text);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-formula");
	TCase *value = tcase_create("value"), *condition = tcase_create("condition");

	tcase_add_loop_test(value, an_expression_is_worth, 0, ARRAY_LEN(value_cases));
	tcase_add_test(value, a_type_error_says_where_and_what);
	tcase_add_test(value, what_a_format_makes_has_a_limit);
	suite_add_tcase(suite, value);
	tcase_add_loop_test(condition, a_condition_is_true_or_false, 0,
			    ARRAY_LEN(condition_cases));
	tcase_add_test(condition, names_of_a_condition_are_told);
	tcase_add_test(condition, random_conditions_are_worth_what_they_say);
	suite_add_tcase(suite, condition);
	return unit_run(suite);
}
