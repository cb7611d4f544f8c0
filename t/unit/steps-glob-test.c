/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The globs of modules are those of core/base, on every pattern and path. */
#include "unit.h"

#include "base/clock.h"
#include "base/path.h"
#include "plugins/common/glob.h"

static const struct {
	const char *pattern, *path;
	bool matches;
} cases[] = {
	{ "api/Dockerfile", "api/Dockerfile", true },
	{ "api/Dockerfile", "api/dockerfile", false },
	{ "api/requirements*.txt", "api/requirements-dev.txt", true },
	{ "api/requirements*.txt", "api/sub/requirements.txt", false },
	{ "**/requirements.txt", "requirements.txt", true },
	{ "**/requirements.txt", "a/b/requirements.txt", true },
	{ "api/**", "api/a/b", true },
	{ "api/**", "apix/a", false },
	{ "a/**/z", "a/z", true },
	{ "?", "\xc3\xa9", true },
	{ "??", "\xc3\xa9", false },
	{ "[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true },
	{ "[!a]", "a", false },
	{ "[]]", "]", true },
	{ "[a", "[a", true },
	{ "*", "a/b", false },
	{ "", "a", false },
};

START_TEST(test_table)
{
	ck_assert_msg(glob_matches(cases[_i].pattern, cases[_i].path) ==
			      cases[_i].matches,
		      "'%s' on '%s'", cases[_i].pattern, cases[_i].path);
}
END_TEST

/* Words of a small alphabet, so that most patterns nearly match. */
static void
random_word(uint64_t *state, const char *const *alphabet, unsigned letters, char *word)
{
	unsigned length = 1 + unit_random(state, 9);

	for (unsigned i = 0; i < length; i++)
		word = stpcpy(word, alphabet[unit_random(state, letters)]);
}

START_TEST(test_same_as_base)
{
	static const char *const of_patterns[] = { "a",	   "b",	 "*",	 "?",
						   "/",	   "**", "/**/", "[ab]",
						   "[!a]", "[",	 "]",	 "\xc3\xa9",
						   "-",	   "!" };
	static const char *const of_paths[] = { "a",	    "b", "/", "a/", "b/a",
						"\xc3\xa9", "[", "]", "-" };
	uint64_t state = 20261121;
	char pattern[64], path[64];
	unsigned matching = 0;

	for (int i = 0; i < 300000; i++) {
		random_word(&state, of_patterns, ARRAY_LEN(of_patterns), pattern);
		random_word(&state, of_paths, ARRAY_LEN(of_paths), path);
		bool wanted = path_matches(pattern, path);
		ck_assert_msg(glob_matches(pattern, path) == wanted,
			      "'%s' on '%s': base says %d", pattern, path, wanted);
		matching += wanted;
	}
	ck_assert_uint_gt(matching, 3000);
}
END_TEST

START_TEST(test_no_pattern_explodes)
{
	char pattern[2001], path[2001];
	int64_t begin = clock_boot_ms();

	for (int i = 0; i < 1000; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	memset(path, 'a', 2000);
	pattern[2000] = path[2000] = '\0';
	path[1999] = 'b';
	ck_assert(!glob_matches(pattern, path));
	for (int i = 0; i < 500; i++)
		memcpy(pattern + 4 * i, "**/a", 4);
	for (int i = 1; i < 2000; i += 2)
		path[i] = '/';
	path[1998] = 'b';
	path[1999] = '\0';
	ck_assert(!glob_matches(pattern, path));
	ck_assert_int_lt(clock_boot_ms() - begin, 2000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("steps-glob");
	TCase *tc = tcase_create("glob");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_table, 0, (int)ARRAY_LEN(cases));
	tcase_add_test(tc, test_same_as_base);
	tcase_add_test(tc, test_no_pattern_explodes);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
