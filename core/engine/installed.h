/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Are the programs there that a plan names (FETTLE_INSTALLED)? Those inside the
 * project are not looked for: an earlier step may make them.
 */
#ifndef FETTLE_ENGINE_INSTALLED_H
#define FETTLE_ENGINE_INSTALLED_H

#include "model/plan.h"

/* 0, or -1 `program_missing`. */
int installed_check(const struct plan_step *step, struct err *err);

#endif
