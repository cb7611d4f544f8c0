/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See diff_lines.h. */
#include "plugins/patch/diff_lines.h"

bool
diff_line_starts(const struct diff_lines *lines, const char *prefix)
{
	size_t n = strlen(prefix);

	return !lines->is_end && lines->n >= n && memcmp(lines->s, prefix, n) == 0;
}

static bool
line_names_files(const struct diff_lines *lines)
{
	static const char *const naming[] = { "--- ", "+++ ", "diff --git ", "rename ",
					      "copy " };

	for (size_t i = 0; i < COUNT_OF(naming); i++)
		if (diff_line_starts(lines, naming[i]))
			return true;
	return false;
}

int
diff_next(struct diff_lines *lines)
{
	const char *end;

	lines->s = lines->bytes + lines->at;
	lines->n = 0;
	lines->is_end = lines->at >= lines->len;
	lines->number++;
	if (lines->is_end)
		return 0;
	end = memchr(lines->s, '\n', lines->len - lines->at);
	lines->n = end ? (size_t)(end - lines->s) : lines->len - lines->at;
	lines->at += lines->n + (end ? 1 : 0);
	if (lines->n + 1 > UNIFIED_MAX_LINE)
		return diff_fail(lines, "diff.limits", "a line of more than %u bytes",
				 UNIFIED_MAX_LINE);
	if (memchr(lines->s, '\0', lines->n))
		return diff_fail(lines,
				 line_names_files(lines) ? "diff.path" : "diff.binary",
				 "there is a NUL in it");
	if (!end)
		return diff_fail(lines, "diff.syntax", "the diff is cut off");
	return 0;
}

int
diff_header_check(const struct diff_lines *lines)
{
	if (lines->n > 0 && lines->s[lines->n - 1] == '\r')
		return diff_fail(lines, "diff.eol",
				 "the diff's own lines end in CRLF, which tools take "
				 "for different things");
	return 0;
}

/* A command of ed, or the header of a plain diff: `12,34d`, `3c4,5`. */
static bool
is_ed_command(const char *s, size_t n)
{
	size_t at = strspn(s, "0123456789,");

	if (at == 0 || at >= n || !strchr("acd", s[at]))
		return false;
	for (at++; at < n && strchr("0123456789, \t\r", s[at]);)
		at++;
	return at == n;
}

/* Where GNU patch looks for a header: behind indentation and quoting of mails. */
static size_t
skip_indent(const char *s, size_t n)
{
	size_t at = 0;

	for (;;) {
		if (at < n && strchr(" \tX", s[at]))
			at++;
		else if (at + 1 < n && s[at] == '-' && s[at + 1] == ' ')
			at += 2;
		else
			return at;
	}
}

int
diff_text_check(const struct diff_lines *lines, bool is_behind_hunk)
{
	static const struct {
		const char *word, *code;
	} telling[] = {
		{ "--- ", "diff.syntax" },
		{ "+++ ", "diff.syntax" },
		{ "@@", "diff.syntax" },
		{ "diff --git ", "diff.syntax" },
		{ "old mode ", "diff.syntax" },
		{ "new mode ", "diff.syntax" },
		{ "new file ", "diff.syntax" },
		{ "deleted file ", "diff.syntax" },
		{ "rename ", "diff.syntax" },
		{ "copy from ", "diff.syntax" },
		{ "copy to ", "diff.syntax" },
		{ "similarity ", "diff.syntax" },
		{ "*** ", "diff.format" },
		{ "*****", "diff.format" },
		{ "Prereq:", "diff.format" },
		{ "GIT binary", "diff.binary" },
		{ "Binary files ", "diff.binary" },
	};
	size_t skip = skip_indent(lines->s, lines->n);
	struct diff_lines rest = *lines;

	if (is_behind_hunk && lines->n > 0 && strchr(" +-\\", lines->s[0]) &&
	    !(diff_line_starts(lines, "--") &&
	      (lines->n == 2 || (lines->n == 3 && lines->s[2] == ' '))))
		return diff_fail(lines, "diff.hunk",
				 "the hunk has more lines than its @@ line says");
	rest.s += skip;
	rest.n -= skip;
	for (size_t i = 0; i < COUNT_OF(telling); i++)
		if (diff_line_starts(&rest, telling[i].word))
			return diff_fail(lines, telling[i].code,
					 "'%s' is not expected here", telling[i].word);
	if (is_ed_command(rest.s, rest.n))
		return diff_fail(lines, "diff.format", "this is no unified diff");
	return 0;
}
