/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * YAML, as a tree and as a pipeline: what is taken keeps all limits and has
 * places inside of the file; what is refused says where and why.
 */
#include "base/base.h"

#include "fuzz.h"

#include "base/json.h"
#include "base/str.h"
#include "model/node.h"
#include "model/pipeline.h"

const char *const fuzz_seeds[] = {
	"fettle: 1\nname: repair\n"
	"inputs: { instruction: { type: string, required: true }, service: { type: "
	"service } }\n"
	"policies:\n  - uses: allow-list\n    with: { before: [patch], n: 1, "
	"valid_for: 60m }\n"
	"steps:\n  - { id: analyze, uses: analyze/logs }\n"
	"  - { id: patch, uses: patch/apply, timeout: 5m,\n"
	"      with: { edits: \"${{ steps.analyze.outputs.edits }}\" } }\n"
	"on_failure:\n  - { id: rollback, uses: rollback/compose }\n",
	"fettle: 1\nname: x\nenv: { A: b }\nsteps:\n- id: a\n  uses: build/command\n"
	"  env: { A: '1' }\n  idle_timeout: 250ms\n  irreversible: yes\n"
	"  with:\n    program: [sh, -c, 'exit 0']\nfinally: []\n",
	"a: |\n  block\n   text\n\nb: >-\n  folded\n  text\nc: \"\\u00e9\\n\\x41\"\n",
	"a: [1, -2, true, null, ~, 'it''s', \"q\"]\nb: {c: {d: [[], {}]}}\n# remark\n",
	"%YAML 1.1\n---\na: &x 1\nb: *x\nc: !!str 2\n...\n---\nd: 3\n",
	"\xef\xbb\xbf? a\n: b\n<<: c\n",
	"[[[[[[[[[[]]]]]]]]]]",
	NULL,
};

const char *const fuzz_words[] = {
	"a: b\n",
	"\n",
	"\n  ",
	"\n- ",
	": ",
	"- ",
	"{",
	"}",
	"[",
	"]",
	", ",
	"&x ",
	"*x",
	"!!str ",
	"!t ",
	"|\n",
	">\n",
	"|2+\n",
	"'",
	"\"",
	"\\u0000",
	"\\ud800",
	"\\x00",
	"# ",
	"---\n",
	"...\n",
	"%TAG ! a\n",
	"? ",
	"<<: ",
	"\xef\xbb\xbf",
	"\xe2\x80\xa8",
	"\xc2\x85",
	"\xff",
	"\r",
	"\t",
	"fettle: 1\n",
	"name: x\n",
	"steps:\n",
	"  - { id: a, uses: build/compose }\n",
	"id: ",
	"uses: ",
	"with: ",
	"env: ",
	"timeout: 5m",
	"inputs:\n",
	"policies:\n",
	"finally:\n",
	"on_failure:\n",
	"if: ",
	"retry: ",
	"type: int",
	"required: true",
	"default: ",
	"${{ ",
	" }}",
	"true",
	"null",
	"99999999999999999999",
	NULL,
};

static void
check_place(uint32_t line, uint32_t column, size_t n)
{
	FUZZ_CHECK(line >= 1 && line <= n + 1);
	FUZZ_CHECK(column >= 1 && column <= n + 1);
}

static size_t
check_node(const struct node *node, size_t n, unsigned depth)
{
	size_t count = 1;

	FUZZ_CHECK(depth <= 64);
	check_place(node->line, node->column, n);
	if (node->kind == NODE_SCALAR) {
		FUZZ_CHECK(strlen(node->text) == node->len);
		FUZZ_CHECK(utf8_is_valid(node->text, node->len));
		FUZZ_CHECK(node->len <= 64 << 10);
		FUZZ_CHECK(node->count == 0);
	}
	for (size_t i = 0; i < node->count; i++) {
		count += check_node(node->items[i], n, depth + 1);
		if (node->kind != NODE_MAPPING)
			continue;
		count++;
		check_place(node->key_places[i].line, node->key_places[i].column, n);
		/* The first of that name is itself: there is no second. */
		if (node->count < 100)
			FUZZ_CHECK(node_find(node, node->keys[i]) == node->items[i]);
	}
	return count;
}

static void
check_refusal(const struct err *err, size_t n)
{
	FUZZ_CHECK(err->code[0] != '\0' && err->text[0] != '\0');
	FUZZ_CHECK(utf8_is_valid(err->text, strlen(err->text)));
	FUZZ_CHECK(err->line <= n + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { "" };
	AUTO(node)
	struct node *root = node_parse((const char *)bytes, n, "f.yaml", &err);

	if (root) {
		FUZZ_CHECK(root->kind == NODE_MAPPING);
		FUZZ_CHECK(check_node(root, n, 0) <= 20000);
		AUTO(json_ref) json_t *json = node_to_json(root);
		AUTO_FREE char *text = json_canonical(json);
		FUZZ_CHECK(text[0] == '{');
	} else {
		check_refusal(&err, n);
	}

	struct pipeline *pipeline =
		pipeline_parse((const char *)bytes, n, "f.yaml", &err);
	if (pipeline) {
		FUZZ_CHECK(root && pipeline->step_count > 0);
		json_decref(pipeline_type_inputs(pipeline, NULL, &err));
	} else {
		check_refusal(&err, n);
	}
	pipeline_free(pipeline);
	return 0;
}
