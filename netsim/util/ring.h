/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring of majorities: each node hears only from a majority, and no two from the same. Pure. */
#ifndef NETSIM_RING_H
#define NETSIM_RING_H

#include <stdbool.h>
#include <stddef.h>

#define RING_LEAST 3 /* the majority of two nodes is both */

/*
 * Whether the ring drops packets from one of count nodes to another, by their places in it. A node
 * hears from those around it: with five nodes from one on each side, with three from the one before
 * it.
 */
static inline bool ring_cuts(size_t count, size_t from, size_t to)
{
	size_t majority = count / 2 + 1, before = majority / 2;

	return (from + count - to + before) % count >= majority;
}

/* True if some pairs are cut in one direction only, because the majority is an even number. */
static inline bool ring_is_one_way(size_t count)
{
	return (count / 2 + 1) % 2 == 0;
}

#endif
