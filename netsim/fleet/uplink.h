/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The uplink of networks: the host forwards to it what their nodes send, under its own address.
 * What this changes outside the fleet, the forwarding of the uplink, is recorded in the comment of
 * the fleet's nftables table, and given back with it.
 */
#ifndef NETSIM_FLEET_UPLINK_H
#define NETSIM_FLEET_UPLINK_H

#include "netsim/config/topo.h"
#include "netsim/kernel/state.h"

/* Before any change: refuses an uplink that does not exist, and a kernel without NAT. */
int uplink_check(const struct state *st, const struct topo *topo, struct netsim_err *err);
/* Describes what uplink_apply() would do, as plans do: "+ ...", or "" for nothing. Without the
 * privilege to look, a fleet that is not up has nothing. */
int uplink_describe(const struct topo *topo, bool is_up, char *buf, size_t size,
		    struct netsim_err *err);
/*
 * Makes, changes or removes the table, and enables forwarding, once the fleet is built. Call
 * state_read_host() first. *ret_steps grows by 1 if anything changed.
 */
int uplink_apply(struct state *st, const struct topo *topo, size_t *ret_steps,
		 struct netsim_err *err);
/* Returns the name of the fleet's table, or "" if there is none. */
#define UPLINK_TABLE 64
int uplink_table(const char *fleet, char ret[static UPLINK_TABLE], struct netsim_err *err);
/* Gives the forwarding back, and removes the table, if the fleet has one. */
int uplink_remove(struct state *st, const char *fleet, struct netsim_err *err);

#endif
