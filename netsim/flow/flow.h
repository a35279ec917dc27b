/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Follows connections, and sums those of a class between two addresses into groups. Pure:
 * packets in, figures out.
 *
 * Memory is bounded. When the table of connections is full, a new one evicts an idle one
 * (second-chance order): its figures stay in its group, only its row is lost. Beyond
 * FLOW_GROUPS pairs, further pairs of a class share an overflow group.
 *
 * Connections and groups belong to one view (vantage point) and to one side of it, so a
 * connection that passes through a router has two entries there. Each entry follows all packets
 * captured at its place. But a packet counts only where it was captured first (copies.h), and a
 * connection only where it was first seen.
 */
#ifndef NETSIM_FLOW_H
#define NETSIM_FLOW_H

#include "netsim/config/classes.h"
#include "netsim/flow/histogram.h"
#include "netsim/packet/packet.h"

#define FLOW_CONNECTIONS     1000000
#define FLOW_CONNECTIONS_MAX 100000000
#define FLOW_GROUPS	     1024
#define FLOW_GROUPS_VIEWS    8192  /* where packets have views */
#define FLOW_BINS	     512   /* when all are used, adjacent bins are merged */
#define FLOW_GAPS	     65536 /* whose times are kept */
#define FLOW_CLASSES	     (CLASSES_MAX + 1)

struct flow_address {
	uint64_t word[2]; /* its bytes as in the packet; IPv4: the first four */
};

enum flow_count {
	FLOW_FAST,     /* retransmissions after three identical acknowledgements */
	FLOW_TIMEOUT,  /* other retransmissions, of unacknowledged data */
	FLOW_SPURIOUS, /* retransmissions of acknowledged data */
	FLOW_REORDERED,
	FLOW_RESENT, /* retransmissions of bytes captured before */
	FLOW_DUP_ACKS,
	FLOW_ZERO_WINDOWS,
	FLOW_RESETS,
	FLOW_GAP_COUNT,
	FLOW_COUNTS,
};

/* Which end of a connection is at the view. */
enum flow_local {
	FLOW_FIRST_LOCAL,  /* first direction (or side) is sent at the view, second delivered */
	FLOW_SECOND_LOCAL, /* the other way round */
	FLOW_NOWHERE,	   /* unknown */
};

/* Connections opened by one end. */
struct flow_opening {
	uint64_t connections, unanswered, refused;
	struct histogram handshake;
};

/* One direction of a group. */
struct flow_way {
	struct flow_opening opened; /* by clients that send in this direction */
	uint8_t hops;		    /* the highest TTL or hop limit seen */
	uint64_t captured;	    /* packets, including copies, which count elsewhere */
	uint64_t packets, bytes, payload;
	uint64_t counts[FLOW_COUNTS];
	struct histogram rtt; /* of data sent in this direction */
	int64_t last_ns;
	uint64_t silences; /* gaps in which the whole group sent nothing in this direction */
};

/* A time bin. */
struct flow_bin {
	struct {
		uint64_t bytes;
		uint32_t packets, retransmissions, gaps;
		struct histogram *rtt; /* coarse; NULL: empty */
	} ways[2];
};

struct flow_group {
	uint32_t addresses[2]; /* by number; FLOW_NO_ADDRESS in an overflow group */
	uint8_t version;
	uint8_t class;
	bool inner; /* encapsulated in VXLAN */
	uint16_t view;
	uint8_t local; /* enum flow_local */
	struct flow_way ways[2];
	int64_t first_ns;
	int64_t gap_ns;
	struct flow_bin *bins;
	uint32_t bin_count;
};

#define FLOW_NO_ADDRESS 0 /* the number for "no address" */

struct flow_gap {
	int64_t begin_ns, end_ns;
	uint32_t group;
	uint8_t way;
	bool whole; /* the whole group sent nothing in this direction */
	uint16_t source_port, destination_port;
};

/* A connection still in the table. */
struct flow_summary {
	uint32_t group;
	uint8_t first_way; /* the direction of the group in which the client sends */
	uint8_t protocol;
	uint8_t version; /* 0: not IP, and the ports are the ethertype */
	uint16_t vlan;
	uint32_t addresses[2];
	uint16_t ports[2];
	uint32_t line; /* the same for a connection in all views; 0: there are no views */
	bool first;    /* of its line: it counts as the connection */
	int64_t first_ns, last_ns;
	int64_t handshake_ns; /* -1: not seen */
	bool syn, answered, refused, closed;
	struct {
		uint64_t packets, bytes, payload;
		uint64_t rtt_count;
		double rtt_mean;
		int64_t rtt_min, rtt_max;
		uint64_t counts[FLOW_COUNTS];
	} sides[2]; /* client, server */
};

struct flow;

/*
 * classes may be NULL and must outlive *ret; connections: size of the table, 0:
 * FLOW_CONNECTIONS. 0 or -ENOMEM. flow_free() frees *ret.
 */
int flow_new(const struct class_set *classes, uint32_t connections, struct flow **ret,
	     struct netsim_err *err);
void flow_free(struct flow *flow);

/*
 * Counts a packet, and the one encapsulated in it. False when memory ran out; the totals
 * still include the packet.
 */
bool flow_add(struct flow *flow, const struct packet *packet, int64_t time_ns);

/*
 * Sums the connections still in the table into their groups. Call once, at the end; the
 * groups are complete only then.
 */
void flow_finish(struct flow *flow);

size_t flow_groups(const struct flow *flow, const struct flow_group **ret);
const struct flow_address *flow_address(const struct flow *flow, uint32_t number,
					uint8_t *ret_version);
/* Number of slots in the table of connections; a summary of one, false if the slot is free. */
uint32_t flow_connections(const struct flow *flow);
bool flow_summary(const struct flow *flow, uint32_t number, struct flow_summary *ret);
uint64_t flow_connection_bytes(const struct flow *flow, uint32_t number);

struct flow_totals {
	uint64_t packets, bytes; /* without encapsulated packets */
	uint64_t copies;	 /* of these, packets captured before at another place */
	uint64_t inner;		 /* encapsulated packets */
	uint64_t connections;	 /* all, including those evicted */
	uint64_t folded;	 /* evicted: only in the sums of their group */
	uint64_t unordered;	 /* packets older than their predecessor */
	int64_t first_ns, last_ns;
	int64_t bin_ns; /* width of a bin; the first begins at first_ns */
	uint64_t gaps;	/* all of them; at most FLOW_GAPS are listed */
};
void flow_totals(const struct flow *flow, struct flow_totals *ret);
size_t flow_gaps(const struct flow *flow, const struct flow_gap **ret);

/* Returns the index of the class, or classes->count if none matches. */
struct flow_classifier;
unsigned flow_classify(const struct flow_classifier *c, const struct packet *packet);
struct flow_classifier *flow_classifier_new(const struct class_set *classes);
void flow_classifier_free(struct flow_classifier *c);

#endif
