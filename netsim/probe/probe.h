/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures what the fleet's links do to packets. Frames are sent and received at
 * the nodes' own interfaces by sockets that live in the nodes' namespaces, all in
 * one process: one clock stamps every departure and, by the kernel, every arrival.
 *
 * The frames carry the receiver's hardware address, so that a link is measured
 * and not whether ARP has come through it; packet sockets take them in before
 * any firewall.
 */
#ifndef NETSIM_PROBE_H
#define NETSIM_PROBE_H

#include <net/if.h>

#include "netsim/util/err.h"
#include "netsim/util/unit.h"

/* Where probes leave and arrive: an interface with an address. */
struct probe_end {
	int ns_fd; /* the network namespace, the caller's; -1: only answers echoes */
	char device[IFNAMSIZ];
	int ifindex;
	struct ip ip;
	struct mac mac;
	unsigned mtu;
};

/* Bytes of a probe's frame as the shapers count them: UDP over IPv4. */
#define PROBE_FRAME 74

/* What became of the probes of one path; times in milliseconds. */
struct probe_seen {
	unsigned sent, received, duplicates;
	unsigned late; /* came after one that was sent later */
	double min, median, mean, sd;
	double spread; /* of the middle half, as a standard deviation */
};

struct probe_path {
	size_t from, to;  /* of the ends */
	double interval;  /* seconds from one probe to the next */
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _ICMP: there and back; 0: UDP to a port of its own
			   */
	uint16_t source_port, port; /* where protocol is set; 0: any */
	struct probe_seen seen;
};

struct probe;

/* Opens the sockets. The ends must outlive the result, which is the caller's. */
int probe_open(int own_fd, const struct probe_end *ends, size_t count, struct probe **ret,
	       struct netsim_err *err);
void probe_close(struct probe *probe);

struct probe_plan {
	struct probe_path *paths;
	size_t path_count;
	double seconds; /* of sending */
	double settle;	/* seconds after which no probe can be under way any more */
	/* Called with the share that is done, 0 to 1; may be NULL. */
	bool (*progress)(void *arg, double done); /* true: stop with -ECANCELED */
	void *arg;
};

/* Sends probes on all paths at once, and waits for them to settle. Fills paths[].seen. */
int probe_run(struct probe *probe, const struct probe_plan *plan, struct netsim_err *err);

/* A rate: bits per second of whole frames without preamble and check sum. */
struct probe_rate {
	double offered; /* what the sender got rid of */
	double passed;	/* what the receiver saw, once the link was busy */
	double window;	/* seconds over which that was */
	bool busy;	/* TCP: somebody else uses the port, at both ends */
};

/* Part of a flood, or where a TCP connection goes. */
struct probe_lane {
	size_t from, to;
	double share;  /* of the whole rate; TCP: unused */
	uint16_t port; /* where to; 0: one that belongs to the prober */
};
#define PROBE_LANES 8

struct probe_flood_plan {
	const struct probe_lane *lanes; /* at most PROBE_LANES */
	size_t lane_count;
	double bps;
	double burst; /* bits that go out at once, before, and do not count */
	double seconds;
};

/* Floods with UDP. Of several lanes the sum is measured, while they are all being sent. */
void probe_flood(struct probe *probe, const struct probe_flood_plan *plan, struct probe_rate *ret);

/*
 * One TCP connection (cubic) that sends as fast as it may; the first warmup seconds
 * do not count. passed is 0 where no connection came about. It is to the lane's port,
 * or from it where the other end uses it; 0: any.
 */
int probe_tcp(struct probe *probe, const struct probe_lane *lane, double warmup, double seconds,
	      struct probe_rate *ret, struct netsim_err *err);

/* How late this machine's timers are: the 90th of 100, in milliseconds. */
double probe_lateness(void);

/* Seconds of a steady clock. */
double probe_now(void);

#endif
