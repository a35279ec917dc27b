/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs for frames to the host, which pass no port's egress: ns_host at a bridge, ns_route
 * at a port of a routed network, ns_hold at their IFBs.
 */
#ifndef NETSIM_BPF_TO_HOST_H
#define NETSIM_BPF_TO_HOST_H

/* back: the interface that the frame came in by. */
static __always_inline int judge_for_host(struct __sk_buff *skb, __u32 back)
{
	struct port_packet p = {.charged = 1, .back = back};
	struct port_link *from;

	p.from_link = skb->mark & ~PORT_MARK_MASK;
	from = bpf_map_lookup_elem(&ns_links, &p.from_link);
	p.from = from ? from->node : HOST;
	p.to_router = from && from->routed;
	return judge(skb, &p, PORT_MARK_SENT, 0);
}

static __always_inline int is_held(void)
{
	struct port_control *control;
	__u32 key = 0;

	control = bpf_map_lookup_elem(&ns_control, &key);
	return control && control->slot[control->active & 1].flags & PORT_FLAG_HELD;
}

/* Parks a frame to the host, before it reaches an IFB: this is the place to which it returns. */
static __always_inline int park_for_host(struct __sk_buff *skb)
{
	struct port_packet p = {};
	struct port_control *control;
	struct port_link *from;
	__u32 key = 0;

	control = bpf_map_lookup_elem(&ns_control, &key);
	if (!control)
		return TC_ACT_UNSPEC;
	p.from_link = skb->mark & ~PORT_MARK_MASK;
	if (is_marked(skb, PORT_MARK_PARK) ? !recall(skb, &p) :
					     !is_parking(control->slot[control->active & 1].flags))
		return is_marked(skb, PORT_MARK_PARK) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
	from = bpf_map_lookup_elem(&ns_links, &p.from_link);
	p.from = from ? from->node : HOST;
	p.to_router = from && from->routed;
	return park_or_pass(skb, &p, look_at(skb, &p, control), 1);
}

/* Judges a frame to the host, or leaves that to ns_hold, which the redirect to the IFB leads to. */
static __always_inline int judge_or_hold(struct __sk_buff *skb)
{
	int verdict = park_for_host(skb);

	if (verdict != TC_ACT_UNSPEC)
		return verdict;
	if (!is_held())
		return judge_for_host(skb, skb->ifindex);
	/* Not by its upper half alone: the verifier refuses that. */
	skb->mark += PORT_MARK_HOST - PORT_MARK;
	return TC_ACT_UNSPEC;
}

/*
 * An answer that the host gets: its own, or one that it routes on, to the port of the node that it
 * is for.
 */
static __always_inline int answer_for_host(struct __sk_buff *skb)
{
	int routed = routed_to(skb) != 0;

	return routed || (skb->mark & ~PORT_MARK_MASK) == HOST ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* clsact ingress of a bridge: frames that it delivers to the host. */
SEC("tc")
int ns_host(struct __sk_buff *skb)
{
	__u32 *from;

	if (is_marked(skb, PORT_MARK_PARK))
		return judge_or_hold(skb);
	if (is_answer(skb))
		return answer_for_host(skb);
	/* Frames of Open vSwitch's userspace datapath have none. */
	if (!skb->mark) {
		from = link_by_address(skb);
		skb->mark = from && *from != HOST ? PORT_MARK | *from : 0;
	}
	return is_marked(skb, PORT_MARK) ? judge_or_hold(skb) : TC_ACT_UNSPEC;
}

/*
 * clsact ingress of a port in no bridge: the host is the next hop of every frame. Those that it
 * routes to another port of the fleet are judged there; all others are the host's, also those that
 * leave the fleet.
 */
SEC("tc")
int ns_route(struct __sk_buff *skb)
{
	__u32 link = link_of(skb->ifindex);

	if (link == HOST)
		return TC_ACT_UNSPEC;
	if (is_marked(skb, PORT_MARK_PARK))
		return judge_or_hold(skb);
	if (is_answer(skb))
		return answer_for_host(skb);
	skb->mark = PORT_MARK | link;
	return link_of(routed_to(skb)) != HOST ? TC_ACT_UNSPEC : judge_or_hold(skb);
}

/* clsact egress of the IFB that delays frames to the host. */
SEC("tc")
int ns_hold(struct __sk_buff *skb)
{
	return is_marked(skb, PORT_MARK_HOST) ? judge_for_host(skb, skb->ingress_ifindex) :
						TC_ACT_UNSPEC;
}

#endif
