/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which compose program there is: `docker compose` (version 2) or
 * `docker-compose`. Containers keep the program that made them as long as it is
 * there: the other one would name and label them in its own way.
 */
#ifndef FETTLE_COMMON_PROGRAM_H
#define FETTLE_COMMON_PROGRAM_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

struct program {
	json_t *argv;	/* ["docker-compose"] or ["docker","compose"]; owned */
	char *version;	/* `1.29.2`; owned */
};

/*
 * The one of the same major version as `made_by`, when there is such; else
 * version 2, else what there is. made_by may be NULL. -1 with `compose_missing`.
 */
int program_find(struct fettle_ctx *ctx, const char *const *env, const char *made_by,
		 struct program *ret, struct fault *fault);
void program_done(struct program *program);

/* `docker compose`, for people to type. Caller owns. */
char *program_text(const json_t *argv);
/*
 * The program with what makes it mean this project and no other, for people to type
 * in the workspace: `docker-compose -p shop -f docker-compose.yml`. Of the facts;
 * caller owns.
 */
char *program_command(struct fettle_ctx *ctx);
/* Whether they begin with the same number; NULL equals nothing. */
bool program_same_major(const char *version, const char *other);

/* The version in the starting script of docker-compose 1, or NULL. Caller owns. */
char *program_script_version(const char *script);

#endif
