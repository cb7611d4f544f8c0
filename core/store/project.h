/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The derived tables: what each kind of event changes in them. */
#ifndef FETTLE_STORE_PROJECT_H
#define FETTLE_STORE_PROJECT_H

#include "store/db.h"
#include "store/event.h"

/* One kind of event; each file that knows some has a table of its own. */
struct projection {
	const char *kind;
	int (*project)(struct store *store, const struct event *event,
		       const json_t *body, struct err *err);
};
extern const struct projection run_projections[]; /* project_run.c */
extern const size_t run_projection_count;
extern const struct projection hold_projections[]; /* project_hold.c */
extern const size_t hold_projection_count;

/* A member of a body: as text, or NULL; as it is. */
static inline const char *
project_text(const json_t *body, const char *key)
{
	return json_string_value(json_object_get(body, key));
}

static inline const json_t *
project_member(const json_t *body, const char *key)
{
	return json_object_get(body, key);
}

/* Within a transaction. body is event->body, parsed. Depends on nothing but events. */
int project(struct store *store, const struct event *event, const json_t *body,
	    const char *hash, struct err *err);

#endif
