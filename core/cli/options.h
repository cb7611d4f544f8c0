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
	OPTION_KIND = 1 << 10,
	OPTION_KEY = 1 << 11,
	OPTION_QUEUE = 1 << 12,
	OPTION_REASON = 1 << 13,
	OPTION_NO_WAIT = 1 << 14,
	OPTION_WORK = 1 << 15,
	OPTION_CANCEL = 1 << 16,
	OPTION_CURSOR = 1 << 17,
	OPTION_RETRY = 1 << 18,
	OPTION_SINCE = 1 << 19,
	OPTION_KEEP = 1 << 20,
	OPTION_DRY_RUN = 1 << 21,
	OPTION_REPLACE = 1 << 22,
	OPTION_APPROVAL = 1 << 23,
	OPTION_COMMENT = 1 << 24,
};
#define OPTION_ORDER (OPTION_PIPELINE | OPTION_SERVICE | OPTION_INPUT)

/* What an option takes, and so what its member of struct options is. */
enum option_type {
	TYPE_TEXT,	/* const char * */
	TYPE_SWITCH,	/* bool */
	TYPE_NUMBER,	/* uint64_t from min to max */
	TYPE_INPUT,	/* json_t *: KEY=VALUE, many times */
	TYPE_STATE,	/* const char *: a state of a run */
	TYPE_PRIORITY,	/* const char *: high or normal */
};

/* clang-format off */
struct option_row {
	char letter;		/* 0: none */
	const char *name, *value;	/* value NULL: a switch */
	uint32_t bit;
	enum option_type type;
	size_t offset;		/* in struct options */
	uint64_t min, max;
	const char *help;
};
/* clang-format on */
extern const struct option_row option_rows[];
extern const size_t option_row_count;
/* The words that --state and --priority take; NULL ends them. */
extern const char *const option_states[], *const option_priorities[];

struct verb {
	/* A name of two words, `plugin new`, belongs to the group of the first. */
	const char *name, *args, *summary;
	uint32_t options;
	size_t min_args, max_args;
	int (*call)(struct cli *cli);
};

/* Ends with a verb without a name. */
extern const struct verb verbs[];

/* NULL and an error that names the nearest verb. */
const struct verb *verb_find(const char *name, struct err *err);
/* What stands behind `GROUP ` in the name of a verb of two words, or NULL. */
const char *verb_word_in_group(const struct verb *verb, const char *group);
bool verb_is_group(const char *word);
/* A verb of two words that lacks its second (word NULL), or has one that is none; -1.
 */
int verb_refuse_in_group(const char *group, const char *word, struct err *err);

/*
 * Reads the command line into cli->options and cli->args. *ret_verb is NULL
 * when none was given. 0, or -1 `usage`.
 */
int options_parse(struct cli *cli, int argc, char **argv, const struct verb **ret_verb,
		  struct err *err);

/* Help for one verb, or a group of them, or everything (both NULL). */
void options_help(const struct out *out, const struct verb *verb, const char *group,
		  struct str *str);

#endif
