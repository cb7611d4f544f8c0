/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `diff-apply DIFF`: the diff of patch/apply, without Fettle, in the current
 * directory; for t/real-diffs. Prints the files it touched. Exit status 0; 1
 * and `CODE MESSAGE` when the diff is refused, with nothing touched.
 */
#include "diff-tree.h"

int
main(int argc, char **argv)
{
	struct tree tree = { ".", { 0 } };
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	AUTO(unified) struct unified diff = UNIFIED_INIT;
	AUTO_TEXT struct text bytes = { 0 };
	struct diff_fault fault;
	int result;

	if (argc != 2 || file_load(argv[1], 64u << 20, &bytes) < 0) {
		fprintf(stderr, "usage: diff-apply DIFF\n");
		return 2;
	}
	result = unified_parse(text_get(&bytes), bytes.len, UNIFIED_ALLOW_DELETE, &diff,
			       &fault);
	if (result == 0)
		result = unified_apply(&diff, tree_read, &tree, &set, &fault);
	text_done(&tree.held);
	if (result < 0) {
		printf("%s %s\n", fault.code, fault.message);
		return 1;
	}
	if (tree_store(".", &set) < 0) {
		perror("diff-apply");
		return 2;
	}
	for (size_t i = 0; i < set.count; i++)
		printf("%s\n", set.files[i].path);
	return 0;
}
