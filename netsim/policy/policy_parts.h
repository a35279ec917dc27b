/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to policy/: an open policy with its programs, maps and mapped memory. */
#ifndef NETSIM_POLICY_POLICY_PARTS_H
#define NETSIM_POLICY_POLICY_PARTS_H

#include "netsim/policy/policy.h"

enum policy_prog {
	POLICY_PORT,
	POLICY_STAMP,
	POLICY_HOST_IN,
	POLICY_ROUTE,
	POLICY_LAG,
	POLICY_HOLD,
	POLICY_PARK_IN,
	POLICY_PARK_OUT,
	/* On a machine that is a node. */
	POLICY_OUT,
	POLICY_IN,
	POLICY_IN_HOLD,
	POLICY_PROGS
};

enum policy_map {
	POLICY_CONTROL,
	POLICY_NODES,
	POLICY_PORTS,
	POLICY_LINKS,
	POLICY_CONDITIONS,
	POLICY_OVERLAYS,
	POLICY_STATES,
	POLICY_TRAFFIC,
	POLICY_TABLES,
	POLICY_TRACES,
	POLICY_CLASS_PORTS,
	POLICY_CLASS_RULES,
	POLICY_CLASS_ADDRESSES,
	POLICY_HOMES,
	/* Only the programs at ports use these maps, and only those of a machine the next ones. */
	POLICY_OVS_MACS,
	POLICY_PARKED,
	POLICY_PARK_FLOWS,
	POLICY_PARK,
	POLICY_MACS,
	POLICY_ADDRESSES,
	POLICY_MAPS
};

struct policy {
	int prog[POLICY_PROGS]; /* -1: not loaded */
	int map[POLICY_MAPS];
	/* Memory of the maps with these names. */
	struct port_control *control;
	struct port_node *nodes; /* policy 0's, then policy 1's */
	struct port_link *links;
	struct port_trace_row *traces;
	struct port_class_port *class_ports;
	struct port_class_rules *class_rules;
	struct port_park *park;	       /* NULL on a machine */
	const char *names[PORT_NODES]; /* by node number, NULL: unused; of control->names */
	uint32_t *link_numbers;	       /* by index of the model's links, 0: none */
	char *machine;		       /* the node that this machine is, or NULL */
	bool withhold;		       /* policy_withhold() */
	bool *withheld;		       /* by link index: it has a number, which ns_ports lacks */
	bool *attached;		       /* by link index: ns_port is at its egress */
	bool *stamped; /* by link index: the program of policy_ingress() is at its ingress */
};

/* Numbers from this one on are no node's. */
static inline int policy_end(const struct policy *policy)
{
	return policy->machine ? PORT_EVERYONE : PORT_NODES;
}

/* True if the policy's programs use the map. */
static inline bool policy_uses(const struct policy *policy, enum policy_map map)
{
	return policy->machine ? map < POLICY_OVS_MACS || map >= POLICY_MACS : map < POLICY_MACS;
}

/* Returns a policy without programs, maps or nodes, or NULL; free it with policy_close(). */
struct policy *policy_new(void);
/*
 * Loads these programs, bits of enum policy_prog, unless they are loaded already. They use the
 * policy's maps; missing maps are created.
 */
#define POLICY_FOR_PORTS (1U << POLICY_PORT)
#define POLICY_FOR_MARKS (1U << POLICY_STAMP | 1U << POLICY_HOST_IN)
#define POLICY_FOR_PARK	 (1U << POLICY_PARK_IN | 1U << POLICY_PARK_OUT)
#define POLICY_FOR_ALL                                                                 \
	(POLICY_FOR_PORTS | POLICY_FOR_MARKS | 1U << POLICY_ROUTE | 1U << POLICY_LAG | \
	 1U << POLICY_HOLD | POLICY_FOR_PARK)
#define POLICY_FOR_MACHINE (1U << POLICY_OUT | 1U << POLICY_IN)
int policy_load(struct policy *policy, unsigned progs, struct netsim_err *err);
/* Maps the policy's maps into memory. */
int policy_map_memory(struct policy *policy, struct netsim_err *err);
/* Writes the initial entries of the maps. */
int policy_prepare(struct policy *policy, struct netsim_err *err);
/* Reads the numbers of the nodes, and of the fleet's links, from the mapped memory. */
void policy_read_names(struct policy *policy, const struct model *fleet);
const char *policy_prog_name(enum policy_prog prog);
/* The program for the ingress of a port or bridge: ns_stamp, ns_route or ns_host. */
enum policy_prog policy_ingress(const struct link *link);
/* Chooses, for each port, the port whose copy of a flooded frame is charged to the uplink. */
void policy_charge_ports(struct policy *policy, const struct model *fleet);
/*
 * Finds the groups of a half of the policy that every other node is cut off from. On a routed
 * network, their partitions also stop the resolution of the host's address.
 */
void policy_note_whole(const struct policy *policy, struct port_slot *slot,
		       const struct port_node *nodes);
/* Forgets held packets that were lost. */
void policy_sweep_parked(struct policy *policy);
/* Returns the key of an address in ns_macs and ns_ovs_macs. */
static inline struct port_mac policy_mac_key(const struct mac *mac)
{
	struct port_mac key = {{0}};

	memcpy(key.b, mac->b, sizeof(key.b));
	return key;
}
/* Returns the enum policy_map of a map name, -1 if unknown. */
int policy_map_of(const char *name);

/* Writes an address as one of IPv6, ::ffff:a.b.c.d; returns its prefix length in that form. */
uint32_t policy_ipv6_form(const struct ip *ip, uint8_t ret[static 16]);

#endif
