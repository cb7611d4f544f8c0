/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See edits.h. A table of operations, each a function on one file's text. */
#include "plugins/patch/edits.h"

#include <stdarg.h>
#include <stdio.h>

#include "plugins/common/lines.h"

struct operation {
	const char *name;
	const char *members[3]; /* besides op and path; `?` in front: may be missing */
	bool needs_file;
	int (*apply)(const json_t *edit, struct edit_file *file,
		     struct edit_fault *fault);
};

static int fault_set(struct edit_fault *fault, const char *code, const char *remedy,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static int
fault_set(struct edit_fault *fault, const char *code, const char *remedy,
	  const char *fmt, ...)
{
	AUTO_FREE char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	edit_fault_done(fault);
	fault->code = code;
	fault->remedy = remedy;
	text_add(&fault->message, s);
	return -1;
}

void
edit_fault_done(struct edit_fault *fault)
{
	text_done(&fault->message);
	fault->code = fault->remedy = NULL;
}

void
edit_set_done(struct edit_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->files[i].path);
		text_done(&set->files[i].before);
		text_done(&set->files[i].after);
	}
	free(set->files);
	*set = (struct edit_set)EDIT_SET_INIT;
}

bool
edit_file_changed(const struct edit_file *file)
{
	if (file->existed != file->exists)
		return true;
	return file->exists && (file->before.len != file->after.len ||
				memcmp(text_get(&file->before), text_get(&file->after),
				       file->before.len) != 0);
}

/* ---- text ------------------------------------------------------------------ */

/* Appends s with every bare newline made CRLF. */
static void
text_add_crlf(struct text *text, const char *s)
{
	for (const char *p = s; *p; p++) {
		if (*p == '\n' && (p == s || p[-1] != '\r'))
			text_add(text, "\r");
		text_add_n(text, p, 1);
	}
}

/* Replaces the bytes [begin, end) by s. */
static void
text_splice(struct text *text, size_t begin, size_t end, const char *s)
{
	AUTO_TEXT struct text made = { 0 };

	text_add_n(&made, text_get(text), begin);
	text_add(&made, s);
	text_add_n(&made, text_get(text) + end, text->len - end);
	text_move(text, &made);
}

/* ---- operations ------------------------------------------------------------ */

static int
apply_add_line(const json_t *edit, struct edit_file *file, struct edit_fault *fault)
{
	const char *line = json_text(edit, "line"), *ending = line_ending(&file->after);
	const json_t *after = json_object_get(edit, "after");
	AUTO_FREE char *added = NULL;
	bool is_open; /* the line before has no ending of its own */
	struct line found = { 0, 0, file->after.len };
	size_t count;

	if (line_count(&file->after, line, &found) > 0)
		return 0;
	found.end = file->after.len;
	if (after) {
		count = line_count(&file->after, json_string_value(after), &found);
		if (count != 1)
			return fault_set(
				fault, "patch.line",
				"name a line that is in the file exactly once",
				"add a line to '%s': the line '%.200s' to put it after "
				"is there %zu times",
				file->path, json_string_value(after), count);
	}
	is_open = found.end > 0 && file->after.s[found.end - 1] != '\n';
	added = text_format("%s%s%s", is_open ? ending : "", line, ending);
	text_splice(&file->after, found.end, found.end, added);
	return 0;
}

static int
apply_remove_line(const json_t *edit, struct edit_file *file, struct edit_fault *fault)
{
	const char *line = json_text(edit, "line");
	struct line found = { 0, 0, 0 };
	size_t count = line_count(&file->after, line, &found);

	if (count != 1)
		return fault_set(
			fault, "patch.line",
			"name a line that is in the file exactly once",
			"remove a line of '%s': the line '%.200s' is there %zu times",
			file->path, line, count);
	text_splice(&file->after, found.begin, found.end, "");
	return 0;
}

static int
apply_replace(const json_t *edit, struct edit_file *file, struct edit_fault *fault)
{
	AUTO_TEXT struct text find = { 0 }, with = { 0 };
	bool is_crlf = lines_are_crlf(&file->after);
	const char *first, *again;

	(is_crlf ? text_add_crlf : text_add)(&find, json_text(edit, "find"));
	(is_crlf ? text_add_crlf : text_add)(&with, json_text(edit, "with"));
	first = memmem(text_get(&file->after), file->after.len, find.s, find.len);
	if (!first)
		return fault_set(fault, "patch.find",
				 "read the file again and quote what is in it now",
				 "replace in '%s': '%.200s' is not in it", file->path,
				 json_text(edit, "find"));
	again = memmem(first + 1, file->after.len - (size_t)(first + 1 - file->after.s),
		       find.s, find.len);
	if (again)
		return fault_set(
			fault, "patch.find",
			"quote more around it, so that it is there exactly once",
			"replace in '%s': '%.200s' is there more than once", file->path,
			json_text(edit, "find"));
	text_splice(&file->after, (size_t)(first - file->after.s),
		    (size_t)(first - file->after.s) + find.len, text_get(&with));
	return 0;
}

static int
apply_write(const json_t *edit, struct edit_file *file, struct edit_fault *fault)
{
	file->exists = true;
	text_done(&file->after);
	text_add(&file->after, json_text(edit, "content"));
	return 0;
}

static int
apply_create(const json_t *edit, struct edit_file *file, struct edit_fault *fault)
{
	if (file->exists)
		return fault_set(fault, "patch.exists",
				 "use \"write\" when the file may be replaced",
				 "create '%s': there is such a file", file->path);
	return apply_write(edit, file, fault);
}

static int
apply_delete(const json_t *edit, struct edit_file *file, struct edit_fault *fault)
{
	file->exists = false;
	text_done(&file->after);
	return 0;
}

static const struct operation operations[] = {
	{ "add_line", { "line", "?after" }, true, apply_add_line },
	{ "remove_line", { "line" }, true, apply_remove_line },
	{ "replace", { "find", "with" }, true, apply_replace },
	{ "write", { "content" }, false, apply_write },
	{ "create", { "content" }, false, apply_create },
	{ "delete", { NULL }, true, apply_delete },
};

static const struct operation *
operation_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++)
		if (text_equal(operations[i].name, name))
			return &operations[i];
	return NULL;
}

/* ---- the form of edits ----------------------------------------------------- */

static bool
path_is_canonical(const char *path)
{
	const char *at = path;

	if (!*path || *path == '/' || strlen(path) > 4096 || strchr(path, '\\'))
		return false;
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	while (at) {
		size_t len = strcspn(at, "/");

		if (len == 0 || (len == 1 && at[0] == '.') ||
		    (len == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at = at[len] ? at + len + 1 : NULL;
	}
	return true;
}

static bool
operation_takes(const struct operation *op, const char *member)
{
	if (text_equal(member, "op") || text_equal(member, "path"))
		return true;
	for (size_t i = 0; i < COUNT_OF(op->members) && op->members[i]; i++)
		if (text_equal(op->members[i] + (op->members[i][0] == '?'), member))
			return true;
	return false;
}

static int
members_check(const struct operation *op, json_t *edit, size_t number,
	      struct edit_fault *fault)
{
	const char *key,
		*see = "fettle-patch-apply(7) lists the operations and their members";
	json_t *value;

	json_object_foreach(edit, key, value) {
		if (!operation_takes(op, key))
			return fault_set(fault, "patch.op", see,
					 "edit %zu: %s has no member '%s'", number,
					 op->name, key);
		if (!json_is_string(value))
			return fault_set(fault, "patch.op", see,
					 "edit %zu: '%s' is no text", number, key);
	}
	for (size_t i = 0; i < COUNT_OF(op->members) && op->members[i]; i++)
		if (op->members[i][0] != '?' && !json_object_get(edit, op->members[i]))
			return fault_set(fault, "patch.op", see,
					 "edit %zu: %s needs '%s'", number, op->name,
					 op->members[i]);
	return 0;
}

/* Values that no file could satisfy. */
static int
values_check(const json_t *edit, size_t number, struct edit_fault *fault)
{
	static const char *const lines[] = { "line", "after" };

	for (size_t i = 0; i < COUNT_OF(lines); i++)
		if (strpbrk(json_text(edit, lines[i]), "\r\n"))
			return fault_set(
				fault, "patch.line", "give one edit for each line",
				"edit %zu: '%s' holds a line break", number, lines[i]);
	if (json_object_get(edit, "find") && !*json_text(edit, "find"))
		return fault_set(fault, "patch.find", "quote the text to replace",
				 "edit %zu: 'find' is empty", number);
	if (!path_is_canonical(json_text(edit, "path")))
		return fault_set(
			fault, "patch.path",
			"name the file relative to the project, without `.` and `..`",
			"edit %zu: '%s' is no path inside the project", number,
			json_text(edit, "path"));
	return 0;
}

int
edits_check(const json_t *edits, struct edit_fault *fault)
{
	const char *see =
		"fettle-patch-apply(7) lists the operations and their members";
	json_t *edit;
	size_t i;

	if (!json_is_array(edits))
		return fault_set(fault, "patch.op", see, "edits are no list");
	if (json_array_size(edits) > EDITS_MAX)
		return fault_set(fault, "patch.op", "split the change",
				 "more than %d edits", EDITS_MAX);
	json_array_foreach(edits, i, edit) {
		const struct operation *op = operation_find(json_text(edit, "op"));

		if (!op)
			return fault_set(fault, "patch.op", see,
					 "edit %zu: '%s' is no operation", i + 1,
					 json_text(edit, "op"));
		if (!json_object_get(edit, "path"))
			return fault_set(fault, "patch.op", see,
					 "edit %zu: %s needs 'path'", i + 1, op->name);
		if (members_check(op, edit, i + 1, fault) < 0 ||
		    values_check(edit, i + 1, fault) < 0)
			return -1;
	}
	return 0;
}

/* ---- applying -------------------------------------------------------------- */

static struct edit_file *
file_find(struct edit_set *set, const char *path)
{
	for (size_t i = 0; i < set->count; i++)
		if (text_equal(set->files[i].path, path))
			return &set->files[i];
	return NULL;
}

/* The file of that path, read when it is named for the first time. */
static struct edit_file *
file_get(struct edit_set *set, const char *path, edit_reader *read, void *arg,
	 struct edit_fault *fault)
{
	struct edit_file *file = file_find(set, path);
	const char *bytes = NULL, *why = "";
	size_t len = 0;
	int found;

	if (file)
		return file;
	found = read(arg, path, &bytes, &len, &why);
	if (found < 0) {
		(void)fault_set(fault, "patch.path",
				"edit a regular file inside the project",
				"read '%s': %s", path, why);
		return NULL;
	}
	set->files = x_realloc(set->files, set->count + 1, sizeof(*set->files));
	file = &set->files[set->count++];
	*file = (struct edit_file){ .path = text_copy(path),
				    .existed = found,
				    .exists = found };
	if (found) {
		text_add_n(&file->before, bytes, len);
		text_add_n(&file->after, bytes, len);
	}
	return file;
}

static int
edit_apply(const json_t *edit, struct edit_set *set, edit_reader *read, void *arg,
	   struct edit_fault *fault)
{
	const struct operation *op = operation_find(json_text(edit, "op"));
	struct edit_file *file =
		file_get(set, json_text(edit, "path"), read, arg, fault);

	if (!file)
		return -1;
	if (op->needs_file && !file->exists)
		return fault_set(fault, "patch.missing",
				 "check the path, or use \"write\" to make the file",
				 "%s in '%s': there is no such file", op->name,
				 file->path);
	if (op->needs_file && file->after.len &&
	    memchr(file->after.s, '\0', file->after.len) && op->apply != apply_delete)
		return fault_set(fault, "patch.binary", "edit text files only",
				 "%s in '%s': the file is not text", op->name,
				 file->path);
	if (op->apply(edit, file, fault) < 0)
		return -1;
	if (file->after.len > EDITS_MAX_BYTES)
		return fault_set(fault, "patch.size", "make a smaller change",
				 "'%s' would have more than %u bytes", file->path,
				 EDITS_MAX_BYTES);
	return 0;
}

int
edits_compute(const json_t *edits, edit_reader *read, void *arg, struct edit_set *ret,
	      struct edit_fault *fault)
{
	AUTO(edit_set) struct edit_set set = EDIT_SET_INIT;
	json_t *edit;
	size_t i;

	if (edits_check(edits, fault) < 0)
		return -1;
	json_array_foreach(edits, i, edit)
		if (edit_apply(edit, &set, read, arg, fault) < 0)
			return -1;
	*ret = set;
	set = (struct edit_set)EDIT_SET_INIT;
	return 0;
}
