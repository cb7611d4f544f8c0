/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where metrics go, as the site file or the environment says it:
 *
 *	metrics:
 *	  statsd: { host: 10.0.0.5, port: 8125, prefix: shop, tags: { env: prod } }
 *
 * Each text is checked here, wherever it stands: what is wrong is always
 * `metrics.invalid`.
 */
#ifndef FETTLE_MODEL_SINK_H
#define FETTLE_MODEL_SINK_H

#include "base/str.h"
#include "model/node.h"

#define SINK_PORT 8125
#define SINK_PREFIX "fettle"

struct sink {
	char *host;	/* a name, or an address; NULL: metrics go nowhere */
	uint16_t port;
	char *prefix;	/* what all names begin with, without the last dot; or "" */
	struct str tags; /* `name:value,name:value` */
};
void sink_done(struct sink *sink);

/* Each 0, or -1 with *sink as it was. */
int sink_set_host(struct sink *sink, const char *text, struct err *err);
int sink_set_port(struct sink *sink, const char *text, struct err *err);
int sink_set_prefix(struct sink *sink, const char *text, struct err *err);
int sink_add_tag(struct sink *sink, const char *name, const char *value,
		 struct err *err);

/* `metrics` of a site file; NULL: not given. On failure *sink is for sink_done. */
int sink_read(const struct node *node, const char *file, struct sink *sink,
	      struct err *err);

#endif
