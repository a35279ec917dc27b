/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets at ports of this host as they pass, by libpcap: all ports' in the order of
 * their time, each with the port, and whether its node sent it or it is delivered to it.
 * What is sent is seen before anything is done to it; what is delivered, after all of it.
 */
#ifndef NETSIM_LIVE_H
#define NETSIM_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/packet/packet.h"
#include "netsim/util/err.h"

struct live_packet {
	int64_t time_ns;     /* since 1970 */
	const uint8_t *data; /* until the next one is asked for */
	uint32_t captured, length;
	uint32_t port; /* which of those opened */
	bool sent;     /* by the node of the port; otherwise delivered to it */
};

struct live_options {
	const char *filter;		/* pcap-filter(7); NULL: everything */
	uint32_t snap;			/* bytes of each packet; 0: all of it */
	uint32_t buffer;		/* bytes for what the kernel holds of each port; 0: usual */
	bool only_sent, only_delivered; /* neither: both ways */
};

struct live;

/*
 * Begins at once. ports: names of interfaces. A wrong filter is -EINVAL (NETSIM_ERR_USAGE),
 * and so is less than 64 bytes of each packet, or than 1 MiB for each port.
 */
int live_open(const char *const *ports, size_t count, const struct live_options *options,
	      struct live **ret, struct netsim_err *err);
void live_close(struct live *live);

/* Every interface of a live capture is Ethernet: PACKET_ETHERNET. */

/* 1: *ret is the next one; 0: none came within wait_ms (or a signal did); otherwise -errno. */
int live_next(struct live *live, int wait_ms, struct live_packet *ret, struct netsim_err *err);
/* Nothing more is captured; live_next() then gives what was, and 0 when that is all. */
void live_stop(struct live *live);

struct live_counts {
	uint64_t received; /* that passed the filter */
	uint64_t dropped;  /* of them, those that there was no room for */
};
void live_counts(const struct live *live, size_t port, struct live_counts *ret);

/* True where the port's interface has gone: nothing more comes from it. */
bool live_gone(const struct live *live, size_t port);

#endif
