/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words with which a user names fleets, nodes and groups. */
#ifndef NETSIM_TARGET_H
#define NETSIM_TARGET_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

/*
 * The fleet that is meant: name, or where that is NULL the only one. *ret is the
 * caller's. -ENOENT with *ret NULL and err unfilled where there is no fleet at all
 * and none was named.
 */
int target_fleet(struct state *st, const char *name, char **ret, struct netsim_err *err);
/* For commands that need one: no fleet at all is an error, too. */
int target_need_fleet(struct state *st, const char *name, char **ret, struct netsim_err *err);

/*
 * Marks the nodes that a word names (a name, a pattern, @role). Returns how many,
 * or -ENOENT with err (kind USAGE, the nearest name as hint) for none.
 */
int target_nodes(const struct model *model, const char *word, bool *marks, struct netsim_err *err);

/*
 * Marks the ports (of the fleet's links) that a word names: "n100-1/eth2", or all those
 * of the nodes "n100-*", "@server".
 */
int target_ports(const struct model *model, const char *word, bool *ports, struct netsim_err *err);

/*
 * A group of nodes as "a,b,@role" or the word host, by the policy's numbers. The
 * group's array is the caller's.
 */
int target_group(const struct model *model, const struct policy *policy, const char *words,
		 struct policy_group *ret, struct netsim_err *err);

#endif
