/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the prober: its sockets and its frames. */
#ifndef NETSIM_PROBE_PARTS_H
#define NETSIM_PROBE_PARTS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "netsim/probe/probe.h"

#define PROBE_MAGIC 0x6e737076U /* "nspv" */
#define PROBE_BATCH 32
#define PROBE_SNAP  128 /* bytes received of each frame */

/* The payload of a probe, after the IP header and the UDP, TCP or ICMP header. */
struct probe_load {
	uint32_t magic, run, path, seq;
	int64_t sent; /* ns of CLOCK_REALTIME, like the kernel's receive timestamps */
	uint32_t check;
	uint32_t twin; /* sent directly after the probe with the same seq */
};

struct probe {
	int own_fd;
	const struct probe_end *ends;
	size_t count;
	int *frames;	 /* packet sockets */
	int *sinks;	 /* UDP sockets, never read: they prevent ICMP errors for probes */
	uint16_t *ports; /* the ports of sinks */
	int epoll;
	uint32_t run; /* distinguishes this run's probes from stray ones */
};

/* The fields of a frame. */
struct probe_frame {
	uint8_t protocol;
	uint16_t source_port, port;
	size_t bytes; /* length of the IP packet; 0: minimal */
	struct probe_load load;
};

/*
 * Writes the headers and the payload of an IP packet to buf, without padding. Returns the length
 * of the packet, padding included; 0 if size is too small.
 */
size_t probe_build(const struct probe_end *from, const struct probe_end *to,
		   const struct probe_frame *frame, uint8_t *buf, size_t size);
/* Parses a packet, complete or truncated; false if it is not a probe, or damaged. */
bool probe_parse(const uint8_t *packet, size_t len, uint32_t run, struct probe_load *ret);

/* Sends packets of these lengths to one end; returns how many were sent. */
int probe_send(const struct probe *probe, size_t from, size_t to, uint8_t (*packets)[PROBE_SNAP],
	       const size_t *lengths, int count);

struct probe_arrival {
	int64_t at; /* ns of CLOCK_REALTIME */
	struct mac source;
	struct probe_load load;
};
/* Receives up to PROBE_BATCH probes at this end; returns their number, or -1. */
int probe_receive(const struct probe *probe, size_t end, struct probe_arrival *ret);

/* Waits up to seconds for probes; stores the ends that have some and returns their number. */
int probe_wait(const struct probe *probe, double seconds, size_t *ready, int max);

#endif
