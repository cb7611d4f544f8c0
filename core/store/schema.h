/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of the store and their versions, kept in PRAGMA user_version. */
#ifndef FETTLE_STORE_SCHEMA_H
#define FETTLE_STORE_SCHEMA_H

#include "store/db.h"

/*
 * Makes the tables of a new store, refuses a newer one (`store.version`). Of an
 * older one *ret_is_old becomes true: store_rebuild makes it one of this version.
 * STORE_READ only checks, and refuses an older one too.
 */
int schema_check(struct store *store, bool *ret_is_old, struct err *err);

/* The names of the tables that follow from the events; ends with NULL. */
extern const char *const schema_derived[];

/* Within a transaction: all that is derived from events is empty, in this version. */
int schema_renew(struct store *store, struct err *err);

#endif
