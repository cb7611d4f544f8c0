/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All policies of a gate, each in a process of its own. */
#ifndef FETTLE_HOST_JUDGE_H
#define FETTLE_HOST_JUDGE_H

#include "host/host.h"

/*
 * Sends one verdict for each module, in order; `error` for one that crashed,
 * hung, said nothing or said something else.
 */
int judge_all(struct host *host, struct err *err);

#endif
