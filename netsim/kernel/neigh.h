/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads neighbour and bridge forwarding tables: the MAC and IPv4 addresses behind a port. */
#ifndef NETSIM_NEIGH_H
#define NETSIM_NEIGH_H

#include "netsim/kernel/rtnl.h"
#include "netsim/util/unit.h"

/*
 * Looks up the addresses of the machine behind a bridge port, as learned by the bridge
 * and by ARP. Returns -ENOENT without filling err if they are unknown.
 */
int neigh_behind(struct rtnl *rt, int port, int bridge, struct ip *ret_ip, struct mac *ret_mac,
		 struct netsim_err *err);

/* The same for the machine at the other end of a link, from the host's IPv4 neighbours. */
int neigh_at(struct rtnl *rt, int ifindex, struct ip *ret_ip, struct mac *ret_mac,
	     struct netsim_err *err);

/* A MAC address learned by a bridge, and the port it is behind. */
struct neigh_mac {
	int port;
	struct mac mac;
};
/* Lists all learned MAC addresses; the caller frees *ret. */
int neigh_bridged(struct rtnl *rt, struct neigh_mac **ret, size_t *ret_count,
		  struct netsim_err *err);

/* An IP address that the kernel has resolved, and the interface on whose link it is. */
struct neigh_address {
	int ifindex;
	struct ip ip;
	struct mac mac;
};
/* Lists all of both families; the caller frees *ret. */
int neigh_resolved(struct rtnl *rt, struct neigh_address **ret, size_t *ret_count,
		   struct netsim_err *err);

/* The kernel's neighbour tables, which all network namespaces share. */
struct neigh_table {
	unsigned most;	  /* capacity of the IPv4 table (gc_thresh3) */
	uint64_t refused; /* entries refused so far because a table was full */
};
int neigh_table(struct rtnl *rt, struct neigh_table *ret, struct netsim_err *err);

#endif
