/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts the edt engine's conditions in force at one instant: the base from profiles, the
 * overlays from faults, and the fq qdiscs that hold packets.
 */
#ifndef NETSIM_SHAPE_EDT_COMMIT_H
#define NETSIM_SHAPE_EDT_COMMIT_H

#include "netsim/fleet/fleet.h"
#include "netsim/shape/edt_base.h"

struct edt_change {
	const struct edt_base *base;	 /* NULL: the one in force stays */
	const struct class_set *classes; /* NULL: likewise */
	const struct port_fault *fault;	 /* to be added; its id is set */
	const uint32_t *heal;		 /* faults to end */
	size_t heal_count;
	bool heal_all;
};

struct edt_committed {
	uint32_t fault_id; /* the new fault's */
	bool corrupts;	   /* packets are damaged from now on */
};

/*
 * Makes a change of the fleet's policy, whose programs are attached, and of the qdiscs.
 * Reads the host's links anew.
 */
int edt_commit(struct fleet *f, const struct edt_change *change, struct edt_committed *ret,
	       struct netsim_err *err);

/* True if the programs, not netem, realise the fleet's profile; policy may be NULL. */
bool edt_is_base(const struct policy *policy);

#endif
