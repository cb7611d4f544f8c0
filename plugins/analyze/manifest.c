/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See manifest.h. Each result is read back before it is believed. */
#include "plugins/analyze/manifest.h"

#define BLANKS " \t\r\n"

json_t *
manifest_parse(const struct text *text)
{
	json_t *json =
		json_loadb(text_get(text), text->len, JSON_REJECT_DUPLICATES, NULL);

	if (json && !json_is_object(json)) {
		json_decref(json);
		json = NULL;
	}
	return json;
}

static size_t
line_begin(const char *s, size_t at)
{
	while (at > 0 && s[at - 1] != '\n')
		at--;
	return at;
}

json_t *
splice_edit(const struct text *text, const char *path, size_t at, size_t cut,
	    const char *with)
{
	const char *s = text_get(text);
	size_t begin = line_begin(s, at), end = at + cut;

	end += strcspn(s + end, "\n");
	for (;;) {
		AUTO_FREE char *find = text_copy_n(s + begin, end - begin);
		const char *first = *find ? strstr(s, find) : NULL;

		if (first && !strstr(first + 1, find)) {
			AUTO_FREE char *made =
				text_format("%.*s%s%.*s", (int)(at - begin), s + begin,
					    with, (int)(end - at - cut), s + at + cut);

			return json_pack("{s:s, s:s, s:s, s:s}", "op", "replace",
					 "path", path, "find", find, "with", made);
		}
		if (begin == 0 && end == text->len)
			return NULL; /* an empty text has nothing to quote */
		begin = begin ? line_begin(s, begin - 1) : 0;
		end += s[end] == '\n';
		end += strcspn(s + end, "\n");
	}
}

/* ---- where things are in a JSON text ----------------------------------------- */

/* Behind the string that starts at s[i]; the length of s when it does not end. */
static size_t
string_end(const char *s, size_t i)
{
	for (i++; s[i] && s[i] != '"'; i++)
		if (s[i] == '\\' && s[i + 1])
			i++;
	return s[i] ? i + 1 : i;
}

static size_t
skip(const char *s, size_t i)
{
	return i + strspn(s + i, BLANKS);
}

/* Where the value of this member of the outermost object starts; 0 when none. */
static size_t
member_value(const char *s, const char *name, size_t *ret_key)
{
	AUTO_FREE char *key = text_format("\"%s\"", name);
	size_t depth = 0, i = 0;

	while (s[i]) {
		if (s[i] == '"') {
			size_t end = string_end(s, i), colon = skip(s, end);

			if (depth == 1 && s[colon] == ':' && end - i == strlen(key) &&
			    strncmp(s + i, key, end - i) == 0) {
				*ret_key = i;
				return skip(s, colon + 1);
			}
			i = end;
			continue;
		}
		depth += s[i] == '{' || s[i] == '[';
		depth -= s[i] == '}' || s[i] == ']';
		i++;
	}
	return 0;
}

/* ---- adding ------------------------------------------------------------------- */

/* The change that gives this text the member: text[at, at + cut) becomes `with`. */
struct splice {
	size_t at, cut;
	struct text with;
};

static void
splice_done(struct splice *splice)
{
	text_done(&splice->with);
}

/* Into an object that has members: in front of them, spaced like the first. */
static void
splice_into(struct splice *splice, const char *s, size_t brace, const char *member)
{
	size_t first = skip(s, brace + 1);

	splice->at = brace + 1;
	text_addf(&splice->with, "%.*s%s,", (int)(first - brace - 1), s + brace + 1,
		  member);
	if (first == brace + 1)
		text_add(&splice->with, " ");
}

/* Into an empty object, indented once more than its key when that leads its line. */
static void
splice_into_empty(struct splice *splice, const char *s, size_t brace, size_t key,
		  const char *member)
{
	size_t begin = line_begin(s, key), indent = key - begin;

	splice->at = brace + 1;
	splice->cut = skip(s, brace + 1) - splice->at;
	if (indent == 0 || begin == 0 || strspn(s + begin, " \t") < indent)
		text_add(&splice->with, member);
	else
		text_addf(&splice->with, "\n%.*s%.*s%s\n%.*s", (int)indent, s + begin,
			  (int)indent, s + begin, member, (int)indent, s + begin);
}

/* A new section, behind the last member of the outermost object. */
static void
splice_section(struct splice *splice, const char *s, size_t len, const char *section,
	       const char *member)
{
	size_t open = skip(s, 0), first = skip(s, open + 1), last = len;
	const char *blanks = s + open + 1;
	int n = (int)(first - open - 1);
	const char *line = n ? memchr(blanks, '\n', (size_t)n) : NULL;
	int indent = line ? (int)(s + first - line - 1) : 0;

	while (s[last - 1] != '}')
		last--;
	last--;
	while (strchr(BLANKS, s[last - 1]))
		last--;
	splice->at = last;
	if (line)
		text_addf(&splice->with, ",%.*s\"%s\": {%.*s%.*s%s%.*s}", n, blanks,
			  section, n, blanks, indent, line + 1, member, n, blanks);
	else
		text_addf(&splice->with, ", \"%s\": {%s}", section, member);
}

/* Does the text, once changed, say what it said and the member as well? */
static bool
is_as_meant(const struct text *text, const struct splice *splice, const char *section,
	    const char *name, const char *value)
{
	AUTO_TEXT struct text made = { 0 };
	AUTO_JSON json_t *now = NULL, *wanted = manifest_parse(text);
	json_t *object = json_object_get(wanted, section);

	if (!object)
		(void)json_object_set_new(wanted, section, object = json_object());
	(void)json_object_set_new(object, name, json_string(value));
	text_add_n(&made, text->s, splice->at);
	text_add(&made, text_get(&splice->with));
	text_add(&made, text->s + splice->at + splice->cut);
	now = manifest_parse(&made);
	return now && json_equal(now, wanted);
}

json_t *
manifest_add(const struct text *text, const char *path, const char *section,
	     const char *name, const char *value, const char **why)
{
	AUTO(splice) struct splice splice = { 0 };
	AUTO_JSON json_t *json = manifest_parse(text);
	AUTO_FREE char *member = text_format("\"%s\": \"%s\"", name, value);
	const char *s = text_get(text);
	const json_t *object = json_object_get(json, section);
	size_t key = 0, brace;

	*why = !json ? "it is not valid JSON" :
	       json_object_size(json) == 0 || (object && !json_is_object(object)) ?
		       "it is not written as usual" :
	       json_object_get(object, name) ? "it lists the package already" :
					       NULL;
	if (*why)
		return NULL;
	brace = member_value(s, section, &key);
	if (!object)
		splice_section(&splice, s, text->len, section, member);
	else if (json_object_size(object) > 0)
		splice_into(&splice, s, brace, member);
	else
		splice_into_empty(&splice, s, brace, key, member);
	if (!is_as_meant(text, &splice, section, name, value)) {
		*why = "it is not written as usual";
		return NULL;
	}
	return splice_edit(text, path, splice.at, splice.cut, text_get(&splice.with));
}

/* ---- repairing ---------------------------------------------------------------- */

/* The first comma that is wrong: one too many (cut 1), or missing (cut 0). */
static bool
comma_find(const char *s, struct splice *ret)
{
	size_t i = skip(s, 0);

	while (s[i]) {
		bool is_comma = s[i] == ',';
		bool ends_value = s[i] == '"' || s[i] == '}' || s[i] == ']';
		size_t end = s[i] == '"' ? string_end(s, i) : i + 1;
		size_t next = skip(s, end);

		if (is_comma && (s[next] == '}' || s[next] == ']')) {
			ret->at = i;
			ret->cut = 1;
			return true;
		}
		if (ends_value && s[next] == '"') {
			ret->at = end;
			text_add(&ret->with, ",");
			return true;
		}
		i = next;
	}
	return false;
}

json_t *
manifest_repair(const struct text *text, const char *path)
{
	AUTO(splice) struct splice splice = { 0 };
	AUTO_TEXT struct text made = { 0 };
	AUTO_JSON json_t *before = manifest_parse(text), *after = NULL;

	if (before || text->len == 0 || memchr(text->s, '\0', text->len) ||
	    !comma_find(text->s, &splice))
		return NULL;
	text_add_n(&made, text->s, splice.at);
	text_add(&made, text_get(&splice.with));
	text_add(&made, text->s + splice.at + splice.cut);
	after = manifest_parse(&made);
	return after ? splice_edit(text, path, splice.at, splice.cut,
				   text_get(&splice.with)) :
		       NULL;
}
