/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The members of a workload, and the nodes that a selector resolves to. The leader is found through
 * etcd's gateway, or by a command that prints "NODE ROLE" for each member.
 */
#ifndef NETSIM_RUN_CLUSTER_H
#define NETSIM_RUN_CLUSTER_H

#include "netsim/run/etcd.h"
#include "netsim/run/process.h"
#include "netsim/words/selector.h"

#define CLUSTER_PATIENCE 500000000LL

/* A borrowed view: all arrays have count elements. */
struct cluster {
	const char *const *nodes;
	const struct etcd_endpoint *endpoints; /* of etcd; NULL: commands are run */
	const struct process_spec *commands;   /* each member's */
	size_t count;
	int64_t patience; /* ns for the answer of a member of etcd, such as CLUSTER_PATIENCE */
};

/* Finds the leader's index. -ENOENT or another error, with err, if it cannot be learnt. */
int cluster_leader(const struct cluster *cluster, size_t *ret, struct netsim_err *err);

/*
 * Resolves a selector to "s1,s2", in the order of the members. The caller frees *ret. All
 * selectors but members() look for the leader.
 */
int cluster_select(const struct cluster *cluster, enum selector_kind kind, char **ret,
		   struct netsim_err *err);

#endif
