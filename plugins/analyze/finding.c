/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See finding.h. Matching runs under limits: no log keeps a pattern busy for long. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "plugins/analyze/finding.h"

#include <pcre2.h>

#define MATCH_LIMIT 1000000
#define MATCH_DEPTH_LIMIT 10000
#define MATCH_HEAP_KIB 16384
#define MATCHES_MAX 1000 /* of one pattern */
#define EVIDENCE_MAX_LINES 8
#define EVIDENCE_MAX_BYTES 1200

struct matcher {
	const struct pack *pack;
	const struct text *log;
	pcre2_match_context *limits;
	struct findings *findings;
};

static void
finding_done(struct finding *finding)
{
	json_decref(finding->names);
	json_decref(finding->edits);
	free(finding->evidence);
	free(finding->title);
	free(finding->diagnosis);
	free(finding->remedy);
}

void
findings_done(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		finding_done(&findings->v[i]);
	free(findings->v);
	*findings = (struct findings){ 0 };
}

/* ---- the log --------------------------------------------------------------- */

/* Behind the terminal escape that starts at s[i]. */
static size_t
escape_end(const char *s, size_t len, size_t i)
{
	if (++i >= len)
		return len;
	if (s[i] == ']') { /* OSC ... BEL or ESC \ */
		while (i < len && s[i] != '\a' && s[i] != '\033' && s[i] != '\n')
			i++;
		return i < len && s[i] == '\a' ? i + 1 : i;
	}
	if (s[i] != '[')
		return (unsigned char)s[i] < 0x20 ? i : i + 1;
	for (i++; i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] <= 0x3f;
	     i++)
		;
	return i < len && (unsigned char)s[i] >= 0x40 ? i + 1 : i;
}

void
log_clean(const char *log, size_t len, struct text *ret)
{
	size_t i = len > LOG_MAX_BYTES ? len - LOG_MAX_BYTES : 0, column = 0;

	while (i < len) {
		unsigned char c = (unsigned char)log[i];

		if (c == 033) {
			i = escape_end(log, len, i);
			continue;
		}
		i++;
		if (c == '\r' || c == '\a' ||
		    (c != '\n' && column >= LOG_LINE_MAX_BYTES))
			continue;
		column = c == '\n' ? 0 : column + 1;
		if (c != '\n' && c != '\t' && (c < 0x20 || c == 0x7f))
			c = ' ';
		text_add_n(ret, &c, 1);
	}
}

static size_t
count_lines(const char *s, size_t len)
{
	size_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += s[i] == '\n';
	return lines;
}

/* The whole lines of log[begin, end), the last few when there are many. */
static char *
evidence_take(const struct text *log, size_t begin, size_t end)
{
	size_t lines = 1;

	while (begin > 0 && log->s[begin - 1] != '\n')
		begin--;
	if (end > begin && log->s[end - 1] == '\n')
		end--;
	while (end < log->len && log->s[end] != '\n')
		end++;
	for (size_t i = end; i > begin; i--)
		if (log->s[i - 1] == '\n' && ++lines > EVIDENCE_MAX_LINES)
			begin = i;
	if (end - begin > EVIDENCE_MAX_BYTES)
		begin = end - EVIDENCE_MAX_BYTES;
	return text_copy_n(log->s + begin, end - begin);
}

/* ---- matching -------------------------------------------------------------- */

/* What the named groups caught. New reference; NULL when it is not UTF-8. */
static json_t *
names_take(pcre2_code *code, pcre2_match_data *match, const char *subject)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR row = NULL;
	PCRE2_SIZE *at = pcre2_get_ovector_pointer(match);
	json_t *names = json_object();

	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &count);
	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, &row);
	for (uint32_t i = 0; i < count; i++, row += size) {
		size_t group = (size_t)row[0] << 8 | row[1];
		PCRE2_SIZE begin = at[2 * group], end = at[2 * group + 1];

		if (begin == PCRE2_UNSET || end < begin)
			continue;
		if (json_object_set_new(names, (const char *)row + 2,
					json_stringn(subject + begin, end - begin)) <
		    0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

static struct finding *
findings_find(struct findings *findings, const struct rule *rule, const json_t *names)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->v[i].rule == rule &&
		    json_equal(findings->v[i].names, names))
			return &findings->v[i];
	return NULL;
}

static void
matcher_add(struct matcher *m, const struct rule *rule, json_t *names, size_t begin,
	    size_t end)
{
	struct findings *findings = m->findings;
	struct finding *finding = findings_find(findings, rule, names);

	if (!finding) {
		findings->v = x_realloc(findings->v, findings->count + 1,
					sizeof(*findings->v));
		finding = &findings->v[findings->count++];
		*finding =
			(struct finding){ .rule = rule,
					  .pack = m->pack,
					  .names = json_incref(names) };
	}
	free(finding->evidence);
	finding->evidence = evidence_take(m->log, begin, end);
	finding->confidence = rule->confidence;
	finding->line = count_lines(m->log->s, begin) + 1;
	finding->lines_behind = count_lines(m->log->s + end, m->log->len - end);
}

/* All matches of one pattern. False when it was too costly. */
static bool
matcher_run(struct matcher *m, const struct rule *rule, pcre2_code *code)
{
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(code, NULL);
	size_t at = 0, found = 0;
	int result = 0;

	while (at < m->log->len && found++ < MATCHES_MAX) {
		result = pcre2_match(code, (PCRE2_SPTR)m->log->s, m->log->len, at,
				     PCRE2_NOTEMPTY, match, m->limits);
		if (result <= 0)
			break;
		PCRE2_SIZE *where = pcre2_get_ovector_pointer(match);
		AUTO_JSON json_t *names = names_take(code, match, m->log->s);

		if (names)
			matcher_add(m, rule, names, where[0], where[1]);
		at = where[1] > at ? where[1] : at + 1;
	}
	pcre2_match_data_free(match);
	return result > 0 || result == PCRE2_ERROR_NOMATCH || m->log->len == 0;
}

void
findings_match(const struct pack *pack, const struct text *log, struct findings *ret,
	       size_t *ret_gave_up)
{
	struct matcher m = { .pack = pack, .log = log, .findings = ret };

	m.limits = pcre2_match_context_create(NULL);
	if (!m.limits)
		abort();
	(void)pcre2_set_match_limit(m.limits, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(m.limits, MATCH_DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(m.limits, MATCH_HEAP_KIB);
	for (size_t i = 0; i < pack->rule_count; i++)
		for (size_t k = 0; k < pack->rules[i].pattern_count; k++)
			*ret_gave_up += !matcher_run(&m, &pack->rules[i],
						     pack->rules[i].patterns[k]);
	pcre2_match_context_free(m.limits);
}

/* ---- ranking and texts ----------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->confidence != y->confidence)
		return y->confidence - x->confidence;
	return (x->line < y->line) - (x->line > y->line);
}

void
findings_rank(struct findings *findings)
{
	size_t kept = 0;

	for (size_t i = 0; i < findings->count; i++) {
		if (findings->v[i].is_dropped)
			finding_done(&findings->v[i]);
		else
			findings->v[kept++] = findings->v[i];
	}
	findings->count = kept;
	if (kept > 1)
		qsort(findings->v, kept, sizeof(*findings->v), compare);
}

const char *
names_get(const json_t *names, const char *name)
{
	return json_text(names, name);
}

char *
names_fill(const json_t *names, const char *text)
{
	AUTO_TEXT struct text filled = { 0 };

	while (*text) {
		size_t plain = strcspn(text, "{"), len = 0;
		const char *close;

		text_add_n(&filled, text, plain);
		text += plain;
		if (!*text)
			break;
		close = strchr(text, '}');
		len = close ? (size_t)(close - text) + 1 : 1;
		if (close) {
			AUTO_FREE char *name = text_copy_n(text + 1, len - 2);
			const char *value =
				json_string_value(json_object_get(names, name));

			if (value)
				text_add(&filled, value);
			else
				text_add_n(&filled, text, len);
		} else {
			text_add_n(&filled, text, len);
		}
		text += len;
	}
	return text_take(&filled);
}
