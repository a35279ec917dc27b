/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live capture at ports of this host, by libpcap: the packets of all ports in order of
 * time, each with its port and direction. Sent packets are captured before any conditions
 * apply to them, delivered packets after; at a node's own end the other way round.
 */
#ifndef NETSIM_LIVE_H
#define NETSIM_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/netsim.h"
#include "netsim/packet/live_links.h"
#include "netsim/packet/packet.h"
#include "netsim/util/err.h"

struct live_packet {
	int64_t time_ns;     /* since 1970 */
	const uint8_t *data; /* valid until the next live_next() */
	uint32_t captured, length;
	uint32_t port; /* index into ports of live_open() */
	bool sent;     /* by the node of the port; otherwise delivered to it */
};

struct live_options {
	const char *filter;		/* pcap-filter(7); NULL: everything */
	uint32_t snap;			/* bytes of each packet; 0: all */
	uint32_t buffer;		/* bytes of kernel buffer per port; 0: default */
	bool only_sent, only_delivered; /* neither: both directions */
	bool own; /* the ports are the nodes' own ends: a node sends what leaves its port */
};

struct live;

/*
 * Starts capturing on the interfaces named in ports. A wrong filter is -EINVAL
 * (NETSIM_ERR_USAGE), as are a snap length below 64 bytes and a buffer below 1 MiB.
 * live_close() frees *ret.
 */
int live_open(const char *const *ports, size_t count, const struct live_options *options,
	      struct live **ret, struct netsim_err *err);
void live_close(struct live *live);

/* All packets are Ethernet frames: PACKET_ETHERNET. */

/*
 * Returns 1 with the next packet in *ret; 0 if none came within wait_ms (<0: no limit) or a
 * signal did; -errno on an error.
 */
int live_next(struct live *live, int wait_ms, struct live_packet *ret, struct netsim_err *err);
/*
 * Stops capturing; live_next() then returns the packets captured before, and 0 after the
 * last.
 */
void live_stop(struct live *live);

struct live_counts {
	uint64_t received; /* that passed the filter */
	uint64_t dropped;  /* of them, those lost because a buffer was full */
};
void live_counts(const struct live *live, size_t port, struct live_counts *ret);

/*
 * Returns true for an event at a port that was not returned before. Packets are captured
 * whenever a port is up: also after it was down at the beginning, or created again.
 */
bool live_event(struct live *live, struct live_event *ret);

/* True if the interface of the port was removed, and there is none of its name. */
bool live_gone(const struct live *live, size_t port);

#endif
