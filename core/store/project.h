/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The derived tables: what each kind of event changes in them. */
#ifndef FETTLE_STORE_PROJECT_H
#define FETTLE_STORE_PROJECT_H

#include "store/db.h"
#include "store/event.h"

/* Within a transaction. body is event->body, parsed. Depends on nothing but events. */
int project(struct store *store, const struct event *event, const json_t *body,
	    const char *hash, struct err *err);

#endif
