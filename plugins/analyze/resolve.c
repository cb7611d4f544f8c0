/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See resolve.h. A table of kinds: each kind of rule has one function that
 * looks at the service's files and says what can be done. Whoever cannot be
 * certain leaves it to a person, and says why.
 */
#include "plugins/analyze/resolve.h"

#include <stdio.h>

#include "plugins/analyze/dockerfile.h"
#include "plugins/analyze/local.h"
#include "plugins/analyze/port.h"
#include "plugins/analyze/requirement.h"

#define GUESS_PENALTY 25 /* for a package named like its import, unknown to us */
#define OLD_PENALTY 20	 /* for what the log has long left behind */
#define OLD_LINES 80
#define LOCAL_DEPTH 4

/* One finding being resolved. */
struct work {
	struct finding *finding;
	const struct pack *pack;
	const struct site *site;
	struct dockerfile dockerfile;
	char *manifest; /* path in the project, or NULL */
	struct text manifest_text;
	char *why; /* why a person has to act, or NULL */
};

static void
work_done(struct work *work)
{
	dockerfile_done(&work->dockerfile);
	free(work->manifest);
	text_done(&work->manifest_text);
	free(work->why);
}

static const char *
name(const struct work *work, const char *key)
{
	return names_get(work->finding->names, key);
}

static void
name_set(struct work *work, const char *key, const char *value)
{
	json_object_set_new(work->finding->names, key, json_text_or_null(value));
}

static void
leave(struct work *work, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* This one is for a person, because: the sentence. */
static void
leave(struct work *work, const char *fmt, ...)
{
	va_list ap;

	free(work->why);
	va_start(ap, fmt);
	work->why = text_vformat(fmt, ap);
	va_end(ap);
}

/* Takes the edit (stolen). */
static void
repair(struct work *work, json_t *edit)
{
	work->finding->edits = json_pack("[o]", edit);
}

/* ---- the service's files --------------------------------------------------- */

static char *
in_context(const struct work *work, const char *path)
{
	const char *context = json_text(work->site->own, "context");

	return text_equal(context, ".") ? text_copy(path) :
					  text_format("%s/%s", context, path);
}

static bool
context_has(void *arg, const char *path)
{
	const struct work *work = arg;
	AUTO_FREE char *full = in_context(work, path);
	size_t len;

	return work->site->read(work->site->arg, full, &len) != NULL;
}

/* Reads Dockerfile and requirements file. False, and left to a person, without them. */
static bool
files_load(struct work *work)
{
	const json_t *own = work->site->own;
	const char *path = json_text(own, "dockerfile"), *bytes;
	AUTO_FREE char *manifest = NULL;
	size_t len;

	if (!json_is_true(json_object_get(own, "has_build"))) {
		leave(work,
		      "the service runs a ready image and has no `build:` section");
		return false;
	}
	if (!*path || !*json_text(own, "context")) {
		leave(work, "the service is built from outside the project directory");
		return false;
	}
	bytes = work->site->read(work->site->arg, path, &len);
	if (!bytes) {
		leave(work, "the Dockerfile '%s' cannot be read", path);
		return false;
	}
	dockerfile_parse(bytes, len, &work->dockerfile);
	name_set(work, "dockerfile", path);
	manifest = dockerfile_manifest(&work->dockerfile, context_has, work);
	if (!manifest)
		return true;
	work->manifest = in_context(work, manifest);
	name_set(work, "manifest", work->manifest);
	bytes = work->site->read(work->site->arg, work->manifest, &len);
	if (bytes)
		text_add_n(&work->manifest_text, bytes, len);
	return true;
}

static bool
manifest_load(struct work *work)
{
	if (!files_load(work))
		return false;
	if (!work->manifest)
		leave(work,
		      "'%s' installs from no requirements file in the build context",
		      json_text(work->site->own, "dockerfile"));
	return work->manifest != NULL;
}

/* ---- kinds ----------------------------------------------------------------- */

/* The package becomes a line of the requirements file. */
static void
add_requirement(struct work *work, const char *package)
{
	struct line line;

	name_set(work, "package", package);
	if (!manifest_load(work))
		return;
	if (requirements_find(&work->manifest_text, package, &line))
		leave(work,
		      "'%.*s' stands in %s already, so the image is older than the "
		      "file or that version lacks it",
		      (int)line.len, work->manifest_text.s + line.begin,
		      work->manifest);
	else if (requirements_have_hashes(&work->manifest_text))
		leave(work, "%s pins by hash, and a hash cannot be guessed",
		      work->manifest);
	else
		repair(work, json_pack("{s:s, s:s, s:s}", "op", "add_line", "path",
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
		leave(work, "'%s' is %s", module, what);
	else if (near)
		leave(work, "no package of that name is known; '%s' may be meant",
		      near);
	else if (!work->site->may_guess)
		leave(work, "the rules do not know the package that has it");
	if (work->why)
		return NULL;
	work->finding->confidence -= GUESS_PENALTY;
	return top;
}

static void
missing_module(struct work *work)
{
	const char *module = name(work, "module");
	const char *package = pack_package(work->pack, module);
	AUTO_FREE char *top = text_copy_n(module, strcspn(module, "."));
	AUTO_FREE char *local = find_local(work, top, package ? 1 : LOCAL_DEPTH);

	if (local) {
		leave(work,
		      "'%s' is a module of the project ('%s' in the build context), so "
		      "the image does not copy it or Python does not look there",
		      top, local);
		return;
	}
	if (!package)
		package = guess_package(work, module, top);
	if (package)
		add_requirement(work, package);
}

static void
missing_distribution(struct work *work)
{
	AUTO_FREE char *package = text_copy(name(work, "package"));

	add_requirement(work, package);
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

static void
version_pin(struct work *work)
{
	AUTO_FREE char *package = requirement_name(name(work, "requirement"));
	AUTO_FREE char *newest = version_newest(name(work, "versions"));
	const char *via = name(work, "via");
	struct line at;

	if (!package) {
		work->finding->is_dropped = true;
		return;
	}
	name_set(work, "name", package);
	if (!newest) {
		/* The line with the versions says more about the same requirement. */
		work->finding->confidence -= 5;
		leave(work,
		      "pip names no version of '%s' that there is: the name is wrong, "
		      "or the package index cannot be reached",
		      package);
		return;
	}
	if (!manifest_load(work))
		return;
	if (!requirements_find(&work->manifest_text, package, &at)) {
		leave(work, "%s does not ask for '%s'%s%s", work->manifest, package,
		      *via ? "; it is wanted by " : "", via);
		return;
	}
	AUTO_FREE char *line = text_copy_n(work->manifest_text.s + at.begin, at.len);
	AUTO_FREE char *made = line_pinned(line, newest);
	json_t *edit = made ? edit_line(&work->manifest_text, work->manifest, at.begin,
					at.len, made) :
			      NULL;

	name_set(work, "line", line);
	name_set(work, "new_line", made);
	if (edit)
		repair(work, edit);
	else
		leave(work, "the line '%s' of %s cannot be changed safely", line,
		      work->manifest);
}

static void
missing_library(struct work *work)
{
	const char *library = name(work, "library"), *why = NULL;
	const char *package = pack_library(work->pack, library);
	json_t *edit;

	if (!package) {
		leave(work, "the rules do not know which Debian package has %s",
		      library);
		return;
	}
	name_set(work, "package", package);
	if (!files_load(work))
		return;
	edit = dockerfile_install(&work->dockerfile,
				  json_text(work->site->own, "dockerfile"), package,
				  &why);
	if (edit)
		repair(work, edit);
	else
		leave(work,
		      "Debian has it in %s, but '%s' cannot be changed for it: %s",
		      package, json_text(work->site->own, "dockerfile"), why);
}

static void
manifest_syntax(struct work *work)
{
	const char *said =
		*name(work, "line") ? name(work, "line") : name(work, "line2");
	AUTO_FREE char *line = text_copy(said), *made = requirement_repair(line);
	struct line at;
	json_t *edit;

	name_set(work, "line", line);
	name_set(work, "manifest", "the requirements file");
	if (!manifest_load(work))
		return;
	if (line_count(&work->manifest_text, line, &at) != 1) {
		leave(work, "that line does not stand exactly once in %s",
		      work->manifest);
		return;
	}
	if (!made) {
		leave(work, "what it was meant to say cannot be told for certain");
		return;
	}
	AUTO_FREE char *becomes = text_format("becomes '%s'", made);

	name_set(work, "becomes", *made ? becomes : "is removed");
	if (*made)
		edit = edit_line(&work->manifest_text, work->manifest, at.begin, at.len,
				 made);
	else
		edit = json_pack("{s:s, s:s, s:s}", "op", "remove_line", "path",
				 work->manifest, "line", line);
	if (edit)
		repair(work, edit);
	else
		leave(work, "the line cannot be quoted without doubt");
}

static void
port_in_use(struct work *work)
{
	const char *port = name(work, "port"), *other;
	const json_t *service;

	if (!*port) {
		name_set(work, "port", "it wants");
		work->finding->confidence -= 5; /* other lines say which */
	}
	json_object_foreach((json_t *)work->site->services, other, service) {
		if (text_equal(other, work->site->service) ||
		    !ports_publish(json_object_get(service, "ports"), port))
			continue;
		leave(work, "service '%s' of this project publishes port %s too", other,
		      port);
		return;
	}
	leave(work,
	      "who holds it cannot be seen from here (`ss -ltnp` on the machine or in "
	      "the container shows it)");
}

static void
wrong_port(struct work *work)
{
	const char *address = name(work, "address");
	bool is_loopback = text_starts(address, "127.") ||
			   text_equal(address, "localhost") ||
			   text_equal(address, "::1");
	long port = strtol(name(work, "port"), NULL, 10);
	bool is_host = text_equal(json_text(work->site->own, "network_mode"), "host");
	bool is_known, fits = ports_expect(json_object_get(work->site->own, "ports"),
				       work->site->health, port, &is_known);

	if (is_known && !fits) {
		name_set(work, "why",
			 "and neither `ports:` nor a health probe expects it there");
		leave(work, "the program and the compose file disagree about the port");
	} else if (is_loopback && is_known && !is_host) {
		name_set(work, "why", "which nobody outside the container can reach");
		leave(work, "where a program listens is its own setting");
	} else {
		work->finding->is_dropped = true;
	}
}

static void
missing_variable(struct work *work)
{
	leave(work, "only its owner knows the value");
}

static const struct {
	const char *kind;
	void (*resolve)(struct work *work);
} kinds[] = {
	{ "missing_module", missing_module },
	{ "missing_distribution", missing_distribution },
	{ "version_pin", version_pin },
	{ "missing_library", missing_library },
	{ "manifest_syntax", manifest_syntax },
	{ "port_in_use", port_in_use },
	{ "wrong_port", wrong_port },
	{ "missing_variable", missing_variable },
};

/* ---- what it says ---------------------------------------------------------- */

static void
say(struct work *work)
{
	struct finding *f = work->finding;
	const char *last = strrchr(f->evidence, '\n');
	AUTO_FREE char *fix = names_fill(f->names, f->rule->fix);

	f->title = names_fill(f->names, f->rule->title);
	f->remedy = names_fill(f->names, f->rule->remedy);
	if (f->edits)
		f->diagnosis =
			text_format("%s: `%s` (line %zu of its log); %s", f->title,
				    last ? last + 1 : f->evidence, f->line, fix);
	else
		f->diagnosis =
			text_format("%s: `%s` (line %zu of its log); %s", f->title,
				    last ? last + 1 : f->evidence, f->line,
				    work->why ? work->why : "the rules know no repair");
}

void
finding_resolve(struct finding *finding, const struct pack *pack,
		const struct site *site)
{
	AUTO(work)
	struct work work = { .finding = finding, .pack = pack, .site = site };

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (text_equal(kinds[i].kind, finding->rule->kind))
			kinds[i].resolve(&work);
	if (finding->lines_behind > OLD_LINES)
		finding->confidence -= OLD_PENALTY;
	if (finding->confidence < 1)
		finding->confidence = 1;
	say(&work);
}
