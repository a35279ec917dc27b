/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy of a fleet: who is cut off from whom. It lives in the maps of the
 * eBPF programs at the fleet's ports (bpf/port.h) and is found again through
 * them: filter -> program -> maps. Nothing is pinned.
 */
#ifndef NETSIM_POLICY_H
#define NETSIM_POLICY_H

#include "bpf/port.h"
#include "netsim/model.h"
#include "netsim/state.h"

#define POLICY_HOST 0 /* the host's node number */

struct policy {
	int port_prog, stamp_prog, host_prog; /* -1: not loaded */
	int control_fd, nodes_fd, ports_fd, counters_fd;
	struct port_control *control;  /* mapped */
	struct port_node *nodes;       /* mapped: 2 x PORT_NODES */
	const char *names[PORT_NODES]; /* of the nodes, NULL where unused; the model's */
	bool *attached;		       /* of the model's links: ns_port is at its egress */
	bool *stamped;		       /* ns_stamp (port) or ns_host (bridge) is at its ingress */
};

/*
 * Finds the policy of a fleet; *ret is NULL where no port has the programs. The
 * model (from state_read()) must outlive the result, which is the caller's.
 */
int policy_find(struct state *st, const struct model *fleet, struct policy **ret,
		struct netsim_err *err);
/* The same, but loads the programs where there are none; they are not attached yet. */
int policy_get(struct state *st, const struct model *fleet, struct policy **ret,
	       struct netsim_err *err);
void policy_close(struct policy *policy);

/*
 * Attaches the programs to every port of the fleet that lacks them; with stamps
 * also those that see the host's part. New nodes join the rest of partitions that
 * have one. Ports that are gone are forgotten.
 */
int policy_attach(struct policy *policy, struct state *st, const struct model *fleet, bool stamps,
		  struct netsim_err *err);

/* Gives each node of the fleet a number that has none yet; policy_attach() does it too. */
int policy_number(struct policy *policy, const struct model *fleet, struct netsim_err *err);
/* The number of a node (or "host"), -1 where it is unknown. */
int policy_node(const struct policy *policy, const char *name);

/* One group: a set of node numbers. */
struct policy_group {
	uint16_t *nodes;
	size_t count;
};

/*
 * Puts one more partition into force, at one instant for the whole fleet; no
 * packet that it forbids passes any more when this returns. deadline in ns of
 * CLOCK_MONOTONIC, 0: none. Fails with -ENOSPC where too many are in force.
 */
int policy_cut(struct policy *policy, enum port_fault_kind kind, const struct policy_group *groups,
	       size_t group_count, uint64_t deadline, uint32_t *ret_id, struct netsim_err *err);
/* Ends those partitions (count 0: all) at one instant; unknown ids are ignored. */
void policy_heal(struct policy *policy, const uint32_t *ids, size_t count);

/* The policy in force. */
const struct port_slot *policy_slot(const struct policy *policy);
const struct port_node *policy_nodes(const struct policy *policy);
/* True while the fault exists and its deadline has not passed. */
bool policy_alive(const struct port_fault *fault);
/* True where frames from one node reach the other, as the programs judge it now. */
bool policy_reaches(const struct policy *policy, int from, int to);
/* A node's counters, summed over the CPUs. */
int policy_counters(const struct policy *policy, int node, struct port_counters *ret);
/* CLOCK_MONOTONIC in nanoseconds: the programs' clock. */
uint64_t policy_now(void);

/* Loads the programs, for all three (fresh maps) or onto a policy's maps. */
int policy_load(struct policy *policy, struct netsim_err *err);

#endif
