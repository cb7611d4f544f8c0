/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Others untouched: the project's containers that are not the target's keep
 * their ID, and nobody kills, stops, restarts, renames, updates or destroys
 * them while the target is recreated.
 */
#ifndef FETTLE_COMMON_NEIGHBOURS_H
#define FETTLE_COMMON_NEIGHBOURS_H

#include "plugins/common/container.h"

struct neighbours {
	json_t *before;		/* the other containers, as container_list gives them */
	double since;		/* UNIX time of the snapshot */
};

int neighbours_note(struct engine_api *api, const char *project, const char *service,
		    struct neighbours *ret, struct fault *fault);
void neighbours_done(struct neighbours *neighbours);

/*
 * Judges the time since the snapshot. *ret: array of {"name","id","what",
 * "is_warning"}: touched neighbours, and as warnings those that died and were
 * started again by their own restart policy. 0 or -1.
 */
int neighbours_check(struct engine_api *api, const char *project, const char *service,
		     const struct neighbours *neighbours, json_t **ret,
		     struct fault *fault);

/* The pure part: from two lists and the events of the time between. New reference. */
json_t *
neighbours_judge(const json_t *before, const json_t *after, const json_t *events);

#endif
