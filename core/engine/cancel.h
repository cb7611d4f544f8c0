/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether somebody wants a run to end: by a signal to this process, or by a
 * request in the store (store_cancel). Once it is asked for it stays so; while
 * the run is unwound nobody is listened to.
 */
#ifndef FETTLE_ENGINE_CANCEL_H
#define FETTLE_ENGINE_CANCEL_H

#include "engine/ending.h"
#include "engine/run.h"

/* What a call to a module ends at, besides the ticks; -1 while it is unwound. */
int cancel_fd(const struct run *run);

/* Waits so long for it, at most; 0 only looks. */
bool cancel_is_asked(struct run *run, int wait_ms);

/*
 * Puts who asked and why behind a text that says what was cancelled. Of an error
 * with another code than `cancelled` nothing is changed.
 */
void cancel_explain(const struct run *run, struct err *err);

/* The end of a run that was cancelled before a step. */
void cancel_before(const struct run *run, const char *step, struct ending *ending);

#endif
