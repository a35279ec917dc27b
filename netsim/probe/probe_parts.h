/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the prober share: its sockets and its frames. */
#ifndef NETSIM_PROBE_PARTS_H
#define NETSIM_PROBE_PARTS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "netsim/probe/probe.h"

#define PROBE_MAGIC 0x6e737076U /* "nspv" */
#define PROBE_BATCH 32
#define PROBE_SNAP  128 /* bytes of each frame that are kept on arrival */

/* What every probe carries, after its IP and UDP or TCP header. */
struct probe_load {
	uint32_t magic, run, path, seq;
	int64_t sent; /* ns of CLOCK_REALTIME, which the kernel stamps arrivals with */
	uint32_t check;
	uint32_t twin; /* sent right after the probe of the same number */
};

struct probe {
	int own_fd;
	const struct probe_end *ends;
	size_t count;
	int *frames;	 /* packet sockets */
	int *sinks;	 /* UDP sockets that nobody reads: no ICMP error for a probe */
	uint16_t *ports; /* theirs */
	int epoll;
	uint32_t run; /* tells this run's probes from stray ones */
};

/* A frame's fields. */
struct probe_frame {
	uint8_t protocol;
	uint16_t source_port, port;
	size_t bytes; /* of the IP packet; 0: as small as may be */
	struct probe_load load;
};

/* Writes the IP packet (at most size bytes) and returns its length. */
size_t probe_build(const struct probe_end *from, const struct probe_end *to,
		   const struct probe_frame *frame, uint8_t *buf, size_t size);
/* Finds the probe in a packet that came in whole or cut; false: it is none, or damaged. */
bool probe_parse(const uint8_t *packet, size_t len, uint32_t run, struct probe_load *ret);

/* Sends packets of these lengths to one end; returns how many went. */
int probe_send(const struct probe *probe, size_t from, size_t to, uint8_t (*packets)[PROBE_SNAP],
	       const size_t *lengths, int count);

struct probe_arrival {
	int64_t at; /* ns of CLOCK_REALTIME */
	struct probe_load load;
};
/* Takes up to PROBE_BATCH probes that have come to this end; returns how many. */
int probe_receive(const struct probe *probe, size_t end, struct probe_arrival *ret);

/* Waits until something has come, or for so many seconds; marks the ends in ready. */
int probe_wait(const struct probe *probe, double seconds, size_t *ready, int max);

#endif
