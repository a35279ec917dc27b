/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What packets come to: connections, and what all connections of a class between two
 * addresses come to together (a group). Pure: packets in, figures out.
 *
 * Memory is bounded. There are at most so many connections; for a new one beyond that
 * the one goes that had no packet for longest, as a clock's hand finds it: its figures
 * have their place in its group, and only its own line is lost. Beyond FLOW_GROUPS pairs,
 * those of a class are one.
 *
 * A packet that is seen at two places is told apart by its view: connections and groups
 * are of one view, and of one side of it, so that a router has two of what passes through.
 * What they come to together is analyze.h's part.
 */
#ifndef NETSIM_FLOW_H
#define NETSIM_FLOW_H

#include "netsim/config/classes.h"
#include "netsim/flow/histogram.h"
#include "netsim/packet/packet.h"

#define FLOW_CONNECTIONS     1000000
#define FLOW_CONNECTIONS_MAX 100000000
#define FLOW_GROUPS	     1024
#define FLOW_GROUPS_VIEWS    8192  /* where packets are seen from several views */
#define FLOW_BINS	     512   /* of time; when they are full, each gets twice as wide */
#define FLOW_GAPS	     65536 /* of which the times are kept */
#define FLOW_CLASSES	     (CLASSES_MAX + 1)

struct flow_address {
	uint64_t word[2]; /* the bytes as they stand in the packet; IPv4: the first four */
};

enum flow_count {
	FLOW_FAST,     /* retransmissions that three same acknowledgements asked for */
	FLOW_TIMEOUT,  /* others, of data that was not acknowledged */
	FLOW_SPURIOUS, /* of data that was acknowledged already */
	FLOW_REORDERED,
	FLOW_RESENT, /* with bytes that were captured before */
	FLOW_DUP_ACKS,
	FLOW_ZERO_WINDOWS,
	FLOW_RESETS,
	FLOW_GAP_COUNT,
	FLOW_COUNTS,
};

/* Where the ends of a connection are, seen from a view. */
enum flow_local {
	FLOW_FIRST_LOCAL,  /* the first way (or side) is sent at the view, the second delivered */
	FLOW_SECOND_LOCAL, /* the other way round */
	FLOW_NOWHERE,	   /* not known */
};

/* The connections that one end opened. */
struct flow_opening {
	uint64_t connections, unanswered, refused;
	struct histogram handshake;
};

/* One direction of a group. */
struct flow_way {
	struct flow_opening opened; /* by who sends this way */
	uint8_t hops;		    /* the most that a packet had left */
	uint64_t packets, bytes, payload;
	uint64_t counts[FLOW_COUNTS];
	struct histogram rtt; /* of data sent this way */
	int64_t last_ns;
	uint64_t silences; /* gaps in which the group as a whole sent nothing this way */
};

/* What happened in a while. */
struct flow_bin {
	struct {
		uint64_t bytes;
		uint32_t packets, retransmissions, gaps;
		struct histogram *rtt; /* coarse; NULL: none */
	} ways[2];
};

struct flow_group {
	uint32_t addresses[2]; /* numbers; FLOW_NO_ADDRESS: of many */
	uint8_t version;
	uint8_t class;
	bool inner; /* inside of VXLAN */
	uint16_t view;
	uint8_t local; /* enum flow_local */
	struct flow_way ways[2];
	int64_t first_ns;
	int64_t gap_ns;
	struct flow_bin *bins;
	uint32_t bin_count;
};

#define FLOW_NO_ADDRESS 0 /* the number of what has none */

struct flow_gap {
	int64_t begin_ns, end_ns;
	uint32_t group;
	uint8_t way;
	bool whole; /* nothing else of the group came this way */
	uint16_t source_port, destination_port;
};

/* For people and reports: a connection that is still known. */
struct flow_summary {
	uint32_t group;
	uint8_t first_way; /* the way in the group in which its client sends */
	uint8_t protocol;
	uint8_t version; /* 0: not IP, its ports are the ethertype */
	uint16_t vlan;
	uint32_t addresses[2];
	uint16_t ports[2];
	uint32_t start; /* of TCP whose SYN was seen: its number */
	int64_t first_ns, last_ns;
	int64_t handshake_ns; /* -1: not seen */
	bool syn, answered, refused, closed;
	struct {
		uint64_t packets, bytes, payload;
		uint64_t rtt_count;
		double rtt_mean;
		int64_t rtt_min, rtt_max;
		uint64_t counts[FLOW_COUNTS];
	} sides[2]; /* the client, the server */
};

struct flow;

/* classes may be NULL and must outlive it; connections 0: FLOW_CONNECTIONS. */
int flow_new(const struct class_set *classes, uint32_t connections, struct flow **ret,
	     struct netsim_err *err);
void flow_free(struct flow *flow);

/* Counts a packet, and the one inside it. False when memory ran out; it is counted then. */
bool flow_add(struct flow *flow, const struct packet *packet, int64_t time_ns);

/* Adds up; the groups' counts are complete only after it. Once, at the end. */
void flow_finish(struct flow *flow);

size_t flow_groups(const struct flow *flow, const struct flow_group **ret);
const struct flow_address *flow_address(const struct flow *flow, uint32_t number,
					uint8_t *ret_version);
/* Connections by number; false for a number that is free. */
uint32_t flow_connections(const struct flow *flow);
bool flow_summary(const struct flow *flow, uint32_t number, struct flow_summary *ret);
uint64_t flow_connection_bytes(const struct flow *flow, uint32_t number);

struct flow_totals {
	uint64_t packets, bytes; /* without those inside of others */
	uint64_t inner;		 /* packets inside of others */
	uint64_t connections;	 /* that there were */
	uint64_t folded;	 /* of which only the sum in their group is left */
	uint64_t unordered;	 /* packets with an earlier time than the one before */
	int64_t first_ns, last_ns;
	int64_t bin_ns; /* how long a bin is, from first_ns on */
	uint64_t gaps;	/* that there were; the list has FLOW_GAPS at most */
};
void flow_totals(const struct flow *flow, struct flow_totals *ret);
size_t flow_gaps(const struct flow *flow, const struct flow_gap **ret);

/* The number of the class, classes->count for none. */
struct flow_classifier;
unsigned flow_classify(const struct flow_classifier *c, const struct packet *packet);
struct flow_classifier *flow_classifier_new(const struct class_set *classes);

#endif
