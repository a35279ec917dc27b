/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of oneway.h share. */
#ifndef NETSIM_ONEWAY_PARTS_H
#define NETSIM_ONEWAY_PARTS_H

#include "netsim/flow/flow.h"
#include "netsim/flow/oneway.h"

struct oneway_digest {
	uint64_t word[2];
};

/* A packet that was sent. */
struct sending {
	struct oneway_digest digest;
	int64_t time_ns;
	uint64_t group;	   /* its Ethernet destination, and of a multicast its VLAN */
	uint64_t address;  /* the key of its IP destination, 0: none */
	uint64_t *reached; /* a bit for each view; of unicast NULL */
	uint32_t before;   /* 1 + place of the one before with the same slot */
	uint32_t macs;	   /* a digest of both Ethernet addresses */
	uint16_t from;
	uint16_t words; /* of reached */
	uint8_t class;
	bool multicast, delivered;
};

/* Who sent from an address. */
struct learned {
	uint64_t key; /* 0: free */
	uint16_t view;
	uint8_t hops;
	bool told; /* nobody was seen with it: it may be behind a router */
};
#define LEARNED_SLOTS 65536

/* Who gets what a view sends to a group of receivers. */
struct reach {
	uint64_t group; /* of Ethernet with its VLAN; 0: free */
	uint16_t from;
	uint16_t *views;
	uint32_t count;
};
#define REACH_SLOTS 8192
#define REACH_VIEWS (1U << 20) /* of all of them */

#define ROW_SLOTS 16384

struct oneway {
	struct flow_classifier *classifier;
	struct sending *ring;
	uint32_t mask;	      /* of the ring */
	uint64_t begin, next; /* serial numbers of the first one known, and of the next */
	uint32_t *slots;      /* 1 + place, by digest; there are twice as many */
	struct learned *learned;
	uint32_t learned_count;
	struct reach *reach;
	uint32_t reach_count, reach_views;
	size_t reached_bytes; /* of all that is in the ring */
	struct oneway_row *rows;
	uint32_t row_count;
	uint32_t *row_slots; /* 1 + number */
	int64_t now_ns;
	uint64_t longest_ns;
	uint64_t sure_ns; /* of all rows */
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

/* --- oneway_row.c: what the matching found */
void row_delivered(struct oneway *o, const struct sending *s, uint64_t serial, uint16_t to,
		   bool sure);
void row_duplicated(struct oneway *o, const struct sending *s, uint16_t to);
void row_undelivered(struct oneway *o, const struct sending *s, uint16_t to);
/* The longest delay from there to here of which there is no doubt; 0: none yet. */
uint64_t row_sure(struct oneway *o, const struct sending *s, uint16_t to);

#endif
