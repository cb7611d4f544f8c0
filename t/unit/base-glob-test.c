/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Globs of core/base: what they match, and that none takes long to say so. */
#include "unit.h"

#include "base/clock.h"
#include "base/path.h"

static const struct {
	const char *pattern, *path;
	bool matches;
} glob_cases[] = {
	{ "a", "a", true },
	{ "a", "b", false },
	{ "a", "a/b", false },
	{ "a/b", "a", false },
	{ "a/b", "a/b", true },
	{ "*", "a", true },
	{ "*", ".env", true },
	{ "*", "a/b", false },
	{ "a/*", "a/b", true },
	{ "a/*", "a/b/c", false },
	{ "api/requirements*.txt", "api/requirements.txt", true },
	{ "api/requirements*.txt", "api/requirements-dev.txt", true },
	{ "api/requirements*.txt", "api/x/requirements.txt", false },
	{ "api/requirements*.txt", "api/requirements/a.txt", false },
	{ "*.txt", ".txt", true },
	{ "a*b*c", "aXbYbZc", true },
	{ "a*b*c", "aXbYbZ", false },
	{ "a**b", "a/b", false },
	{ "a**b", "axyb", true },
	{ "?", "a", true },
	{ "?", "\xf0\x9f\x92\xa9", true },
	{ "?", "ab", false },
	{ "??", "\xc3\xa9", false },
	{ "a?b", "a/b", false },
	{ "**", "a", true },
	{ "**", "a/b/c", true },
	{ "**/c", "c", true },
	{ "**/c", "a/b/c", true },
	{ "**/c", "a/b/cc", false },
	{ "a/**", "a/b", true },
	{ "a/**", "a/b/c", true },
	{ "a/**", "a", true },
	{ "a/**", "ab", false },
	{ "a/**", "b/a/c", false },
	{ "a/**/z", "a/z", true },
	{ "a/**/z", "a/b/c/z", true },
	{ "a/**/z", "a/b/c", false },
	{ "a/**/b/**/c", "a/x/b/b/y/c", true },
	{ "a/**/b/**/c", "a/x/y/c", false },
	{ "**/**/a", "a", true },
	{ "**/a/*", "x/a/y/a/z", true },
	{ "**/a/*", "x/a/y/a/z/q", false },
	{ "[abc]", "b", true },
	{ "[abc]", "d", false },
	{ "[a-c]x", "bx", true },
	{ "[a-c]x", "dx", false },
	{ "[!a-c]", "d", true },
	{ "[!a-c]", "b", false },
	{ "[!a]", "a/b", false },
	{ "a[!x]b", "a/b", false },
	{ "[]]", "]", true },
	{ "[!]]", "]", false },
	{ "[a-]", "-", true },
	{ "[a-]", "b", false },
	{ "[z-a]", "m", false },
	{ "[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true },
	{ "[\xc3\xa0-\xc3\xbf]", "e", false },
	{ "[a", "[a", true },
	{ "[a", "a", false },
	{ "x[!", "x[!", true },
	{ "[*]", "*", true },
	{ "[*]", "a", false },
	{ "Makefile", "makefile", false },
	{ "", "a", false },
	{ "a/", "a", false },
	{ "/a", "a", false },
};

START_TEST(globs_match)
{
	ck_assert_int_eq(path_matches(glob_cases[_i].pattern, glob_cases[_i].path),
			 glob_cases[_i].matches);
}
END_TEST

/* Patterns that take for ever when every star is tried with every other. */
static const struct {
	const char *part, *end;
	const char *text;
} costly[] = {
	{ "*", "b", "a" },
	{ "*a", "b", "a" },
	{ "?*", "b", "a" },
	{ "[!b]*", "b", "a" },
	{ "**/", "b", "a/" },
	{ "**/a/", "b", "a/" },
	{ "**/*a*/", "b", "a/" },
};

START_TEST(no_glob_explodes)
{
	AUTO(str) struct str pattern = STR_INIT, path = STR_INIT;
	for (int i = 0; i < 1000; i++) {
		str_add(&pattern, costly[_i].part);
		str_add(&path, costly[_i].text);
	}
	str_add(&pattern, costly[_i].end);
	str_add(&path, "a");
	int64_t start = clock_boot_ms(), limit_ms = getenv("VALGRIND") ? 2000 : 200;
	ck_assert(!path_matches(pattern.s, path.s));
	ck_assert_int_lt(clock_boot_ms() - start, limit_ms);
}
END_TEST

START_TEST(thousand_stars_match_at_once)
{
	char stars[1001], text[4001];
	memset(stars, '*', 1000);
	stars[1000] = '\0';
	memset(text, 'a', 4000);
	text[4000] = '\0';
	int64_t start = clock_boot_ms();
	ck_assert(path_matches(stars, text));
	ck_assert_int_lt(clock_boot_ms() - start, 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base-glob");
	TCase *tcase = tcase_create("glob");
	tcase_add_loop_test(tcase, globs_match, 0, ARRAY_LEN(glob_cases));
	tcase_add_loop_test(tcase, no_glob_explodes, 0, ARRAY_LEN(costly));
	tcase_add_test(tcase, thousand_stars_match_at_once);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
