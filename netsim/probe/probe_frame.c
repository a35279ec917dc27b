/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds and parses the frames of probes: IPv4 or IPv6, with UDP, TCP or ICMP. */
#include <linux/ip.h>
#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "netsim/probe/probe_parts.h"

/* linux/icmp.h and net/if.h conflict. */
#define ECHO	   8
#define ECHO_REPLY 0
struct echo {
	uint8_t type, code;
	uint16_t check, id, sequence;
};

#define HOPS 64 /* time to live */

static uint32_t add_bytes(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	if (len & 1)
		sum += (uint32_t)(data[len - 1] << 8);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/*
 * FNV-1a, unlike the checksums of IP, notices when two damaged bytes would make up for each other,
 * as those of a packet that two hops damage.
 */
static uint32_t hash_bytes(const uint8_t *data, size_t len)
{
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ data[i]) * 16777619U;
	return hash;
}

static size_t put_ip(const struct probe_end *from, const struct probe_end *to, uint8_t protocol,
		     size_t bytes, uint8_t *buf)
{
	if (to->ip.family == AF_INET) {
		struct iphdr ip = {.version = 4,
				   .ihl = 5,
				   .ttl = HOPS,
				   .protocol = protocol,
				   .tot_len = htons((uint16_t)bytes),
				   .frag_off = htons(0x4000) /* do not fragment */};

		memcpy(&ip.saddr, from->ip.b, 4);
		memcpy(&ip.daddr, to->ip.b, 4);
		ip.check = fold(add_bytes(0, (const uint8_t *)&ip, sizeof(ip)));
		memcpy(buf, &ip, sizeof(ip));
		return sizeof(ip);
	}
	struct ip6_hdr ip = {.ip6_flow = htonl(6U << 28),
			     .ip6_plen = htons((uint16_t)(bytes - sizeof(ip))),
			     .ip6_nxt = protocol,
			     .ip6_hlim = HOPS};

	memcpy(&ip.ip6_src, from->ip.b, 16);
	memcpy(&ip.ip6_dst, to->ip.b, 16);
	memcpy(buf, &ip, sizeof(ip));
	return sizeof(ip);
}

/* The checksum of UDP and TCP: over addresses, protocol, length and content. */
static uint16_t inner_check(const struct probe_end *from, const struct probe_end *to,
			    uint8_t protocol, const uint8_t *inner, size_t have, size_t bytes)
{
	size_t width = to->ip.family == AF_INET ? 4 : 16;
	uint32_t sum = add_bytes(0, from->ip.b, width);

	if (protocol == IPPROTO_ICMP)
		return fold(add_bytes(0, inner, have));
	sum = add_bytes(sum, to->ip.b, width);
	return fold(add_bytes(sum, inner, have) + protocol + (uint32_t)bytes);
}

/* An ICMP echo header is as long as a UDP header. */
static size_t inner_header(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr);
}

static size_t check_place(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check);
	case IPPROTO_ICMP:
		return offsetof(struct echo, check);
	default:
		return offsetof(struct udphdr, check);
	}
}

static void put_ports(const struct probe_frame *frame, size_t bytes, uint8_t *buf)
{
	if (frame->protocol == IPPROTO_TCP) {
		/* A RST without a connection, which gets no answer. */
		struct tcphdr tcp = {.source = htons(frame->source_port),
				     .dest = htons(frame->port),
				     .seq = htonl(frame->load.seq),
				     .doff = 5,
				     .rst = 1};

		memcpy(buf, &tcp, sizeof(tcp));
		return;
	}
	if (frame->protocol == IPPROTO_ICMP) {
		struct echo echo = {.type = ECHO,
				    .id = htons(frame->source_port),
				    .sequence = htons((uint16_t)frame->load.seq)};

		memcpy(buf, &echo, sizeof(echo));
		return;
	}
	struct udphdr udp = {.source = htons(frame->source_port),
			     .dest = htons(frame->port),
			     .len = htons((uint16_t)bytes)};

	memcpy(buf, &udp, sizeof(udp));
}

size_t probe_build(const struct probe_end *from, const struct probe_end *to,
		   const struct probe_frame *frame, uint8_t *buf, size_t size)
{
	size_t head = to->ip.family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t inner = inner_header(frame->protocol);
	size_t have = head + inner + sizeof(frame->load);
	size_t bytes = frame->bytes > have ? frame->bytes : have;
	struct probe_load load = frame->load;
	uint16_t check;

	if (have > size)
		return 0;
	put_ip(from, to, frame->protocol, bytes, buf);
	put_ports(frame, bytes - head, buf + head);
	load.magic = htonl(PROBE_MAGIC);
	load.check = 0;
	memcpy(buf + head + inner, &load, sizeof(load));
	/* A reply to an echo changes the ICMP header, so load.check covers only the payload. */
	load.check = frame->protocol == IPPROTO_ICMP ?
			     hash_bytes((const uint8_t *)&load, sizeof(load)) :
			     hash_bytes(buf, have);
	memcpy(buf + head + inner, &load, sizeof(load));
	check = inner_check(from, to, frame->protocol, buf + head, inner + sizeof(load),
			    bytes - head);
	memcpy(buf + head + check_place(frame->protocol), &check, sizeof(check));
	return bytes;
}

/* Undoes what a router on the way changed, so that load.check covers the IP header as sent. */
static void undo_hop(uint8_t *packet, bool v4)
{
	uint8_t *hops =
		packet + (v4 ? offsetof(struct iphdr, ttl) : offsetof(struct ip6_hdr, ip6_hlim));
	size_t at = offsetof(struct iphdr, check);
	uint16_t check;

	if (*hops != HOPS - 1)
		return;
	*hops = HOPS;
	if (!v4)
		return;
	memset(packet + at, 0, sizeof(check));
	check = fold(add_bytes(0, packet, sizeof(struct iphdr)));
	memcpy(packet + at, &check, sizeof(check));
}

/* Returns whether the checksums of IP and of UDP, TCP or ICMP are right. */
static bool sums_fit(const uint8_t *packet, bool v4, uint8_t protocol, size_t have)
{
	size_t head = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
	size_t addresses = protocol == IPPROTO_ICMP ? 0 : v4 ? 8 : 32;
	uint16_t bytes;
	uint32_t sum;

	if (v4 && fold(add_bytes(0, packet, sizeof(struct iphdr))))
		return false;
	memcpy(&bytes,
	       packet + (v4 ? offsetof(struct iphdr, tot_len) : offsetof(struct ip6_hdr, ip6_plen)),
	       sizeof(bytes));
	/* Addresses are last in both headers; padding is zeroes. */
	sum = add_bytes(0, packet + head - addresses, addresses + have - head);
	if (addresses)
		sum += protocol + (uint32_t)ntohs(bytes) - (uint32_t)(v4 ? head : 0);
	return !fold(sum);
}

bool probe_parse(const uint8_t *packet, size_t len, uint32_t run, struct probe_load *ret)
{
	bool v4 = len > 0 && packet[0] >> 4 == 4;
	size_t head = v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr), inner, have, check_at;
	uint8_t copy[PROBE_SNAP], protocol;
	struct probe_load zero;

	if (len < head || (v4 && (packet[0] & 15) != 5))
		return false;
	protocol =
		packet[v4 ? offsetof(struct iphdr, protocol) : offsetof(struct ip6_hdr, ip6_nxt)];
	inner = inner_header(protocol);
	have = head + inner + sizeof(*ret);
	if (len < have || have > sizeof(copy))
		return false;
	memcpy(ret, packet + head + inner, sizeof(*ret));
	if (ret->magic != htonl(PROBE_MAGIC) || ret->run != run)
		return false;
	if (!sums_fit(packet, v4, protocol, have))
		return false;
	/* Clear the checksum fields, as they were when the checksum was computed. */
	memcpy(copy, packet, have);
	undo_hop(copy, v4);
	zero = *ret;
	zero.check = 0;
	memcpy(copy + head + inner, &zero, sizeof(zero));
	if (protocol == IPPROTO_ICMP)
		return packet[head] == ECHO_REPLY &&
		       hash_bytes((const uint8_t *)&zero, sizeof(zero)) == ret->check;
	check_at = head + check_place(protocol);
	memset(copy + check_at, 0, sizeof(uint16_t));
	return hash_bytes(copy, have) == ret->check;
}
