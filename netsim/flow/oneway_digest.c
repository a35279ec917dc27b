// SPDX-License-Identifier: GPL-2.0-or-later
/* Digests a packet: hashes the bytes that do not change on its way. */
#include <netinet/in.h>
#include <string.h>

#include "netsim/flow/oneway_parts.h"

/* Bytes of a truncated frame that VLAN tags or other link headers may take. */
#define LINK_HEADERS_MAX 28

/* How many bytes can be expected in the capture at the other end, too. */
static uint32_t bytes_of(const struct packet *p)
{
	uint32_t bytes = p->network_captured, frame;

	if (p->network_captured < p->network_length && p->mac) {
		frame = (uint32_t)(p->network - p->mac) + p->network_captured;
		bytes = frame > LINK_HEADERS_MAX ? frame - LINK_HEADERS_MAX : 0;
		if (bytes > p->network_captured)
			bytes = p->network_captured;
	}
	return bytes < ONEWAY_BYTES ? bytes : ONEWAY_BYTES;
}

static void blank(uint8_t *bytes, uint32_t size, uint64_t from, uint32_t count)
{
	for (uint64_t i = from; i < from + count && i < size; i++)
		bytes[i] = 0;
}

/* Blanks the transport checksum, which may be filled in on the way. bytes is a copy of base. */
static void blank_checksum(const struct packet *p, const uint8_t *base, uint8_t *bytes,
			   uint32_t size)
{
	uint64_t at;

	if (!p->transport)
		return;
	at = (uint64_t)(p->transport - base);
	if (p->protocol == IPPROTO_TCP)
		blank(bytes, size, at + 16, 2);
	else if (p->protocol == IPPROTO_UDP)
		blank(bytes, size, at + 6, 2);
	else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6)
		blank(bytes, size, at + 2, 2);
}

static void blank_header(const struct packet *p, uint8_t *bytes, uint32_t size)
{
	if (p->version == 4 && size >= 20) {
		bytes[1] = 0; /* DSCP and ECN */
		bytes[8] = 0; /* time to live */
		blank(bytes, size, 10, 2);
	} else if (p->version == 6 && size >= 40) {
		bytes[0] &= 0xf0;
		bytes[1] &= 0x0f;
		bytes[7] = 0;
	}
}

void oneway_digest(const struct packet *p, struct oneway_digest *ret)
{
	uint8_t bytes[ONEWAY_BYTES + 8] = {0};
	uint32_t size = p->network ? bytes_of(p) : 0;
	/* Without a length in the header, padding looks like data: leave the length out. */
	uint64_t length = p->version || p->source ? p->network_length : 0;
	uint64_t a = oneway_mix(p->ethertype, length), b = oneway_mix(length, size + 1);
	struct packet inner;

	memcpy(bytes, p->network, size);
	blank_header(p, bytes, size);
	blank_checksum(p, p->network, bytes, size);
	if (packet_inner(p, &inner))
		blank_checksum(&inner, p->network, bytes, size);
	for (uint32_t i = 0; i < size; i += 8) {
		uint64_t word;

		memcpy(&word, bytes + i, sizeof(word));
		a = oneway_mix(a, word);
		b = oneway_mix(word + i, b);
	}
	ret->word[0] = a;
	ret->word[1] = b;
}
