/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A Compose file as far as `fettle init` wants to know it: names of services
 * and the variables of the environment it mentions. Reads leniently (anchors,
 * merges and tags are skipped over): what the file means only Compose says.
 */
#ifndef FETTLE_CLI_COMPOSEFILE_H
#define FETTLE_CLI_COMPOSEFILE_H

#include "base/err.h"
#include "base/str.h"

struct compose_service {
	char *name;
	char *port;    /* the first port of the container, or NULL */
	char *context; /* of its build, `.` for the project's directory; or NULL */
	bool has_build;
	bool is_partial; /* some of it stands elsewhere: merged, aliased, extended */
};

struct composefile {
	char *name; /* top-level `name`, or NULL */
	struct compose_service *services;
	size_t count;
	struct strv needed;   /* variables without a preset in the file */
	struct strv optional; /* variables with one */
};

/* Adds what one file says. -1 `compose.file` or `file.*`. */
int composefile_read(struct composefile *c, const char *path, struct err *err);
void composefile_done(struct composefile *c);

/* The names that an env file sets. A file that cannot be read sets none. */
void env_file_names(const char *path, struct strv *ret);
/* The value of one of them, or NULL. Caller owns. */
char *env_file_get(const char *path, const char *name);

#endif
