/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file of the build context that no COPY brings into the image: one line is
 * added behind the COPY that brought the file which asks for it.
 */
#include "plugins/analyze/work.h"

/* Where a COPY of the Dockerfile puts what. */
struct copied {
	size_t instruction;
	char *from;		/* directory of the build context, "" for itself */
	char *to;		/* where that lies in the image, absolute */
};

static void
copied_done(struct copied *copied)
{
	free(copied->from);
	free(copied->to);
}

/* `path` without its last component: "" for `name`, `/` for `/name`. Caller owns. */
static char *
directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == path)
		return text_copy("/");
	return slash ? text_copy_n(path, (size_t)(slash - path)) : text_copy("");
}

/* Joined, without `./` in the front and slashes at the end. Caller owns. */
static char *
join(const char *directory, const char *path)
{
	while (text_starts(path, "./"))
		path += 2;
	if (strcmp(path, ".") == 0)
		path = "";
	AUTO_FREE char *joined =
		*path == '/' ? text_copy(path) :
		!*directory  ? text_copy(path) :
			       text_format("%s%s%s", directory,
					   strcmp(directory, "/") ? "/" : "", path);
	size_t len = strlen(joined);

	while (len > 1 && joined[len - 1] == '/')
		len--;
	return text_copy_n(joined, len);
}

static void
split(const char *arguments, struct argv *ret)
{
	for (const char *at = arguments + strspn(arguments, " \t"); *at;) {
		size_t len = strcspn(at, " \t");
		AUTO_FREE char *word = text_copy_n(at, len);

		argv_add(ret, word);
		at += len + strspn(at + len, " \t");
	}
}

/*
 * Does this source bring the file `wanted` of the image? Of a directory all is
 * copied: what is missing then is missing for another reason.
 */
static bool
brings(const char *source, const char *dest, bool is_directory, const char *wanted)
{
	const char *slash = strrchr(source, '/');
	AUTO_FREE char *there = is_directory ? join(dest, slash ? slash + 1 : source) :
					       text_copy(dest);

	return strcmp(there, wanted) == 0;
}

/* The COPY of the last stage that brought the file; false when none is sure to. */
static bool
find_copy(const struct work *work, const char *wanted, struct copied *ret)
{
	const struct dockerfile *file = &work->dockerfile;
	AUTO_FREE char *directory = text_copy("/");

	for (size_t i = dockerfile_last_from(file); i < file->count; i++) {
		const struct instruction *in = &file->v[i];
		AUTO_ARGV struct argv words = { 0 };

		split(in->arguments, &words);
		if (text_equal(in->keyword, "WORKDIR") && words.count == 1) {
			char *next = join(directory, words.v[0]);
			free(directory);
			directory = next;
		}
		if (!text_equal(in->keyword, "COPY") || words.count < 2 ||
		    strstr(in->arguments, "--") || strpbrk(in->arguments, "[$*?\""))
			continue;
		const char *last = words.v[words.count - 1];
		bool is_directory = words.count > 2 || text_equal(last, ".") ||
				    last[strlen(last) - 1] == '/';
		AUTO_FREE char *dest = join(directory, last);
		for (size_t k = 0; k + 1 < words.count; k++) {
			AUTO_FREE char *source = join("", words.v[k]);
			if (!brings(source, dest, is_directory, wanted))
				continue;
			ret->instruction = i;
			ret->from = directory_of(source);
			ret->to = directory_of(wanted);
			return true;
		}
	}
	return false;
}

/* The file that Node means by the path: itself, or with what it adds. Caller owns. */
static char *
module_file(struct work *work, const char *path)
{
	static const char *const more[] = { "",	     ".js",	  ".cjs",
					    ".json", "/index.js", "/index.json" };

	for (size_t i = 0; i < COUNT_OF(more); i++) {
		AUTO_FREE char *file = text_format("%s%s", path, more[i]);
		if (work_context_has(work, file))
			return text_copy(file);
	}
	return NULL;
}

/* Does a COPY of the last stage name it already? Then the image is older. */
static bool
is_copied(const struct dockerfile *file, const char *source)
{
	for (size_t i = dockerfile_last_from(file); i < file->count; i++) {
		AUTO_ARGV struct argv words = { 0 };

		if (!text_equal(file->v[i].keyword, "COPY"))
			continue;
		split(file->v[i].arguments, &words);
		for (size_t k = 0; k < words.count; k++) {
			AUTO_FREE char *word = join("", words.v[k]);
			if (strcmp(word, source) == 0)
				return true;
		}
	}
	return false;
}

/* Does .dockerignore say anything about it? */
static bool
may_be_ignored(struct work *work, const char *name)
{
	AUTO_TEXT struct text ignored = { 0 };

	return work_context_read(work, ".dockerignore", &ignored) &&
	       (strstr(text_get(&ignored), name) || strchr(text_get(&ignored), '*'));
}

bool
resolve_copy(struct work *work, const char *path, const char *asker)
{
	struct copied copied = { 0 };
	const char *why = NULL;
	json_t *edit = NULL;

	if (!text_starts(path, "./") || strstr(path, "..") || !work_load(work))
		return false;
	if (find_copy(work, asker, &copied)) {
		AUTO_FREE char *wanted = join(copied.from, path);
		AUTO_FREE char *found = module_file(work, wanted);
		AUTO_FREE char *name = text_copy_n(path + 2, strcspn(path + 2, "/"));
		AUTO_FREE char *top = join(copied.from, name);
		bool is_below = strchr(path + 2, '/') != NULL;
		const char *source = is_below ? top : found;
		AUTO_FREE char *line = text_format(
			"COPY %s %s%s%s%s", source ? source : "", copied.to,
			strcmp(copied.to, "/") ? "/" : "", is_below ? name : "",
			is_below ? "/" : "");

		if (found && !may_be_ignored(work, name) &&
		    !is_copied(&work->dockerfile, source))
			edit = dockerfile_add(&work->dockerfile, work_dockerfile(work),
					      copied.instruction, line, &why);
		if (edit)
			work_name_set(work, "line", line);
	}
	copied_done(&copied);
	if (edit)
		work_repair(work, edit);
	return edit != NULL;
}
