/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/util/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 4096

/* Memory for small objects, or one adopted block. */
struct chunk {
	struct chunk *next;
	void *adopted;
	size_t used, size;
	_Alignas(max_align_t) char data[];
};

/* Precedes the root object in memory. */
struct arena {
	_Alignas(max_align_t) struct chunk *chunks;
};

static struct arena *arena_of(void *root)
{
	return (struct arena *)root - 1;
}

void *arena_new(size_t size)
{
	struct arena *arena = calloc(1, sizeof(*arena) + size);

	return arena ? arena + 1 : NULL;
}

void arena_free(void *root)
{
	struct chunk *chunk = root ? arena_of(root)->chunks : NULL;

	if (!root)
		return;
	while (chunk) {
		struct chunk *next = chunk->next;

		free(chunk->adopted);
		free(chunk);
		chunk = next;
	}
	free(arena_of(root));
}

static struct chunk *add_chunk(struct arena *arena, size_t size)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(void *root, size_t size)
{
	struct chunk *chunk = arena_of(root)->chunks;
	size_t aligned = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);

	if (!chunk || chunk->size - chunk->used < aligned)
		chunk = add_chunk(arena_of(root), aligned > CHUNK ? aligned : CHUNK);
	if (!chunk)
		return NULL;
	chunk->used += aligned;
	return chunk->data + chunk->used - aligned;
}

char *arena_strdup(void *root, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(root, size);

	return copy ? memcpy(copy, text, size) : NULL;
}

char *arena_printf(void *root, const char *fmt, ...)
{
	va_list ap, again;
	char *text;
	int length;

	va_start(ap, fmt);
	va_copy(again, ap);
	length = vsnprintf(NULL, 0, fmt, ap);
	text = length < 0 ? NULL : arena_alloc(root, (size_t)length + 1);
	if (text)
		vsnprintf(text, (size_t)length + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void *arena_adopt(void *root, void *memory)
{
	struct chunk *chunk = memory ? add_chunk(arena_of(root), 0) : NULL;

	if (!chunk) {
		free(memory);
		return NULL;
	}
	chunk->adopted = memory;
	return memory;
}

void *arena_list(void *root, void *block, size_t count, size_t size)
{
	void **list = arena_alloc(root, (count + 1) * sizeof(*list));

	for (size_t i = 0; list && i < count; i++)
		list[i] = (char *)block + i * size;
	return list;
}

void *arena_push_(void *root, void *list_ptr, size_t *count, size_t size)
{
	void *element = arena_alloc(root, size), **list;

	memcpy(&list, list_ptr, sizeof(list));
	/* The room doubles whenever the count is a power of two; the old list stays in the arena.
	 */
	if (element && (*count & (*count - 1)) == 0) {
		void **wider = arena_alloc(root, (*count ? *count * 2 : 1) * sizeof(*wider));

		if (wider && *count)
			memcpy(wider, list, *count * sizeof(*wider));
		list = wider;
		if (list)
			memcpy(list_ptr, &list, sizeof(list));
	}
	if (!element || !list)
		return NULL;
	list[(*count)++] = element;
	return element;
}
