/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links: creates, changes and removes them. The functions only append messages to the
 * batch of rt, which rtnl_send() sends.
 */
#ifndef NETSIM_LINK_H
#define NETSIM_LINK_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/rtnl.h"

/* Creates a bridge; link_set() sets its alias. subject is its name in errors, here and below. */
void link_add_bridge(struct rtnl *rt, const struct link *want, const char *subject);
/*
 * Creates a veth in the namespace of rt with the index want->ifindex, and its peer
 * (want->peer) in the namespace host_fd; below 0: in that of rt.
 */
void link_add_veth(struct rtnl *rt, const struct link *want, int host_fd, const char *subject);
/* Creates a bond. Its primary and its members' priorities are set later, once it has members. */
void link_add_bond(struct rtnl *rt, const struct link *want, const char *subject);
/* The attributes of the options of bonds, and the bytes of their values. */
struct link_bond_attr {
	uint16_t type;
	uint8_t size;
};
extern const struct link_bond_attr link_bond_attrs[BOND_OPTIONS];
void link_add_vlan(struct rtnl *rt, const struct link *want, int lower_ifindex,
		   const char *subject);
void link_add_ifb(struct rtnl *rt, const char *name, uint32_t group, const char *subject);

/* The properties that link_set() changes. */
enum {
	LINK_SET_MTU = 1U << 0,
	LINK_SET_MAC = 1U << 1,
	LINK_SET_MASTER = 1U << 2,
	LINK_SET_UP = 1U << 3,
	LINK_SET_ALIAS = 1U << 4,
	LINK_SET_GROUP = 1U << 5,
	LINK_SET_VLAN_AWARE = 1U << 6, /* bridge */
	LINK_SET_BOND = 1U << 7,       /* bond: options that can change while it has members */
	LINK_SET_VLANS = 1U << 8,      /* bridge or its port: link_set_vlans() */
	LINK_SET_PRIMARY = 1U << 9,    /* bond: link_set_primary() */
	LINK_SET_DOWN = 1U << 10,
	LINK_SET_STP = 1U << 12,  /* bridge */
	LINK_SET_PRIO = 1U << 11, /* member of a bond: link_set_prio() */
};

/*
 * Sets the properties in what to their values in want, on the link ifindex or, if that
 * is 0, the link named want->name. master_ifindex is for LINK_SET_MASTER (0: no master).
 */
void link_set(struct rtnl *rt, const struct link *want, int ifindex, unsigned what,
	      int master_ifindex, const char *subject);
/*
 * Disables IPv6 address generation: a bridge port needs no address, and would send
 * packets to its node from it. Call this before the link is brought up.
 */
void link_set_no_ipv6(struct rtnl *rt, int ifindex, const char *subject);
/*
 * Enables or disables forwarding of the IPv4 packets that arrive at this link. The setting is the
 * link's, and disappears with it.
 */
void link_set_forwarding(struct rtnl *rt, int ifindex, bool on, const char *subject);
void link_set_primary(struct rtnl *rt, const struct link *want, int bond_ifindex,
		      int primary_ifindex, const char *subject);
/* Sets the priority of a link that is a member of a bond. */
void link_set_prio(struct rtnl *rt, const struct link *want, int ifindex, const char *subject);
/* Changes the VLANs of a bridge's port, or of a bridge itself, from those of have to those of want.
 */
void link_set_vlans(struct rtnl *rt, int ifindex, const struct link *have, const struct link *want,
		    const char *subject);
void link_del(struct rtnl *rt, int ifindex, const char *subject);
/* Moves a link to another group, for link_del_group(). */
void link_set_group(struct rtnl *rt, int ifindex, uint32_t group, const char *subject);
/* Removes all links of a group in one step; an empty group is no error. */
void link_del_group(struct rtnl *rt, uint32_t group, const char *subject);

/*
 * Adds all links of the namespace of rt to the model, with their VLANs; ns is their node
 * (or MODEL_HOST).
 */
struct model;
int link_list(struct rtnl *rt, struct model *model, int ns, struct netsim_err *err);

#endif
