/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the scripts for the shells are made of: the tables, and how to quote. */
#ifndef FETTLE_CLI_COMPLETION_H
#define FETTLE_CLI_COMPLETION_H

#include "cli/options.h"

/* What an argument or the value of an option is, by how the tables name it. */
struct completion_source {
	const char *option;	/* the option, or NULL: of any that is named so */
	const char *value;	/* its value, or a verb's argument */
	const char *ask;	/* what `fettle completion` lists, or NULL */
	bool files, directories;
};

/* Each may be NULL: nothing can be offered. */
const struct completion_source *
completion_of_option(const struct option_row *row);
const struct completion_source *completion_of_verb(const struct verb *verb);

/* The first words of all verbs, each once. */
void completion_first_words(struct strv *ret);
/* The option's name when the verb takes it, else NULL. */
const char *completion_takes(const struct verb *verb, const struct option_row *row);
/* A quotation that bash, zsh and fish all read as the text itself. */
void completion_add_text(struct str *out, const char *text);
/* Options whose value is the next word, as a pattern of bash and zsh. */
void completion_add_with_value(struct str *out);

void completion_bash(struct str *out);
void completion_zsh(struct str *out);
void completion_fish(struct str *out);

#endif
