/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the addresses under which the nodes of a fleet reach each other. */
#ifndef NETSIM_FLEET_ADDRESSES_H
#define NETSIM_FLEET_ADDRESSES_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

/* The link of one end: its port (NULL: the host itself), and the tag of its frames. */
struct address_end {
	const struct link *port; /* points into the model */
	uint16_t tag;
};

/* How one node sends to another. */
struct address_pair {
	char from[64], to[64]; /* to is "" if no common network and no route exists */
	char device[IFNAMSIZ]; /* the interface to send through, or "" */
	bool cut;	       /* a partition cuts at least one direction */
	bool down;	       /* a link of one of them, or all ways between them, is down */
	struct address_end sender, receiver;
};

struct address_query {
	struct state *st;
	const struct model *model; /* the whole fleet, with addresses */
	const int *nodes;	   /* indices in the model; MODEL_HOST for the host */
	size_t node_count;
	const char *iface; /* use only addresses of this interface; NULL: any */
};

/*
 * Returns the pairs of all nodes, [from * node_count + to]; the caller frees *ret. -ENOENT
 * with err if no node has an address on query->iface.
 */
int addresses_find(const struct address_query *query, struct address_pair **ret,
		   struct netsim_err *err);

/* An address and its owner: a node's name, or "host". */
struct known_address {
	struct ip ip;
	const char *name; /* points into the model */
};
/*
 * Lists the addresses of all nodes and of the host, with the link-local addresses that the
 * kernel assigned. Those of virtual machines are from the topology, also what DHCP reserves for
 * them, and then from the host's neighbour tables. The caller frees *ret.
 */
int addresses_known(struct state *st, const struct model *model, struct known_address **ret,
		    size_t *ret_count, struct netsim_err *err);

/* Sets cut in pairs that the policy (NULL: none) cuts now. */
void addresses_mark_cut(const struct policy *policy, const struct address_query *query,
			struct address_pair *pairs);

#endif
