/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts the edt engine's conditions in force: a base from profiles, what faults
 * make of it, and the qdiscs that hold packets, all of it at one instant.
 */
#ifndef NETSIM_ENGINE_H
#define NETSIM_ENGINE_H

#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/edt_base.h"

struct engine_change {
	const struct base *base;	 /* NULL: the one in force stays */
	const struct class_set *classes; /* NULL: likewise */
	const struct port_fault *fault;	 /* to be added; its id is set */
	const uint32_t *heal;		 /* faults to end */
	size_t heal_count;
	bool heal_all;
};

/*
 * Makes a change of the policy, whose programs are attached, and of the qdiscs.
 * Reads the host's links anew. *ret_corrupts tells
 * if packets are damaged from now on; *ret_id is the new fault's.
 */
int engine_commit(struct state *st, const struct model *fleet, struct policy *policy,
		  const struct engine_change *change, bool *ret_corrupts, uint32_t *ret_id,
		  struct netsim_err *err);

/* True where the programs realise the fleet's profile, not netem. */
bool engine_is_edt(const struct policy *policy);

#endif
