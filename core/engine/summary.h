/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a run in one event: its state, why, and what an operator asks
 * first. `detail` of run.ended:
 *
 *  {"diagnosis": text, "files": [{"path","added","removed"}], "effects": [summary],
 *   "unwound": "nothing"|"all"|"not", "rollback": {"code","message","remedy"} or null,
 *   "cause": {"code","message","remedy","step"} or null}
 */
#ifndef FETTLE_ENGINE_SUMMARY_H
#define FETTLE_ENGINE_SUMMARY_H

#include "engine/ending.h"
#include "engine/run.h"

int summary_end(struct run *run, const struct ending *ending, struct err *err);

#endif
