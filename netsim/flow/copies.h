/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recognizes a packet that is captured again on its way: at another vantage point, or at a
 * device above or below. Pure: packets in, yes or no out.
 *
 * Copies have the same digest (oneway.h). A packet is a copy of an earlier one if that was
 * captured at another place (a view and a direction) and had no copy at this place yet. The
 * same bytes again at one place are another transmission, unless they follow at once in a
 * cooked capture without interface numbers. A transmission can be delivered, or forwarded with
 * fewer hops left, any number of times.
 *
 * Memory is bounded: only the last COPIES_PACKETS packets are remembered.
 */
#ifndef NETSIM_FLOW_COPIES_H
#define NETSIM_FLOW_COPIES_H

#include "netsim/packet/packet.h"

#define COPIES_PACKETS (1U << 19)

struct copies;

/* packets: a power of two, 0: COPIES_PACKETS. NULL when out of memory; copies_free() frees it. */
struct copies *copies_new(uint32_t packets);
void copies_free(struct copies *copies);
/* Whether the packet is a copy; if not, it is remembered. Times must be in order. */
bool copies_add(struct copies *copies, const struct packet *packet, int64_t time_ns);

#endif
