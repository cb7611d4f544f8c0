/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths and files of core/base, in a directory of their own. */
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/path.h"

static char *root;	/* the directory */
static int root_fd = -1;

static void
put_file(const char *name, const char *text)
{
	AUTO_CLOSE int fd =
		openat(root_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
}

static void
setup(void)
{
	struct err err;
	root = unit_directory();
	root_fd = path_open_dir(root, &err);
	ck_assert_int_ge(root_fd, 0);
	ck_assert_int_eq(mkdirat(root_fd, "in", 0755), 0);
	put_file("in/file", "inside");
	put_file("plain", "plain");
	ck_assert_int_eq(symlinkat("plain", root_fd, "link"), 0);
	ck_assert_int_eq(symlinkat("in", root_fd, "linkdir"), 0);
	ck_assert_int_eq(symlinkat("/etc/passwd", root_fd, "outlink"), 0);
	ck_assert_int_eq(mkfifoat(root_fd, "fifo", 0644), 0);
}

static void
teardown(void)
{
	close(root_fd);
	unit_remove(root);
	free(root);
}

static const char *const bad_paths[] = {
	"", "/", "/etc/passwd", ".", "..", "./a", "a/.", "a/./b", "../a", "a/..",
	"a/../b", "a//b", "a/", "//", "a\nb", "a\tb", "a\x1b[2Jb", "a\x7f", "a\xc2\x80",
	"a\xc2\x9fz", "a\\b", "\\", "a\xff", "a/\xc0\xaf/b", "\xed\xa0\x80", "\xc3",
};

START_TEST(path_that_is_not_canonical_is_refused)
{
	struct err err = { "" };
	ck_assert_int_eq(path_check(bad_paths[_i], &err), -1);
	ck_assert_str_eq(err.code, "path.invalid");
	ck_assert_str_ne(err.remedy, "");
}
END_TEST

static const char *const good_paths[] = {
	"a", "a/b", ".git", "...", "..a", "a..", ".a/..b", "a b", "a:b", "-x", "*",
	"\xc3\xa9/\xf0\x9f\x92\xa9", "\xc2\xa0", "a'b\"c",
};

START_TEST(canonical_path_is_taken)
{
	struct err err;
	ck_assert_int_eq(path_check(good_paths[_i], &err), 0);
}
END_TEST

START_TEST(path_has_at_most_4096_bytes)
{
	struct err err;
	char path[4098];
	memset(path, 'a', sizeof(path));
	path[4096] = '\0';
	ck_assert_int_eq(path_check(path, &err), 0);
	path[4096] = 'a';
	path[4097] = '\0';
	ck_assert_int_eq(path_check(path, &err), -1);
}
END_TEST

static const struct {
	const char *path, *code;
} beneath_bad[] = {
	{ "none", "path.missing" },
	{ "in/none", "path.missing" },
	{ "none/file", "path.missing" },
	{ "link", "path.symlink" },
	{ "outlink", "path.symlink" },
	{ "linkdir/file", "path.symlink" },
	{ "..", "path.escape" },
	{ "../plain", "path.escape" },
	{ "in/../../plain", "path.escape" },
	{ "/etc/passwd", "path.escape" },
	{ "plain/file", "path.open" },
};

START_TEST(open_beneath_never_leaves_the_directory)
{
	struct err err = { "" };
	ck_assert_int_eq(
		path_open_beneath(root_fd, beneath_bad[_i].path, O_RDONLY, 0, &err),
		-1);
	ck_assert_str_eq(err.code, beneath_bad[_i].code);
}
END_TEST

START_TEST(open_beneath_crosses_no_mount_and_no_magic_link)
{
	struct err err = { "" };
	AUTO_CLOSE int slash = path_open_dir("/", &err);
	ck_assert_int_eq(path_open_beneath(slash, "proc/version", O_RDONLY, 0, &err),
			 -1);
	ck_assert_str_eq(err.code, "path.escape");
	AUTO_CLOSE int own = path_open_dir("/proc/self", &err);
	ck_assert_int_eq(path_open_beneath(own, "cwd/x", O_RDONLY, 0, &err), -1);
	ck_assert_str_eq(err.code, "path.symlink");
}
END_TEST

START_TEST(open_beneath_opens_and_creates)
{
	struct err err;
	char buf[8] = "";
	AUTO_CLOSE int fd = path_open_beneath(root_fd, "in/file", O_RDONLY, 0600, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(read(fd, buf, 7), 6);
	ck_assert_str_eq(buf, "inside");
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);

	umask(022);
	AUTO_CLOSE int made = path_open_beneath(
		root_fd, "in/new", O_WRONLY | O_CREAT | O_EXCL, 0640, &err);
	struct stat st;
	ck_assert_int_ge(made, 0);
	ck_assert_int_eq(fstat(made, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(path_open_beneath(root_fd, "in/new",
					   O_WRONLY | O_CREAT | O_EXCL, 0640, &err),
			 -1);
	ck_assert_str_eq(err.code, "path.open");
}
END_TEST

START_TEST(open_dir_takes_directories_only)
{
	struct err err;
	AUTO_FREE char *file = path_join(root, "plain"),
		       *none = path_join(root, "none");
	ck_assert_int_eq(path_open_dir(file, &err), -1);
	ck_assert_str_eq(err.code, "path.open");
	ck_assert_int_eq(path_open_dir(none, &err), -1);
	ck_assert_str_eq(err.code, "path.missing");
	ck_assert(fcntl(root_fd, F_GETFD) & FD_CLOEXEC);
}
END_TEST

START_TEST(directories_are_made_as_needed)
{
	struct err err;
	struct stat st;
	AUTO_FREE char *deep = path_join(root, "x/y//z/");
	umask(0);
	ck_assert_int_eq(path_make_dirs(deep, &err), 0);
	ck_assert_int_eq(path_make_dirs(deep, &err), 0);
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	AUTO_FREE char *file = path_join(root, "plain/x"),
		       *plain = path_join(root, "plain");
	ck_assert_int_eq(path_make_dirs(file, &err), -1);
	ck_assert_str_eq(err.code, "path.create");
	ck_assert_int_eq(path_make_dirs(plain, &err), -1);
}
END_TEST

static const struct {
	const char *a, *b, *joined;
} join_cases[] = {
	{ "a", "b", "a/b" },   { "a/", "b", "a/b" }, { "/", "b", "/b" },
	{ "a", "/b", "/b" },   { "", "b", "b" },     { "a", "", "a/" },
};

START_TEST(paths_are_joined)
{
	AUTO_FREE char *joined = path_join(join_cases[_i].a, join_cases[_i].b);
	ck_assert_str_eq(joined, join_cases[_i].joined);
}
END_TEST

START_TEST(file_is_read_whole_from_its_start)
{
	struct err err;
	size_t len = 0;
	AUTO_FREE char *bytes = NULL, *again = NULL, *version = NULL;
	AUTO_FREE char *path = path_join(root, "in/file");
	ck_assert_int_eq(file_read(path, 6, &bytes, &len, &err), 0);
	ck_assert_uint_eq(len, 6);
	ck_assert_str_eq(bytes, "inside");
	AUTO_CLOSE int fd = openat(root_fd, "in/file", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 6);
	ck_assert_int_eq(file_read_fd(fd, "x", 100, &again, NULL, &err), 0);
	ck_assert_str_eq(again, "inside");
	/* A file that says it has no bytes. */
	ck_assert_int_eq(file_read("/proc/version", 100000, &version, &len, &err), 0);
	ck_assert_uint_gt(len, 10);
	ck_assert_uint_eq(strlen(version), len);
}
END_TEST

static const struct {
	const char *name, *code;
} read_bad[] = {
	{ "none", "path.missing" },
	{ "plain/x", "path.open" },
	{ "in", "file.type" },
	{ "fifo", "file.type" },
	{ "in/file", "file.size" },
};

START_TEST(file_that_cannot_be_read_leaves_nothing)
{
	struct err err = { "" };
	char *bytes = root;
	size_t len = 4711;
	AUTO_FREE char *path = path_join(root, read_bad[_i].name);
	ck_assert_int_eq(file_read(path, 5, &bytes, &len, &err), -1);
	ck_assert_str_eq(err.code, read_bad[_i].code);
	ck_assert_ptr_eq(bytes, root);
	ck_assert_uint_eq(len, 4711);
}
END_TEST

START_TEST(proc_file_above_the_limit_is_refused)
{
	struct err err;
	char *bytes = NULL;
	ck_assert_int_eq(file_read("/proc/version", 5, &bytes, NULL, &err), -1);
	ck_assert_str_eq(err.code, "file.size");
}
END_TEST

/* Names in `directory`, without `.` and `..`. */
static unsigned
count_names(const char *directory)
{
	unsigned count = 0;
	DIR *dir = opendir(directory);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

START_TEST(replaced_file_is_a_new_file_of_that_name)
{
	struct err err;
	struct stat before, after;
	char buf[16] = "";
	AUTO_CLOSE int old = openat(root_fd, "plain", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(linkat(root_fd, "plain", root_fd, "other", 0), 0);
	ck_assert_int_eq(fstat(old, &before), 0);
	unsigned names = count_names(root);

	umask(077);
	ck_assert_int_eq(file_replace(root_fd, "plain", "new\0text", 8, 0755, &err), 0);
	ck_assert_int_eq(fstatat(root_fd, "plain", &after, 0), 0);
	ck_assert_uint_ne(before.st_ino, after.st_ino);
	ck_assert_uint_eq(after.st_mode & 07777, 0755);
	ck_assert_int_eq(after.st_size, 8);
	ck_assert_uint_eq(count_names(root), names);
	/* Who has the old file open, or has a link to it, keeps the old bytes. */
	ck_assert_int_eq(read(old, buf, sizeof(buf)), 5);
	ck_assert_str_eq(buf, "plain");
	AUTO_FREE char *other = path_join(root, "other"), *bytes = NULL;
	ck_assert_int_eq(file_read(other, 100, &bytes, NULL, &err), 0);
	ck_assert_str_eq(bytes, "plain");
}
END_TEST

START_TEST(replacing_a_link_leaves_its_target)
{
	struct err err;
	struct stat st;
	AUTO_FREE char *plain = path_join(root, "plain"), *bytes = NULL;
	ck_assert_int_eq(file_replace(root_fd, "link", "x", 1, 0644, &err), 0);
	ck_assert_int_eq(fstatat(root_fd, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(file_read(plain, 100, &bytes, NULL, &err), 0);
	ck_assert_str_eq(bytes, "plain");
}
END_TEST

START_TEST(replacing_creates_what_is_not_there)
{
	struct err err;
	char longest[256];
	memset(longest, 'n', 255);
	longest[255] = '\0';
	AUTO_CLOSE int path_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(file_replace(path_fd, longest, "", 0, 0600, &err), 0);
	ck_assert_int_eq(faccessat(root_fd, longest, F_OK, 0), 0);
	ck_assert_int_eq(chdir(root), 0);
	ck_assert_int_eq(file_replace(AT_FDCWD, "here", "x", 1, 0600, &err), 0);
	ck_assert_int_eq(faccessat(root_fd, "here", F_OK, 0), 0);
}
END_TEST

static const struct {
	const char *name, *code;
} replace_bad[] = {
	{ "in", "file.write" },		/* a directory stands there */
	{ "in/file", "path.invalid" },
	{ "", "path.invalid" },
	{ "..", "path.invalid" },
	{ ".", "path.invalid" },
};

START_TEST(failed_replacement_leaves_nothing_behind)
{
	struct err err = { "" };
	unsigned names = count_names(root);
	ck_assert_int_eq(
		file_replace(root_fd, replace_bad[_i].name, "x", 1, 0644, &err), -1);
	ck_assert_str_eq(err.code, replace_bad[_i].code);
	ck_assert_uint_eq(count_names(root), names);
	AUTO_FREE char *path = path_join(root, "in/file"), *bytes = NULL;
	ck_assert_int_eq(file_read(path, 100, &bytes, NULL, &err), 0);
	ck_assert_str_eq(bytes, "inside");
}
END_TEST

START_TEST(write_all_says_when_it_cannot)
{
	AUTO_CLOSE int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(file_write_all(full, "x", 1), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(file_write_all(full, "x", 0), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-path");
	TCase *tcase = tcase_create("path");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, path_that_is_not_canonical_is_refused, 0,
			    ARRAY_LEN(bad_paths));
	tcase_add_loop_test(tcase, canonical_path_is_taken, 0, ARRAY_LEN(good_paths));
	tcase_add_test(tcase, path_has_at_most_4096_bytes);
	tcase_add_loop_test(tcase, open_beneath_never_leaves_the_directory, 0,
			    ARRAY_LEN(beneath_bad));
	tcase_add_test(tcase, open_beneath_crosses_no_mount_and_no_magic_link);
	tcase_add_test(tcase, open_beneath_opens_and_creates);
	tcase_add_test(tcase, open_dir_takes_directories_only);
	tcase_add_test(tcase, directories_are_made_as_needed);
	tcase_add_loop_test(tcase, paths_are_joined, 0, ARRAY_LEN(join_cases));
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("file");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, file_is_read_whole_from_its_start);
	tcase_add_loop_test(tcase, file_that_cannot_be_read_leaves_nothing, 0,
			    ARRAY_LEN(read_bad));
	tcase_add_test(tcase, proc_file_above_the_limit_is_refused);
	tcase_add_test(tcase, replaced_file_is_a_new_file_of_that_name);
	tcase_add_test(tcase, replacing_a_link_leaves_its_target);
	tcase_add_test(tcase, replacing_creates_what_is_not_there);
	tcase_add_loop_test(tcase, failed_replacement_leaves_nothing_behind, 0,
			    ARRAY_LEN(replace_bad));
	tcase_add_test(tcase, write_all_says_when_it_cannot);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
