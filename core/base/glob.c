/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Globs on canonical paths. Only the last star is ever gone back to, among
 * components as within one, so the work is at most the length of the pattern
 * times the length of the path; there is no pattern that explodes.
 */
#include "base/base.h"

#include "base/path.h"

#include "base/utf8.h"

struct span {
	const char *s;
	size_t len;
};

/* The character at the start; bytes that are not UTF-8 stand for themselves. */
static size_t
take_point(struct span text, uint32_t *ret)
{
	size_t n = utf8_decode(text.s, text.len, ret);
	if (n > 0)
		return n;
	*ret = 0x110000 + (unsigned char)text.s[0];
	return 1;
}

static struct span
skip(struct span span, size_t n)
{
	return (struct span){ span.s + n, span.len - n };
}

/* The length of the class `[...]` at the start, or 0: a bracket like any other. */
static size_t
class_length(struct span pattern)
{
	size_t i = 1;
	if (i < pattern.len && pattern.s[i] == '!')
		i++;
	/* A bracket in first place belongs to the class. */
	for (i++; i < pattern.len; i++)
		if (pattern.s[i] == ']')
			return i + 1;
	return 0;
}

static bool
class_has(struct span class, uint32_t point)
{
	struct span rest = { class.s + 1, class.len - 2 };
	bool is_negated = rest.s[0] == '!', is_in = false;

	if (is_negated)
		rest = skip(rest, 1);
	while (rest.len > 0) {
		uint32_t first, last;
		rest = skip(rest, take_point(rest, &first));
		last = first;
		if (rest.len >= 2 && rest.s[0] == '-') {
			rest = skip(rest, 1);
			rest = skip(rest, take_point(rest, &last));
		}
		is_in |= point >= first && point <= last;
	}
	return is_in != is_negated;
}

/*
 * Matches one pattern item other than a star against one character. Both
 * move on; false when they do not match.
 */
static bool
match_one(struct span *pattern, struct span *text)
{
	uint32_t want, have;
	size_t n = take_point(*text, &have);
	size_t class_len = pattern->s[0] == '[' ? class_length(*pattern) : 0;
	size_t item_len = class_len ? class_len : take_point(*pattern, &want);
	bool matches;

	if (class_len)
		matches = class_has((struct span){ pattern->s, class_len }, have);
	else
		matches = want == '?' || want == have;
	*pattern = skip(*pattern, item_len);
	*text = skip(*text, n);
	return matches;
}

static bool
component_matches(struct span pattern, struct span text)
{
	struct span star_pattern = { NULL, 0 }, star_text = text;

	while (text.len > 0 || pattern.len > 0) {
		if (pattern.len > 0 && pattern.s[0] == '*') {
			pattern = skip(pattern, 1);
			star_pattern = pattern;
			star_text = text;
			continue;
		}
		if (text.len > 0 && pattern.len > 0 && match_one(&pattern, &text))
			continue;
		if (!star_pattern.s || star_text.len == 0)
			return false;
		/* The last star takes one character more. */
		uint32_t point;
		star_text = skip(star_text, take_point(star_text, &point));
		pattern = star_pattern;
		text = star_text;
	}
	return true;
}

static struct span
first_component(const char *path)
{
	return (struct span){ path, strcspn(path, "/") };
}

/* What stands behind the component; NULL behind the last one. */
static const char *
behind(const char *path, struct span component)
{
	return path[component.len] == '/' ? path + component.len + 1 : NULL;
}

bool
path_matches(const char *pattern, const char *path)
{
	const char *star_pattern = NULL, *star_path = NULL;
	bool has_star = false;

	while (path || pattern) {
		struct span want =
			pattern ? first_component(pattern) : (struct span){ 0 };
		if (pattern && want.len == 2 && memcmp(want.s, "**", 2) == 0) {
			pattern = behind(pattern, want);
			star_pattern = pattern;
			star_path = path;
			has_star = true;
			continue;
		}
		struct span have = path ? first_component(path) : (struct span){ 0 };
		if (pattern && path && component_matches(want, have)) {
			pattern = behind(pattern, want);
			path = behind(path, have);
			continue;
		}
		if (!has_star || !star_path)
			return false;
		/* The last `**` takes one component more. */
		star_path = behind(star_path, first_component(star_path));
		pattern = star_pattern;
		path = star_path;
	}
	return true;
}
