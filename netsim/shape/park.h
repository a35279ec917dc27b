/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of veths where packets wait while a fault holds them (bpf/park.h): one for a fleet, made
 * by its first such fault. It stays until the fleet is removed.
 */
#ifndef NETSIM_SHAPE_PARK_H
#define NETSIM_SHAPE_PARK_H

#include "netsim/fleet/fleet.h"
#include "netsim/kernel/qdisc.h"

/* Names the end of a fleet's pair that packets enter, or the other one. */
void park_name(const char *fleet, bool in, char ret[static IFNAMSIZ]);

/*
 * Refuses fleets whose packets cannot be held: -EOPNOTSUPP with err; -EINVAL if those of the class
 * cannot be ("": all traffic).
 */
int park_check(const struct policy *policy, const struct model *model, const char *fault_class,
	       struct netsim_err *err);

/* Makes the pair, as far as it is missing, and lets the programs use it. */
int park_prepare(struct fleet *f, struct netsim_err *err);

/* What the pair lacks: "its fq is missing"; *ret is NULL if it is complete. */
int park_differs(struct fleet *f, const struct qdiscs *all, const char **ret,
		 struct netsim_err *err);

#endif
