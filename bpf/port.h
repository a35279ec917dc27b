/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs at the ports and netsim share: the layout of the policy.
 * Nodes and their links (the cables to the ports) are numbered; number 0 of both
 * is the host and whatever reaches the fleet through it.
 */
#ifndef NETSIM_BPF_PORT_H
#define NETSIM_BPF_PORT_H

#include <linux/bpf.h>
#include <linux/types.h>

#define PORT_NODES   4096 /* nodes of a fleet, with the host */
#define PORT_LINKS   8192 /* links of all its nodes, with the host's */
#define PORT_BITS    64	  /* groups of all partitions in force together */
#define PORT_FAULTS  64
#define PORT_CLASSES 64 /* of traffic; 0 is what belongs to none */
#define PORT_LAYERS  16 /* faults with different deadlines on one hop */

#define PORT_CONDITIONS (1 << 18) /* entries of ns_conditions */
#define PORT_OVERLAYS	(1 << 17)
#define PORT_STATES	(1 << 18)
#define PORT_TRAFFIC	(1 << 17)

#define PORT_TABLES	   16	 /* of delay distributions */
#define PORT_TABLE_ENTRIES 4096	 /* of each */
#define PORT_TABLE_SHIFT   13	 /* one standard deviation is 1 << 13 in them */
#define PORT_TRACE_ROWS	   16384 /* of all traces of one generation */

/*
 * A packet's source link, from where it came in to where it is judged; the same
 * once its uplink is behind it; and a copy whose departure is decided.
 */
#define PORT_MARK      0x6e730000
#define PORT_MARK_SENT 0x6e740000
#define PORT_MARK_COPY 0x6e750000
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

struct port_link {
	__u16 node;
	/* The link at which a flooded frame from this one is charged to its uplink. */
	__u16 charge_at;
	__u32 padding;
};

/* The hops of a packet's way, and one VLAN of a node. */
enum port_hop { PORT_HOP_UP, PORT_HOP_PATH, PORT_HOP_DOWN, PORT_HOP_VLAN, PORT_HOPS };

#define PORT_ANY 0xffff /* from and to of the conditions of a class between all pairs */

/* Names the conditions of a hop, its state, or the traffic of a pair. */
struct port_key {
	__u16 from; /* up: the link; path: the node; down: 0; vlan: the node */
	__u16 to;   /* up: 0; path: the node; down: the link; vlan: the VLAN */
	__u8 hop;
	__u8 class;	 /* path: the class that it is for, 0: all */
	__u8 generation; /* conditions: of the base or of the overlays */
	__u8 layer;	 /* conditions: 0 the base, then what faults make of it, in order of time */
};

/* Bits of port_conditions.has, in the order of enum cond in netsim/config/profile.h. */
enum port_has {
	PORT_HAS_RATE = 1 << 0,
	PORT_HAS_BURST = 1 << 1,
	PORT_HAS_QUEUE = 1 << 2,
	PORT_HAS_DELAY = 1 << 3,
	PORT_HAS_JITTER = 1 << 4,
	PORT_HAS_DISTRIBUTION = 1 << 5,
	PORT_HAS_REORDER = 1 << 6,
	PORT_HAS_LOSS = 1 << 7,
	PORT_HAS_DUPLICATE = 1 << 8,
	PORT_HAS_CORRUPT = 1 << 9,
	PORT_HAS_SLOT = 1 << 10,
	PORT_HAS_SEED = 1 << 11,
	PORT_HAS_TRACE = 1 << 12,
	PORT_HAS_DOWN = 1 << 13, /* nothing passes, always or for part of a period */
};

enum port_loss { PORT_LOSS_RANDOM, PORT_LOSS_GILBERT_ELLIOTT, PORT_LOSS_4STATE };
enum port_order { PORT_ORDER_KEPT, PORT_ORDER_FREE, PORT_ORDER_RATIO };
enum port_queue { PORT_QUEUE_TIME, PORT_QUEUE_BYTES, PORT_QUEUE_PACKETS };

/*
 * What one hop does to packets. Times in ns, rates in bytes/s, probabilities in
 * parts of 2^32 (all ones: certain). netsim fills `asked_*` from files, and what
 * the programs use from them once all levels are merged.
 */
struct port_conditions {
	__u32 has;
	__u32 order; /* enum port_order */
	__u64 rate;  /* 0: not limited */
	__u64 burst; /* that an idle link may send at once, as time */
	__u64 queue; /* how long packets may wait for the link */
	__u64 delay, jitter;
	__u64 seed;
	__u64 deadline; /* overlays: CLOCK_MONOTONIC in ns, 0: none */
	__u64 slot_min, slot_max;
	__u32 slot_packets, slot_bytes; /* 0: not limited */
	__u32 table;			/* of the distribution */
	__u32 reorder, duplicate, corrupt;
	__u32 loss_model;
	__u32 loss[5]; /* ratio; p, r, bad, good; or p13, p31, p32, p23, p14 */
	__u32 trace_first, trace_count;
	__u64 trace_length, trace_start; /* of one round; when the first began */
	__u64 down_period, down_after;	 /* 0: down always; else down from there on in each */
	__u64 down_start;
	__u64 asked_burst; /* bytes */
	__u64 asked_queue; /* time, bytes or packets */
	__u32 asked_queue_unit;
	__u32 trace_has;  /* which conditions the trace gives */
	__u32 rate_class; /* path: whose clock the rate is on, 0: the class's own */
	__u32 padding;
};

/* What a hop remembers of the packets before. */
struct port_state {
	struct bpf_spin_lock lock;
	__u32 epoch;
	__u64 clock;	 /* when the link is free again */
	__u64 slot_open; /* when the slot that is being filled leaves */
	__u32 slot_packets, slot_bytes;
	__u64 packets; /* pair: that were seen, which is what draws their fates */
	__u64 last;    /* path: the latest departure */
	__u8 loss[4];  /* pair: the states of its hops' loss models */
	/* Under which conditions the clock was booked, and the latest departure set. */
	__u32 clock_hash, last_hash;
	__u32 padding;
};

struct port_trace_row {
	__u64 at;
	__u64 rate;
	__u64 delay;
	__u32 loss;
	__u32 resumes; /* rate 0: the next row that has one, starting over at the end */
};

/* How packets are sorted into classes: each class is a bit, the lowest one wins. */
struct port_class_port {
	__u64 tcp, udp;
};

#define PORT_ETHERTYPES 16
#define PORT_CLASS_NAME 24

struct port_class_rules {
	__u64 any;	     /* that ask for no protocol */
	__u64 any_vlan;	     /* that ask for no VLAN */
	__u64 protocol[256]; /* that ask for a protocol of IP and no port */
	__u64 ethertype_class[PORT_ETHERTYPES];
	__u16 ethertype[PORT_ETHERTYPES]; /* in network order, 0: none */
	__u64 vlan[4096];
	char name[PORT_CLASSES][PORT_CLASS_NAME];
};

enum port_fault_kind {
	PORT_FAULT_GROUPS,     /* each group from the others */
	PORT_FAULT_REST,       /* the same, the last group being all other nodes */
	PORT_FAULT_ISOLATE,    /* each node from every other */
	PORT_FAULT_ONE_WAY,    /* members cannot send to those that are cut */
	PORT_FAULT_CONDITIONS, /* conditions on top of the profile */
	PORT_FAULT_LINK,       /* links that are down, or flap */
};

/* What is down of a link: all the time, or from `up` on in each period (ns). */
struct port_link_fault {
	__u64 period, up; /* period 0: all the time */
	__u16 vlan;	  /* only this VLAN of the node, 0: the whole link */
	__u16 padding[3];
};

/* One fault, as netsim shows and ends it; the programs do not read it. */
struct port_fault {
	__u32 id; /* 0: none */
	__u32 kind;
	__u64 bits;	/* partitions: of its groups, in ascending order */
	__u64 deadline; /* CLOCK_MONOTONIC in ns, 0: none */
	__u64 start;	/* when it was put; a flap goes by it */
	char name[32];
	struct port_link_fault link; /* of PORT_FAULT_LINK */
	char conditions[160];	     /* "loss 5% delay 80ms" */
	char targets[160];	     /* "n100-1:n100-2 @server" */
	char class[PORT_CLASS_NAME];
};

enum port_flags {
	PORT_FLAG_BASE = 1 << 0,	  /* a profile's conditions are in force */
	PORT_FLAG_OVERLAYS = 1 << 1,	  /* and conditions that faults make of them */
	PORT_FLAG_PAIRS = 1 << 2,	  /* some are of pairs */
	PORT_FLAG_CLASSES = 1 << 3,	  /* some are of classes */
	PORT_FLAG_VLANS = 1 << 4,	  /* some VLAN of a node is down */
	PORT_FLAG_HELD = 1 << 5,	  /* ports have an fq that holds packets */
	PORT_FLAG_BASE_HOLDS = 1 << 6,	  /* the profile's conditions need that */
	PORT_FLAG_BASE_CORRUPTS = 1 << 7, /* they damage packets */
	PORT_FLAG_LINKS = 1 << 8,	  /* some conditions are of links */
};

struct port_slot {
	__u64 deadline[PORT_BITS]; /* CLOCK_MONOTONIC in ns, 0: none */
	__u32 flags;		   /* enum port_flags */
	__u8 base, overlays;	   /* generations of ns_conditions, 0 or 1 */
	__u8 classes, traces;	   /* generations of theirs */
	__u32 epoch;		   /* changes where fates are to be drawn from the start */
	__u32 base_flags;	   /* those of flags that the base alone asks for */
	__u64 longest;		   /* delay of the base, in ns */
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
	__u32 stale; /* what may be left of what is not in force any more: enum port_stale */
	struct port_slot slot[2];
};

enum port_stale {
	PORT_STALE_BASE = 1 << 0,     /* conditions of the other generation */
	PORT_STALE_OVERLAYS = 1 << 1, /* the same of overlays */
	PORT_STALE_NODES = 1 << 2,    /* anything of nodes and links that are gone */
};

enum port_drop { PORT_DROP_CUT, PORT_DROP_DOWN, PORT_DROP_LOSS, PORT_DROP_QUEUE, PORT_DROPS };

/* The traffic of a class between a pair of nodes. */
struct port_traffic {
	__u64 packets, bytes; /* that passed */
	__u64 dropped[PORT_DROPS];
	__u64 copied, corrupted;
};

_Static_assert(sizeof(struct port_node) == 16, "shared with the kernel side");
_Static_assert(sizeof(struct port_link) == 8, "shared with the kernel side");
_Static_assert(sizeof(struct port_key) == 8, "shared with the kernel side");
_Static_assert(sizeof(struct port_conditions) == 208, "shared with the kernel side");
_Static_assert(sizeof(struct port_state) == 64, "shared with the kernel side");
_Static_assert(sizeof(struct port_trace_row) == 32, "shared with the kernel side");
_Static_assert(sizeof(struct port_fault) == 432, "shared with the kernel side");
_Static_assert(sizeof(struct port_slot) == 512 + 24 + 432 * PORT_FAULTS,
	       "shared with the kernel side");
_Static_assert(sizeof(struct port_traffic) == 64, "shared with the kernel side");

#endif
