/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See local.h. */
#include "plugins/analyze/local.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 20000 /* of the whole search */

struct search {
	char *file_name; /* `name.py` */
	const char *name;
	size_t entries;
};

static bool
is_foreign(const char *directory)
{
	static const char *const names[] = { "node_modules",  "site-packages",
					     "dist-packages", "venv",
					     "env",	      "__pycache__",
					     "build",	      "dist" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_equal(names[i], directory))
			return true;
	return directory[0] == '.';
}

static bool
has_suffix(const char *s, const char *suffix)
{
	size_t a = strlen(s), b = strlen(suffix);

	return a >= b && text_equal(s + a - b, suffix);
}

/* The names in a directory, or none when it cannot be read. */
static void
list_directory(int parent, const char *name, int *ret_fd, struct argv *ret)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!text_equal(entry->d_name, ".") && !text_equal(entry->d_name, ".."))
			argv_add(ret, entry->d_name);
	if (dir)
		(void)closedir(dir);
	*ret_fd = fd;
}

/* A directory is a package when Python source lies in it. */
static bool
is_package(int parent, const char *name)
{
	AUTO_ARGV struct argv names = { 0 };
	AUTO_CLOSE int fd = -1;

	list_directory(parent, name, &fd, &names);
	for (size_t i = 0; i < names.count; i++)
		if (has_suffix(names.v[i], ".py"))
			return true;
	return false;
}

static bool
is_directory(int parent, const char *name)
{
	struct stat st;

	return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static char *
search_below(struct search *search, int parent, const char *directory, int depth)
{
	AUTO_ARGV struct argv names = { 0 };
	AUTO_CLOSE int fd = -1;

	list_directory(parent, directory, &fd, &names);
	search->entries += names.count;
	for (size_t i = 0; i < names.count; i++) {
		if (text_equal(names.v[i], search->file_name))
			return text_copy(names.v[i]);
		if (text_equal(names.v[i], search->name) && is_package(fd, names.v[i]))
			return text_format("%s/", names.v[i]);
	}
	for (size_t i = 0;
	     depth > 0 && i < names.count && search->entries < ENTRIES_MAX; i++) {
		if (is_foreign(names.v[i]) || !is_directory(fd, names.v[i]))
			continue;
		AUTO_FREE char *found = search_below(search, fd, names.v[i], depth - 1);

		if (found)
			return text_format("%s/%s", names.v[i], found);
	}
	return NULL;
}

char *
local_module(const char *root, const char *name, int depth)
{
	AUTO_FREE char *file_name = text_format("%s.py", name);
	struct search search = { file_name, name, 0 };

	return search_below(&search, AT_FDCWD, root, depth);
}
