/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chunks from the heap, each twice the size of the one before up to a limit. */
#include "base/base.h"

#include "base/arena.h"

#define FIRST_CHUNK 1024u
#define MAX_CHUNK (1u << 20)
#define ALIGNMENT 8u

struct arena_chunk {
	struct arena_chunk *older;
	unsigned char bytes[];
};

static void
add_chunk(struct arena *arena, size_t size)
{
	size_t room = arena->room == 0 ? FIRST_CHUNK : arena->room * 2;
	struct arena_chunk *chunk;

	if (room > MAX_CHUNK)
		room = MAX_CHUNK;
	if (room < size)
		room = size;
	chunk = x_malloc(sizeof(*chunk) + room);
	chunk->older = arena->newest;
	*arena = (struct arena){ .newest = chunk, .room = room };
}

static void *
take(struct arena *arena, size_t size)
{
	void *bytes;

	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (arena->room - arena->used < size || arena->newest == NULL)
		add_chunk(arena, size);
	bytes = arena->newest->bytes + arena->used;
	arena->used += size;
	return bytes;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	return memset(take(arena, size), 0, size);
}

char *
arena_strndup(struct arena *arena, const char *s, size_t n)
{
	char *copy = take(arena, n + 1);

	copy[n] = '\0';
	return memcpy(copy, s, n);
}

void
arena_done(struct arena *arena)
{
	while (arena->newest != NULL) {
		struct arena_chunk *older = arena->newest->older;

		free(arena->newest);
		arena->newest = older;
	}
	*arena = (struct arena){ 0 };
}
