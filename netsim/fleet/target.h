/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolves the words with which users name fleets, nodes, ports and groups. */
#ifndef NETSIM_TARGET_H
#define NETSIM_TARGET_H

#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"
#include "netsim/policy/policy.h"

/* Lists the names of all fleets that are up, sorted. The caller frees the names and *ret. */
int target_fleets(struct state *st, char ***ret, size_t *ret_count, struct netsim_err *err);

/*
 * Finds the fleet of this name or, for NULL, the only one. The caller frees *ret. -ENOENT
 * without err, and *ret NULL, if no name was given and no fleet is up.
 */
int target_fleet(struct state *st, const char *name, char **ret, struct netsim_err *err);
/* The same, but with err also if no fleet is up. */
int target_need_fleet(struct state *st, const char *name, char **ret, struct netsim_err *err);

/* True if a word is a MAC address, an IP address or a prefix. */
bool target_place(const char *word, struct model_place *ret);

/*
 * Marks the nodes that a word names: a name, a pattern or @role; on a machine that is a node, also
 * an address of another one. Returns their number, or
 * -ENOENT with err (kind USAGE, with the nearest name as hint) if there are none.
 */
int target_nodes(const struct model *model, const char *word, bool *marks, struct netsim_err *err);

/* The same, but the word host, if no node has this name, marks the host: marks[node_count]. */
int target_nodes_or_host(const struct model *model, const char *word, bool *marks,
			 struct netsim_err *err);

/* The same for a member of a group: host is always the host, and a cable is refused (-EINVAL). */
int target_members(const struct model *model, const char *word, bool *marks,
		   struct netsim_err *err);

/*
 * Marks the ports that a word names, by index in model->links: "n100-1/eth2", or all ports
 * of the nodes "n100-*" or "@server". -ENOENT with err if there are none.
 */
int target_ports(const struct model *model, const char *word, bool *ports, struct netsim_err *err);

/*
 * For NODE/INTERFACE that has no port: adds the hint to a similar interface of the node. False if
 * there is none.
 */
bool target_hint_port(const struct model *model, const char *word, struct netsim_err *err);

/*
 * Resolves a group, "a,b,@role,host", to the policy's node numbers. The caller frees
 * ret->nodes.
 */
int target_group(const struct model *model, const struct policy *policy, const char *words,
		 struct policy_group *ret, struct netsim_err *err);

#endif
