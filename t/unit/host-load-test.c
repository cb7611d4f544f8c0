/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which module files fettle-host loads, and which it refuses. */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <fettle/plugin.h>

#include "ask.h"
#include "base/path.h"
#include "base/sha256.h"
#include "unit.h"

/* Copies a test module; the copy has `size` bytes of it, or all (0). Caller owns. */
static char *
copy_module(const char *name, const char *directory, size_t size)
{
	AUTO_FREE char *from = ask_module_path(name);
	AUTO_FREE char *bytes = NULL;
	char *to = path_join(directory, "copy.so");
	struct err err;
	size_t len;
	int fd;

	ck_assert_int_eq(file_read(from, 64u << 20, &bytes, &len, &err), 0);
	fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_all(fd, bytes, size ? size : len), 0);
	close(fd);
	return to;
}

/* ---- refusals before a module's code runs ------------------------------ */

START_TEST(missing_module_is_named)
{
	AUTO(answer) struct answer answer = ask_run("/nowhere/none.so");

	ck_assert_str_eq(answer_result(&answer), "error");
	ck_assert_str_eq(answer_code(&answer), "plugin.missing");
	ck_assert_ptr_nonnull(
		strstr(json_text(answer_event(&answer, "result", 0), "text"),
		       "/nowhere/none.so"));
	ck_assert_str_ne(json_text(answer_event(&answer, "result", 0), "remedy"), "");
}
END_TEST

/* Every way in which a module file can be somebody else's. */
static const struct distrust {
	const char *what;
	mode_t mode, directory_mode;
	bool has_link, is_symlink, is_foreign;
} DISTRUSTS[] = {
	{ "group", 0775, 0700 },
	{ "everybody", 0757, 0700 },
	{ "directory", 0755, 0707 },
	{ "hard link", 0755, 0700, .has_link = true },
	{ "symbolic link", 0755, 0700, .is_symlink = true },
	{ "owner", 0755, 0700, .is_foreign = true },
};

START_TEST(module_that_others_may_write_is_refused)
{
	const struct distrust *distrust = &DISTRUSTS[_i];
	AUTO_FREE char *directory = unit_directory();
	AUTO_FREE char *module = copy_module("test/good", directory, 0);
	AUTO_FREE char *other = path_join(directory, "other.so");

	if (distrust->is_foreign && geteuid() != 0) {
		unit_remove(directory);
		return; /* Only root can give a file away. */
	}
	ck_assert_int_eq(chmod(module, distrust->mode), 0);
	ck_assert_int_eq(chmod(directory, distrust->directory_mode), 0);
	if (distrust->has_link)
		ck_assert_int_eq(link(module, other), 0);
	if (distrust->is_symlink)
		ck_assert_int_eq(symlink("copy.so", other), 0);
	if (distrust->is_foreign)
		ck_assert_int_eq(chown(module, 12345, 12345), 0);

	AUTO(answer)
	struct answer answer = ask_run(distrust->is_symlink ? other : module);

	ck_assert_msg(str_eq(answer_code(&answer), "plugin.trust"), "%s: code '%s'",
		      distrust->what, answer_code(&answer));
	ck_assert_uint_eq(answer_count(&answer, "jail"), 0);
	unit_remove(directory);
}
END_TEST

START_TEST(module_with_another_digest_is_refused)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check",
		.modules = { "test/good" },
		.sha256 = "000000000000000000000000000000000000000000000000000000000000"
			  "0000",
	});

	ck_assert_str_eq(answer_code(&answer), "plugin.digest");
}
END_TEST

START_TEST(module_with_the_pinned_digest_is_loaded)
{
	AUTO_FREE char *path = ask_module_path("test/good");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char sha256[SHA256_HEX_SIZE];
	struct err err;

	ck_assert_int_eq(sha256_fd(fd, sha256, NULL, &err), 0);
	close(fd);
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check", .modules = { "test/good" }, .sha256 = sha256 });

	ck_assert_str_eq(answer_result(&answer), "ok");
}
END_TEST

START_TEST(level_below_the_minimum_is_refused)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "check",
		.modules = { "test/good" },
		.minimum = "tree",
		.flags = ASK_WITHOUT_NAMESPACES,
	});

	ck_assert_str_eq(answer_result(&answer), "error");
	ck_assert_str_eq(answer_code(&answer), "jail.minimum");
}
END_TEST

/* ---- modules that cannot be loaded ------------------------------------- */

static const struct {
	const char *module, *code;
} UNLOADABLE[] = {
	{ "test/nohead", "plugin.symbol" },
	{ "test/badmagic", "plugin.abi" },
	{ "test/wrongabi", "plugin.abi" },
	{ "test/badtable", "plugin.description" },
};

START_TEST(module_that_is_none_has_its_own_code)
{
	AUTO(answer)
	struct answer answer = ask(&(struct question){
		.call = "describe", .modules = { UNLOADABLE[_i].module } });

	ck_assert_str_eq(answer_result(&answer), "error");
	ck_assert_str_eq(answer_code(&answer), UNLOADABLE[_i].code);
	ck_assert_uint_eq(answer_count(&answer, "describe"), 0);
}
END_TEST

START_TEST(file_that_is_no_object_cannot_be_loaded)
{
	AUTO_FREE char *directory = unit_directory();
	AUTO_FREE char *path = path_join(directory, "text.so");

	ask_write_file(directory, "text.so", "This is not an object file.\n");
	ck_assert_int_eq(chmod(path, 0755), 0);
	AUTO(answer) struct answer answer = ask_run(path);

	ck_assert_str_eq(answer_code(&answer), "plugin.load");
	unit_remove(directory);
}
END_TEST

START_TEST(truncated_module_harms_its_own_process_only)
{
	AUTO_FREE char *directory = unit_directory();
	AUTO_FREE char *module = copy_module("test/good", directory, 4096);
	AUTO(answer) struct answer answer = ask_run(module);

	/* Killed by SIGBUS, or refused by the loader: as the file was cut. */
	if (!str_eq(answer_code(&answer), "plugin.load"))
		ck_assert(ask_died(&answer));
	unit_remove(directory);
}
END_TEST

START_TEST(constructor_that_exits_gives_no_result)
{
	AUTO(answer) struct answer answer = ask_run("test/ctor");

	ck_assert(ask_died(&answer));
	ck_assert_uint_eq(answer_count(&answer, "jail"), 1);
}
END_TEST

START_TEST(older_shorter_table_is_understood)
{
	AUTO(answer)
	struct answer describe = ask(
		&(struct question){ .call = "describe", .modules = { "test/older" } });
	AUTO(answer)
	struct answer observe = ask(
		&(struct question){ .call = "observe", .modules = { "test/older" } });
	const json_t *description =
		json_object_get(answer_event(&describe, "describe", 0), "description");

	ck_assert_str_eq(json_text(description, "name"), "test/older");
	ck_assert_uint_eq(json_array_size(json_object_get(description, "callbacks")),
			  1);
	ck_assert_str_eq(answer_result(&observe), "noop");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("host-load");
	TCase *tcase = tcase_create("load");

	suite_add_tcase(suite, tcase);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, missing_module_is_named);
	tcase_add_loop_test(tcase, module_that_others_may_write_is_refused, 0,
			    ARRAY_LEN(DISTRUSTS));
	tcase_add_test(tcase, module_with_another_digest_is_refused);
	tcase_add_test(tcase, module_with_the_pinned_digest_is_loaded);
	tcase_add_test(tcase, level_below_the_minimum_is_refused);
	tcase_add_loop_test(tcase, module_that_is_none_has_its_own_code, 0,
			    ARRAY_LEN(UNLOADABLE));
	tcase_add_test(tcase, file_that_is_no_object_cannot_be_loaded);
	tcase_add_test(tcase, truncated_module_harms_its_own_process_only);
	tcase_add_test(tcase, constructor_that_exits_gives_no_result);
	tcase_add_test(tcase, older_shorter_table_is_understood);
	return unit_run(suite);
}
