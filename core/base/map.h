/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds things by name. Neither the names nor the things are owned: both must
 * live as long as the map.
 */
#ifndef FETTLE_BASE_MAP_H
#define FETTLE_BASE_MAP_H

#include "base.h"

struct map {
	struct map_entry *entries;
	size_t count, room;	/* room: a power of two, or 0 */
};
#define MAP_INIT { NULL, 0, 0 }

/* Room for so many things, if that is known in advance. */
void map_reserve(struct map *map, size_t count);
/* Adds a thing (not NULL). NULL, or the thing that has this name already. */
const void *map_add(struct map *map, const char *name, const void *thing);
/* The thing, or NULL. */
const void *map_find(const struct map *map, const char *name);
void map_done(struct map *map);

#endif
