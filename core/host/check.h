/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checks of several steps. */
#ifndef FETTLE_HOST_CHECK_H
#define FETTLE_HOST_CHECK_H

#include "host/host.h"

/*
 * Asks check() of all modules, one after the other, and sends what each said as
 * a `checked` event; ends at the first that says no.
 */
int check_all(struct host *host, struct err *err);

#endif
