/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Building the image of one service through Compose as an effect that can be
 * undone: stated first, with what the service runs pinned before it begins.
 * Shared by whoever builds, for whatever reason.
 */
#ifndef FETTLE_COMMON_BUILD_H
#define FETTLE_COMMON_BUILD_H

#include "plugins/common/compose.h"
#include "plugins/common/engine_api.h"

struct build_order {
	bool no_cache, pull;
	const char *purpose; /* ends the summary: ` to see why`; or NULL */
};

/* Of propose: states effect `image` of the run's service, and the command. 0, or -1. */
int build_propose(struct fettle_ctx *ctx, struct engine_api *api,
		  const struct build_order *order, struct fault *fault);

/* What was approved; of run. Borrows the API. */
struct build {
	struct engine_api *api;
	struct compose compose;
	json_t *before;
	const char *service, *image;
};
int build_open(struct fettle_ctx *ctx, struct engine_api *api, struct build *ret,
	       struct fault *fault);
void build_close(struct build *build);
#define AUTO_BUILD __attribute__((cleanup(build_close)))

/*
 * Pins the image the service runs, and what its reference stands for, as
 * fettle/keep:RUN; then builds, output to the step's log. 0 with the exit status,
 * or -1, also when it failed because the engine no longer answers, and with
 * `buildkit_missing`.
 */
int build_run(struct build *build, int *ret, struct fault *fault);

/* A whole observe callback for effects of kind `image`. */
int build_observe(struct fettle_ctx *ctx);

#endif
