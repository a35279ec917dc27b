/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queues of the edt engine: an fq below the root qdisc of every port and, for packets
 * to the host, below that of an IFB for each bridge on which the host has an address. On a machine
 * that is a node, each of its interfaces has an IFB, for packets to it.
 */
#ifndef NETSIM_SHAPE_EDT_QUEUE_H
#define NETSIM_SHAPE_EDT_QUEUE_H

#include "netsim/fleet/fleet.h"

/* The limit of an fq, in packets, for a longest delay in ns. */
uint32_t edt_queue_limit(uint64_t longest);

/*
 * True for a link that delivers frames to the host: a port of a routed network, a bridge on which
 * the host has an address of the file, or one of another program, or of Open vSwitch, whose ports
 * always need the mark of ns_stamp.
 */
bool edt_queue_has_host_at(const struct model *model, const struct link *link);
/* True if some packets are delayed at an IFB: those to the host, or those that a machine receives.
 */
bool edt_queue_has_ifb(const struct model *model);
/* True if the fleet has a link that delivers frames to the host. */
bool edt_queue_has_host(const struct model *model);

/*
 * Adds the fqs and the IFBs. They do not change the traffic until the programs set
 * departure times. Call state_read_host() before. A kernel without fq or netem is an error
 * of kind ENV, a foreign root qdisc one of kind KERNEL.
 */
int edt_queue_prepare(struct fleet *f, uint32_t limit, struct netsim_err *err);
/*
 * Ends netem's conditions once the programs implement them: root netems only orphan packets
 * (NETEM_HOLD), and frames from nodes go to the bridge without passing an IFB.
 */
int edt_queue_take_over(struct fleet *f, uint32_t limit, struct netsim_err *err);
/* Makes the root qdiscs idle again, and ends the redirection to the bridges' IFBs. */
int edt_queue_release(struct fleet *f, struct netsim_err *err);

/*
 * Reports why queues could not be put in place; if the kernel lacks a qdisc (-ENOENT), also that
 * `what` needs it. Returns r.
 */
int edt_queue_missing(int r, struct netsim_err *why, const char *what, struct netsim_err *err);

#endif
