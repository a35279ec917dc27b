/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Marks, by which netsim recognises the kernel objects that it created. Every link is
 * created with the link group of its fleet; shortly after, it gets an alias that
 * identifies it:
 *
 *   netsim:FLEET/NETWORK [closed] [routed]
 *                                         a bridge, or its IFB, or the interface of a VLAN of it;
 * closed: the ports drop frames from ports that no node has; routed: it has no ports, and marks a
 * network without bridge netsim:FLEET/NODE/IFACE [@ROLE]... [closed] [routed] a port (veth or tap),
 * its IFB, or, without roles, the switch's side of a bond; both words if it is on a routed network;
 * with the word "service", of a node that netsim added to the fleet netsim:FLEET/LINK/NETWORK
 * cable=N     an end of a cable between networks: N is 1 at the first, 2 at the second; the cable
 * has no node, but its name is one in the policy netsim:FLEET/NODE host=N              lo of a
 * node's namespace; N is the inode of the fleet's network namespace
 *
 *   netsim:FLEET/@hold                    an end of the pair of veths where held packets wait
 *   netsim:@/DEVICE [tso] [gro]           the IFB of an interface without a fleet,
 *                                         and the offloads to restore; an attached bridge
 *                                         has [tso], too, and so has an attached tap of a
 *                                         routed network
 *   netsim:FLEET/NODE/IFACE machine ...   an interface of this machine, which is the node,
 *                                         or its IFB; tso and gro as above, csum
 *
 * The group, which the creating message sets, and the alias together show that a link is
 * netsim's; without any alias, it was left by a run that was killed. A link with a foreign
 * alias is foreign. A bridge or tap of another program that netsim uses has the alias with
 * the word "attached", and keeps its own group; netsim shapes it, and never removes it. On Open
 * vSwitch, which the kernel does not show, it also has
 *
 *   ovs=BRIDGE                            the name of the bridge
 *   userspace                             a bridge with the userspace datapath
 *   guest=525400123401                    a port of such a bridge: the guest's address, by
 *                                         which its frames are known
 *
 * Addresses and routes inside nodes carry the protocol number MARK_PROTO.
 */
#ifndef NETSIM_MARK_H
#define NETSIM_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "netsim/config/topo.h"

#define MARK_PREFIX "netsim:"
#define MARK_PROTO  110	    /* addresses and routes: 'n' */
#define MARK_HANDLE 0x6e73  /* "ns": our qdiscs' major number, our filters' preference */
#define MARK_BARE   "@"	    /* stands in for the fleet of interfaces shaped without one */
#define MARK_HOLD   "@hold" /* stands in for the node of a veth that held packets pass */
#define MARK_TEXT   256	    /* the kernel's limit on an alias, including its NUL */

/*
 * Returns the link group of a fleet. MARK_DOOMED() of it collects links for removal: the
 * kernel removes a whole group in one step, but single links slowly.
 */
uint32_t mark_group(const char *fleet);
#define MARK_DOOMED(group)   ((group) | 0x01000000U)
#define MARK_IS_GROUP(group) ((group) >> 25 == 0x6eU >> 1)

/* The content of an alias. */
struct mark {
	const char *fleet, *node, *iface; /* iface is NULL for a bridge or lo, never "" */
	uint64_t host;			  /* lo: the inode of the fleet's namespace, or 0 */
	const char *const *roles;
	size_t role_count;
	bool tso, gro, csum, closed, routed, attached, machine, service;
	uint8_t cable;	 /* the end of a cable: 1 or 2; 0: none */
	const char *ovs; /* the bridge of Open vSwitch, or NULL */
	bool userspace;	 /* it has the userspace datapath */
	bool has_guest;
	struct mac guest;
	/* Backing store of a parsed mark; the pointers of a copy still point to the original. */
	char buf[MARK_TEXT];
	const char *parsed_roles[TOPO_ROLES_MAX]; /* further roles are ignored */
};

/*
 * Formats a mark as an alias. Returns the length of the whole alias, as snprintf() does:
 * if it is MARK_TEXT or more, text is truncated.
 */
size_t mark_format(const struct mark *mark, char text[static MARK_TEXT]);

/* Parses an alias; false if it is not netsim's. */
bool mark_parse(const char *alias, struct mark *ret);

/* Returns a link's name for messages: "node/iface" if it is a port, else name. */
const char *mark_call(const char *alias, const char *name, char text[static MARK_TEXT]);

#endif
