/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drift: differences between the kernel's state and the record of profile and faults. They
 * arise when another process changes a qdisc, a filter or an eBPF program, or a port comes back.
 */
#ifndef NETSIM_SHAPE_DRIFT_H
#define NETSIM_SHAPE_DRIFT_H

#include "netsim/fleet/fleet.h"
#include "netsim/shape/intent.h"

/* One difference. */
struct drift {
	const char *place; /* "n100-1/eth1", or the bridge */
	const char *what;  /* "its netem is missing" */
	int ifindex;	   /* of the port or bridge */
	bool in_file;	   /* a comparison with the topology shows it, too */
	bool missing;	   /* a port, or all of them, that the topology has; no ifindex */
	bool foreign;	   /* another program's, and not in netsim's way: it stays */
};

struct drifts {
	struct drift *list;
	size_t count;
	void *texts; /* an arena */
};

/*
 * Compares the ports' qdiscs, redirects and programs with an intent (after intent_parse());
 * f->policy is that of fleet_find_policy(). Call state_read_host() before, and drifts_done()
 * afterwards, even on error.
 */
int drift_read(struct fleet *f, const struct intent *intent, struct drifts *ret,
	       struct netsim_err *err);
void drifts_done(struct drifts *drifts);

/*
 * Fills *why with the reason why a recorded fault is not, or not wholly, in force: the kernel
 * has lost it, or a target does not exist. False if it is in force or over.
 */
bool drift_of_fault(const struct fleet *f, const struct intent *intent,
		    const struct intent_fault *fault, struct netsim_err *why);

/*
 * Restores a recorded fault that the kernel has lost, with its number, name and deadline.
 * The programs must be attached.
 */
int drift_restore(struct fleet *f, const struct intent_fault *fault, struct netsim_err *err);

/* The fault in force with this id, or NULL; policy may be NULL. */
const struct port_fault *drift_find_fault(const struct policy *policy, uint32_t id);

/* Converts a recorded fault of conditions or of a link; its groups are not converted. */
void drift_fault(const struct intent_fault *from, struct port_fault *ret);

#endif
