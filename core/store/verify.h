/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deriving all tables from the events. */
#ifndef FETTLE_STORE_VERIFY_H
#define FETTLE_STORE_VERIFY_H

#include "store/db.h"

/* Within a transaction: drops what is derived and derives it again, in order. */
int tables_derive(struct store *store, struct err *err);

#endif
