/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes that forward packets between networks. What a router forwards comes from the router, for
 * the programs at the ports: faults between nodes on different sides of it would be in force, and
 * have no effect.
 */
#ifndef NETSIM_API_ROUTERS_H
#define NETSIM_API_ROUTERS_H

#include "netsim/fleet/addresses.h"
#include "netsim/fleet/fleet.h"
#include "netsim/policy/policy.h"

/*
 * Refuses (-EINVAL) a partition that leaves two nodes a way by routers which is not cut. kind:
 * which pairs of the groups are cut.
 */
struct router_cut {
	enum port_fault_kind kind;
	const struct policy_group *groups;
	size_t count;
};
int routers_check_cut(const struct fleet *f, const struct router_cut *cut, struct netsim_err *err);

/* Refuses (-EINVAL) targets "a:b" whose nodes meet by way of routers only. */
int routers_check_targets(const struct fleet *f, const char *const *words, size_t count,
			  struct netsim_err *err);

/* Refuses (-EINVAL), with its place, a pair of a profile whose nodes meet by way of routers only.
 */
struct profile;
int routers_check_profile(const struct fleet *f, const struct profile *profile,
			  struct netsim_err *err);

/*
 * Sets cut in the pairs whose ways by routers are all cut now, and down in those whose ways all
 * pass a port that is down. down: by link of the model.
 */
int routers_mark(const struct fleet *f, const struct address_query *query, const bool *down,
		 struct address_pair *pairs, struct netsim_err *err);

#endif
