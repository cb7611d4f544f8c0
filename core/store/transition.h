/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may happen next to a run, and what may not: asked before each append. */
#ifndef FETTLE_STORE_TRANSITION_H
#define FETTLE_STORE_TRANSITION_H

#include "store/db.h"
#include "store/event.h"

/* The run's row as the next append needs it. */
struct run_row {
	char run[RUN_ID_SIZE];
	char state[24];
	int64_t epoch, ended_epoch;	/* ended_epoch 0: has not ended */
	int64_t seq;			/* of its last event */
	char head[SHA256_HEX_SIZE];	/* and its hash */
	bool is_planned;
	char rolls_back[RUN_ID_SIZE];	/* the run it rolls back, or "" */
};

/* -1 `run_not_found` when there is none. */
int run_row_load(struct store *store, const char *run, struct run_row *ret,
		 struct err *err);

/* 0, or -1 `store.transition`: the event cannot follow what the store knows. */
int
transition_check(struct store *store, const struct run_row *row,
		 const struct event_kind *kind, const json_t *body, struct err *err);

#endif
