/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Globs against an oracle that tries everything, and against the matcher
 * that modules use: three programs, one answer. The input is a pattern, a
 * newline and a path.
 */
#include "base/base.h"

#include "fuzz.h"

#include "base/path.h"
#include "base/str.h"
#include "plugins/common/glob.h"

const char *const fuzz_seeds[] = {
	"api/requirements*.txt\napi/requirements-dev.txt",
	"**/a/*\nx/a/y/a/z",
	"a/**/b/**/c\na/b/b/c",
	"[!a-c]?[]x]\nd]]",
	"*a*b*c*\nxaxbxcx",
	"[a-z-9]*[!]]\nq-9x",
	"\xc3\xa9?[\xc3\xa0-\xc3\xbf]\n\xc3\xa9x\xc3\xa9",
	"[a\n[a",
	"**\na",
	NULL,
};

const char *const fuzz_words[] = {
	"*",	 "**",	  "?",	  "/",	      "**/",
	"/**",	 "/**/",  "[",	  "]",	      "[!",
	"[a-z]", "[]a]",  "[!]]", "-",	      "!",
	"a",	 "b",	  "c",	  "ab",	      "a/b",
	"\n",	 ".",	  "*a",	  "\xc3\xa9", "\xe2\x82\xac",
	"[a-]",	 "[z-a]", NULL,
};

#define ORACLE_MAX 60	/* longer ones are compared with the other matcher only */

/* Characters as numbers, so that the oracle needs no UTF-8. */
struct text {
	uint32_t v[ORACLE_MAX + 1];	/* 0 at the end */
};

static bool
decode(const char *bytes, struct text *ret)
{
	size_t count = 0;
	for (const unsigned char *p = (const unsigned char *)bytes; *p != '\0';) {
		unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
		uint32_t point = more ? *p & (0x3fu >> more) : *p;
		for (p++; more > 0; more--)
			point = point << 6 | (*p++ & 0x3f);
		if (count == ORACLE_MAX)
			return false;
		ret->v[count++] = point;
	}
	ret->v[count] = 0;
	return true;
}

static bool
is_end(uint32_t c)
{
	return c == 0 || c == '/';
}

/* The length of the class at p, or 0 when it is not closed in its component. */
static size_t
class_end(const uint32_t *p)
{
	size_t i = p[1] == '!' ? 2 : 1;
	if (is_end(p[i]))
		return 0;
	/* What stands first belongs to the class, a bracket too. */
	for (i++; !is_end(p[i]); i++)
		if (p[i] == ']')
			return i + 1;
	return 0;
}

static bool
in_class(const uint32_t *p, size_t end, uint32_t c)
{
	bool is_negated = p[1] == '!', is_in = false;
	for (size_t i = is_negated ? 2 : 1; i < end - 1; i++) {
		if (i + 2 < end - 1 && p[i + 1] == '-') {
			is_in |= c >= p[i] && c <= p[i + 2];
			i += 2;
		} else {
			is_in |= c == p[i];
		}
	}
	return is_in != is_negated;
}

struct oracle {
	struct text pattern, path;
	/* By place in the pattern, in the path, and whether a component starts. */
	enum { UNKNOWN, MATCHES, FAILS } known[ORACLE_MAX + 1][ORACLE_MAX + 1][2];
};

static bool try_all(struct oracle *oracle, size_t i, size_t j, bool starts);

/* Does the pattern from i on match the path from j on? */
static bool
ask(struct oracle *oracle, size_t i, size_t j, bool starts)
{
	if (oracle->known[i][j][starts] == UNKNOWN)
		oracle->known[i][j][starts] =
			try_all(oracle, i, j, starts) ? MATCHES : FAILS;
	return oracle->known[i][j][starts] == MATCHES;
}

/* Two stars as a whole component: over nothing, or over one component and again. */
static bool
try_stars(struct oracle *oracle, size_t i, size_t j)
{
	const uint32_t *p = oracle->pattern.v, *s = oracle->path.v;

	if (p[i + 2] == 0 || ask(oracle, i + 3, j, true))
		return true;
	while (!is_end(s[j]))
		j++;
	return s[j] == '/' && ask(oracle, i, j + 1, true);
}

/* Every way there is. `starts`: both stand at the start of a component. */
static bool
try_all(struct oracle *oracle, size_t i, size_t j, bool starts)
{
	const uint32_t *p = oracle->pattern.v + i, *s = oracle->path.v + j;

	if (starts && p[0] == '*' && p[1] == '*' && is_end(p[2]))
		return try_stars(oracle, i, j);
	/* The path is over: a slash and two stars stand for nothing, too. */
	if (*s == 0 && p[0] == '/' && p[1] == '*' && p[2] == '*' && is_end(p[3]))
		return p[3] == 0 || ask(oracle, i + 3, j, false);
	if (*p == '*')
		return ask(oracle, i + 1, j, false) ||
		       (!is_end(*s) && ask(oracle, i, j + 1, false));
	if (*p == 0 || *s == 0)
		return *p == *s;
	if (*p == '/' || *s == '/')
		return *p == *s && ask(oracle, i + 1, j + 1, true);
	size_t end = *p == '[' ? class_end(p) : 0;
	if (end > 0)
		return in_class(p, end, *s) && ask(oracle, i + end, j + 1, false);
	return (*p == '?' || *p == *s) && ask(oracle, i + 1, j + 1, false);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	AUTO_FREE char *pattern = x_strndup((const char *)bytes, n);
	char *path = strchr(pattern, '\n');
	struct oracle oracle = { 0 };
	struct err err;

	if (!path)
		return 0;
	*path++ = '\0';
	/* Patterns come from files that were checked, paths were checked, too. */
	if (strlen(pattern) > 4096 || path_check(path, &err) < 0 ||
	    !utf8_is_valid(pattern, strlen(pattern)))
		return 0;
	bool matches = path_matches(pattern, path);
	FUZZ_CHECK(matches == glob_matches(pattern, path));
	FUZZ_CHECK(path_matches("**", path));
	if (!strpbrk(pattern, "*?["))
		FUZZ_CHECK(matches == str_eq(pattern, path));
	if (decode(pattern, &oracle.pattern) && decode(path, &oracle.path))
		FUZZ_CHECK(matches == ask(&oracle, 0, 0, true));
	return 0;
}
