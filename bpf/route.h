/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds where the host routes a frame, for ports in no bridge. */
#ifndef NETSIM_BPF_ROUTE_H
#define NETSIM_BPF_ROUTE_H

#include "classify.h"

#define AF_INET	 2
#define AF_INET6 10

/* Fills in what to look up for an IPv4 packet; false if its time to live ends here. */
static __always_inline int ask_route4(struct __sk_buff *skb, struct bpf_fib_lookup *route)
{
	struct iphdr ip;

	if (load(skb, ETH_HLEN, &ip, sizeof(ip)) < 0 || ip.ttl <= 1)
		return 0;
	route->family = AF_INET;
	route->tos = ip.tos;
	route->l4_protocol = ip.protocol;
	route->ipv4_src = ip.saddr;
	route->ipv4_dst = ip.daddr;
	return 1;
}

static __always_inline int ask_route6(struct __sk_buff *skb, struct bpf_fib_lookup *route)
{
	struct ipv6hdr ip;

	if (load(skb, ETH_HLEN, &ip, sizeof(ip)) < 0 || ip.hop_limit <= 1)
		return 0;
	route->family = AF_INET6;
	route->l4_protocol = ip.nexthdr;
	__builtin_memcpy(route->ipv6_src, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(route->ipv6_dst, &ip.daddr, sizeof(ip.daddr));
	return 1;
}

/*
 * Returns the ifindex of the device by which the host forwards a frame; 0 if it does not: frames to
 * the host itself, such as ARP and neighbour discovery, and packets whose time to live ends here,
 * which the host answers.
 */
static __always_inline __u32 routed_to(struct __sk_buff *skb)
{
	struct bpf_fib_lookup route = {};
	__u8 group = 1;
	int found = 0;

	if (load(skb, 0, &group, 1) < 0 || group & 1)
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		found = ask_route4(skb, &route);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		found = ask_route6(skb, &route);
	if (!found)
		return 0;
	route.ifindex = skb->ifindex;
	switch (bpf_fib_lookup(skb, &route, sizeof(route), 0)) {
	case BPF_FIB_LKUP_RET_SUCCESS:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return route.ifindex;
	}
	return 0;
}

#endif
