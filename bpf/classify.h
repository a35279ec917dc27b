/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the headers of a frame and finds its traffic class. */
#ifndef NETSIM_BPF_CLASSIFY_H
#define NETSIM_BPF_CLASSIFY_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "maps.h"

#define VLAN_MASK	0x0fff
#define FRAGMENT_OFFSET 0x1fff
#define HEAD_MASK	1023 /* offsets that load() reads directly; a mask */
#define TCP_LENGTH	12   /* offset in the TCP header of its length, in the upper half */
#define MAX_EXTENSIONS	4    /* limit on the IPv6 extension headers followed */

#define ND_FIRST     133 /* ICMPv6 types of neighbour discovery */
#define ND_LAST	     137
#define ND_SOLICIT   135 /* neighbour solicitation, and advertisement */
#define ND_ADVERTISE 136

/* frame.resolves: an address request or reply; or other neighbour discovery. */
#define RESOLVES_ADDRESS 1
#define RESOLVES_OTHER	 2

/* The header fields that matter to classes, VLANs and flooding. */
struct frame {
	__u16 ethertype; /* after the VLAN tags, in network order */
	__u16 vlan;	 /* outer tag, 0: none */
	__u8 protocol;	 /* IP protocol, 0: not IP */
	__u8 has_ports;
	__u8 resolves; /* ARP or neighbour discovery: RESOLVES_..., else 0 */
	__u8 flooded;
	__u16 from_port, to_port;
	__u32 ip;   /* offset of the IP header, 0: none */
	__u32 size; /* length of the IP packet, or of what another protocol sends */
};

/* Copies bytes of the frame: directly from the linear part, else by the helper. */
static __always_inline int load(struct __sk_buff *skb, __u32 at, void *to, __u32 length)
{
	void *end = (void *)(long)skb->data_end;
	void *from = (void *)(long)skb->data + (at & HEAD_MASK);

	if (at <= HEAD_MASK && from + length <= end) {
		__builtin_memcpy(to, from, length);
		return 0;
	}
	return bpf_skb_load_bytes(skb, at, to, length);
}

/*
 * Of a super-packet, the size is that of its full segments, as they go onto the wire; at: offset
 * of the TCP or UDP header.
 */
static __always_inline void measure_segments(struct __sk_buff *skb, struct frame *f, __u32 at)
{
	__u32 size = at - f->ip + skb->gso_size;
	__u8 length = 0;

	if (f->protocol == IPPROTO_UDP)
		size += sizeof(struct udphdr);
	else if (load(skb, at + TCP_LENGTH, &length, 1) == 0)
		size += (length >> 4) * 4;
	if (size < skb->len - f->ip)
		f->size = size;
}

static __always_inline void read_ports(struct __sk_buff *skb, struct frame *f, __u32 at)
{
	__be16 ports[2];
	__u8 type;

	if (f->protocol == IPPROTO_ICMPV6 && load(skb, at, &type, 1) == 0)
		f->resolves = type == ND_SOLICIT || type == ND_ADVERTISE ? RESOLVES_ADDRESS :
			      type >= ND_FIRST && type <= ND_LAST	 ? RESOLVES_OTHER :
									   0;
	if (f->protocol != IPPROTO_TCP && f->protocol != IPPROTO_UDP)
		return;
	if (skb->gso_size)
		measure_segments(skb, f, at);
	if (load(skb, at, ports, sizeof(ports)) < 0)
		return;
	f->from_port = bpf_ntohs(ports[0]);
	f->to_port = bpf_ntohs(ports[1]);
	f->has_ports = 1;
}

static __always_inline void read_ipv4(struct __sk_buff *skb, struct frame *f, __u32 at)
{
	struct iphdr ip;

	if (load(skb, at, &ip, sizeof(ip)) < 0)
		return;
	f->ip = at;
	f->size = bpf_ntohs(ip.tot_len);
	f->protocol = ip.protocol;
	/* Only the first fragment carries the ports. */
	if (!(ip.frag_off & bpf_htons(FRAGMENT_OFFSET)))
		read_ports(skb, f, at + ip.ihl * 4);
}

static __always_inline void read_ipv6(struct __sk_buff *skb, struct frame *f, __u32 at)
{
	struct ipv6hdr ip;
	__u8 next, header[8];

	if (load(skb, at, &ip, sizeof(ip)) < 0)
		return;
	f->ip = at;
	f->size = sizeof(ip) + bpf_ntohs(ip.payload_len);
	next = ip.nexthdr;
	at += sizeof(ip);
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT)
			break;
		if (load(skb, at, header, sizeof(header)) < 0)
			return;
		if (next == IPPROTO_FRAGMENT && ((header[2] << 8 | header[3]) & 0xfff8)) {
			f->protocol = header[0];
			return;
		}
		at += next == IPPROTO_FRAGMENT ? 8 : 8 * (header[1] + 1);
		next = header[0];
	}
	f->protocol = next;
	read_ports(skb, f, at);
}

/*
 * Parses up to two VLAN tags and the IP header. A global function, like ns_classify():
 * the verifier checks it once instead of on every path that calls it.
 */
__noinline int ns_read_frame(struct __sk_buff *skb, struct frame *f)
{
	__u32 at = ETH_HLEN;
	__u8 group = 0;

	if (!f)
		return 0;
	f->ethertype = skb->protocol;
	if (skb->vlan_present)
		f->vlan = skb->vlan_tci & VLAN_MASK;
	if (load(skb, 0, &group, 1) == 0)
		f->flooded = group & 1;
	for (int i = 0; i < 2; i++) {
		__be16 tag[2];

		if (f->ethertype != bpf_htons(ETH_P_8021Q) &&
		    f->ethertype != bpf_htons(ETH_P_8021AD))
			break;
		if (load(skb, at, tag, sizeof(tag)) < 0)
			return 0;
		if (!f->vlan)
			f->vlan = bpf_ntohs(tag[0]) & VLAN_MASK;
		f->ethertype = tag[1];
		at += sizeof(tag);
	}
	f->size = skb->len - at;
	f->resolves = f->ethertype == bpf_htons(ETH_P_ARP) ? RESOLVES_ADDRESS : 0;
	if (f->ethertype == bpf_htons(ETH_P_IP))
		read_ipv4(skb, f, at);
	else if (f->ethertype == bpf_htons(ETH_P_IPV6))
		read_ipv6(skb, f, at);
	return 0;
}

static __always_inline struct port_class_port *port_classes(__u32 generation, __u16 port)
{
	__u32 key = generation * 65536 + port;

	return bpf_map_lookup_elem(&ns_class_ports, &key);
}

/* The classes that name a port of this frame, and those that either end does not contradict. */
struct of_ports {
	__u64 name, allow;
};

static __always_inline void find_of_ports(const struct frame *f, __u32 generation,
					  const struct port_class_rules *rules,
					  struct of_ports *ret)
{
	struct port_class_port *from, *to;

	ret->allow = rules->any_from & rules->any_to;
	if (!f->has_ports)
		return;
	from = port_classes(generation, f->from_port);
	to = port_classes(generation, f->to_port);
	if (!from || !to)
		return;
	ret->name = f->protocol == IPPROTO_TCP ? from->tcp | to->tcp : from->udp | to->udp;
	ret->allow = (rules->any_from | from->from) & (rules->any_to | to->to);
}

/* The classes that name the address of the sender or of the recipient. */
static __always_inline __u64 classes_of_addresses(struct __sk_buff *skb, const struct frame *f,
						  __u32 generation)
{
	int short_form = f->ethertype == bpf_htons(ETH_P_IP);
	struct port_class_address key = {.plen = 8 + 128, .generation = generation};
	__u64 bits = 0, *found;

	for (int end = 0; f->ip && end < 2; end++) {
		key.b[10] = key.b[11] = 0xff;
		if (short_form ? load(skb, f->ip + offsetof(struct iphdr, saddr) + 4 * end,
				      key.b + 12, 4) :
				 load(skb, f->ip + offsetof(struct ipv6hdr, saddr) + 16 * end,
				      key.b, 16))
			return bits;
		found = bpf_map_lookup_elem(&ns_class_addrs, &key);
		bits |= found ? *found : 0;
	}
	return bits;
}

static __always_inline __u32 lowest_bit(__u64 bits)
{
	__u32 n = 0;

	bits &= -bits;
	for (int step = 32; step; step /= 2)
		if (bits >> step) {
			bits >>= step;
			n += step;
		}
	return n;
}

/* Returns the number of the first class that matches, from 1; 0 if none does. */
__noinline __u32 ns_classify(struct __sk_buff *skb, const struct frame *f, __u32 generation)
{
	struct port_class_rules *rules;
	struct of_ports ports = {0, 0};
	__u64 matches;

	generation &= 1;
	rules = bpf_map_lookup_elem(&ns_class_rules, &generation);
	if (!rules || !f)
		return 0;
	matches = rules->any;
	if (f->protocol)
		matches |= rules->protocol[f->protocol];
	for (int i = 0; i < PORT_ETHERTYPES && rules->ethertype[i]; i++)
		if (rules->ethertype[i] == f->ethertype)
			matches |= rules->ethertype_class[i];
	find_of_ports(f, generation, rules, &ports);
	matches |= ports.name;
	matches &= ports.allow;
	matches &= rules->any_vlan | (f->vlan ? rules->vlan[f->vlan & VLAN_MASK] : 0);
	if (matches & ~rules->any_address)
		matches &= rules->any_address | classes_of_addresses(skb, f, generation);
	return matches ? lowest_bit(matches) + 1 : 0;
}

#endif
