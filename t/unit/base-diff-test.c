/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Diffs of core/base: what they look like, that git applies them to exactly
 * the new file, and that they are as short as can be.
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/diff.h"
#include "base/path.h"

static struct diff_side
side(const char *text)
{
	return (struct diff_side){ text, text ? strlen(text) : 0 };
}

static const struct {
	const char *path, *before, *after;
	unsigned mode;
	const char *diff;
} shown_cases[] = {
	{ "a", "same\n", "same\n", 0644, "" },
	{ "a", NULL, NULL, 0644, "" },
	{ "a", "", "", 0644, "" },
	{ "api/Dockerfile", "a\nb\nc\n", "a\nB\nc\n", 0644,
	  "diff --git a/api/Dockerfile b/api/Dockerfile\n"
	  "--- a/api/Dockerfile\n+++ b/api/Dockerfile\n"
	  "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n" },
	{ "a", "x", "x\n", 0644,
	  "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n"
	  "-x\n\\ No newline at end of file\n+x\n" },
	{ "a", NULL, "x\n", 0755,
	  "diff --git a/a b/a\nnew file mode 100755\n--- /dev/null\n+++ b/a\n"
	  "@@ -0,0 +1 @@\n+x\n" },
	{ "a", "x\ny\n", NULL, 0644,
	  "diff --git a/a b/a\ndeleted file mode 100644\n--- a/a\n+++ /dev/null\n"
	  "@@ -1,2 +0,0 @@\n-x\n-y\n" },
	{ "a", NULL, "", 0644, "diff --git a/a b/a\nnew file mode 100644\n" },
	{ "a b", "x\n", "", 0644,
	  "diff --git a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n@@ -1 +0,0 @@\n-x\n" },
	{ "q\"\\\n", "x\n", "", 0644,
	  "diff --git \"a/q\\\"\\\\\\012\" \"b/q\\\"\\\\\\012\"\n"
	  "--- \"a/q\\\"\\\\\\012\"\n+++ \"b/q\\\"\\\\\\012\"\n@@ -1 +0,0 @@\n-x\n" },
	/* Six equal lines between two changes join them, seven do not. */
	{ "a", "x\n1\n2\n3\n4\n5\n6\nx\n", "y\n1\n2\n3\n4\n5\n6\ny\n", 0644,
	  "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,8 +1,8 @@\n"
	  "-x\n+y\n 1\n 2\n 3\n 4\n 5\n 6\n-x\n+y\n" },
	{ "a", "x\n1\n2\n3\n4\n5\n6\n7\nx\n", "y\n1\n2\n3\n4\n5\n6\n7\ny\n", 0644,
	  "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,4 +1,4 @@\n"
	  "-x\n+y\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-x\n+y\n" },
};

START_TEST(diff_looks_like_this)
{
	AUTO(str) struct str out = STR_INIT;
	diff_unified(&out, shown_cases[_i].path, side(shown_cases[_i].before),
		     side(shown_cases[_i].after), shown_cases[_i].mode);
	ck_assert_str_eq(str_get(&out), shown_cases[_i].diff);
}
END_TEST

START_TEST(binary_files_only_differ)
{
	AUTO(str) struct str out = STR_INIT;
	struct diff_side binary = { "a\0b", 3 };
	unsigned added = 4711, removed = 4711;

	diff_unified(&out, "a", side("x\n"), binary, 0644);
	ck_assert_str_eq(out.s,
			 "diff --git a/a b/a\nBinary files a/a and b/a differ\n");
	str_truncate(&out, 0);
	diff_unified(&out, "a", binary, side(NULL), 0644);
	ck_assert_str_eq(out.s, "diff --git a/a b/a\ndeleted file mode 100644\n"
				"Binary files a/a and /dev/null differ\n");
	diff_count(side("x\n"), binary, &added, &removed);
	ck_assert_uint_eq(added + removed, 0);
}
END_TEST

/* `lines` random lines out of `letters`; the last one maybe without newline. */
static void
add_random_text(struct str *text, uint64_t *random, unsigned lines, unsigned letters)
{
	for (unsigned i = 0; i < lines; i++)
		str_addf(text, "%c\n", 'a' + unit_random(random, letters));
	if (text->len > 0 && unit_random(random, 4) == 0)
		str_truncate(text, text->len - 1);
}

/* A copy with some lines dropped, some new ones between. */
static void
add_changed_text(struct str *text, uint64_t *random, const struct str *from)
{
	unsigned rarity = 2 + unit_random(random, 30);
	const char *p = str_get(from);
	while (*p != '\0') {
		size_t n = strcspn(p, "\n");
		n += p[n] == '\n';
		if (unit_random(random, rarity) > 0)
			str_add_n(text, p, n);
		if (unit_random(random, rarity) == 0)
			str_addf(text, "new %u\n", unit_random(random, 9));
		p += n;
	}
	if (text->len > 0 && unit_random(random, 6) == 0)
		str_truncate(text, text->len - 1);
}

/* The length of a shortest edit script, by the table everybody knows. */
static unsigned
shortest_script(const char *a, size_t n, const char *b, size_t m)
{
	unsigned table[41][41];
	ck_assert(n <= 40 && m <= 40);
	for (size_t i = 0; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0)
				table[i][j] = (unsigned)(i + j);
			else if (a[2 * (i - 1)] == b[2 * (j - 1)])
				table[i][j] = table[i - 1][j - 1];
			else
				table[i][j] = 1 + (table[i - 1][j] < table[i][j - 1] ?
							   table[i - 1][j] :
							   table[i][j - 1]);
		}
	}
	return table[n][m];
}

START_TEST(diff_is_a_shortest_one)
{
	uint64_t random = 11;
	for (int round = 0; round < 3000; round++) {
		AUTO(str) struct str a = STR_INIT, b = STR_INIT;
		unsigned n = unit_random(&random, 41), m = unit_random(&random, 41);
		unsigned letters = 1 + unit_random(&random, 8), added, removed;
		for (unsigned i = 0; i < n; i++)
			str_addf(&a, "%c\n", 'a' + unit_random(&random, letters));
		for (unsigned i = 0; i < m; i++)
			str_addf(&b, "%c\n", 'a' + unit_random(&random, letters));
		diff_count((struct diff_side){ str_get(&a), a.len },
			   (struct diff_side){ str_get(&b), b.len }, &added, &removed);
		ck_assert_uint_eq(added + removed,
				  shortest_script(str_get(&a), n, str_get(&b), m));
		ck_assert_int_eq((int)added - (int)removed, (int)m - (int)n);
	}
}
END_TEST

START_TEST(texts_too_different_cost_bounded_work)
{
	AUTO(str) struct str a = STR_INIT, b = STR_INIT;
	unsigned added, removed;
	for (int i = 0; i < 30000; i++) {
		str_addf(&a, "old %d\n", i);
		str_addf(&b, "new %d\n", i);
		if (i % 2 == 0) {
			str_addf(&a, "both %d\n", i);
			str_addf(&b, "both %d\n", i);
		}
	}
	str_add(&a, "end\n");
	str_add(&b, "end\n");
	int64_t start = clock_boot_ms();
	diff_count((struct diff_side){ a.s, a.len }, (struct diff_side){ b.s, b.len },
		   &added, &removed);
	ck_assert_int_lt(clock_boot_ms() - start, 5000);
	ck_assert_uint_eq(added, 45000);
	ck_assert_uint_eq(removed, added);
}
END_TEST

#define APPLIED 400

struct applied {
	char *name;
	struct str after;
	bool is_deleted;
};

/* Writes the old file of one random case, adds its diff to the patch. */
static void
make_case(struct applied *it, int number, int root, struct str *patch, uint64_t *random)
{
	AUTO(str) struct str before = STR_INIT;
	bool is_new = unit_random(random, 10) == 0;
	it->is_deleted = !is_new && unit_random(random, 10) == 0;
	static const char *const names[] = { "plain", "with blank", "q\"uote",
					     "\xc3\xa9", "-dash" };
	it->name = x_asprintf("%s %d", names[number % 5], number);

	if (!is_new)
		add_random_text(&before, random, unit_random(random, 60),
				1 + unit_random(random, 26));
	if (!it->is_deleted && (is_new || unit_random(random, 5) == 0))
		add_random_text(&it->after, random, unit_random(random, 60), 20);
	else if (!it->is_deleted)
		add_changed_text(&it->after, random, &before);
	if (!is_new) {
		AUTO_CLOSE int fd =
			openat(root, it->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		ck_assert_int_eq(file_write_all(fd, str_get(&before), before.len), 0);
	}
	diff_unified(patch, it->name,
		     (struct diff_side){ is_new ? NULL : str_get(&before), before.len },
		     (struct diff_side){ it->is_deleted ? NULL : str_get(&it->after),
					 it->after.len },
		     0644);
}

static int
run_git_apply(const char *directory)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		AUTO_FREE char *ceiling =
			x_asprintf("GIT_CEILING_DIRECTORIES=%s/..", directory);
		AUTO_FREE char *path = x_asprintf("PATH=%s", getenv("PATH"));
		char *env[] = { ceiling, path, NULL };
		char git[] = "git", apply[] = "apply", name[] = "patch";
		char *command[] = { git, apply, name, NULL };
		if (chdir(directory) == 0)
			execvpe("git", command, env);
		_exit(127);
	}
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(git_applies_what_we_show)
{
	uint64_t random = 20261121;
	struct err err;
	struct applied cases[APPLIED] = { 0 };
	AUTO(str) struct str patch = STR_INIT;
	AUTO_FREE char *directory = unit_directory();
	AUTO_CLOSE int root = path_open_dir(directory, &err);

	for (int i = 0; i < APPLIED; i++)
		make_case(&cases[i], i, root, &patch, &random);
	ck_assert_int_eq(file_replace(root, "patch", patch.s, patch.len, 0644, &err),
			 0);
	int status = run_git_apply(directory);
	if (status == 127)
		fputs("# git is not here: nothing was applied\n", stderr);
	else
		ck_assert_msg(status == 0, "git apply fails, see %s", directory);

	for (int i = 0; i < APPLIED; i++) {
		AUTO_FREE char *bytes = NULL;
		size_t len = 0;
		AUTO_FREE char *path = path_join(directory, cases[i].name);
		int found = file_read(path, 100000, &bytes, &len, &err);
		if (status == 0 && cases[i].is_deleted)
			ck_assert_str_eq(err.code, "path.missing");
		if (status == 0 && !cases[i].is_deleted) {
			ck_assert_int_eq(found, 0);
			ck_assert_uint_eq(len, cases[i].after.len);
			ck_assert_mem_eq(bytes, str_get(&cases[i].after), len);
		}
		free(cases[i].name);
		str_done(&cases[i].after);
	}
	unit_remove(directory);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-diff");
	TCase *tcase = tcase_create("diff");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, diff_looks_like_this, 0, ARRAY_LEN(shown_cases));
	tcase_add_test(tcase, binary_files_only_differ);
	tcase_add_test(tcase, diff_is_a_shortest_one);
	tcase_add_test(tcase, texts_too_different_cost_bounded_work);
	tcase_add_test(tcase, git_applies_what_we_show);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
