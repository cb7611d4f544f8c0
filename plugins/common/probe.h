/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Health probes of a service profile, each one of
 * {"http": ":8080/healthz" or a whole URL, "method", "expect": status or list,
 *  "match": pattern of the body, "timeout_ms", "redirects": bool},
 * {"tcp": ":5432" or "HOST:5432", "timeout_ms"},
 * {"command": [argv], "timeout_ms"},
 * {"log": pattern, "timeout_ms"}.
 * Here: what is asked from outside. The last two ask inside a container: see
 * inside.h.
 */
#ifndef FETTLE_COMMON_PROBE_H
#define FETTLE_COMMON_PROBE_H

#include "plugins/common/fault.h"
#include "plugins/common/reach.h"
#include "plugins/common/text.h"

enum probe_kind { PROBE_NONE, PROBE_HTTP, PROBE_TCP, PROBE_COMMAND, PROBE_LOG };
enum probe_kind probe_kind(const json_t *probe);

/* -1 with `health_invalid` when one of the list cannot be asked. */
int probe_check(const json_t *probes, struct fault *fault);

/* True when it names a host: asked as it is, not at each container. */
bool probe_is_literal(const json_t *probe);

/* How long it may take: its own timeout, at most what is left. */
int64_t probe_timeout_ms(const json_t *probe, int64_t limit_ms);

/*
 * Where to ask: the literal URL; else, for a container (as container_list
 * gives it), 127.0.0.1 when it shares the host's network, its own address,
 * and its published port. In that order; empty when it has none of them. For
 * tcp HOST:PORT instead of URLs.
 */
void probe_urls(const json_t *probe, const json_t *container, struct argv *ret);

/*
 * Asks the first of them where somebody answers at all. True when the answer is
 * the wanted one. *ret_text says what came (caller owns):
 * `GET http://10.0.0.2:8080/healthz: 200 in 3ms`.
 */
bool probe_ask(const json_t *probe, const struct argv *urls, int64_t limit_ms,
	       char **ret_text);

#endif
