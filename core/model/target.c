/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operator's sentence: whether it may be taken at all, and which service
 * it speaks of. Exact words only: guessing wrong would restart the wrong
 * service.
 */
#include "base/base.h"

#include "model/project.h"

#include "base/utf8.h"

#define MAX_INSTRUCTION_BYTES 8192u
#define MAX_NAMES_SHOWN 20u

#define WORD_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"

/* The known service a word stands for, or NULL. */
static const char *
find_known(const struct project *p, const struct strv *known, const char *word)
{
	for (size_t i = 0; i < known->count; i++)
		if (str_eq(known->v[i], word))
			return known->v[i];
	for (size_t i = 0; p != NULL && i < p->service_count; i++) {
		if (!strv_has(&p->services[i].aliases, word))
			continue;
		for (size_t j = 0; j < known->count; j++)
			if (str_eq(known->v[j], p->services[i].name))
				return known->v[j];
	}
	return NULL;
}

static void
list_names(struct str *out, const struct strv *names)
{
	for (size_t i = 0; i < names->count && i < MAX_NAMES_SHOWN; i++)
		str_addf(out, "%s%s", i > 0 ? ", " : "", names->v[i]);
	if (names->count > MAX_NAMES_SHOWN)
		str_addf(out, " and %zu more", names->count - MAX_NAMES_SHOWN);
}

static int
unknown_err(const struct strv *known, const struct strv *near, const char *what,
	    struct err *err)
{
	AUTO(str) struct str list = STR_INIT, text = STR_INIT;

	list_names(&list, known);
	str_add(&text, what);
	if (near->count > 0) {
		str_add(&text, ", did you mean ");
		list_names(&text, near);
		str_add(&text, "?");
	}
	if (known->count == 0)
		str_add(&text, "; the project has no services");
	else
		str_addf(&text, "; known services: %s", str_get(&list));
	err_set(err, "unknown_service", "%s", str_get(&text));
	return err_remedy(err, known->count == 0 ?
				       "add services to the compose file" :
				       "name the service with -s SERVICE; one of a "
				       "profile is known when `profiles:` under "
				       "`compose:` of fettle.yaml names that");
}

/* Characters of other scripts belong to words, their punctuation does not. */
static bool
is_word_point(uint32_t point)
{
	if (point < 0x80)
		return point != 0 && strchr(WORD_CHARS, (int)point) != NULL;
	return !(point < 0xC0 || (point >= 0x2000 && point <= 0x206F) ||
		 (point >= 0x3000 && point <= 0x303F) ||
		 (point >= 0xFF00 && point <= 0xFF0F));
}

/* All words of a sentence. */
static void
split_words(const char *text, struct strv *ret)
{
	size_t len = strlen(text), begin = 0;

	for (size_t i = 0, n; i <= len; i += n) {
		uint32_t point = 0;

		n = utf8_decode(text + i, len - i, &point);
		n = n > 0 ? n : 1;
		if (i < len && is_word_point(point))
			continue;
		if (i > begin)
			strv_add_n(ret, text + begin, i - begin);
		begin = i + n;
	}
}

/* `api.` at the end of a sentence is api; `api.v2` is itself. */
static const char *
find_word(const struct project *p, const struct strv *known, char *word)
{
	const char *found = find_known(p, known, word);
	size_t n = strlen(word);

	while (found == NULL && n > 1 && strchr(".-_", word[n - 1]) != NULL) {
		word[--n] = 0;
		found = find_known(p, known, word);
	}
	return found;
}

static void
add_once(struct strv *list, const char *word)
{
	if (word != NULL && !strv_has(list, word))
		strv_add(list, word);
}

static const char *
find_wanted(const struct project *p, const struct strv *known, const char *wanted,
	    struct err *err)
{
	const char *found = find_known(p, known, wanted);
	AUTO(strv) struct strv near = STRV_INIT;
	AUTO_FREE char *what = NULL;

	if (found != NULL)
		return found;
	add_once(&near, strv_nearest(known, wanted));
	what = x_asprintf("there is no service '%.80s'", wanted);
	unknown_err(known, &near, what, err);
	return NULL;
}

const char *
project_target(const struct project *p, const struct strv *known, const char *wanted,
	       const char *instruction, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT, found = STRV_INIT, near = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;

	if (wanted != NULL && wanted[0] != 0)
		return find_wanted(p, known, wanted, err);
	split_words(instruction != NULL ? instruction : "", &words);
	for (size_t i = 0; i < words.count; i++) {
		const char *service = find_word(p, known, words.v[i]);

		add_once(&found, service);
		if (service == NULL && strlen(words.v[i]) > 2)
			add_once(&near, strv_nearest(known, words.v[i]));
	}
	if (found.count == 1)
		return find_known(NULL, known, found.v[0]);
	if (found.count == 0) {
		unknown_err(known, &near,
			    words.count > 0 ? "the instruction names no service"
					    : "no service is named",
			    err);
		return NULL;
	}
	list_names(&list, &found);
	err_set(err, "ambiguous_service", "the instruction names several services: %s",
		str_get(&list));
	err_remedy(err, "say which one is to be repaired with -s SERVICE");
	return NULL;
}

int
project_check_spelling(const struct project *p, const struct strv *known,
		       const char *service, struct err *err)
{
	AUTO(strv) struct strv strange = STRV_INIT;
	const char *near;

	if (project_find_service(p, service) != NULL)
		return 0;
	for (size_t i = 0; i < p->service_count; i++)
		if (!strv_has(known, p->services[i].name))
			strv_add(&strange, p->services[i].name);
	near = strv_nearest(&strange, service);
	if (near == NULL)
		return 0;
	err_set(err, "service.misspelt",
		"'%s' does not name service '%s', and names '%s', which the Compose "
		"project does not have",
		p->file, service, near);
	return err_remedy(err,
			  "write '%s' there; if both are meant, add '%s:' under "
			  "'services:'",
			  service, service);
}

int
project_check_named(const struct project *p, const char *service, const char *rule,
		    struct err *err)
{
	AUTO(strv) struct strv named = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;

	if (project_find_service(p, service) != NULL)
		return 0;
	for (size_t i = 0; i < p->service_count; i++)
		strv_add(&named, p->services[i].name);
	list_names(&list, &named);
	err_set(err, "policy.service",
		"service '%s' may not be repaired: it is not named in '%s', and "
		"'" ONLY_NAMED "' of '%s' asks for that; named there: %s",
		service, p->file, rule, named.count > 0 ? str_get(&list) : "none");
	return err_remedy(err,
			  "name it under 'services:' of '%s' if it is to be repaired "
			  "by Fettle",
			  p->file);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *
find_fault(const char *text, size_t len)
{
	if (len == 0)
		return "it is blank";
	if (len > MAX_INSTRUCTION_BYTES)
		return "it is longer than 8 KiB";
	for (size_t i = 0, n; i < len; i += n) {
		uint32_t point;

		n = utf8_decode(text + i, len - i, &point);
		if (n == 0)
			return "it is not UTF-8";
		if ((point < 0x20 && point != '\n' && point != '\t') ||
		    (point >= 0x7F && point < 0xA0))
			return "it has a control character";
	}
	return NULL;
}

char *
instruction_check(const char *text, struct err *err)
{
	size_t len = strlen(text);
	const char *fault;

	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	fault = find_fault(text, len);
	if (fault == NULL)
		return x_strndup(text, len);
	err_set(err, "invalid_instruction", "the instruction cannot be taken: %s",
		fault);
	err_remedy(err, "say in a sentence what is wrong, such as \"repair missing "
			"dependency for the api service\"");
	return NULL;
}
