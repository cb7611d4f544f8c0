/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a transaction appended, for who listens (store_listen): kept until the
 * commit, then told; forgotten when there is none.
 */
#ifndef FETTLE_STORE_LISTEN_H
#define FETTLE_STORE_LISTEN_H

#include "store/db.h"

void listen_keep(struct store *store, const char *run, const char *kind,
		 const json_t *body);
void listen_tell(struct store *store);
void listen_forget(struct store *store);

#endif
