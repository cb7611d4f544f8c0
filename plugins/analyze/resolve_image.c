/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kinds of rules that a line of the Dockerfile repairs. */
#include "plugins/analyze/buildlog.h"
#include "plugins/analyze/manifest.h"
#include "plugins/analyze/work.h"

/* Takes the edit, or leaves the finding to a person for the reason. */
static void
repair_or_leave(struct work *work, json_t *edit, const char *why)
{
	if (edit)
		work_repair(work, edit);
	else
		work_leave(work, "'%s' cannot be changed for it: %s",
			   work_dockerfile(work), why);
}

/* The image installs the Debian package, in a build before what stopped for it. */
static void
install(struct work *work, const char *package)
{
	const char *why = NULL;
	json_t *edit;

	work_name_set(work, "package", package);
	if (!work_load(work))
		return;
	edit = dockerfile_install(
		&work->dockerfile, work_dockerfile(work), package,
		buildlog_failed(&work->dockerfile, work->site->build_log), &why);
	if (edit)
		work_repair(work, edit);
	else
		work_leave(work,
			   "Debian has it in %s, but '%s' cannot be changed for it: %s",
			   package, work_dockerfile(work), why);
}

void
resolve_missing_library(struct work *work)
{
	const char *library = work_name(work, "library");
	const char *package = pack_lookup(work->pack, "libraries", library);

	if (package)
		install(work, package);
	else
		work_leave(work, "the rules do not know which Debian package has %s",
			   library);
}

void
resolve_missing_tool(struct work *work)
{
	const char *tool = work_name(work, "tool");
	const char *package = pack_lookup(work->pack, "tools", tool);

	if (package)
		install(work, package);
	else
		work_leave(work, "the rules do not know which package has '%s'", tool);
}

/* What the container was to start: a program of a Python package, or of Debian. */
void
resolve_missing_executable(struct work *work)
{
	const char *tool = work_name(work, "tool");
	const char *package = pack_lookup(work->pack, "python_programs", tool);

	if (!package) {
		resolve_missing_tool(work);
		return;
	}
	AUTO_FREE char *requirement = text_copy(package);

	resolve_add_requirement(work, requirement);
}

/*
 * Why a package cannot be installed for sure before all that the build does, or
 * NULL: in one stage, and its first RUN installs with apt or none does.
 */
static const char *
not_before_all(const struct dockerfile *file)
{
	bool is_first = true;
	size_t stages = 0;

	for (size_t i = 0; i < file->count; i++) {
		bool is_run = text_equal(file->v[i].keyword, "RUN");

		stages += text_equal(file->v[i].keyword, "FROM");
		if (is_run && !is_first && strstr(file->v[i].arguments, "apt-get"))
			return "which of its RUN lines comes first enough cannot be "
			       "told";
		is_first &= !is_run;
	}
	return stages == 1 ? NULL : "it has several stages";
}

void
resolve_missing_header(struct work *work)
{
	const char *header = work_name(work, "header");
	const char *package = pack_lookup(work->pack, "headers", header), *why;

	if (!package) {
		work_leave(work, "the rules do not know which Debian package has it");
		return;
	}
	work_name_set(work, "package", package);
	if (!work_load(work))
		return;
	why = not_before_all(&work->dockerfile);
	if (why && buildlog_failed(&work->dockerfile, work->site->build_log) ==
			   work->dockerfile.count)
		repair_or_leave(work, NULL, why);
	else
		install(work, package);
}

/* ---- PHP's extensions ---------------------------------------------------------- */

void
resolve_php_extension(struct work *work)
{
	const char *said = work_name(work, "extension");
	const char *extension = pack_lookup(work->pack, "extensions", said);
	const char *why = NULL;
	size_t from;

	if (!extension) {
		work_leave(work, "it needs more than `docker-php-ext-install`: "
				 "libraries, or PECL");
		return;
	}
	work_name_set(work, "extension", extension);
	if (!work_load(work))
		return;
	from = dockerfile_last_from(&work->dockerfile);
	if (from == work->dockerfile.count ||
	    !text_starts(work->dockerfile.v[from].arguments, "php:"))
		why = "its last stage is not from an official `php:` image";
	for (size_t i = 0; i < work->dockerfile.count && !why; i++)
		if (text_equal(work->dockerfile.v[i].keyword, "RUN") &&
		    strstr(work->dockerfile.v[i].arguments, "docker-php-ext-install") &&
		    strstr(work->dockerfile.v[i].arguments, extension))
			why = "it installs the extension already: the image is older";
	AUTO_FREE char *run = text_format("RUN docker-php-ext-install %s", extension);

	repair_or_leave(work,
			why ? NULL :
			      dockerfile_add(&work->dockerfile, work_dockerfile(work),
					     from, run, &why),
			why);
}

/* ---- a file without its bit ----------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Does this COPY or ADD bring a file of that name from the build context? */
static bool
copies(const struct instruction *in, const char *wanted)
{
	const char *at = in->arguments;
	size_t len;

	if ((!text_equal(in->keyword, "COPY") && !text_equal(in->keyword, "ADD")) ||
	    strstr(at, "--from") || strstr(at, "--chmod") || strchr(at, '['))
		return false;
	for (at += strspn(at, " \t"); *at; at += len + strspn(at + len, " \t")) {
		len = strcspn(at, " \t");
		AUTO_FREE char *word = text_copy_n(at, len);
		bool is_last = at[len + strspn(at + len, " \t")] == '\0';

		if (!is_last && text_equal(base_name(word), wanted))
			return true;
	}
	return false;
}

void
resolve_not_executable(struct work *work)
{
	AUTO_FREE char *path = text_copy(work_name(work, "path"));
	AUTO_FREE char *run = text_format("RUN chmod +x %s", path);
	const char *why = "none of its COPY lines names the file";
	const struct dockerfile *file = &work->dockerfile;
	json_t *edit = NULL;

	if (*path != '/') {
		work_leave(work, "where the file lies in the image cannot be told");
		return;
	}
	if (!work_load(work))
		return;
	for (size_t i = dockerfile_last_from(file); i < file->count && !edit; i++) {
		if (text_equal(file->v[i].keyword, "USER")) {
			why = "no COPY line before its USER line names the file";
			break;
		}
		if (copies(&file->v[i], base_name(path)))
			edit = dockerfile_add(file, work_dockerfile(work), i, run,
					      &why);
	}
	repair_or_leave(work, edit, why);
}

/* ---- apt ------------------------------------------------------------------------ */

/* The `apt-get install` of the Dockerfile when there is just one; NULL. */
static const char *
only_install(const struct dockerfile *file)
{
	const char *text = text_get(&file->text);
	const char *first = strstr(text, "apt-get install ");

	return first && !strstr(first + 1, "apt-get install ") ? first : NULL;
}

static void
change_install(struct work *work, const char *at, const char *with)
{
	const struct text *text = &work->dockerfile.text;
	json_t *edit = splice_edit(text, work_dockerfile(work), (size_t)(at - text->s),
				   strlen("apt-get install"), with);

	repair_or_leave(work, edit, "the line cannot be quoted without doubt");
}

void
resolve_apt_update(struct work *work)
{
	const char *at, *s;

	if (!work_load(work))
		return;
	s = text_get(&work->dockerfile.text);
	at = only_install(&work->dockerfile);
	if (strstr(s, "apt-get update") || strstr(s, "apt update"))
		work_leave(work, "the lists are fetched, so this Debian or Ubuntu has "
				 "no package of that name");
	else if (!at || at - s < 4 ||
		 (strncmp(at - 4, "RUN ", 4) != 0 && strncmp(at - 3, "&& ", 3) != 0))
		work_leave(work, "which line has to fetch the lists cannot be told");
	else
		change_install(work, at, "apt-get update && apt-get install");
}

void
resolve_apt_yes(struct work *work)
{
	const char *at;
	AUTO_FREE char *line = NULL;

	if (!work_load(work))
		return;
	at = only_install(&work->dockerfile);
	line = at ? text_copy_n(at, strcspn(at, "\n&;|")) : NULL;
	if (!line || strstr(line, " -y") || strstr(line, " -qy") ||
	    strstr(line, "--yes") || strstr(line, "--assume-yes"))
		work_leave(work, "which of its lines asks cannot be told");
	else
		change_install(work, at, "apt-get install -y");
}

/* ---- the Dockerfile itself --------------------------------------------------------
 */

/* The one instruction that the word looks like a slip of, or NULL. */
static const char *
instruction_meant(const char *word)
{
	static const char *const known[] = {
		"ADD",	      "ARG",  "CMD",	     "COPY",	"ENTRYPOINT", "ENV",
		"EXPOSE",     "FROM", "LABEL",	     "ONBUILD", "RUN",	      "SHELL",
		"STOPSIGNAL", "USER", "HEALTHCHECK", "VOLUME",	"WORKDIR",
	};
	const char *found = NULL;

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (!is_slip_of(word, known[i]))
			continue;
		if (found)
			return NULL;
		found = known[i];
	}
	return found;
}

void
resolve_instruction(struct work *work)
{
	AUTO_FREE char *word = text_copy(work_name(work, "word"));
	const struct instruction *in = NULL;
	const char *meant;
	size_t count = 0, at;

	work_name_set(work, "meant", "");
	if (!work_load(work))
		return;
	for (size_t i = 0; i < work->dockerfile.count; i++)
		if (text_equal(work->dockerfile.v[i].keyword, word)) {
			in = &work->dockerfile.v[i];
			count++;
		}
	meant = instruction_meant(word);
	if (count != 1 || !meant) {
		work_leave(work, "what it was meant to say cannot be told for certain");
		return;
	}
	work_name_set(work, "meant", meant);
	at = in->begin + strspn(work->dockerfile.text.s + in->begin, " \t\r\n");
	repair_or_leave(work,
			splice_edit(&work->dockerfile.text, work_dockerfile(work), at,
				    strlen(word), meant),
			"the line cannot be quoted without doubt");
}
