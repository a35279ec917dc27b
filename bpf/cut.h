/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partitions: whether a group of nodes is cut off from sending a packet to its destination. */
#ifndef NETSIM_BPF_CUT_H
#define NETSIM_BPF_CUT_H

static __always_inline struct port_slot *slot_of(const struct port_packet *p)
{
	struct port_control *control;
	__u32 key = 0;

	control = bpf_map_lookup_elem(&ns_control, &key);
	return control ? &control->slot[p->active & 1] : 0;
}

/* True if a group's cut is not limited to other traffic. */
static __always_inline int concerns(const struct port_filter *filter, const struct port_packet *p)
{
	if (filter->vlan && filter->vlan != p->vlan)
		return 0;
	return !filter->classes || (p->class && filter->classes >> (p->class & 63) & 1);
}

enum { GROUP_CUTS = 1, GROUP_ANSWERS = 2 };

/*
 * Whether the cut of a group concerns the packet, and has no deadline or one that has not passed:
 * then it is GROUP_CUTS, with GROUP_ANSWERS if it answers what it drops. Global, so that the
 * verifier checks it once and not for each group.
 */
__noinline int ns_group_cuts(struct port_packet *p, __u32 bit)
{
	__u32 word = bit / 64 & (PORT_WORDS - 1);
	struct port_slot *slot;
	__u64 mask = 1ULL << (bit & 63), deadline;

	if (!p || !(slot = slot_of(p)))
		return 0;
	bit &= PORT_BITS - 1;
	if (slot->filtered.word[word] & mask && !concerns(&slot->filter[bit], p))
		return 0;
	deadline = slot->deadline[bit];
	/* judge() reads the clock only where conditions need it. */
	if (deadline && (p->now ? p->now : bpf_ktime_get_ns()) >= deadline)
		return 0;
	return slot->rejecting.word[word] & mask ? GROUP_CUTS | GROUP_ANSWERS : GROUP_CUTS;
}

/* The groups, in one word of their bits, that may cut the packet off. */
static __always_inline __u64 find_hits(const struct port_slot *slot, const struct port_packet *p,
				       const struct port_node *from, const struct port_node *to,
				       __u32 word)
{
	__u64 hit = from->member.word[word] & to->cut.word[word];

	if (hit && p->resolves == RESOLVES_ADDRESS)
		hit &= ~slot->resolving.word[word];
	/* A node reaches all others through the host, which it finds by its address. */
	if (hit && p->resolves && p->to_router)
		hit &= slot->whole.word[word];
	return hit;
}

/* Looks for a group that cuts the packet off or, if some answer, for one that answers as well. */
static __always_inline int find_cut(const struct port_slot *slot, struct port_packet *p,
				    const struct port_node *from, const struct port_node *to)
{
	int enough = slot->flags & PORT_FLAG_REJECTS ? GROUP_ANSWERS : GROUP_CUTS, found = 0;

	for (__u32 word = 0; word < PORT_WORDS && word < slot->words; word++) {
		__u64 hit = find_hits(slot, p, from, to, word);

		for (int i = 0; i < 64 && hit; i++, hit >>= 1) {
			if (!(hit & 1))
				continue;
			found |= ns_group_cuts(p, word * 64 + i);
			if (found & enough)
				return found;
		}
	}
	return found;
}

static __always_inline int is_cut(const struct port_slot *slot, struct port_packet *p)
{
	struct port_node *from, *to;
	int found;
	__u32 key;

	if (!slot->words)
		return 0;
	key = p->active * PORT_NODES + p->from;
	from = bpf_map_lookup_elem(&ns_nodes, &key);
	key = p->active * PORT_NODES + p->to;
	to = bpf_map_lookup_elem(&ns_nodes, &key);
	if (!from || !to || p->from == p->to)
		return 0;
	found = find_cut(slot, p, from, to);
	p->rejected = !!(found & GROUP_ANSWERS);
	return found;
}

#endif
