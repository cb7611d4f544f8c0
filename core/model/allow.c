/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An allow-list is read by people who decide whether they trust it. So a
 * pattern must name something: at least one literal character of a name.
 */
#include "base/base.h"

#include "model/allow.h"

#include "base/path.h"
#include "model/expr.h"

#define MAX_STARS 16u

static int
pattern_err(struct err *err, const char *pattern, const char *why)
{
	err_set(err, "allow.pattern", "pattern '%.80s' %s", pattern, why);
	return err_remedy(err, "use * and ? within a name, ** as a whole component, "
			       "[a-z]");
}

/* `**` alone in its component, every bracket closed, few stars. */
static int
check_glob(const char *pattern, struct err *err)
{
	size_t stars = 0;

	for (const char *p = pattern; *p != 0; p++) {
		if (*p == '[') {
			p = strchr(p + 1 + (p[1] == '!'), ']');
			if (p == NULL)
				return pattern_err(err, pattern,
						   "has a '[' without ']'");
			continue;
		}
		if (*p != '*')
			continue;
		if (++stars > MAX_STARS)
			return pattern_err(err, pattern, "has more than 16 stars");
		if (p[1] == '*' &&
		    !((p == pattern || p[-1] == '/') && (p[2] == 0 || p[2] == '/')))
			return pattern_err(err, pattern, "has '**' inside of a name");
	}
	return 0;
}

static bool
is_git(const char *component, size_t n)
{
	return n == 4 && strncasecmp(component, ".git", 4) == 0;
}

/* Whether any component has a character that stands for itself. */
static bool
names_something(const char *pattern)
{
	for (const char *p = pattern; *p != 0; p++) {
		if (*p == '[') {
			const char *close = strchr(p, ']');

			p = close != NULL ? close : p;
		} else if (strchr("*?/", *p) == NULL) {
			return true;
		}
	}
	return false;
}

int
allow_check(const char *pattern, struct err *err)
{
	if (expr_has(pattern)) {
		err_set(err, "template.position",
			"an allow-list may not hold a reference: '%.80s'", pattern);
		return err_remedy(err, "write the files' names");
	}
	if (path_check(pattern, err) < 0) {
		err_set(err, "allow.path", "%s", err->text);
		return err_remedy(err, "write patterns relative to the folder of "
				       "fettle.yaml, such as api/Dockerfile");
	}
	for (const char *p = pattern; *p != 0; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (is_git(p, n)) {
			err_set(err, "allow.path", "pattern '%.80s' leads into .git",
				pattern);
			return err_remedy(err, "no repair may change a repository's "
					       "own files");
		}
		p += n;
	}
	if (check_glob(pattern, err) < 0)
		return -1;
	if (names_something(pattern))
		return 0;
	err_set(err, "allow.too_wide", "pattern '%.80s' allows every file", pattern);
	return err_remedy(err, "name what may be changed, such as api/Dockerfile or "
			       "api/requirements*.txt");
}
