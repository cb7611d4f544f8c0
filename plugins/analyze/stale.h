/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is what runs what the files of the project say? Without building it, as far
 * as it can be told from names, times and the engine.
 */
#ifndef FETTLE_ANALYZE_STALE_H
#define FETTLE_ANALYZE_STALE_H

#include "plugins/common/engine_api.h"

/*
 * Of fact project.service. 0 with why it is not, in words, in *ret (caller owns),
 * or with NULL there; -1.
 */
int stale_reason(const json_t *own, struct engine_api *api, char **ret,
		 struct fault *fault);

#endif
