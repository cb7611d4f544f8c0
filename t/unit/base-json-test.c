/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What core/base has on top of jansson. */
#include "unit.h"

#include "base/json.h"
#include "base/sha256.h"
#include "base/str.h"

static const struct {
	const char *text, *code;
} json_bad[] = {
	{ "", "json.syntax" },
	{ "{", "json.syntax" },
	{ "{\"a\":1}x", "json.syntax" },
	{ "{\"a\":1} {}", "json.syntax" },
	{ "{'a':1}", "json.syntax" },
	{ "{\"a\":1,}", "json.syntax" },
	{ "[01]", "json.syntax" },
	{ "NaN", "json.syntax" },
	{ "\"\xff\"", "json.syntax" },
	{ "\"\xc0\xaf\"", "json.syntax" },
	{ "\"\\ud800\"", "json.syntax" },
	{ "\"\\u0000\"", "json.syntax" },
	{ "\"a\nb\"", "json.syntax" },
	{ "1e999", "json.syntax" },
	{ "99999999999999999999", "json.syntax" },
	{ "{\"a\":1,\"a\":1}", "json.duplicate_key" },
	{ "[{\"a\":1,\"b\":2,\"\\u0061\":1}]", "json.duplicate_key" },
};

START_TEST(json_that_is_not_strict_is_refused)
{
	struct err err = { "" };
	const char *text = json_bad[_i].text;
	ck_assert_ptr_null(json_parse(text, strlen(text), &err));
	ck_assert_str_eq(err.code, json_bad[_i].code);
	ck_assert_uint_gt(strlen(err.text), 10);
}
END_TEST

START_TEST(json_depth_and_size_are_limited)
{
	struct err err = { "" };
	AUTO(str) struct str deep = STR_INIT;
	for (int i = 0; i < 100000; i++)
		str_add_c(&deep, '[');
	ck_assert_ptr_null(json_parse(deep.s, deep.len, &err));
	ck_assert_str_eq(err.code, "json.depth");
	ck_assert_ptr_null(json_parse("", ((size_t)64 << 20) + 1, &err));
	ck_assert_str_eq(err.code, "json.size");
}
END_TEST

START_TEST(json_error_has_a_place)
{
	struct err err;
	ck_assert_ptr_null(json_parse("{\n \"a\": ?}", 10, &err));
	ck_assert_uint_eq(err.line, 2);
	ck_assert_uint_gt(err.column, 0);
}
END_TEST

static const struct {
	const char *text, *canonical;
} json_good[] = {
	{ " { \"b\" : [ 1 , 2.5, true ] , \"a\" : null } ",
	  "{\"a\":null,\"b\":[1,2.5,true]}" },
	{ "\"text\"", "\"text\"" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "\"\\u00e9\\/\\t\\u001b\"", "\"\xc3\xa9/\\t\\u001B\"" },
	{ "{\"a\":{\"d\":1,\"c\":2},\"A\":3}", "{\"A\":3,\"a\":{\"c\":2,\"d\":1}}" },
	{ "[]", "[]" },
};

/* Stored plans and events were hashed in the form that jansson gives. */
START_TEST(the_canonical_form_is_what_jansson_gives)
{
	AUTO(json_ref) json_t *all = json_object(), *keys = json_object();
	char text[2] = "";

	for (int c = 1; c < 0x80; c++) {
		text[0] = (char)c;
		json_object_set_new(keys, text, json_integer(c * 1000003 - 64000000));
	}
	json_object_set(all, "keys", keys);
	json_object_set_new(all, "keysx", json_integer(INT64_MIN));
	json_object_set_new(all, "", json_integer(INT64_MAX));
	json_object_set_new(all, "\xc3\xa9", json_pack("[s, n, b, b, i]", "", 1, 0, 0));
	json_object_set_new(all, "reals",
			    json_pack("[f, f, f, f]", 0.1, -2e300, 1e-9, 3.0));
	json_object_set_new(all, "text",
			    json_string("\xf0\x9f\x94\xa7 \x01\x1f\x7f\"\\/"));
	AUTO_FREE char *got = json_canonical(all);
	AUTO_FREE char *want =
		json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(json_has_one_canonical_form)
{
	struct err err;
	const char *text = json_good[_i].text;
	AUTO(json_ref) json_t *json = json_parse(text, strlen(text), &err);
	ck_assert_ptr_nonnull(json);
	AUTO_FREE char *canonical = json_canonical(json);
	ck_assert_str_eq(canonical, json_good[_i].canonical);
	char hex[65], want[65];
	json_sha256(json, hex);
	sha256_hex(canonical, strlen(canonical), want);
	ck_assert_str_eq(hex, want);
}
END_TEST

START_TEST(json_getters_fall_back)
{
	AUTO(json_ref) json_t *json =
		json_pack("{s:s, s:i, s:b, s:n}", "t", "text", "i", 7, "b", 1, "n");
	ck_assert_str_eq(json_text(json, "t"), "text");
	ck_assert_str_eq(json_text(json, "i"), "");
	ck_assert_str_eq(json_text(json, "none"), "");
	ck_assert_str_eq(json_text(NULL, "t"), "");
	ck_assert_ptr_null(json_text_or(json, "n", NULL));
	ck_assert_str_eq(json_text_or(json, "t", "x"), "text");
	ck_assert_int_eq(json_int_or(json, "i", 3), 7);
	ck_assert_int_eq(json_int_or(json, "t", 3), 3);
	ck_assert(json_flag(json, "b"));
	ck_assert(!json_flag(json, "i"));
	ck_assert(!json_flag(json, "none"));
}
END_TEST

START_TEST(json_find_takes_the_first_of_an_array)
{
	AUTO(json_ref) json_t *rows = json_pack("[{s:s, s:i}, i, {s:s}, {s:s, s:i}]",
						"step", "a", "n", 1, 2, "other", "b",
						"step", "a", "n", 3);
	ck_assert_int_eq(json_int_or(json_find(rows, "step", "a"), "n", 0), 1);
	ck_assert_ptr_null(json_find(rows, "step", "b"));
	ck_assert_ptr_null(json_find(json_array_get(rows, 0), "step", "a"));
	ck_assert_ptr_null(json_find(NULL, "step", "a"));
	/* A member that is missing is as an empty text, as everywhere. */
	ck_assert_ptr_eq(json_find(rows, "step", ""), json_array_get(rows, 1));
}
END_TEST

START_TEST(lossy_strings_are_utf8)
{
	AUTO(json_ref) json_t *json = json_string_lossy("a\xff\xc3\xa9\xe2\x82", 6);
	ck_assert_str_eq(json_string_value(json),
			 "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd");
	AUTO(json_ref) json_t *empty = json_string_lossy("", 0);
	ck_assert_str_eq(json_string_value(empty), "");
	AUTO(json_ref) json_t *nul = json_string_lossy("a\0b", 3);
	ck_assert_uint_eq(json_string_length(nul), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-json");
	TCase *tcase = tcase_create("json");
	tcase_add_loop_test(tcase, json_that_is_not_strict_is_refused, 0,
			    ARRAY_LEN(json_bad));
	tcase_add_test(tcase, json_depth_and_size_are_limited);
	tcase_add_test(tcase, json_error_has_a_place);
	tcase_add_loop_test(tcase, json_has_one_canonical_form, 0,
			    ARRAY_LEN(json_good));
	tcase_add_test(tcase, the_canonical_form_is_what_jansson_gives);
	tcase_add_test(tcase, json_getters_fall_back);
	tcase_add_test(tcase, json_find_takes_the_first_of_an_array);
	tcase_add_test(tcase, lossy_strings_are_utf8);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
