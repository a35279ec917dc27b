/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fault and link share: both add faults of the policy. */
#ifndef NETSIM_API_FAULTS_H
#define NETSIM_API_FAULTS_H

#include "netsim/fleet/fleet.h"
#include "netsim/policy/policy.h"

/* Opens a fleet and its policy, with the programs attached unless dry; the caller closes it. */
int fault_open(struct netsim *ctx, const char *fleet, bool dry, struct fleet *f,
	       struct netsim_err *err);

/* Copies a text of a fault; -E2BIG, with what it is in err, if it is too long. */
int fault_copy_text(const char *what, const char *text, char *ret, size_t size,
		    struct netsim_err *err);

/* Lets a fault begin now; for_ns: until its deadline, 0: none; name: or NULL. */
void fault_set_times(struct port_fault *fault, int64_t for_ns, const char *name);

/*
 * Adds a fault, in force and in the record, or neither: *ret_id is its number, 0 if dry. Its time
 * runs from when the programs are loaded, which is before its queues are made.
 * replaced: the fault in whose place it comes, in one step, or NULL.
 */
int fault_add(struct fleet *f, struct port_fault *fault, const struct port_fault *replaced,
	      bool dry, uint32_t *ret_id, struct netsim_err *err);

#endif
