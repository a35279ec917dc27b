/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy of a fleet: who is cut off from whom, and what happens to packets
 * on each hop. It lives in the maps of the eBPF programs at the fleet's ports
 * (bpf/port.h) and is found again through them: filter -> program -> maps.
 * Nothing is pinned.
 */
#ifndef NETSIM_POLICY_POLICY_H
#define NETSIM_POLICY_POLICY_H

#include "bpf/port.h"
#include "netsim/config/classes.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"

#define POLICY_HOST 0 /* the host's node and link number */

/* The policy of one fleet, open in this process. */
struct policy;

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

/* Numbers the nodes and ports that have no number yet; policy_attach() does it too. */
int policy_number(struct policy *policy, const struct model *fleet, struct netsim_err *err);
/* The number of a node (or "host"), -1 where it is unknown. */
int policy_node(const struct policy *policy, const char *name);
/* The name of a node by its number; NULL where no node has it. */
const char *policy_node_name(const struct policy *policy, uint32_t number);
/* The number of the model's link at this index, 0: none; and the node that a link belongs to. */
uint16_t policy_link(const struct policy *policy, size_t index);
uint16_t policy_link_node(const struct policy *policy, uint16_t number);

/* True where the programs are at every port, with host also where the host takes part. */
bool policy_is_complete(const struct policy *policy, const struct model *fleet, bool host);
/* True where programs note the source of frames at some ingress. */
bool policy_has_stamps(const struct policy *policy, const struct model *fleet);
/* The programs for the host's part: whether they are loaded; loads them if not. */
bool policy_has_host(const struct policy *policy);
int policy_load_host(struct policy *policy, struct netsim_err *err);
/* Queues a message that attaches the program of an IFB, through which the host receives. */
void policy_put_hold(const struct policy *policy, struct rtnl *rt, int ifindex,
		     const char *subject);
/* Loads all programs and attaches one to a port, for finding out whether this kernel can. */
int policy_try(struct rtnl *rt, int ifindex, struct netsim_err *err);

/* One group: a set of node numbers. */
struct policy_group {
	uint16_t *nodes;
	size_t count;
};

struct policy_cut {
	enum port_fault_kind kind;
	const struct policy_group *groups;
	size_t group_count;
	uint64_t deadline; /* CLOCK_MONOTONIC in ns, 0: none */
	const char *name;  /* or NULL */
};
/*
 * Puts one more partition into force, at one instant for the whole fleet; no packet
 * that it forbids passes any more when this returns. Fails with -ENOSPC where too many
 * are in force.
 */
int policy_partition(struct policy *policy, const struct policy_cut *cut, uint32_t *ret_id,
		     struct netsim_err *err);

/*
 * A change of the policy under way: the idle half, a copy of what is in force
 * without the faults that are over. Nothing is in force before policy_commit(); a
 * change that is dropped leaves no trace.
 */
struct policy_change {
	struct port_slot *slot;
	struct port_node *nodes;
};
void policy_begin(struct policy *policy, struct policy_change *ret);
/* Flips: one store, and every port of the fleet follows the new policy. */
void policy_commit(struct policy *policy);
/* Ends those faults (count 0: all) in a change. */
void policy_end_faults(struct policy_change *change, const uint32_t *ids, size_t count);
/* Refuses a name that no fault can have, or that one in force has; policy and name may be NULL. */
int policy_check_fault_name(const struct policy *policy, const char *name, struct netsim_err *err);
/* A free place for a fault, with a new id; NULL and err where there is none. */
struct port_fault *policy_new_fault(struct policy *policy, struct policy_change *change,
				    struct netsim_err *err);

/* One hop's conditions; key.generation is set by who writes it. */
struct policy_entry {
	struct port_key key;
	struct port_conditions conditions;
};

/* What a profile asks of a fleet, for the programs. */
struct policy_base {
	struct policy_entry *entries;
	size_t count;
	int16_t (*tables)[PORT_TABLE_ENTRIES]; /* from files */
	size_t table_count;
	struct port_trace_row *rows; /* of all traces */
	size_t row_count;
};
#define POLICY_FILE_TABLES ((PORT_TABLES - 4) / 2)
/* The number that the index-th table from a file gets in the next base. */
uint32_t policy_table(const struct policy *policy, size_t index);

/*
 * Writes conditions into the idle generation, and names it in the change. The
 * flags for pairs and classes follow from the keys.
 */
int policy_put_base(struct policy *policy, struct policy_change *change,
		    const struct policy_base *base, struct netsim_err *err);
int policy_put_overlays(struct policy *policy, struct policy_change *change,
			const struct policy_entry *entries, size_t count, struct netsim_err *err);
void policy_put_classes(struct policy *policy, struct policy_change *change,
			const struct class_set *set);
/* After a commit: forgets what no policy refers to any more. */
void policy_sweep(struct policy *policy);

/* A hop's own conditions, as the profile gave them; -ENOENT where it has none. */
int policy_base_at(const struct policy *policy, const struct port_slot *slot, struct port_key key,
		   struct port_conditions *ret);
/* What is in force there now. */
int policy_now_at(const struct policy *policy, struct port_key key, struct port_conditions *ret);
/* All of a policy's base that belong to paths; *ret is the caller's. */
int policy_base_paths(const struct policy *policy, const struct port_slot *slot,
		      struct policy_entry **ret, size_t *count);

/* Whether any classes were ever put. */
bool policy_has_classes(const struct policy *policy);
/* Names of classes, by their numbers; NULL where there is none. */
const char *policy_class_name(const struct policy *policy, uint32_t class);

/* What passed and was dropped between a pair of nodes, of one class. */
struct policy_traffic {
	uint16_t from, to; /* PORT_ANY: pairs that found no room of their own */
	uint8_t class;
	struct port_traffic sum;
};
/* All of it, summed over the CPUs; *ret is the caller's. */
int policy_read_traffic(const struct policy *policy, struct policy_traffic **ret, size_t *count);

/* The policy in force. */
const struct port_slot *policy_slot(const struct policy *policy);
const struct port_node *policy_nodes(const struct policy *policy);
/* True while the fault exists and its deadline has not passed. */
bool policy_alive(const struct port_fault *fault);
/* True where frames from one node reach the other, as the programs judge it now. */
bool policy_reaches(const struct policy *policy, int from, int to);
/* CLOCK_MONOTONIC in nanoseconds: the programs' clock. */
uint64_t policy_now(void);

#endif
