/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine as a node of a fleet: what it can do alone, and how it stops being one. */
#ifndef NETSIM_API_MACHINE_H
#define NETSIM_API_MACHINE_H

#include "netsim/config/topo.h"
#include "netsim/fleet/fleet.h"

/* Removes all that netsim did to the machine's interfaces, and the record of the fleet. */
int machine_leave(struct state *st, const char *fleet, struct netsim_err *err);

/*
 * Makes the topology of a machine whose peers are the addresses among these words, which are groups
 * or targets, and those given before; *ret is NULL if no address is new. The caller frees *ret.
 */
int machine_make_topo(struct state *st, const char *const *words, size_t count, struct topo **ret,
		      struct netsim_err *err);

/*
 * Copies a fault's targets, separated by blanks, to buf of size bytes: on a machine that is a node,
 * the name of an interface stands for its port. If class is set, a node stands for the paths to it.
 * -EINVAL with err for a target that concerns only other nodes, -E2BIG if they do not fit.
 */
struct machine_targets {
	const char *const *words;
	size_t count;
	const char *class; /* or NULL */
};
int machine_copy_targets(const struct model *model, const struct machine_targets *targets,
			 char *buf, size_t size, struct netsim_err *err);

#endif
