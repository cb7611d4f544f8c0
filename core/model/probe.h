/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of `health:`: how a service is asked whether it is well. */
#ifndef FETTLE_MODEL_PROBE_H
#define FETTLE_MODEL_PROBE_H

#include "model/node.h"

/*
 * `:PORT`, `:PORT/PATH`, or an http or https URL. 0, or -1 with `url.policy`,
 * without position: another scheme, user names in it, a cloud's metadata
 * address in any notation, the port of a Docker engine.
 */
int probe_check_http(const char *text, struct err *err);

/*
 * A `health:` list as JSON, each one of {"http", "method"?, "expect"? (a status
 * or a list), "match"?, "redirects"?}, {"tcp"}, {"command": [argv]} and {"log"},
 * with "timeout_ms"?. Patterns are checked by who matches them. New reference,
 * or NULL.
 */
json_t *probe_read_list(const struct node *list, const char *file, struct err *err);

#endif
