/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the scripts for the shells are made of, beside the tables of the parser. */
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

/* The script for a shell, added to `out`; false: there is none for it. */
bool completion_script(const char *shell, struct str *out);

#endif
