/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See unified.h: hunks, and the order of things. Headers are diff_header.c. */
#include "plugins/patch/unified.h"

#include "plugins/patch/diff_header.h"
#include "plugins/patch/diff_lines.h"
#include "plugins/patch/diff_name.h"

#define MAX_NUMBER 2147483647u
#define MARKER "\\ No newline at end of file"

/* What there is of the file that is being read. */
struct reading {
	struct diff_lines *lines;
	struct unified *made;
	struct change *change;
	size_t old_end, new_end;       /* behind the last hunk, in lines */
	bool old_is_open, new_is_open; /* a marker said that this side ends here */
};

void
unified_done(struct unified *unified)
{
	for (size_t i = 0; i < unified->count; i++) {
		free(unified->changes[i].path);
		free(unified->changes[i].from);
	}
	free(unified->changes);
	free(unified->hunks);
	free(unified->lines);
	*unified = (struct unified)UNIFIED_INIT;
}

/* Room for one more item; arrays grow to powers of two. */
static void *
grow(void *items, size_t count, size_t size)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return items;
	return x_realloc(items, count > 0 ? count * 2 : 1, size);
}

/* ---- the line of a hunk's numbers ------------------------------------------ */

static int
number_read(struct diff_lines *lines, const char **at, size_t *ret)
{
	const char *end = lines->s + lines->n, *start = *at;
	size_t value = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
		value = value * 10 + (size_t)(**at - '0');
		if (value > MAX_NUMBER)
			break;
	}
	if (*at == start || value > MAX_NUMBER || (*start == '0' && *at > start + 1))
		return diff_fail(lines, "diff.number",
				 "a line number is no number up to %u", MAX_NUMBER);
	*ret = value;
	return 0;
}

/* `LINE` or `LINE,COUNT`, and the byte that must follow. */
static int
range_read(struct diff_lines *lines, const char **at, size_t *ret_start,
	   size_t *ret_count)
{
	*ret_count = 1;
	if (number_read(lines, at, ret_start) < 0)
		return -1;
	if (**at == ',') {
		(*at)++;
		if (number_read(lines, at, ret_count) < 0)
			return -1;
	}
	if (**at != ' ')
		return diff_fail(lines, "diff.number", "a line number is no number");
	(*at)++;
	if (*ret_start == 0 && *ret_count > 0)
		return diff_fail(lines, "diff.hunk", "there is no line 0");
	return 0;
}

static int
numbers_read(struct reading *r, struct hunk *hunk)
{
	struct diff_lines *lines = r->lines;
	const char *at = lines->s + strlen("@@ -"), *end = lines->s + lines->n;
	size_t old_start, new_start, new_at;

	if (range_read(lines, &at, &old_start, &hunk->old_count) < 0)
		return -1;
	if (*at != '+')
		return diff_fail(lines, "diff.syntax", "the @@ line has no '+'");
	at++;
	if (range_read(lines, &at, &new_start, &hunk->new_count) < 0)
		return -1;
	if (end - at < 2 || memcmp(at, "@@", 2) != 0 || (end - at > 2 && at[2] != ' '))
		return diff_fail(lines, "diff.syntax", "the @@ line has no second @@");
	if (hunk->old_count == 0 && hunk->new_count == 0)
		return diff_fail(lines, "diff.hunk", "the hunk is empty");
	hunk->old_at = hunk->old_count > 0 ? old_start - 1 : old_start;
	new_at = hunk->new_count > 0 ? new_start - 1 : new_start;
	if (hunk->old_at < r->old_end)
		return diff_fail(lines, "diff.hunk_order",
				 "the hunk starts before the one before it ends");
	if (new_at < r->new_end || new_at - r->new_end != hunk->old_at - r->old_end)
		return diff_fail(lines, "diff.hunk_order",
				 "the hunk's old and new line do not belong together");
	r->old_end = hunk->old_at + hunk->old_count;
	r->new_end = new_at + hunk->new_count;
	return 0;
}

/* ---- the lines of a hunk --------------------------------------------------- */

static bool
text_has_hidden(const char *s, size_t n)
{
	uint32_t point = 0;

	for (size_t at = 0, took; at<n; at += took> 0 ? took : 1) {
		took = point_decode(s + at, n - at, &point);
		if (took > 0 && point_is_hidden(point))
			return true;
	}
	return false;
}

/* The marker behind a line: the line ends its file, without a newline. */
static int
marker_read(struct reading *r, struct hunk_line *line)
{
	struct diff_lines *lines = r->lines;

	if (lines->is_end || lines->n == 0 || lines->s[0] != '\\')
		return 0;
	if (!diff_line_starts(lines, MARKER) || lines->n != strlen(MARKER))
		return diff_header_check(lines) < 0 ?
			       -1 :
			       diff_fail(lines, "diff.syntax", "this is not '%s'",
					 MARKER);
	line->is_open = true;
	line->len--;
	r->old_is_open |= line->sign != '+';
	r->new_is_open |= line->sign != '-';
	return diff_next(lines);
}

static int
line_read(struct reading *r, size_t *old_left, size_t *new_left)
{
	struct diff_lines *lines = r->lines;
	struct hunk_line line = { ' ', false, lines->s + 1, lines->n };

	if (lines->is_end)
		return diff_fail(lines, "diff.hunk",
				 "the hunk has fewer lines than its @@ line says");
	if (lines->n == 0) /* an empty line of context whose blank was eaten */
		line = (struct hunk_line){ ' ', false, lines->s, 1 };
	else
		line.sign = lines->s[0];
	if (!strchr(" -+", line.sign) || (line.sign != '+' && *old_left == 0) ||
	    (line.sign != '-' && *new_left == 0))
		return diff_fail(lines, "diff.hunk",
				 "the hunk's lines do not agree with its @@ line");
	if ((line.sign != '+' && r->old_is_open) ||
	    (line.sign != '-' && r->new_is_open))
		return diff_fail(lines, "diff.hunk",
				 "a line behind the end of its file");
	*old_left -= line.sign != '+';
	*new_left -= line.sign != '-';
	if (line.sign == '+' && text_has_hidden(line.bytes, line.len))
		r->change->has_hidden = true;
	if (diff_next(lines) < 0 || marker_read(r, &line) < 0)
		return -1;
	r->made->lines =
		grow(r->made->lines, r->made->line_count, sizeof(*r->made->lines));
	r->made->lines[r->made->line_count++] = line;
	return 0;
}

static int
hunk_read(struct reading *r)
{
	struct hunk hunk = { .first = r->made->line_count, .line = r->lines->number };
	size_t old_left, new_left;
	bool is_change = false;

	if (r->made->hunk_count == UNIFIED_MAX_HUNKS)
		return diff_fail(r->lines, "diff.limits", "more than %d hunks",
				 UNIFIED_MAX_HUNKS);
	/* git reports the text behind @@ as it was in the file, also its CR. */
	if (r->lines->n < 4 || !memmem(r->lines->s + 4, r->lines->n - 4, " @@ ", 4))
		if (diff_header_check(r->lines) < 0)
			return -1;
	if (numbers_read(r, &hunk) < 0 || diff_next(r->lines) < 0)
		return -1;
	old_left = hunk.old_count;
	new_left = hunk.new_count;
	while (old_left > 0 || new_left > 0)
		if (line_read(r, &old_left, &new_left) < 0)
			return -1;
	hunk.count = r->made->line_count - hunk.first;
	for (size_t i = 0; i < hunk.count; i++)
		is_change |= r->made->lines[hunk.first + i].sign != ' ';
	if (!is_change)
		return diff_fault_set(r->lines->fault, hunk.line, "diff.hunk",
				      "the hunk changes nothing");
	r->made->hunks =
		grow(r->made->hunks, r->made->hunk_count, sizeof(*r->made->hunks));
	r->made->hunks[r->made->hunk_count++] = hunk;
	r->change->count++;
	return 0;
}

/* ---- a file ---------------------------------------------------------------- */

/* A new file comes from nothing, a deleted one leaves nothing: in one hunk. */
static int
hunks_check(const struct reading *r)
{
	const struct change *change = r->change;
	const struct hunk *hunk;
	bool is_new = change->kind == CHANGE_CREATE;

	if ((!is_new && change->kind != CHANGE_DELETE) || change->count == 0)
		return 0;
	hunk = &r->made->hunks[change->first];
	if (change->count == 1 && hunk->old_at == 0 &&
	    (is_new ? hunk->old_count == 0 : hunk->new_count == 0))
		return 0;
	return diff_fault_set(r->lines->fault, hunk->line, "diff.hunk",
			      is_new ?
				      "'%.200s' is new, but the hunk has lines of old" :
				      "'%.200s' is deleted, but lines of it remain",
			      change->path);
}

/* Is `b` equal to `a` or below it? */
static bool
path_is_within(const char *a, const char *b)
{
	size_t n = strlen(a);

	return strncmp(a, b, n) == 0 && (b[n] == '\0' || b[n] == '/');
}

static int
names_compare(const struct change *change, const char *a, const char *b,
	      struct diff_fault *fault)
{
	if (!a || !b)
		return 0;
	if (path_is_within(a, b) || path_is_within(b, a))
		return diff_fault_set(fault, change->line, "diff.duplicate_file",
				      "'%.200s' and '%.200s' in one diff", a, b);
	if (paths_collide(a, b))
		return diff_fault_set(fault, change->line, "diff.case_collision",
				      "'%.200s' and '%.200s' differ only in case", a,
				      b);
	return 0;
}

static int
names_check(const struct unified *made, struct diff_fault *fault)
{
	const struct change *last = &made->changes[made->count - 1];

	for (size_t i = 0; i + 1 < made->count; i++) {
		const struct change *other = &made->changes[i];

		if (names_compare(last, last->path, other->path, fault) < 0 ||
		    names_compare(last, last->path, other->from, fault) < 0 ||
		    names_compare(last, last->from, other->path, fault) < 0 ||
		    names_compare(last, last->from, other->from, fault) < 0)
			return -1;
	}
	return names_compare(last, last->path, last->from, fault);
}

static int
file_read(struct diff_lines *lines, unsigned flags, struct unified *made, bool *is_bare)
{
	struct reading r = { .lines = lines, .made = made };
	struct change change = { .first = made->hunk_count, .line = lines->number };
	bool needs_hunk = false;

	if (made->count == UNIFIED_MAX_FILES)
		return diff_fail(lines, "diff.limits", "more than %d files",
				 UNIFIED_MAX_FILES);
	/* GNU patch joins a header that has no hunks and a plain one behind it. */
	if (*is_bare && !diff_line_starts(lines, "diff --git "))
		return diff_fail(lines, "diff.syntax",
				 "behind a header without hunks, the next file needs a "
				 "'diff --git' line");
	if (diff_header_read(lines, &change, &needs_hunk) < 0)
		return -1;
	*is_bare = !needs_hunk;
	made->changes = grow(made->changes, made->count, sizeof(*made->changes));
	made->changes[made->count++] = change;
	r.change = &made->changes[made->count - 1];
	if (names_check(made, lines->fault) < 0)
		return -1;
	if (change.kind == CHANGE_DELETE && !(flags & UNIFIED_ALLOW_DELETE))
		return diff_fault_set(lines->fault, change.line, "diff.delete",
				      "'%.200s' would be deleted", change.path);
	if (needs_hunk && !diff_line_starts(lines, "@@ -"))
		return diff_fail(lines, "diff.syntax", "no hunk follows the header");
	while (needs_hunk && diff_line_starts(lines, "@@ -"))
		if (hunk_read(&r) < 0)
			return -1;
	return hunks_check(&r);
}

/* ---- the diff -------------------------------------------------------------- */

static bool
is_blank(const char *s, size_t n)
{
	while (n > 0 && memchr(" \t\r\n\v\f", s[n - 1], 6))
		n--;
	return n == 0;
}

static int
diff_read(struct diff_lines *lines, unsigned flags, struct unified *made)
{
	bool is_behind_hunk = false, is_bare = false;

	if (diff_next(lines) < 0)
		return -1;
	while (!lines->is_end) {
		if (diff_line_starts(lines, "diff --git ") ||
		    diff_line_starts(lines, "--- ")) {
			if (file_read(lines, flags, made, &is_bare) < 0)
				return -1;
			is_behind_hunk = true;
			continue;
		}
		if (diff_header_check(lines) < 0 ||
		    diff_text_check(lines, is_behind_hunk) < 0)
			return -1;
		is_behind_hunk &= lines->n == 0;
		if (diff_next(lines) < 0)
			return -1;
	}
	if (made->count == 0)
		return diff_fault_set(lines->fault, 0, "diff.format",
				      "there is no unified diff in it");
	return 0;
}

int
unified_parse(const char *bytes, size_t len, unsigned flags, struct unified *ret,
	      struct diff_fault *fault)
{
	AUTO(unified) struct unified made = UNIFIED_INIT;
	struct diff_lines lines = { .bytes = bytes, .len = len, .fault = fault };

	if (len > UNIFIED_MAX_BYTES)
		return diff_fault_set(fault, 0, "diff.limits",
				      "the diff has more than %u bytes",
				      UNIFIED_MAX_BYTES);
	if (!is_blank(bytes, len) && diff_read(&lines, flags, &made) < 0)
		return -1;
	*ret = made;
	made = (struct unified)UNIFIED_INIT;
	return 0;
}
