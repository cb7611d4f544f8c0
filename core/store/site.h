/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the site is paused. Its events are a chain of their own, SITE. */
#ifndef FETTLE_STORE_SITE_H
#define FETTLE_STORE_SITE_H

#include "store/db.h"

/* 1, 0, or -1. */
int site_is_paused(struct store *store, struct err *err);
/* Within a transaction: an event of the site's own chain. */
int site_append(struct store *store, const char *actor, const char *kind,
		const json_t *body, struct err *err);

#endif
