/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this namespace knows about its neighbours: who is behind which port, under which address. */
#ifndef NETSIM_NEIGH_H
#define NETSIM_NEIGH_H

#include "netsim/kernel/rtnl.h"
#include "netsim/util/unit.h"

/*
 * The IPv4 address of the machine behind a port of a bridge, from what the bridge
 * and ARP have learned; -ENOENT without filling err where they have not.
 */
int neigh_behind(struct rt *rt, int port, int bridge, struct ip *ret_ip, struct mac *ret_mac,
		 struct netsim_err *err);

/* A hardware address that bridges have learned, and the port that it is behind. */
struct neigh_mac {
	int port;
	struct mac mac;
};
/* All of them; *ret is the caller's. */
int neigh_bridged(struct rt *rt, struct neigh_mac **ret, size_t *ret_count, struct netsim_err *err);

/* The kernel's tables of neighbours, which all namespaces share. */
struct neigh_table {
	unsigned most;	  /* that the one for IPv4 takes */
	uint64_t refused; /* so far, because a table was full */
};
int neigh_table(struct rt *rt, struct neigh_table *ret, struct netsim_err *err);

#endif
