/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The groups of a partition that a file describes. */
#ifndef NETSIM_API_PARTITION_MATRIX_H
#define NETSIM_API_PARTITION_MATRIX_H

#include "netsim/fleet/fleet.h"
#include "netsim/policy/policy.h"

/* Groups in pairs: the first of each two cannot send to the second. */
struct matrix_groups {
	struct policy_group *list;
	size_t count;
	bool mutual; /* each cut is one in both directions */
};

/*
 * Reads a matrix for the nodes of the fleet. Fails with the mistakes of the file in diags, or, if
 * that is NULL, with the first of them in err. The caller frees the groups, also on failure.
 */
int matrix_groups_read(const struct fleet *f, const char *path, struct matrix_groups *ret,
		       struct netsim_diags *diags, struct netsim_err *err);

#endif
