/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diffs of patch/apply: a diff that is refused says why, with a code; one that
 * is taken names files that lie inside the project, each once.
 */
#include "fuzz.h"

#include "plugins/patch/hunks.h"

const char *const fuzz_seeds[] = {
	"--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
	"diff --git a/new b/new\nnew file mode 100644\nindex 0000000..1234567\n"
	"--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n",
	"diff --git a/a b/dir/b\nsimilarity index 100%\nrename from a\nrename to "
	"dir/b\n",
	"diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n"
	"@@ -1,3 +0,0 @@\n-one\n-two\n-three\n",
	"text\n--- \"a/\\303\\244\"\t2024-01-01 10:00:00.5 +0000\n+++ "
	"\"b/\\303\\244\"\n"
	"@@ -1 +1,2 @@ f()\n one\n+two\n-- \n2.39\n",
	"--- a/a\n+++ b/a\n@@ -1,2 +1,3 @@\n one\n+x\n two\n@@ -3 +4 @@\n-three\n+3\n",
	"\n",
	NULL,
};

const char *const fuzz_words[] = {
	"--- ",
	"+++ ",
	"a/",
	"b/",
	"/dev/null",
	"@@ -",
	" @@",
	",",
	"\n",
	"\t",
	"\r\n",
	"diff --git ",
	"index 0000000..e69de29\n",
	"new file mode 100644\n",
	"deleted file mode 100644\n",
	"rename from a\n",
	"rename to b\n",
	"old mode 100644\n",
	"similarity index 9%\n",
	"\\ No newline at end of file\n",
	"GIT binary patch\n",
	"\"",
	"\\303",
	"../",
	".git/",
	"4294967297",
	" ",
	"+",
	"-",
	" one\n",
	"-one\n",
	"+\xe2\x80\xae\n",
	"1d\n",
	NULL,
};

static int
read_file(void *self, const char *path, const char **bytes, size_t *len,
	  const char **why)
{
	*bytes = "one\ntwo\nthree\n";
	*len = strlen(*bytes);
	*why = "it is not to be read";
	return text_equal(path, "a") ? 1 : text_equal(path, "forbidden") ? -1 : 0;
}

static void
check_fault(const struct diff_fault *fault)
{
	FUZZ_CHECK(text_starts(fault->code, "diff.") ||
		   text_starts(fault->code, "apply."));
	FUZZ_CHECK(fault->message[0] && fault->remedy[0]);
}

static void
check_path(const char *path)
{
	FUZZ_CHECK(path[0] && path[0] != '/' && strlen(path) <= 4096);
	FUZZ_CHECK(!strstr(path, "//") && !strstr(path, "/../") && !strchr(path, '\n'));
	FUZZ_CHECK(!text_starts(path, "../") && !text_starts(path, ".git/"));
}

static void
check_changes(const struct unified *diff)
{
	for (size_t i = 0; i < diff->count; i++) {
		const struct change *change = &diff->changes[i];

		check_path(change->path);
		FUZZ_CHECK((change->from != NULL) == (change->kind == CHANGE_RENAME));
		FUZZ_CHECK(change->first + change->count <= diff->hunk_count);
		for (size_t j = 0; j < i; j++)
			FUZZ_CHECK(!text_equal(change->path, diff->changes[j].path));
	}
	for (size_t i = 0; i < diff->hunk_count; i++)
		FUZZ_CHECK(diff->hunks[i].count > 0 &&
			   diff->hunks[i].first + diff->hunks[i].count <=
				   diff->line_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	AUTO(unified) struct unified diff = UNIFIED_INIT, strict = UNIFIED_INIT;
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	struct diff_fault fault;

	if (unified_parse((const char *)bytes, n, UNIFIED_ALLOW_DELETE, &diff, &fault) <
	    0) {
		check_fault(&fault);
		FUZZ_CHECK(diff.count == 0);
		return 0;
	}
	check_changes(&diff);
	if (unified_parse((const char *)bytes, n, 0, &strict, &fault) < 0)
		FUZZ_CHECK(text_equal(fault.code, "diff.delete"));
	if (unified_apply(&diff, read_file, NULL, &set, &fault) < 0) {
		check_fault(&fault);
		FUZZ_CHECK(set.count == 0);
		return 0;
	}
	FUZZ_CHECK(set.count >= diff.count);
	return 0;
}
