/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts the edt engine's conditions in force: the base from profiles and the overlays
 * from faults, at one instant, and the qdiscs in which delayed packets wait.
 */
#ifndef NETSIM_SHAPE_EDT_COMMIT_H
#define NETSIM_SHAPE_EDT_COMMIT_H

#include "netsim/fleet/fleet.h"
#include "netsim/shape/edt_base.h"

struct edt_change {
	const struct edt_base *base;	 /* NULL: keep the current one */
	const struct class_set *classes; /* NULL: keep the current ones */
	const struct port_fault *fault;	 /* to add, or NULL; id 0: the next one */
	const uint32_t *heal;		 /* faults to end */
	size_t heal_count;
	bool heal_all;
};

struct edt_committed {
	uint32_t fault_id; /* the new fault's */
	bool corrupts;	   /* packets are corrupted from now on */
};

/*
 * Applies a change to the fleet's policy, whose programs must be attached, and to the
 * qdiscs. Reads the host's links again.
 */
int edt_commit(struct fleet *f, const struct edt_change *change, struct edt_committed *ret,
	       struct netsim_err *err);

/*
 * Makes the queues and loads the programs that edt_commit() of the same change will need, which
 * takes time; the conditions in force stay.
 */
int edt_ready(struct fleet *f, const struct edt_change *change, struct netsim_err *err);

/*
 * Makes the checks of edt_commit() for a change that adds a fault, and may end another one: whether
 * there is room for it, and its conditions fit together with the rest. Changes nothing. lenient: as
 * in struct overlays.
 */
int edt_check(const struct fleet *f, const struct edt_change *change, bool lenient,
	      struct netsim_err *err);

/* True if the programs, not netem, implement the fleet's profile; policy may be NULL. */
bool edt_is_base(const struct policy *policy);

#endif
