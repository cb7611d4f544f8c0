/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See protected.h. */
#include "policies/protected.h"

#include <string.h>
#include <strings.h>

#include "plugins/common/glob.h"

#define NAME_SIZE 16 /* enough to tell the names below from longer ones */

/* The length of a character at s that does not show, or 0. */
static size_t
invisible_length(const char *s)
{
	const unsigned char *c = (const unsigned char *)s;

	/* U+200B..200F, 202A..202E, 2060..206F; U+FEFF */
	if (c[0] == 0xe2 && c[1] == 0x80 &&
	    ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xaa && c[2] <= 0xae)))
		return 3;
	if (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xaf)
		return 3;
	return c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf ? 3 : 0;
}

/* A component as a forgiving file system reads it, cut behind the longest name here. */
static void
component_fold(const char *s, size_t len, char ret[NAME_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < NAME_SIZE - 1;) {
		size_t skip = invisible_length(s + i);

		if (!skip)
			ret[n++] = s[i];
		i += skip ? skip : 1;
	}
	while (n < NAME_SIZE - 1 && n > 0 && (ret[n - 1] == '.' || ret[n - 1] == ' '))
		n--;
	ret[n] = '\0';
}

/* True when a component of the path, folded, is one of the names (NULL-terminated). */
static bool
has_component(const char *path, const char *const *names)
{
	char folded[NAME_SIZE];

	for (;;) {
		size_t len = strcspn(path, "/");

		component_fold(path, len, folded);
		for (size_t i = 0; names[i]; i++)
			if (strcasecmp(folded, names[i]) == 0)
				return true;
		if (!path[len])
			return false;
		path += len + 1;
	}
}

bool
path_is_git(const char *path)
{
	static const char *const names[] = { ".git", "git~1", NULL };

	return has_component(path, names);
}

bool
path_is_fettle(const char *path)
{
	static const char *const names[] = { ".fettle", "fettle.yaml", "fettle.yml",
					     NULL };

	return has_component(path, names);
}

bool
path_is_compose(const char *path)
{
	static const char *const patterns[] = {
		"compose*.yaml",
		"compose*.yml",
		"docker-compose*.yaml",
		"docker-compose*.yml",
	};
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (glob_matches(patterns[i], slash ? slash + 1 : path))
			return true;
	return false;
}
