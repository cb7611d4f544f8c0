/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `protected: true` is about: which steps could change a protected service,
 * whatever stage they call themselves and whether the pipeline names a service.
 */
#ifndef FETTLE_ENGINE_PROTECTION_H
#define FETTLE_ENGINE_PROTECTION_H

#include "engine/run.h"

/*
 * The name of a protected service that the step could change by carrying out its
 * proposal, or NULL when there is none. Caller owns.
 */
char *protection_find(const struct run *run, const struct plan_step *step,
		      const json_t *proposal);

#endif
