/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compose by its command line: which arguments, which exact
 * environment, and what its complaints mean.
 */
#ifndef FETTLE_COMMON_COMPOSE_H
#define FETTLE_COMMON_COMPOSE_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

struct compose {
	struct fettle_ctx *ctx;
	const char *project;	/* borrowed facts */
	const char *workspace;
	const char *data_dir;	/* where empty.env is */
	json_t *options;	/* fact project.compose */
	json_t *program;	/* ["docker-compose"] or ["docker","compose"] */
	char *name;		/* the same, for people to type */
	char *version;		/* `1.29.2` */
	struct argv env;	/* NAME=VALUE for every call */
	char *said; /* the last lines of the last call, joined; NULL: nothing */
	bool keeps_log; /* set before a call: its last MiB of output stays in log */
	struct text log;
};

/*
 * For the project of the facts. The program is the one the project step found
 * (project.compose_program), else it is looked for. -1 with `compose_missing`.
 */
int compose_open(struct fettle_ctx *ctx, struct compose *ret, struct fault *fault);
/* The same, for a project whose containers were made by version `made_by`, or NULL. */
int compose_open_as(struct fettle_ctx *ctx, const char *made_by, struct compose *ret,
		    struct fault *fault);
void compose_close(struct compose *compose);
#define AUTO_COMPOSE __attribute__((cleanup(compose_close)))

/* Builds with BuildKit or without, whatever the project says. */
void compose_use_buildkit(struct compose *compose, bool wanted);

bool compose_is_v1(const struct compose *compose);

/* Compose's project directory, absolute. Caller owns. */
char *compose_directory(const struct compose *compose);

/* PROGRAM --ansi never -p NAME --project-directory DIR -f FILE... [--env-file F]
 * [--profile P]... */
void compose_argv(const struct compose *compose, struct argv *ret);

/*
 * Runs `config` (words: its arguments) and takes what it prints. 0 with *ret
 * (caller owns), or -1 with `compose_variable_unset`, `compose_invalid` with
 * compose's own message, `compose_killed` or `docker_unreachable`.
 */
int compose_config(struct compose *compose, const char *const *words, char **ret,
		   size_t *ret_len, struct fault *fault);

/*
 * Runs the i-th command of the approved proposal with the exact environment,
 * output to the log. 0 with the exit status in *ret, -1 for a signal, or -1 with
 * `compose_missing` or `step_timeout`.
 */
int compose_run_proposed(struct compose *compose, uint32_t i, int *ret,
			 struct fault *fault);
/* The same for an argv of our own: for undoing. */
int compose_run(struct compose *compose, const struct argv *argv, int *ret,
		struct fault *fault);

/* up -d --no-deps --no-build --force-recreate --scale S=N S, appended to compose_argv.
 */
void compose_up_argv(const struct compose *compose, const char *service,
		     int64_t replicas, struct argv *ret);

/* The pure part: the variable of a "variable is not set" warning in compose's stderr.
 * Caller owns. */
char *compose_unset_variable(const char *errors);
/* What compose says is wrong, without its prefixes and repetitions. Caller owns. */
char *compose_complaint(const char *errors);
/* The last lines that are not blank, at most `count`, as one. NULL when there is none.
 * Caller owns. */
char *compose_last_lines(const char *text, size_t n, size_t count);
/* `shop` as compose makes it of a -p argument: lower case, [-_a-z0-9],
 * a letter or digit first. Caller owns. */
char *compose_normal_name(const char *name);

#endif
