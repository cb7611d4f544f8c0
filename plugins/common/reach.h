/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reaching a service over the network: one HTTP request, or one TCP
 * connection, with a deadline for all of it. Link-local addresses (where clouds
 * keep credentials) and the ports of a Docker engine are refused at each
 * connection: after the name is resolved, and again on each redirect.
 */
#ifndef FETTLE_COMMON_REACH_H
#define FETTLE_COMMON_REACH_H

#include "plugins/common/fault.h"
#include "plugins/common/pattern.h"
#include "plugins/common/text.h"

#define REACH_TIMEOUT_MS 5000
#define REACH_BODY_MAX_BYTES (64u << 10)

struct http_request {
	const char *method;	/* NULL: GET */
	const json_t *expect;	/* a status or a list of them; NULL: 200 to 299 */
	const char *match;	/* a pattern the body's first 64 KiB hold; or NULL */
	const struct argv *headers; /* `Name: value`; or NULL */
	int64_t timeout_ms;
	bool follows;		/* up to five redirects */
};

/* What came of it. `text` is for people, and the caller's. */
struct reach {
	bool is_good;
	bool is_answered;	/* somebody was there: asking elsewhere is no use */
	char *text;
};

/* -1 with `url_invalid`: neither http nor https, no host, or a user name in it. */
int reach_check_url(const char *url, struct fault *fault);

/* `GET http://10.0.0.2:8080/healthz: 200 in 3ms` */
struct reach reach_http(const struct http_request *request, const char *url);

/*
 * `place` is HOST:PORT. Docker's proxy of a published port accepts for a
 * container that does not: with `is_proxied` a connection that is closed at
 * once was none.
 */
struct reach reach_tcp(const char *place, int64_t timeout_ms, bool is_proxied);

#endif
