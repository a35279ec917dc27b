/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Under which addresses the nodes of a fleet reach each other. */
#ifndef NETSIM_FLEET_ADDRESSES_H
#define NETSIM_FLEET_ADDRESSES_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

/* How one node sends to another. */
struct address_pair {
	char from[64], to[64]; /* to is "" where no network and no route leads there */
	char device[IFNAMSIZ]; /* that it sends through, or "" */
	bool cut;	       /* by a partition, there or back */
};

struct address_query {
	struct state *st;
	const struct model *model; /* the whole fleet, with addresses */
	const int *nodes;	   /* of the model; MODEL_HOST for the host */
	size_t node_count;
	const char *iface; /* only by its addresses; NULL: any */
};

/* The pairs of all nodes, [from * node_count + to]; *ret is the caller's. */
int addresses_find(const struct address_query *query, struct address_pair **ret,
		   struct netsim_err *err);

/* Who has an address: a node's name, or "host". */
struct known_address {
	struct ip ip;
	const char *name; /* of the model */
};
/*
 * Of the whole fleet and the host, by the same model, with the link-local ones that the
 * kernel gave them. *ret is the caller's.
 */
int addresses_known(struct state *st, const struct model *model, struct known_address **ret,
		    size_t *ret_count, struct netsim_err *err);

/* Notes which of them the policy (NULL: none) cuts off now. */
void addresses_mark_cut(const struct policy *policy, const struct address_query *query,
			struct address_pair *pairs);

#endif
