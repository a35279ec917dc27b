/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queues of the edt engine: an fq below the root netem of every port, and for traffic
 * to the host an IFB for each bridge on which the host has an address.
 */
#ifndef NETSIM_SHAPE_EDT_QUEUE_H
#define NETSIM_SHAPE_EDT_QUEUE_H

#include "netsim/fleet/fleet.h"

/* The limit in packets of a port's fq, for the longest delay in ns. */
uint32_t edt_queue_limit(uint64_t longest);

/* True if the host has an address on one of the fleet's bridges. */
bool edt_queue_has_host(const struct model *model);

/*
 * Adds the fqs and the IFBs, which have no effect until departure times are set. Call
 * state_read_host() before. A kernel without fq or netem is an error of kind ENV, a
 * foreign root qdisc one of kind KERNEL.
 */
int edt_queue_prepare(struct fleet *f, uint32_t limit, struct netsim_err *err);
/*
 * Makes netem neutral once the programs realise the conditions: root netems only orphan
 * packets from their sockets, and frames from nodes bypass the per-port IFB.
 */
int edt_queue_take_over(struct fleet *f, uint32_t limit, struct netsim_err *err);
/* Makes the roots idle again. */
int edt_queue_release(struct fleet *f, struct netsim_err *err);

#endif
