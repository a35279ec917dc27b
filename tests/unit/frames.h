/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames and capture files built by hand; include after cmocka.h. */
#ifndef NETSIM_TESTS_FRAMES_H
#define NETSIM_TESTS_FRAMES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/packet/packet.h"

/* A growing buffer; the test fails if it overflows. */
struct bytes {
	uint8_t at[8192];
	uint32_t count;
};

static inline void put8(struct bytes *b, unsigned value)
{
	assert_true(b->count < sizeof(b->at));
	b->at[b->count++] = (uint8_t)value;
}

static inline void put16(struct bytes *b, unsigned value)
{
	put8(b, value >> 8);
	put8(b, value & 0xff);
}

static inline void put32(struct bytes *b, uint32_t value)
{
	put16(b, value >> 16);
	put16(b, value & 0xffff);
}

static inline void put_zeros(struct bytes *b, unsigned count)
{
	while (count--)
		put8(b, 0);
}

static inline void put_ethernet(struct bytes *b, unsigned ethertype)
{
	put32(b, 0x02000000);
	put32(b, 0x00010200);
	put32(b, 0x00000002);
	put16(b, ethertype);
}

/* length is that of the payload after the header of 20 bytes. */
static inline void put_ipv4(struct bytes *b, unsigned protocol, unsigned length, uint32_t from,
			    uint32_t to)
{
	put16(b, 0x4500);
	put16(b, length + 20);
	put32(b, 0);
	put16(b, 0x4000 | protocol);
	put16(b, 0);
	put32(b, from);
	put32(b, to);
}

static inline void put_ipv6(struct bytes *b, unsigned protocol, unsigned length, unsigned from,
			    unsigned to)
{
	put32(b, 0x60000000);
	put16(b, length);
	put16(b, protocol << 8 | 64);
	put32(b, 0xfd000000);
	put_zeros(b, 8);
	put32(b, from);
	put32(b, 0xfd000000);
	put_zeros(b, 8);
	put32(b, to);
}

static inline void put_tcp(struct bytes *b, unsigned from, unsigned to, uint32_t seq, uint32_t ack,
			   unsigned flags, unsigned window)
{
	put16(b, from);
	put16(b, to);
	put32(b, seq);
	put32(b, ack);
	put16(b, 0x5000 | flags);
	put16(b, window);
	put32(b, 0);
}

static inline void put_udp(struct bytes *b, unsigned from, unsigned to, unsigned length)
{
	put16(b, from);
	put16(b, to);
	put16(b, length + 8);
	put16(b, 0);
}

#endif
