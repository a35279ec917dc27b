/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes of a fleet reach which, for netsim status. */
#ifndef NETSIM_API_STATUS_REACH_H
#define NETSIM_API_STATUS_REACH_H

#include "netsim/kernel/model.h"
#include "netsim/policy/policy.h"

/*
 * Fills fleet->reach, allocated in the arena, and the counts of the nodes, from ports, cables and
 * the policy (or NULL).
 */
int status_reach(const struct policy *policy, const struct model *model, void *arena,
		 struct netsim_fleet *fleet, struct netsim_err *err);

#endif
