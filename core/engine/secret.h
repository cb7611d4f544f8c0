/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The values a run may use but nobody may see: the project's `secrets:` and
 * the environment compose is given. Resolved late, kept in memory only.
 */
#ifndef FETTLE_ENGINE_SECRET_H
#define FETTLE_ENGINE_SECRET_H

#include "base/err.h"
#include "base/json.h"
#include "engine/mask.h"
#include "model/project.h"

/*
 * Object NAME -> value: all of project->secrets, and the variables named in
 * compose.env that are set. Values that are secret, or whose name says so
 * (PASSWORD, TOKEN, ...), go into the mask, those in compose.env_file too.
 * NULL with `secret.missing`, `secret.short`, or why a file could not be read.
 */
json_t *secrets_resolve(const struct project *project, struct mask *mask,
			struct err *err);

#endif
