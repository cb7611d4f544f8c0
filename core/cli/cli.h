/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all verbs of program fettle share: the options as given, where things
 * are, how to report, and the stable exit codes. The verbs only ask the
 * engine and the store and show what they say; they decide nothing.
 */
#ifndef FETTLE_CLI_CLI_H
#define FETTLE_CLI_CLI_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/out.h"
#include "engine/engine.h"
#include "store/store.h"

/* Stable: scripts rely on them; fettle(1) lists them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_USAGE = 1,		  /* wrong usage, or the command could not work */
	EXIT_REFUSED = 2,	  /* invalid pipeline, or refused before any change */
	EXIT_FAILED = 3,	  /* failed; nothing is changed or all was put back */
	EXIT_NOT_ROLLED_BACK = 4, /* failed, and something was not put back */
	EXIT_APPROVAL = 5,
	EXIT_DENIED = 6,
	EXIT_CANCELLED = 7,
	EXIT_NO_WORK = 8,
};

struct options {
	const char *state_dir, *directory, *pipeline, *service, *output, *state, *until,
		*key, *kind, *reason, *priority, *from, *cursor, *since, *keep, *digest,
		*comment;
	json_t *inputs;		/* object of strings, or NULL; owned */
	uint64_t limit, offset, slots;
	bool json, no_color, quiet, follow, help, version, queue, no_wait, whole, drain,
		once, cancel, dry_run, replace;
};

struct cli {
	struct options options;
	const char *group;	/* first word of a verb of two, or NULL */
	struct strv args;	/* what stands behind the verb */
	struct out out;
	bool is_end_told; /* the exit status is how a run ended, not what was printed */
	char *state_dir;	/* absolute; owned */
	char *directory;	/* where the caller stands, absolute; owned */
	const char *lib_dir, *data_dir, *site_file;
	struct store *store;	/* NULL until a verb opens it */
	struct metrics *metrics; /* of what is written to it; NULL: nothing is */
};

/* A verb returns an exit code. What went wrong it hands to cli_fail. */
int verb_init(struct cli *cli);
int verb_check(struct cli *cli);
int verb_plan(struct cli *cli);
int verb_run(struct cli *cli);
int verb_runs(struct cli *cli);
int verb_show(struct cli *cli);
int verb_logs(struct cli *cli);
int verb_diff(struct cli *cli);
int verb_artifacts(struct cli *cli);
int verb_cancel(struct cli *cli);
int verb_work(struct cli *cli);
int verb_workers(struct cli *cli);
int verb_pause(struct cli *cli);
int verb_resume(struct cli *cli);
int verb_rollback(struct cli *cli);
int verb_retry(struct cli *cli);
int verb_approve(struct cli *cli);
int verb_reject(struct cli *cli);
int verb_plugins(struct cli *cli);
int verb_plugin_new(struct cli *cli);
int verb_plugin_check(struct cli *cli);
int verb_audit_verify(struct cli *cli);
int verb_audit_export(struct cli *cli);
int verb_audit_key(struct cli *cli);
int verb_stats(struct cli *cli);
int verb_store_status(struct cli *cli);
int verb_store_verify(struct cli *cli);
int verb_store_backup(struct cli *cli);
int verb_store_restore(struct cli *cli);
int verb_store_gc(struct cli *cli);
int verb_store_rebuild(struct cli *cli);
int verb_completion(struct cli *cli);
int verb_policy_test(struct cli *cli);
int verb_policy_replay(struct cli *cli);
int verb_doctor(struct cli *cli);
int verb_schema_pipeline(struct cli *cli);
int verb_schema_project(struct cli *cli);

/*
 * Reports an error: text and remedy on stderr, with --json also
 * {"error":{..}} on stdout. Returns code.
 */
int cli_fail(struct cli *cli, const struct err *err, int code);

/* As cli_fail, for wrong usage; names the help of the verb as the remedy. */
int cli_misuse(struct cli *cli, const char *verb, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* Opens cli->store. 0 or -1. Open or not, it can be closed. */
int cli_open_store(struct cli *cli, enum store_mode mode, struct err *err);
void cli_close_store(struct cli *cli);
/* The same for writing about runs; -1 `run_not_found` when there never was one. */
int cli_open_existing(struct cli *cli, struct err *err);
/* False when no run was ever made here: there is no database. */
bool cli_has_store(const struct cli *cli);

/* The i-th argument, or NULL. */
const char *cli_arg(const struct cli *cli, size_t i);

/* Opens the store for reading and resolves a run's name (NULL: `last`). 0 or -1. */
int cli_find_run(struct cli *cli, const char *name, char ret_run[RUN_ID_SIZE],
		 struct err *err);

/* An order of -p, -s, -i and the words of the instruction (owned by *words). */
void cli_order(struct cli *cli, struct str *words, struct order *ret);
/* An engine over cli->store, for a caller who watches nothing. */
struct engine cli_engine(struct cli *cli, const char *actor);
/* `operator:NAME`. */
void cli_actor(struct str *out);

/* Adds a word, quoted for a shell where it needs that. */
void cli_add_quoted(struct str *out, const char *word);
/* Adds `fettle [--state-dir DIR] VERB ARG`, quoted so that it can be pasted. */
void cli_add_command(const struct cli *cli, struct str *out, const char *verb,
		     const char *arg);

/* The last thing the verbs about one run print. Returns the exit code of its end. */
int cli_print_end(struct cli *cli, const char *run);

/* EXIT_... of a run's state. */
int cli_exit_of_state(const char *state);

#endif
