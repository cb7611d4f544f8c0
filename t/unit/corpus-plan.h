/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipeline of the corpus, planned with modules that stand in for real ones. */
#ifndef FETTLE_UNIT_CORPUS_PLAN_H
#define FETTLE_UNIT_CORPUS_PLAN_H

#include "base/err.h"

/* Reads, types and checks it as a run does before it begins. 0 or -1. */
int corpus_plan(const char *path, struct err *err);

#endif
