/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See dockerfile.h. */
#include "plugins/analyze/dockerfile.h"

#include <ctype.h>
#include <strings.h>

#include "plugins/common/lines.h"

void
dockerfile_done(struct dockerfile *file)
{
	for (size_t i = 0; i < file->count; i++) {
		free(file->v[i].keyword);
		free(file->v[i].arguments);
	}
	free(file->v);
	text_done(&file->text);
	*file = (struct dockerfile){ 0 };
}

/* ---- reading --------------------------------------------------------------- */

/* The line without blanks around, and whether it goes on with a backslash. */
static struct line
line_trim(const struct text *text, struct line line, bool *goes_on)
{
	while (line.len && isspace((unsigned char)text->s[line.begin])) {
		line.begin++;
		line.len--;
	}
	while (line.len && isspace((unsigned char)text->s[line.begin + line.len - 1]))
		line.len--;
	*goes_on = line.len && text->s[line.begin + line.len - 1] == '\\' &&
		   text->s[line.begin] != '#';
	if (*goes_on)
		line.len--;
	return line;
}

static void
instruction_add(struct dockerfile *file, const char *joined, size_t begin, size_t end)
{
	size_t word = strcspn(joined, " \t");
	struct instruction *in;

	file->v = x_realloc(file->v, file->count + 1, sizeof(*file->v));
	in = &file->v[file->count++];
	*in = (struct instruction){ .keyword = text_copy_n(joined, word),
				    .begin = begin,
				    .end = end };
	for (char *p = in->keyword; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	joined += word;
	in->arguments = text_copy(joined + strspn(joined, " \t"));
}

void
dockerfile_parse(const char *bytes, size_t len, struct dockerfile *ret)
{
	AUTO_TEXT struct text joined = { 0 };
	size_t at = 0, begin = 0;
	bool goes_on = false;
	struct line line;

	text_add_n(&ret->text, bytes, len);
	while (line_next(&ret->text, &at, &line)) {
		bool more;
		struct line part = line_trim(&ret->text, line, &more);

		if (part.len == 0 && !more) /* blank: ends nothing */
			continue;
		if (part.len && ret->text.s[part.begin] == '#')
			continue;
		if (!goes_on)
			begin = line.begin;
		text_add_n(&joined, ret->text.s + part.begin, part.len);
		goes_on = more;
		if (more) {
			text_add(&joined, " ");
			continue;
		}
		instruction_add(ret, text_get(&joined), begin, line.end);
		text_done(&joined);
	}
	if (joined.len)
		instruction_add(ret, joined.s, begin, ret->text.len);
}

/* The word at *at; *at moves behind it. NULL at the end. Caller owns. */
static char *
word_take(const char **at)
{
	size_t len;
	char *word;

	*at += strspn(*at, " \t");
	len = strcspn(*at, " \t");
	if (len == 0)
		return NULL;
	word = text_copy_n(*at, len);
	*at += len;
	return word;
}

/* ---- the requirements file ------------------------------------------------- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Without `./` in front, and NULL when it leaves the context or holds a variable. */
static char *
context_path(const char *path)
{
	while (text_starts(path, "./"))
		path += 2;
	if (!*path || *path == '/' || strstr(path, "..") || strchr(path, '$'))
		return NULL;
	return text_copy(path);
}

/*
 * The source of a COPY or ADD that becomes a file of this name in the image.
 * `COPY requirements/prod.txt /tmp/requirements.txt` and `COPY . /app` count.
 */
static char *
copy_source(const char *arguments, const char *wanted, dockerfile_has *has, void *arg)
{
	AUTO_ARGV struct argv words = { 0 };
	const char *target;
	char *word;

	while ((word = word_take(&arguments))) {
		if (text_starts(word, "--from")) {
			free(word);
			return NULL;
		}
		if (!text_starts(word, "--"))
			argv_add(&words, word);
		free(word);
	}
	if (words.count < 2)
		return NULL;
	target = words.v[words.count - 1];
	for (size_t i = 0; i + 1 < words.count; i++) {
		AUTO_FREE char *source = context_path(words.v[i]);
		bool is_named = words.count == 2 &&
				text_equal(base_name(target), base_name(wanted));

		if (source && has(arg, source) &&
		    (is_named || text_equal(base_name(source), base_name(wanted))))
			return STEAL(source);
	}
	return NULL;
}

/* The file of the context behind `-r WANTED`. Caller owns, or NULL. */
static char *
manifest_resolve(const struct dockerfile *file, const char *wanted, dockerfile_has *has,
		 void *arg)
{
	AUTO_FREE char *plain = context_path(wanted);
	char *source;

	for (size_t i = 0; i < file->count; i++) {
		if (!text_equal(file->v[i].keyword, "COPY") &&
		    !text_equal(file->v[i].keyword, "ADD"))
			continue;
		source = copy_source(file->v[i].arguments, wanted, has, arg);
		if (source)
			return source;
	}
	if (plain && has(arg, plain))
		return STEAL(plain);
	return has(arg, base_name(wanted)) ? text_copy(base_name(wanted)) : NULL;
}

/* What `-r X`, `-rX` or `--requirement X` names, or NULL. Caller owns. */
static char *
requirement_option(const char *word, const char **at)
{
	if (text_equal(word, "-r") || text_equal(word, "--requirement"))
		return word_take(at);
	if (text_starts(word, "--requirement="))
		return text_copy(word + strlen("--requirement="));
	return text_starts(word, "-r") && word[2] ? text_copy(word + 2) : NULL;
}

char *
dockerfile_manifest(const struct dockerfile *file, dockerfile_has *has, void *arg)
{
	for (size_t i = 0; i < file->count; i++) {
		const char *at = file->v[i].arguments;
		char *word;

		if (!text_equal(file->v[i].keyword, "RUN") || !strstr(at, "pip") ||
		    !strstr(at, "install"))
			continue;
		while ((word = word_take(&at))) {
			AUTO_FREE char *wanted = requirement_option(word, &at);
			char *found = wanted ?
					      manifest_resolve(file, wanted, has, arg) :
					      NULL;

			free(word);
			if (found)
				return found;
		}
	}
	return has(arg, "requirements.txt") ? text_copy("requirements.txt") : NULL;
}

/* ---- a Debian package ------------------------------------------------------ */

json_t *
edit_line(const struct text *text, const char *path, size_t begin, size_t len,
	  const char *line)
{
	AUTO_FREE char *find = text_copy_n(text_get(text) + begin, len);
	struct line one;

	if (len && !strstr(strstr(text_get(text), find) + 1, find))
		return json_pack("{s:s, s:s, s:s, s:s}", "op", "replace", "path", path,
				 "find", find, "with", line);
	if (line_count(text, find, &one) != 1)
		return NULL;
	/* Part of another line: quote it with the line breaks around. */
	AUTO_FREE char *find_more = text_format("%s%s\n", begin ? "\n" : "", find);
	AUTO_FREE char *line_more = text_format("%s%s\n", begin ? "\n" : "", line);
	const char *first = strstr(text_get(text), find_more);

	if (!first || strstr(first + 1, find_more))
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s}", "op", "replace", "path", path, "find",
			 find_more, "with", line_more);
}

size_t
dockerfile_last_from(const struct dockerfile *file)
{
	size_t found = file->count;

	for (size_t i = 0; i < file->count; i++)
		if (text_equal(file->v[i].keyword, "FROM"))
			found = i;
	return found;
}

/* Why apt cannot be what this image uses, or NULL. */
static const char *
not_debian(const struct dockerfile *file)
{
	static const char *const images[] = {
		"alpine",      "distroless", "scratch",	  "busybox", "fedora",
		"centos",      "rocky",	     "alma",	  "/ubi",    "redhat",
		"amazonlinux", "suse",	     "archlinux", "wolfi",   "chainguard",
		"windows",     "nanoserver",
	};
	static const char *const tools[] = { "apk add", "dnf ",	  "microdnf",
					     "yum ",	"zypper", "pacman" };

	for (size_t i = 0; i < file->count; i++) {
		const char *arguments = file->v[i].arguments;

		for (size_t k = 0;
		     text_equal(file->v[i].keyword, "FROM") && k < COUNT_OF(images);
		     k++)
			if (strstr(arguments, images[k]))
				return "its base image is no Debian or Ubuntu";
		for (size_t k = 0;
		     text_equal(file->v[i].keyword, "RUN") && k < COUNT_OF(tools); k++)
			if (strstr(arguments, tools[k]))
				return "it installs with another tool than apt";
	}
	return NULL;
}

/* Whether the words name the package, as an argument of its own. */
static bool
has_word(const char *words, const char *wanted)
{
	const char *at = words;
	char *word;

	while ((word = word_take(&at))) {
		size_t len = strcspn(word, "=;&|");
		bool is_it = len == strlen(wanted) && strncmp(word, wanted, len) == 0;

		free(word);
		if (is_it)
			return true;
	}
	return false;
}

/* Does an option of apt-get take the next word? */
static bool
takes_value(const char *option)
{
	static const char *const options[] = { "-o", "-t", "-c" };

	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (text_equal(option, options[i]))
			return true;
	return false;
}

/*
 * Where a package goes in a line with `apt-get install`: behind the options.
 * 0 when the line does not install.
 */
static size_t
install_point(const char *line)
{
	enum { ELSEWHERE, APT, INSTALL, VALUE } state = ELSEWHERE;
	const char *at = line, *point = line;
	char *next;

	while ((next = word_take(&at))) {
		AUTO_FREE char *word = next;
		bool is_option = word[0] == '-';

		if (state == INSTALL && !is_option)
			break;
		if (state == VALUE)
			state = INSTALL;
		else if (state == INSTALL)
			state = takes_value(word) ? VALUE : INSTALL;
		else if (state == APT && text_equal(word, "install"))
			state = INSTALL;
		else if (text_equal(word, "apt-get") || text_equal(word, "apt"))
			state = APT;
		else if (!is_option)
			state = ELSEWHERE;
		if (state == INSTALL || state == VALUE)
			point = at;
	}
	return (size_t)(point - line);
}

/* The edit of the line of this RUN that installs with apt, or NULL. */
static json_t *
install_into(const struct dockerfile *file, const struct instruction *run,
	     const char *path, const char *package)
{
	size_t at = run->begin;
	struct line line;

	while (at < run->end && line_next(&file->text, &at, &line)) {
		AUTO_FREE char *old = text_copy_n(file->text.s + line.begin, line.len);
		size_t point = old[strspn(old, " \t")] == '#' ? 0 : install_point(old);
		AUTO_FREE char *made =
			text_format("%.*s %s%s", (int)point, old, package, old + point);

		if (point)
			return edit_line(&file->text, path, line.begin, line.len, made);
	}
	return NULL;
}

json_t *
dockerfile_add(const struct dockerfile *file, const char *path, size_t i,
	       const char *added, const char **why)
{
	size_t at = file->v[i].begin;
	struct line line;

	(void)line_next(&file->text, &at, &line);
	AUTO_FREE char *after = text_copy_n(file->text.s + line.begin, line.len);

	if (at != file->v[i].end || line_count(&file->text, after, &line) != 1) {
		*why = text_equal(file->v[i].keyword, "FROM") ?
			       "its FROM line does not stand once and alone" :
			       "the line it belongs behind does not stand once and "
			       "alone";
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:s}", "op", "add_line", "path", path, "line",
			 added, "after", after);
}

json_t *
dockerfile_install(const struct dockerfile *file, const char *path, const char *package,
		   size_t before, const char **why)
{
	size_t from = file->count;

	for (size_t i = 0; i < before && i < file->count; i++)
		if (text_equal(file->v[i].keyword, "FROM"))
			from = i;
	*why = from == file->count ? "it has no FROM" : not_debian(file);
	for (size_t i = from; !*why && i < before; i++)
		if (text_equal(file->v[i].keyword, "RUN") &&
		    has_word(file->v[i].arguments, package))
			*why = "it installs the package already: the image is older";
	if (*why)
		return NULL;
	for (size_t i = from; i < before; i++) {
		json_t *edit = text_equal(file->v[i].keyword, "RUN") ?
				       install_into(file, &file->v[i], path, package) :
				       NULL;

		if (edit)
			return edit;
	}
	/* None there: a new RUN behind the FROM of its stage. */
	AUTO_FREE char *run = text_format("RUN apt-get update && apt-get install -y "
					  "--no-install-recommends %s && "
					  "rm -rf /var/lib/apt/lists/*",
					  package);

	return dockerfile_add(file, path, from, run, why);
}
