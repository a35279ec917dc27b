/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptions of partitions, as netsim status shows them. */
#ifndef NETSIM_POLICY_DESCRIBE_H
#define NETSIM_POLICY_DESCRIBE_H

#include "netsim/policy/policy.h"

/*
 * Formats "partition n100-1,n100-2 | jetson-1", "one-way a -> b" or "isolate a,b,c";
 * text that does not fit into size bytes is truncated with "...".
 */
void policy_describe_groups(const struct policy *policy, enum port_fault_kind kind,
			    const struct policy_group *groups, size_t count, char *buf,
			    size_t size);
/* Appends what a partition is limited to, and more: ", class etcd", ", VLAN 100", ", l2", ",
 * reject". */
struct policy_limits {
	const char *class; /* or NULL */
	uint16_t vlan;
	bool l2, reject;
};
void policy_describe_limits(const struct policy_limits *limits, char *buf, size_t size);
/*
 * Lists the groups of a partition in force, in pairs if *ret_pairs: the nodes of the first cannot
 * send to those of the second. The caller frees them with policy_free_groups(), also after -ENOMEM.
 */
int policy_groups(const struct policy *policy, const struct port_fault *fault,
		  struct policy_group groups[static 2 * PORT_BITS], size_t *count, bool *ret_pairs);
/*
 * Puts the nodes of each group in the order of their numbers, the host last, and groups that
 * overlap in that of their nodes: a partition in force has no other order. In a ring, the order is
 * the ring's.
 */
void policy_sort_groups(enum port_fault_kind kind, struct policy_group *groups, size_t count);
void policy_free_groups(struct policy_group *groups, size_t count);
/* Both descriptions for a fault in force. */
void policy_describe(const struct policy *policy, const struct port_fault *fault, char *buf,
		     size_t size);

#endif
