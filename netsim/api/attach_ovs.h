/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attached nodes on bridges of Open vSwitch: what its database adds to the kernel's links. */
#ifndef NETSIM_API_ATTACH_OVS_H
#define NETSIM_API_ATTACH_OVS_H

#include "netsim/fleet/claim.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/ovs.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/kernel/state.h"

/*
 * If the topology attaches a bridge that is not the kernel's, reads the database, and shows its
 * bridges and ports in st->host. If the database does not answer, links stay as their marks
 * describe them. The caller frees *ret with ovs_done(), also on error.
 */
int attach_ovs_read(const struct state *st, const struct topo *topo, struct ovs *ret,
		    struct netsim_err *err);

/* Checks that the nodes on bridges of Open vSwitch can be attached to them. */
int attach_ovs_check(const struct state *st, const struct topo *topo, const struct ovs *ovs,
		     struct netsim_err *err);
/* Withdraws claims of ports that cannot be shaped. */
void attach_ovs_limit(const struct state *st, const struct ovs *ovs, const struct qdiscs *qdiscs,
		      struct port_claims *claims);
/* Lists a fleet's bridges of Open vSwitch in a result, allocated in its arena. */
int attach_ovs_list(void *arena, const struct model *fleet, struct netsim_ovs ***list,
		    size_t *count, struct netsim_err *err);
/* Adds to a mark what a link's bridge or port needs; iface is NULL for a bridge. */
void attach_ovs_mark(const struct link *link, const struct iface *iface, struct mark *mark);

#endif
