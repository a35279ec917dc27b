/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes plans, in few large netlink batches. On failure, undoes the changes by planning
 * back to the previous state.
 */
#ifndef NETSIM_FLEET_CONVERGE_H
#define NETSIM_FLEET_CONVERGE_H

#include "netsim/fleet/plan.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"

/*
 * Makes the kernel match want: reads the state, plans, executes, reads back. On failure,
 * undoes all changes of this call. *ret_steps is the number of steps executed, 0 if the
 * kernel matched already.
 */
int converge_to(struct state *st, struct model *want, size_t *ret_steps, struct netsim_err *err);

/*
 * Waits for the carrier of ports, which the kernel reports a little after both ends of a veth are
 * up; a bridge forwards only then. Gives up after about 0.5 s, e.g. if another program took an end
 * down.
 */
int converge_wait_for_carrier(struct state *st, const struct model *want, struct netsim_err *err);

/*
 * -EEXIST with err if `want` needs a link, network namespace or link group that is not this
 * fleet's.
 */
int converge_check_foreign(struct state *st, const struct model *want, struct netsim_err *err);

/*
 * Removes all objects with the fleet's mark: first the links, then the namespaces. To list the
 * nodes in between, call the two halves separately: opening a namespace is much cheaper once its
 * links are gone.
 */
int converge_remove(struct state *st, const char *fleet, struct netsim_err *err);
int converge_remove_links(struct state *st, const char *fleet, struct netsim_err *err);
int converge_remove_names(struct state *st, const char *fleet, struct netsim_err *err);

#endif
