// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/flow/pool.h"

#include <stdlib.h>

void *pool_add(struct pool *pool, uint32_t *ret)
{
	if (pool->count == pool->max)
		return NULL;
	if (pool->count / POOL_CHUNK == pool->chunk_count) {
		char **chunks = realloc(pool->chunks, (pool->chunk_count + 1) * sizeof(*chunks));

		if (!chunks)
			return NULL;
		pool->chunks = chunks;
		chunks[pool->chunk_count] = calloc(POOL_CHUNK, pool->size);
		if (!chunks[pool->chunk_count])
			return NULL;
		pool->chunk_count++;
	}
	*ret = pool->count;
	return pool_at(pool, pool->count++);
}

void pool_done(struct pool *pool)
{
	for (uint32_t i = 0; i < pool->chunk_count; i++)
		free(pool->chunks[i]);
	free(pool->chunks);
}

/* Starts small and grows; at most half of the slots are used. */
bool index_init(struct index *index, uint32_t max)
{
	index->bits = 1;
	while ((1U << index->bits) <= max)
		index->bits++;
	index->mask = 1023;
	index->slots = calloc(index->mask + 1, sizeof(*index->slots));
	return index->slots != NULL;
}

static uint32_t slot_of(const struct index *index, uint32_t number, uint64_t hash)
{
	return (uint32_t)(hash >> 32) >> index->bits << index->bits | (number + 1);
}

static void put(struct index *index, uint32_t number, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & index->mask;

	while (index->slots[i])
		i = (i + 1) & index->mask;
	index->slots[i] = slot_of(index, number, hash);
}

static bool index_grow(struct index *index, index_hash_fn hash_of, const void *owner)
{
	struct index wider = *index;

	wider.mask = index->mask * 2 + 1;
	wider.slots = calloc((size_t)wider.mask + 1, sizeof(*wider.slots));
	if (!wider.slots)
		return false;
	for (uint32_t i = 0; i <= index->mask; i++)
		if (index->slots[i]) {
			uint32_t number = index_number(index, index->slots[i]);

			put(&wider, number, hash_of(owner, number));
		}
	free(index->slots);
	*index = wider;
	return true;
}

bool index_add(struct index *index, uint32_t number, index_hash_fn hash_of, const void *owner)
{
	if (index->used > index->mask / 2 && !index_grow(index, hash_of, owner))
		return false;
	put(index, number, hash_of(owner, number));
	index->used++;
	return true;
}

/* Deletion by backward shift: entries displaced by the removed one move up. */
void index_remove(struct index *index, uint32_t number, index_hash_fn hash_of, const void *owner)
{
	uint32_t i = (uint32_t)hash_of(owner, number) & index->mask, hole;

	while (index->slots[i] && index_number(index, index->slots[i]) != number)
		i = (i + 1) & index->mask;
	if (!index->slots[i])
		return;
	for (hole = i, i = (i + 1) & index->mask; index->slots[i]; i = (i + 1) & index->mask) {
		uint32_t home = (uint32_t)hash_of(owner, index_number(index, index->slots[i])) &
				index->mask;

		if (((i - home) & index->mask) < ((i - hole) & index->mask))
			continue;
		index->slots[hole] = index->slots[i];
		hole = i;
	}
	index->slots[hole] = 0;
	index->used--;
}
