/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference of verify: the conditions that each hop should have now, resolved from
 * the recorded profiles and faults, not from the kernel's state. Pure: no I/O.
 */
#ifndef NETSIM_SHAPE_EXPECTED_H
#define NETSIM_SHAPE_EXPECTED_H

#include "netsim/shape/intent.h"

/* State of a link under link faults. */
enum expected_state { EXPECTED_UP, EXPECTED_DOWN, EXPECTED_FLAPS };

struct expected_port {
	const struct model_node *node;
	const char *iface;
	uint16_t vlan; /* of the traffic; 0: untagged */
};

/* Resolves the conditions of a port's link, and its state. Call intent_parse() before. */
int expected_link(const struct intent *intent, const struct expected_port *port,
		  struct link_conditions *ret, enum expected_state *ret_state,
		  struct netsim_err *err);

/* An end of a path: a node, or the host with node NULL. */
struct expected_end {
	const struct model_node *node;
};

/* Resolves the conditions of a path, for a class of traffic (NULL: unclassified traffic). */
int expected_path(const struct intent *intent, struct expected_end from, struct expected_end to,
		  const char *class, struct conditions *ret, struct netsim_err *err);

/* What traffic is, for partitions of a class or a VLAN. */
struct expected_traffic {
	const char *class; /* NULL: of no class */
	uint16_t vlan;	   /* 0: untagged */
};

/* True while a partition drops this traffic from `from` to `to`. */
bool expected_cut(const struct intent *intent, struct expected_end from, struct expected_end to,
		  struct expected_traffic traffic);

/* Lists the classes named by the profile or by faults. The caller frees *ret, not the names. */
int expected_classes(const struct intent *intent, const char ***ret, size_t *count,
		     struct netsim_err *err);

#endif
