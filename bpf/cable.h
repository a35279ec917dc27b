/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cables between networks. The destination's port judges a frame for its two nodes, as ever; the
 * end by which it enters a cable only applies the conditions of that direction of the cable. Behind
 * the cable, the port of the source is unknown: skb->mark carries it, so that all ports have
 * ns_stamp.
 */
#ifndef NETSIM_BPF_CABLE_H
#define NETSIM_BPF_CABLE_H

/* Marks what the host sends; a frame from a port that no node has stays without a mark. */
static __always_inline void mark_hosts(struct __sk_buff *skb, const struct port_link *to,
				       __u32 ingress)
{
	__u32 *from = ingress ? bpf_map_lookup_elem(&ns_ports, &ingress) : 0;

	if (is_ours(skb))
		return;
	if (!ingress || (is_from_bridge(skb, to) && (!to->knows_host || from)))
		skb->mark = PORT_MARK | HOST;
}

/* Decides about a frame that enters a cable, by an end with the link to. Returns a TC_ACT_*. */
static __always_inline int judge_crossing(struct __sk_buff *skb, struct port_packet *p)
{
	struct port_control *control;
	struct port_traffic *traffic;
	__u32 key = 0, flags;
	int passes;

	control = bpf_map_lookup_elem(&ns_control, &key);
	if (!control)
		return TC_ACT_UNSPEC;
	p->from_link = is_ours(skb) ? skb->mark & ~PORT_MARK_MASK : HOST;
	p->from = node_of(p->from_link);
	p->to = node_of(p->to_link);
	p->received = 1; /* drops are counted at the cable */
	flags = look_at(skb, p, control);
	p->charged = 1;
	p->class = 0;
	if (!(flags & PORT_FLAG_LINKS))
		return TC_ACT_UNSPEC;
	passes = ns_pass_hop(p, PORT_HOP_DOWN);
	traffic = traffic_of(p);
	if (!(flags & PORT_FLAG_HELD))
		p->effects &= ~HOLDING;
	count_effects(traffic, p->effects);
	if (!passes) {
		count_reason(traffic, p->reason);
		count_drop(p);
		return TC_ACT_SHOT;
	}
	if (!p->resolves || p->delay <= MAX_RESOLVE_DELAY)
		p->departs += p->delay;
	if (p->numbered && !p->may_overtake && flags & PORT_FLAG_HELD)
		ns_keep_order(p);
	if (p->corrupted)
		flip_bit(skb, p->corrupt_bit);
	if (p->may_overtake)
		use_own_flow(skb, p);
	if (p->copied)
		send_copy(skb, p->departs);
	if (p->departs > p->now && flags & PORT_FLAG_HELD)
		hold_for_host(skb, p->departs);
	return TC_ACT_UNSPEC;
}

/* The answer of a partition passes at once. */
static __always_inline int cross_cable(struct __sk_buff *skb, struct port_packet *p,
				       const struct port_link *to, __u32 ingress)
{
	if (is_answer(skb))
		return TC_ACT_UNSPEC;
	mark_hosts(skb, to, ingress);
	return judge_crossing(skb, p);
}

#endif
