/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The site's kill switch, as runs meet it. */
#ifndef FETTLE_ENGINE_PAUSE_H
#define FETTLE_ENGINE_PAUSE_H

#include "engine/run.h"

/* May a run begin? 0, or -1 `paused`: by whom, since when, why. */
int pause_check(struct store *store, struct err *err);

/*
 * Must a run that is going on end before this step, as its first change? Then
 * *why says `paused`. A store that cannot tell stops it too. Within the
 * transaction of the step's intent the answer stays true.
 */
bool pause_stops(struct run *run, const struct plan_step *step, const json_t *proposal,
		 struct err *why);

#endif
