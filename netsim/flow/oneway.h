/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One-way measurement: matches each packet where a node sends it with where it is delivered
 * to another node, by the bytes that do not change on the way. Pure: packets in, figures
 * out.
 *
 * Matching uses the length and the first ONEWAY_BYTES after the VLAN tags (IP, ARP or any
 * other protocol) without hop limit, DSCP, ECN and checksums, which offloads may fill in
 * later. Identical packets are matched in order. The receiver is the node that has sent
 * from the destination's Ethernet address, or else from its IP address.
 *
 * Memory is bounded: only the last sent packets are remembered, fewer if multicasts
 * reach very many views. A packet that is undelivered when it is dropped from memory, or at
 * the end, is lost; unless it was sent less than the longest delay ago: then it is in
 * flight.
 */
#ifndef NETSIM_ONEWAY_H
#define NETSIM_ONEWAY_H

#include "netsim/config/classes.h"
#include "netsim/flow/histogram.h"
#include "netsim/packet/packet.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

#define ONEWAY_WAITING (1U << 20)  /* remembered packets, some 64 bytes each */
#define ONEWAY_REACHED (64U << 20) /* bytes that record which views multicasts reached */
#define ONEWAY_BYTES   96
#define ONEWAY_ROWS    4096 /* beyond, the rest of a class shares one row */
#define ONEWAY_BINS    512
#define ONEWAY_MANY    0 /* the view in a row for the rest */

/* A time bin, by the time of sending. */
struct oneway_bin {
	uint32_t delivered, lost;
	uint64_t delay_sum, delay_max;
};

/* A class, from one view to another. */
struct oneway_row {
	uint16_t from, to;
	uint8_t class;
	uint64_t delivered; /* each packet once */
	uint64_t lost;
	uint64_t in_flight;  /* in flight at the end */
	uint64_t duplicated; /* deliveries beyond the first */
	uint64_t reordered;  /* delivered after one that was sent later */
	struct histogram delay;
	double deviation; /* standard deviation of the delay, in ns */
	struct oneway_bin *bins;
	uint32_t bin_count;
	/* State of the matching: */
	double mean, squares; /* Welford's algorithm */
	uint64_t highest;     /* highest serial number delivered */
	uint64_t certain_ns;  /* the longest delay of an unambiguous match */
};

struct oneway_totals {
	uint64_t sent, unobserved; /* of them, to receivers that are not captured */
	uint64_t unmatched;	   /* delivered, but not seen where they were sent */
	int64_t first_ns, bin_ns;  /* bin 0 begins at first_ns */
	size_t bin_count;
};

struct oneway;

/*
 * classes may be NULL and must outlive *ret; waiting: packets remembered, a power of two
 * (0: ONEWAY_WAITING). 0 or -ENOMEM. oneway_free() frees *ret.
 */
int oneway_new(const struct class_set *classes, uint32_t waiting, struct oneway **ret,
	       struct netsim_err *err);
void oneway_free(struct oneway *oneway);

/*
 * Seeds the address table, so that losses towards a node that has not sent yet can be
 * attributed. Observed traffic overrides seeds; the first seed for an address wins. A
 * seeded IP address attributes losses, but does not restrict deliveries: a router may
 * receive the frame.
 */
void oneway_seed_mac(struct oneway *oneway, const struct mac *mac, uint16_t view);
void oneway_seed_ip(struct oneway *oneway, const struct ip *ip, uint16_t view);

/*
 * Counts a packet; ignores packets of other links than Ethernet, without direction, or
 * without a named view. Times must be in order. False when memory ran out.
 */
bool oneway_add(struct oneway *oneway, const struct packet *packet, int64_t time_ns);
/*
 * Classifies undelivered packets as lost or in flight. Call once, at the end; time_ns is
 * when the capture ended, at the earliest the time of the last packet.
 */
void oneway_finish(struct oneway *oneway, int64_t time_ns);

/* The longest delay so far, in ns. */
int64_t oneway_longest(const struct oneway *oneway);
size_t oneway_rows(const struct oneway *oneway, const struct oneway_row **ret);
void oneway_totals(const struct oneway *oneway, struct oneway_totals *ret);

#endif
