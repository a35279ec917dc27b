/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overlays: resolves faults to hops and merges them with the profile's conditions there,
 * one layer for each time span between the faults' deadlines. Reads the policy's base
 * from its maps, and the clock; no other I/O.
 */
#ifndef NETSIM_SHAPE_EDT_FAULTS_H
#define NETSIM_SHAPE_EDT_FAULTS_H

#include "netsim/policy/policy.h"

/* The overlays of all faults of a policy. */
struct overlays {
	struct policy_entry *entries;
	size_t count;
	bool delays, corrupts; /* as in struct edt_base */
	uint64_t longest;      /* delay and queue of one hop, ns */
	bool lenient;	       /* in: ignore jitter without a delay instead of refusing it */
};

/*
 * Computes the entries of all faults in slot, on top of slot's base. Skips targets that
 * no longer exist. -ENOSPC with err if faults with too many different deadlines affect
 * one hop. The caller frees ret->entries.
 */
int fault_overlays(const struct policy *policy, const struct port_slot *slot,
		   const struct model *model, struct overlays *ret, struct netsim_err *err);

/*
 * Checks that all targets of a fault exist: -ENOENT or -EINVAL with err (kind USAGE)
 * otherwise. *ret_link is true if the fault affects links, not only paths.
 */
int fault_check(const struct policy *policy, const struct port_fault *fault,
		const struct model *model, bool *ret_link, struct netsim_err *err);

/*
 * *ret is true if netem cannot implement the profile while this fault is in force. Fails like
 * fault_check().
 */
int fault_needs_edt(const struct policy *policy, const struct port_fault *fault,
		    const struct model *model, bool *ret, struct netsim_err *err);

/* Formats a fault for display: "loss 5% delay 80ms on n100-1:n100-2, class etcd". */
void fault_describe(const struct port_fault *fault, char *buf, size_t size);

#endif
