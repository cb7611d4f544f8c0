/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory of the disk as the reader and the writer of a diff's files. */
#ifndef FETTLE_UNIT_DIFF_TREE_H
#define FETTLE_UNIT_DIFF_TREE_H

#include "plugins/patch/hunks.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/common/file.h"

struct tree {
	const char *directory;
	struct text held; /* the file that was read last */
};

static inline int
tree_read(void *arg, const char *path, const char **bytes, size_t *len,
	  const char **why)
{
	struct tree *tree = arg;
	AUTO_FREE char *name = text_format("%s/%s", tree->directory, path);

	text_done(&tree->held);
	if (file_load(name, EDITS_MAX_BYTES, &tree->held) == 0) {
		*bytes = text_get(&tree->held);
		*len = tree->held.len;
		return 1;
	}
	*why = strerror(errno);
	return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

static inline int
tree_write(const char *directory, const char *path, const void *bytes, size_t n)
{
	AUTO_FREE char *name = text_format("%s/%s", directory, path);
	FILE *file;
	size_t written;

	for (char *p = name + strlen(directory) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(name, 0755);
		*p = '/';
	}
	file = fopen(name, "we");
	if (!file)
		return -1;
	written = fwrite(bytes, 1, n, file);
	return fclose(file) != 0 || written != n ? -1 : 0;
}

/* Makes the post-images real. */
static inline int
tree_store(const char *directory, const struct edit_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct edit_file *file = &set->files[i];
		AUTO_FREE char *name = text_format("%s/%s", directory, file->path);

		if (!file->exists && file->existed && unlink(name) < 0)
			return -1;
		if (file->exists &&
		    tree_write(directory, file->path, text_get(&file->after),
			       file->after.len) < 0)
			return -1;
	}
	return 0;
}

#endif
