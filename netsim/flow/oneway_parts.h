/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the parts of oneway.h. */
#ifndef NETSIM_ONEWAY_PARTS_H
#define NETSIM_ONEWAY_PARTS_H

#include "netsim/flow/flow.h"
#include "netsim/flow/oneway.h"

struct oneway_digest {
	uint64_t word[2];
};

/* A sent packet. */
struct sent_packet {
	struct oneway_digest digest;
	int64_t time_ns;
	uint64_t group;	   /* its Ethernet destination; for multicast also its VLAN */
	uint64_t address;  /* the key of its IP destination; 0: none */
	uint64_t *reached; /* a bit per view; NULL for unicast */
	uint32_t before;   /* ring position + 1 of the previous packet in the slot; 0: none */
	uint32_t macs;	   /* a digest of both Ethernet addresses */
	uint16_t from;
	uint16_t words; /* of reached */
	uint8_t class;
	bool multicast, delivered;
};

/* The view that sends from an address. */
struct learned {
	uint64_t key; /* 0: empty */
	uint16_t view;
	uint8_t hops;
	bool maybe_routed; /* seeded IP address, which may be behind a router */
};
#define LEARNED_SLOTS 65536

/* The views that receive packets of a view to a multicast group. */
struct reach {
	uint64_t group; /* Ethernet address and VLAN; 0: empty */
	uint16_t from;
	uint16_t *views;
	uint32_t count;
};
#define REACH_SLOTS 8192
#define REACH_VIEWS (1U << 20) /* in total */

#define ROW_SLOTS 16384

struct oneway {
	struct flow_classifier *classifier;
	struct sent_packet *ring;
	uint32_t mask;	      /* ring size - 1 */
	uint64_t begin, next; /* serial numbers: of the oldest packet, and the next */
	uint32_t *slots;      /* ring position + 1, by digest; twice the ring size */
	struct learned *learned;
	uint32_t learned_count;
	struct reach *reach;
	uint32_t reach_count, reach_views;
	size_t reached_bytes; /* of all packets in the ring */
	struct oneway_row *rows;
	uint32_t row_count;
	uint32_t *row_slots; /* index + 1 */
	int64_t now_ns;
	uint64_t longest_ns;
	uint64_t certain_ns; /* the maximum of all rows */
	struct oneway_totals totals;
	bool started, failed;
};

static inline uint64_t oneway_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product =
		(unsigned __int128)(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xd6e8feb86659fd93);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* --- oneway_digest.c */
void oneway_digest(const struct packet *packet, struct oneway_digest *ret);

/* --- oneway_row.c: results of the matching */
void row_delivered(struct oneway *o, const struct sent_packet *s, uint64_t serial, uint16_t to,
		   bool unambiguous);
void row_duplicated(struct oneway *o, const struct sent_packet *s, uint16_t to);
void row_undelivered(struct oneway *o, const struct sent_packet *s, uint16_t to);
/* The longest delay of an unambiguous match on this path; 0: none yet. */
uint64_t row_certain(struct oneway *o, const struct sent_packet *s, uint16_t to);

#endif
