/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the edt engine's packets wait: an fq below the root of every port, and,
 * for what goes to the host, an IFB for each bridge that it has an address on.
 */
#ifndef NETSIM_HOLD_H
#define NETSIM_HOLD_H

#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

/* How many packets may wait at a port where the longest delay is so many ns. */
uint32_t hold_limit(uint64_t longest);

/* True where the host takes part in the fleet's traffic. */
bool hold_has_host(const struct model *fleet);

/*
 * Puts the fqs and the IFBs there, without any effect on what passes as long as
 * no departures are set. Call state_read_host() before. A kernel without fq or netem
 * is an error of kind ENV; a foreign root one of kind KERNEL.
 */
int hold_prepare(struct state *st, const struct model *fleet, struct policy *policy, uint32_t limit,
		 struct netsim_err *err);
/*
 * Takes what netem does out of the way, once the programs do it: roots only let go
 * of their senders, what nodes send goes straight to the bridge.
 */
int hold_take_over(struct state *st, const struct model *fleet, uint32_t limit,
		   struct netsim_err *err);
/* Makes the roots idle again. */
int hold_release(struct state *st, const struct model *fleet, struct netsim_err *err);

#endif
