/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `retry:` of a step: how often, how long between, after which failures. */
#ifndef FETTLE_MODEL_RETRY_H
#define FETTLE_MODEL_RETRY_H

#include "model/node.h"

struct retry {
	uint32_t attempts;	/* in all, 2 to 10; 0: the key is absent */
	uint64_t backoff_ms, max_ms;	/* doubles from one to the other */
	bool on_any;		/* else only what may pass by itself */
};

/*
 * The mapping of a step; NULL leaves *ret as it is. -1 with `key.unknown`,
 * `key.missing`, `type.*` at the member.
 */
int retry_read(const struct node *node, const char *file, struct retry *ret,
	       struct err *err);

/* As it stands in a plan, and back. New reference. */
json_t *retry_json(const struct retry *retry);
int retry_parse(const json_t *json, struct retry *ret, struct err *err);

#endif
