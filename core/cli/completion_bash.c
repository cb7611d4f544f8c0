/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The completion script for bash. */
#include "base/base.h"

#include "cli/completion.h"

static void
add_words(struct str *out, const struct strv *words)
{
	for (size_t i = 0; i < words->count; i++)
		str_addf(out, "%s%s", i ? " " : "", words->v[i]);
}

static void
bash_source(struct str *out, const struct completion_source *source)
{
	if (source->ask)
		str_addf(out, "_fettle_ask %s; ", source->ask);
	if (source->files)
		str_add(out, "_fettle_files; ");
	if (source->directories)
		str_add(out, "_fettle_directories; ");
}

static void
bash_value_cases(struct str *out)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const struct completion_source *source = completion_of_option(row);

		if (!row->value)
			continue;
		str_add(out, "\t");
		if (row->letter)
			str_addf(out, "-%c | ", row->letter);
		str_addf(out, "--%s) ", row->name);
		if (source)
			bash_source(out, source);
		str_add(out, "return ;;\n");
	}
}

static void
bash_verb_cases(struct str *out)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		const struct completion_source *source = completion_of_verb(verb);

		str_addf(out, "\t'%s') options='", verb->name);
		for (size_t i = 0; i < option_row_count; i++)
			if (completion_takes(verb, &option_rows[i]))
				str_addf(out, "--%s ", option_rows[i].name);
		str_truncate(out, out->len - 1);
		str_add(out, "'; ");
		if (source) {
			str_add(out, "[[ $cur == -* ]] || { ");
			bash_source(out, source);
			str_add(out, "}; ");
		}
		str_add(out, ";;\n");
	}
}

static void
bash_group_cases(struct str *out, const struct strv *first)
{
	for (size_t i = 0; i < first->count; i++) {
		if (!verb_is_group(first->v[i]))
			continue;
		str_addf(out, "\t'%s') _fettle_words '", first->v[i]);
		for (const struct verb *verb = verbs; verb->name; verb++)
			if (verb_word_in_group(verb, first->v[i]))
				str_addf(out, "%s ",
					 verb_word_in_group(verb, first->v[i]));
		str_truncate(out, out->len - 1);
		str_add(out, "' ;;\n");
	}
}

void
completion_bash(struct str *out)
{
	AUTO(strv) struct strv first = STRV_INIT;

	completion_first_words(&first);
	str_add(out,
		"# bash completion of fettle, made by `fettle completion bash`\n"
		"_fettle_words() { COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\")); }\n"
		"_fettle_ask() { _fettle_words \"$(fettle completion \"$1\" "
		"2>/dev/null)\"; }\n"
		"_fettle_files() { compopt -o filenames 2>/dev/null; "
		"local IFS=$'\\n'; COMPREPLY+=($(compgen -f -- \"$cur\")); }\n"
		"_fettle_directories() { compopt -o filenames 2>/dev/null; "
		"local IFS=$'\\n'; COMPREPLY+=($(compgen -d -- \"$cur\")); }\n"
		"_fettle()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
		"prev=${COMP_WORDS[COMP_CWORD-1]} verb= options= word i\n"
		"\tCOMPREPLY=()\n"
		"\tif [[ $cur == = ]]; then cur=; "
		"elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
		"\tcase $prev in\n");
	bash_value_cases(out);
	str_add(out, "\tesac\n"
		     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "\t\tword=${COMP_WORDS[i]}\n"
		     "\t\tcase $word in\n\t\t");
	completion_add_with_value(out);
	str_add(out, ") ((i++)); "
		     "[[ ${COMP_WORDS[i]} != = ]] || ((i++)) ;;\n"
		     "\t\t-* | help) ;;\n"
		     "\t\t*)\n"
		     "\t\t\tcase $verb in\n"
		     "\t\t\t'') verb=$word ;;\n\t\t\t");
	for (size_t i = 0, n = 0; i < first.count; i++)
		if (verb_is_group(first.v[i]))
			str_addf(out, "%s'%s'", n++ ? " | " : "", first.v[i]);
	str_add(out, ") verb=\"$verb $word\" ;;\n"
		     "\t\t\tesac\n\t\t\t;;\n"
		     "\t\tesac\n\tdone\n"
		     "\tcase $verb in\n"
		     "\t'') options='--help --version'; "
		     "[[ $cur == -* ]] || _fettle_words '");
	add_words(out, &first);
	str_add(out, " help' ;;\n");
	bash_group_cases(out, &first);
	bash_verb_cases(out);
	str_add(out, "\tesac\n"
		     "\t[[ $cur != -* ]] || _fettle_words \"$options\"\n"
		     "}\n"
		     "complete -F _fettle fettle\n");
}
