/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs whose engine died, and runs somebody wants undone. */
#ifndef FETTLE_ENGINE_RECOVER_H
#define FETTLE_ENGINE_RECOVER_H

#include "engine/engine.h"
#include "engine/takeover.h"

/* Unwinds one run if its engine is dead. 0 done, 1 it is alive, -1 could not. */
int recover_run(struct engine *engine, const char *run, struct err *err);

/* Ends a run that so many died of. 0 it was too many, 1 go on with it, -1. */
int recover_poison(struct takeover *t, int64_t crashes, struct err *err);

/*
 * Runs that people said no to, or nobody said yes to in time: whoever comes by
 * ends them. Those that can go on are for workers, and for who agreed last. Adds
 * to *ret; -1 when the store cannot be read.
 */
int recover_refused(struct engine *engine, struct recovery *ret, struct err *err);

#endif
