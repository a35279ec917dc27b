// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets that are too large: what counts as the size of a packet, and which ones are dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "tests/unit/edt_port.h"

#define LARGER(size) C(PORT_HAS_LARGER, .larger = (size))

static uint8_t frame[4096];

static void put16(size_t at, unsigned value)
{
	frame[at] = (uint8_t)(value >> 8);
	frame[at + 1] = (uint8_t)value;
}

/* Starts a frame with a number of VLAN tags; returns the offset of what follows. */
static size_t begin(unsigned type, unsigned tags)
{
	static const uint8_t ends[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	size_t at = 12;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, ends, sizeof(ends));
	while (tags--) {
		put16(at, ETH_P_8021Q);
		put16(at + 2, 100);
		at += 4;
	}
	put16(at, type);
	return at + 2;
}

/* An IPv4 packet of this length, with a TCP header of 32 bytes or another of 8. */
static struct shot ipv4(unsigned tags, uint8_t protocol, uint32_t length)
{
	size_t at = begin(ETH_P_IP, tags);

	frame[at] = 0x45;
	put16(at + 2, length);
	frame[at + 9] = protocol;
	frame[at + 20 + 12] = protocol == IPPROTO_TCP ? 0x80 : 0;
	return (struct shot) {five, six, .frame = frame,
			      .length = (uint32_t)at + (length < 46 ? 46 : length)};
}

/* An IPv6 packet of this length; extension: it has an extension header of 8 bytes. */
static struct shot ipv6(uint8_t protocol, uint32_t length, bool extension)
{
	size_t at = begin(ETH_P_IPV6, 0);

	frame[at] = 0x60;
	put16(at + 4, length - 40);
	frame[at + 6] = extension ? IPPROTO_DSTOPTS : protocol;
	if (extension)
		frame[at + 40] = protocol;
	frame[at + (extension ? 48 : 40) + 12] = 0x50;
	return (struct shot) {five, six, .frame = frame, .length = (uint32_t)at + length};
}

static bool passes_shot(struct shot shot)
{
	return ports_run(policy->prog[POLICY_PORT], &shot) == PASS;
}

/* The length of the IP packet, whatever is around it. */
static void test_length(void **state)
{
	NEEDS_BPF(state);
	PUT(path(5, 6, 0, LARGER(1000)));
	for (unsigned tags = 0; tags <= 2; tags++) {
		assert_true(passes_shot(ipv4(tags, IPPROTO_UDP, 1000)));
		assert_false(passes_shot(ipv4(tags, IPPROTO_UDP, 1001)));
	}
	assert_true(passes_shot(ipv4(0, IPPROTO_ICMP, 1000)));
	assert_false(passes_shot(ipv4(0, IPPROTO_ICMP, 1001)));
	assert_true(passes_shot(ipv6(IPPROTO_TCP, 1000, false)));
	assert_false(passes_shot(ipv6(IPPROTO_TCP, 1001, false)));
	assert_true(passes_shot(ipv6(IPPROTO_TCP, 1000, true)));
	assert_false(passes_shot(ipv6(IPPROTO_TCP, 1001, true)));
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_SIZE], 6);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 6);
	/* The padding of a short frame does not count. */
	PUT(path(5, 6, 0, LARGER(40)));
	assert_true(passes_shot(ipv4(0, IPPROTO_UDP, 40)));
	assert_false(passes_shot(ipv4(0, IPPROTO_UDP, 41)));
}

/* Of other protocols, all that follows the Ethernet header counts. */
static void test_other(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	PUT(path(5, 6, 0, LARGER(1000)));
	shot = (struct shot) {five, six, .frame = frame, .length = 14 + 1000};
	begin(TYPE_OTHER, 0);
	assert_true(passes_shot(shot));
	shot.length++;
	assert_false(passes_shot(shot));
}

/* A super-packet has the size of its segments. */
static void test_segments(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	PUT(path(5, 6, 0, LARGER(1000)));
	for (uint32_t over = 0; over <= 1; over++) {
		shot = ipv4(1, IPPROTO_TCP, 3000);
		shot.gso_size = 948 + over; /* headers of 20 and 32 bytes */
		assert_int_equal(passes_shot(shot), !over);
		shot = ipv4(0, IPPROTO_UDP, 3000);
		shot.gso_size = 972 + over;
		assert_int_equal(passes_shot(shot), !over);
		shot = ipv6(IPPROTO_TCP, 3000, true);
		shot.gso_size = 932 + over; /* 40, 8 and 20 */
		assert_int_equal(passes_shot(shot), !over);
	}
	/* One that needs no segments after all. */
	shot = ipv4(0, IPPROTO_TCP, 1000);
	shot.gso_size = 1448;
	assert_true(passes_shot(shot));
}

/* Frames that resolve addresses pass in any case. */
static void test_resolving(void **state)
{
	NEEDS_BPF(state);
	PUT(up(LINK_5, LARGER(20)), path(5, 6, 0, LARGER(20)), down(LINK_6, LARGER(20)));
	begin(ETH_P_ARP, 0);
	assert_true(passes_shot((struct shot) {five, six, .frame = frame, .length = 60}));
	struct shot shot = ipv6(IPPROTO_ICMPV6, 72, false);

	frame[14 + 40] = 135; /* a neighbour solicitation */
	assert_true(passes_shot(shot));
	frame[14 + 40] = 128; /* an echo */
	assert_false(passes_shot(shot));
}

/* The smallest size of all hops rules; a link counts what was sent over it. */
static void test_hops(void **state)
{
	NEEDS_BPF(state);
	PUT(up(LINK_5, LARGER(900)), path(5, 6, 0, LARGER(1000)), down(LINK_6, LARGER(800)));
	policy->links[LINK_5].lost = policy->links[LINK_5].oversized = 0;
	assert_true(passes_shot(ipv4(0, IPPROTO_UDP, 800)));
	assert_false(passes_shot(ipv4(0, IPPROTO_UDP, 801)));
	assert_false(passes_shot(ipv4(0, IPPROTO_UDP, 901)));
	assert_int_equal(policy->links[LINK_5].lost, 2);
	assert_int_equal(policy->links[LINK_5].oversized, 2);
	/* The other direction is another link. */
	PUT(up(LINK_5, LARGER(900)));
	struct shot back = ipv4(0, IPPROTO_UDP, 1400);

	back.from = six;
	back.to = five;
	assert_true(passes_shot(back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_length),	 cmocka_unit_test(test_other),
		cmocka_unit_test(test_segments), cmocka_unit_test(test_resolving),
		cmocka_unit_test(test_hops),
	};

	return cmocka_run_group_tests(tests, ports_set_up, ports_tear_down);
}
