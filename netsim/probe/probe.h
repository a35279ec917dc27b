/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measures the conditions of links with probes. One process sends and receives frames
 * on the nodes' interfaces, through sockets in the nodes' network namespaces. All
 * timestamps therefore come from one clock; arrivals are stamped by the kernel.
 *
 * Frames are addressed to the receiver's MAC address, so that ARP plays no part, and
 * packet sockets receive them before any firewall. If the host routes, they are addressed to
 * the host's end of the sender's cable, and may lose one hop on the way.
 */
#ifndef NETSIM_PROBE_H
#define NETSIM_PROBE_H

#include <net/if.h>

#include "netsim/config/conditions.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

/* An endpoint of probes: an interface with an address. */
struct probe_end {
	int ns_fd; /* its network namespace, owned by the caller; -1: it only answers echoes */
	char device[IFNAMSIZ];
	int ifindex;
	struct ip ip;
	struct mac mac;
	unsigned mtu;
	bool has_router; /* its frames are addressed to a router */
	struct mac router;
};

/* Bytes of a probe's frame as shapers count them, for UDP over IPv4. */
#define PROBE_FRAME 74
/* Bytes of the longest IP packet of a probe without a size of its own: TCP over IPv6. */
#define PROBE_PACKET 92

/* The results of one path; times in milliseconds. */
struct probe_seen {
	unsigned sent, received, duplicates;
	unsigned late; /* arrived after a probe that was sent later */
	double min, median, mean, sd, p90;
	double spread; /* interquartile range, scaled to a standard deviation */
};

struct probe_path {
	size_t from, to;  /* indices of ends */
	double interval;  /* seconds from one probe to the next */
	uint8_t protocol; /* IPPROTO_TCP, _UDP or _ICMP (a round trip); 0: UDP to a sink */
	uint16_t source_port, port; /* if protocol is set; 0: any */
	size_t bytes;		    /* length of its IP packets, 0: minimal */
	struct probe_seen seen;
};

struct probe;

/* Opens the sockets. The ends must outlive *ret, which the caller closes with probe_close(). */
int probe_open(int own_fd, const struct probe_end *ends, size_t count, struct probe **ret,
	       struct netsim_err *err);
void probe_close(struct probe *probe);

struct probe_plan {
	struct probe_path *paths;
	size_t path_count;
	double seconds; /* how long to send */
	double settle;	/* seconds after which no probe can be in flight any more */
	/* Called with the completed share, 0 to 1; returns true to send no more; may be NULL. */
	bool (*progress)(void *arg, double done);
	void *arg;
};

/*
 * Sends probes on all paths at once, waits for the last to arrive, and fills paths[].seen; also
 * if it was stopped, with the probes sent until then.
 */
int probe_run(struct probe *probe, const struct probe_plan *plan, struct netsim_err *err);

/* Rates in bits per second; frames count without preamble and FCS, but with an overhead asked for.
 */
struct probe_rate {
	double passed; /* rate received, once the link was busy */
	/*
	 * Rate at which the same packets were sent, at least; 0: not known. Less by the share of
	 * the window in which the machine stood still after they were sent: so long they may have
	 * waited for it instead of for the link.
	 */
	double offered;
	double window;	/* seconds over which it was measured */
	bool busy;	/* TCP: the port is in use at both ends */
	double refused; /* flood: the share of packets that the sender's interface refused */
	double idle;	/* the share of the time in which this process kept the link waiting */
};

/* One lane of a flood, or the ends of a TCP connection. */
struct probe_lane {
	size_t from, to;
	double share;  /* of the total rate; TCP: unused */
	uint16_t port; /* destination port; 0: one owned by the prober */
};
#define PROBE_LANES 8

struct probe_flood_plan {
	const struct probe_lane *lanes; /* at most PROBE_LANES */
	size_t lane_count;
	double bps;
	double burst; /* bits sent at once in advance, which do not count */
	double lead;  /* or over these seconds, at this pace in bits per second; 0: at once */
	double pace;
	double train; /* bits of a short flood, beyond which none count; 0: all do */
	double seconds;
	double link;  /* rate of the link to keep busy, for idle; 0: unknown */
	double queue; /* bits that wait before it at most; 0: unknown */
	struct overhead overhead;
};

/* Floods with UDP. Measures the sum of all lanes, only while all of them are being sent. */
void probe_flood(struct probe *probe, const struct probe_flood_plan *plan, struct probe_rate *ret);

/*
 * Measures the rate of one TCP connection (cubic, or reno if there is no cubic) without a
 * limit of its own; the first warmup seconds do not count. It connects to the lane's port or,
 * if the receiver uses that port already, from it; port 0: any. passed is 0 if the connection
 * failed. Returns 0, or a negative errno with err filled.
 */
int probe_tcp(struct probe *probe, const struct probe_lane *lane, double warmup, double seconds,
	      struct probe_rate *ret, struct netsim_err *err);

/* Measures how late this machine's timers are, in ms: the 90th percentile of 100 sleeps of 1 ms. */
double probe_timer_slack(void);

/* Returns the time of a monotonic clock, in seconds. */
double probe_now(void);

#endif
