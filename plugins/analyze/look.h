/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking at a service: the logs of its containers, the output of its build,
 * and what the rules make of either. Knows nothing of what is answered.
 */
#ifndef FETTLE_ANALYZE_LOOK_H
#define FETTLE_ANALYZE_LOOK_H

#include "plugins/analyze/resolve.h"
#include "plugins/common/engine_api.h"

/* What was read, and what the rules make of it. */
struct evidence {
	struct text log;
	struct findings findings;
	size_t containers; /* that it is of */
};

/* What was looked at, and what is known of the service. */
struct look {
	struct fettle_ctx *ctx;
	struct engine_api *api;
	json_t *own, *services, *health, *allow, *images;
	struct packs packs;
	struct evidence logs, build;
	struct site site;
	int lines;     /* of each container's log to read */
	char *compose; /* as people type it here: see program_command() */
	char *said;    /* the last words of the build, or NULL */
	bool is_quiet; /* propose looks as well, and need not say it twice */
};

/* From the facts; lines and site.may_guess are the caller's to set. */
void look_init(struct fettle_ctx *ctx, struct look *look);
void look_done(struct look *look);

/* Loads the rules and names the engine; does not connect yet. 0 or -1. */
int look_open(struct look *look, struct fault *fault);

/* Fills `logs`, and prints what it reads. 0 or -1. */
int look_at_containers(struct look *look, struct fault *fault);

/* How a build that was tried went. */
enum build_says {
	BUILD_NOTHING,	/* it was not tried */
	BUILD_FAILS,	/* and `build` has why */
	BUILD_SAME,	/* it works, and gives the image that runs */
	BUILD_OTHER	/* it works, and what runs is another image, or nothing */
};

/* Builds as it was approved. 0 or -1. */
int look_at_build(struct look *look, enum build_says *ret, struct fault *fault);

/* Is the surest finding one that an edit repairs? */
bool has_repair(const struct evidence *evidence);

#endif
