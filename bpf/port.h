/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of the policy, shared by the eBPF programs at the ports and netsim.
 * Nodes and their links (the cables to the ports) have numbers; 0 of both is the
 * host and everything that reaches the fleet through it.
 */
#ifndef NETSIM_BPF_PORT_H
#define NETSIM_BPF_PORT_H

#include <linux/bpf.h>
#include <linux/types.h>

#define PORT_NODES   4096 /* nodes of a fleet, including the host */
#define PORT_LINKS   8192 /* links of all nodes, including the host's */
#define PORT_BITS    256  /* groups, over all partitions in force */
#define PORT_WORDS   (PORT_BITS / 64)
#define PORT_FAULTS  64
#define PORT_CLASSES 64 /* traffic classes; 0: frames of no class */
#define PORT_LAYERS  16 /* faults with different deadlines on one hop */

#define PORT_CONDITIONS (1 << 18) /* entries of ns_conditions */
#define PORT_OVERLAYS	(1 << 17)
#define PORT_STATES	(1 << 18)
#define PORT_TRAFFIC	(1 << 17)

#define PORT_PARKED	  10000		/* packets that faults hold, of the whole fleet */
#define PORT_PARKED_BYTES (64ULL << 20) /* of these packets */
#define PORT_PARK_FLOWS	  16384

#define PORT_TABLES	   16	 /* delay distributions */
#define PORT_TABLE_ENTRIES 4096	 /* per table */
#define PORT_TABLE_SHIFT   13	 /* 1 << 13 is one standard deviation */
#define PORT_TRACE_ROWS	   16384 /* for all traces of a generation */

/*
 * Values of skb->mark: set at ingress, at ingress of a frame to the host that is judged in an IFB,
 * and once the uplink has been applied, all with the source link in the lower half; a duplicate
 * whose departure is in skb->cb; a parked packet, with its ticket in the lower half; and the answer
 * of a rejecting partition, with the link that it is for.
 */
#define PORT_MARK	 0x6e730000
#define PORT_MARK_HOST	 0x6e760000
#define PORT_MARK_SENT	 0x6e740000
#define PORT_MARK_COPY	 0x6e750000
#define PORT_MARK_PARK	 0x6e770000
#define PORT_MARK_ANSWER 0x6e780000
#define PORT_MARK_MASK	 0xffff0000

/* A set of groups; see netsim/policy/bits.h. */
struct port_bits {
	__u64 word[PORT_WORDS]; /* 64 groups in each */
};

/*
 * A node's part in the partitions in force. Each group of a partition has a bit: a
 * packet is dropped if its source is a member of a group that its destination is
 * cut off from, until that bit's deadline.
 */
struct port_node {
	struct port_bits member;
	struct port_bits cut;
};

/*
 * On a machine that is a node itself, the other nodes are known by their addresses. Frames that it
 * sends to all of them have this node as destination: it is cut off where all others are.
 */
#define PORT_EVERYONE (PORT_NODES - 1)
#define PORT_PEERS    (1 << 16) /* entries of ns_macs and of ns_addresses */
#define PORT_HOMES    (1 << 14)

struct port_mac {
	__u8 b[6];
	__u8 padding[2];
};

/* An address prefix; IPv4 as ::ffff:a.b.c.d. */
struct port_address {
	__u32 plen; /* of the 128 bits */
	__u8 b[16];
};

struct port_peer {
	__u16 node;    /* PORT_ANY: several nodes use the address */
	__u16 learned; /* from ARP or neighbour discovery, not from the topology */
};

#define PORT_NODE_NAME	64 /* longest name of a node, including its NUL */
#define PORT_IFACE_NAME 16

/*
 * What shows the source of a frame at a port of Open vSwitch. Its kernel datapath keeps the ingress
 * port and the mark, but only the mark of a frame about which its daemon has decided. Its userspace
 * datapath sends a new frame, whose source only the address shows, and leaves the old one to the
 * host.
 */
enum port_ovs { PORT_OVS_NONE, PORT_OVS_KERNEL, PORT_OVS_USERSPACE };

struct port_link {
	__u16 node;
	/* Destination, a bundle, whose copy of a flooded frame is charged to this link's uplink. */
	__u16 charge_at;
	/* Frames to it from ports that no node has are dropped, unless they are the host's. */
	__u8 closed;
	__u8 routed;	 /* its port is in no bridge: the host routes its frames */
	__u8 ovs;	 /* enum port_ovs */
	__u8 knows_host; /* ns_ports has the host's interfaces, but no tap that no node has */
	__u8 cable;	 /* an end of a cable between networks: frames pass it, and end elsewhere */
	__u8 padding[7];
	char iface[PORT_IFACE_NAME]; /* in the node; "": the number is free */
	/* Packets dropped by partitions, from and to it; and from it, for other reasons. */
	__u64 cut, lost;
	__u64 oversized; /* of the lost ones, those too large to pass */
	__u64 unclaimed; /* to it, dropped because no node has the port that they came in by */
	__u8 bridge[6];	 /* the MAC address of its bridge, from which the host sends */
	/* Its number or, of ports in one bond, that of the first: a frame leaves by one of them. */
	__u16 bundle;
	/* Packets from it that partitions answered, in this period (bpf/reject.h). */
	__u32 answer_period, answers;
};

/* The three hops between two nodes, and one VLAN of a node. */
enum port_hop { PORT_HOP_UP, PORT_HOP_PATH, PORT_HOP_DOWN, PORT_HOP_VLAN, PORT_HOPS };

/* Overlays of a path for packets that resolve addresses: without faults that spare these. */
#define PORT_CLASS_RESOLVES 0x80

#define PORT_ANY 0xffff /* as from and to: all pairs, or the overflow entry */

/* Key of the conditions and the state of a hop, and of the traffic of a pair. */
struct port_key {
	__u16 from; /* up: the link; path: the node; down: 0; vlan: the node */
	__u16 to;   /* up: 0; path: the node; down: the link; vlan: the VLAN */
	__u8 hop;
	/* Path: 0: all classes; PORT_CLASS_RESOLVES may be added. Link: 0, or that of LACP. */
	__u8 class;
	__u8 generation; /* conditions: the generation of the base or the overlays */
	__u8 layer; /* conditions: 0: base; from 1: merged with faults, by ascending deadline */
};

/* Bits of port_conditions.has, in the order of enum cond in netsim/config/conditions.h. */
enum port_has {
	PORT_HAS_RATE = 1 << 0,
	PORT_HAS_BURST = 1 << 1,
	PORT_HAS_PEAK = 1 << 2,
	PORT_HAS_QUEUE = 1 << 3,
	PORT_HAS_OVERHEAD = 1 << 4,
	PORT_HAS_DELAY = 1 << 5,
	PORT_HAS_JITTER = 1 << 6,
	PORT_HAS_DISTRIBUTION = 1 << 7,
	PORT_HAS_REORDER = 1 << 8,
	PORT_HAS_LOSS = 1 << 9,
	PORT_HAS_DUPLICATE = 1 << 10,
	PORT_HAS_CORRUPT = 1 << 11,
	PORT_HAS_LARGER = 1 << 12,
	PORT_HAS_HOLD = 1 << 13, /* packets wait until the condition ends */
	PORT_HAS_SLOT = 1 << 14,
	PORT_HAS_SEED = 1 << 15,
	PORT_HAS_TRACE = 1 << 16,
	PORT_HAS_DOWN = 1 << 17, /* drops everything, always or for part of a period */
};

enum port_loss { PORT_LOSS_RANDOM, PORT_LOSS_GILBERT_ELLIOTT, PORT_LOSS_4STATE };
enum port_order { PORT_ORDER_KEPT, PORT_ORDER_FREE, PORT_ORDER_RATIO };
enum port_queue { PORT_QUEUE_TIME, PORT_QUEUE_BYTES, PORT_QUEUE_PACKETS };

/*
 * The conditions of one hop. Times in ns, rates in bytes/s, probabilities as
 * fractions of 2^32 (all ones: certain). netsim fills `asked_*` from files and
 * derives burst and queue from them once all levels are merged.
 */
struct port_conditions {
	__u32 has;
	__u32 order; /* enum port_order */
	__u64 rate;  /* 0: not limited */
	__u64 burst; /* that an idle link sends at once, as transmission time */
	__u64 queue; /* longest wait for the link */
	__u64 peak;  /* rate of the line itself, which a burst does not exceed; 0: not limited */
	__u64 peak_queue; /* longest wait for the line: the bytes of queue, at the peak */
	__u64 delay, jitter;
	__u64 seed;
	__u64 deadline; /* overlays: CLOCK_MONOTONIC in ns, 0: none */
	__u64 slot_min, slot_max;
	__u32 slot_packets, slot_bytes; /* 0: not limited */
	__u32 table;			/* of the distribution, in ns_tables */
	__u32 reorder, duplicate, corrupt;
	__u32 loss_model;
	__u32 loss[5]; /* ratio; p, r, bad, good; or p13, p31, p32, p23, p14 */
	__u32 trace_first, trace_count;
	__u64 trace_length, trace_start; /* of one repetition; start of the first */
	__u64 down_period, down_after;	 /* 0: always down; else from after to the end of each */
	__u64 down_start;
	__u64 asked_burst; /* bytes */
	__u64 asked_queue; /* time, bytes or packets */
	__u32 asked_queue_unit;
	__u32 trace_has;  /* enum port_has: the columns of the trace */
	__u32 rate_class; /* path: class whose clock the rate uses, 0: its own */
	__u32 larger;	  /* longer IP packets are dropped, in bytes; 0: none are */
	__u32 faults;	  /* overlays: the part of `has` that comes from faults */
	__u16 overhead;	  /* bytes that the rate counts for each frame besides its own */
	__u16 atm;	  /* frames with their overhead fill whole ATM cells */
};

/* The state of a hop or pair, carried from packet to packet. */
struct port_state {
	struct bpf_spin_lock lock;
	__u32 epoch;
	__u64 clock;	  /* when the link is idle again */
	__u64 peak_clock; /* the same of the line, at its peak */
	__u64 slot_open;  /* when the current slot opens */
	__u32 slot_packets, slot_bytes;
	__u64 packets; /* pair: packets seen; numbers them for the random draws */
	__u64 last;    /* path: the latest departure */
	__u8 loss[4];  /* pair: the states of its hops' loss models */
	/* Hashes of the conditions under which clock and last were set. */
	__u32 clock_hash, last_hash;
	__u32 padding;
};

/*
 * Parked packets: those that a fault holds circulate in a pair of veths (bpf/park.h). The ticket of
 * each is the key of its entry.
 */
struct port_parked {
	__u64 leaves;  /* when it is looked at again */
	__u32 seq;     /* in its flow */
	__u32 ifindex; /* where it was taken */
	__u32 mark;    /* its own */
	__u32 bytes;
	__u32 rank;   /* the number of packets in the pair when it entered */
	__u16 link;   /* its source */
	__u8 ingress; /* it was taken at ingress: the host receives it */
	__u8 past_uplink;
};

/* The packets in the pair. */
struct port_park {
	__u32 ifindex; /* of the end that packets enter, 0: there is none */
	__u32 count;
	__u64 bytes;
	__u64 tickets; /* given out */
};

/* Packets that keep their order: of one class and VLAN, from one link to another. */
struct port_park_key {
	__u16 from, to, vlan;
	__u8 class, padding;
};

struct port_park_flow {
	__u64 until; /* when each of those held will have been looked at again, or its fault over */
	__u64 last;  /* when the last of those that wait for their turn leaves */
	__u32 seq;   /* of the next packet to be parked */
	__u32 next;  /* of the next one to leave */
};

struct port_trace_row {
	__u64 at; /* since the start of the trace, in ns */
	__u64 rate;
	__u64 delay;
	__u32 loss;
	__u32 resumes; /* rate 0: the next row with a rate, wrapping around at the end */
};

/* The classes that match a port, one bit each; the lowest bit wins. */
struct port_class_port {
	__u64 tcp, udp; /* classes that match the port at either end */
	__u64 from, to; /* classes that match it at this end */
};

/* A prefix that classes name, in a generation of the rules; IPv4 as ::ffff:a.b.c.d. */
struct port_class_address {
	__u32 plen; /* of the bits that follow */
	__u8 generation;
	__u8 b[16];
	__u8 unused[3];
};
#define PORT_CLASS_ADDRESSES 8192 /* of both generations */

#define PORT_ETHERTYPES 16
#define PORT_CLASS_NAME 24

struct port_class_rules {
	__u64 any;		/* classes that match any protocol */
	__u64 any_vlan;		/* classes that match any VLAN */
	__u64 any_from, any_to; /* classes that match any port of this end */
	__u64 any_address;
	__u64 protocol[256]; /* classes that match an IP protocol without ports */
	__u64 ethertype_class[PORT_ETHERTYPES];
	__u16 ethertype[PORT_ETHERTYPES]; /* in network order, 0: none */
	__u64 vlan[4096];
	char name[PORT_CLASSES][PORT_CLASS_NAME];
};

enum port_fault_kind {
	PORT_FAULT_GROUPS,     /* each group is cut off from all others */
	PORT_FAULT_REST,       /* the same; the last group is all other nodes */
	PORT_FAULT_ISOLATE,    /* each node is cut off from every other */
	PORT_FAULT_ONE_WAY,    /* members cannot send to nodes cut off from them */
	PORT_FAULT_CONDITIONS, /* conditions on top of the profile */
	PORT_FAULT_LINK,       /* links down or flapping */
	PORT_FAULT_RING,       /* nodes receive only from a majority; a bit per node */
	PORT_FAULT_MATRIX,     /* the same as one-way, for several pairs of groups */
};

/* A link that is down, always or from `up` on in each period (ns). */
struct port_link_fault {
	__u64 period, up; /* period 0: always down */
	__u16 vlan;	  /* only this VLAN, 0: the whole link */
	__u16 padding[3];
};

/* What the cut of a group is limited to. */
struct port_filter {
	__u64 classes; /* bits of the classes, from 1; 0: all traffic */
	__u16 vlan;    /* 0: all */
	__u16 padding[3];
};

/* A fault, for netsim status and heal; the eBPF programs do not read it. */
struct port_fault {
	__u32 id; /* 0: none */
	__u32 kind;
	struct port_bits bits; /* partitions: the groups, in ascending order */
	__u64 deadline;	       /* CLOCK_MONOTONIC in ns, 0: none */
	__u64 start;	       /* when it was injected; a flap counts its periods from then */
	char name[32];
	struct port_link_fault link; /* PORT_FAULT_LINK; of partitions, the VLAN only */
	__u32 l2;     /* one-way cuts, paths: packets that resolve addresses are affected, too */
	__u32 reject; /* partitions: they answer what they drop */
	char conditions[160]; /* "loss 5% delay 80ms" */
	char targets[160];    /* "n100-1:n100-2 @server" */
	char class[PORT_CLASS_NAME];
};

enum port_flags {
	PORT_FLAG_BASE = 1 << 0,       /* a profile's conditions are in force */
	PORT_FLAG_OVERLAYS = 1 << 1,   /* faults' overlays are in force */
	PORT_FLAG_PAIRS = 1 << 2,      /* some conditions are of pairs */
	PORT_FLAG_CLASSES = 1 << 3,    /* some conditions are of classes */
	PORT_FLAG_VLANS = 1 << 4,      /* some VLAN of a node is down */
	PORT_FLAG_HELD = 1 << 5,       /* ports have an fq that holds packets until they depart */
	PORT_FLAG_BASE_HOLDS = 1 << 6, /* the profile's conditions need such an fq */
	PORT_FLAG_BASE_CORRUPTS = 1 << 7, /* the profile's conditions corrupt packets */
	PORT_FLAG_LINKS = 1 << 8,	  /* some conditions are of links */
	PORT_FLAG_HOLDS = 1 << 9,	  /* some conditions hold packets */
	PORT_FLAG_REJECTS = 1 << 10,	  /* some partition answers what it drops */
};

struct port_slot {
	__u64 deadline[PORT_BITS];  /* CLOCK_MONOTONIC in ns, 0: none */
	__u32 flags;		    /* enum port_flags */
	__u8 base, overlays;	    /* generations of ns_conditions and ns_overlays, 0 or 1 */
	__u8 classes, traces;	    /* generations of ns_class_* and ns_traces */
	__u32 epoch;		    /* a change restarts packet numbers and loss models */
	__u32 words;		    /* of sets of groups, in which a group is in use */
	__u32 base_flags;	    /* the part of flags that comes from the base */
	__u64 longest;		    /* upper bound of the base's delay over all hops, in ns */
	struct port_bits resolving; /* groups whose cuts spare packets that resolve addresses */
	struct port_bits whole;	    /* groups that every other node is cut off from */
	struct port_bits filtered;  /* groups whose cuts are limited by filter */
	struct port_bits rejecting; /* groups whose cuts answer what they drop */
	struct port_filter filter[PORT_BITS];
	struct port_fault faults[PORT_FAULTS];
};

/*
 * Two policies, one of them in force. A writer fills the idle one and flips
 * `active`: that one store switches every port of the fleet. `settled` follows
 * after an RCU grace period, when no program reads the other one any more.
 */
struct port_control {
	__u32 active;
	__u32 settled;
	__u32 last_fault_id;
	__u32 stale; /* enum port_stale: entries for policy_sweep() to delete */
	struct port_slot slot[2];
	/*
	 * The nodes' names by number, "": the number is free. A node keeps its number, and with
	 * it its part in partitions, while it has no ports.
	 */
	char names[PORT_NODES][PORT_NODE_NAME];
};

enum port_stale {
	PORT_STALE_BASE = 1 << 0,     /* conditions of the idle generation */
	PORT_STALE_OVERLAYS = 1 << 1, /* overlays of the idle generation */
	PORT_STALE_NODES = 1 << 2,    /* entries of nodes and links that are gone */
};

enum port_drop {
	PORT_DROP_CUT,
	PORT_DROP_DOWN,
	PORT_DROP_LOSS,
	PORT_DROP_QUEUE,
	PORT_DROP_SIZE, /* larger than a condition allows */
	PORT_DROPS
};

/* Conditions of faults that act on packets; the profile's do not count. */
enum port_effect {
	PORT_EFFECT_RATE,  /* waited for earlier packets, or found the queue full */
	PORT_EFFECT_DELAY, /* postponed by a delay or jitter */
	PORT_EFFECT_LOSS,
	PORT_EFFECT_DUPLICATE,
	PORT_EFFECT_CORRUPT,
	PORT_EFFECT_LARGER,
	PORT_EFFECT_SLOT,	  /* waited for its slot */
	PORT_EFFECT_HOLD,	  /* held; later delivered, or dropped */
	PORT_EFFECT_QUEUE,	  /* found a full queue whose length is the fault's */
	PORT_EFFECT_BURST,	  /* sent without its time at the rate, as a part of a burst */
	PORT_EFFECT_REORDER,	  /* leaves before a packet that came earlier */
	PORT_EFFECT_DISTRIBUTION, /* drawn from it, its jitter postponed the packet */
	PORT_EFFECT_PEAK,	  /* a part of a burst, it waited for the packets before it */
	PORT_EFFECTS
};

/* The traffic of a class between a pair of nodes. */
struct port_traffic {
	__u64 packets, bytes; /* delivered */
	__u64 dropped[PORT_DROPS];
	__u64 copied, corrupted;
	__u64 affected[PORT_EFFECTS]; /* packets, by the conditions of faults that acted on them */
};

_Static_assert(sizeof(struct port_mac) == 8, "shared with the kernel side");
_Static_assert(sizeof(struct port_address) == 20, "shared with the kernel side");
_Static_assert(sizeof(struct port_node) == 64, "shared with the kernel side");
_Static_assert(sizeof(struct port_link) == 80, "shared with the kernel side");
_Static_assert(sizeof(struct port_key) == 8, "shared with the kernel side");
_Static_assert(sizeof(struct port_conditions) == 232, "shared with the kernel side");
_Static_assert(sizeof(struct port_state) == 72, "shared with the kernel side");
_Static_assert(sizeof(struct port_trace_row) == 32, "shared with the kernel side");
_Static_assert(sizeof(struct port_fault) == 464, "shared with the kernel side");
_Static_assert(sizeof(struct port_filter) == 16, "shared with the kernel side");
_Static_assert(sizeof(struct port_slot) == 32 + 128 + 24 * PORT_BITS + 464 * PORT_FAULTS,
	       "shared with the kernel side");
_Static_assert(sizeof(struct port_parked) == 32, "shared with the kernel side");
_Static_assert(sizeof(struct port_park) == 24, "shared with the kernel side");
_Static_assert(sizeof(struct port_park_key) == 8, "shared with the kernel side");
_Static_assert(sizeof(struct port_park_flow) == 24, "shared with the kernel side");
_Static_assert(sizeof(struct port_traffic) == 176, "shared with the kernel side");

#endif
