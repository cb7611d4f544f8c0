/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Dependency manifests: from where packages come, what runs when they are
 * installed, and which are new.
 */
#include <string.h>
#include <strings.h>

#include "policies/content.h"

#define ELSEWHERE "packages would come from another place"

/* ---- manifests that are read by line ---- */

static const struct rule pip_lines[] = {
	{ "^(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host|"
	  "--no-index|--pre|--config-settings?|--global-option|--no-binary)([ =]|$)",
	  LEVEL_DENY, "content.index", ELSEWHERE },
	{ "^(-e|--editable)|^(git|hg|svn|bzr)\\+|^(https?|file|ftp):|"
	  "@ *(file|https?|git\\+|hg\\+|svn\\+|ssh)|^\\.{0,2}/",
	  LEVEL_DENY, "content.index", "a package would come from another place" },
	{ "^(-r|-c|--requirement|--constraint)[ =]*([^ ]*\\.\\.|/|[a-z]+:)", LEVEL_DENY,
	  "content.index", "a list from outside of the project" },
	{ "^(-r|-c|--requirement|--constraint)[ =]*[A-Za-z0-9]", LEVEL_HOLD,
	  "content.include", "another list is read" },
};

static const struct rule gem_lines[] = {
	{ "^source ", LEVEL_DENY, "content.index", ELSEWHERE },
	{ "(git|github|gist|bitbucket|path|source)(:| *=>)", LEVEL_DENY,
	  "content.index", "a package would come from another place" },
	{ "^(eval|eval_gemfile|instance_eval|require|system|`|plugin)", LEVEL_DENY,
	  "content.script", "a program in the manifest" },
};

static const struct rule go_lines[] = {
	{ "=>|^replace", LEVEL_DENY, "content.index",
	  "a module would come from another place" },
	{ "^(toolchain|exclude|retract)", LEVEL_HOLD, "content.dependency",
	  "another choice of versions" },
};

static const struct rule table_lines[] = {
	{ "^\\[\\[?(tool\\.[a-z]+\\.)?source|(index|repository|find_links|url|git|path)"
	  " *=|"
	  "(index_url|extra_index_url|index-url|extra-index-url|find-links)",
	  LEVEL_DENY, "content.index", ELSEWHERE },
	{ "build-backend|backend-path|\\[build-system\\]|cmdclass|setup_requires|"
	  "\\[scripts\\]|entry_points",
	  LEVEL_HOLD, "content.script", "a program that runs when it is installed" },
};

/*
 * How a line names a package: a pattern for the whole line, and what comes before
 * the name.
 */
struct lines {
	const struct rule *rules;
	size_t count;
	const char *is_package; /* NULL: no line does */
	const char *skip;	/* characters in front of the name */
	const char *prefix;	/* a word in front of it, or "" */
};

static const struct lines pip = { pip_lines, COUNT_OF(pip_lines), "^[A-Za-z0-9]", " ",
				  "" };
static const struct lines gem = { gem_lines, COUNT_OF(gem_lines), "^gem +[\"']", " \"'",
				  "gem" };
static const struct lines go = { go_lines, COUNT_OF(go_lines),
				 "^(require +)?[a-z0-9.-]+\\.[a-z]+/[^ ]+ +v[0-9]", " ",
				 "require" };
static const struct lines table = { table_lines, COUNT_OF(table_lines),
				    "^[\"']?[A-Za-z0-9._-]+[\"']? *= *[\"'{]", " \"'",
				    "" };

/* The package's name as the index compares it. Caller owns. */
static char *
package_name(const struct lines *lines, const char *line)
{
	size_t prefix = strlen(lines->prefix);

	if (prefix > 0 && strncmp(line, lines->prefix, prefix) == 0 &&
	    strchr(" \t", line[prefix]))
		line += prefix;
	line += strspn(line, lines->skip);
	char *name = text_copy_n(line, strcspn(line, " \t\"'=<>!~;[(@,#"));
	for (char *c = name; *c; c++)
		*c = *c == '_' || *c == '.'   ? '-' :
		     (*c >= 'A' && *c <= 'Z') ? *c + 32 :
						*c;
	return name;
}

/* What is read line by line: its kind, and the packages that were there. */
struct reading {
	const struct lines *lines;
	json_t *known;
};

static void
remember(struct review *review, const char *line, void *more)
{
	struct reading *reading = more;

	(void)review;
	if (!line_matches(line, reading->lines->is_package))
		return;
	AUTO_FREE char *name = package_name(reading->lines, line);
	json_object_set_new_nocheck(reading->known, name, json_true());
}

static void
added(struct review *review, const char *line, void *more)
{
	struct reading *reading = more;
	enum level before = review->level;

	if (*line == '#')
		return;
	review->level = LEVEL_ALLOW;
	review_match(review, reading->lines->rules, reading->lines->count, line);
	bool is_told = review->level != LEVEL_ALLOW;
	if (before > review->level)
		review->level = before;
	if (is_told || !line_matches(line, reading->lines->is_package))
		return;
	AUTO_FREE char *name = package_name(reading->lines, line);
	if (!json_object_get(reading->known, name))
		review_add(review, review->new_dependency, "content.dependency",
			   "a new dependency", line);
}

static void
by_line(struct review *review, const struct lines *lines, const char *before,
	const char *after)
{
	AUTO_JSON json_t *known = json_object();
	struct reading reading = { lines, known };

	each_new_line(NULL, before, true, review, remember, &reading);
	each_new_line(before, after, true, review, added, &reading);
}

/* ---- package.json, composer.json ---- */

static bool
is_dependency_table(const char *key)
{
	return line_matches(key, "^((dev|peer|optional|bundled?)?dependencies|require|"
				 "require-dev)$");
}

/* From the registry by a version, and not from somewhere by an address. */
static bool
is_version(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && !line_matches(text, "[:/]");
}

static void
compare_dependencies(struct review *review, const json_t *old, json_t *now)
{
	const char *name;
	json_t *value;

	json_object_foreach(now, name, value) {
		if (json_equal(value, json_object_get(old, name)))
			continue;
		AUTO_FREE char *line = text_format(
			"%s %s", name,
			json_string_value(value) ? json_string_value(value) : "");
		if (!is_version(value))
			review_add(review, LEVEL_DENY, "content.index",
				   "a package would come from another place", line);
		else if (!json_object_get(old, name))
			review_add(review, review->new_dependency, "content.dependency",
				   "a new dependency", line);
	}
}

static void
compare_scripts(struct review *review, const json_t *old, json_t *now)
{
	const char *name;
	json_t *value;

	json_object_foreach(now, name, value) {
		if (json_equal(value, json_object_get(old, name)))
			continue;
		bool runs_itself = line_matches(
			name, "^(pre|post)|^(install|prepare|prepublish|prepack|"
			      "dependencies)$");
		review_add(review, runs_itself ? LEVEL_DENY : LEVEL_HOLD,
			   "content.script",
			   runs_itself ? "a program that runs when it is installed" :
					 "another program",
			   name);
	}
}

static void
compare_member(struct review *review, const char *key, const json_t *old, json_t *now)
{
	if (json_equal(old, now))
		return;
	if (is_dependency_table(key))
		compare_dependencies(review, old, now);
	else if (text_equal(key, "scripts"))
		compare_scripts(review, old, now);
	else if (line_matches(key,
			      "^(repositories|publishConfig|config|minimum-stability|"
			      "bin|gypfile|workspaces|packageManager)$"))
		review_add(review, LEVEL_DENY, "content.index", ELSEWHERE, key);
	else if (line_matches(key, "^(overrides|resolutions|pnpm|engines|main|exports|"
				   "imports|type|autoload)$"))
		review_add(review, LEVEL_HOLD, "content.dependency",
			   "another choice of what is loaded", key);
}

static void
by_member(struct review *review, const char *before, const char *after)
{
	AUTO_JSON json_t *old = before ? json_of(before) : json_object();
	AUTO_JSON json_t *now = after ? json_of(after) : json_object();
	const char *key;
	json_t *value;

	if (!json_is_object(now)) {
		review_add(review, LEVEL_DENY, "content.syntax",
			   "it is no JSON object any more", NULL);
		return;
	}
	/* One that could not be read before says nothing of what was there. */
	json_object_foreach(now, key, value)
		compare_member(review, key, json_object_get(old, key), value);
}

/* ---- which is which ---- */

static bool
is_named(const char *path, const char *pattern)
{
	const char *slash = strrchr(path, '/');

	return line_matches(slash ? slash + 1 : path, pattern);
}

bool
content_manifest(struct review *review, const char *before, const char *after)
{
	const char *path = review->path;

	if (is_named(path, "^(requirements|constraints).*\\.(txt|in)$"))
		by_line(review, &pip, before, after);
	else if (is_named(path, "^(Gemfile|gems\\.rb|[^/]*\\.gemspec)$"))
		by_line(review, &gem, before, after);
	else if (is_named(path, "^go\\.(mod|work)$"))
		by_line(review, &go, before, after);
	else if (is_named(path,
			  "^(Pipfile|pyproject\\.toml|setup\\.cfg|Cargo\\.toml)$"))
		by_line(review, &table, before, after);
	else if (is_named(path, "^(package|composer)\\.json$"))
		by_member(review, before, after);
	else if (is_named(path,
			  "^(setup\\.py|build\\.gradle(\\.kts)?|pom\\.xml|Rakefile)$"))
		review_add(review, LEVEL_HOLD, "content.script",
			   "a program that runs when it is installed", NULL);
	else if (is_named(path,
			  "^\\.?(npmrc|yarnrc(\\.yml)?|pnpmrc|pypirc|netrc|gemrc)$|"
			  "^pip\\.(conf|ini)$|^auth\\.json$|^bunfig\\.toml$"))
		review_add(review, LEVEL_DENY, "content.index", ELSEWHERE, NULL);
	else
		return false;
	return true;
}
