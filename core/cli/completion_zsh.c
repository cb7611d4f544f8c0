/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The completion script for zsh. */
#include "base/base.h"

#include "cli/completion.h"

static void
zsh_source(struct str *out, const struct completion_source *source)
{
	if (source->ask)
		str_addf(out, "_fettle_ask %s; ", source->ask);
	if (source->files)
		str_add(out, "_files; ");
	if (source->directories)
		str_add(out, "_files -/; ");
}

/* `name:help`, in which a colon of the name would end it. */
static void
zsh_pair(struct str *out, const char *name, const char *help)
{
	AUTO_FREE char *pair = x_asprintf("%s:%s", name, help);

	str_add_c(out, ' ');
	completion_add_text(out, pair);
}

static void
zsh_verb_cases(struct str *out)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		const struct completion_source *source = completion_of_verb(verb);

		str_addf(out, "\t'%s') options=(", verb->name);
		for (size_t i = 0; i < option_row_count; i++) {
			AUTO_FREE char *name = x_asprintf("--%s", option_rows[i].name);

			if (completion_takes(verb, &option_rows[i]))
				zsh_pair(out, name, option_rows[i].help);
		}
		str_add(out, " ); ");
		if (source)
			zsh_source(out, source);
		str_add(out, ";;\n");
	}
}

static void
zsh_group_cases(struct str *out, const struct strv *first)
{
	for (size_t i = 0; i < first->count; i++) {
		if (!verb_is_group(first->v[i]))
			continue;
		str_addf(out, "\t'%s') verbs=(", first->v[i]);
		for (const struct verb *verb = verbs; verb->name; verb++)
			if (verb_word_in_group(verb, first->v[i]))
				zsh_pair(out, verb_word_in_group(verb, first->v[i]),
					 verb->summary);
		str_add(out, " ); _describe -t verbs verb verbs ;;\n");
	}
}

static void
zsh_first(struct str *out, const struct strv *first)
{
	for (size_t i = 0; i < first->count; i++) {
		struct err ignored;
		const struct verb *verb = verb_is_group(first->v[i]) ?
						  NULL :
						  verb_find(first->v[i], &ignored);

		zsh_pair(out, first->v[i], verb ? verb->summary : "more verbs");
	}
}

void
completion_zsh(struct str *out)
{
	AUTO(strv) struct strv first = STRV_INIT;

	completion_first_words(&first);
	str_add(out, "#compdef fettle\n"
		     "# zsh completion of fettle, made by `fettle completion zsh`\n"
		     "_fettle_ask() { local -a found; "
		     "found=(${(f)\"$(fettle completion $1 2>/dev/null)\"}); "
		     "compadd -a found; }\n"
		     "_fettle()\n{\n"
		     "\tlocal verb= word previous=$words[CURRENT-1]\n"
		     "\tlocal -a verbs options\n"
		     "\tinteger i\n"
		     "\tcase $previous in\n");
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const struct completion_source *source = completion_of_option(row);

		if (!row->value)
			continue;
		str_add(out, "\t");
		if (row->letter)
			str_addf(out, "-%c|", row->letter);
		str_addf(out, "--%s) ", row->name);
		if (source)
			zsh_source(out, source);
		str_add(out, "return ;;\n");
	}
	str_add(out, "\tesac\n"
		     "\tfor ((i = 2; i < CURRENT; i++)); do\n"
		     "\t\tword=$words[i]\n"
		     "\t\tcase $word in\n\t\t");
	completion_add_with_value(out);
	str_add(out, ") ((i++)) ;;\n"
		     "\t\t-*|help) ;;\n"
		     "\t\t*)\n"
		     "\t\t\tcase $verb in\n"
		     "\t\t\t'') verb=$word ;;\n\t\t\t");
	for (size_t i = 0, n = 0; i < first.count; i++)
		if (verb_is_group(first.v[i]))
			str_addf(out, "%s'%s'", n++ ? "|" : "", first.v[i]);
	str_add(out, ") verb=\"$verb $word\" ;;\n"
		     "\t\t\tesac\n\t\t\t;;\n"
		     "\t\tesac\n\tdone\n"
		     "\tcase $verb in\n"
		     "\t'') verbs=(");
	zsh_first(out, &first);
	str_add(out, " ); _describe -t verbs verb verbs ;;\n");
	zsh_group_cases(out, &first);
	zsh_verb_cases(out);
	str_add(out, "\tesac\n"
		     "\t(( $#options )) && _describe -o options option options\n"
		     "}\n"
		     "_fettle \"$@\"\n");
}
