/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does the project run under another name? A name that is not the one its
 * containers were made with would silently become a second project from the same
 * files, beside the one that needs the repair.
 */
#ifndef FETTLE_COMMON_RENAMED_H
#define FETTLE_COMMON_RENAMED_H

#include "plugins/common/services.h"

/*
 * -1 with `project_renamed` when in->project has no container, and another
 * project has one that was created in this directory from these compose files.
 * Who means a second project starts it first.
 */
int renamed_check(struct engine_api *api, const struct services_input *in,
		  struct fault *fault);

/* The pure part: listed is the engine's list of containers. The label of that other
 * project, borrowed, or NULL. */
const char *renamed_find(const struct services_input *in, const json_t *listed);

#endif
