// SPDX-License-Identifier: GPL-2.0-or-later
/* Frames built byte by byte, decoded, and truncated at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/frames.h"

#define A 0x0a000001
#define B 0x0a000002

static void decode(const struct bytes *b, struct packet *ret)
{
	packet_decode(PACKET_ETHERNET, b->at, b->count, b->count, ret);
}

/*
 * Decodes each truncated frame in memory of exactly its size, so that the sanitizers detect
 * reads beyond it. Each field is as in the whole frame, or absent.
 */
static void cut_everywhere(enum packet_link link, const struct bytes *b)
{
	struct packet whole, part;

	packet_decode(link, b->at, b->count, b->count, &whole);
	for (uint32_t n = 0; n <= b->count; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, b->at, n);
		packet_decode(link, copy, n, b->count, &part);
		assert_int_equal(part.length, whole.length);
		if (part.has_ports)
			assert_int_equal(part.source_port, whole.source_port);
		if (part.has_tcp)
			assert_int_equal(part.payload, whole.payload);
		if (part.inner)
			assert_int_equal(part.inner_length, whole.inner_length);
		free(copy);
	}
}

static void test_tcp4(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 6, 20 + 100, A, B);
	put_tcp(&b, 40000, 2380, 1000, 2000, PACKET_ACK | PACKET_PSH, 501);
	put_zeros(&b, 100);
	decode(&b, &p);
	assert_int_equal(p.version, 4);
	assert_int_equal(p.ethertype, 0x0800);
	assert_int_equal(p.protocol, 6);
	assert_true(p.has_tcp);
	assert_int_equal(p.source_port, 40000);
	assert_int_equal(p.destination_port, 2380);
	assert_int_equal(p.seq, 1000);
	assert_int_equal(p.ack, 2000);
	assert_int_equal(p.tcp_flags, PACKET_ACK | PACKET_PSH);
	assert_int_equal(p.window, 501);
	assert_int_equal(p.payload, 100);
	assert_memory_equal(p.source, "\x0a\0\0\1", 4);
	assert_memory_equal(p.destination, "\x0a\0\0\2", 4);
	cut_everywhere(PACKET_ETHERNET, &b);
	/* Truncation does not change the lengths. */
	packet_decode(PACKET_ETHERNET, b.at, 60, b.count, &p);
	assert_int_equal(p.payload, 100);
	/* Padding to the minimum frame size is not payload. */
	b.at[16] = 0;
	b.at[17] = 40;
	decode(&b, &p);
	assert_int_equal(p.payload, 0);
	/* With segmentation offload the length is 0: use the frame's. */
	b.at[17] = 0;
	decode(&b, &p);
	assert_int_equal(p.payload, 100);
}

static void test_tcp_options(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_ethernet(&b, 0x0800);
	/* Four bytes of IP options. */
	put16(&b, 0x4600);
	put16(&b, 24 + 60);
	put32(&b, 0);
	put16(&b, 0x4006);
	put16(&b, 0);
	put32(&b, A);
	put32(&b, B);
	put32(&b, 0x01010100);
	put_tcp(&b, 1, 2, 7, 8, PACKET_SYN, 9);
	b.at[b.count - 8] = 0xf0;
	put32(&b, 0x020405b4); /* MSS 1460 */
	put32(&b, 0x01030307); /* scale 7 */
	put16(&b, 0x080a);
	put32(&b, 111);
	put32(&b, 222);
	put16(&b, 0x0101);
	put16(&b, 0x0512); /* two blocks */
	put32(&b, 10);
	put32(&b, 20);
	put32(&b, 30);
	put32(&b, 40);
	put16(&b, 0);
	decode(&b, &p);
	assert_true(p.has_tcp);
	assert_int_equal(p.mss, 1460);
	assert_true(p.has_scale);
	assert_int_equal(p.scale, 7);
	assert_true(p.has_stamps);
	assert_int_equal(p.stamp, 111);
	assert_int_equal(p.stamp_echo, 222);
	assert_int_equal(p.sack_count, 2);
	assert_int_equal(p.sacks[1].from, 30);
	assert_int_equal(p.sacks[1].to, 40);
	cut_everywhere(PACKET_ETHERNET, &b);
	/* An option longer than the header. */
	b.at[14 + 24 + 20 + 1] = 200;
	decode(&b, &p);
	assert_true(p.has_tcp);
	assert_false(p.has_stamps);
	/* A header length below the minimum: only ports. */
	b.at[14 + 24 + 12] = 0x40;
	decode(&b, &p);
	assert_true(p.has_ports);
	assert_false(p.has_tcp);
}

static void test_tags(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_ethernet(&b, 0x88a8);
	put16(&b, 0x6064); /* priority 3, VLAN 100 */
	put16(&b, 0x8100);
	put16(&b, 200);
	put16(&b, 0x0800);
	put_ipv4(&b, 17, 8 + 4, A, B);
	put_udp(&b, 5353, 53, 4);
	put_zeros(&b, 4);
	decode(&b, &p);
	assert_int_equal(p.vlan, 100);
	assert_int_equal(p.vlan_inner, 200);
	assert_int_equal(p.protocol, 17);
	assert_int_equal(p.destination_port, 53);
	assert_int_equal(p.payload, 4);
	cut_everywhere(PACKET_ETHERNET, &b);
}

static void test_extensions(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;
	uint32_t fragment;

	(void)state;
	put_ethernet(&b, 0x86dd);
	put_ipv6(&b, 0, 8 + 16 + 8 + 8 + 5, 1, 2);
	put16(&b, 60 << 8);
	put_zeros(&b, 6);
	put16(&b, 44 << 8 | 1);
	put_zeros(&b, 14);
	fragment = b.count;
	put16(&b, 17 << 8);
	put16(&b, 1); /* the first fragment, more follow */
	put32(&b, 77);
	put_udp(&b, 1000, 8472 + 1, 5);
	put_zeros(&b, 5);
	decode(&b, &p);
	assert_int_equal(p.version, 6);
	assert_int_equal(p.protocol, 17);
	assert_false(p.fragment);
	assert_int_equal(p.source_port, 1000);
	assert_int_equal(p.payload, 5);
	cut_everywhere(PACKET_ETHERNET, &b);
	b.at[fragment + 3] = 8 | 1;
	decode(&b, &p);
	assert_true(p.fragment);
	assert_false(p.has_ports);
	assert_int_equal(p.protocol, 17);
	assert_int_equal(p.payload, 13);
}

static void test_fragments4(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 17, 30, A, B);
	put_zeros(&b, 30);
	b.at[14 + 6] = 0x20;
	b.at[14 + 7] = 0x10;
	decode(&b, &p);
	assert_true(p.fragment);
	assert_false(p.has_ports);
	assert_int_equal(p.payload, 30);
}

static void test_echo_and_arp(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 1, 8 + 56, A, B);
	put32(&b, 0x08000000);
	put16(&b, 4321);
	put16(&b, 7);
	put_zeros(&b, 56);
	decode(&b, &p);
	assert_int_equal(p.icmp_type, 8);
	assert_true(p.has_ports);
	assert_int_equal(p.source_port, 4321);
	assert_int_equal(p.seq, 7);
	assert_int_equal(p.payload, 56);
	cut_everywhere(PACKET_ETHERNET, &b);
	b = (struct bytes) {.count = 0};
	put_ethernet(&b, 0x86dd);
	put_ipv6(&b, 58, 8, 1, 2);
	put32(&b, 0x81000000);
	put16(&b, 99);
	put16(&b, 1);
	decode(&b, &p);
	assert_int_equal(p.icmp_type, 129);
	assert_int_equal(p.destination_port, 99);
	b = (struct bytes) {.count = 0};
	put_ethernet(&b, 0x0806);
	put32(&b, 0x00010800);
	put32(&b, 0x06040001);
	put_zeros(&b, 6);
	put32(&b, A);
	put_zeros(&b, 6);
	put32(&b, B);
	decode(&b, &p);
	assert_int_equal(p.version, 0);
	assert_int_equal(p.ethertype, 0x0806);
	assert_memory_equal(p.destination, "\x0a\0\0\2", 4);
	cut_everywhere(PACKET_ETHERNET, &b);
}

static void test_vxlan(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p, inner;

	(void)state;
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 17, 8 + 8 + 14 + 20 + 20 + 3, A, B);
	put_udp(&b, 55555, 8472, 8 + 14 + 20 + 20 + 3);
	put32(&b, 0x08000000);
	put32(&b, 1 << 8);
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 6, 20 + 3, 0x0a2a0001, 0x0a2a0102);
	put_tcp(&b, 33333, 53, 1, 2, PACKET_ACK, 3);
	put_zeros(&b, 3);
	decode(&b, &p);
	assert_int_equal(p.destination_port, 8472);
	assert_int_equal(p.vni, 1);
	assert_true(packet_inner(&p, &inner));
	assert_int_equal(inner.length, 14 + 20 + 20 + 3);
	assert_int_equal(inner.source_port, 33333);
	assert_int_equal(inner.payload, 3);
	assert_memory_equal(inner.source, "\x0a\x2a\0\1", 4);
	cut_everywhere(PACKET_ETHERNET, &b);
	/* Without the I flag it is not VXLAN. */
	b.at[14 + 20 + 8] = 0;
	decode(&b, &p);
	assert_false(packet_inner(&p, &inner));
}

static void test_links(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_zeros(&b, 14);
	put16(&b, 0x0800);
	put_ipv4(&b, 17, 8, A, B);
	put_udp(&b, 1, 2, 0);
	packet_decode(PACKET_COOKED, b.at, b.count, b.count, &p);
	assert_int_equal(p.destination_port, 2);
	cut_everywhere(PACKET_COOKED, &b);
	packet_decode(PACKET_RAW, b.at + 16, b.count - 16, b.count - 16, &p);
	assert_int_equal(p.destination_port, 2);
	packet_decode(PACKET_UNKNOWN, b.at, b.count, b.count, &p);
	assert_int_equal(p.ethertype, 0);
	assert_int_equal(p.payload, b.count);
	b = (struct bytes) {.count = 0};
	put16(&b, 0x86dd);
	put_zeros(&b, 18);
	put_ipv6(&b, 17, 8, 1, 2);
	put_udp(&b, 3, 4, 0);
	packet_decode(PACKET_COOKED2, b.at, b.count, b.count, &p);
	assert_int_equal(p.version, 6);
	assert_int_equal(p.destination_port, 4);
	cut_everywhere(PACKET_COOKED2, &b);
	assert_int_equal(packet_link_of(0), PACKET_LOOPBACK);
	assert_int_equal(packet_link_of(108), PACKET_LOOPBACK);
	assert_int_equal(packet_link_of(9), PACKET_PPP);
	assert_int_equal(packet_link_of(104), PACKET_HDLC);
	assert_int_equal(packet_link_of(1), PACKET_ETHERNET);
	assert_int_equal(packet_link_of(113), PACKET_COOKED);
	assert_int_equal(packet_link_of(276), PACKET_COOKED2);
	assert_int_equal(packet_link_of(101), PACKET_RAW);
	assert_int_equal(packet_link_of(105), PACKET_UNKNOWN);
}

/* The short headers of links that carry IP alone. */
static void test_serial_links(void **state)
{
	static const struct {
		enum packet_link link;
		uint8_t version, size, header[4];
	} all[] = {
		{PACKET_LOOPBACK, 4, 4, {2, 0, 0, 0}},	    {PACKET_LOOPBACK, 4, 4, {0, 0, 0, 2}},
		{PACKET_LOOPBACK, 6, 4, {30, 0, 0, 0}},	    {PACKET_LOOPBACK, 6, 4, {0, 0, 0, 24}},
		{PACKET_LOOPBACK, 0, 4, {7, 0, 0, 0}},	    {PACKET_PPP, 4, 2, {0, 0x21}},
		{PACKET_PPP, 6, 4, {0xff, 3, 0, 0x57}},	    {PACKET_PPP, 4, 3, {0xff, 3, 0x21}},
		{PACKET_PPP, 0, 4, {0xff, 3, 0xc0, 33}},    {PACKET_HDLC, 4, 4, {0x0f, 0, 8, 0}},
		{PACKET_HDLC, 6, 4, {0x8f, 0, 0x86, 0xdd}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct bytes b = {.count = 0};
		struct packet p;

		for (int n = 0; n < all[i].size; n++)
			put8(&b, all[i].header[n]);
		if (all[i].version == 6)
			put_ipv6(&b, 17, 8, 1, 2);
		else
			put_ipv4(&b, 17, 8, A, B);
		put_udp(&b, 3, 4, 0);
		packet_decode(all[i].link, b.at, b.count, b.count, &p);
		assert_int_equal(p.version, all[i].version);
		assert_int_equal(p.destination_port, all[i].version ? 4 : 0);
		cut_everywhere(all[i].link, &b);
	}
}

/* Contradictory lengths, for example more bytes captured than the packet had. */
static void test_contradictions(void **state)
{
	struct bytes b = {.count = 0};
	struct packet p;

	(void)state;
	put_ethernet(&b, 0x0800);
	put_ipv4(&b, 17, 8 + 1000, A, B);
	put_udp(&b, 1, 2, 1000);
	packet_decode(PACKET_ETHERNET, b.at, b.count, 20, &p);
	assert_int_equal(p.length, 20);
	assert_int_equal(p.version, 0);
	decode(&b, &p);
	assert_int_equal(p.payload, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp4),	     cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_tags),	     cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_fragments4),   cmocka_unit_test(test_echo_and_arp),
		cmocka_unit_test(test_vxlan),	     cmocka_unit_test(test_links),
		cmocka_unit_test(test_serial_links), cmocka_unit_test(test_contradictions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
