/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See pattern.h. */
#include "plugins/common/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "plugins/common/text.h"

#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 10000
#define HEAP_LIMIT_KIB (16u << 10)
#define PATTERN_MAX_BYTES 1000

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
};

static void
say(char **ret_why, char *why)
{
	if (ret_why)
		*ret_why = why;
	else
		free(why);
}

struct pattern *
pattern_new(const char *text, char **ret_why)
{
	unsigned char message[120] = "";
	PCRE2_SIZE at = 0;
	int code = 0;

	if (strlen(text) > PATTERN_MAX_BYTES) {
		say(ret_why, text_format("it is longer than %d bytes",
					 PATTERN_MAX_BYTES));
		return NULL;
	}
	pcre2_code *compiled = pcre2_compile(
		(PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_MULTILINE |
			PCRE2_NEVER_BACKSLASH_C,
		&code, &at, NULL);
	if (!compiled) {
		(void)pcre2_get_error_message(code, message, sizeof(message));
		say(ret_why, text_format("%s, at character %zu", (char *)message,
					 (size_t)at + 1));
		return NULL;
	}
	struct pattern *pattern = x_calloc(1, sizeof(*pattern));
	pattern->code = compiled;
	pattern->match = pcre2_match_data_create_from_pattern(compiled, NULL);
	pattern->limits = pcre2_match_context_create(NULL);
	if (!pattern->match || !pattern->limits)
		abort();
	(void)pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
	(void)pcre2_set_depth_limit(pattern->limits, DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT_KIB);
	return pattern;
}

void
pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_match_context_free(pattern->limits);
	pcre2_match_data_free(pattern->match);
	pcre2_code_free(pattern->code);
	free(pattern);
}

bool
pattern_finds(const struct pattern *pattern, const char *bytes, size_t n)
{
	return pcre2_match(pattern->code, (PCRE2_SPTR)bytes, n, 0, 0, pattern->match,
			   pattern->limits) >= 0;
}
