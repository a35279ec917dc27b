/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two containers: a pool of elements addressed by number, and a hash index of such numbers. */
#ifndef NETSIM_FLOW_POOL_H
#define NETSIM_FLOW_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Allocated in chunks, so that elements keep their address. */
#define POOL_CHUNK 4096
struct pool {
	char **chunks;
	uint32_t chunk_count, count, max;
	size_t size; /* of an element */
};

/* Adds a zeroed element; NULL when the pool holds max of them or memory ran out. */
void *pool_add(struct pool *pool, uint32_t *ret);
void pool_done(struct pool *pool);

static inline void *pool_at(const struct pool *pool, uint32_t number)
{
	return pool->chunks[number / POOL_CHUNK] + (size_t)(number % POOL_CHUNK) * pool->size;
}

/* Open addressing. A slot holds number + 1 (0: empty), and upper bits of the hash as a tag. */
struct index {
	uint32_t *slots;
	uint32_t mask;
	uint32_t used;
	uint32_t bits; /* of a slot, for the number */
};

/* Hashes an element again; owner is passed through. */
typedef uint64_t (*index_hash_fn)(const void *owner, uint32_t number);

/* For numbers below max. Both return false when out of memory. */
bool index_init(struct index *index, uint32_t max);
bool index_add(struct index *index, uint32_t number, index_hash_fn hash_of, const void *owner);
void index_remove(struct index *index, uint32_t number, index_hash_fn hash_of, const void *owner);

static inline uint32_t index_number(const struct index *index, uint32_t slot)
{
	return (slot & ((1U << index->bits) - 1)) - 1;
}

#endif
