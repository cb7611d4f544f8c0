/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Globs in two levels, each with one point to go back to: components against
 * components with `**`, and inside a component characters with `*`. Only the
 * newest star ever has to be tried again, so nothing recurses.
 */
#include "plugins/common/glob.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const char *s;
	size_t len;
};

/* The component at *at; *at moves behind it and its slash, or to NULL at the end. */
static struct span
component_take(const char **at)
{
	const char *slash = strchr(*at, '/');
	struct span span = { *at, slash ? (size_t)(slash - *at) : strlen(*at) };

	*at = slash ? slash + 1 : NULL;
	return span;
}

/* The UTF-8 character at s[*i], and *i behind it. A stray byte stands for itself. */
static uint32_t
point_take(struct span text, size_t *i)
{
	unsigned char lead = (unsigned char)text.s[(*i)++];
	int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	uint32_t point = lead;

	for (; more > 0 && *i < text.len && ((unsigned char)text.s[*i] & 0xc0) == 0x80;
	     more--)
		point = point << 8 | (unsigned char)text.s[(*i)++];
	return point;
}

/* Behind the `]` that closes the class opening at p[i], or 0 when nothing does. */
static size_t
class_end(struct span p, size_t i)
{
	size_t end = i + 1;

	if (end < p.len && p.s[end] == '!')
		end++;
	for (end++; end < p.len; end++) /* a bracket in first place belongs to it */
		if (p.s[end] == ']')
			return end + 1;
	return 0;
}

/* `inside` is what stands between the brackets. */
static bool
class_has(struct span inside, uint32_t point)
{
	bool is_negated = inside.s[0] == '!', is_in = false;
	size_t i = is_negated;

	while (i < inside.len) {
		uint32_t first = point_take(inside, &i), last = first;

		if (i + 1 < inside.len && inside.s[i] == '-') {
			i++;
			last = point_take(inside, &i);
		}
		if (first <= point && point <= last)
			is_in = true;
	}
	return is_in != is_negated;
}

/* Whether the pattern's element at *i takes the character at *j; both move on. */
static bool
element_takes(struct span p, size_t *i, struct span t, size_t *j)
{
	uint32_t have = point_take(t, j);
	size_t end = p.s[*i] == '[' ? class_end(p, *i) : 0;
	struct span inside = { p.s + *i + 1, end ? end - *i - 2 : 0 };
	uint32_t want;

	if (end) {
		*i = end;
		return class_has(inside, have);
	}
	want = point_take(p, i);
	return want == '?' || want == have;
}

static bool
component_matches(struct span p, struct span t)
{
	size_t i = 0, j = 0, star = 0, star_j = 0;
	bool has_star = false;

	while (j < t.len) {
		if (i < p.len && p.s[i] == '*') {
			has_star = true;
			star = ++i;
			star_j = j;
		} else if (i < p.len && element_takes(p, &i, t, &j)) {
			continue;
		} else if (has_star) {
			(void)point_take(t, &star_j);
			i = star;
			j = star_j;
		} else {
			return false;
		}
	}
	while (i < p.len && p.s[i] == '*')
		i++;
	return i == p.len;
}

bool
glob_matches(const char *pattern, const char *path)
{
	const char *p = pattern, *t = path, *star = NULL, *star_t = NULL;
	bool has_star = false;

	while (t) {
		const char *p_next = p, *t_next = t;
		struct span component =
			p ? component_take(&p_next) : (struct span){ "", 0 };
		struct span part = component_take(&t_next);

		if (p && component.len == 2 && memcmp(component.s, "**", 2) == 0) {
			has_star = true;
			star = p = p_next;
			star_t = t;
		} else if (p && component_matches(component, part)) {
			p = p_next;
			t = t_next;
		} else if (has_star) {
			(void)component_take(&star_t);
			p = star;
			t = star_t;
		} else {
			return false;
		}
	}
	while (p && p[0] == '*' && p[1] == '*' && (p[2] == '/' || p[2] == '\0'))
		(void)component_take(&p);
	return !p;
}

bool
glob_list_matches(const json_t *patterns, const char *path)
{
	const json_t *pattern;
	size_t i;

	json_array_foreach(patterns, i, pattern) {
		const char *s = json_string_value(pattern);

		if (s && glob_matches(s, path))
			return true;
	}
	return false;
}

bool
glob_is_literal(const char *pattern)
{
	return !strpbrk(pattern, "*?[");
}
