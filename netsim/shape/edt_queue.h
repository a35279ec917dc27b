/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the edt engine's packets wait: an fq below the root of every port, and,
 * for what goes to the host, an IFB for each bridge that it has an address on.
 */
#ifndef NETSIM_SHAPE_EDT_QUEUE_H
#define NETSIM_SHAPE_EDT_QUEUE_H

#include "netsim/fleet/fleet.h"

/* How many packets may wait at a port where the longest delay is so many ns. */
uint32_t edt_queue_limit(uint64_t longest);

/* True where the host takes part in the fleet's traffic. */
bool edt_queue_has_host(const struct model *model);

/*
 * Puts the fqs and the IFBs there, without any effect on what passes as long as
 * no departures are set. Call state_read_host() before. A kernel without fq or netem
 * is an error of kind ENV; a foreign root one of kind KERNEL.
 */
int edt_queue_prepare(struct fleet *f, uint32_t limit, struct netsim_err *err);
/*
 * Takes what netem does out of the way, once the programs do it: roots only let go
 * of their senders, what nodes send goes straight to the bridge.
 */
int edt_queue_take_over(struct fleet *f, uint32_t limit, struct netsim_err *err);
/* Makes the roots idle again. */
int edt_queue_release(struct fleet *f, struct netsim_err *err);

#endif
