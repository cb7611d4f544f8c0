/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a run that rolls back another, told in the chain of the other. */
#ifndef FETTLE_STORE_UNDONE_H
#define FETTLE_STORE_UNDONE_H

#include "store/append.h"

/*
 * Within the transaction of its run.ended, before it: run.undone of the other run,
 * unless nothing was begun. state: how it ends.
 */
int undone_append(struct store *store, const struct run_row *row, const char *state,
		  struct err *err);

#endif
