/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open policy: the file descriptors of its programs and maps, and the maps' memory. */
#ifndef NETSIM_POLICY_POLICY_PARTS_H
#define NETSIM_POLICY_POLICY_PARTS_H

#include "netsim/policy/policy.h"

enum policy_prog { POLICY_PORT, POLICY_STAMP, POLICY_HOST_IN, POLICY_HOLD, POLICY_PROGS };

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
	POLICY_MAPS
};

struct policy {
	int prog[POLICY_PROGS]; /* -1: not loaded */
	int map[POLICY_MAPS];
	/* The mmapped maps of the same names. */
	struct port_control *control;
	struct port_node *nodes; /* policy 0's, then policy 1's */
	struct port_link *links;
	struct port_trace_row *traces;
	struct port_class_port *class_ports;
	struct port_class_rules *class_rules;
	const char *names[PORT_NODES]; /* of nodes; NULL: unused; borrowed from the model */
	uint32_t *link_numbers;	       /* of the model's links, 0: none */
	bool *attached;		       /* of the model's links: ns_port is at its egress */
	bool *stamped;		       /* ns_stamp (port) or ns_host (bridge) is at its ingress */
};

/* A policy without programs, maps or nodes; NULL when out of memory. */
struct policy *policy_new(void);
/*
 * Loads the program for the ports, and with_host those that see the host's part,
 * as far as they are not loaded: on fresh maps, or onto the policy's.
 */
int policy_load(struct policy *policy, bool with_host, struct netsim_err *err);
/* Maps the memory of its maps; and puts in what every policy starts with. */
int policy_map_memory(struct policy *policy, struct netsim_err *err);
int policy_prepare(struct policy *policy, struct netsim_err *err);
/* Which map has this name, -1: none. */
int policy_map_of(const char *name);

#endif
