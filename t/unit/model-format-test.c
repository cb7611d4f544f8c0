/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Formats of inputs: by hand, and git references against git itself. */
#include "model.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/str.h"
#include "model/format.h"

#define SHA1 "0123456789abcdef0123456789abcdef01234567"
#define SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CHAIN_COUNT 2400

static const struct {
	const char *format, *text;
} good[] = {
	{ "git-ref", "main" },
	{ "git-ref", "refs/heads/feature/one-two_3" },
	{ "git-ref", "v1.2.3" },
	{ "git-ref", "übung" },
	{ "git-ref", "a@b" },
	{ "commit", SHA1 },
	{ "commit", SHA256 },
	{ "image", "nginx" },
	{ "image", "nginx:1.25-alpine" },
	{ "image", "library/nginx" },
	{ "image", "localhost/app" },
	{ "image", "registry.example:5000/team/app_x:v1" },
	{ "image", "Registry.Example/app" },
	{ "image", "127.0.0.1:5000/a/b/c" },
	{ "image", "[2001:db8::1]:5000/app:1" },
	{ "image", "a__b/c--d/e.f" },
	{ "image", "app:5000" },
	{ "image", "app@sha256:" SHA256 },
	{ "image", "app:1@sha512:" SHA256 SHA256 },
	{ "url", "https://example.org/path?query=1#there" },
	{ "url", "http://[2001:db8::1]:8080/" },
	{ "hostname", "db" },
	{ "hostname", "DB-1.example.org" },
	{ "hostname", "192.0.2.7" },
};

static const struct {
	const char *format, *text, *code;
} bad[] = {
	{ "git-ref", "", "ref.grammar" },
	{ "git-ref", "-upload-pack=touch /tmp/x", "ref.grammar" },
	{ "git-ref", "--output=x", "ref.grammar" },
	{ "git-ref", "@{-1}", "ref.grammar" },
	{ "git-ref", "@", "ref.grammar" },
	{ "git-ref", "refs/../x", "ref.grammar" },
	{ "git-ref", "HEAD^{/x}", "ref.grammar" },
	{ "git-ref", "main:file", "ref.grammar" },
	{ "git-ref", "a\nb", "ref.grammar" },
	{ "git-ref", "a/.b", "ref.grammar" },
	{ "git-ref", "a.lock/b", "ref.grammar" },
	{ "git-ref", "a/", "ref.grammar" },
	{ "commit", "", "sha.grammar" },
	{ "commit", "0123456", "sha.grammar" },
	{ "commit", "HEAD", "sha.grammar" },
	{ "commit", SHA1 "0", "sha.grammar" },
	{ "commit", SHA1 ";id", "sha.grammar" },
	{ "commit", "$(touch x)" SHA1, "sha.grammar" },
	{ "commit", "0123456789ABCDEF0123456789ABCDEF01234567", "sha.grammar" },
	{ "image", "", "image.grammar" },
	{ "image", "x:latest@sha256:short", "image.grammar" },
	{ "image", "x@sha256:" SHA256 "0", "image.grammar" },
	{ "image", "x@md5:" SHA256, "image.grammar" },
	{ "image", "x@", "image.grammar" },
	{ "image", "-v", "image.grammar" },
	{ "image", "http://", "image.grammar" },
	{ "image", "http://registry/x", "image.grammar" },
	{ "image", "Nginx", "image.grammar" },
	{ "image", "Team/app", "image.grammar" },
	{ "image", "a___b", "image.grammar" },
	{ "image", "a..b", "image.grammar" },
	{ "image", "a//b", "image.grammar" },
	{ "image", "/a", "image.grammar" },
	{ "image", "a/", "image.grammar" },
	{ "image", "a:", "image.grammar" },
	{ "image", "a:-1", "image.grammar" },
	{ "image", "a:b:c", "image.grammar" },
	{ "image", "a b", "image.grammar" },
	{ "image", "host:port/a", "image.grammar" },
	{ "image", "host:/a", "image.grammar" },
	{ "image", "-host.example/a", "image.grammar" },
	{ "image", "[::1/a", "image.grammar" },
	{ "image", "[x]/a", "image.grammar" },
	{ "image", "[::1]5000/a", "image.grammar" },
	{ "image", SHA256, "image.grammar" },
	{ "url", "", "url.policy" },
	{ "url", ":8080/healthz", "url.policy" },
	{ "url", "file:///etc/passwd", "url.policy" },
	{ "url", "http://user:secret@example.org/", "url.policy" },
	{ "url", "http://169.254.169.254/", "url.policy" },
	{ "hostname", "", "host.grammar" },
	{ "hostname", "-db", "host.grammar" },
	{ "hostname", "db-", "host.grammar" },
	{ "hostname", "a..b", "host.grammar" },
	{ "hostname", "db.example.org.", "host.grammar" },
	{ "hostname", "db:5432", "host.grammar" },
	{ "hostname", "db;id", "host.grammar" },
	{ "hostname", "http://db", "host.grammar" },
};

START_TEST(test_good)
{
	struct err err = { "" };

	ck_assert_msg(format_check(good[_i].format, good[_i].text, &err) == 0,
		      "%s '%s': %s", good[_i].format, good[_i].text, err.text);
}
END_TEST

START_TEST(test_bad)
{
	struct err err = { "" };

	ck_assert_msg(format_check(bad[_i].format, bad[_i].text, &err) < 0,
		      "%s '%s' was taken", bad[_i].format, bad[_i].text);
	ck_assert_str_eq(err.code, bad[_i].code);
	ck_assert_str_ne(err.remedy, "");
}
END_TEST

START_TEST(test_names)
{
	AUTO_FREE char *names = x_strdup(FORMAT_NAMES);
	char *rest = names, *name;

	while ((name = strsep(&rest, "|")) != NULL)
		ck_assert_msg(format_is_known(name), "%s", name);
	ck_assert(!format_is_known("git"));
	ck_assert(!format_is_known(""));
	ck_assert(!format_is_known(FORMAT_NAMES));
}
END_TEST

START_TEST(test_sizes)
{
	static const struct {
		const char *format;
		size_t most;
	} sizes[] = { { "git-ref", 1024 }, { "image", 255 } };
	struct err err = { "" };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		AUTO(str) struct str text = STR_INIT;

		while (text.len < sizes[i].most)
			str_add_c(&text, 'a');
		ck_assert_int_eq(format_check(sizes[i].format, str_get(&text), &err),
				 0);
		str_add_c(&text, 'a');
		ck_assert_int_lt(format_check(sizes[i].format, str_get(&text), &err),
				 0);
	}
}
END_TEST

/* ---- git itself ------------------------------------------------------------ */

static const char *const pieces[] = {
	"a",  "B9",    "/",  ".",    "..",  ".lock", "lock", "@", "@{",	  "}",
	"{",  "-",     "~",  "^",    ":",   "?",     "*",    "[", "]",	  "\\",
	" ",  "\x01",  "\t", "\x7f", "é", "HEAD",  "refs", "$", ";id", "'",
	"//", "heads",
};

#define NOT_RUN 127

/* 0: git takes it; 1, or 129 when it looks like an option: git does not. */
static int
ask_git(const char *text)
{
	char *const argv[] = { (char *)(uintptr_t)"git",
			       (char *)(uintptr_t)"check-ref-format",
			       (char *)(uintptr_t)"--allow-onelevel",
			       (char *)(uintptr_t)text, NULL };
	posix_spawn_file_actions_t quiet;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, "git", &quiet, NULL, argv, environ) != 0)
		status = NOT_RUN;
	else if (waitpid(pid, &status, 0) == pid)
		status = WIFEXITED(status) ? WEXITSTATUS(status) : NOT_RUN;
	posix_spawn_file_actions_destroy(&quiet);
	return status;
}

static void
compare_with_git(const char *text)
{
	struct err err = { "" };
	bool is_taken = format_check("git-ref", text, &err) == 0;
	int status = ask_git(text);

	ck_assert_int_ne(status, NOT_RUN);
	ck_assert_msg(is_taken == (status == 0), "'%s': git says %d, we say %s", text,
		      status, is_taken ? "yes" : err.text);
}

START_TEST(test_git_pairs)
{
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		AUTO_FREE char *pair = x_asprintf("%s%s", pieces[_i], pieces[i]);

		compare_with_git(pair);
	}
	compare_with_git(pieces[_i]);
}
END_TEST

START_TEST(test_git_chains)
{
	uint64_t state = (uint64_t)_i + 1;

	for (unsigned i = 0; i < CHAIN_COUNT / 8; i++) {
		AUTO(str) struct str text = STR_INIT;

		/* Mostly good pieces, so that about every second is a reference. */
		for (unsigned n = 3 + unit_random(&state, 5); n > 0; n--)
			str_add(&text,
				unit_random(&state, 6) > 0 ?
					pieces[unit_random(&state, 3)] :
					pieces[unit_random(&state,
							   ARRAY_LEN(pieces))]);
		compare_with_git(str_get(&text));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("model-format");
	TCase *tcase = tcase_create("format"), *git = tcase_create("git");

	tcase_add_loop_test(tcase, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tcase, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_sizes);
	suite_add_tcase(suite, tcase);
	if (ask_git("main") == 0) {
		tcase_set_timeout(git, 120);
		tcase_add_loop_test(git, test_git_pairs, 0, ARRAY_LEN(pieces));
		tcase_add_loop_test(git, test_git_chains, 0, 8);
		suite_add_tcase(suite, git);
		printf("# against git: %zu references\n",
		       ARRAY_LEN(pieces) * (ARRAY_LEN(pieces) + 1) + CHAIN_COUNT);
	} else {
		printf("# git is not there: nothing is compared with it\n");
	}
	(void)fflush(stdout);
	return unit_run(suite);
}
