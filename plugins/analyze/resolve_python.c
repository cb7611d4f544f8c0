/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds of rules that a line of Python's requirements file repairs. */
#include "plugins/analyze/local.h"
#include "plugins/analyze/requirement.h"
#include "plugins/analyze/work.h"

#define GUESS_PENALTY 25 /* for a package named like its import, unknown to us */
#define LOCAL_DEPTH 4

/* The package becomes a line of the requirements file. */
void
resolve_add_requirement(struct work *work, const char *package)
{
	struct line line;

	work_name_set(work, "package", package);
	if (!work_load_requirements(work))
		return;
	if (requirements_find(&work->manifest_text, package, &line))
		work_leave(
			work,
			"'%.*s' stands in %s already, so the image is older than the "
			"file or that version lacks it",
			(int)line.len, work->manifest_text.s + line.begin,
			work->manifest);
	else if (requirements_have_hashes(&work->manifest_text))
		work_leave(work, "%s pins by hash, and a hash cannot be guessed",
			   work->manifest);
	else
		work_repair(work, json_pack("{s:s, s:s, s:s}", "op", "add_line", "path",
					    work->manifest, "line", package));
}

/* Where the module is in the build context, or NULL. Caller owns. */
static char *
find_local(const struct work *work, const char *top, int depth)
{
	const char *context = json_text(work->site->own, "context");
	AUTO_FREE char *root = NULL;

	if (!work->site->directory || !*context)
		return NULL;
	root = text_format("%s/%s", work->site->directory, context);
	return local_module(root, top, depth);
}

/* The package of an import that the rules do not know; NULL: a person has to say. */
static const char *
guess_package(struct work *work, const char *module, const char *top)
{
	const char *what = pack_not_package(work->pack, module);
	const char *near = pack_nearest(work->pack, module);

	if (what)
		work_leave(work, "'%s' is %s", module, what);
	else if (near)
		work_leave(work, "no package of that name is known; '%s' may be meant",
			   near);
	else if (!work->site->may_guess)
		work_leave(work, "the rules do not know the package that has it");
	if (work->why)
		return NULL;
	work->finding->confidence -= GUESS_PENALTY;
	return top;
}

void
resolve_missing_module(struct work *work)
{
	const char *module = work_name(work, "module");
	const char *package = pack_package(work->pack, module);
	AUTO_FREE char *top = text_copy_n(module, strcspn(module, "."));
	AUTO_FREE char *local = find_local(work, top, package ? 1 : LOCAL_DEPTH);

	if (local) {
		work_leave(work,
			   "'%s' is a module of the project ('%s' in the build "
			   "context), so "
			   "the image does not copy it or Python does not look there",
			   top, local);
		return;
	}
	if (!package)
		package = guess_package(work, module, top);
	if (package)
		resolve_add_requirement(work, package);
}

void
resolve_missing_distribution(struct work *work)
{
	AUTO_FREE char *package = text_copy(work_name(work, "package"));

	resolve_add_requirement(work, package);
}

/* The requirement's line with another version, or NULL. */
static char *
line_pinned(const char *line, const char *version)
{
	struct requirement r;

	if (!requirement_parse(line, &r) || r.has_hash || r.has_url)
		return NULL;
	return text_format("%.*s==%s%s", (int)r.spec_begin, line, version,
			   line + r.spec_end);
}

void
resolve_version_pin(struct work *work)
{
	AUTO_FREE char *package = requirement_name(work_name(work, "requirement"));
	AUTO_FREE char *newest = version_newest(work_name(work, "versions"));
	const char *via = work_name(work, "via");
	struct line at;

	if (!package) {
		work->finding->is_dropped = true;
		return;
	}
	work_name_set(work, "name", package);
	if (!newest) {
		/* The line with the versions says more about the same requirement. */
		work->finding->confidence -= 5;
		work_leave(work,
			   "pip names no version of '%s' that there is: the name is "
			   "wrong, "
			   "or the package index cannot be reached",
			   package);
		return;
	}
	if (!work_load_requirements(work))
		return;
	if (!requirements_find(&work->manifest_text, package, &at)) {
		work_leave(work, "%s does not ask for '%s'%s%s", work->manifest,
			   package, *via ? "; it is wanted by " : "", via);
		return;
	}
	AUTO_FREE char *line = text_copy_n(work->manifest_text.s + at.begin, at.len);
	AUTO_FREE char *made = line_pinned(line, newest);
	json_t *edit = made ? edit_line(&work->manifest_text, work->manifest, at.begin,
					at.len, made) :
			      NULL;

	work_name_set(work, "line", line);
	work_name_set(work, "new_line", made);
	if (edit)
		work_repair(work, edit);
	else
		work_leave(work, "the line '%s' of %s cannot be changed safely", line,
			   work->manifest);
}

void
resolve_manifest_syntax(struct work *work)
{
	const char *said = *work_name(work, "line") ? work_name(work, "line") :
						      work_name(work, "line2");
	AUTO_FREE char *line = text_copy(said), *made = requirement_repair(line);
	struct line at;
	json_t *edit;

	work_name_set(work, "line", line);
	work_name_set(work, "manifest", "the requirements file");
	if (!work_load_requirements(work))
		return;
	if (line_count(&work->manifest_text, line, &at) != 1) {
		work_leave(work, "that line does not stand exactly once in %s",
			   work->manifest);
		return;
	}
	if (!made) {
		work_leave(work, "what it was meant to say cannot be told for certain");
		return;
	}
	AUTO_FREE char *becomes = text_format("becomes '%s'", made);

	work_name_set(work, "becomes", *made ? becomes : "is removed");
	if (*made)
		edit = edit_line(&work->manifest_text, work->manifest, at.begin, at.len,
				 made);
	else
		edit = json_pack("{s:s, s:s, s:s}", "op", "remove_line", "path",
				 work->manifest, "line", line);
	if (edit)
		work_repair(work, edit);
	else
		work_leave(work, "the line cannot be quoted without doubt");
}
