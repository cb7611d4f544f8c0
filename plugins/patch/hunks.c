/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See hunks.h. */
#include "plugins/patch/hunks.h"

/* A pre-image that is walked once, from its start to its end. */
struct walk {
	const char *bytes;
	size_t len, at, line; /* at: the first byte of line (from 0) */
	struct text *after;
	const struct unified *unified;
	const struct change *change;
	struct diff_fault *fault;
};

/* The length of the line at byte `at`, with its newline. 0 at the end. */
static size_t
line_len(const struct walk *walk, size_t at)
{
	const char *end =
		at < walk->len ? memchr(walk->bytes + at, '\n', walk->len - at) : NULL;

	return end ? (size_t)(end - walk->bytes) + 1 - at : walk->len - at;
}

/* Keeps what stands before the hunk. */
static int
walk_to(struct walk *walk, const struct hunk *hunk)
{
	while (walk->line < hunk->old_at) {
		size_t n = line_len(walk, walk->at);

		if (n == 0)
			return diff_fault_set(walk->fault, hunk->line, "apply.context",
					      "'%.200s' has only %zu lines",
					      walk->change->path, walk->line);
		text_add_n(walk->after, walk->bytes + walk->at, n);
		walk->at += n;
		walk->line++;
	}
	return 0;
}

/* Says where the hunk's old lines do stand, if they stand anywhere. */
static int
fail_context(const struct walk *walk, const struct hunk *hunk, size_t line)
{
	const struct hunk_line *lines = walk->unified->lines + hunk->first;
	AUTO_TEXT struct text old = { 0 };
	const char *found = walk->bytes, *end = walk->bytes + walk->len;
	size_t number = 1;

	for (size_t i = 0; i < hunk->count; i++)
		if (lines[i].sign != '+')
			text_add_n(&old, lines[i].bytes, lines[i].len);
	while (found && old.len > 0) {
		found = memmem(found, (size_t)(end - found), old.s, old.len);
		if (!found || ((found == walk->bytes || found[-1] == '\n') &&
			       (found + old.len == end || old.s[old.len - 1] == '\n')))
			break;
		found++;
	}
	if (!found || old.len == 0)
		return diff_fault_set(walk->fault, hunk->line, "apply.context",
				      "line %zu of '%.200s' is not what the hunk says",
				      line + 1, walk->change->path);
	for (const char *p = walk->bytes; p < found; p++)
		number += *p == '\n';
	return diff_fault_set(walk->fault, hunk->line, "apply.offset",
			      "in '%.200s' this stands at line %zu, not %zu",
			      walk->change->path, number, hunk->old_at + 1);
}

/*
 * A hunk with less context behind than before its change says that it ends its
 * file: git and GNU patch take it so. So does the marker of a missing newline.
 */
static bool
hunk_is_last(const struct walk *walk, const struct hunk *hunk)
{
	const struct hunk_line *lines = walk->unified->lines + hunk->first;
	size_t before = 0, behind = 0;

	while (lines[before].sign == ' ')
		before++;
	while (lines[hunk->count - 1 - behind].sign == ' ')
		behind++;
	for (size_t i = 0; i < hunk->count; i++)
		if (lines[i].is_open)
			return true;
	return behind == 0 || behind < before;
}

static int
hunk_apply(struct walk *walk, const struct hunk *hunk)
{
	const struct hunk_line *lines = walk->unified->lines + hunk->first;

	if (walk_to(walk, hunk) < 0)
		return -1;
	for (size_t i = 0; i < hunk->count; i++) {
		const struct hunk_line *line = &lines[i];

		if (line->sign != '+') {
			size_t n = line_len(walk, walk->at);

			if (n != line->len ||
			    memcmp(walk->bytes + walk->at, line->bytes, n) != 0)
				return fail_context(walk, hunk, walk->line);
			walk->at += n;
			walk->line++;
		}
		if (line->sign != '-')
			text_add_n(walk->after, line->bytes, line->len);
	}
	/* git wants an insertion behind line 1 without context to be at the start. */
	if (hunk->old_count == 0 && hunk->old_at == 1)
		return fail_context(walk, hunk, walk->line);
	if (walk->change->kind != CHANGE_DELETE && hunk_is_last(walk, hunk) &&
	    walk->at < walk->len)
		return diff_fault_set(walk->fault, hunk->line, "apply.context",
				      "'%.200s' goes on where the hunk ends it",
				      walk->change->path);
	return 0;
}

static int
change_apply(struct walk *walk)
{
	const struct change *change = walk->change;

	for (size_t i = 0; i < change->count; i++)
		if (hunk_apply(walk, &walk->unified->hunks[change->first + i]) < 0)
			return -1;
	if (change->kind == CHANGE_DELETE && walk->at < walk->len)
		return diff_fault_set(walk->fault, change->line, "diff.hunk",
				      "'%.200s' is deleted, but lines of it remain",
				      change->path);
	text_add_n(walk->after, walk->bytes + walk->at, walk->len - walk->at);
	if (walk->after->len > EDITS_MAX_BYTES)
		return diff_fault_set(walk->fault, change->line, "apply.size",
				      "'%.200s' would have more than %u bytes",
				      change->path, EDITS_MAX_BYTES);
	return 0;
}

/* ---- files ----------------------------------------------------------------- */

struct files {
	edit_reader *read;
	void *arg;
	struct edit_set *set;
	struct diff_fault *fault;
};

/* Adds the file as it is now. The index of it, or -1. */
static int
file_load_as(struct files *files, const struct change *change, const char *path,
	     bool must_exist)
{
	struct edit_set *set = files->set;
	const char *bytes = "", *why = "";
	size_t len = 0;
	int found = files->read(files->arg, path, &bytes, &len, &why);

	if (found < 0)
		return diff_fault_set(files->fault, change->line, "apply.read",
				      "read '%.200s': %.200s", path, why);
	if (found && !must_exist)
		return diff_fault_set(files->fault, change->line, "apply.exists",
				      "'%.200s' is there already", path);
	if (!found && must_exist)
		return diff_fault_set(files->fault, change->line, "apply.missing",
				      "there is no '%.200s'", path);
	if (found && len > 0 && memchr(bytes, '\0', len))
		return diff_fault_set(files->fault, change->line, "apply.binary",
				      "'%.200s' is no text", path);
	set->files = x_realloc(set->files, set->count + 1, sizeof(*set->files));
	set->files[set->count] = (struct edit_file){ .path = text_copy(path),
						     .existed = must_exist,
						     .exists = must_exist };
	if (found)
		text_add_n(&set->files[set->count].before, bytes, len);
	return (int)set->count++;
}

static int
file_apply(struct files *files, const struct unified *unified,
	   const struct change *change)
{
	const bool is_rename = change->kind == CHANGE_RENAME;
	AUTO_TEXT struct text after = { 0 };
	struct walk walk = { .after = &after,
			     .unified = unified,
			     .change = change,
			     .fault = files->fault };
	int from = file_load_as(files, change, is_rename ? change->from : change->path,
				change->kind != CHANGE_CREATE);
	int to = from;

	if (from >= 0 && is_rename)
		to = file_load_as(files, change, change->path, false);
	if (from < 0 || to < 0)
		return -1;
	walk.bytes = text_get(&files->set->files[from].before);
	walk.len = files->set->files[from].before.len;
	if (change->kind == CHANGE_EDIT && walk.len > 0 &&
	    unified->hunks[change->first].old_count == 0 &&
	    unified->hunks[change->first].old_at == 0)
		return diff_fault_set(files->fault, change->line, "apply.exists",
				      "'%.200s' is not empty, as the hunk says",
				      change->path);
	if (change_apply(&walk) < 0)
		return -1;
	files->set->files[from].exists = false;
	files->set->files[to].exists = change->kind != CHANGE_DELETE;
	if (change->kind != CHANGE_DELETE)
		text_move(&files->set->files[to].after, &after);
	return 0;
}

int
unified_apply(const struct unified *unified, edit_reader *read, void *arg,
	      struct edit_set *ret, struct diff_fault *fault)
{
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	struct files files = { read, arg, &set, fault };

	for (size_t i = 0; i < unified->count; i++)
		if (file_apply(&files, unified, &unified->changes[i]) < 0)
			return -1;
	*ret = set;
	set = (struct edit_set)EDIT_SET_INIT;
	return 0;
}
