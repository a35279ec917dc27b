/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports whose node has a bond, which is a bond on the host, too. Frames that arrive there reach the
 * other ports as if they had come in by the host's bond: ns_lag records the port in skb->mark.
 *
 * LACP frames concern a single cable, and end at the bonds: neither partitions nor conditions of
 * pairs apply to them, but those of the link do. What the node sends is not delayed, because
 * nothing at ingress could hold it, and no LACP frame is duplicated.
 */
#ifndef NETSIM_BPF_LAG_H
#define NETSIM_BPF_LAG_H

static __always_inline int is_lacp(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_SLOW);
}

/* Counts what became of an LACP frame; what is not held has not been delayed. */
static __always_inline void count_lacp(struct __sk_buff *skb, struct port_packet *p, int passes,
				       int held)
{
	struct port_traffic *traffic = traffic_of(p);

	p->effects &= ~(PORT_HAS_DUPLICATE | PORT_HAS_REORDER | (held ? 0 : HOLDING));
	count_effects(traffic, p->effects);
	if (!passes) {
		count_reason(traffic, p->reason);
		count_drop(p);
	} else if (traffic) {
		traffic->packets++;
		traffic->bytes += skb->len;
	}
}

/* Applies the conditions of one direction of a link to an LACP frame. Returns a TC_ACT_*. */
static __always_inline int judge_lacp(struct __sk_buff *skb, __u32 link, __u32 hop)
{
	struct port_packet p = {.charged = 1, .lacp = 1, .received = hop == PORT_HOP_DOWN};
	struct port_control *control;
	struct frame frame = {};
	__u32 key = 0, flags, classes;
	int passes, held;

	control = bpf_map_lookup_elem(&ns_control, &key);
	if (!control)
		return TC_ACT_UNSPEC;
	p.active = *(volatile __u32 *)&control->active & 1;
	flags = control->slot[p.active].flags;
	classes = control->slot[p.active].classes;
	if (!(flags & PORT_FLAG_LINKS))
		return TC_ACT_UNSPEC;
	p.now = p.departs = bpf_ktime_get_ns();
	p.length = skb->wire_len;
	p.from_link = hop == PORT_HOP_UP ? link : HOST;
	p.to_link = hop == PORT_HOP_UP ? HOST : link;
	p.from = node_of(p.from_link);
	p.to = node_of(p.to_link);
	ns_read_frame(skb, &frame);
	p.class = ns_classify(skb, &frame, classes);
	p.size = frame.size;
	passes = ns_pass_hop(&p, hop);
	held = hop == PORT_HOP_DOWN && flags & PORT_FLAG_HELD;
	count_lacp(skb, &p, passes, held);
	if (!passes)
		return TC_ACT_SHOT;
	if (p.corrupted)
		flip_bit(skb, p.corrupt_bit);
	if (held && p.departs + p.delay > p.now)
		hold(skb, p.departs + p.delay);
	return TC_ACT_UNSPEC;
}

/* clsact ingress of a port in a bond. */
SEC("tc")
int ns_lag(struct __sk_buff *skb)
{
	__u32 link = link_of(skb->ifindex);

	if (link == HOST)
		return TC_ACT_UNSPEC;
	if (is_lacp(skb))
		return judge_lacp(skb, link, PORT_HOP_UP);
	if (!is_answer(skb))
		skb->mark = PORT_MARK | link;
	return TC_ACT_UNSPEC;
}

#endif
