/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open addressing, at most three quarters full. Names that collide on purpose
 * make it slow, not wrong: who reads hostile names limits how many.
 */
#include "base/base.h"

#include "base/map.h"

#define FIRST_ROOM 16u

struct map_entry {
	const char *name;
	const void *thing;
	uint64_t hash;
};

/* FNV-1a, and a last mixing so that the low bits depend on all. */
static uint64_t
hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const unsigned char *c = (const unsigned char *)name; *c != 0; c++)
		hash = (hash ^ *c) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

/* Where the name is, or would be. There is always an empty entry. */
static struct map_entry *
find_entry(const struct map *map, const char *name, uint64_t hash)
{
	size_t i = hash & (map->room - 1);

	while (map->entries[i].name != NULL &&
	       (map->entries[i].hash != hash || !str_eq(map->entries[i].name, name)))
		i = (i + 1) & (map->room - 1);
	return &map->entries[i];
}

static void
grow(struct map *map, size_t room)
{
	struct map larger = { .count = map->count, .room = room };

	larger.entries = x_calloc(larger.room, sizeof(*larger.entries));
	for (size_t i = 0; i < map->room; i++) {
		const struct map_entry *entry = &map->entries[i];

		if (entry->name != NULL)
			*find_entry(&larger, entry->name, entry->hash) = *entry;
	}
	free(map->entries);
	*map = larger;
}

void
map_reserve(struct map *map, size_t count)
{
	size_t room = FIRST_ROOM;

	while (count * 4 >= room * 3)
		room *= 2;
	if (room > map->room)
		grow(map, room);
}

const void *
map_add(struct map *map, const char *name, const void *thing)
{
	uint64_t hash = hash_name(name);
	struct map_entry *entry;

	if (map->count * 4 >= map->room * 3)
		grow(map, map->room ? map->room * 2 : FIRST_ROOM);
	entry = find_entry(map, name, hash);
	if (entry->name != NULL)
		return entry->thing;
	*entry = (struct map_entry){ name, thing, hash };
	map->count++;
	return NULL;
}

const void *
map_find(const struct map *map, const char *name)
{
	return map->room > 0 ? find_entry(map, name, hash_name(name))->thing : NULL;
}

void
map_done(struct map *map)
{
	free(map->entries);
	*map = (struct map)MAP_INIT;
}
