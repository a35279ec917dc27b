/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The record of a fleet's topology, which netsim up writes: what was asked for. The kernel shows
 * what is there, and needs no record for it, except of a node that attaches a tap of another
 * program while that does not exist: its name, its roles and the marks by which its tap is found
 * are in this file only. It also holds the addresses of virtual machines, and the routes and
 * uplinks of networks, which netsim watch puts back. On a machine that is a node, it holds the
 * other nodes, and their addresses.
 */
#ifndef NETSIM_TOPO_RECORD_H
#define NETSIM_TOPO_RECORD_H

#include "netsim/config/topo.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"

/*
 * Writes the record of a topology. netns is the inode of the network namespace: others may share
 * /run, but have other fleets.
 */
int topo_record_write(const struct topo *topo, uint64_t netns, struct netsim_err *err);
/* The same for a fleet that exists by its record only. */
int topo_record_keep(const struct topo *topo, uint64_t netns, struct netsim_err *err);
/*
 * Adds the fleets of this namespace that attach something to a list of names, if they are not in
 * it: if all is attached, and the bridge was removed meanwhile, nothing else is left of a fleet.
 */
int topo_record_fleets(uint64_t netns, char ***names, size_t *count, struct netsim_err *err);
/* Reads the record; *ret is NULL if there is none. The caller frees *ret with topo_free(). */
int topo_record_read(const char *fleet, struct topo **ret, struct netsim_err *err);
/* The same; also NULL if it was written in another network namespace. */
int topo_record_read_here(const struct state *st, const char *fleet, struct topo **ret,
			  struct netsim_err *err);
/*
 * The topology of a fleet: the one that a dry run assumes, or the record. *ret is NULL if there is
 * none. The caller frees *ret_owned with topo_free().
 */
int topo_record_look(const struct state *st, const char *fleet, const struct topo **ret,
		     struct topo **ret_owned, struct netsim_err *err);
/*
 * The fleet of a machine that was given addresses instead of a topology: its record has them as
 * addresses of nodes.
 */
#define TOPO_RECORD_ALONE "machine"
void topo_record_remove(const char *fleet);

/*
 * Adds the attached nodes that have no port now to a fleet's model; if this machine is a node of
 * it, all other nodes. Sets model->awaits_routed.
 */
int topo_record_add_nodes(const struct state *st, struct model *model, struct netsim_err *err);

#endif
