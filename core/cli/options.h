/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of verbs and options: parsing, usage and help come from them. */
#ifndef FETTLE_CLI_OPTIONS_H
#define FETTLE_CLI_OPTIONS_H

#include "cli/cli.h"

/* Options not every verb takes, as bits. */
enum option_bit {
	OPTION_PIPELINE = 1 << 0,
	OPTION_SERVICE = 1 << 1,
	OPTION_INPUT = 1 << 2,
	OPTION_FOLLOW = 1 << 3,
	OPTION_OUTPUT = 1 << 4,
	OPTION_STATE = 1 << 5,
	OPTION_LIMIT = 1 << 6,
	OPTION_OFFSET = 1 << 7,
	OPTION_COMMON = 1 << 8,
	OPTION_UNTIL = 1 << 9,
};
#define OPTION_ORDER (OPTION_PIPELINE | OPTION_SERVICE | OPTION_INPUT)

struct verb {
	const char *name, *args, *summary;
	uint32_t options;
	size_t min_args, max_args;
	int (*call)(struct cli *cli);
};

/* Ends with a verb without a name. */
extern const struct verb verbs[];

/* NULL and an error that names the nearest verb. */
const struct verb *verb_find(const char *name, struct err *err);

/*
 * Reads the command line into cli->options and cli->args. *ret_verb is NULL
 * when none was given. 0, or -1 `usage`.
 */
int options_parse(struct cli *cli, int argc, char **argv, const struct verb **ret_verb,
		  struct err *err);

/* Help for everything (verb NULL) or one verb. */
void options_help(const struct out *out, const struct verb *verb, struct str *str);

#endif
