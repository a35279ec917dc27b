/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reorder buffer: sorts packets from several sources by time. Packets are held until
 * nothing earlier can come; if it is full, the earliest is released anyway. Pure.
 */
#ifndef NETSIM_LIVE_SORT_H
#define NETSIM_LIVE_SORT_H

#include "netsim/packet/live.h"

struct live_sort;

/* bytes: the limit on memory, including overhead. NULL when out of memory. */
struct live_sort *live_sort_new(size_t bytes);
void live_sort_free(struct live_sort *sort);

/* Adds a copy; packets with equal times keep their order. False when out of memory. */
bool live_sort_add(struct live_sort *sort, const struct live_packet *packet);

/*
 * Takes the earliest packet, if its time is at most until_ns or the buffer is full; *ret is
 * valid until the next call.
 */
bool live_sort_take(struct live_sort *sort, int64_t until_ns, struct live_packet *ret);

/* The time of the earliest packet; false when empty. */
bool live_sort_first(const struct live_sort *sort, int64_t *ret_ns);
/* True if the buffer has reached its limit on memory. */
bool live_sort_full(const struct live_sort *sort);

#endif
