/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All proposals of a run seen as one: each file from its first image to its
 * last, each effect once.
 */
#ifndef FETTLE_ENGINE_DIFFERENCE_H
#define FETTLE_ENGINE_DIFFERENCE_H

#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

struct difference {
	json_t *edits, *effects; /* arrays in the form of proposals; owned */
};

int difference_init(struct difference *difference, struct store *store, const char *run,
		    struct err *err);
void difference_done(struct difference *difference);

#endif
