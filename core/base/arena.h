/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Memory that is given back all at once: for trees of many small parts that
 * live and die together.
 */
#ifndef FETTLE_BASE_ARENA_H
#define FETTLE_BASE_ARENA_H

#include "base.h"

struct arena {
	struct arena_chunk *newest;
	size_t used, room;	/* of the newest chunk */
};

/* Zeroed, aligned for any pointer or number; never NULL. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;
/* A copy of n bytes with a NUL behind. */
char *arena_strndup(struct arena *arena, const char *s, size_t n) MUST_USE;
void arena_done(struct arena *arena);

#endif
