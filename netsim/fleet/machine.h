/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine that is itself a node of a fleet. Its interfaces have the fleet's mark and keep
 * their group; the record (topo_record.h) has the other nodes, which the programs know by their
 * addresses.
 */
#ifndef NETSIM_FLEET_MACHINE_H
#define NETSIM_FLEET_MACHINE_H

#include "netsim/config/topo.h"
#include "netsim/fleet/fleet.h"

struct machine_place {
	const struct topo *topo;
	const struct node *node; /* that the machine is */
	bool dry;		 /* only for this process: state_assume() */
};

/*
 * Fails with err if the machine has none of the interfaces of the node, those that have the names,
 * or else the MAC addresses, of its cables; or if one of them is in use otherwise. Call
 * state_read_host() before.
 */
int machine_check(const struct state *st, const struct machine_place *place,
		  struct netsim_err *err);
/* Marks these interfaces as this machine's, and reads the host's links again. */
int machine_mark(struct state *st, const struct machine_place *place, struct netsim_err *err);

/* Tells the programs the addresses of the other nodes. */
int machine_put_peers(struct fleet *f, struct netsim_err *err);

#endif
