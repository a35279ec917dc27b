/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy of a fleet: its partitions, and the conditions of each hop. It is
 * stored in the maps of the eBPF programs at the fleet's ports (bpf/port.h) and is
 * found again through them: filter -> program -> maps. Nothing is pinned.
 *
 * Functions with an err parameter return 0, or a negative errno with *err set.
 */
#ifndef NETSIM_POLICY_POLICY_H
#define NETSIM_POLICY_POLICY_H

#include "bpf/port.h"
#include "netsim/config/classes.h"
#include "netsim/kernel/model.h"
#include "netsim/kernel/state.h"

#define POLICY_HOST 0 /* node and link number of the host */

/* The policy of one fleet, open in this process. */
struct policy;

/*
 * Opens the policy of a fleet; *ret is NULL if no port has the programs. The caller
 * closes it with policy_close(); the model (from state_read()) must outlive it.
 */
int policy_find(struct state *st, const struct model *fleet, struct policy **ret,
		struct netsim_err *err);
/* The same, but loads the programs if there are none; it does not attach them. */
int policy_get(struct state *st, const struct model *fleet, struct policy **ret,
	       struct netsim_err *err);
void policy_close(struct policy *policy);

/*
 * Attaches the programs to every port of the fleet that lacks them; with stamps,
 * also the ingress programs for traffic of the host. New nodes join the rest group of
 * partitions that have one.
 */
int policy_attach(struct policy *policy, struct state *st, const struct model *fleet, bool stamps,
		  struct netsim_err *err);

/*
 * Lets the programs forget ports that are gone. The model must be the kernel's, because one of a
 * topology lacks attached ports.
 */
void policy_forget_ports(struct policy *policy, const struct model *fleet);
/*
 * If the fleet has a closed routed network, tells the programs the other interfaces of the host,
 * except taps that no node has: only frames from these are dropped as unclaimed. Part of
 * policy_attach(); uses st->host.
 */
int policy_know_host(struct policy *policy, const struct state *st, const struct model *fleet,
		     struct netsim_err *err);
/*
 * Numbers new nodes and ports; part of policy_attach(). A
 * node and its interface keep their numbers while they have no port; a number is reused only
 * if no other is free, and once nothing in force refers to it.
 */
int policy_number(struct policy *policy, const struct model *fleet, struct netsim_err *err);
/*
 * Lets policy_number() keep attached ports from the programs until policy_publish(). On a closed
 * network they drop frames of unknown ports: none passes before its conditions are in force.
 */
void policy_withhold(struct policy *policy, bool on);
int policy_publish(struct policy *policy, const struct model *fleet, struct netsim_err *err);
/* Numbers one node, even if it has no port. Returns its number, or a negative errno. */
int policy_number_node(struct policy *policy, const struct model *fleet, const char *name,
		       struct netsim_err *err);
/* Returns the number of a node (or "host"), -1 if it is unknown. */
int policy_node(const struct policy *policy, const char *name);
/* Returns the name of a node by its number, NULL if no node has it. */
const char *policy_node_name(const struct policy *policy, uint32_t number);
/* Returns the number of the model's link at an index, 0: none. */
uint16_t policy_link(const struct policy *policy, size_t index);
/* Returns the node of a link by its number. */
uint16_t policy_link_node(const struct policy *policy, uint16_t number);
/* A numbered link, with its counters of dropped packets. */
const struct port_link *policy_link_entry(const struct policy *policy, uint16_t number);

/* True if the programs are at every port; with host, also those for the host's traffic. */
bool policy_is_complete(const struct policy *policy, const struct model *fleet, bool host);
/* True if the model's link at an index has its program; with ingress, the one at ingress. */
bool policy_is_attached(const struct policy *policy, size_t index, bool ingress);
/* True if some port or bridge has an ingress program. */
bool policy_has_stamps(const struct policy *policy, const struct model *fleet);
/* The program at IFBs: whether it is loaded; loads it if not. */
bool policy_has_hold(const struct policy *policy);
int policy_load_hold(struct policy *policy, struct netsim_err *err);
/*
 * Queues a message that attaches it to the IFB that delays frames to the host or, if this machine
 * is a node, those that it receives.
 */
void policy_put_hold(const struct policy *policy, struct rtnl *rt, int ifindex,
		     const char *subject);
/*
 * The programs at the pair of veths where held packets wait (bpf/park.h): loads them; queues
 * messages that attach them to the end that packets enter, and to the other one; lets the programs
 * at ports use the pair.
 */
int policy_load_park(struct policy *policy, struct netsim_err *err);
void policy_put_park(const struct policy *policy, struct rtnl *rt, int in, int out,
		     const char *subject);
void policy_use_park(struct policy *policy, int in);
/* Counts the packets that wait there, without those that are lost. */
int policy_count_parked(const struct policy *policy, uint64_t *ret_packets, uint64_t *ret_bytes);
/* Loads all programs and attaches one to a port, to test whether the kernel supports them. */
int policy_try(struct rtnl *rt, int ifindex, struct netsim_err *err);

/* An address of another node, on a machine that is a node itself. */
struct policy_peer {
	uint16_t node;
	bool is_mac, learned;
	struct mac mac;
	struct ip ip; /* a prefix */
};
/*
 * Tells the programs of a machine the addresses of the other nodes. Forgets earlier ones, except
 * what the programs have learned about nodes that still exist.
 */
int policy_put_peers(struct policy *policy, const struct policy_peer *list, size_t count,
		     struct netsim_err *err);

/* A set of node numbers. */
struct policy_group {
	uint16_t *nodes;
	size_t count;
};

/* Whether a partition has pairs of groups: those of the first cannot send to those of the second.
 */
static inline bool policy_has_pairs(enum port_fault_kind kind)
{
	return kind == PORT_FAULT_ONE_WAY || kind == PORT_FAULT_MATRIX;
}

struct policy_cut {
	enum port_fault_kind kind;
	const struct policy_group *groups;
	size_t group_count;
	uint64_t deadline; /* CLOCK_MONOTONIC in ns, 0: none */
	const char *name;  /* or NULL */
	bool l2;	   /* address resolution is cut in any case */
	uint32_t id;	   /* of a fault that is restored, 0: the next one */
	const char *class; /* cuts only this class, or family of classes; NULL: all traffic */
	uint16_t vlan;	   /* cuts only this VLAN; 0: all traffic */
	bool reject;	   /* answers what it drops; see policy_note_home() */
};
/* Notes that a node (below 0: no effect) has an address, for partitions that answer. */
int policy_note_home(struct policy *policy, const struct mac *mac, int node,
		     struct netsim_err *err);
/*
 * Whether a partition of this kind, in a ring of so many nodes, spares packets that resolve
 * addresses, unless it is asked not to: where traffic passes in one direction, it must pass in
 * both; and who cannot resolve an address gets no answer.
 */
bool policy_spares_resolving(enum port_fault_kind kind, size_t nodes, bool reject);
/*
 * Adds a partition, atomically for the whole fleet; once this returns, no packet
 * crosses it. Fails with -ENOSPC if too many groups or faults are in force.
 */
int policy_partition(struct policy *policy, const struct policy_cut *cut, uint32_t *ret_id,
		     struct netsim_err *err);

/*
 * A change of the policy in progress: the idle half, filled with a copy of the half in
 * force without expired faults. It takes effect at policy_commit(); a change that is
 * not committed has no effect.
 */
struct policy_change {
	struct port_slot *slot;
	struct port_node *nodes;
};
void policy_begin(struct policy *policy, struct policy_change *ret);
/* Puts the change in force by one store, atomically for all ports; waits for readers. */
void policy_commit(struct policy *policy);
/* Ends the faults with these ids (count 0: all) in a change. */
void policy_end_faults(struct policy_change *change, const uint32_t *ids, size_t count);
/*
 * Fails with -EINVAL if the name is not valid for a fault, with -EEXIST if a fault in
 * force has it; policy and name may be NULL.
 */
int policy_check_fault_name(const struct policy *policy, const char *name, struct netsim_err *err);
/* The id of the next fault. */
uint32_t policy_next_id(const struct policy *policy);
/* Allocates a fault with that id in a change; NULL with *err set if all are in use. */
struct port_fault *policy_new_fault(struct policy *policy, struct policy_change *change,
				    struct netsim_err *err);

/* One hop's conditions; policy_put_*() set key.generation. */
struct policy_entry {
	struct port_key key;
	struct port_conditions conditions;
};

/* A profile compiled for the programs. */
struct policy_base {
	struct policy_entry *entries;
	size_t count;
	int16_t (*tables)[PORT_TABLE_ENTRIES]; /* of distributions from files */
	size_t table_count;
	struct port_trace_row *rows; /* rows of all traces */
	size_t row_count;
};
#define POLICY_FILE_TABLES ((PORT_TABLES - 4) / 2)
/* Returns the index in ns_tables of the next base's index-th distribution from a file. */
uint32_t policy_table(const struct policy *policy, size_t index);

/*
 * Write conditions or classes into the idle generation and select it in the change.
 * The flags for links, pairs, classes and VLANs are derived from the keys.
 * Negative errno if the kernel refuses a map's entry.
 */
int policy_put_base(struct policy *policy, struct policy_change *change,
		    const struct policy_base *base, struct netsim_err *err);
int policy_put_overlays(struct policy *policy, struct policy_change *change,
			const struct policy_entry *entries, size_t count, struct netsim_err *err);
int policy_put_classes(struct policy *policy, struct policy_change *change,
		       const struct class_set *set, struct netsim_err *err);
/* After a commit: deletes stale map entries. */
void policy_sweep(struct policy *policy);

/* Reads a hop's conditions from the profile, without faults; -ENOENT if it has none. */
int policy_base_at(const struct policy *policy, const struct port_slot *slot, struct port_key key,
		   struct port_conditions *ret);
/* Reads the conditions in force at a hop now, with faults; -ENOENT if it has none. */
int policy_now_at(const struct policy *policy, struct port_key key, struct port_conditions *ret);
/*
 * Lists the paths that have conditions in the policy in force, of the profile or of a fault, which
 * may be over. Returns 0, or -ENOMEM; the caller frees *ret.
 */
int policy_paths(const struct policy *policy, struct port_key **ret, size_t *count);

/*
 * True if a class names ARP's ethertype: a fault of the class then affects address resolution. slot
 * is that of the policy in force, or of a change that may have other classes.
 */
bool policy_class_names_arp(const struct policy *policy, const struct port_slot *slot,
			    uint32_t class);
/* True if a class names the ethertype of LACP, whose frames end at the other end of the cable. */
bool policy_class_names_lacp(const struct policy *policy, const struct port_slot *slot,
			     uint32_t class);
/* True if classes were ever written. */
bool policy_has_classes(const struct policy *policy);
/* Returns the name of a class by its number, "other" for 0; NULL if there is none. */
const char *policy_class_name(const struct policy *policy, uint32_t class);
/* The same of a slot, such as that of a change. */
const char *policy_class_in(const struct policy *policy, const struct port_slot *slot,
			    uint32_t class);

/* Traffic counters of one class between a pair of nodes. */
struct policy_traffic {
	uint16_t from, to; /* PORT_ANY: overflow entry, used once the map was full */
	uint8_t class;
	struct port_traffic sum;
};
/* Reads all counters, summed over the CPUs; the caller frees *ret. */
int policy_read_traffic(const struct policy *policy, struct policy_traffic **ret, size_t *count);

/* The slot and the nodes of the policy in force. */
const struct port_slot *policy_slot(const struct policy *policy);
const struct port_node *policy_nodes(const struct policy *policy);
/* True if the slot is used and the fault's deadline has not passed. */
bool policy_alive(const struct port_fault *fault);
/*
 * True if no partition drops all packets from one node to the other now; compare is_cut() in bpf/.
 */
bool policy_reaches(const struct policy *policy, int from, int to);
/* CLOCK_MONOTONIC in ns, the clock of the programs. */
uint64_t policy_now(void);

#endif
