/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Docker Engine API over its socket: HTTP calls with a deadline each.
 * Knows paths and replies, not what a service or a container means.
 */
#ifndef FETTLE_COMMON_ENGINE_API_H
#define FETTLE_COMMON_ENGINE_API_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

#define ENGINE_CALL_MS 10000		/* one call; less when the step has less left */
#define ENGINE_REPLY_MAX_BYTES (32u << 20)

struct engine_api;	/* one connection, kept alive over calls */

/*
 * For the engine at fact project.compose.docker_host (a `unix:///path` or
 * `tcp://host:port`). Does not connect yet. NULL with `docker_host_invalid`.
 */
struct engine_api *engine_open(struct fettle_ctx *ctx, struct fault *fault);
void engine_close(struct engine_api *api);
void engine_auto_close(struct engine_api **api);
#define AUTO_ENGINE __attribute__((cleanup(engine_auto_close)))

/*
 * 1 when the engine said yes (2xx or 304), with *ret, where wanted, the JSON
 * reply (new reference); 0 when there is no such thing (404); -1 with
 * `docker_unreachable` (socket missing, refused, permission denied, timeout:
 * each its own words and remedy), or `docker_error` with the engine's message.
 */
int
engine_get(struct engine_api *api, const char *path, json_t **ret, struct fault *fault);
int engine_post(struct engine_api *api, const char *path, struct fault *fault);
int engine_delete(struct engine_api *api, const char *path, struct fault *fault);

/*
 * One call of any form. With `take` the bytes of a good reply go there as they
 * come, until it returns false: enough. A limit of its own (limit_ms > 0) that
 * runs out while they come is no error: 1, with *is_cut set.
 */
struct engine_call {
	const char *method, *path;
	const json_t *body;		/* sent as JSON; or NULL */
	int64_t limit_ms;		/* 0: ENGINE_CALL_MS */
	bool (*take)(void *to, const char *bytes, size_t n);	/* or NULL */
	void *to;
	bool *is_cut;			/* or NULL */
};
int engine_send(struct engine_api *api, const struct engine_call *call, json_t **ret,
		struct fault *fault);

/* GET /_ping. 0, or -1 with `docker_unreachable`. */
int engine_ping(struct engine_api *api, struct fault *fault);

/*
 * The last `lines` lines a container wrote, standard output and error in
 * order, with time stamps when asked (`since`: only from that RFC 3339 time or
 * UNIX time on; NULL: all). 1 with *ret (caller owns), 0 no such container, -1.
 */
int engine_logs(struct engine_api *api, const char *id, int lines, const char *since,
		char **ret, struct fault *fault);

/* Takes the 8-byte frames out of a log stream of a container without a TTY. Caller
 * owns. */
char *engine_log_text(const char *bytes, size_t n, size_t *ret_len);

/* Events of containers with all `labels` (array of "k=v") between two UNIX times.
 * Array, or -1. */
int engine_events(struct engine_api *api, const json_t *labels, double since,
		  double until, json_t **ret, struct fault *fault);

/* Percent-encoded for one part of a path or a query. Caller owns. */
char *engine_escape(const char *text);

#endif
