/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `rounds`: what broke a service may hide what would break it next. As long
 * as each round finds something new, the steps are carried out again on top of
 * what the round before did; a failure in the end unwinds all of it at once,
 * to the very start.
 */
#ifndef FETTLE_ENGINE_ROUNDS_H
#define FETTLE_ENGINE_ROUNDS_H

#include "engine/ending.h"
#include "engine/run.h"

/* `steps`, as often as the plan allows and it helps. -1: the store failed. */
int rounds_carry_out(struct run *run, struct ending *ending, struct err *err);

#endif
