/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs at the ports and netsim share: the layout of the policy.
 * Node 0 is the host and whatever reaches the fleet through it.
 */
#ifndef NETSIM_BPF_PORT_H
#define NETSIM_BPF_PORT_H

#include <linux/types.h>

#define PORT_NODES  4096 /* nodes of a fleet, with the host */
#define PORT_PORTS  8192
#define PORT_BITS   64 /* groups of all partitions in force together */
#define PORT_FAULTS 64

/* A packet's source, from where it came in to where it is judged. */
#define PORT_MARK      0x6e730000
#define PORT_MARK_MASK 0xffff0000

/*
 * What cuts a node off. Each group of nodes that a partition tells apart has a
 * bit: a packet is dropped if its source is a member of a group that its
 * destination is cut from, until that bit's deadline.
 */
struct port_node {
	__u64 member;
	__u64 cut;
};

enum port_fault_kind {
	PORT_FAULT_GROUPS,  /* each group from the others */
	PORT_FAULT_REST,    /* the same, the last group being all other nodes */
	PORT_FAULT_ISOLATE, /* each node from every other */
	PORT_FAULT_ONE_WAY, /* members cannot send to those that are cut */
};

/* One partition, as netsim shows and ends it; the programs do not read it. */
struct port_fault {
	__u32 id; /* 0: none */
	__u32 kind;
	__u64 bits;	/* of its groups, in ascending order */
	__u64 deadline; /* CLOCK_MONOTONIC in ns, 0: none */
};

struct port_slot {
	__u64 deadline[PORT_BITS]; /* CLOCK_MONOTONIC in ns, 0: none */
	struct port_fault faults[PORT_FAULTS];
};

/*
 * Two policies, one of them in force. A writer fills the idle one and flips
 * `active`: every port of the fleet changes at that store. `settled` follows
 * once no program can still be reading the other one.
 */
struct port_control {
	__u32 active;
	__u32 settled;
	__u32 last_fault_id;
	__u32 padding;
	struct port_slot slot[2];
};

struct port_counters {
	__u64 passed;
	__u64 dropped_from; /* this node was the source */
	__u64 dropped_to;   /* this node was the destination */
};

_Static_assert(sizeof(struct port_node) == 16, "shared with the kernel side");
_Static_assert(sizeof(struct port_fault) == 24, "shared with the kernel side");
_Static_assert(sizeof(struct port_control) == 16 + 2 * (512 + 24 * PORT_FAULTS),
	       "shared with the kernel side");
_Static_assert(sizeof(struct port_counters) == 24, "shared with the kernel side");

#endif
