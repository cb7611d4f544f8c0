/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Collecting remarks, and finding what is new in a file. See review.h. */
#include "policies/review.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/common/text.h"

#define SHOWN_BYTES 160
#define REMARKS_MAX 30
#define TABLES_MAX 16

void
review_add(struct review *review, enum level level, const char *code, const char *why,
	   const char *line)
{
	if (level == LEVEL_ALLOW)
		return;
	if (level > review->level)
		review->level = level;
	/* Who reads all that would not read more. */
	if (++review->count > REMARKS_MAX) {
		if (review->count == REMARKS_MAX + 1)
			text_add(&review->reasons, "; and more of it");
		return;
	}
	text_addf(&review->reasons, "%s%s: %s", review->reasons.len ? "; " : "",
		  review->path, why);
	if (line)
		text_addf(&review->reasons, ": %.*s%s", SHOWN_BYTES, line,
			  strlen(line) > SHOWN_BYTES ? "..." : "");
	text_addf(&review->reasons, " [%s]", code);
}

/* A pattern of ours that does not compile matches everything: nothing slips by. */
bool
line_matches(const char *line, const char *pattern)
{
	regex_t regex;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
		return true;
	bool is_match = regexec(&regex, line, 0, NULL, 0) == 0;
	regfree(&regex);
	return is_match;
}

/* The tables that were used so far; a process judges once and ends. */
static struct compiled {
	const struct rule *rules;
	regex_t *regexes;
} tables[TABLES_MAX];

static const regex_t *
compile(const struct rule *rules, size_t count)
{
	struct compiled *table = tables;

	while (table < tables + TABLES_MAX && table->rules && table->rules != rules)
		table++;
	if (table == tables + TABLES_MAX)
		abort();
	if (table->rules)
		return table->regexes;
	table->rules = rules;
	table->regexes = x_calloc(count, sizeof(*table->regexes));
	for (size_t i = 0; i < count; i++)
		if (regcomp(&table->regexes[i], rules[i].pattern,
			    REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
			abort();
	return table->regexes;
}

void
review_match(struct review *review, const struct rule *rules, size_t count,
	     const char *line)
{
	const regex_t *regexes = compile(rules, count);

	for (size_t i = 0; i < count; i++)
		if (regexec(&regexes[i], line, 0, NULL, 0) == 0)
			review_add(review, rules[i].level, rules[i].code, rules[i].why,
				   line);
}

/* ---- what is new ---- */

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r\f\v");
}

static void
trim_end(struct text *line)
{
	while (line->len > 0 && strchr(" \t\r\f\v", line->s[line->len - 1]))
		line->s[--line->len] = '\0';
}

static bool
goes_on(struct text *line)
{
	if (line->len == 0 || line->s[line->len - 1] != '\\')
		return false;
	line->s[line->len - 1] = ' ';
	return true;
}

/*
 * The next line, trimmed, from *at on; false behind the last. A comment between
 * the parts of a logical line does not end it.
 */
static bool
next_line(const char **at, bool is_logical, struct text *ret)
{
	bool has_more = true;

	text_done(ret);
	*ret = (struct text){ 0 };
	if (!*at || **at == '\0')
		return false;
	while (has_more && **at != '\0') {
		size_t n = strcspn(*at, "\n");
		const char *start = *at, *end = start + n;

		*at = *end ? end + 1 : end;
		while (start < end && strchr(" \t\r\f\v", *start))
			start++;
		if (is_logical && *start == '#' && ret->len > 0)
			continue;
		text_add_n(ret, start, (size_t)(end - start));
		trim_end(ret);
		has_more = is_logical && goes_on(ret);
	}
	text_add(ret, "");
	return true;
}

/* line -> how often */
static json_t *
count_lines(const char *text, bool is_logical)
{
	json_t *counts = json_object();
	struct text line = { 0 };

	while (next_line(&text, is_logical, &line))
		json_object_set_new_nocheck(
			counts, text_get(&line),
			json_integer(json_member_int(counts, text_get(&line), 0) + 1));
	text_done(&line);
	return counts;
}

void
each_new_line(const char *before, const char *after, bool is_logical,
	      struct review *review, line_handler handle, void *more)
{
	AUTO_JSON json_t *old = count_lines(before, is_logical);
	struct text line = { 0 };

	while (next_line(&after, is_logical, &line)) {
		const char *text = skip_blanks(text_get(&line));
		int64_t left = json_member_int(old, text_get(&line), 0);

		if (left > 0)
			json_object_set_new_nocheck(old, text_get(&line),
					    json_integer(left - 1));
		else if (*text)
			handle(review, text, more);
	}
	text_done(&line);
}
