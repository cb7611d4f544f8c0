/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The completion scripts: one plan for all shells. It is made of functions that
 * choose by their argument, and of words that offer something and look the same in
 * every shell; how a choice is written, what the words do and how the line so far is
 * read, is the dialect of the shell.
 */
#include "base/base.h"

#include "cli/completion.h"

struct dialect {
	const char *shell;
	const char *mark; /* what its first line has to be, or "" */
	/* _fettle_ask, _fettle_files, _fettle_directories offer what they say;
	   _fettle_words and _fettle_options `NAME:HELP`, options to a dash only. */
	const char *offers;
	const char *open_before, *open; /* around the name of a function that chooses */
	const char *choice, *either, *then, *next, *any; /* its choices */
	const char *close;
	/* Finds the option that waits for its value, else the verb, and calls
	   _fettle_value or _fettle_verb with it. */
	const char *line;
};

/* What bash and zsh have in common. */
#define SH_CHOICES                                                                     \
	.open_before = "", .open = "()\n{\n\tcase $1 in\n", .choice = "\t",            \
	.either = " | ", .then = ") ", .next = " ;;\n", .any = "*",                    \
	.close = "\tesac\n}\n"
#define SH_READ                                                                        \
	"\t\tif [[ $word == = ]]; then continue\n"                                     \
	"\t\telif [[ -n $option ]]; then option=\n"                                    \
	"\t\telif _fettle_takes_value \"$word\"; then option=$word\n"                  \
	"\t\telif [[ $word == -* || $word == help ]]; then continue\n"                 \
	"\t\telif [[ -z $verb ]]; then verb=$word\n"                                   \
	"\t\telif _fettle_is_group \"$verb\"; then verb=\"$verb $word\"\n"             \
	"\t\tfi\n"                                                                     \
	"\tdone\n"                                                                     \
	"\tif [[ -n $option ]]; then _fettle_value \"$option\"; "                      \
	"else _fettle_verb \"$verb\"; _fettle_common; fi\n"                            \
	"}\n"

static const struct dialect bash = {
	.shell = "bash",
	.mark = "",
	.offers = "_fettle_any() { COMPREPLY+=($(compgen -W \"$1\" -- \"$cur\")); }\n"
		  "_fettle_ask() { _fettle_any \"$(fettle completion \"$1\" "
		  "2>/dev/null)\"; }\n"
		  "_fettle_words() { local IFS=$' \\n'; _fettle_any \"${*%%:*}\"; }\n"
		  "_fettle_options() { [[ $cur != -* ]] || _fettle_words \"$@\"; }\n"
		  "_fettle_paths() { compopt -o filenames 2>/dev/null; "
		  "local IFS=$'\\n'; COMPREPLY+=($(compgen \"$1\" -- \"$cur\")); }\n"
		  "_fettle_files() { _fettle_paths -f; }\n"
		  "_fettle_directories() { _fettle_paths -d; }\n",
	SH_CHOICES,
	.line = "_fettle()\n{\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb= option= word\n"
		"\tCOMPREPLY=()\n"
		"\t[[ $cur != = ]] || cur=\n"
		"\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" SH_READ
		"complete -F _fettle fettle\n",
};

static const struct dialect zsh = {
	.shell = "zsh",
	.mark = "#compdef fettle\n",
	.offers = "_fettle_ask() { local -a found; "
		  "found=(${(f)\"$(fettle completion $1 2>/dev/null)\"}); "
		  "compadd -a found; }\n"
		  "_fettle_words() { local -a found; found=(\"$@\"); "
		  "_describe -t verbs verb found; }\n"
		  "_fettle_options() { local -a found; found=(\"$@\"); "
		  "_describe -o option found; }\n"
		  "_fettle_files() { _files; }\n"
		  "_fettle_directories() { _files -/; }\n",
	SH_CHOICES,
	.line = "_fettle()\n{\n"
		"\tlocal verb= option= word\n"
		"\tlocal -a before\n"
		"\tbefore=(\"${(@)words[2,CURRENT-1]}\")\n"
		"\tif [[ $PREFIX == --*=* ]]; then\n"
		"\t\tbefore+=(${PREFIX%%=*})\n"
		"\t\tcompset -P '*='\n"
		"\tfi\n"
		"\tfor word in \"${before[@]}\"; do\n" SH_READ "_fettle \"$@\"\n",
};

static const struct dialect fish = {
	.shell = "fish",
	.mark = "",
	.offers = "function _fettle_ask; fettle completion $argv[1] 2>/dev/null; end\n"
		  "function _fettle_words; string replace : \\t -- $argv; end\n"
		  "function _fettle_options; "
		  "string match -q -- '-*' (commandline -ct); "
		  "and _fettle_words $argv; end\n"
		  "function _fettle_files; "
		  "__fish_complete_path (commandline -ct | string replace -r '^--.*?=' "
		  "''); end\n"
		  "function _fettle_directories; "
		  "__fish_complete_directories (commandline -ct | "
		  "string replace -r '^--.*?=' '') ''; end\n",
	.open_before = "function ",
	.open = "\n    switch \"$argv[1]\"\n",
	.choice = "    case ",
	.either = " ",
	.then = "\n        ",
	.next = "\n",
	.any = "'*'",
	.close = "    end\nend\n",
	.line = "function _fettle\n"
		"    set -l verb ''\n"
		"    set -l option ''\n"
		"    for word in (commandline -opc)[2..-1]\n"
		"        if test -n \"$option\"\n"
		"            set option ''\n"
		"        else if _fettle_takes_value $word\n"
		"            set option $word\n"
		"        else if string match -qr '^-|^help$' -- $word\n"
		"            continue\n"
		"        else if test -z \"$verb\"\n"
		"            set verb $word\n"
		"        else if _fettle_is_group $verb\n"
		"            set verb \"$verb $word\"\n"
		"        end\n"
		"    end\n"
		"    set -l begun (commandline -ct | string match -r '^(--.*?)=')\n"
		"    if test -n \"$begun\"\n"
		"        _fettle_value $begun[2] | string replace -r '^' -- $begun[1]\n"
		"    else if test -n \"$option\"\n"
		"        _fettle_value $option\n"
		"    else\n"
		"        _fettle_verb $verb\n"
		"        _fettle_common\n"
		"    end\n"
		"end\n"
		"complete -c fettle -f -a '(_fettle)'\n",
};

static const struct dialect *const dialects[] = { &bash, &zsh, &fish };

/* ---- the plan ------------------------------------------------------------ */

static void
open_choices(const struct dialect *in, const char *name, struct str *out)
{
	str_addf(out, "%s%s%s", in->open_before, name, in->open);
}

/* The end of a function that says yes to its one choice, and no to all else. */
static void
close_yes_or_no(const struct dialect *in, struct str *out)
{
	str_addf(out, "%strue%s", in->then, in->next);
	str_addf(out, "%s%s%sfalse%s", in->choice, in->any, in->then, in->next);
	str_add(out, in->close);
}

static void
open_choice(const struct dialect *in, const char *word, struct str *out)
{
	str_addf(out, "%s'%s'%s", in->choice, word, in->then);
}

/* ` 'NAME:HELP'`: a quotation that all of them read as the text itself. */
static void
add_word(const char *name, const char *help, struct str *out)
{
	str_addf(out, " '%s:", name);
	for (; *help; help++)
		str_add_c(out, *help == '\'' ? '`' : *help);
	str_add_c(out, '\'');
}

static void
add_options(uint32_t bits, struct str *out)
{
	if (!bits)
		return;
	str_add(out, "_fettle_options");
	for (size_t i = 0; i < option_row_count; i++) {
		AUTO_FREE char *name = x_asprintf("--%s", option_rows[i].name);

		if (option_rows[i].bit & bits)
			add_word(name, option_rows[i].help, out);
	}
	str_add(out, "; ");
}

static void
add_source(const struct completion_source *source, struct str *out)
{
	if (source && source->ask)
		str_addf(out, "_fettle_ask %s; ", source->ask);
	if (source && source->files)
		str_add(out, "_fettle_files; ");
	if (source && source->directories)
		str_add(out, "_fettle_directories; ");
}

static void
add_names(const struct dialect *in, const struct option_row *row, struct str *out)
{
	if (row->letter)
		str_addf(out, "-%c%s", row->letter, in->either);
	str_addf(out, "--%s", row->name);
}

static void
add_takes_value(const struct dialect *in, struct str *out)
{
	const char *between = in->choice;

	open_choices(in, "_fettle_takes_value", out);
	for (size_t i = 0; i < option_row_count; i++) {
		if (!option_rows[i].value)
			continue;
		str_add(out, between);
		add_names(in, &option_rows[i], out);
		between = in->either;
	}
	close_yes_or_no(in, out);
}

static void
add_is_group(const struct dialect *in, const struct strv *first, struct str *out)
{
	const char *between = in->choice;

	open_choices(in, "_fettle_is_group", out);
	for (size_t i = 0; i < first->count; i++) {
		if (!verb_is_group(first->v[i]))
			continue;
		str_addf(out, "%s'%s'", between, first->v[i]);
		between = in->either;
	}
	close_yes_or_no(in, out);
}

static void
add_value(const struct dialect *in, struct str *out)
{
	open_choices(in, "_fettle_value", out);
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (!completion_of_option(row))
			continue;
		str_add(out, in->choice);
		add_names(in, row, out);
		str_add(out, in->then);
		add_source(completion_of_option(row), out);
		str_add(out, in->next);
	}
	str_add(out, in->close);
}

static void
add_first_words(const struct strv *first, struct str *out)
{
	str_add(out, "_fettle_words");
	for (size_t i = 0; i < first->count; i++) {
		struct err ignored;
		const struct verb *verb = verb_is_group(first->v[i]) ?
						  NULL :
						  verb_find(first->v[i], &ignored);

		add_word(first->v[i], verb ? verb->summary : "more verbs", out);
	}
	add_word("help", "what a verb does", out);
	str_add(out, "; ");
}

static void
add_second_words(const char *group, struct str *out)
{
	str_add(out, "_fettle_words");
	for (const struct verb *verb = verbs; verb->name; verb++)
		if (verb_word_in_group(verb, group))
			add_word(verb_word_in_group(verb, group), verb->summary, out);
	str_add(out, "; ");
}

static void
add_verb(const struct dialect *in, const struct strv *first, struct str *out)
{
	open_choices(in, "_fettle_verb", out);
	open_choice(in, "", out);
	add_first_words(first, out);
	str_add(out, in->next);
	for (size_t i = 0; i < first->count; i++) {
		if (!verb_is_group(first->v[i]))
			continue;
		open_choice(in, first->v[i], out);
		add_second_words(first->v[i], out);
		str_add(out, in->next);
	}
	for (const struct verb *verb = verbs; verb->name; verb++) {
		open_choice(in, verb->name, out);
		add_options(verb->options & ~(uint32_t)OPTION_COMMON, out);
		add_source(completion_of_verb(verb), out);
		str_add(out, in->next);
	}
	str_add(out, in->close);
}

static void
add_common(const struct dialect *in, struct str *out)
{
	open_choices(in, "_fettle_common", out);
	str_addf(out, "%s%s%s", in->choice, in->any, in->then);
	add_options(OPTION_COMMON, out);
	str_addf(out, "%s%s", in->next, in->close);
}

bool
completion_script(const char *shell, struct str *out)
{
	AUTO(strv) struct strv first = STRV_INIT;
	const struct dialect *in = NULL;

	for (size_t i = 0; i < ARRAY_LEN(dialects); i++)
		if (str_eq(dialects[i]->shell, shell))
			in = dialects[i];
	if (!in)
		return false;
	for (const struct verb *verb = verbs; verb->name; verb++) {
		AUTO_FREE char *word =
			x_strndup(verb->name, strcspn(verb->name, " "));

		if (!strv_has(&first, word))
			strv_add(&first, word);
	}
	str_addf(out, "%s# %s completion of fettle, made by `fettle completion %s`\n%s",
		 in->mark, shell, shell, in->offers);
	add_takes_value(in, out);
	add_is_group(in, &first, out);
	add_value(in, out);
	add_verb(in, &first, out);
	add_common(in, out);
	str_add(out, in->line);
	return true;
}
