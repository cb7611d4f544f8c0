/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine's parts that need neither store nor module: masking, images, exchanges. */
#include "base/base.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "engine/image.h"
#include "engine/mask.h"
#include "engine/scratch.h"
#include "engine/swap.h"

/* ---- mask ---- */

static struct mask
mask_of(const char *const *values)
{
	struct mask mask = { 0 };

	for (; *values; values++)
		ck_assert(mask_add(&mask, *values));
	return mask;
}

START_TEST(short_and_common_values_are_refused)
{
	struct mask mask = { 0 };

	ck_assert(!mask_add(&mask, "abc"));
	ck_assert(!mask_add(&mask, ""));
	ck_assert(!mask_add(&mask, "true"));
	ck_assert_uint_eq(mask.values.count, 0);
	mask_done(&mask);
}
END_TEST

START_TEST(longest_value_wins)
{
	const char *const values[] = { "hunter2", "hunter2-and-more", NULL };
	struct mask mask = mask_of(values);
	struct str out = STR_INIT;
	const char *text = "a hunter2-and-more b hunter2 c";

	mask_bytes(&mask, text, strlen(text), &out);
	ck_assert_str_eq(str_get(&out), "a *** b *** c");
	str_done(&out);
	mask_done(&mask);
}
END_TEST

START_TEST(every_line_of_a_value_is_masked)
{
	const char *const values[] = { "first-line\nsecond-line\r\n", NULL };
	struct mask mask = mask_of(values);
	struct str out = STR_INIT;
	const char *text = "x second-line y first-line z";

	mask_bytes(&mask, text, strlen(text), &out);
	ck_assert_str_eq(str_get(&out), "x *** y *** z");
	str_done(&out);
	mask_done(&mask);
}
END_TEST

/* However the bytes are cut into reads, the result is the same. */
START_TEST(stream_masks_over_every_seam)
{
	const char *const values[] = { "s3cret-value", "hunter2", NULL };
	struct mask mask = mask_of(values);
	const char *text =
		"pre s3cret-value mid hunter2hunter2 s3cret-valu end s3cret-value";
	const char *want = "pre *** mid ****** s3cret-valu end ***";
	size_t n = strlen(text);

	for (size_t first = 0; first <= n; first++) {
		for (size_t second = first; second <= n; second++) {
			struct mask_stream stream = { .mask = &mask };
			struct str out = STR_INIT;

			mask_feed(&stream, text, first, &out);
			mask_feed(&stream, text + first, second - first, &out);
			mask_feed(&stream, text + second, n - second, &out);
			mask_end(&stream, &out);
			ck_assert_str_eq(str_get(&out), want);
			str_done(&out);
		}
	}
	mask_done(&mask);
}
END_TEST

START_TEST(json_is_masked_in_depth)
{
	const char *const values[] = { "hunter2", NULL };
	struct mask mask = mask_of(values);
	json_t *in = json_pack("{s:[s, {s:s}], s:i}", "a", "x hunter2", "k", "hunter2",
			       "n", 7);
	json_t *out = mask_json(&mask, in);
	char *text = json_canonical(out);

	ck_assert_str_eq(text, "{\"a\":[\"x ***\",{\"k\":\"***\"}],\"n\":7}");
	free(text);
	json_decref(in);
	json_decref(out);
	mask_done(&mask);
}
END_TEST

/* ---- files ---- */

static struct scratch dir = SCRATCH_INIT;
static char base[] = "/tmp/fettle-engine-XXXXXX";

static void
make_dir(void)
{
	struct err err;

	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(scratch_init(&dir, base, "test", &err), 0);
}

static void
drop_dir(void)
{
	scratch_done(&dir);
	tree_remove(AT_FDCWD, base);
	ck_assert_int_eq(access(base, F_OK), -1);
	memcpy(base + strlen(base) - 6, "XXXXXX", 6);
}

static void
put(const char *name, const char *text)
{
	int fd = openat(dir.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

/* The content, or "(none)". Static. */
static const char *
got(const char *name)
{
	static char text[256];
	int fd = openat(dir.fd, name, O_RDONLY | O_NOFOLLOW);

	if (fd < 0)
		return "(none)";
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
refused(const char *path, const char *code)
{
	struct image image = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(image_read(dir.fd, path, &image, &err), -1);
	ck_assert_str_eq(err.code, code);
}

START_TEST(odd_files_are_refused)
{
	put("plain", "x");
	ck_assert_int_eq(symlinkat("plain", dir.fd, "link"), 0);
	ck_assert_int_eq(mkdirat(dir.fd, "sub", 0755), 0);
	ck_assert_int_eq(symlinkat("/etc", dir.fd, "out"), 0);
	ck_assert_int_eq(mkfifoat(dir.fd, "fifo", 0644), 0);
	refused("link", "apply.symlink");
	refused("out/passwd", "apply.symlink");
	refused("sub", "apply.type");
	refused("fifo", "apply.type");
	refused("../plain", "path.invalid");
	refused("nowhere/file", "apply.missing_dir");
	put("twice", "x");
	ck_assert_int_eq(linkat(dir.fd, "twice", dir.fd, "again", 0), 0);
	refused("twice", "apply.hardlink");
	put("setuid", "x");
	ck_assert_int_eq(fchmodat(dir.fd, "setuid", 04755, 0), 0);
	refused("setuid", "apply.metadata");
}
END_TEST

START_TEST(a_missing_file_is_an_image_too)
{
	struct image image = { .exists = true };
	struct err err = { 0 };

	ck_assert_int_eq(image_read(dir.fd, "new", &image, &err), 0);
	ck_assert(!image.exists);
	ck_assert_str_eq(image.sha256, "");
}
END_TEST

/* ---- exchanges ---- */

static struct swap
swap_of(const char *from, const char *to)
{
	struct swap swap;
	struct err err;

	ck_assert_int_eq(swap_init(&swap, dir.fd, "run-1", "file", "new", &err), 0);
	if (from)
		sha256_hex(from, strlen(from), swap.from);
	if (to)
		sha256_hex(to, strlen(to), swap.to);
	swap.mode = 0640;
	return swap;
}

START_TEST(exchange_create_delete)
{
	static const struct {
		const char *from, *to;
	} cases[] = { { "old", "new" }, { NULL, "made" }, { "made", NULL } };
	struct err err;

	put("file", "old");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct swap swap = swap_of(cases[i].from, cases[i].to);

		if (!cases[i].from)
			unlinkat(dir.fd, "file", 0);
		ck_assert_int_eq(swap_stage(&swap, cases[i].to,
					    cases[i].to ? strlen(cases[i].to) : 0,
					    &err),
				 0);
		ck_assert_int_eq(swap_commit(&swap, &err), 0);
		ck_assert_str_eq(got("file"), cases[i].to ? cases[i].to : "(none)");
		ck_assert_str_eq(got(swap.temp), "(none)");
		swap_done(&swap);
	}
}
END_TEST

START_TEST(foreign_bytes_are_never_overwritten)
{
	static const struct {
		const char *from, *to;
	} cases[] = { { "old", "new" }, { NULL, "made" }, { "old", NULL } };
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct swap swap = swap_of(cases[i].from, cases[i].to);

		put("file", "somebody's");
		ck_assert_int_eq(swap_stage(&swap, cases[i].to,
					    cases[i].to ? strlen(cases[i].to) : 0,
					    &err),
				 0);
		ck_assert_int_eq(swap_commit(&swap, &err), -1);
		ck_assert_str_eq(err.code, "workspace_changed");
		ck_assert_str_eq(got("file"), "somebody's");
		ck_assert_str_eq(got(swap.temp), "(none)");
		swap_done(&swap);
	}
}
END_TEST

/* State after a crash at each point, and what settling must leave. */
START_TEST(settle_sorts_out_every_crash)
{
	static const struct {
		const char *from, *to;		/* the edit */
		const char *target, *temp;	/* what the crash left */
		const char *want;		/* the target after settling */
	} cases[] = {
		{ "old", "new", "old", NULL, "old" }, /* before staging */
		{ "old", "new", "old", "", "old" },   /* half staged */
		{ "old", "new", "old", "ne", "old" },
		{ "old", "new", "old", "new", "old" }, /* staged */
		{ "old", "new", "new", "old", "new" }, /* exchanged */
		{ "old", "new", "new", NULL, "new" },  /* done */
		{ "old", "new", "new", "foreign",
		  "foreign" }, /* exchanged with foreign bytes */
		{ NULL, "made", NULL, "ma", NULL },
		{ NULL, "made", NULL, "made", NULL },
		{ NULL, "made", "made", NULL, "made" },
		{ "old", NULL, "old", NULL, "old" },
		{ "old", NULL, NULL, "old", NULL }, /* moved aside */
		{ "old", NULL, NULL, "foreign",
		  "foreign" }, /* foreign bytes moved aside */
	};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct swap swap = swap_of(cases[i].from, cases[i].to);

		(void)unlinkat(dir.fd, "file", 0);
		if (cases[i].target)
			put("file", cases[i].target);
		if (cases[i].temp)
			put(swap.temp, cases[i].temp);
		ck_assert_int_eq(swap_settle(&swap, &err), 0);
		ck_assert_msg(
			str_eq(got("file"), cases[i].want ? cases[i].want : "(none)"),
			"case %zu: file is %s", i, got("file"));
		ck_assert_msg(str_eq(got(swap.temp), "(none)"),
			      "case %zu: temp is left", i);
		ck_assert_int_eq(swap_settle(&swap, &err), 0);
		swap_done(&swap);
	}
}
END_TEST

/* ---- scratch directories ---- */

static ino_t
inode_of_dir(void)
{
	struct stat st;

	ck_assert_int_eq(fstat(dir.fd, &st), 0);
	return st.st_ino;
}

static void
take(const char *owner)
{
	struct err err;

	ck_assert_int_eq(scratch_init(&dir, base, owner, &err), 0);
}

static int
find_spare(void)
{
	AUTO_FREE char *spare = x_asprintf("%s/scratch/spare", base);

	return access(spare, F_OK);
}

/* By whoever needs one next; as young as one that was made for it. */
START_TEST(untouched_scratch_is_used_again)
{
	static const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	AUTO_FREE char *before = x_strdup(dir.path);
	ino_t inode = inode_of_dir();
	struct stat st;

	ck_assert_int_eq(futimens(dir.fd, old), 0);
	scratch_done(&dir);
	ck_assert_int_eq(access(before, F_OK), -1);
	take("another");
	ck_assert_int_eq(inode_of_dir() == inode, 1);
	ck_assert_int_eq(find_spare(), -1);
	ck_assert_int_eq(fstat(dir.fd, &st), 0);
	ck_assert_int_gt(st.st_mtime, 1);
	ck_assert_ptr_nonnull(strstr(dir.path, "/scratch/another."));
}
END_TEST

START_TEST(only_one_takes_the_spare_scratch)
{
	struct scratch other;
	ino_t inode = inode_of_dir();

	scratch_done(&dir);
	take("test");
	other = dir;
	take("test");
	ck_assert_int_eq(inode_of_dir() == inode, 0);
	ck_assert_str_ne(other.path, dir.path);
	scratch_done(&other);
}
END_TEST

START_TEST(spare_scratch_with_something_in_it_is_not_used)
{
	AUTO_FREE char *left = x_asprintf("%s/scratch/spare/left", base);

	scratch_done(&dir);
	ck_assert_int_eq(mkdir(left, 0700), 0);
	take("test");
	ck_assert_int_eq(dir_is_untouched(dir.fd), 1);
	ck_assert_int_eq(find_spare(), -1);
}
END_TEST

/* What a module may leave on its directory; each is a reason for a new one. */
START_TEST(touched_scratch_is_not_used_again)
{
	switch (_i) {
	case 0:
		put("left", "behind");
		break;
	case 1:
		ck_assert_int_eq(mkdirat(dir.fd, "left", 0), 0);
		break;
	case 2:
		ck_assert_int_eq(fchmod(dir.fd, 0755), 0);
		break;
	case 3:
		if (fsetxattr(dir.fd, "user.left", "behind", 6, 0) < 0)
			return; /* Not every file system has them. */
		break;
	}
	AUTO_FREE char *before = x_strdup(dir.path);

	scratch_done(&dir);
	ck_assert_int_eq(find_spare(), -1);
	ck_assert_int_eq(access(before, F_OK), -1);
	take("test");
}
END_TEST

START_TEST(mode_is_kept)
{
	struct swap swap = swap_of("old", "new");
	struct stat st;
	struct err err;

	put("file", "old");
	swap.mode = 0751;
	ck_assert_int_eq(swap_stage(&swap, "new", 3, &err), 0);
	ck_assert_int_eq(swap_commit(&swap, &err), 0);
	ck_assert_int_eq(fstatat(dir.fd, "file", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0751);
	swap_done(&swap);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("engine");
	TCase *mask = tcase_create("mask"), *files = tcase_create("files");

	tcase_add_test(mask, short_and_common_values_are_refused);
	tcase_add_test(mask, longest_value_wins);
	tcase_add_test(mask, every_line_of_a_value_is_masked);
	tcase_add_test(mask, stream_masks_over_every_seam);
	tcase_add_test(mask, json_is_masked_in_depth);
	suite_add_tcase(suite, mask);
	tcase_add_checked_fixture(files, make_dir, drop_dir);
	tcase_add_test(files, odd_files_are_refused);
	tcase_add_test(files, a_missing_file_is_an_image_too);
	tcase_add_test(files, exchange_create_delete);
	tcase_add_test(files, foreign_bytes_are_never_overwritten);
	tcase_add_test(files, settle_sorts_out_every_crash);
	tcase_add_test(files, mode_is_kept);
	tcase_add_test(files, untouched_scratch_is_used_again);
	tcase_add_test(files, only_one_takes_the_spare_scratch);
	tcase_add_test(files, spare_scratch_with_something_in_it_is_not_used);
	tcase_add_loop_test(files, touched_scratch_is_not_used_again, 0, 4);
	suite_add_tcase(suite, files);

	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
