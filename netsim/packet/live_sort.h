/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets from several sources into the order of their time. What was added is kept
 * until it is certain that nothing earlier can come; when there is too much of it, the
 * earliest has to go all the same. Pure.
 */
#ifndef NETSIM_LIVE_SORT_H
#define NETSIM_LIVE_SORT_H

#include "netsim/packet/live.h"

struct live_sort;

/* bytes: how much is kept, with what it takes to keep it. NULL when out of memory. */
struct live_sort *live_sort_new(size_t bytes);
void live_sort_free(struct live_sort *sort);

/* Keeps a copy. Those of the same time stay in the order in which they were added. */
bool live_sort_add(struct live_sort *sort, const struct live_packet *packet);

/*
 * The earliest, if it is of a time up to until_ns or there is too much; it is valid until
 * the next call.
 */
bool live_sort_take(struct live_sort *sort, int64_t until_ns, struct live_packet *ret);

/* The time of the earliest; false where there is none. */
bool live_sort_first(const struct live_sort *sort, int64_t *ret_ns);
/* As much as is to be kept. */
bool live_sort_full(const struct live_sort *sort);

#endif
