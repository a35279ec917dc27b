/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data structures behind flow.h. A million connections must fit into 256 MiB. */
#ifndef NETSIM_FLOW_PARTS_H
#define NETSIM_FLOW_PARTS_H

#include <assert.h>

#include "netsim/flow/flow.h"
#include "netsim/flow/pool.h"

/* RTTs of single connections are in units of 10 ns: 32 bits reach 42 s. */
#define RTT_UNIT 10

enum side_flag {
	SIDE_SEEN = 0x01, /* it sent something */
	SIDE_SYN = 0x02,
	SIDE_FIN = 0x04,
	SIDE_RST = 0x08,
	SIDE_ACK = 0x10,	/* "ack" is valid */
	SIDE_KEEP_ALIVE = 0x20, /* its last packet was a keep-alive */
	SIDE_BASE = 0x40,	/* the base of the side is valid */
};

/* One end of a connection. */
struct side {
	uint64_t packets, bytes, payload;
	int64_t last_ns;
	int64_t next_ns; /* when "next" last advanced */
	uint64_t rtt_sum;
	uint32_t rtt_count, rtt_min, rtt_max;
	uint32_t next; /* one past the highest sequence number sent */
	uint32_t ack;  /* the last acknowledgement sent */
	uint16_t window;
	uint8_t same_acks;
	uint8_t flags;
};

enum connection_flag {
	CONNECTION_USED = 0x01,
	CONNECTION_RECENT = 0x02, /* reference bit: had a packet since the hand passed */
	CONNECTION_INNER = 0x04,
	CONNECTION_TURNED = 0x08,    /* its client sends in the group's second direction */
	CONNECTION_OPENED = 0x10,    /* handshake_ns holds the round trip; before, the SYN's time */
	CONNECTION_OLD = 0x20,	     /* retired: a new connection uses its ports */
	CONNECTION_AT_CLIENT = 0x40, /* the client is at the view */
	CONNECTION_AT_SERVER = 0x80,
	CONNECTION_FIRST = 0x100, /* of its line: it counts */
};

struct connection {
	uint32_t addresses[2]; /* client, server */
	uint16_t ports[2];
	uint16_t flags;
	uint16_t view, group;
	uint8_t protocol;
	uint16_t vlan : 12, version : 4;
	uint32_t number; /* its index; in the free list: the next one, + 1 */
	uint32_t flight; /* index + 1; 0: none */
	uint32_t events; /* index + 1; 0: none */
	uint32_t line;	 /* 0: none */
	int64_t first_ns;
	int64_t handshake_ns;
	uint32_t bases[2]; /* the first sequence number of each side; here to avoid padding */
	struct side sides[2];
};

static_assert(sizeof(struct connection) <= 208, "a million of them would be too much");

#define FLIGHT_TIMED 10
#define FLIGHT_HOLES 32

enum timed_flag {
	TIMED_LATE = 1, /* an earlier segment was retransmitted: only a SACK gives a valid RTT */
	TIMED_ECHO = 2, /* retransmitted: only its echoed timestamp gives a valid RTT */
	TIMED_COPY = 4, /* counts at another view, and so does its RTT */
};

/* Segments in flight, and holes in the sequence; allocated only while there are any. */
struct flight {
	struct flight_side {
		struct timed {
			int64_t time_ns;
			uint32_t end, stamp;
		} timed[FLIGHT_TIMED];
		struct packet_sack holes[FLIGHT_HOLES]; /* never captured, ascending */
		uint8_t flags[FLIGHT_TIMED];
		uint8_t timed_count, hole_count;
	} sides[2];
	uint32_t owner; /* a connection; in the free list: the next one, + 1 */
	bool used;
};

/* Counts of rare events; allocated with the first one, as most connections have none. */
struct events {
	uint32_t counts[2][FLOW_COUNTS];
	uint32_t next_free;
};

struct address {
	struct flow_address address;
	uint32_t users; /* references; in the free list: the next one, + 1 */
	uint8_t version;
};

struct line;
struct lines {
	struct line *slots;
	uint32_t mask, used, max;
	uint32_t count; /* lines so far */
};

struct flow {
	const struct class_set *classes;
	struct flow_classifier *classifier;
	struct pool connections, addresses, flights, events;
	struct index by_tuple, by_address;
	struct lines lines;
	struct copies *copies; /* created at the first packet with a view */
	uint32_t free_connection, free_address, free_flight, free_events; /* 1 + number */
	uint32_t hand, flight_hand;
	const struct connection *pinned; /* must not be evicted now */
	struct flow_group *groups;
	uint32_t group_count;
	uint32_t *group_slots; /* 1 + number */
	struct flow_gap *gaps;
	size_t gap_count;
	size_t histogram_count; /* of all bins */
	uint32_t bin;		/* the current one */
	int64_t bin_end_ns, bin_begin_ns;
	struct flow_totals totals;
	int64_t now_ns;
	bool copy;   /* the current packet counts elsewhere */
	bool failed; /* memory ran out */
	bool finished;
};

#define GROUP_SLOTS 32768 /* of group_slots */
/* Overflow groups: for each class, encapsulated or not, and enum flow_local. */
#define GROUPS_MANY (2 * 3 * FLOW_CLASSES)

/* The key of a connection. */
struct tuple {
	struct flow_address addresses[2];
	uint16_t ports[2];
	uint8_t version, protocol;
	bool inner;
	uint8_t seen; /* enum packet_seen, for the direction from the first address */
	uint16_t view;
};

/* --- table.c */
uint64_t tuple_hash(const struct tuple *tuple);
/* Both directions and all views give the same key. */
uint64_t ends_key(const struct tuple *tuple);
/* *ret_side: the side that sent the packet. NULL if there is no such connection. */
struct connection *table_find(struct flow *flow, const struct tuple *tuple, unsigned *ret_side);
/* addresses[0] becomes the client's. NULL when out of memory. */
struct connection *table_new(struct flow *flow, const struct tuple *tuple);
/* Frees the ports for a new connection; c stays in the table until it is evicted. */
void table_retire(struct flow *flow, struct connection *c);
uint32_t address_number(struct flow *flow, const struct flow_address *address, uint8_t version);
struct flight *flight_of(struct flow *flow, struct connection *c); /* allocated if needed */
void flight_end(struct flow *flow, struct connection *c);
/* Counts one event of a side of the connection, even if its packet counts elsewhere. */
void count_event(struct flow *flow, struct connection *c, unsigned side, enum flow_count what);

static inline struct connection *connection_at(const struct flow *flow, uint32_t number)
{
	return pool_at(&flow->connections, number);
}

static inline struct flight *flight_at(const struct flow *flow, const struct connection *c)
{
	return c->flight ? pool_at(&flow->flights, c->flight - 1) : NULL;
}

/* The direction of its group in which this side sends. */
static inline unsigned way_of(const struct connection *c, unsigned side)
{
	return c->flags & CONNECTION_TURNED ? 1 - side : side;
}

/* enum flow_local, with the client first. */
static inline unsigned local_of(const struct connection *c)
{
	return c->flags & CONNECTION_AT_CLIENT ? FLOW_FIRST_LOCAL :
	       c->flags & CONNECTION_AT_SERVER ? FLOW_SECOND_LOCAL :
						 FLOW_NOWHERE;
}

/* --- lines.c */
/*
 * Sets *ret to the line of a new connection; *ret_first: the connection begins the line. False:
 * out of memory.
 */
bool lines_join(struct lines *lines, const struct tuple *tuple, const struct packet *p,
		uint32_t *ret, bool *ret_first);
void lines_done(struct lines *lines);

/* --- group.c */
/* Sets c->group and CONNECTION_TURNED. */
void group_join(struct flow *flow, struct connection *c, unsigned class);
/* Adds a connection's figures to its group. */
void group_fold(struct flow *flow, const struct connection *c);
void groups_done(struct flow *flow);
void series_packet(struct flow *flow, struct flow_group *group, unsigned way, uint32_t bytes);
void series_rtt(struct flow *flow, struct flow_group *group, unsigned way, int64_t rtt_ns);
void series_retransmission(struct flow *flow, struct flow_group *group, unsigned way);
void series_gap(struct flow *flow, struct flow_group *group, unsigned way);

/* --- gaps.c */
void gap_check(struct flow *flow, struct connection *c, unsigned side);

/* --- tcp.c */
void tcp_packet(struct flow *flow, struct connection *c, unsigned side,
		const struct packet *packet);

#endif
