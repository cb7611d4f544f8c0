/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Versions of Python packages, as far as ordering what pip lists needs it (PEP 440). */
#include <ctype.h>
#include <stdint.h>

#include "plugins/analyze/requirement.h"

#define RELEASE_PARTS 8

enum phase {
	PHASE_DEV,
	PHASE_ALPHA,
	PHASE_BETA,
	PHASE_CANDIDATE,
	PHASE_FINAL,
	PHASE_POST
};

struct version {
	uint64_t epoch, release[RELEASE_PARTS], number; /* number: of the phase */
	enum phase phase;
};

static uint64_t
number_take(const char **s)
{
	uint64_t n = 0;

	while (isdigit((unsigned char)**s)) {
		n = n > UINT64_MAX / 20 ? UINT64_MAX / 20 :
					  n * 10 + (uint64_t)(**s - '0');
		(*s)++;
	}
	return n;
}

static bool
phase_take(const char **s, enum phase *ret)
{
	static const struct {
		const char *word;
		enum phase phase;
	} words[] = {
		{ "alpha", PHASE_ALPHA },
		{ "beta", PHASE_BETA },
		{ "preview", PHASE_CANDIDATE },
		{ "post", PHASE_POST },
		{ "pre", PHASE_CANDIDATE },
		{ "dev", PHASE_DEV },
		{ "rc", PHASE_CANDIDATE },
		{ "a", PHASE_ALPHA },
		{ "b", PHASE_BETA },
		{ "c", PHASE_CANDIDATE },
	};

	*s += strspn(*s, ".-_");
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (strncasecmp(*s, words[i].word, strlen(words[i].word)) != 0)
			continue;
		*s += strlen(words[i].word);
		*s += strspn(*s, ".-_");
		*ret = words[i].phase;
		return true;
	}
	return false;
}

/* False when it is no version. A local part (`+cu118`) does not count. */
static bool
version_parse(const char *s, struct version *ret)
{
	struct version v = { .phase = PHASE_FINAL };
	size_t parts = 0;

	s += *s == 'v';
	if (!isdigit((unsigned char)*s))
		return false;
	for (;;) {
		uint64_t n = number_take(&s);

		if (*s == '!' && parts == 0)
			v.epoch = n;
		else if (parts < RELEASE_PARTS)
			v.release[parts++] = n;
		if ((*s != '.' && *s != '!') || !isdigit((unsigned char)s[1]))
			break;
		s++;
	}
	if (phase_take(&s, &v.phase))
		v.number = number_take(&s);
	*ret = v;
	return true;
}

static int
number_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* <0, 0, >0 by PEP 440, as far as releases, pre-releases and post-releases go. */
static int
compare(const char *a, const char *b)
{
	struct version x = { 0 }, y = { 0 };
	int order;

	(void)version_parse(a, &x);
	(void)version_parse(b, &y);
	order = number_compare(x.epoch, y.epoch);
	for (size_t i = 0; order == 0 && i < RELEASE_PARTS; i++)
		order = number_compare(x.release[i], y.release[i]);
	if (order == 0)
		order = (int)x.phase - (int)y.phase;
	return order ? order : number_compare(x.number, y.number);
}

char *
version_newest(const char *list)
{
	AUTO_FREE char *newest = NULL;
	bool newest_is_final = false;

	while (*list) {
		size_t begin = strspn(list, ", \t"),
		       len = strcspn(list + begin, ", \t");
		AUTO_FREE char *one = text_copy_n(list + begin, len);
		struct version v;

		list += begin + len;
		if (!version_parse(one, &v))
			continue;
		bool is_final = v.phase >= PHASE_FINAL;
		if (newest &&
		    (newest_is_final > is_final || (newest_is_final == is_final &&
						    compare(one, newest) <= 0)))
			continue;
		free(newest);
		newest = STEAL(one);
		newest_is_final = is_final;
	}
	return STEAL(newest);
}
