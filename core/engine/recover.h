/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs whose engine died, and runs somebody wants undone. */
#ifndef FETTLE_ENGINE_RECOVER_H
#define FETTLE_ENGINE_RECOVER_H

#include "engine/engine.h"

/* Unwinds one run if its engine is dead. 0 done, 1 it is alive, -1 could not. */
int recover_run(struct engine *engine, const char *run, struct err *err);

#endif
