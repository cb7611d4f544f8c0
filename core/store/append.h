/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Appending one event and its projection: the only write there is. */
#ifndef FETTLE_STORE_APPEND_H
#define FETTLE_STORE_APPEND_H

#include "store/transition.h"

/* 0, or -1 `store.body`: the actor has no name, or the body not the right shape. */
int append_check(const struct event_kind *kind, const char *actor, const json_t *body,
		 struct err *err);

/* Within a transaction; checks nothing. row is brought up to date. */
int append_event(struct store *store, struct run_row *row, const char *actor,
		 const char *kind, const json_t *body, struct err *err);

/* Within a transaction: loads the run's row; -1 `store.stale_epoch` when not ours. */
int append_begin(struct store *store, const struct store_claim *claim,
		 struct run_row *ret, struct err *err);

#endif
