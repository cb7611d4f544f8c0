/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which container Fettle itself runs in, so that it never recreates that one. */
#ifndef FETTLE_COMMON_OWN_H
#define FETTLE_COMMON_OWN_H

#include "plugins/common/engine_api.h"

enum own_place {
	OWN_NONE,	/* not in a container */
	OWN_KNOWN,	/* in the container of this ID */
	OWN_UNKNOWN	/* in a container, but which? */
};

/* The pure part: from the text of /proc/self/mountinfo. ret_id: 64 digits and NUL. */
enum own_place own_read(const char *mountinfo, bool has_marker, char ret_id[65]);

/*
 * The ID of our own container on this engine (caller owns), or NULL in *ret
 * when we run in none of its containers. -1 with `own_container_unknown` when
 * that cannot be told.
 */
int own_container(struct engine_api *api, char **ret, struct fault *fault);

#endif
