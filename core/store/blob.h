/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blobs as files, for what keeps the store: backup and removal. */
#ifndef FETTLE_STORE_BLOB_H
#define FETTLE_STORE_BLOB_H

#include "base/str.h"
#include "store/db.h"

/* STATE/blobs, locked (LOCK_SH, LOCK_EX) as long as the descriptor is open; or -1. */
int blob_lock(struct store *store, int how, struct err *err);

bool blob_is_name(const char *text);	/* 64 hexadecimal digits */

/*
 * Names of blobs, sorted. referenced: what any proposal names; needed: what could
 * still be put back, or is of a run that ended at or after `since_ms` or not yet.
 */
int blob_referenced(struct store *store, struct strv *ret, struct err *err);
int blob_needed(struct store *store, int64_t since_ms, struct strv *ret,
		struct err *err);
bool blob_is_among(const struct strv *sorted, const char *name);

#endif
