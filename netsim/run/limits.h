/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of a node's processor time and memory: a cgroup (v2) with the name of the node, below that
 * of the fleet. Its workloads and services have their cgroups below it, and what netsim exec starts
 * is in it.
 */
#ifndef NETSIM_RUN_LIMITS_H
#define NETSIM_RUN_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsim/util/err.h"

#define LIMITS_PERIOD 100000 /* us: in each, a node has its share of the processors */

struct node_limits {
	uint32_t cpu_us; /* processor time in each period; 0: any */
	uint64_t memory; /* bytes; 0: any */
};

/*
 * Fails with kind ENV if the kernel's cgroups lack a controller that these limits need. at: where
 * they were asked for, or NULL.
 */
int limits_check(const struct node_limits *limits, const struct netsim_loc *at,
		 struct netsim_err *err);

/* Reads the limits in force; none if the node has no cgroup of its own. */
int limits_read(const char *fleet, uint64_t netns_id, const char *node, struct node_limits *ret,
		struct netsim_err *err);
/* Sets them, also for processes that run already; without any, removes the cgroup if it is empty.
 */
int limits_set(const char *fleet, uint64_t netns_id, const char *node,
	       const struct node_limits *want, struct netsim_err *err);
/* Lists the nodes that have such a cgroup. The caller frees the names and *ret. */
int limits_nodes(const char *fleet, uint64_t netns_id, char ***ret, size_t *count,
		 struct netsim_err *err);
/* Moves this process into the cgroup of a node, if it has one. */
int limits_join(const char *fleet, uint64_t netns_id, const char *node, struct netsim_err *err);

/* "cpu 10%, memory 512MiB" */
#define LIMITS_TEXT 96
const char *limits_text(const struct node_limits *limits, char buf[static LIMITS_TEXT]);

#endif
