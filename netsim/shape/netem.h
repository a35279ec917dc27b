/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The netem engine: shapes devices in both directions, with a netem at the device's root
 * for egress, and one at the root of an IFB to which ingress is redirected.
 */
#ifndef NETSIM_SHAPE_NETEM_H
#define NETSIM_SHAPE_NETEM_H

#include "netsim/config/conditions.h"
#include "netsim/kernel/state.h"

/* A device to shape. */
struct netem_target {
	const char *device; /* a port, or a bare interface */
	const char *node;   /* that the port belongs to; for messages */
	const char *iface;  /* the other end in the node's network namespace, or NULL */
	const char *bridge; /* by which the host sends to the port, or NULL */
	bool machine;	    /* the node's own end: up is the egress of the device */
	const char *cable;  /* an end of a cable between networks: what it is called; or NULL */
	bool first;	    /* cable: its first end, where its way up begins */
	bool crosses;	    /* what its node sends may cross a shaped cable between networks */
	struct link_conditions conditions; /* none: makes the device idle */
};

/*
 * Shapes the targets, all of one fleet. Call state_read_host() before. Reads the qdiscs
 * back; on failure, restores the previous ones, except for the table of a distribution,
 * which the kernel does not report.
 */
int netem_apply(struct state *st, const char *fleet, const struct netem_target *targets,
		size_t count, struct netsim_err *err);

/* How the packets of links are treated, which decides the offloads that senders may keep. */
struct netem_use {
	bool idle;     /* nothing is shaped */
	bool corrupts; /* packets get corrupted */
};

/*
 * Switches segmentation offload off for all senders into the targets' links, and checksum
 * offload too if packets are corrupted; with idle, both on again.
 */
int netem_set_offloads(struct state *st, const char *fleet, const struct netem_target *targets,
		       size_t count, struct netem_use use, struct netsim_err *err);

/* Switches on the offloads that an interface of this machine had when it was marked. */
int netem_restore_offloads(const struct link *device, struct netsim_err *err);

/*
 * netem_apply() for interfaces of this machine that belong to no fleet. The machine is
 * the node, so up is the device's egress.
 */
int netem_apply_bare(struct state *st, const struct netem_target *targets, size_t count,
		     struct netsim_err *err);
struct qdiscs;
/*
 * Refuses a device whose root qdisc is not netsim's: -EEXIST with err, and the command
 * that removes it as hint. At an attached tap it is replaced instead.
 */
int netem_check_root(const struct qdiscs *all, const struct link *device, struct netsim_err *err);

/* True if netem has no conditions at a port, nor at its IFB. */
bool netem_is_idle(const struct state *st, const struct qdiscs *now, const struct link *port);

#define FOREIGN_ROOT "a foreign qdisc is at its root"
#define NO_NETEM     "its netem is missing"

/*
 * Compares a target with the kernel's qdiscs; *ret is NULL if they match, else what differs:
 * "its netem is missing". Reads filters; call state_read_host() before.
 */
int netem_differs(struct state *st, const char *fleet, const struct qdiscs *all,
		  const struct netem_target *target, const char **ret, struct netsim_err *err);

/* The conditions of netem at a device and its IFB, as the kernel reports them. */
void netem_seen(const struct state *st, const struct qdiscs *all, const struct link *device,
		struct link_conditions *ret);

/* Removes netsim's shaping from an interface without a fleet; *ret_was: true if it had any. */
int netem_clear_bare(struct state *st, const char *device, bool *ret_was, struct netsim_err *err);

#endif
