/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MAC addresses of nodes, for partitions that answer what they drop. */
#ifndef NETSIM_HOMES_H
#define NETSIM_HOMES_H

#include "netsim/fleet/fleet.h"
#include "netsim/policy/policy.h"

/*
 * Notes the addresses of the nodes' interfaces, and those that bridges have learned at ports: the
 * programs answer only frames to these. They learn others from the frames that nodes send.
 */
int homes_note(struct fleet *f, struct netsim_err *err);
/*
 * Fails with -EINVAL if a node of the groups has a port of Open vSwitch: netsim does not know the
 * addresses behind it, and the userspace datapath does not pass on the mark of an answer.
 */
int homes_check(const struct fleet *f, const struct policy_group *groups, size_t count,
		struct netsim_err *err);

#endif
