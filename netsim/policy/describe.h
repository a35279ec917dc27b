/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partitions as text. */
#ifndef NETSIM_POLICY_TEXT_H
#define NETSIM_POLICY_TEXT_H

#include "netsim/policy/policy.h"

/* "partition n100-1,n100-2 | jetson-1", "one-way a -> b", "isolate a,b,c". */
void policy_describe_groups(const struct policy *policy, enum port_fault_kind kind,
			    const struct policy_group *groups, size_t count, char *buf,
			    size_t size);
/* The same for a partition in force. */
void policy_describe(const struct policy *policy, const struct port_fault *fault, char *buf,
		     size_t size);

#endif
