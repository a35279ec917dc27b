/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs at an interface of a machine that is itself a node. No port identifies the other
 * node, so its MAC address does, or else its IP address; in ARP and neighbour discovery, the
 * address that is resolved. Addresses that no node has are the host's; broadcasts and multicasts
 * concern everyone.
 */
#ifndef NETSIM_BPF_MACHINE_H
#define NETSIM_BPF_MACHINE_H

#define DESTINATION_MAC 0 /* offsets in the Ethernet header */
#define SOURCE_MAC	6

#define ARP_SENDER 14
#define ARP_TARGET 24
#define ND_TARGET  (sizeof(struct ipv6hdr) + 8)

struct peer_address {
	struct port_address key;
	__u8 resolves; /* the frame is ARP or neighbour discovery of this address */
};

static __always_inline int read_ipv4_address(struct __sk_buff *skb, __u32 at,
					     struct port_address *ret)
{
	ret->b[10] = ret->b[11] = 0xff;
	return load(skb, at, ret->b + 12, 4);
}

/* A gratuitous ARP, which announces an address to all, resolves none. */
static __always_inline int read_arp_address(struct __sk_buff *skb, __u32 at, int received,
					    struct peer_address *ret)
{
	__u32 sender = 0, target = 0;

	if (load(skb, at + ARP_SENDER, &sender, 4) < 0 ||
	    load(skb, at + ARP_TARGET, &target, 4) < 0)
		return -1;
	ret->resolves = received || sender != target;
	return read_ipv4_address(skb, at + (received ? ARP_SENDER : ARP_TARGET), &ret->key);
}

/*
 * Reads the other end's address from an IPv6 packet; in neighbour discovery, the target that a sent
 * packet solicits, or a received one advertises.
 */
static __always_inline int read_ipv6_address(struct __sk_buff *skb, __u32 at, int received,
					     struct peer_address *ret)
{
	struct ipv6hdr ip;
	__u8 type = 0;

	if (load(skb, at, &ip, sizeof(ip)) < 0)
		return -1;
	if (ip.nexthdr == IPPROTO_ICMPV6 && load(skb, at + sizeof(ip), &type, 1) == 0 &&
	    type == (received ? ND_ADVERTISE : ND_SOLICIT)) {
		ret->resolves = 1;
		return load(skb, at + ND_TARGET, ret->key.b, 16);
	}
	__builtin_memcpy(ret->key.b, received ? &ip.saddr : &ip.daddr, 16);
	return 0;
}

/* Reads the other end's IP address below up to two VLAN tags; below 0 if there is none. */
static __always_inline int read_address(struct __sk_buff *skb, int received,
					struct peer_address *ret)
{
	__u16 type = skb->protocol;
	__u32 at = ETH_HLEN;

	for (int i = 0; i < 2; i++) {
		__be16 tag[2];

		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if (load(skb, at, tag, sizeof(tag)) < 0)
			return -1;
		type = tag[1];
		at += sizeof(tag);
	}
	ret->key.plen = 128;
	if (type == bpf_htons(ETH_P_ARP))
		return read_arp_address(skb, at, received, ret);
	if (type == bpf_htons(ETH_P_IP))
		return read_ipv4_address(skb,
					 at + (received ? offsetof(struct iphdr, saddr) :
							  offsetof(struct iphdr, daddr)),
					 &ret->key);
	return type == bpf_htons(ETH_P_IPV6) ? read_ipv6_address(skb, at, received, ret) : -1;
}

/*
 * Learns the MAC address of a node that resolves addresses; one that several nodes use, such as
 * that of a router that answers for them, then identifies none.
 */
static __always_inline void learn(const struct port_mac *mac, __u16 node)
{
	struct port_peer fresh = {.node = node, .learned = 1};
	struct port_peer *known = bpf_map_lookup_elem(&ns_macs, mac);

	if (!known)
		bpf_map_update_elem(&ns_macs, mac, &fresh, BPF_NOEXIST);
	else if (known->node != node && known->learned)
		known->node = PORT_ANY;
}

/* Returns the node at the other end. Global, so that the verifier checks it only once. */
__noinline __u32 ns_peer(struct __sk_buff *skb, __u32 received)
{
	struct peer_address address = {};
	struct port_peer *by_mac, *by_address = 0;
	struct port_mac mac = {};
	__u32 node = HOST;

	if (load(skb, received ? SOURCE_MAC : DESTINATION_MAC, mac.b, sizeof(mac.b)) < 0)
		return HOST;
	by_mac = bpf_map_lookup_elem(&ns_macs, &mac);
	if (by_mac && !by_mac->learned)
		return by_mac->node;
	if (read_address(skb, received, &address) == 0)
		by_address = bpf_map_lookup_elem(&ns_addresses, &address.key);
	if (by_address)
		node = by_address->node;
	if (by_address && received && address.resolves)
		learn(&mac, node);
	else if (by_mac && by_mac->node != PORT_ANY)
		node = by_mac->node;
	else if (!by_address && mac.b[0] & 1 && !address.resolves)
		node = PORT_EVERYONE;
	return node;
}

/* clsact egress of the machine's interface. */
SEC("tc")
int ns_out(struct __sk_buff *skb)
{
	struct port_packet p = {.charged = 1};

	if (is_marked(skb, PORT_MARK_COPY)) {
		skb->mark = 0;
		hold(skb, skb->cb[0] | (__u64)skb->cb[1] << 32);
		return TC_ACT_UNSPEC;
	}
	/* The answer to what the machine received. */
	if (is_answer(skb)) {
		skb->mark = 0;
		return TC_ACT_UNSPEC;
	}
	p.from_link = link_of(skb->ifindex);
	if (p.from_link == HOST)
		return TC_ACT_UNSPEC;
	p.from = node_of(p.from_link);
	p.to = ns_peer(skb, 0);
	return judge(skb, &p, 0, 0);
}

/* back: the interface that the frame came in by. */
static __always_inline int receive(struct __sk_buff *skb, __u32 back, __u32 held)
{
	__u32 link = link_of(back);
	struct port_packet p = {.received = 1, .to_link = link, .back = back};
	struct port_control *control;
	__u32 key = 0;

	control = bpf_map_lookup_elem(&ns_control, &key);
	if (!control || link == HOST)
		return TC_ACT_UNSPEC;
	if ((control->slot[control->active & 1].flags & PORT_FLAG_HELD) != held)
		return TC_ACT_UNSPEC;
	if (is_answer(skb))
		return pass_answer(skb, node_of(link));
	p.from = ns_peer(skb, 1);
	p.to = node_of(link);
	return judge(skb, &p, 0, 0);
}

/* clsact ingress of the machine's interface. */
SEC("tc")
int ns_in(struct __sk_buff *skb)
{
	return receive(skb, skb->ifindex, 0);
}

/* clsact egress of the IFB that delays what the machine receives. */
SEC("tc")
int ns_in_hold(struct __sk_buff *skb)
{
	return receive(skb, skb->ingress_ifindex, PORT_FLAG_HELD);
}

#endif
