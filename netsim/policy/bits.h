/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of groups: a bit for each group of the partitions in force. Pure. */
#ifndef NETSIM_POLICY_BITS_H
#define NETSIM_POLICY_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bpf/port.h"

static inline bool bits_has(const struct port_bits *bits, int bit)
{
	return bits->word[bit / 64] >> (bit % 64) & 1;
}

static inline void bits_set(struct port_bits *bits, int bit)
{
	bits->word[bit / 64] |= 1ULL << (bit % 64);
}

static inline void bits_clear(struct port_bits *bits, int bit)
{
	bits->word[bit / 64] &= ~(1ULL << (bit % 64));
}

static inline struct port_bits bits_or(const struct port_bits *a, const struct port_bits *b)
{
	struct port_bits both;

	for (int i = 0; i < PORT_WORDS; i++)
		both.word[i] = a->word[i] | b->word[i];
	return both;
}

static inline struct port_bits bits_and(const struct port_bits *a, const struct port_bits *b)
{
	struct port_bits both;

	for (int i = 0; i < PORT_WORDS; i++)
		both.word[i] = a->word[i] & b->word[i];
	return both;
}

static inline void bits_add(struct port_bits *bits, const struct port_bits *more)
{
	*bits = bits_or(bits, more);
}

static inline void bits_remove(struct port_bits *bits, const struct port_bits *less)
{
	for (int i = 0; i < PORT_WORDS; i++)
		bits->word[i] &= ~less->word[i];
}

static inline bool bits_any(const struct port_bits *bits)
{
	uint64_t any = 0;

	for (int i = 0; i < PORT_WORDS; i++)
		any |= bits->word[i];
	return any;
}

/* Whether the sets have a bit in common. */
static inline bool bits_meet(const struct port_bits *a, const struct port_bits *b)
{
	const struct port_bits both = bits_and(a, b);

	return bits_any(&both);
}

static inline bool bits_equal(const struct port_bits *a, const struct port_bits *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline size_t bits_count(const struct port_bits *bits)
{
	size_t count = 0;

	for (int i = 0; i < PORT_WORDS; i++)
		count += (size_t)__builtin_popcountll(bits->word[i]);
	return count;
}

/* The first bit of the set from `from` on, -1: none. */
static inline int bits_next(const struct port_bits *bits, int from)
{
	for (int bit = from; bit < PORT_BITS; bit = (bit / 64 + 1) * 64) {
		uint64_t rest = bits->word[bit / 64] >> (bit % 64);

		if (rest)
			return bit + __builtin_ctzll(rest);
	}
	return -1;
}

/* Runs the statement for each bit of the set, in ascending order. */
#define bits_each(bit, bits) \
	for (int bit = bits_next((bits), 0); bit >= 0; bit = bits_next((bits), bit + 1))

#endif
