/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One look at a service: is everything about it good right now? The pure part
 * of verify/service; probes and the engine are asked by the caller.
 */
#ifndef FETTLE_COMMON_WATCH_H
#define FETTLE_COMMON_WATCH_H

#include "plugins/common/container.h"
#include "plugins/common/dwell.h"

/* What the containers must be; NULL: anything. */
struct watch {
	const json_t *ids;	/* array: the containers the restart made */
	const char *image_id;	/* the image that was built */
	int64_t replicas;	/* 0: any number above none */
	json_t *seen; /* {ID: {"restart_count","started_at"}}: owned, kept between looks
		       */
};

/* Judges the containers of one moment and remembers them for the next look. */
struct look watch_containers(struct watch *watch, const json_t *containers);

#endif
