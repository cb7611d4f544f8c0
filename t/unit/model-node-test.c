/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes of core/model. What is refused as a file: corpus-test. */
#include "model.h"

#include "base/str.h"
#include "model/node.h"

static struct node *
parse(const char *text)
{
	struct err err = { "" };
	struct node *node = node_parse(text, strlen(text), "test.yaml", &err);

	ck_assert_msg(node != NULL, "%s: %s", text, err.text);
	return node;
}

START_TEST(positions_count_characters)
{
	AUTO(node) struct node *root = parse("a: [\"\xc3\xa9\", b]\nc:\n  d: e\n");
	const struct node *list = node_find(root, "a"), *map = node_find(root, "c");

	ck_assert_uint_eq(list->line, 1);
	ck_assert_uint_eq(list->column, 4);
	ck_assert_uint_eq(list->items[1]->column, 10);
	ck_assert_uint_eq(map->key_places[0].line, 3);
	ck_assert_uint_eq(map->key_places[0].column, 3);
	ck_assert_uint_eq(map->items[0]->column, 6);
}
END_TEST

START_TEST(a_mapping_keeps_the_order_of_its_keys)
{
	AUTO(node) struct node *root = parse("z: 1\na: 2\nm: 3\n");

	ck_assert_uint_eq(root->count, 3);
	ck_assert_str_eq(root->keys[0], "z");
	ck_assert_str_eq(root->keys[1], "a");
	ck_assert_str_eq(root->keys[2], "m");
	ck_assert_ptr_null(node_find(root, "b"));
	ck_assert_ptr_null(node_find(root->items[0], "a"));
}
END_TEST

static const struct {
	const char *text;
	bool is_null;
} null_cases[] = {
	{ "a:\n", true },      { "a: ~\n", true },     { "a: null\n", true },
	{ "a: NULL\n", true }, { "a: \"\"\n", false }, { "a: 'null'\n", false },
	{ "a: nil\n", false }, { "a: []\n", false },
};

START_TEST(null_is_plain)
{
	AUTO(node) struct node *root = parse(null_cases[_i].text);

	ck_assert_msg(node_is_null(root->items[0]) == null_cases[_i].is_null, "%s",
		      null_cases[_i].text);
}
END_TEST

enum getter { TEXT, BOOL, MS };

static const struct {
	enum getter getter;
	const char *text, *code;
	uint32_t line, column;
} getter_refusals[] = {
	{ TEXT, "k: []\n", "type.string", 1, 4 },
	{ TEXT, "k: { a: b }\n", "type.string", 1, 4 },
	{ TEXT, "k: ~\n", "type.string", 1, 4 },
	{ BOOL, "\nk: yes\n", "type.bool", 2, 4 },
	{ BOOL, "k: True\n", "type.bool", 1, 4 },
	{ BOOL, "k: 1\n", "type.bool", 1, 4 },
	{ BOOL, "k: [true]\n", "type.bool", 1, 4 },
	{ MS, "k: []\n", "type.duration", 1, 4 },
	{ MS, "k: soon\n", "type.duration", 1, 4 },
	{ MS, "k: 5s5m\n", "type.duration", 1, 4 },
	{ MS, "k: 30\n", "type.duration", 1, 4 },
	{ MS, "k: 007\n", "type.duration", 1, 4 },
	{ MS, "k: -5s\n", "type.range", 1, 4 },
	{ MS, "k: 0ms\n", "type.range", 1, 4 },
	{ MS, "k: 8761h\n", "type.range", 1, 4 },
	{ MS, "k: 1e3\n", "type.int", 1, 4 },
	{ MS, "k: 0o17\n", "type.int", 1, 4 },
};

START_TEST(a_member_of_another_type_is_refused_at_its_place)
{
	AUTO(node) struct node *root = parse(getter_refusals[_i].text);
	AUTO_FREE char *text = x_strdup("kept");
	struct err err = { "" };
	uint64_t ms = 77;
	bool flag = true;
	int result = 0;

	switch (getter_refusals[_i].getter) {
	case TEXT:
		result = node_get_text(root, "test.yaml", "k", &text, &err);
		break;
	case BOOL:
		result = node_get_bool(root, "test.yaml", "k", &flag, &err);
		break;
	case MS:
		result = node_get_ms(root, "test.yaml", "k", &ms, &err);
		break;
	}
	ck_assert_int_eq(result, -1);
	expect_err(getter_refusals[_i].text, &err, getter_refusals[_i].code,
		   getter_refusals[_i].line, getter_refusals[_i].column);
	ck_assert_str_eq(err.file, "test.yaml");
	ck_assert_str_eq(text, "kept");
	ck_assert_uint_eq(ms, 77);
	ck_assert(flag);
}
END_TEST

START_TEST(a_missing_member_leaves_what_was_there)
{
	AUTO(node) struct node *root = parse("a: b\n");
	AUTO_FREE char *text = x_strdup("kept");
	struct err err = { "" };
	uint64_t ms = 77;
	bool flag = true;

	ck_assert_int_eq(node_get_text(root, "f", "k", &text, &err), 0);
	ck_assert_int_eq(node_get_bool(root, "f", "k", &flag, &err), 0);
	ck_assert_int_eq(node_get_ms(root, "f", "k", &ms, &err), 0);
	ck_assert_str_eq(text, "kept");
	ck_assert(flag);
	ck_assert_uint_eq(ms, 77);
}
END_TEST

START_TEST(scalars_are_typed_by_who_reads_them)
{
	AUTO(node)
	struct node *root = parse("text: no\nflag: \"true\"\nshort: 1ms\nlong: "
				  "\"1h30m\"\nyear: 8760h\n");
	AUTO_FREE char *text = NULL;
	struct err err = { "" };
	uint64_t ms = 0;
	bool flag = false;

	ck_assert_int_eq(node_get_text(root, "f", "text", &text, &err), 0);
	ck_assert_str_eq(text, "no");
	ck_assert_int_eq(node_get_bool(root, "f", "flag", &flag, &err), 0);
	ck_assert(flag);
	ck_assert_int_eq(node_get_ms(root, "f", "short", &ms, &err), 0);
	ck_assert_uint_eq(ms, 1);
	ck_assert_int_eq(node_get_ms(root, "f", "long", &ms, &err), 0);
	ck_assert_uint_eq(ms, 5400000);
	ck_assert_int_eq(node_get_ms(root, "f", "year", &ms, &err), 0);
	ck_assert_uint_eq(ms, 31536000000);
}
END_TEST

START_TEST(an_unknown_key_is_named_with_its_place_and_the_nearest)
{
	static const char *const allowed[] = { "timeout", "uses", NULL };
	AUTO(node) struct node *root = parse("uses: a\n  # c\ntimeuot: 5s\n");
	AUTO(node) struct node *list = parse("a: []\n");
	struct err err = { "" };

	ck_assert_int_eq(node_check_keys(root, "f", allowed, &err), -1);
	expect_err("unknown key", &err, "key.unknown", 3, 1);
	ck_assert_ptr_nonnull(strstr(err.text, "did you mean 'timeout'?"));
	ck_assert_str_eq(err.remedy, "keys here are: timeout, uses");
	ck_assert_int_eq(node_check_keys(list->items[0], "f", allowed, &err), -1);
	expect_err("list", &err, "type.map", 1, 4);
}
END_TEST

START_TEST(json_types_plain_booleans_and_integers_only)
{
	AUTO(node)
	struct node *root = parse("a: true\nb: 'true'\nc: 12\nd: -3\ne: \"12\"\nf: "
				  "1.5\ng: 012\nh: no\n"
				  "i: [x, {y: false}]\nj:\nk: 99999999999999999999\n");

	expect_json("tree", node_to_json(root),
		    "{\"a\":true,\"b\":\"true\",\"c\":12,\"d\":-3,\"e\":\"12\",\"f\":"
		    "\"1.5\","
		    "\"g\":\"012\",\"h\":\"no\",\"i\":[\"x\",{\"y\":false}],\"j\":\"\","
		    "\"k\":\"99999999999999999999\"}");
}
END_TEST

START_TEST(block_scalars_keep_their_lines)
{
	AUTO(node)
	struct node *root = parse("a: |\n  one\n  two\nb: >-\n  one\n  two\n");

	ck_assert_str_eq(root->items[0]->text, "one\ntwo\n");
	ck_assert_str_eq(root->items[1]->text, "one two");
	ck_assert(!root->items[0]->is_plain);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-node");
	TCase *nodes = tcase_create("node");

	tcase_add_loop_test(nodes, a_member_of_another_type_is_refused_at_its_place, 0,
			    ARRAY_LEN(getter_refusals));
	tcase_add_test(nodes, an_unknown_key_is_named_with_its_place_and_the_nearest);
	tcase_add_test(nodes, positions_count_characters);
	tcase_add_test(nodes, a_mapping_keeps_the_order_of_its_keys);
	tcase_add_loop_test(nodes, null_is_plain, 0, ARRAY_LEN(null_cases));
	tcase_add_test(nodes, a_missing_member_leaves_what_was_there);
	tcase_add_test(nodes, scalars_are_typed_by_who_reads_them);
	tcase_add_test(nodes, json_types_plain_booleans_and_integers_only);
	tcase_add_test(nodes, block_scalars_keep_their_lines);
	suite_add_tcase(suite, nodes);
	return unit_run(suite);
}
