/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of runs: making them, finding them, their directories. */
#ifndef FETTLE_STORE_RUN_H
#define FETTLE_STORE_RUN_H

#include "store/db.h"

/* `20261121-120501-7f3a9c`: UTC and three random bytes. */
int run_make_id(int64_t wall_ms, char ret_run[RUN_ID_SIZE], struct err *err);

/* True for text that could be (the beginning of) an id, and so of a file name. */
bool run_is_id(const char *text);

/* err `run_not_found`; -1. */
int run_refuse_unknown(const char *run, struct err *err);

#endif
