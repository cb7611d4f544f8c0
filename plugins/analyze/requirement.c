/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See requirement.h. Versions are in version.c. */
#include "plugins/analyze/requirement.h"

#include <ctype.h>

#define OPERATOR_CHARS "=<>!~"

static size_t
skip_blanks(const char *s, size_t i)
{
	while (s[i] == ' ' || s[i] == '\t')
		i++;
	return i;
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* Behind the name at s[i]; i itself when there is none. */
static size_t
name_end(const char *s, size_t i)
{
	size_t end = i;

	if (!isalnum((unsigned char)s[i]))
		return i;
	while (is_name_char(s[end]))
		end++;
	while (!isalnum((unsigned char)s[end - 1]))
		end--;
	return end;
}

/* Behind one clause like `>= 1.2`, or i when there is none. */
static size_t
clause_end(const char *s, size_t i)
{
	static const char *const operators[] = { "===", "==", "!=", "<=",
						 ">=",	"~=", "<",  ">" };
	size_t begin, end;

	for (size_t k = 0; k < COUNT_OF(operators); k++) {
		if (!text_starts(s + i, operators[k]))
			continue;
		begin = end = skip_blanks(s, i + strlen(operators[k]));
		while (isalnum((unsigned char)s[end]) ||
		       (s[end] && strchr(".*+!_-", s[end])))
			end++;
		return end > begin && isalnum((unsigned char)s[begin]) ? end : i;
	}
	return i;
}

/* Behind the clauses at s[i], joined by commas. */
static size_t
spec_end(const char *s, size_t i)
{
	size_t end = clause_end(s, i), next;

	while (end > i) {
		next = skip_blanks(s, end);
		if (s[next] != ',')
			break;
		next = skip_blanks(s, next + 1);
		if (clause_end(s, next) == next)
			break;
		end = clause_end(s, next);
	}
	return end;
}

static bool
is_rest_valid(const char *s, size_t i)
{
	i = skip_blanks(s, i);
	return s[i] == '\0' ||
	       (s[i] == '#' && i > 0 && isspace((unsigned char)s[i - 1])) ||
	       (s[i] == ';' && s[skip_blanks(s, i + 1)] != '\0') ||
	       text_starts(s + i, "--") || text_equal(s + i, "\\");
}

bool
requirement_parse(const char *line, struct requirement *ret)
{
	struct requirement r = { .name_begin = skip_blanks(line, 0) };
	size_t at;

	r.name_end = at = name_end(line, r.name_begin);
	if (r.name_end == r.name_begin)
		return false;
	at = skip_blanks(line, at);
	if (line[at] == '[') {
		at += strcspn(line + at, "]");
		if (!line[at])
			return false;
		at = skip_blanks(line, at + 1);
	}
	r.has_url = line[at] == '@';
	r.spec_begin = at;
	r.spec_end = spec_end(line, at);
	r.has_hash = strstr(line, "--hash") != NULL;
	*ret = r;
	return r.has_url || is_rest_valid(line, r.spec_end);
}

bool
package_equal(const char *a, const char *b)
{
	while (*a && *b) {
		bool a_joins = strchr("-_.", *a), b_joins = strchr("-_.", *b);

		if (a_joins != b_joins)
			return false;
		if (!a_joins &&
		    tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
			return false;
		if (a_joins) {
			a += strspn(a, "-_.");
			b += strspn(b, "-_.");
		}
	}
	return *a == *b;
}

char *
requirement_name(const char *line)
{
	size_t begin = skip_blanks(line, 0), end = name_end(line, begin);

	return end > begin ? text_copy_n(line + begin, end - begin) : NULL;
}

bool
requirements_find(const struct text *manifest, const char *package, struct line *ret)
{
	size_t at = 0;
	struct line line;

	while (line_next(manifest, &at, &line)) {
		AUTO_FREE char *text = text_copy_n(manifest->s + line.begin, line.len);
		AUTO_FREE char *name = requirement_name(text);

		if (!name || !package_equal(name, package))
			continue;
		*ret = line;
		return true;
	}
	return false;
}

bool
requirements_have_hashes(const struct text *manifest)
{
	return strstr(text_get(manifest), "--hash=") ||
	       strstr(text_get(manifest), "--hash ") ||
	       strstr(text_get(manifest), "--require-hashes");
}

/* ---- repairing ------------------------------------------------------------------ */

static bool
is_sound(const char *line)
{
	struct requirement r;

	return requirement_parse(line, &r) && !r.has_url;
}

static void
trim(struct text *text)
{
	size_t lead = skip_blanks(text_get(text), 0);

	if (text->len == 0)
		return;
	memmove(text->s, text->s + lead, text->len - lead + 1);
	text->len -= lead;
	while (text->len && isspace((unsigned char)text->s[text->len - 1]))
		text->s[--text->len] = '\0';
}

/* `"flask==2.0",` without its quotes, and without a comma or semicolon at the end. */
static void
unwrap(struct text *text)
{
	while (text->len && strchr(",;", text->s[text->len - 1]))
		text->s[--text->len] = '\0';
	trim(text);
	if (text->len >= 2 && strchr("'\"`", text->s[0]) &&
	    text->s[0] == text->s[text->len - 1]) {
		text->s[--text->len] = '\0';
		text->s[0] = ' ';
	}
	trim(text);
}

/* The operator behind the name as it was meant, or NULL. */
static const char *
operator_meant(const char *s, size_t *len)
{
	static const char *const meant[][2] = {
		{ "=>", ">=" }, { "=<", "<=" }, { "=~", "~=" },
		{ "=", "==" },	{ ":", "==" },
	};

	*len = strspn(s, OPERATOR_CHARS ":");
	for (size_t i = 0; i < COUNT_OF(meant); i++)
		if (*len == strlen(meant[i][0]) && strncmp(s, meant[i][0], *len) == 0)
			return meant[i][1];
	/* `flask 2.0.1`: a bare version, nothing else. */
	if (*len == 0 && isdigit((unsigned char)*s) && strchr(s, '.') &&
	    strspn(s, "0123456789.") == strlen(s))
		return "==";
	return NULL;
}

/* The line with its operator set right, in *text. */
static void
repair_operator(struct text *text)
{
	AUTO_TEXT struct text made = { 0 };
	size_t end = name_end(text_get(text), 0), at, len;
	const char *meant;

	if (text_get(text)[end] == '[')
		end += strcspn(text->s + end, "]") +
		       (strchr(text->s + end, ']') != NULL);
	at = skip_blanks(text_get(text), end);
	meant = end > 0 ? operator_meant(text->s + at, &len) : NULL;
	if (!meant)
		return;
	text_add_n(&made, text->s, end);
	text_add(&made, meant);
	text_add(&made, text->s + skip_blanks(text->s, at + len));
	text_move(text, &made);
}

char *
requirement_repair(const char *line)
{
	static const char *const commands[] = { "pip install ", "pip3 install ",
						"python -m pip install " };
	AUTO_TEXT struct text text = { 0 };

	text_add(&text, line);
	trim(&text);
	if (text_starts(text_get(&text), "```") &&
	    strspn(text.s, "`abcdefghijklmnopqrstuvwxyz") == text.len)
		return text_copy("");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (text_starts(text_get(&text), commands[i])) {
			memset(text.s, ' ', strlen(commands[i]));
			trim(&text);
		}
	unwrap(&text);
	if (!is_sound(text_get(&text)))
		repair_operator(&text);
	return is_sound(text_get(&text)) && !text_equal(text.s, line) ?
		       text_take(&text) :
		       NULL;
}
