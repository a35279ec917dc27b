/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of each hop now, by the profiles and faults that were written down,
 * not by what the kernel holds: what verify compares with. Pure.
 */
#ifndef NETSIM_WANTED_H
#define NETSIM_WANTED_H

#include "netsim/shape/intent.h"

/* Beside the conditions: a link that is down, or that comes and goes. */
enum wanted_state { WANTED_UP, WANTED_DOWN, WANTED_FLAPS };

/* Of a port; vlan is that of the traffic, 0: none. After intent_parse(). */
int wanted_link(const struct intent *intent, const struct model_node *node, const char *iface,
		uint16_t vlan, struct link_conditions *ret, enum wanted_state *ret_state,
		struct netsim_err *err);

/* An end of a path: a node, or the host with node NULL. */
struct wanted_end {
	const struct model_node *node;
};

/* Of the path between two nodes, for a class of traffic (NULL: what belongs to none). */
int wanted_path(const struct intent *intent, struct wanted_end from, struct wanted_end to,
		const char *class, struct conditions *ret, struct netsim_err *err);

/* True where a partition keeps the one from sending to the other. */
bool wanted_cut(const struct intent *intent, struct wanted_end from, struct wanted_end to);

/* The classes that have conditions of their own somewhere; *ret is the caller's. */
int wanted_classes(const struct intent *intent, const char ***ret, size_t *count,
		   struct netsim_err *err);

#endif
