/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See resolve.h. A table of kinds: each kind of rule has one function that
 * looks at the service's files and says what can be done. Whoever cannot be
 * certain leaves it to a person, and says why.
 */
#include "plugins/analyze/resolve.h"

#include "plugins/analyze/manifest.h"
#include "plugins/analyze/port.h"
#include "plugins/analyze/work.h"

#define OLD_PENALTY 20 /* for what the log has long left behind */
#define OLD_LINES 80
#define CLASS_VERSION_BASE 44 /* class files of Java N say N + 44 */

/* ---- kinds without a repair -------------------------------------------------- */

static void
port_in_use(struct work *work)
{
	const char *port = work_name(work, "port"), *other;
	const json_t *service;

	if (!*port) {
		work_name_set(work, "port", "it wants");
		work->finding->confidence -= 5; /* other lines say which */
	}
	json_object_foreach ((json_t *)work->site->services, other, service) {
		if (text_equal(other, work->site->service) ||
		    !ports_publish(json_object_get(service, "ports"), port))
			continue;
		work_leave(work, "service '%s' of this project publishes port %s too",
			   other, port);
		return;
	}
	work_leave(work, "who holds it cannot be seen from here (`ss -ltnp` on the "
			 "machine or in "
			 "the container shows it)");
}

static void
wrong_port(struct work *work)
{
	const char *address = work_name(work, "address");
	bool is_loopback = text_starts(address, "127.") ||
			   text_equal(address, "localhost") ||
			   text_equal(address, "::1");
	long port = strtol(work_name(work, "port"), NULL, 10);
	bool is_host = text_equal(json_text(work->site->own, "network_mode"), "host");
	bool is_known, fits = ports_expect(json_object_get(work->site->own, "ports"),
					   work->site->health, port, &is_known);

	if (is_known && !fits) {
		work_name_set(
			work, "why",
			"and neither `ports:` nor a health probe expects it there");
		work_leave(work,
			   "the program and the compose file disagree about the port");
	} else if (is_loopback && is_known && !is_host) {
		work_name_set(work, "why",
			      "which nobody outside the container can reach");
		work_leave(work, "where a program listens is its own setting");
	} else {
		work->finding->is_dropped = true;
	}
}

static void
missing_variable(struct work *work)
{
	work_leave(work, "only its owner knows the value");
}

/* The rule's own words are all there is to say. */
static void
explain(struct work *work)
{
	if (*work->finding->rule->because)
		work->why =
			names_fill(work->finding->names, work->finding->rule->because);
}

static void
class_version(struct work *work)
{
	long needs = strtol(work_name(work, "needs"), NULL, 10) - CLASS_VERSION_BASE;
	long has = strtol(work_name(work, "has"), NULL, 10) - CLASS_VERSION_BASE;
	AUTO_FREE char *needs_text = text_format("%ld", needs);
	AUTO_FREE char *has_text = text_format("%ld", has);

	work_name_set(work, "needs", needs_text);
	work_name_set(work, "has", has_text);
	explain(work);
}

static void
unknown_host(struct work *work)
{
	const char *host = work_name(work, "host"), *other, *near = NULL;
	const json_t *service;

	json_object_foreach ((json_t *)work->site->services, other, service)
		if (is_slip_of(host, other))
			near = other;
	if (json_object_get(work->site->services, host))
		work_leave(work,
			   "service '%s' is of this project: it is not running, or on "
			   "no network that both have",
			   host);
	else if (near)
		work_leave(work,
			   "the project has no service of that name; '%s' may be "
			   "meant",
			   near);
	else
		work_leave(work, "the project has no service of that name");
}

/* The file of the build context that this path of the image may be. Caller owns. */
static char *
context_find(struct work *work, const char *path)
{
	while (*path) {
		while (*path == '/' || text_starts(path, "./"))
			path += *path == '/' ? 1 : 2;
		if (*path && !strstr(path, "..") && work_context_has(work, path))
			return text_copy(path);
		path += strcspn(path, "/");
	}
	return NULL;
}

static void
missing_file(struct work *work)
{
	if (resolve_copy(work, work_name(work, "path"), work_name(work, "asker")))
		return;
	AUTO_FREE char *found = context_find(work, work_name(work, "path"));

	if (found)
		work_leave(work,
			   "the build context has '%s', so no COPY brings it there, or "
			   "the path is another",
			   found);
	else
		work_leave(work, "the build context has no such file either, or it "
				 "cannot be told which");
}

static void
exec_format(struct work *work)
{
	AUTO_FREE char *found = context_find(work, work_name(work, "path"));
	AUTO_TEXT struct text script = { 0 };
	json_t *edit;

	if (found)
		(void)work_context_read(work, found, &script);
	if (script.len == 0 || memchr(script.s, '\0', script.len) ||
	    text_starts(script.s, "#!")) {
		work_leave(work, "the program was made for another kind of processor");
		return;
	}
	AUTO_FREE char *path = work_in_context(work, found);

	work_name_set(work, "script", path);
	edit = splice_edit(&script, path, 0, 0, "#!/bin/sh\n");
	if (edit)
		work_repair(work, edit);
}

static const struct {
	const char *kind;
	void (*resolve)(struct work *work);
} kinds[] = {
	{ "explain", explain },
	{ "port_in_use", port_in_use },
	{ "wrong_port", wrong_port },
	{ "missing_variable", missing_variable },
	{ "class_version", class_version },
	{ "unknown_host", unknown_host },
	{ "missing_file", missing_file },
	{ "exec_format", exec_format },
	{ "missing_module", resolve_missing_module },
	{ "missing_distribution", resolve_missing_distribution },
	{ "version_pin", resolve_version_pin },
	{ "manifest_syntax", resolve_manifest_syntax },
	{ "npm_module", resolve_npm_module },
	{ "composer_class", resolve_composer_class },
	{ "gem", resolve_gem },
	{ "json_syntax", resolve_json_syntax },
	{ "go_version", resolve_go_version },
	{ "missing_library", resolve_missing_library },
	{ "missing_tool", resolve_missing_tool },
	{ "missing_executable", resolve_missing_executable },
	{ "missing_header", resolve_missing_header },
	{ "php_extension", resolve_php_extension },
	{ "not_executable", resolve_not_executable },
	{ "apt_update", resolve_apt_update },
	{ "apt_yes", resolve_apt_yes },
	{ "instruction", resolve_instruction },
	{ "copy_missing", resolve_copy_missing },
	{ "base_image", resolve_base_image },
};

/* ---- what it says ---------------------------------------------------------- */

static void
say(struct work *work)
{
	struct finding *f = work->finding;
	const char *last = strrchr(f->evidence, '\n');
	AUTO_FREE char *fix = names_fill(f->names, f->rule->fix);
	const char *where = work->site->build_log ? "its build's output" : "its log";

	f->title = names_fill(f->names, f->rule->title);
	f->remedy = names_fill(f->names, f->rule->remedy);
	if (f->edits)
		f->diagnosis =
			text_format("%s: `%s` (line %zu of %s); %s", f->title,
				    last ? last + 1 : f->evidence, f->line, where, fix);
	else
		f->diagnosis =
			text_format("%s: `%s` (line %zu of %s); %s", f->title,
				    last ? last + 1 : f->evidence, f->line, where,
				    work->why ? work->why : "the rules know no repair");
}

void
finding_resolve(struct finding *finding, const struct site *site)
{
	AUTO(work)
	struct work work = { .finding = finding, .pack = finding->pack, .site = site };

	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (text_equal(kinds[i].kind, finding->rule->kind))
			kinds[i].resolve(&work);
	if (finding->lines_behind > OLD_LINES)
		finding->confidence -= OLD_PENALTY;
	if (finding->confidence < 1)
		finding->confidence = 1;
	say(&work);
}
