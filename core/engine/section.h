/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of one section of a pipeline, in order: whether each is due
 * (`if`), tried again (`retry`) or forgiven (`continue_on_error`).
 */
#ifndef FETTLE_ENGINE_SECTION_H
#define FETTLE_ENGINE_SECTION_H

#include "engine/ending.h"
#include "engine/run.h"

/* `steps`, until one does not succeed; the rest is skipped. -1: the store failed. */
int section_steps(struct run *run, struct ending *ending, struct err *err);

/* `finally`: all of them, whatever happened; the first failure is told, not undone. */
int section_finally(struct run *run, struct ending *ending, struct err *err);

#endif
