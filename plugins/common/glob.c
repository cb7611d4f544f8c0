/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Globs in two levels, each with one point to go back to: components against
 * components with `**`, and inside a component characters with `*`. Only the
 * newest star ever has to be tried again, so nothing recurses.
 */
#include "plugins/common/glob.h"

#include <stddef.h>
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

/* Behind the `]` that closes the class opening at p[i], or 0 when nothing does. */
static size_t
class_end(struct span p, size_t i)
{
	size_t end = i + 1;

	if (end < p.len && p.s[end] == '!')
		end++;
	if (end < p.len && p.s[end] == ']')
		end++;
	while (end < p.len && p.s[end] != ']')
		end++;
	return end < p.len ? end + 1 : 0;
}

static bool
class_has(struct span p, size_t i, size_t end, unsigned char c)
{
	bool negated = p.s[i + 1] == '!', found = false;

	for (i += negated ? 2 : 1; i < end - 1; i++) {
		unsigned char low = (unsigned char)p.s[i], high = low;

		if (i + 2 < end - 1 && p.s[i + 1] == '-') {
			high = (unsigned char)p.s[i + 2];
			i += 2;
		}
		if (low <= c && c <= high)
			found = true;
	}
	return found != negated;
}

/* Whether the pattern element at p[i] takes the character; *next is behind it. */
static bool
element_takes(struct span p, size_t i, char c, size_t *next)
{
	size_t end = p.s[i] == '[' ? class_end(p, i) : 0;

	*next = end ? end : i + 1;
	if (end)
		return class_has(p, i, end, (unsigned char)c);
	return p.s[i] == '?' || p.s[i] == c;
}

static bool
component_matches(struct span p, struct span t)
{
	size_t i = 0, j = 0, next, star = 0, star_j = 0;
	bool has_star = false;

	while (j < t.len) {
		if (i < p.len && p.s[i] == '*') {
			has_star = true;
			star = ++i;
			star_j = j;
		} else if (i < p.len && element_takes(p, i, t.s[j], &next)) {
			i = next;
			j++;
		} else if (has_star) {
			i = star;
			j = ++star_j;
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
		struct span component = p ? component_take(&p_next) : (struct span){ "", 0 };
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
