/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asking a step's module what the world is, effect by effect. Used when a
 * step said no: what it did not touch needs no undoing, and undoing it would
 * recreate a healthy container for nothing.
 */
#ifndef FETTLE_ENGINE_OBSERVE_H
#define FETTLE_ENGINE_OBSERVE_H

#include "engine/run.h"

/*
 * The step's standing effects that observe() finds to be as before stand no
 * longer. What cannot be observed still does: it is undone.
 */
int observe_drop_untouched(struct run *run, const struct plan_step *step,
			   struct err *err);

#endif
