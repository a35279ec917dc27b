/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the link and the node that a frame comes from. */
#ifndef NETSIM_BPF_SOURCE_H
#define NETSIM_BPF_SOURCE_H

#include "maps.h"

#define HOST 0

static __always_inline __u32 link_of(__u32 ifindex)
{
	__u32 *link = ifindex ? bpf_map_lookup_elem(&ns_ports, &ifindex) : 0;

	return link ? *link : HOST;
}

/* The link that has the source address of a frame, NULL: none. */
static __always_inline __u32 *link_by_address(struct __sk_buff *skb)
{
	struct port_mac key = {};

	if (bpf_skb_load_bytes(skb, 6, key.b, sizeof(key.b)) < 0)
		return 0;
	return bpf_map_lookup_elem(&ns_ovs_macs, &key);
}

static __always_inline int is_marked(const struct __sk_buff *skb, __u32 mark)
{
	return (skb->mark & PORT_MARK_MASK) == mark;
}

static __always_inline __u16 node_of(__u32 link)
{
	struct port_link *entry = bpf_map_lookup_elem(&ns_links, &link);

	return entry ? entry->node : HOST;
}

/* True for an end of a cable between networks. */
static __always_inline int is_cable(__u32 link)
{
	struct port_link *entry = bpf_map_lookup_elem(&ns_links, &link);

	return entry && entry->cable;
}

/* True for the programs' own marks; other marks are left alone. */
static __always_inline int is_ours(const struct __sk_buff *skb)
{
	return is_marked(skb, PORT_MARK) || is_marked(skb, PORT_MARK_SENT) ||
	       is_marked(skb, PORT_MARK_HOST);
}

/* An answer keeps its mark wherever the host passes it on. */
static __always_inline int is_answer(const struct __sk_buff *skb)
{
	return is_marked(skb, PORT_MARK_ANSWER);
}

/* True if the source address is the bridge's: the host sends or routes the frame. */
static __always_inline int is_from_bridge(struct __sk_buff *skb, const struct port_link *to)
{
	__u8 source[6], differs = 0;

	if (bpf_skb_load_bytes(skb, 6, source, sizeof(source)) < 0)
		return 1;
	for (int i = 0; i < (int)sizeof(source); i++)
		differs |= source[i] ^ to->bridge[i];
	return !differs;
}

/*
 * True for a frame that came in by a port that no node has; from is that port's entry in ns_ports,
 * which the caller looks up only once, because a node may claim the port at any time. Frames that
 * the host routes onto a bridge also come in by another interface, but have the bridge's address.
 * In a fleet with a closed routed network, that interface must have an entry, because the host also
 * routes what comes from a new tap of such a network.
 */
static __always_inline int is_unclaimed(struct __sk_buff *skb, const struct port_link *to,
					const __u32 *from)
{
	if (!skb->ingress_ifindex || !(to->closed || to->knows_host))
		return 0;
	if (to->routed)
		return to->closed && !from;
	return is_from_bridge(skb, to) ? to->knows_host && !from : to->closed;
}

/*
 * Finds the source of a frame from Open vSwitch that has neither a known port nor our mark, by its
 * source address: the host's, or a guest's on the userspace datapath. False if the frame is
 * unclaimed.
 */
static __always_inline int find_source(struct __sk_buff *skb, const struct port_link *to,
				       __u32 *ret)
{
	__u32 *known = link_by_address(skb);

	if (known)
		*ret = *known;
	return known || !to->closed;
}

#endif
