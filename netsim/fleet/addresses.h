/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Under which addresses the nodes of a fleet reach each other. */
#ifndef NETSIM_FLEET_ADDRESSES_H
#define NETSIM_FLEET_ADDRESSES_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

/*
 * Fills ret->list for ret->nodes. nodes holds the model's number of each of them,
 * MODEL_HOST for the host. The model must be a fleet's whole, with addresses.
 */
int addresses_find(struct state *st, const struct model *model, const int *nodes, const char *iface,
		   struct netsim_ways *ret, struct netsim_err *err);

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
void addresses_mark_cut(const struct policy *policy, struct netsim_ways *ways);

#endif
