/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the name of a host to an address, in bounded time. The C library's own
 * resolver may wait for many seconds, and threads there are none: getent is asked,
 * and killed when it takes too long.
 */
#ifndef FETTLE_ENGINE_RESOLVE_H
#define FETTLE_ENGINE_RESOLVE_H

#include <sys/socket.h>

#include "base/err.h"

#define RESOLVE_MS 250 /* nobody waits longer for an address, once a process */

/* A numeric address is taken as it is. -1 `metrics.unresolved`. */
int resolve(const char *host, uint16_t port, struct sockaddr_storage *ret,
	    socklen_t *ret_len, struct err *err);

#endif
