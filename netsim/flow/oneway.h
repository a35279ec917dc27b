/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One way: each packet that a node sent is found again where it is delivered to another
 * one, by what does not change in between. Pure: packets in, figures out.
 *
 * Compared are the first ONEWAY_BYTES of IP, ARP or whatever is behind the VLAN tags,
 * without time to live, DSCP and ECN, and without checksums, which offloads leave for
 * later; and its length. Same packets are taken in their order. Whom a packet is for tells
 * its Ethernet address, by who sent from it, and else its IP address likewise.
 *
 * Memory is bounded: the last so many sent packets are known, fewer where multicasts go to
 * very many. One that is pushed out undelivered is lost, as one is at the end; but not one
 * that was sent later than the longest delay before, which is flying.
 */
#ifndef NETSIM_ONEWAY_H
#define NETSIM_ONEWAY_H

#include "netsim/config/classes.h"
#include "netsim/flow/histogram.h"
#include "netsim/packet/packet.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define ONEWAY_WAITING (1U << 20)  /* packets of some 64 bytes */
#define ONEWAY_REACHED (64U << 20) /* bytes that tell whom multicasts have reached */
#define ONEWAY_BYTES   96
#define ONEWAY_ROWS    4096 /* beyond, those of a class are one */
#define ONEWAY_BINS    512
#define ONEWAY_MANY    0 /* the view of a row for the rest */

/* What was sent in a while. */
struct oneway_bin {
	uint32_t delivered, lost;
	uint64_t delay_sum, delay_max;
};

/* A class from one view to another. */
struct oneway_row {
	uint16_t from, to;
	uint8_t class;
	uint64_t delivered; /* each packet once */
	uint64_t lost;
	uint64_t flying;     /* not yet delivered at the end */
	uint64_t duplicated; /* deliveries beyond the first */
	uint64_t reordered;  /* delivered after one that was sent later */
	struct histogram delay;
	double deviation; /* of the delay in ns */
	struct oneway_bin *bins;
	uint32_t bin_count;
	/* For the matching: */
	double mean, squares; /* Welford's */
	uint64_t highest;     /* the last sent of those delivered */
	uint64_t sure_ns;     /* the longest delay of a packet that was like no other */
};

struct oneway_totals {
	uint64_t sent, elsewhere; /* of them, to where nothing is captured */
	uint64_t strays;	  /* delivered, and not seen when they were sent */
	int64_t first_ns, bin_ns; /* bin 0 begins at first_ns */
	size_t bin_count;
};

struct oneway;

/* classes may be NULL and must outlive it; waiting 0: ONEWAY_WAITING; else a power of two. */
int oneway_new(const struct class_set *classes, uint32_t waiting, struct oneway **ret,
	       struct netsim_err *err);
void oneway_free(struct oneway *oneway);

/*
 * Who has an address before anything was sent from it: else, what is lost on its way to
 * one that is silent would be nobody's. What is seen goes before what is told, and what is
 * told first before what is told later. An IP address that is told says whose loss it was, but
 * not who may get the frame: on its way there can be routers.
 */
void oneway_know_mac(struct oneway *oneway, const struct mac *mac, uint16_t view);
void oneway_know_ip(struct oneway *oneway, const struct ip *ip, uint16_t view);

/*
 * Counts a packet; of other links than Ethernet, and without a view that has a name, none.
 * Times must be in order. False when memory ran out.
 */
bool oneway_add(struct oneway *oneway, const struct packet *packet, int64_t time_ns);
/* Judges what was not delivered. Once, at the end, which is at the earliest the last packet. */
void oneway_finish(struct oneway *oneway, int64_t time_ns);

/* The longest delay up to now. */
int64_t oneway_longest(const struct oneway *oneway);
size_t oneway_rows(const struct oneway *oneway, const struct oneway_row **ret);
void oneway_totals(const struct oneway *oneway, struct oneway_totals *ret);

#endif
