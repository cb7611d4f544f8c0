/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unified diffs in git's form, from the marks of diff_lines. */
#include "base/base.h"

#include "base/diff.h"

#include "base/diff_lines.h"

#define CONTEXT 3

static bool
sides_equal(struct diff_side a, struct diff_side b)
{
	if (!a.bytes || !b.bytes)
		return a.bytes == b.bytes;
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static bool
is_binary(struct diff_side side)
{
	return side.bytes && memchr(side.bytes, '\0', side.len);
}

static void
mark_sides(struct diff_side before, struct diff_side after, struct lines *ret_before,
	   struct lines *ret_after)
{
	diff_lines(before.bytes ? before.bytes : "", before.bytes ? before.len : 0,
		   after.bytes ? after.bytes : "", after.bytes ? after.len : 0,
		   ret_before, ret_after);
}

/* `a/PATH`, in quotes as git does it where the name needs them. */
static char *
quote_name(const char *prefix, const char *path)
{
	AUTO(str) struct str name = STR_INIT;
	bool needs_quotes = false;

	str_addf(&name, "\"%s", prefix);
	for (const char *p = path; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\')
			str_addf(&name, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			str_addf(&name, "\\%03o", c);
		else
			str_add_c(&name, *p);
		needs_quotes |= c == '"' || c == '\\' || c < 0x20 || c == 0x7f;
	}
	if (!needs_quotes)
		return x_strdup(name.s + 1);
	str_add_c(&name, '"');
	return str_take(&name);
}

/* A name with a blank ends in a tab, else readers take the rest for a date. */
static void
add_name_line(struct str *out, const char *mark, const char *name)
{
	bool needs_tab = name[0] != '"' && strchr(name, ' ');
	str_addf(out, "%s %s%s\n", mark, name, needs_tab ? "\t" : "");
}

static void
add_line(struct str *out, char mark, const struct line *line)
{
	str_add_c(out, mark);
	str_add_n(out, line->s, line->len);
	if (line->s[line->len - 1] != '\n')
		str_add(out, "\n\\ No newline at end of file\n");
}

/* `12,3`; an empty range is named by the line before it. */
static void
add_range(struct str *out, char mark, size_t first, size_t count)
{
	str_addf(out, " %c%zu", mark, count > 0 ? first + 1 : first);
	if (count != 1)
		str_addf(out, ",%zu", count);
}

/* A place in both texts at once. */
struct place {
	size_t x, y;
};

/* Over the changes at `at`; the lines behind them are equal. */
static struct place
skip_changes(const struct lines *before, const struct lines *after, struct place at)
{
	while (at.x < before->count && before->v[at.x].is_changed)
		at.x++;
	while (at.y < after->count && after->v[at.y].is_changed)
		at.y++;
	return at;
}

static bool
is_change(const struct lines *before, const struct lines *after, struct place at)
{
	return (at.x < before->count && before->v[at.x].is_changed) ||
	       (at.y < after->count && after->v[at.y].is_changed);
}

/* Over the equal lines at `at`, to the next change or the end. */
static struct place
skip_equal(const struct lines *before, const struct lines *after, struct place at)
{
	while (at.x < before->count && !is_change(before, after, at)) {
		at.x++;
		at.y++;
	}
	return at;
}

static void
add_hunk(struct str *out, const struct lines *before, const struct lines *after,
	 struct place from, struct place to)
{
	str_add(out, "@@");
	add_range(out, '-', from.x, to.x - from.x);
	add_range(out, '+', from.y, to.y - from.y);
	str_add(out, " @@\n");
	while (from.x < to.x || from.y < to.y) {
		struct place next = skip_changes(before, after, from);
		for (; from.x < next.x; from.x++)
			add_line(out, '-', &before->v[from.x]);
		for (; from.y < next.y; from.y++)
			add_line(out, '+', &after->v[from.y]);
		if (from.x < to.x) {
			add_line(out, ' ', &before->v[from.x]);
			from.x++;
			from.y++;
		}
	}
}

static void
add_hunks(struct str *out, const struct lines *before, const struct lines *after)
{
	struct place at = skip_equal(before, after, (struct place){ 0, 0 });

	while (is_change(before, after, at)) {
		size_t lead = at.x < CONTEXT ? at.x : CONTEXT;
		struct place from = { at.x - lead, at.y - lead }, to, next = at;
		/* Changes whose contexts would touch share a hunk. */
		do {
			to = skip_changes(before, after, next);
			next = skip_equal(before, after, to);
		} while (is_change(before, after, next) &&
			 next.x - to.x <= 2 * CONTEXT);
		size_t trail = next.x - to.x < CONTEXT ? next.x - to.x : CONTEXT;
		add_hunk(out, before, after, from,
			 (struct place){ to.x + trail, to.y + trail });
		at = next;
	}
}

void
diff_unified(struct str *out, const char *path, struct diff_side before,
	     struct diff_side after, unsigned mode)
{
	if (sides_equal(before, after))
		return;

	AUTO_FREE char *old_name = quote_name("a/", path);
	AUTO_FREE char *new_name = quote_name("b/", path);
	str_addf(out, "diff --git %s %s\n", old_name, new_name);
	if (!before.bytes)
		str_addf(out, "new file mode 100%03o\n", mode & 0777);
	if (!after.bytes)
		str_addf(out, "deleted file mode 100%03o\n", mode & 0777);

	const char *from = before.bytes ? old_name : "/dev/null";
	const char *to = after.bytes ? new_name : "/dev/null";
	if (is_binary(before) || is_binary(after)) {
		str_addf(out, "Binary files %s and %s differ\n", from, to);
		return;
	}
	/* An empty file that comes or goes has no hunk to put names above. */
	if ((before.bytes ? before.len : 0) + (after.bytes ? after.len : 0) == 0)
		return;
	add_name_line(out, "---", from);
	add_name_line(out, "+++", to);
	AUTO(lines) struct lines old_lines = { 0 }, new_lines = { 0 };
	mark_sides(before, after, &old_lines, &new_lines);
	add_hunks(out, &old_lines, &new_lines);
}

void
diff_count(struct diff_side before, struct diff_side after, unsigned *ret_added,
	   unsigned *ret_removed)
{
	AUTO(lines) struct lines old_lines = { 0 }, new_lines = { 0 };
	unsigned added = 0, removed = 0;

	if (!is_binary(before) && !is_binary(after))
		mark_sides(before, after, &old_lines, &new_lines);
	for (size_t i = 0; i < old_lines.count; i++)
		removed += old_lines.v[i].is_changed;
	for (size_t i = 0; i < new_lines.count; i++)
		added += new_lines.v[i].is_changed;
	*ret_added = added;
	*ret_removed = removed;
}
