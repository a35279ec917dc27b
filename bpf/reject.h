/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers to packets that a rejecting partition drops: a TCP reset, or ICMP "communication
 * administratively prohibited", from the address that the packet was sent to. The packet itself is
 * rewritten, and enters by the port that it was about to leave by, as if the node there had
 * answered; what arrives at the host leaves again by where it came in. skb->mark has the link that
 * the packet came from: only its node gets the answer, whichever source address it wrote.
 *
 * Nothing clears a checksum that the sender left to its network card (CHECKSUM_PARTIAL): should a
 * device compute it later, the sum of a reset comes out as it is written, see write_reset().
 */
#ifndef NETSIM_BPF_REJECT_H
#define NETSIM_BPF_REJECT_H

#include <linux/icmpv6.h>
#include <linux/tcp.h>

/* Answers per port of the sender: in a period of 2^27 ns (134 ms). */
#define ANSWER_PERIOD 27
#define ANSWERS_MOST  2048

#define ANSWER_TTL   64
#define QUOTED_IPV4  548  /* RFC 1812: the whole answer has at most 576 bytes */
#define QUOTED_IPV6  1232 /* RFC 4443: at most 1280 */
#define QUOTED_CHUNK 64	  /* a power of two */
#define QUOTED_PARTS 20

#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Types of ICMP; linux/icmp.h is not for eBPF. */
#define ICMP_DEST_UNREACH  3
#define ICMP_SOURCE_QUENCH 4
#define ICMP_REDIRECT	   5
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12
#define ICMP_PKT_FILTERED  13 /* a code: administratively prohibited */

/* What the answer depends on. */
struct rejected {
	__u32 l4;     /* offset of what follows the IP header */
	__u32 end;    /* of the IP packet */
	__u32 quoted; /* its length */
	__u64 sum;    /* of what is quoted */
	__u8 v6, protocol;
	__u8 from[16], to[16]; /* IPv4: the first four bytes */
};

struct ipv4_answer {
	struct iphdr ip;
	__u8 type, code;
	__u16 checksum;
	__be32 unused;
};

struct ipv6_answer {
	struct ipv6hdr ip;
	struct icmp6hdr icmp;
};

struct reset {
	__be16 from, to;
	__be32 seq, ack;
	__be16 flags, window;
	__be16 check, urgent;
};

static __always_inline __u16 fold(__u64 sum)
{
	for (int i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline __u64 sum_of(const void *from, __u32 length, __u64 sum)
{
	return sum + (__u32)bpf_csum_diff(0, 0, (void *)from, length, 0);
}

/* The sum of the addresses, protocol and length, which checksums include. */
static __always_inline __u64 sum_pseudo(const struct rejected *r, __u32 protocol, __u32 length)
{
	__u64 sum = bpf_htons(protocol) + bpf_htons(length);

	sum = sum_of(r->from, sizeof(r->from), sum);
	return sum_of(r->to, sizeof(r->to), sum);
}

/* False for addresses that no single host has, from or to which nothing is answered. */
static __always_inline int read_rejected4(struct __sk_buff *skb, struct rejected *r)
{
	struct iphdr ip;
	__u32 from, to;

	if (load(skb, ETH_HLEN, &ip, sizeof(ip)) < 0 || ip.frag_off & bpf_htons(FRAGMENT_OFFSET))
		return 0;
	from = bpf_ntohl(ip.saddr);
	to = bpf_ntohl(ip.daddr);
	if (!from || from >= 0xe0000000 || to >= 0xe0000000)
		return 0;
	r->protocol = ip.protocol;
	r->l4 = ETH_HLEN + ip.ihl * 4;
	r->end = ETH_HLEN + bpf_ntohs(ip.tot_len);
	__builtin_memcpy(r->from, &ip.saddr, 4);
	__builtin_memcpy(r->to, &ip.daddr, 4);
	return 1;
}

static __always_inline int read_rejected6(struct __sk_buff *skb, struct rejected *r)
{
	__u8 header[4], any = 0;
	struct ipv6hdr ip;

	if (load(skb, ETH_HLEN, &ip, sizeof(ip)) < 0)
		return 0;
	__builtin_memcpy(r->from, &ip.saddr, 16);
	__builtin_memcpy(r->to, &ip.daddr, 16);
	for (int i = 0; i < 16; i++)
		any |= r->from[i];
	if (r->from[0] == 0xff || r->to[0] == 0xff || !any)
		return 0;
	r->v6 = 1;
	r->protocol = ip.nexthdr;
	r->l4 = ETH_HLEN + sizeof(ip);
	r->end = r->l4 + bpf_ntohs(ip.payload_len);
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		if (r->protocol != IPPROTO_HOPOPTS && r->protocol != IPPROTO_ROUTING &&
		    r->protocol != IPPROTO_DSTOPTS && r->protocol != IPPROTO_FRAGMENT)
			return 1;
		if (load(skb, r->l4, header, sizeof(header)) < 0)
			return 0;
		if (r->protocol == IPPROTO_FRAGMENT && ((header[2] << 8 | header[3]) & 0xfff8))
			return 0;
		r->l4 += r->protocol == IPPROTO_FRAGMENT ? 8 : 8 * (header[1] + 1);
		r->protocol = header[0];
	}
	return 1;
}

/* True for ICMP errors, which nothing answers, and of IPv6 all that concerns a single link. */
static __always_inline int is_icmp_error(struct __sk_buff *skb, const struct rejected *r)
{
	__u8 type;

	if (r->protocol != IPPROTO_ICMP && r->protocol != IPPROTO_ICMPV6)
		return 0;
	if (load(skb, r->l4, &type, 1) < 0)
		return 1;
	if (r->protocol == IPPROTO_ICMPV6)
		return type != ICMPV6_ECHO_REQUEST && type != ICMPV6_ECHO_REPLY;
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/*
 * Reads what an answer depends on; 0 if there is none. Global, like the other functions here, so
 * that their stacks do not add up.
 */
__noinline int ns_may_answer(struct __sk_buff *skb, struct rejected *r)
{
	__u8 groups[2] = {1, 1};

	if (!r || load(skb, 0, &groups[0], 1) < 0 || load(skb, 6, &groups[1], 1) < 0 ||
	    (groups[0] | groups[1]) & 1)
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return read_rejected4(skb, r) && !is_icmp_error(skb, r);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return read_rejected6(skb, r) && !is_icmp_error(skb, r);
	return 0;
}

/* Bounds the answers to what comes from one port. */
static __always_inline int in_budget(__u32 link)
{
	struct port_link *entry = bpf_map_lookup_elem(&ns_links, &link);
	__u32 period = bpf_ktime_get_ns() >> ANSWER_PERIOD;

	if (!entry)
		return 0;
	if (*(volatile __u32 *)&entry->answer_period != period) {
		entry->answer_period = period;
		entry->answers = 0;
	}
	return __sync_fetch_and_add(&entry->answers, 1) < ANSWERS_MOST;
}

static __always_inline int swap_macs(struct __sk_buff *skb)
{
	__u8 macs[12], swapped[12];

	if (bpf_skb_load_bytes(skb, 0, macs, sizeof(macs)) < 0)
		return -1;
	__builtin_memcpy(swapped, macs + 6, 6);
	__builtin_memcpy(swapped + 6, macs, 6);
	return bpf_skb_store_bytes(skb, 0, swapped, sizeof(swapped), 0);
}

static __always_inline void fill_ipv4(struct iphdr *ip, const struct rejected *r, __u8 protocol,
				      __u32 length)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->tot_len = bpf_htons(length);
	ip->frag_off = bpf_htons(0x4000); /* DF: no answer is longer than 576 bytes */
	ip->ttl = ANSWER_TTL;
	ip->protocol = protocol;
	__builtin_memcpy(&ip->saddr, r->to, 4);
	__builtin_memcpy(&ip->daddr, r->from, 4);
	ip->check = ~fold(sum_of(ip, sizeof(*ip), 0));
}

static __always_inline void fill_ipv6(struct ipv6hdr *ip, const struct rejected *r, __u8 protocol,
				      __u32 length)
{
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(length);
	ip->nexthdr = protocol;
	ip->hop_limit = ANSWER_TTL;
	__builtin_memcpy(&ip->saddr, r->to, 16);
	__builtin_memcpy(&ip->daddr, r->from, 16);
}

/*
 * The reset that RFC 9293, 3.5.2 asks for. Its window, which no receiver reads, makes the sum of
 * the header that of the pseudo-header times -2: then the checksum is the sum of the pseudo-header,
 * which is also what a device begins with that has to compute it, and what it ends with.
 */
static __always_inline int fill_reset(struct __sk_buff *skb, const struct rejected *r,
				      struct reset *ret)
{
	__u32 ack, length;
	struct tcphdr tcp;
	__u64 pseudo;

	if (load(skb, r->l4, &tcp, sizeof(tcp)) < 0 || tcp.rst)
		return -1;
	/* A length of 0 is that of a super-packet too long for the field. */
	length = r->end > r->l4 ? r->end - r->l4 : skb->len - r->l4;
	length -= tcp.doff * 4;
	ack = bpf_ntohl(tcp.seq) + length + tcp.syn + tcp.fin;
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->from = tcp.dest;
	ret->to = tcp.source;
	ret->seq = tcp.ack ? tcp.ack_seq : 0;
	ret->ack = tcp.ack ? 0 : bpf_htonl(ack);
	ret->flags = bpf_htons(sizeof(*ret) / 4 << 12 | TCP_RST | (tcp.ack ? 0 : TCP_ACK));
	pseudo = fold(sum_pseudo(r, IPPROTO_TCP, sizeof(*ret)));
	ret->window = (__u16)~fold(sum_of(ret, sizeof(*ret), 2 * pseudo));
	ret->check = pseudo;
	return 0;
}

/* Sets the length; a frame is not cut within what the kernel takes for the IP header. */
static __always_inline int cut_to(struct __sk_buff *skb, __u32 length, __u32 l4)
{
	if (bpf_skb_change_tail(skb, length, 0) == 0)
		return 0;
	return bpf_skb_change_tail(skb, l4 + sizeof(struct reset), 0);
}

/* Turns a TCP segment into the reset that answers it; not 0 if there is none. */
__noinline int ns_reset(struct __sk_buff *skb, struct rejected *r)
{
	__u32 at = ETH_HLEN + (r && r->v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
	struct reset reset;
	union {
		struct ipv6hdr v6;
		struct iphdr v4;
	} ip;

	if (!r || fill_reset(skb, r, &reset) < 0)
		return -1;
	if (cut_to(skb, at + sizeof(reset), r->l4) < 0 || swap_macs(skb) < 0)
		return -1;
	if (r->v6) {
		fill_ipv6(&ip.v6, r, IPPROTO_TCP, sizeof(reset));
		if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip.v6, sizeof(ip.v6), 0) < 0)
			return -1;
	} else {
		fill_ipv4(&ip.v4, r, IPPROTO_TCP, sizeof(ip.v4) + sizeof(reset));
		if (bpf_skb_store_bytes(skb, ETH_HLEN, &ip.v4, sizeof(ip.v4), 0) < 0)
			return -1;
	}
	return bpf_skb_store_bytes(skb, at, &reset, sizeof(reset), 0);
}

/* Cuts a packet to what is quoted of it, without the padding of a short frame. */
static __always_inline int cut_quoted(struct __sk_buff *skb, const struct rejected *r)
{
	__u32 most = ETH_HLEN + (r->v6 ? QUOTED_IPV6 : QUOTED_IPV4), length = skb->len;

	if (r->end > r->l4 && r->end < length)
		length = r->end;
	if (length > most)
		length = most;
	/* Also if the length stays: of a super-packet, this makes one packet. */
	return bpf_skb_change_tail(skb, length, 0);
}

/* Cuts a packet to what is quoted of it, and sums that up; not 0 if the kernel does not permit it.
 */
__noinline int ns_quote(struct __sk_buff *skb, struct rejected *r)
{
	__u32 at = ETH_HLEN;

	if (!r || cut_quoted(skb, r) < 0)
		return -1;
	r->quoted = skb->len - ETH_HLEN;
	for (int i = 0; i < QUOTED_PARTS; i++) {
		__u8 part[QUOTED_CHUNK] = {};
		__u32 length = skb->len - at;

		if (skb->len <= at)
			break;
		if (length > sizeof(part))
			length = sizeof(part);
		/* In a form whose bounds all verifiers see. */
		asm volatile("" : "+r"(length));
		length = ((length - 1) & (sizeof(part) - 1)) + 1;
		if (bpf_skb_load_bytes(skb, at, part, length) < 0)
			return -1;
		r->sum = sum_of(part, sizeof(part), r->sum);
		at += sizeof(part);
	}
	return 0;
}

static __always_inline int prohibit4(struct __sk_buff *skb, const struct rejected *r)
{
	struct ipv4_answer a = {.type = ICMP_DEST_UNREACH, .code = ICMP_PKT_FILTERED};

	fill_ipv4(&a.ip, r, IPPROTO_ICMP, sizeof(a) + r->quoted);
	a.checksum = ~fold(sum_of(&a.type, sizeof(a) - sizeof(a.ip), r->sum));
	return bpf_skb_store_bytes(skb, ETH_HLEN, &a, sizeof(a), 0);
}

static __always_inline int prohibit6(struct __sk_buff *skb, const struct rejected *r)
{
	struct ipv6_answer a = {
		.icmp = {.icmp6_type = ICMPV6_DEST_UNREACH, .icmp6_code = ICMPV6_ADM_PROHIBITED}};
	__u32 length = sizeof(a.icmp) + r->quoted;
	__u64 sum = r->sum + sum_pseudo(r, IPPROTO_ICMPV6, length);

	fill_ipv6(&a.ip, r, IPPROTO_ICMPV6, length);
	a.icmp.icmp6_cksum = ~fold(sum_of(&a.icmp, sizeof(a.icmp), sum));
	return bpf_skb_store_bytes(skb, ETH_HLEN, &a, sizeof(a), 0);
}

/* Puts the header of an ICMP error before what ns_quote() left; not 0 if that is not permitted. */
__noinline int ns_prohibit(struct __sk_buff *skb, struct rejected *r)
{
	if (!r ||
	    bpf_skb_adjust_room(skb,
				r->v6 ? sizeof(struct ipv6_answer) : sizeof(struct ipv4_answer),
				BPF_ADJ_ROOM_MAC, 0) < 0 ||
	    swap_macs(skb) < 0)
		return -1;
	return r->v6 ? prohibit6(skb, r) : prohibit4(skb, r);
}

/*
 * True if the frame is for the node at this place. A bridge that has not learned an address sends
 * its frames to all ports, and promiscuous devices receive everything: those copies are dropped in
 * silence, or they would be answered for a node that may have got the frame.
 */
static __always_inline int is_home(struct __sk_buff *skb, const struct port_packet *p)
{
	__u32 key = p->to_link;
	struct port_link *to;
	struct port_mac mac = {};
	__u16 *home;

	if (p->back)
		return skb->pkt_type == 0; /* PACKET_HOST */
	to = bpf_map_lookup_elem(&ns_links, &key);
	/* A machine that is a node sends only its own. */
	if (key == HOST)
		return p->from_link == link_of(skb->ifindex);
	if (!to || to->routed)
		return 1;
	if (bpf_skb_load_bytes(skb, 0, mac.b, sizeof(mac.b)) < 0)
		return 0;
	home = bpf_map_lookup_elem(&ns_homes, &mac);
	return home && *home == p->to;
}

/* Answers a packet that was dropped, if it may be answered. Returns a TC_ACT_*. */
__noinline int ns_answer(struct __sk_buff *skb, struct port_packet *p)
{
	struct rejected r = {};

	if (!p || p->resolves || !is_home(skb, p) || !ns_may_answer(skb, &r) ||
	    !in_budget(p->from_link))
		return TC_ACT_SHOT;
	if (r.protocol == IPPROTO_TCP ? ns_reset(skb, &r) :
					ns_quote(skb, &r) || ns_prohibit(skb, &r))
		return TC_ACT_SHOT;
	skb->tstamp = 0;
	bpf_set_hash_invalid(skb);
	skb->mark = PORT_MARK_ANSWER | (p->from_link & ~PORT_MARK_MASK);
	return p->back ? bpf_redirect(p->back, 0) : bpf_redirect(skb->ifindex, BPF_F_INGRESS);
}

/* Lets an answer pass to the node that it is for. Returns a TC_ACT_*. */
static __always_inline int pass_answer(struct __sk_buff *skb, __u16 node)
{
	__u32 asked = skb->mark & ~PORT_MARK_MASK;

	skb->mark = 0;
	return node_of(asked) == node ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* Notes at which node an address was seen, while partitions reject. */
static __always_inline void note_home(struct __sk_buff *skb, const struct port_packet *p)
{
	struct port_mac mac = {};
	__u16 *home;

	if (p->from == HOST || bpf_skb_load_bytes(skb, 6, mac.b, sizeof(mac.b)) < 0)
		return;
	home = bpf_map_lookup_elem(&ns_homes, &mac);
	if (!home || *home != p->from)
		bpf_map_update_elem(&ns_homes, &mac, &p->from, BPF_ANY);
}

#endif
