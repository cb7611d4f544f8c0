/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ports as the compose file and health probes write them. */
#ifndef FETTLE_ANALYZE_PORT_H
#define FETTLE_ANALYZE_PORT_H

#include "plugins/common/text.h"

/* Does one of these `18080:8080/tcp` publish the port on the host? */
bool ports_publish(const json_t *ports, const char *port);

/*
 * Is it one of the service's own ports, by these `18080:8080/tcp` or by the
 * probes `{"http": ":8080/healthz"}`? *ret_known: they name any port at all.
 */
bool ports_expect(const json_t *ports, const json_t *health, long port,
		  bool *ret_known);

#endif
