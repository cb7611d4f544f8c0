/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* See options.h. */
#include "base/base.h"

#include "cli/options.h"

#include <stddef.h>

#include "base/num.h"

#define ANY_COUNT ((size_t)-1)

/* clang-format off */
const struct verb verbs[] = {
	{ "init", "", "write a fettle.yaml for the Compose project that is here",
	  0, 0, 0, verb_init },
	{ "check", "[INSTRUCTION]", "read and check project and pipeline; run nothing",
	  OPTION_ORDER, 0, ANY_COUNT, verb_check },
	{ "plan", "[INSTRUCTION]", "show what a run would do, up to the first change",
	  OPTION_ORDER, 0, ANY_COUNT, verb_plan },
	{ "run", "[INSTRUCTION]", "carry out a pipeline; put all back when it fails",
	  OPTION_ORDER | OPTION_UNTIL | OPTION_QUEUE, 0, ANY_COUNT, verb_run },
	{ "runs", "", "list runs, newest first",
	  OPTION_SERVICE | OPTION_STATE | OPTION_LIMIT | OPTION_OFFSET |
	  OPTION_CURSOR, 0, 0, verb_runs },
	{ "show", "[RUN]", "one run: outcome, cause, changes, steps, artifacts",
	  0, 0, 1, verb_show },
	{ "logs", "[RUN [STEP]]", "what the steps of a run printed",
	  OPTION_FOLLOW, 0, 2, verb_logs },
	{ "diff", "[RUN]", "the file changes of a run as a unified diff",
	  0, 0, 1, verb_diff },
	{ "artifacts", "[RUN [NAME]]", "list the stored files of a run, or print one",
	  OPTION_OUTPUT, 0, 2, verb_artifacts },
	{ "cancel", "RUN...", "end runs that are going on or wait; put all back",
	  OPTION_REASON | OPTION_NO_WAIT, 1, ANY_COUNT, verb_cancel },
	{ "work", "", "carry out the runs of the queue",
	  OPTION_WORK, 0, 0, verb_work },
	{ "workers", "", "list the workers there are, and what they do",
	  0, 0, 0, verb_workers },
	{ "pause", "", "let no run begin any more, until `fettle resume`",
	  OPTION_REASON | OPTION_CANCEL, 0, 0, verb_pause },
	{ "resume", "", "let runs begin again",
	  0, 0, 0, verb_resume },
	{ "rollback", "RUN", "put back what still stands of a run, by a run of its own",
	  OPTION_REASON, 1, 1, verb_rollback },
	{ "retry", "RUN", "try a failed run again from where it failed",
	  OPTION_RETRY, 1, 1, verb_retry },
	{ "approve", "RUN", "look at what a run waits for, and agree to it",
	  OPTION_APPROVAL | OPTION_COMMENT | OPTION_NO_WAIT, 1, 1, verb_approve },
	{ "reject", "RUN", "say no to what a run waits for",
	  OPTION_APPROVAL | OPTION_REASON, 1, 1, verb_reject },
	{ "plugins", "[NAME]", "list step types and policies, or explain one",
	  0, 0, 1, verb_plugins },
	{ "plugin new", "NAME", "write the source of a module of your own",
	  OPTION_KIND, 1, 1, verb_plugin_new },
	{ "plugin check", "FILE...", "have the loader look at modules",
	  0, 1, ANY_COUNT, verb_plugin_check },
	{ "schema pipeline", "", "the JSON Schema of a pipeline and its modules",
	  0, 0, 0, verb_schema_pipeline },
	{ "schema project", "", "the JSON Schema of fettle.yaml",
	  0, 0, 0, verb_schema_project },
	{ "audit verify", "[FILE]", "prove that nothing of the log was changed or lost",
	  OPTION_KEY, 0, 1, verb_audit_verify },
	{ "audit export", "[RUN]", "the log as lines of JSON, for whoever keeps proof",
	  OPTION_OUTPUT, 0, 1, verb_audit_export },
	{ "audit key", "", "the public key that the log is signed with",
	  0, 0, 0, verb_audit_key },
	{ "stats", "", "what automation saved: runs, times, commands",
	  OPTION_SINCE, 0, 0, verb_stats },
	{ "store status", "", "size, runs and integrity of the store",
	  0, 0, 0, verb_store_status },
	{ "store verify", "", "prove that chains and stored files are whole",
	  0, 0, 0, verb_store_verify },
	{ "store backup", "DIR", "copy the store while others work",
	  0, 1, 1, verb_store_backup },
	{ "store restore", "DIR", "make the store what a backup says",
	  OPTION_REPLACE, 1, 1, verb_store_restore },
	{ "store gc", "", "remove artifacts and file contents nobody needs",
	  OPTION_KEEP | OPTION_DRY_RUN, 0, 0, verb_store_gc },
	{ "store rebuild", "", "derive all tables from the events again",
	  0, 0, 0, verb_store_rebuild },
	{ "completion", "SHELL", "print what completes commands: for bash, zsh, fish",
	  0, 1, 1, verb_completion },
	{ "policy test", "FILE...", "compare a policy's verdicts with a table of them",
	  0, 1, ANY_COUNT, verb_policy_test },
	{ "policy replay", "[RUN]", "judge past runs by today's policies",
	  OPTION_LIMIT, 0, 1, verb_policy_replay },
	{ "doctor", "", "check this machine and look for unfinished runs",
	  0, 0, 0, verb_doctor },
	{ NULL },
};

#define MEMBER(type, member) TYPE_##type, offsetof(struct options, member), 0, 0
#define TEXT(member) MEMBER(TEXT, member)
#define SWITCH(member) MEMBER(SWITCH, member)
#define NUMBER(member, min, max) \
	TYPE_NUMBER, offsetof(struct options, member), min, max

const struct option_row option_rows[] = {
	{ 'p', "pipeline", "NAME|FILE", OPTION_PIPELINE, TEXT(pipeline),
	  "the pipeline (default: the project's or the built-in `repair`)" },
	{ 's', "service", "NAME", OPTION_SERVICE, TEXT(service),
	  "the target service (default: the one the instruction names)" },
	{ 'i', "input", "KEY=VALUE", OPTION_INPUT, MEMBER(INPUT, inputs),
	  "an input of the pipeline; may be repeated" },
	{ 0, "until", "STEP", OPTION_UNTIL, TEXT(until),
	  "stop behind this step and keep what it did" },
	{ 0, "kind", "KIND", OPTION_KIND, TEXT(kind),
	  "step, policy or rollback: a step with an effect, and what undoes it" },
	{ 0, "queue", NULL, OPTION_QUEUE, SWITCH(queue),
	  "put the run into the queue, for a worker, and print its id" },
	{ 0, "priority", "high|normal", OPTION_QUEUE, MEMBER(PRIORITY, priority),
	  "a run of high priority comes before all others (with --queue)" },
	{ 0, "reason", "TEXT", OPTION_REASON, TEXT(reason),
	  "why; it is kept and shown" },
	{ 0, "no-wait", NULL, OPTION_NO_WAIT, SWITCH(no_wait),
	  "do not wait for the end" },
	{ 0, "from", "STEP", OPTION_RETRY, TEXT(from),
	  "begin at this step; what the steps before it found is kept" },
	{ 0, "whole", NULL, OPTION_RETRY, SWITCH(whole),
	  "begin at the first step" },
	{ 0, "since", "WHEN", OPTION_SINCE, TEXT(since),
	  "count runs since then: 30d, 12h, 2026-11-01 (default: all)" },
	{ 0, "keep", "DAYS", OPTION_KEEP, TEXT(keep),
	  "keep what is of runs that ended less long ago (default 90)" },
	{ 0, "dry-run", NULL, OPTION_DRY_RUN, SWITCH(dry_run),
	  "say what would be removed" },
	{ 0, "replace", NULL, OPTION_REPLACE, SWITCH(replace),
	  "also when there is a store: its database is kept beside it" },
	{ 0, "slots", "N", OPTION_WORK, NUMBER(slots, 1, 64),
	  "how many runs to carry out at a time (default 1)" },
	{ 0, "drain", NULL, OPTION_WORK, SWITCH(drain),
	  "end as soon as the queue is empty" },
	{ 0, "once", NULL, OPTION_WORK, SWITCH(once),
	  "carry out one run and end" },
	{ 0, "cancel", NULL, OPTION_CANCEL, SWITCH(cancel),
	  "also end the runs that are going on" },
	{ 0, "digest", "DIGEST", OPTION_APPROVAL, TEXT(digest),
	  "agree to exactly this, as it was shown before" },
	{ 0, "comment", "TEXT", OPTION_COMMENT, TEXT(comment),
	  "a word to go with the approval" },
	{ 'f', "follow", NULL, OPTION_FOLLOW, SWITCH(follow),
	  "keep printing until the run ends" },
	{ 'o', "output", "FILE", OPTION_OUTPUT, TEXT(output),
	  "write the artifact or the log to a new file" },
	{ 0, "key", "KEY", OPTION_KEY, TEXT(key),
	  "believe signatures of this public key only" },
	{ 0, "state", "STATE", OPTION_STATE, MEMBER(STATE, state),
	  "only runs in this state" },
	{ 'n', "limit", "N", OPTION_LIMIT, NUMBER(limit, 1, 100),
	  "how many runs to list, 1 to 100 (default 20)" },
	{ 0, "offset", "N", OPTION_OFFSET, NUMBER(offset, 0, UINT32_MAX),
	  "how many of the newest runs to leave out" },
	{ 0, "cursor", "RUN", OPTION_CURSOR, TEXT(cursor),
	  "only runs that are older than this one" },
	{ 'C', "directory", "DIR", OPTION_COMMON, TEXT(directory),
	  "change to this directory first" },
	{ 0, "state-dir", "DIR", OPTION_COMMON, TEXT(state_dir),
	  "where runs are kept (default: $FETTLE_STATE_DIR, else see fettle(1))" },
	{ 0, "json", NULL, OPTION_COMMON, SWITCH(json),
	  "print JSON on standard output" },
	{ 0, "no-color", NULL, OPTION_COMMON, SWITCH(no_color),
	  "no colours, also on a terminal" },
	{ 'q', "quiet", NULL, OPTION_COMMON, SWITCH(quiet),
	  "print the result only" },
	{ 'h', "help", NULL, OPTION_COMMON, SWITCH(help),
	  "explain fettle, or the verb" },
	{ 'V', "version", NULL, OPTION_COMMON, SWITCH(version),
	  "print the version" },
};

/* clang-format on */
const size_t option_row_count = ARRAY_LEN(option_rows);

const char *const option_states[] = {
	"pending",     "running",	  "awaiting_approval", "succeeded",
	"failed",      "rolling_back",	  "rolled_back",       "rollback_failed",
	"denied",      "cancelled",	  "no_work",	       NULL
};
const char *const option_priorities[] = { "high", "normal", NULL };

static const struct option_row *
row_by_letter(char letter)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].letter && option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

static const struct option_row *
row_by_name(const char *name)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (str_eq(option_rows[i].name, name))
			return &option_rows[i];
	return NULL;
}

static int
unknown_option(const char *name, struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	const char *near;

	for (size_t i = 0; i < option_row_count; i++)
		strv_add(&names, option_rows[i].name);
	near = str_starts(name, "--") ? strv_nearest(&names, name + 2) : NULL;
	(void)err_set(err, "usage", "there is no option '%s'", name);
	if (near)
		return err_remedy(
			err, "did you mean `--%s`? `fettle --help` lists all options",
			near);
	return err_remedy(err,
			  "`fettle --help` lists all options; "
			  "put `--` before an instruction that begins with a dash");
}

static int
add_input(struct options *options, const char *pair, struct err *err)
{
	const char *equals = strchr(pair, '=');
	AUTO_FREE char *key = NULL;
	json_t *value;

	if (!equals || equals == pair) {
		(void)err_set(err, "usage", "'%s' is not KEY=VALUE", pair);
		return err_remedy(err, "give an input as `-i name=value`");
	}
	key = x_strndup(pair, (size_t)(equals - pair));
	value = json_string(equals + 1);
	if (!options->inputs)
		options->inputs = json_object();
	if (json_object_get(options->inputs, key)) {
		json_decref(value);
		(void)err_set(err, "usage", "input '%s' is given twice", key);
		return err_remedy(err, "give each input once");
	}
	if (!value || json_object_set_new(options->inputs, key, value) < 0) {
		(void)err_set(err, "usage", "input '%s' is not UTF-8 text", key);
		return err_remedy(err, "pass the value as UTF-8");
	}
	return 0;
}

static int
set_number(const struct option_row *row, const char *value, uint64_t *ret,
	   struct err *err)
{
	uint64_t number;

	if (num_u64(value, &number) != NUM_OK || number < row->min ||
	    number > row->max) {
		(void)err_set(err, "usage", "--%s takes a number, not '%s'", row->name,
			      value);
		return err_remedy(err, "give a number from %llu to %llu",
				  (unsigned long long)row->min,
				  (unsigned long long)row->max);
	}
	*ret = number;
	return 0;
}

/* One of a list of words; `of` says of what, as `a run is never in state`. */
static int
set_word(const char *const *words, const char *of, const char *value, const char **ret,
	 struct err *err)
{
	AUTO(strv) struct strv names = STRV_INIT;
	AUTO(str) struct str list = STR_INIT;

	for (size_t i = 0; words[i]; i++) {
		if (str_eq(words[i], value)) {
			*ret = value;
			return 0;
		}
		strv_add(&names, words[i]);
		str_addf(&list, "%s%s", i ? ", " : "", words[i]);
	}
	const char *near = strv_nearest(&names, value);
	(void)err_set(err, "usage", "%s '%s'", of, value);
	return err_remedy(err, "%s%s%sit is one of %s", near ? "did you mean `" : "",
			  near ? near : "", near ? "`? " : "", str_get(&list));
}

static int
option_set(struct options *options, const struct option_row *row, const char *value,
	   struct err *err)
{
	void *member = (char *)options + row->offset;

	switch (row->type) {
	case TYPE_TEXT:
		*(const char **)member = value;
		return 0;
	case TYPE_SWITCH:
		*(bool *)member = true;
		return 0;
	case TYPE_NUMBER:
		return set_number(row, value, member, err);
	case TYPE_INPUT:
		return add_input(options, value, err);
	case TYPE_STATE:
		return set_word(option_states, "a run is never in state", value,
				 member, err);
	case TYPE_PRIORITY:
		return set_word(option_priorities, "there is no priority", value,
				 member, err);
	}
	return 0;
}

static int
missing_value(const struct option_row *row, struct err *err)
{
	(void)err_set(err, "usage", "--%s needs a value", row->name);
	return err_remedy(err, "give it as `--%s %s`: %s", row->name, row->value,
			  row->help);
}

/* One `--name`, `--name=value` or `--name value`. *i is moved past a value. */
static int
parse_long(struct options *options, int argc, char **argv, int *i, uint32_t *ret_bits,
	   struct err *err)
{
	const char *arg = argv[*i], *equals = strchr(arg, '=');
	AUTO_FREE char *name = x_strndup(arg + 2, equals ? (size_t)(equals - arg - 2) :
							   strlen(arg + 2));
	const struct option_row *row = row_by_name(name);
	const char *value = equals ? equals + 1 : NULL;

	if (!row) {
		AUTO_FREE char *full = x_asprintf("--%s", name);

		return unknown_option(full, err);
	}
	*ret_bits |= row->bit;
	if (!row->value) {
		if (!value)
			return option_set(options, row, NULL, err);
		(void)err_set(err, "usage", "--%s takes no value", row->name);
		return err_remedy(err, "write `--%s` alone", row->name);
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value || !*value)
		return missing_value(row, err);
	return option_set(options, row, value, err);
}

/* A group of letters: `-qf`, `-sapi`, `-s api`. */
static int
parse_short(struct options *options, int argc, char **argv, int *i, uint32_t *ret_bits,
	    struct err *err)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct option_row *row = row_by_letter(*p);
		const char *value = p[1] ? p + 1 : NULL;

		if (!row) {
			AUTO_FREE char *name = x_asprintf("-%c", *p);

			return unknown_option(name, err);
		}
		*ret_bits |= row->bit;
		if (!row->value) {
			if (option_set(options, row, NULL, err) < 0)
				return -1;
			continue;
		}
		if (!value && *i + 1 < argc)
			value = argv[++*i];
		if (!value || !*value)
			return missing_value(row, err);
		return option_set(options, row, value, err);
	}
	return 0;
}

/* Refuses options and arguments that the verb does not take. */
static int
verb_check_use(const struct verb *verb, const struct cli *cli, uint32_t bits,
	       struct err *err)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].bit == OPTION_COMMON ||
		    !(bits & option_rows[i].bit) ||
		    (verb->options & option_rows[i].bit))
			continue;
		(void)err_set(err, "usage", "`fettle %s` takes no --%s", verb->name,
			      option_rows[i].name);
		return err_remedy(err, "`fettle %s --help` lists its options",
				  verb->name);
	}
	if (cli->args.count < verb->min_args) {
		(void)err_set(err, "usage", "`fettle %s` needs %s", verb->name,
			      verb->args);
		return err_remedy(err, "write `fettle %s %s`%s", verb->name, verb->args,
				  str_starts(verb->args, "RUN") ?
					  "; `fettle runs` lists the runs" :
					  "");
	}
	if (cli->args.count > verb->max_args) {
		(void)err_set(err, "usage", "`fettle %s` does not take '%s'",
			      verb->name, cli->args.v[verb->max_args]);
		return err_remedy(err, "write `fettle %s%s%s`", verb->name,
				  *verb->args ? " " : "", verb->args);
	}
	return 0;
}

/* One word that is no option: the verb, the second word of it, or an argument. */
static int
parse_word(struct cli *cli, const char *word, const struct verb **verb, struct err *err)
{
	if (*verb) {
		strv_add(&cli->args, word);
		return 0;
	}
	if (!cli->group && str_eq(word, "help") && !cli->options.help) {
		cli->options.help = true;
		return 0;
	}
	if (!cli->group && verb_is_group(word)) {
		cli->group = word;
		return 0;
	}
	if (!cli->group) {
		*verb = verb_find(word, err);
		return *verb ? 0 : -1;
	}
	for (*verb = verbs; (*verb)->name; ++*verb) {
		const char *known = verb_word_in_group(*verb, cli->group);

		if (known && str_eq(known, word))
			return 0;
	}
	return verb_refuse_in_group(cli->group, word, err);
}

int
options_parse(struct cli *cli, int argc, char **argv, const struct verb **ret_verb,
	      struct err *err)
{
	const struct verb *verb = NULL;
	bool is_end = false;
	uint32_t bits = 0;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (!is_end && str_eq(arg, "--")) {
			is_end = true;
		} else if (!is_end && str_starts(arg, "--")) {
			if (parse_long(&cli->options, argc, argv, &i, &bits, err) < 0)
				return -1;
		} else if (!is_end && arg[0] == '-' && arg[1]) {
			if (parse_short(&cli->options, argc, argv, &i, &bits, err) < 0)
				return -1;
		} else if (parse_word(cli, arg, &verb, err) < 0) {
			return -1;
		}
	}
	*ret_verb = verb;
	if (cli->options.help || cli->options.version)
		return 0;
	if (!verb && cli->group)
		return verb_refuse_in_group(cli->group, NULL, err);
	if (!verb)
		return 0;
	return verb_check_use(verb, cli, bits, err);
}
