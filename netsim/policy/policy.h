/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy of a fleet: its partitions and the conditions of each hop, in the maps of
 * the eBPF programs at the fleet's ports (bpf/port.h). Nothing is pinned: the maps are
 * found through a port's filter and its program.
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
 * Finds the policy of a fleet; *ret is NULL if no port has the programs. The caller closes
 * it with policy_close(); the model (from state_read()) must outlive it.
 */
int policy_find(struct state *st, const struct model *fleet, struct policy **ret,
		struct netsim_err *err);
/* The same, but loads the programs if no port has them; it attaches nothing. */
int policy_get(struct state *st, const struct model *fleet, struct policy **ret,
	       struct netsim_err *err);
void policy_close(struct policy *policy);

/*
 * Attaches the programs to every port of the fleet that lacks them; with stamps also the
 * programs that see the host's traffic. New nodes join the "rest" group of partitions.
 * Deleted ports are removed from the maps.
 */
int policy_attach(struct policy *policy, struct state *st, const struct model *fleet, bool stamps,
		  struct netsim_err *err);

/* Assigns numbers to new nodes and ports; policy_attach() does so too. */
int policy_number(struct policy *policy, const struct model *fleet, struct netsim_err *err);
/* The number of a node or of "host", -1 if unknown. */
int policy_node(const struct policy *policy, const char *name);
/* The name of the node with this number, or NULL. */
const char *policy_node_name(const struct policy *policy, uint32_t number);
/* The number of the model's link at this index (0: none), and the node of a link number. */
uint16_t policy_link(const struct policy *policy, size_t index);
uint16_t policy_link_node(const struct policy *policy, uint16_t number);

/* True if every port has the programs, and with host every port and bridge the host's. */
bool policy_is_complete(const struct policy *policy, const struct model *fleet, bool host);
/* True if a port or bridge has the program that stamps the source of frames at ingress. */
bool policy_has_stamps(const struct policy *policy, const struct model *fleet);
/* The programs for the host's traffic: whether they are loaded, and loading them. */
bool policy_has_host(const struct policy *policy);
int policy_load_host(struct policy *policy, struct netsim_err *err);
/* Queues a message that attaches ns_hold to the IFB through which the host receives. */
void policy_put_hold(const struct policy *policy, struct rtnl *rt, int ifindex, const char *who);
/* Loads all programs and attaches one to a port, to test this kernel. */
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
 * Puts a partition in force, at one instant for the whole fleet: when this returns, no
 * packet that it forbids passes. -ENOSPC if too many faults or groups are in force.
 */
int policy_partition(struct policy *policy, const struct policy_cut *cut, uint32_t *ret_id,
		     struct netsim_err *err);

/*
 * A change in preparation: the idle half of the double buffer, a copy of the active half
 * without expired faults. policy_commit() puts it in force; a change that is not
 * committed has no effect.
 */
struct policy_change {
	struct port_slot *slot;
	struct port_node *nodes;
};
void policy_begin(struct policy *policy, struct policy_change *ret);
/* Flips the selector: one store, after which every port uses the idle half. */
void policy_commit(struct policy *policy);
/* Removes faults (count 0: all) from a change. */
void policy_end_faults(struct policy_change *change, const uint32_t *ids, size_t count);
/* Refuses an invalid fault name, or one that is in use; policy and name may be NULL. */
int policy_check_fault_name(const struct policy *policy, const char *name, struct netsim_err *err);
/* A free slot for a fault, with a new id; NULL with err filled if all are used. */
struct port_fault *policy_new_fault(struct policy *policy, struct policy_change *change,
				    struct netsim_err *err);

/* The conditions of one hop; policy_put_*() sets key.generation. */
struct policy_entry {
	struct port_key key;
	struct port_conditions conditions;
};

/* The base: the conditions of a profile, compiled for the programs. */
struct policy_base {
	struct policy_entry *entries;
	size_t count;
	int16_t (*tables)[PORT_TABLE_ENTRIES]; /* from files */
	size_t table_count;
	struct port_trace_row *rows; /* of all traces */
	size_t row_count;
};
#define POLICY_FILE_TABLES ((PORT_TABLES - 4) / 2)
/* The map index of the next base's index-th table from a file. */
uint32_t policy_table(const struct policy *policy, size_t index);

/*
 * Writes conditions into the idle generation of their map, and selects it in the change.
 * Sets the flags for pairs and classes by the keys.
 */
int policy_put_base(struct policy *policy, struct policy_change *change,
		    const struct policy_base *base, struct netsim_err *err);
int policy_put_overlays(struct policy *policy, struct policy_change *change,
			const struct policy_entry *entries, size_t count, struct netsim_err *err);
void policy_put_classes(struct policy *policy, struct policy_change *change,
			const struct class_set *set);
/* After a commit: deletes map entries that no policy refers to. */
void policy_sweep(struct policy *policy);

/* The base conditions of a hop, without faults; -ENOENT if it has none. */
int policy_base_at(const struct policy *policy, const struct port_slot *slot, struct port_key key,
		   struct port_conditions *ret);
/* The conditions in force on a hop now, including faults. */
int policy_now_at(const struct policy *policy, struct port_key key, struct port_conditions *ret);
/* All base conditions of paths; the caller frees *ret. */
int policy_base_paths(const struct policy *policy, const struct port_slot *slot,
		      struct policy_entry **ret, size_t *count);

/* True once classes were put. */
bool policy_has_classes(const struct policy *policy);
/* The name of a class by its number, or NULL. */
const char *policy_class_name(const struct policy *policy, uint32_t class);

/* Counters of one class between a pair of nodes. */
struct policy_traffic {
	uint16_t from, to; /* PORT_ANY: overflow bucket, the map was full */
	uint8_t class;
	struct port_traffic sum;
};
/* All counters, summed over the CPUs; the caller frees *ret. */
int policy_read_traffic(const struct policy *policy, struct policy_traffic **ret, size_t *count);

/* The active half of the double buffer. */
const struct port_slot *policy_slot(const struct policy *policy);
const struct port_node *policy_nodes(const struct policy *policy);
/* True if the slot is used and the fault's deadline has not passed. */
bool policy_alive(const struct port_fault *fault);
/* True if no partition in force drops frames from one node to the other. */
bool policy_reaches(const struct policy *policy, int from, int to);
/* CLOCK_MONOTONIC in ns, which the programs read as well. */
uint64_t policy_now(void);

#endif
