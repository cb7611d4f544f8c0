/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Signed checkpoints: with every run that ends, what all runs with new events
 * had come to is signed (Ed25519). The chain of hashes shows a changed event;
 * only a signature shows that the last ones were cut off, or all of them made
 * up again.
 */
#ifndef FETTLE_STORE_CHECKPOINT_H
#define FETTLE_STORE_CHECKPOINT_H

#include "store/db.h"

/*
 * Within a transaction. Nothing to sign is no error; neither is a key that
 * cannot be read: a run must be able to end, and the next checkpoint covers
 * what this one would have.
 */
int checkpoint_append(struct store *store, struct err *err);

/* Compiles its statements and looks up the key (store_rehearse). */
void checkpoint_rehearse(struct store *store);

#endif
