/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `fettle --help` prints, made of the tables of options.c. */
#include "base/base.h"

#include "cli/options.h"

static void
help_options(const struct out *out, uint32_t bits, struct str *str)
{
	AUTO(table) struct table table = { .columns = 2 };

	for (size_t i = 0; i < option_row_count; i++) {
		if (!(option_rows[i].bit & bits))
			continue;
		table_addf(&table, TONE_NAME, "%s%c%s --%s%s%s",
			   option_rows[i].letter ? "-" : " ",
			   option_rows[i].letter ? option_rows[i].letter : ' ',
			   option_rows[i].letter ? "," : " ", option_rows[i].name,
			   option_rows[i].value ? " " : "",
			   option_rows[i].value ? option_rows[i].value : "");
		table_add(&table, TONE_PLAIN, option_rows[i].help);
	}
	table_print(&table, out, str, 2);
}

static void
help_all(const struct out *out, struct str *str)
{
	AUTO(table) struct table table = { .columns = 2 };

	out_add(out, str, TONE_STRONG, "fettle");
	str_add(str, " repairs running services safely.\n\n"
		     "usage: fettle VERB [OPTION]... [ARGUMENT]...\n\nverbs\n");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		table_addf(&table, TONE_NAME, "%s%s%s", verb->name,
			   *verb->args ? " " : "", verb->args);
		table_add(&table, TONE_PLAIN, verb->summary);
	}
	table_print(&table, out, str, 2);
	str_add(str, "\noptions of some verbs\n");
	help_options(out, (uint32_t)~OPTION_COMMON, str);
	str_add(str, "\noptions of all verbs\n");
	help_options(out, OPTION_COMMON, str);
	str_add(str,
		"\nRUN is a run's id, the beginning of one, or `last` (the default).\n"
		"The manual is fettle(1). First steps, where a Compose file is:\n"
		"  fettle init\n"
		"  fettle plan \"repair missing dependency for the api service\"\n"
		"  fettle run  \"repair missing dependency for the api service\"\n");
}

static void
help_group(const char *group, struct str *str)
{
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (verb_word_in_group(verb, group))
			str_addf(str, "usage: fettle %s [OPTION]...%s%s\n  %s\n",
				 verb->name, *verb->args ? " " : "", verb->args,
				 verb->summary);
}

void
options_help(const struct out *out, const struct verb *verb, const char *group,
	     struct str *str)
{
	if (!verb && group) {
		help_group(group, str);
		return;
	}
	if (!verb) {
		help_all(out, str);
		return;
	}
	str_addf(str, "usage: fettle %s [OPTION]...%s%s\n\n%s\n", verb->name,
		 *verb->args ? " " : "", verb->args, verb->summary);
	if (verb->options) {
		str_addf(str, "\noptions of %s\n", verb->name);
		help_options(out, verb->options, str);
	}
	str_add(str, "\noptions of all verbs\n");
	help_options(out, OPTION_COMMON, str);
}
