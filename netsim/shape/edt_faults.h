/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that stand on top of a profile: which hops each one means, and what all
 * of them together make of those hops' conditions, now and as they end. Pure but
 * for reading the policy's own conditions.
 */
#ifndef NETSIM_SHAPE_EDT_FAULTS_H
#define NETSIM_SHAPE_EDT_FAULTS_H

#include "netsim/policy/policy.h"

/* What the faults of a policy come to. */
struct overlays {
	struct policy_entry *entries;
	size_t count;
	bool delays, corrupts; /* as in struct edt_base */
	uint64_t longest;      /* delay, ns */
	bool lenient;	       /* in: jitter that has lost its delay is no mistake, but rests */
};

/*
 * The entries for all faults in slot; with the base that it names. Targets that
 * are gone are passed over. -ENOSPC and err where faults with too many different
 * deadlines meet on one hop.
 */
int fault_overlays(const struct policy *policy, const struct port_slot *slot,
		   const struct model *model, struct overlays *ret, struct netsim_err *err);

/*
 * True where all targets of a fault mean something: -ENOENT or -EINVAL with err
 * (kind USAGE) otherwise. *ret_link tells if it changes links rather than paths.
 */
int fault_check(const struct policy *policy, const struct port_fault *fault,
		const struct model *model, bool *ret_link, struct netsim_err *err);

/* Whether netem cannot realise the profile beside this fault; fails as fault_check() does. */
int fault_needs_edt(const struct policy *policy, const struct port_fault *fault,
		    const struct model *model, bool *ret, struct netsim_err *err);

/* "loss 5% delay 80ms on n100-1:n100-2, class etcd", as status shows it. */
void fault_describe(const struct port_fault *fault, char *buf, size_t size);

#endif
