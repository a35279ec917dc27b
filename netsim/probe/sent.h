/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the packets of a flood were sent: a link that passes what arrives later than it was sent
 * looks slow if the sender itself was late, so both times are compared for the same packets.
 */
#ifndef NETSIM_SENT_H
#define NETSIM_SENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/probe/probe.h"

/* A turn of the sender: from begin to end, in seconds, and what each lane has sent by then. */
struct sent_turn {
	double begin, end;
	uint32_t sent[PROBE_LANES];
};

/* The first and the last packet of a lane that count, by number. */
struct sent_span {
	bool any;
	uint32_t first, last;
};

struct sent {
	struct sent_turn *turns;
	size_t turn_count;
	bool incomplete; /* for want of memory */
	struct sent_span spans[PROBE_LANES];
};

/* Adds a turn. Without memory for it, the rate is not known. */
void sent_turn(struct sent *s, double begin, double end, const uint32_t *sent);

/* A packet of a lane counts, which may belong to a turn that is added later. */
void sent_counts(struct sent *s, size_t lane, uint32_t seq);

/*
 * Returns the packets per second that were sent from the first that counts to the last, at least:
 * a turn may have sent its packets at any time between its begin and its end. 0: not known.
 */
double sent_rate(const struct sent *s);

void sent_done(struct sent *s);

#endif
