/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netem engine: gives devices their shape in both directions. What leaves a
 * device passes the netem at its root; what comes in is sent through an IFB that
 * has one as well.
 */
#ifndef NETSIM_SHAPE_NETEM_H
#define NETSIM_SHAPE_NETEM_H

#include "netsim/config/conditions.h"
#include "netsim/kernel/state.h"

/* A device to shape. */
struct netem_target {
	const char *device;		   /* the port, or the bare interface */
	const char *node;		   /* whose port it is; for messages */
	const char *iface;		   /* the other end inside the node's namespace, or NULL */
	const char *bridge;		   /* that the port belongs to, or NULL */
	struct link_conditions conditions; /* none: the device becomes idle */
};

/*
 * Shapes the targets, which belong to one fleet; call state_read_host() before.
 * Reads back what the kernel made of it, and restores what was there on failure
 * (but for the table of a distribution, which the kernel does not tell).
 */
int netem_apply(struct state *st, const char *fleet, const struct netem_target *targets,
		size_t count, struct netsim_err *err);

/* What the targets' links are used for, on which the offloads of their senders depend. */
struct netem_use {
	bool idle;     /* nothing is shaped */
	bool corrupts; /* packets get bit errors */
};

/*
 * Switches segmentation offload off for all senders into the targets' links, or on again
 * where they are idle. Checksum offload is off exactly while packets are corrupted.
 */
int netem_set_offloads(struct state *st, const char *fleet, const struct netem_target *targets,
		       size_t count, struct netem_use use, struct netsim_err *err);

/*
 * The same for interfaces of this machine that belong to no fleet: the machine is
 * the node, so that up is what leaves the device.
 */
int netem_apply_bare(struct state *st, const struct netem_target *targets, size_t count,
		     struct netsim_err *err);
struct qdiscs;
/*
 * Refuses a device whose root qdisc is not netsim's: -EEXIST with err, and the command
 * that removes it as hint.
 */
int netem_check_root(const struct qdiscs *all, const struct link *device, struct netsim_err *err);

/* The conditions that netem realises at a device and its IFB, as the kernel reports them. */
void netem_seen(const struct state *st, const struct qdiscs *all, const struct link *device,
		struct link_conditions *ret);

/* Takes all of netsim's shaping off such an interface; *ret_was tells if it had any. */
int netem_clear_bare(struct state *st, const char *device, bool *ret_was, struct netsim_err *err);

#endif
