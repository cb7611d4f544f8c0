/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Back to the recorded before-state, in a fixed order: files by the engine,
 * then the `on_failure` steps, which are handed every effect that still
 * stands. Converges: doing it again after a crash gives the same. Nothing
 * changed, nothing is unwound.
 */
#ifndef FETTLE_ENGINE_UNWIND_H
#define FETTLE_ENGINE_UNWIND_H

#include "engine/ending.h"
#include "engine/run.h"

/* 0 with ending->unwound and ending->rollback filled; -1 when the store failed. */
int unwind(struct run *run, struct ending *ending, struct err *err);

#endif
