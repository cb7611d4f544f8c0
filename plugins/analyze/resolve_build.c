/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds of rules about names that only a build looks up: what COPY brings, and
 * the image it begins with. A slip is corrected when just one thing that there
 * is can have been meant.
 */
#include "plugins/analyze/manifest.h"
#include "plugins/analyze/work.h"

#include <ctype.h>

#include "plugins/common/image.h"

static bool
is_blank(char c)
{
	return isspace((unsigned char)c) || c == '\0';
}

/* Where the word stands in the instruction as it is written; NULL: not just once. */
static const char *
find_word(const struct dockerfile *file, const struct instruction *in, const char *word)
{
	const char *begin = text_get(&file->text) + in->begin, *found = NULL;
	const char *end = text_get(&file->text) + in->end, *at = begin;
	size_t len = strlen(word);

	while ((at = strstr(at, word)) && at < end) {
		if (at > begin && is_blank(at[-1]) && is_blank(at[len])) {
			if (found)
				return NULL;
			found = at;
		}
		at += len;
	}
	return found;
}

/* The word of the one instruction of that kind becomes another. */
static void
correct(struct work *work, const char *keywords, const char *word, const char *meant)
{
	const struct dockerfile *file = &work->dockerfile;
	const char *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < file->count; i++) {
		const char *at = strstr(keywords, file->v[i].keyword) ?
					 find_word(file, &file->v[i], word) :
					 NULL;

		if (at)
			found = at;
		count += at != NULL;
	}
	json_t *edit = count == 1 ? splice_edit(&file->text, work_dockerfile(work),
						(size_t)(found - file->text.s),
						strlen(word), meant) :
				    NULL;

	if (edit)
		work_repair(work, edit);
	else
		work_leave(work,
			   "'%s' may be meant, but the one line of '%s' that says "
			   "'%s' cannot be told",
			   meant, work_dockerfile(work), word);
}

/* ---- COPY ---------------------------------------------------------------------- */

/* The one path of the build context that this one looks like a slip of, or NULL. */
static char *
path_meant(struct work *work, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	AUTO_FREE char *parent = text_copy_n(path, (size_t)(name - path));
	AUTO_FREE char *directory = work_in_context(work, *parent ? parent : ".");
	AUTO_ARGV struct argv names = { 0 };
	const char *meant = NULL;

	if (strstr(path, "..") || *path == '/' || !work->site->list)
		return NULL;
	work->site->list(work->site->arg, directory, &names);
	for (size_t i = 0; i < names.count; i++) {
		if (names.v[i][0] == '.' || !is_slip_of(name, names.v[i]))
			continue;
		if (meant)
			return NULL;
		meant = names.v[i];
	}
	return meant ? text_format("%s%s", parent, meant) : NULL;
}

void
resolve_copy_missing(struct work *work)
{
	const char *path = work_name(work, "path");

	while (*path == '/' || text_starts(path, "./"))
		path += *path == '/' ? 1 : 2;
	AUTO_FREE char *asked = text_copy(path);
	AUTO_FREE char *meant = NULL;

	if (!*asked || !work_load(work))
		return;
	if (work_context_has(work, asked)) {
		work_leave(work,
			   "the build context has '%s': .dockerignore keeps it out",
			   asked);
		return;
	}
	meant = path_meant(work, asked);
	if (!meant) {
		work_leave(work, "the build context has no such file, and which was "
				 "meant cannot be told");
		return;
	}
	work_name_set(work, "meant", meant);
	correct(work, "COPY ADD", asked, meant);
}

/* ---- FROM ---------------------------------------------------------------------- */

/* `a/b:tag` is of repository `a/b`, and is itself. */
static bool
is_named(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 &&
	       (word[len] == '\0' || word[len] == ':');
}

/* The image as a FROM line of the Dockerfile names it, or NULL. Caller owns. */
static char *
from_word(const struct dockerfile *file, const char *image)
{
	for (size_t i = 0; i < file->count; i++) {
		const char *at = file->v[i].arguments;

		if (!text_equal(file->v[i].keyword, "FROM"))
			continue;
		while (text_starts(at, "--")) {
			at += strcspn(at, " \t");
			at += strspn(at, " \t");
		}
		AUTO_FREE char *word = text_copy_n(at, strcspn(at, " \t"));

		if (is_named(word, image))
			return STEAL(word);
	}
	return NULL;
}

/* Same tag, and a repository that looks like a slip of the local one. */
static bool
is_slip_of_image(const char *image, const char *local)
{
	AUTO_FREE char *repository = NULL, *tag = NULL;
	AUTO_FREE char *local_repository = NULL, *local_tag = NULL;

	image_split(image, &repository, &tag);
	image_split(local, &local_repository, &local_tag);
	return text_equal(tag, local_tag) && is_slip_of(repository, local_repository);
}

/* The one image of the engine that this name looks like a slip of, or NULL. */
static const char *
image_meant(const struct work *work, const char *image)
{
	const json_t *one, *name;
	const char *meant = NULL;
	size_t i, k;

	json_array_foreach (work->site->images, i, one)
		json_array_foreach (json_object_get(one, "RepoTags"), k, name) {
			const char *local = json_string_value(name);

			if (!local || !is_slip_of_image(image, local))
				continue;
			if (meant)
				return NULL;
			meant = local;
		}
	return meant;
}

void
resolve_base_image(struct work *work)
{
	AUTO_FREE char *image = text_copy(work_name(work, "image"));
	AUTO_FREE char *word = NULL;
	const char *meant;

	if (!work_load(work))
		return;
	word = from_word(&work->dockerfile, image);
	meant = word ? image_meant(work, word) : NULL;
	if (!meant) {
		work_leave(work, "which one was meant cannot be told for certain");
		return;
	}
	work_name_set(work, "meant", meant);
	correct(work, "FROM", word, meant);
}
