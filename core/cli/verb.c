/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding a verb in the table, and what to say when there is none of that name. */
#include "base/base.h"

#include "cli/options.h"

const char *
verb_word_in_group(const struct verb *verb, const char *group)
{
	size_t n = strlen(group);

	return str_starts(verb->name, group) && verb->name[n] == ' ' ?
		       verb->name + n + 1 :
		       NULL;
}

bool
verb_is_group(const char *word)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (verb_word_in_group(verb, word))
			return true;
	return false;
}

int
verb_refuse_in_group(const char *group, const char *word, struct err *err)
{
	AUTO(strv) struct strv words = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;
	const char *near;

	for (const struct verb *verb = verbs; verb->name; verb++) {
		const char *known = verb_word_in_group(verb, group);

		if (!known)
			continue;
		str_addf(&list, "%s%s", words.count ? ", " : "", known);
		strv_add(&words, known);
	}
	near = word ? strv_nearest(&words, word) : NULL;
	if (word)
		(void)err_set(err, "usage", "'%s %s' is no verb of fettle", group,
			      word);
	else
		(void)err_set(err, "usage", "`fettle %s` needs a second word", group);
	return err_remedy(err, "%s%s%s`fettle %s` goes on with %s",
			  near ? "did you mean `" : "", near ? near : "",
			  near ? "`? " : "", group, str_get(&list));
}

const struct verb *
verb_find(const char *name, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	const char *near;

	for (const struct verb *verb = verbs; verb->name; verb++) {
		size_t n = strcspn(verb->name, " ");

		if (str_eq(verb->name, name))
			return verb;
		strv_add_n(&names, verb->name, n);
	}
	near = strv_nearest(&names, name);
	(void)err_set(err, "usage", "'%s' is no verb of fettle", name);
	if (near)
		(void)err_remedy(
			err,
			"did you mean `fettle %s`? `fettle --help` lists all verbs",
			near);
	else
		(void)err_remedy(err, "`fettle --help` lists all verbs");
	return NULL;
}
