/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of each hop now, by the profiles and faults that were written down,
 * not by what the kernel holds: what verify compares with. Pure.
 */
#ifndef NETSIM_SHAPE_EXPECTED_H
#define NETSIM_SHAPE_EXPECTED_H

#include "netsim/shape/intent.h"

/* Beside the conditions: a link that is down, or that comes and goes. */
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

/* Of the path between two nodes, for a class of traffic (NULL: what belongs to none). */
int expected_path(const struct intent *intent, struct expected_end from, struct expected_end to,
		  const char *class, struct conditions *ret, struct netsim_err *err);

/* True where a partition keeps the one from sending to the other. */
bool expected_cut(const struct intent *intent, struct expected_end from, struct expected_end to);

/* The classes that have conditions of their own somewhere; *ret is the caller's. */
int expected_classes(const struct intent *intent, const char ***ret, size_t *count,
		     struct netsim_err *err);

#endif
