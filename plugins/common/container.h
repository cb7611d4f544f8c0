/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers of a compose project as JSON objects (the form of output
 * `services` of project/compose), found by labels and never by name, and how
 * well a service is: its level.
 */
#ifndef FETTLE_COMMON_CONTAINER_H
#define FETTLE_COMMON_CONTAINER_H

#include "plugins/common/engine_api.h"

/* How well a service is. Text: absent, created, exited, running, healthy. */
enum level { LEVEL_ABSENT, LEVEL_CREATED, LEVEL_EXITED, LEVEL_RUNNING, LEVEL_HEALTHY };
const char *level_name(enum level level);
enum level level_find(const char *name);	/* LEVEL_ABSENT for what is unknown */

/*
 * All containers with label com.docker.compose.project=PROJECT and, unless
 * NULL, service=SERVICE, without one-off ones, by service and number. Array:
 * {"id","name","service","number","image","image_id","state","level","restart_count",
 *  "health","started_at","exit_code","error","ip","restart_policy",
 *  "restart_limit","network_mode","healthcheck","ports":{"8080/tcp":18080},
 *  "labels":{..},"shares":id|null,"is_mounted"}
 * 0 or -1: also when what the engine says of them cannot be, see `docker_error`.
 */
int container_list(struct engine_api *api, const char *project, const char *service,
		   json_t **ret, struct fault *fault);

/* One container's inspection, as the engine gives it, in the form above. New reference.
 */
json_t *container_read(const json_t *inspection, int64_t now_wall_s);

/* The lowest level of any of them; LEVEL_ABSENT when there is none. */
enum level container_level(const json_t *containers);

/* The image ID all of them run (of the first, when mixed), or NULL. Borrowed. */
const char *container_image_id(const json_t *containers, bool *ret_is_mixed);

/* An array of their IDs. New reference. */
json_t *container_ids(const json_t *containers);
bool container_has_id(const json_t *containers, const char *id);

/* `d06c50ed796d`: for people. */
const char *short_id(const char *id, char buf[13]);

/* An RFC 3339 time of the engine in seconds since 1970, or 0. */
int64_t engine_time_s(const char *text);

#endif
