/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See diff_name.h. */
#include "plugins/patch/diff_name.h"

#include <locale.h>
#include <wctype.h>

struct range {
	uint32_t first, last;
};

static bool
in_ranges(const struct range *ranges, size_t count, uint32_t point)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

size_t
point_decode(const char *bytes, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = n > 0 ? (unsigned char)bytes[0] : 0xff;
	size_t len = c < 0x80		   ? 1 :
		     c >= 0xc2 && c < 0xe0 ? 2 :
		     c >= 0xe0 && c < 0xf0 ? 3 :
		     c >= 0xf0 && c < 0xf5 ? 4 :
					     0;
	uint32_t point = len == 1 ? c : c & (0xffu >> (len + 1));

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)bytes[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | ((unsigned char)bytes[i] & 0x3f);
	}
	if (point < least[len] || point > 0x10ffff ||
	    (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return len;
}

bool
point_is_hidden(uint32_t point)
{
	static const struct range hidden[] = {
		{ 0xad, 0xad },	      { 0x34f, 0x34f },	  { 0x61c, 0x61c },
		{ 0x180b, 0x180f },   { 0x200b, 0x200f }, { 0x202a, 0x202e },
		{ 0x2060, 0x206f },   { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },
		{ 0xe0000, 0xe01ef },
	};

	return in_ranges(hidden, COUNT_OF(hidden), point);
}

/* Letters with one way to write them: what a composed form could hide is out. */
static bool
point_is_plain(uint32_t point)
{
	static const struct range plain[] = {
		{ 0x20, 0x7e },	    { 0xc0, 0xd6 },	{ 0xd8, 0xf6 },
		{ 0xf8, 0x17f },    { 0x386, 0x386 },	{ 0x388, 0x3ce },
		{ 0x400, 0x481 },   { 0x48a, 0x52f },	{ 0x5d0, 0x5ea },
		{ 0x3041, 0x3096 }, { 0x30a1, 0x30fa }, { 0x4e00, 0x9fff },
		{ 0xac00, 0xd7a3 },
	};

	return in_ranges(plain, COUNT_OF(plain), point);
}

/* ---- quoting --------------------------------------------------------------- */

static size_t
unquote_escape(const char *s, size_t n, struct text *name)
{
	static const char letters[] = "abtnvfr\"\\", meant[] = "\a\b\t\n\v\f\r\"\\";
	const char *at = n > 0 && s[0] ? strchr(letters, s[0]) : NULL;

	if (at) {
		text_add_n(name, &meant[at - letters], 1);
		return 1;
	}
	if (n < 3 || s[0] < '0' || s[0] > '3' || s[1] < '0' || s[1] > '7' ||
	    s[2] < '0' || s[2] > '7')
		return 0;
	char byte = (char)((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
	text_add_n(name, &byte, 1);
	return 3;
}

size_t
name_unquote(const char *s, size_t n, struct text *name)
{
	size_t at = 1;

	while (at < n && s[at] != '"') {
		size_t took = 1;

		if (s[at] == '\\') {
			at++;
			took = unquote_escape(s + at, n - at, name);
			if (took == 0)
				return 0;
		} else {
			text_add_n(name, s + at, 1);
		}
		at += took;
	}
	return at < n ? at + 1 : 0;
}

/* ---- which names ----------------------------------------------------------- */

/*
 * Does some file system or tool take this component for the folder of a
 * version control? Case, invisible characters, trailing dots and blanks, and
 * the short names of NTFS do not tell names apart there.
 */
static bool
component_is_vcs(const char *s, size_t n)
{
	static const char *const folders[] = { ".git", ".hg", ".svn", ".bzr", "git~" };
	char plain[8] = "";
	size_t used = 0;

	while (n > 0 && (s[n - 1] == '.' || s[n - 1] == ' '))
		n--;
	for (size_t at = 0, took; at < n; at += took) {
		uint32_t point = 0;

		took = point_decode(s + at, n - at, &point);
		if (took == 0)
			return false;
		if (point_is_hidden(point))
			continue;
		if (point >= 0x80 || used + 1 >= sizeof(plain))
			return false;
		plain[used++] =
			(char)(point >= 'A' && point <= 'Z' ? point + 32 : point);
	}
	if (used > 4 && plain[3] == '~' && plain[4] >= '0' && plain[4] <= '9')
		plain[4] = '\0';
	for (size_t i = 0; i < COUNT_OF(folders); i++)
		if (text_equal(plain, folders[i]))
			return true;
	return false;
}

static int
characters_check(const struct text *name, unsigned line, struct diff_fault *fault)
{
	uint32_t point;

	for (size_t at = 0, took; at < name->len; at += took) {
		took = point_decode(name->s + at, name->len - at, &point);
		if (took == 0)
			return diff_fault_set(fault, line, "diff.path_utf8",
					      "a file's name is not UTF-8");
	}
	for (size_t at = 0; at < name->len; at++) {
		unsigned char c = (unsigned char)name->s[at];

		if (c < 0x20 || c == 0x7f || strchr("\\:\"", c))
			return diff_fault_set(fault, line, "diff.path",
					      "'%.200s' has character 0x%02x in it",
					      name->s, c);
	}
	return 0;
}

static int
components_check(const struct text *name, unsigned line, struct diff_fault *fault)
{
	const char *s = text_get(name), *bad = NULL;
	size_t n;

	for (const char *at = s; at; at = at[n] ? at + n + 1 : NULL) {
		n = strcspn(at, "/");
		if (component_is_vcs(at, n))
			return diff_fault_set(fault, line, "diff.vcs_path",
					      "'%.200s' belongs to version control", s);
		if (n > DIFF_MAX_COMPONENT)
			return diff_fault_set(fault, line, "diff.limits",
					      "a name of %zu bytes, more than %d", n,
					      DIFF_MAX_COMPONENT);
		if (n == 0 || (n == 1 && at[0] == '.') ||
		    (n == 2 && at[0] == '.' && at[1] == '.') || at[0] == ' ' ||
		    at[n - 1] == ' ')
			bad = s;
	}
	if (bad)
		return diff_fault_set(fault, line, "diff.path",
				      "'%.200s' is no plain path inside the project",
				      s);
	return 0;
}

int
name_check(const struct text *name, const char *prefix, unsigned line, char **ret_path,
	   struct diff_fault *fault)
{
	size_t skip = strlen(prefix);
	uint32_t point = 0;

	if (characters_check(name, line, fault) < 0 ||
	    components_check(name, line, fault) < 0)
		return -1;
	for (size_t at = 0; at < name->len;) {
		at += point_decode(name->s + at, name->len - at, &point);
		if (!point_is_plain(point))
			return diff_fault_set(
				fault, line, "diff.path_charset",
				"a file's name has character U+%04X in it", point);
	}
	if (!text_starts(text_get(name), prefix))
		return diff_fault_set(fault, line, "diff.prefix",
				      "'%.200s' does not start with '%s'", name->s,
				      prefix);
	if (name->len - skip > DIFF_MAX_PATH)
		return diff_fault_set(fault, line, "diff.limits",
				      "a path of more than %d bytes", DIFF_MAX_PATH);
	*ret_path = text_copy(name->s + skip);
	return 0;
}

/* ---- case ------------------------------------------------------------------ */

bool
paths_collide(const char *a, const char *b)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	bool is_same = true;

	while (is_same && *a && *b) {
		uint32_t pa = 0, pb = 0;

		a += point_decode(a, strlen(a), &pa);
		b += point_decode(b, strlen(b), &pb);
		is_same = locale ? towlower_l(pa, locale) == towlower_l(pb, locale) :
				   towlower(pa) == towlower(pb);
	}
	if (locale)
		freelocale(locale);
	return is_same && *a == *b;
}
