/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of the store and their versions, kept in PRAGMA user_version. */
#ifndef FETTLE_STORE_SCHEMA_H
#define FETTLE_STORE_SCHEMA_H

#include "store/db.h"

/*
 * Makes the tables of a new store, brings an older one up to date, refuses a
 * newer one (`store.version`). STORE_READ only checks.
 */
int schema_check(struct store *store, struct err *err);

/* Within a transaction: all that is derived from events is empty again. */
int schema_renew(struct store *store, struct err *err);

#endif
