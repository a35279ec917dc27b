/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet and the decisions about it, and how they are counted. */
#ifndef NETSIM_BPF_COUNT_H
#define NETSIM_BPF_COUNT_H

#include "maps.h"

/* Conditions that delay a packet, those with their qualities, and all that need an fq to hold it.
 */
#define DELAYING (PORT_HAS_DELAY | PORT_HAS_JITTER)
#define VARYING	 (DELAYING | PORT_HAS_DISTRIBUTION | PORT_HAS_REORDER)
#define HOLDING	 (VARYING | PORT_HAS_RATE | PORT_HAS_SLOT | PORT_HAS_BURST | PORT_HAS_PEAK)

/* A packet and the decisions about it; all times in ns. */
struct port_packet {
	__u64 now;
	__u64 number;	   /* within its pair, for the random draws */
	__u64 departs;	   /* when the last link has sent it */
	__u64 delay;	   /* sum over all hops */
	__u64 held_until;  /* a fault holds it at least until then, 0: none does */
	__u32 length;	   /* in bytes, with the headers of all segments */
	__u32 size;	   /* of the IP packet */
	__u32 corrupt_bit; /* the bit to flip */
	__u32 from_link, to_link;
	__u32 hash;	/* of all hops' conditions */
	__u32 back;	/* received: the ifindex by which an answer leaves, else 0 */
	__u32 effects;	/* enum port_has: the conditions of faults that act on it */
	__u16 from, to; /* nodes */
	__u16 vlan;
	__u16 segments; /* frames that it is sent as, 0: one */
	__u8 active;	/* index of the policy that judges it */
	__u8 class;
	__u8 path_class; /* class of the path conditions, 0: all */
	__u8 reason;	 /* why it was dropped, enum port_drop */
	__u8 resolves;	 /* ARP or neighbour discovery: RESOLVES_... */
	/* Bits, because the kernel has 512 bytes of stack for a program and all that it calls. */
	__u8 past_uplink : 1; /* the uplink has been applied already */
	__u8 charged : 1;     /* it is charged to the uplink */
	__u8 numbered : 1;    /* number is valid */
	__u8 copied : 1;
	__u8 corrupted : 1;
	__u8 may_overtake : 1; /* exempt from the order of its pair */
	__u8 to_router : 1;    /* between a node and the host, on a routed network */
	__u8 received : 1;     /* the machine that runs the programs receives it */
	__u8 lacp : 1;	       /* conditions of links may be those of its class */
	__u8 rejected : 1;     /* a partition that drops it answers it, too */
};

/* A function of its own, so that what it needs of the stack is not added to that of the hops. */
static __noinline struct port_traffic *traffic_of(const struct port_packet *p)
{
	struct port_key key = {.from = p->from, .to = p->to, .class = p->class};
	struct port_key rest = {.from = PORT_ANY, .to = PORT_ANY};
	struct port_traffic fresh = {}, *traffic = bpf_map_lookup_elem(&ns_traffic, &key);

	if (traffic)
		return traffic;
	bpf_map_update_elem(&ns_traffic, &key, &fresh, BPF_NOEXIST);
	traffic = bpf_map_lookup_elem(&ns_traffic, &key);
	return traffic ? traffic : bpf_map_lookup_elem(&ns_traffic, &rest);
}

static __always_inline void count_reason(struct port_traffic *traffic, __u32 reason)
{
	/* The verifier loses the bound if the compiler copies the number before the check. */
	asm volatile("" : "+r"(reason));
	if (traffic && reason < PORT_DROPS)
		traffic->dropped[reason]++;
}

static __always_inline void count_effects(struct port_traffic *traffic, __u32 effects)
{
	if (!traffic || !effects)
		return;
	traffic->affected[PORT_EFFECT_RATE] += !!(effects & PORT_HAS_RATE);
	traffic->affected[PORT_EFFECT_DELAY] += !!(effects & DELAYING);
	traffic->affected[PORT_EFFECT_LOSS] += !!(effects & PORT_HAS_LOSS);
	traffic->affected[PORT_EFFECT_DUPLICATE] += !!(effects & PORT_HAS_DUPLICATE);
	traffic->affected[PORT_EFFECT_CORRUPT] += !!(effects & PORT_HAS_CORRUPT);
	traffic->affected[PORT_EFFECT_LARGER] += !!(effects & PORT_HAS_LARGER);
	traffic->affected[PORT_EFFECT_SLOT] += !!(effects & PORT_HAS_SLOT);
	traffic->affected[PORT_EFFECT_QUEUE] += !!(effects & PORT_HAS_QUEUE);
	traffic->affected[PORT_EFFECT_BURST] += !!(effects & PORT_HAS_BURST);
	traffic->affected[PORT_EFFECT_REORDER] += !!(effects & PORT_HAS_REORDER);
	traffic->affected[PORT_EFFECT_DISTRIBUTION] += !!(effects & PORT_HAS_DISTRIBUTION);
	traffic->affected[PORT_EFFECT_PEAK] += !!(effects & PORT_HAS_PEAK);
}

/* Counts a dropped packet per link, because a node may have several. */
static __always_inline void count_drop(const struct port_packet *p)
{
	int cut = p->reason == PORT_DROP_CUT;
	__u32 key = p->received && !cut ? p->to_link : p->from_link;
	struct port_link *link = bpf_map_lookup_elem(&ns_links, &key);

	if (link)
		__sync_fetch_and_add(cut ? &link->cut : &link->lost, 1);
	if (link && p->reason == PORT_DROP_SIZE)
		__sync_fetch_and_add(&link->oversized, 1);
	key = p->to_link;
	link = cut ? bpf_map_lookup_elem(&ns_links, &key) : 0;
	if (link)
		__sync_fetch_and_add(&link->cut, 1);
}

#endif
