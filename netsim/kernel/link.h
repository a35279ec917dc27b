/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links: the messages that make, change and remove one. Nothing is sent here;
 * each function appends to the batch of rt (rt_send() sends it).
 */
#ifndef NETSIM_LINK_H
#define NETSIM_LINK_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

/* Makes a bridge with its alias left to link_set(). who names it in errors. */
void link_add_bridge(struct rt *rt, const struct link *want, const char *who);
/*
 * Makes a veth in the namespace of rt under the index want->ifindex, its other
 * end (want->peer) in the namespace host_fd.
 */
void link_add_veth(struct rt *rt, const struct link *want, int host_fd, const char *who);
/* Makes a bond; its primary is set later, when the members are in. */
void link_add_bond(struct rt *rt, const struct link *want, const char *who);
void link_add_vlan(struct rt *rt, const struct link *want, int lower_ifindex, const char *who);
void link_add_ifb(struct rt *rt, const char *name, uint32_t group, const char *who);

/* What link_set() changes. */
enum {
	LINK_SET_MTU = 1U << 0,
	LINK_SET_MAC = 1U << 1,
	LINK_SET_MASTER = 1U << 2,
	LINK_SET_UP = 1U << 3,
	LINK_SET_ALIAS = 1U << 4,
	LINK_SET_GROUP = 1U << 5,
	LINK_SET_VLAN_AWARE = 1U << 6, /* bridge */
	LINK_SET_BOND = 1U << 7,       /* the bond options that need no empty bond */
	LINK_SET_VLANS = 1U << 8,      /* of a bridge port: link_set_vlans() */
	LINK_SET_PRIMARY = 1U << 9,    /* bond: link_set_primary() */
	LINK_SET_DOWN = 1U << 10,
};

/*
 * Changes the link ifindex (or, if that is 0, the one called want->name) to what
 * want says for each bit. master_ifindex is for LINK_SET_MASTER (0: leave it).
 */
void link_set(struct rt *rt, const struct link *want, int ifindex, unsigned what,
	      int master_ifindex, const char *who);
/*
 * Lets the link make itself no IPv6 address: a bridge port needs none, and would
 * talk to its node from it. To be called before the link is set up.
 */
void link_set_no_ipv6(struct rt *rt, int ifindex, const char *who);
void link_set_primary(struct rt *rt, const struct link *want, int bond_ifindex, int primary_ifindex,
		      const char *who);
/* Replaces a bridge port's VLANs (have) by want's. */
void link_set_vlans(struct rt *rt, int ifindex, const struct link *have, const struct link *want,
		    const char *who);
void link_del(struct rt *rt, int ifindex, const char *who);
/* Moves a link to another group, from where link_del_group() takes it. */
void link_set_group(struct rt *rt, int ifindex, uint32_t group, const char *who);
/* Removes every link of a group in one step; done where there is none. */
void link_del_group(struct rt *rt, uint32_t group, const char *who);

/* All links of the namespace of rt, with their VLANs; links[].ns = ns in the model. */
struct model;
int link_list(struct rt *rt, struct model *model, int ns, struct netsim_err *err);

#endif
