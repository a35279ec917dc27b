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
	const struct node *node; /* the node that this machine is */
	bool dry;		 /* only for this process: state_assume() */
};

/*
 * Fails with err if the machine has no interface with the name, or else the MAC address, of one of
 * the node's cables; or if one of these interfaces is in use otherwise. Call state_read_host()
 * before.
 */
int machine_check(const struct state *st, const struct machine_place *place,
		  struct netsim_err *err);
/* Marks these interfaces as this machine's, and reads the host's links again. */
int machine_mark(struct state *st, const struct machine_place *place, struct netsim_err *err);

/* Tells the programs the addresses of the other nodes. */
int machine_put_peers(struct fleet *f, struct netsim_err *err);

#endif
