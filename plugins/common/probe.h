/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HTTP health probes of a service profile:
 * {"http": ":8080/healthz" or a whole URL, "method", "expect": status or list,
 *  "match": text of the body, "timeout_ms", "redirects": bool}.
 */
#ifndef FETTLE_COMMON_PROBE_H
#define FETTLE_COMMON_PROBE_H

#include "plugins/common/fault.h"
#include "plugins/common/text.h"

#define PROBE_TIMEOUT_MS 5000
#define PROBE_BODY_MAX_BYTES (64u << 10)

/* -1 with `health_invalid` when one of the list cannot be asked. */
int probe_check(const json_t *probes, struct fault *fault);

/* True for `http://...`: asked as it is, not at each container. */
bool probe_is_literal(const json_t *probe);

/*
 * Where to ask: the literal URL; else, for a container (as container_list
 * gives it), 127.0.0.1 when it shares the host's network, its own address,
 * and its published port. In that order; empty when it has none of them.
 */
void probe_urls(const json_t *probe, const json_t *container, struct argv *ret);

/*
 * Asks the first of the URLs that answers HTTP at all. True when the answer is
 * the wanted one. *ret_text says what came (caller owns):
 * `GET http://10.0.0.2:8080/healthz: 200 in 3ms`.
 */
bool probe_ask(const json_t *probe, const struct argv *urls, int64_t limit_ms,
	       char **ret_text);

#endif
