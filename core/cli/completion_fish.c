/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The completion script for fish. */
#include "base/base.h"

#include "cli/completion.h"

static void
fish_source(struct str *out, const struct completion_source *source)
{
	if (source && source->ask)
		str_addf(out, " -a '(fettle completion %s 2>/dev/null)'", source->ask);
	if (source && source->directories)
		str_add(out, " -a '(__fish_complete_directories)'");
	if (source && source->files)
		str_add(out, " -F");
}

static void
fish_verb(struct str *out, const struct verb *verb)
{
	AUTO_FREE char *group = x_strndup(verb->name, strcspn(verb->name, " "));
	const char *second = verb_word_in_group(verb, group);
	const struct completion_source *source = completion_of_verb(verb);

	str_add(out, "complete -c fettle -n '");
	if (second)
		str_addf(out, "__fettle_at %s' -a %s -d ", group, second);
	else
		str_addf(out, "__fettle_at' -a %s -d ", verb->name);
	completion_add_text(out, verb->summary);
	str_add_c(out, '\n');
	if (!source)
		return;
	str_addf(out, "complete -c fettle -n '__fettle_in %s'", verb->name);
	fish_source(out, source);
	str_add_c(out, '\n');
}

static void
fish_option(struct str *out, const struct option_row *row)
{
	str_add(out, "complete -c fettle");
	if (row->bit != OPTION_COMMON) {
		str_add(out, " -n '");
		for (const struct verb *verb = verbs, *before = NULL; verb->name;
		     verb++) {
			if (!(verb->options & row->bit))
				continue;
			str_addf(out, "%s__fettle_in %s", before ? "; or " : "",
				 verb->name);
			before = verb;
		}
		str_add_c(out, '\'');
	}
	if (row->letter)
		str_addf(out, " -s %c", row->letter);
	str_addf(out, " -l %s%s", row->name, row->value ? " -r" : "");
	fish_source(out, completion_of_option(row));
	str_add(out, " -d ");
	completion_add_text(out, row->help);
	str_add_c(out, '\n');
}

void
completion_fish(struct str *out)
{
	AUTO(strv) struct strv first = STRV_INIT;

	completion_first_words(&first);
	str_add(out, "# fish completion of fettle, made by `fettle completion fish`\n"
		     "function __fettle_words\n"
		     "    for word in (commandline -opc)[2..-1]\n"
		     "        string match -q -- '-*' $word; or echo $word\n"
		     "    end\n"
		     "end\n"
		     "# True when the words so far are exactly these.\n"
		     "function __fettle_at\n"
		     "    test (string join ' ' (__fettle_words)) = (string join ' ' "
		     "$argv)\n"
		     "end\n"
		     "# True when the words so far begin with these.\n"
		     "function __fettle_in\n"
		     "    string match -q -- (string join ' ' $argv)' *' "
		     "(string join ' ' (__fettle_words))' '\n"
		     "end\n"
		     "complete -c fettle -f\n");
	for (size_t i = 0; i < first.count; i++)
		if (verb_is_group(first.v[i]))
			str_addf(out,
				 "complete -c fettle -n '__fettle_at' -a %s "
				 "-d 'more verbs'\n",
				 first.v[i]);
	for (const struct verb *verb = verbs; verb->name; verb++)
		fish_verb(out, verb);
	for (size_t i = 0; i < option_row_count; i++)
		fish_option(out, &option_rows[i]);
}
