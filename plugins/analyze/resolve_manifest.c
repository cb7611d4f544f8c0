/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kinds of rules that a manifest repairs: package.json, composer.json, Gemfile,
 * go.mod. A lock file that the build holds on to cannot be made by guessing.
 */
#include <ctype.h>

#include "plugins/analyze/manifest.h"
#include "plugins/analyze/work.h"
#include "plugins/common/lines.h"

/* Does a RUN of the Dockerfile say this? */
static bool
build_says(const struct work *work, const char *part)
{
	for (size_t i = 0; i < work->dockerfile.count; i++)
		if (text_equal(work->dockerfile.v[i].keyword, "RUN") &&
		    strstr(work->dockerfile.v[i].arguments, part))
			return true;
	return false;
}

static void
add_member(struct work *work, const char *section, const char *package)
{
	const char *why;
	json_t *edit = manifest_add(&work->manifest_text, work->manifest, section,
				    package, "*", &why);

	if (edit)
		work_repair(work, edit);
	else
		work_leave(work, "%s cannot be changed for it: %s", work->manifest,
			   why);
}

/* `@scope/name/file` is package `@scope/name`. Caller owns. */
static char *
npm_package(const char *module)
{
	size_t len = strcspn(module, "/");

	if (*module == '@' && module[len] == '/')
		len += 1 + strcspn(module + len + 1, "/");
	return text_copy_n(module, len);
}

static bool
is_npm_name(const char *name)
{
	const char *slash = strchr(name, '/');

	if (*name == '@' && (!slash || slash == name + 1 || !slash[1]))
		return false;
	name += *name == '@';
	return isalnum((unsigned char)*name) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._/") == strlen(name);
}

/* The lock file that `npm ci` and the like hold on to, or NULL. */
static const char *
npm_lock(struct work *work)
{
	static const char *const locks[] = { "package-lock.json", "npm-shrinkwrap.json",
					     "yarn.lock", "pnpm-lock.yaml" };

	if (build_says(work, "npm install") || build_says(work, "npm i "))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(locks); i++)
		if (work_context_has(work, locks[i]))
			return locks[i];
	return build_says(work, "npm ci") ? "a lock file" : NULL;
}

void
resolve_npm_module(struct work *work)
{
	AUTO_FREE char *package = npm_package(work_name(work, "module"));
	const char *what = pack_not_package(work->pack, package);
	const char *near = pack_nearest(work->pack, package), *lock;
	bool is_known = pack_package(work->pack, package) != NULL;

	work_name_set(work, "package", package);
	if (what)
		work_leave(work, "'%s' is %s", package, what);
	else if (!is_npm_name(package))
		work_leave(work, "'%s' is no name of a package", package);
	else if (!is_known && near)
		work_leave(work, "no package of that name is known; '%s' may be meant",
			   near);
	else if (!is_known && !work->site->may_guess)
		work_leave(work, "the rules do not know the package");
	if (work->why || !work_load_manifest(work, "package.json"))
		return;
	AUTO_JSON json_t *json = manifest_parse(&work->manifest_text);

	lock = npm_lock(work);
	if (json_object_get(json_object_get(json, "dependencies"), package))
		work_leave(work,
			   "%s lists it already, so the image is older than the file "
			   "or does not install it",
			   work->manifest);
	else if (json_object_get(json_object_get(json, "devDependencies"), package))
		work_leave(work,
			   "%s lists it under devDependencies, which the image leaves "
			   "out",
			   work->manifest);
	else if (lock)
		work_leave(work,
			   "the image is built from %s, and what stands there cannot "
			   "be guessed",
			   lock);
	else
		add_member(work, "dependencies", package);
	if (!is_known)
		work->finding->confidence -= 15;
}

void
resolve_composer_class(struct work *work)
{
	const char *class = work_name(work, "class");
	AUTO_FREE char *dotted = text_copy(class);
	const char *package;

	for (char *p = dotted; *p; p++)
		if (*p == '\\')
			*p = '.';
	package = pack_package(work->pack, dotted);
	work_name_set(work, "package", package);
	if (!package) {
		work_leave(work, "the rules do not know the package that has it; it "
				 "may be a class of the project that is not loaded");
		work->finding->confidence -= 15;
		return;
	}
	if (!work_load_manifest(work, "composer.json"))
		return;
	if (work_context_has(work, "composer.lock") &&
	    !build_says(work, "composer update"))
		work_leave(work, "the image is built from composer.lock, and what "
				 "stands there cannot be guessed");
	else
		add_member(work, "require", package);
}

/* Does the Gemfile ask for the gem? */
static bool
gemfile_has(const struct text *gemfile, const char *gem)
{
	AUTO_FREE char *one = text_format("gem \"%s\"", gem);
	AUTO_FREE char *two = text_format("gem '%s'", gem);

	return strstr(text_get(gemfile), one) || strstr(text_get(gemfile), two);
}

void
resolve_gem(struct work *work)
{
	AUTO_FREE char *feature = text_copy(work_name(work, "feature"));
	const char *gem;

	for (char *p = feature; *p; p++)
		if (*p == '/')
			*p = '.';
	gem = pack_package(work->pack, feature);
	work_name_set(work, "gem", gem);
	if (!gem) {
		work_leave(work, "the rules do not know the gem that has it; it may be "
				 "a file of the project that is not loaded");
		work->finding->confidence -= 15;
		return;
	}
	if (!work_load_manifest(work, "Gemfile"))
		return;
	if (gemfile_has(&work->manifest_text, gem)) {
		work_leave(work,
			   "%s asks for '%s' already, so the image is older than the "
			   "file, or the program is started without `bundle exec`",
			   work->manifest, gem);
		return;
	}
	if (work_context_has(work, "Gemfile.lock")) {
		work_leave(work, "Gemfile.lock pins what the image installs, and "
				 "cannot be guessed");
		return;
	}
	char quote = strstr(text_get(&work->manifest_text), "gem '") ? '\'' : '"';
	AUTO_FREE char *line = text_format("gem %c%s%c", quote, gem, quote);

	work_repair(work, json_pack("{s:s, s:s, s:s}", "op", "add_line", "path",
				    work->manifest, "line", line));
}

void
resolve_json_syntax(struct work *work)
{
	const char *path = work->finding->rule->about;
	json_t *edit;

	if (!work_load_manifest(work, path))
		return;
	AUTO_JSON json_t *json = manifest_parse(&work->manifest_text);

	if (json) {
		work_leave(work, "%s is valid by now: the image is older",
			   work->manifest);
		return;
	}
	edit = manifest_repair(&work->manifest_text, work->manifest);
	if (edit)
		work_repair(work, edit);
	else
		work_leave(work, "what it was meant to say cannot be told for certain");
}

/* `go 1.21.0`, which older tools refuse, becomes `go 1.21`: they say so themselves. */
void
resolve_go_version(struct work *work)
{
	AUTO_FREE char *version = text_copy(work_name(work, "version"));
	AUTO_FREE char *line = text_format("go %s", version);
	const char *dot = strchr(version, '.');
	struct line at;
	json_t *edit;

	if (!work_load_manifest(work, "go.mod"))
		return;
	dot = dot ? strchr(dot + 1, '.') : NULL;
	if (!dot || line_count(&work->manifest_text, line, &at) != 1) {
		work_leave(work, "%s does not say `%s` exactly once", work->manifest,
			   line);
		return;
	}
	AUTO_FREE char *made = text_format("go %.*s", (int)(dot - version), version);

	work_name_set(work, "line", line);
	work_name_set(work, "new_line", made);
	edit = edit_line(&work->manifest_text, work->manifest, at.begin, at.len, made);
	if (edit)
		work_repair(work, edit);
	else
		work_leave(work, "the line cannot be quoted without doubt");
}
