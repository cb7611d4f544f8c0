/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How modules are named in `uses:`; the name is also their path on disk. */
#ifndef FETTLE_MODEL_USES_H
#define FETTLE_MODEL_USES_H

#include "base/base.h"

enum uses_kind { USES_STEP, USES_POLICY };

bool uses_is_step(const char *uses);	/* STAGE/NAME: `[a-z]+/[a-z0-9-]+` */
bool uses_is_policy(const char *uses);	/* NAME: `[a-z0-9-]+` */

#endif
