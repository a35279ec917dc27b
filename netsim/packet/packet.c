// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Decodes frames header by header. A span is the rest of the captured bytes, and the length
 * that the headers so far promise; each step takes from both.
 */
#include "netsim/packet/packet.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP  0x0806
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8
#define ETHERTYPE_OLD  0x9100 /* QinQ before it was standardized */
#define ETHERTYPE_MIN  0x0600 /* below, it is a length (IEEE 802.3) */

#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

#define VXLAN_LINUX    8472
#define VXLAN_STANDARD 4789
#define VXLAN_HEADER   8

#define EXTENSIONS_MAX 16
#define TAGS_MAX       8

struct span {
	const uint8_t *at;
	uint32_t captured; /* bytes that can be read */
	uint32_t length;   /* bytes on the wire */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap32(value);
}

static void skip(struct span *s, uint32_t bytes)
{
	uint32_t readable = bytes < s->captured ? bytes : s->captured;

	s->at += readable;
	s->captured -= readable;
	s->length -= bytes < s->length ? bytes : s->length;
}

/* Limits the span to the length in a header, without the frame's padding. */
static void shorten(struct span *s, uint32_t length)
{
	if (length < s->length)
		s->length = length;
	if (s->length < s->captured)
		s->captured = s->length;
}

/* Reads the edges of each SACK block. */
static void read_sacks(const uint8_t *at, uint32_t length, struct packet *ret)
{
	for (uint32_t i = 0; i + 8 <= length && ret->sack_count < PACKET_SACKS; i += 8) {
		ret->sacks[ret->sack_count].from = get32(at + i);
		ret->sacks[ret->sack_count].to = get32(at + i + 4);
		ret->sack_count++;
	}
}

static void read_tcp_option(const uint8_t *at, uint32_t length, struct packet *ret)
{
	switch (at[0]) {
	case 2:
		if (length == 4)
			ret->mss = get16(at + 2);
		break;
	case 3:
		if (length == 3) {
			ret->has_scale = true;
			ret->scale = at[2] < 14 ? at[2] : 14;
		}
		break;
	case 5:
		read_sacks(at + 2, length - 2, ret);
		break;
	case 8:
		if (length == 10) {
			ret->has_stamps = true;
			ret->stamp = get32(at + 2);
			ret->stamp_echo = get32(at + 6);
		}
		break;
	default:
		break;
	}
}

static void read_tcp_options(const uint8_t *at, uint32_t left, struct packet *ret)
{
	/* Fast path: two NOPs and the timestamps, as in nearly every segment. */
	if (left == 12 && get32(at) == 0x0101080a) {
		ret->has_stamps = true;
		ret->stamp = get32(at + 4);
		ret->stamp_echo = get32(at + 8);
		return;
	}
	while (left && at[0] != 0) {
		uint32_t length = 1;

		if (at[0] != 1) {
			if (left < 2 || at[1] < 2 || at[1] > left)
				return;
			length = at[1];
			read_tcp_option(at, length, ret);
		}
		at += length;
		left -= length;
	}
}

static void read_tcp(struct span s, struct packet *ret)
{
	uint32_t header, options;

	ret->payload = s.length;
	if (s.captured < 4)
		return;
	ret->has_ports = true;
	ret->source_port = get16(s.at);
	ret->destination_port = get16(s.at + 2);
	if (s.captured < 16)
		return;
	header = (uint32_t)(s.at[12] >> 4) * 4;
	/* Header length below 20 or beyond the packet: use the ports only. */
	if (header < 20 || header > s.length)
		return;
	ret->payload = s.length - header;
	ret->seq = get32(s.at + 4);
	ret->ack = get32(s.at + 8);
	ret->tcp_flags = s.at[13];
	ret->window = get16(s.at + 14);
	ret->has_tcp = true;
	if (s.captured <= 20)
		return;
	options = header < s.captured ? header : s.captured;
	read_tcp_options(s.at + 20, options - 20, ret);
}

static void read_vxlan(struct span s, struct packet *ret)
{
	/* Only the I flag (the VNI is valid) may be set. */
	if (s.captured < VXLAN_HEADER || s.at[0] != 0x08)
		return;
	ret->vni = get32(s.at + 4) >> 8;
	skip(&s, VXLAN_HEADER);
	ret->inner = s.at;
	ret->inner_captured = s.captured;
	ret->inner_length = s.length;
}

static void read_udp(struct span s, struct packet *ret)
{
	ret->payload = s.length < 8 ? 0 : s.length - 8;
	if (s.captured < 4)
		return;
	ret->has_ports = true;
	ret->source_port = get16(s.at);
	ret->destination_port = get16(s.at + 2);
	if (ret->destination_port != VXLAN_LINUX && ret->destination_port != VXLAN_STANDARD)
		return;
	skip(&s, 8);
	read_vxlan(s, ret);
}

static void read_icmp(struct span s, struct packet *ret)
{
	bool six = ret->protocol == IPPROTO_ICMPV6;

	ret->payload = s.length < 8 ? 0 : s.length - 8;
	if (s.captured < 8)
		return;
	ret->icmp_type = s.at[0];
	if (six ? ret->icmp_type != 128 && ret->icmp_type != 129 :
		  ret->icmp_type != 8 && ret->icmp_type != 0)
		return;
	ret->has_ports = true;
	ret->source_port = ret->destination_port = get16(s.at + 4);
	ret->seq = get16(s.at + 6);
}

static void read_transport(struct span s, struct packet *ret)
{
	ret->payload = s.length;
	if (ret->fragment)
		return;
	ret->transport = s.at;
	if (ret->protocol == IPPROTO_TCP)
		read_tcp(s, ret);
	else if (ret->protocol == IPPROTO_UDP)
		read_udp(s, ret);
	else if (ret->protocol == (ret->version == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		read_icmp(s, ret);
}

static void note_network(const struct span *s, struct packet *ret)
{
	ret->network = s->at;
	ret->network_captured = s->captured;
	ret->network_length = s->length;
}

static void read_ipv4(struct span s, struct packet *ret)
{
	uint32_t header, total;

	if (s.captured < 20 || s.at[0] >> 4 != 4)
		return;
	header = (uint32_t)(s.at[0] & 15) * 4;
	total = get16(s.at + 2);
	if (header < 20)
		return;
	ret->version = 4;
	ret->hops = s.at[8];
	ret->protocol = s.at[9];
	ret->source = s.at + 12;
	ret->destination = s.at + 16;
	ret->fragment = (get16(s.at + 6) & 0x1fff) != 0;
	/* With segmentation offload the length is 0 if it exceeds 16 bits. */
	if (total)
		shorten(&s, total);
	note_network(&s, ret);
	skip(&s, header);
	read_transport(s, ret);
}

/* Skips IPv6 extension headers; false if they are truncated. */
static bool skip_extensions(struct span *s, struct packet *ret)
{
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		uint8_t kind = ret->protocol;
		uint32_t length;

		/* Hop-by-hop, routing, fragment, authentication, destination, mobility. */
		if (kind != 0 && kind != 43 && kind != 44 && kind != 51 && kind != 60 &&
		    kind != 135)
			return true;
		if (s->captured < 8)
			return false;
		length = kind == 44 ? 8 : kind == 51 ? (s->at[1] + 2U) * 4 : (s->at[1] + 1U) * 8;
		if (kind == 44)
			ret->fragment = (get16(s->at + 2) & 0xfff8) != 0;
		ret->protocol = s->at[0];
		skip(s, length);
		if (ret->fragment)
			return true;
	}
	return false;
}

static void read_ipv6(struct span s, struct packet *ret)
{
	uint32_t length;

	if (s.captured < 40 || s.at[0] >> 4 != 6)
		return;
	length = get16(s.at + 4);
	ret->version = 6;
	ret->hops = s.at[7];
	ret->protocol = s.at[6];
	ret->source = s.at + 8;
	ret->destination = s.at + 24;
	if (length)
		shorten(&s, length + 40);
	note_network(&s, ret);
	skip(&s, 40);
	ret->payload = s.length;
	if (skip_extensions(&s, ret))
		read_transport(s, ret);
}

static void read_arp(struct span s, struct packet *ret)
{
	ret->payload = s.length;
	/* IPv4 over Ethernet only. */
	if (s.captured < 28 || get16(s.at) != 1 || get16(s.at + 2) != ETHERTYPE_IPV4 ||
	    s.at[4] != 6 || s.at[5] != 4)
		return;
	ret->source = s.at + 14;
	ret->destination = s.at + 24;
	shorten(&s, 28);
	note_network(&s, ret);
}

/* Reads the network layer after the VLAN tags, of which two are recorded. */
static void read_network(struct span s, uint16_t ethertype, struct packet *ret)
{
	for (int tags = 0; ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ ||
			   ethertype == ETHERTYPE_OLD;
	     tags++) {
		if (s.captured < 4 || tags == TAGS_MAX)
			return;
		if (tags == 0)
			ret->vlan = get16(s.at) & 0x0fff;
		else if (tags == 1)
			ret->vlan_inner = get16(s.at) & 0x0fff;
		ethertype = get16(s.at + 2);
		skip(&s, 4);
	}
	ret->payload = s.length;
	note_network(&s, ret);
	if (ethertype < ETHERTYPE_MIN)
		return;
	ret->ethertype = ethertype;
	if (ethertype == ETHERTYPE_IPV4)
		read_ipv4(s, ret);
	else if (ethertype == ETHERTYPE_IPV6)
		read_ipv6(s, ret);
	else if (ethertype == ETHERTYPE_ARP)
		read_arp(s, ret);
}

enum packet_link packet_link_of(uint32_t linktype)
{
	switch (linktype) {
	case 1:
		return PACKET_ETHERNET;
	case 113:
		return PACKET_COOKED;
	case 276:
		return PACKET_COOKED2;
	case 0:
	case 108:
		return PACKET_LOOPBACK;
	case 9:
	case 50:
		return PACKET_PPP;
	case 104:
		return PACKET_HDLC;
	case 12: /* OpenBSD's number for raw IP */
	case 14:
	case 101:
	case 228:
	case 229:
		return PACKET_RAW;
	default:
		return PACKET_UNKNOWN;
	}
}

static void read_raw(struct span s, struct packet *ret)
{
	if (!s.captured)
		return;
	if (s.at[0] >> 4 == 4)
		read_network(s, ETHERTYPE_IPV4, ret);
	else if (s.at[0] >> 4 == 6)
		read_network(s, ETHERTYPE_IPV6, ret);
}

/*
 * Address families of BSD systems: IPv4 has one number, IPv6 a different one on each. Small
 * numbers, so the half with the zero bytes gives the byte order.
 */
static void read_loopback(struct span s, struct packet *ret)
{
	uint32_t family;

	if (s.captured < 4)
		return;
	family = get32(s.at);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	skip(&s, 4);
	if (family == 2)
		read_network(s, ETHERTYPE_IPV4, ret);
	else if (family == 10 || family == 24 || family == 28 || family == 30)
		read_network(s, ETHERTYPE_IPV6, ret);
}

/* The protocol number has one byte where it was compressed: it is then odd. */
static void read_ppp(struct span s, struct packet *ret)
{
	uint32_t size;
	unsigned protocol;

	if (s.captured >= 2 && s.at[1] == 0x03 && (s.at[0] == 0xff || s.at[0] == 0x0f))
		skip(&s, 2);
	if (s.captured < 2)
		return;
	size = s.at[0] & 1 ? 1 : 2;
	protocol = size == 1 ? s.at[0] : get16(s.at);
	skip(&s, size);
	if (protocol == PPP_IPV4)
		read_network(s, ETHERTYPE_IPV4, ret);
	else if (protocol == PPP_IPV6)
		read_network(s, ETHERTYPE_IPV6, ret);
}

/*
 * Packet types of a cooked header: 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 from
 * us.
 */
static void read_cooked(const struct span *s, bool second, struct packet *ret)
{
	unsigned kind, interface;

	if (s->captured < (second ? 20 : 16))
		return;
	kind = second ? s->at[10] : get16(s->at);
	if (kind <= 4)
		ret->seen = kind == 4 ? PACKET_DELIVERED : PACKET_SENT;
	ret->cooked = !second;
	if (!second)
		return;
	interface = get32(s->at + 4);
	ret->view = (uint16_t)(PACKET_VIEW_COOKED | (interface & (PACKET_VIEW_COOKED - 1)));
}

/* The ethertype is at offset "at" of a header of this length. */
static void read_link(struct span s, uint32_t at, uint32_t header, struct packet *ret)
{
	uint16_t ethertype;

	if (s.captured < header)
		return;
	ethertype = get16(s.at + at);
	skip(&s, header);
	read_network(s, ethertype, ret);
}

void packet_decode(enum packet_link link, const uint8_t *data, uint32_t captured, uint32_t length,
		   struct packet *ret)
{
	struct span s = {data, captured, length};

	/* Clears all but sacks[], of which only sack_count entries are valid. */
	memset(ret, 0, offsetof(struct packet, sacks));
	ret->inner = NULL;
	ret->inner_captured = ret->inner_length = ret->vni = 0;
	ret->length = length;
	ret->payload = length;
	/* A damaged file can claim more captured bytes than the packet had. */
	if (s.captured > s.length)
		s.captured = s.length;
	switch (link) {
	case PACKET_ETHERNET:
		if (s.captured >= 12)
			ret->mac = s.at;
		read_link(s, 12, 14, ret);
		break;
	case PACKET_COOKED:
		read_cooked(&s, false, ret);
		read_link(s, 14, 16, ret);
		break;
	case PACKET_COOKED2:
		read_cooked(&s, true, ret);
		read_link(s, 0, 20, ret);
		break;
	case PACKET_RAW:
		read_raw(s, ret);
		break;
	case PACKET_LOOPBACK:
		read_loopback(s, ret);
		break;
	case PACKET_PPP:
		read_ppp(s, ret);
		break;
	case PACKET_HDLC:
		read_link(s, 2, 4, ret);
		break;
	case PACKET_UNKNOWN:
		break;
	}
}

bool packet_inner(const struct packet *outer, struct packet *ret)
{
	if (!outer->inner)
		return false;
	packet_decode(PACKET_ETHERNET, outer->inner, outer->inner_captured, outer->inner_length,
		      ret);
	return true;
}
