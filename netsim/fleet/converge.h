/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries a plan out, in few large netlink batches, and undoes it on failure by
 * planning back to what was there.
 */
#ifndef NETSIM_FLEET_CONVERGE_H
#define NETSIM_FLEET_CONVERGE_H

#include "netsim/fleet/plan.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"

/*
 * Makes the kernel match want: reads (call state_read_host() before), plans,
 * does, reads back. If anything is refused, what this call did is undone.
 * *ret_steps counts the steps done, 0 where all was as asked already.
 */
int converge_to(struct state *st, struct model *want, size_t *ret_steps, struct netsim_err *err);

/* Fails where a name that want needs belongs to something that is not this fleet's. */
int converge_check_foreign(const struct state *st, const struct model *want,
			   struct netsim_err *err);

/* Removes all that carries the fleet's mark; *ret_any tells whether there was any. */
int converge_remove(struct state *st, const char *fleet, bool *ret_any, struct netsim_err *err);

#endif
