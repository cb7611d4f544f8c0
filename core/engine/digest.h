/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What exactly people are asked to agree to, in one hash: the run, its plan, the
 * step and its proposal, who has to agree, and what the outcome depends on outside
 * of the plan: Compose's configuration, the images, the Dockerfile.
 */
#ifndef FETTLE_ENGINE_DIGEST_H
#define FETTLE_ENGINE_DIGEST_H

#include "engine/run.h"

/* Looks at the project unless who goes on from a hold has just looked. */
int digest_make(struct run *run, const struct plan_step *step, const json_t *proposal,
		const json_t *needs, char ret[65], struct err *err);

#endif
