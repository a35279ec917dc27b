// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the eBPF programs of a machine that is itself a node recognise the other nodes: which frames
 * a partition drops. Skipped if eBPF or namespaces are not permitted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "tests/unit/ports.h"

/* Node 5 is the machine; 6 has a MAC address, 7 only IP addresses. */
#define MAC_6                    \
	{                        \
		2, 0, 0, 0, 0, 6 \
	}
#define MAC_OTHER                \
	{                        \
		2, 0, 0, 0, 0, 9 \
	}
#define IP4(last)              \
	{                      \
		10, 0, 0, last \
	}
#define IP6(last)                                                    \
	{                                                            \
		0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last \
	}

static const struct policy_peer peers[] = {
	{.node = 6, .is_mac = true, .mac = {MAC_6}},
	{.node = 6, .ip = {.family = AF_INET, .plen = 32, .b = IP4(6)}},
	{.node = 7, .ip = {.family = AF_INET, .plen = 32, .b = IP4(7)}},
	{.node = 7, .ip = {.family = AF_INET6, .plen = 128, .b = IP6(7)}},
	{.node = 7, .ip = {.family = AF_INET, .plen = 24, .b = {10, 0, 1, 0}}},
};

static int set_up(void **state)
{
	(void)state;
	return ports_load(POLICY_FOR_MACHINE | 1U << POLICY_IN_HOLD, "five");
}

/* Before each test: no partition, and the peers of the topology only. */
static int reset(void **state)
{
	(void)state;
	if (!ports_ready)
		return 0;
	ports_heal(NULL, 0);
	policy->names[6] = policy->names[7] = NULL;
	assert_int_equal(policy_put_peers(policy, NULL, 0, NULL), 0);
	policy->names[6] = "six";
	policy->names[7] = "seven";
	return policy_put_peers(policy, peers, sizeof(peers) / sizeof(peers[0]), NULL);
}

/* Cuts the machine off from a node, or from several. */
static void cut(uint16_t a, uint16_t b)
{
	uint16_t self = 5, others[] = {a, b};
	struct policy_group groups[] = {{&self, 1}, {others, b ? 2 : 1}};
	const struct policy_cut asked = {
		.kind = PORT_FAULT_GROUPS, .groups = groups, .group_count = 2};
	uint32_t id;

	assert_int_equal(policy_partition(policy, &asked, &id, NULL), 0);
}

struct made {
	uint8_t b[128];
	size_t at;
};

static void put(struct made *frame, const void *data, size_t size)
{
	memcpy(frame->b + frame->at, data, size);
	frame->at += size;
}

/* An Ethernet header between the machine and the address mac; vlan 0: no tag. */
static struct made ethernet(bool sent, const uint8_t mac[6], uint16_t vlan, uint16_t type)
{
	static const uint8_t own[6] = {2, 0, 0, 0, 0, 5};
	const uint16_t tag[] = {htons(ETH_P_8021Q), htons(vlan)}, ethertype = htons(type);
	struct made frame = {.at = 0};

	put(&frame, sent ? mac : own, 6);
	put(&frame, sent ? own : mac, 6);
	if (vlan)
		put(&frame, tag, sizeof(tag));
	put(&frame, &ethertype, 2);
	return frame;
}

static struct made ipv4(bool sent, const uint8_t mac[6], uint16_t vlan, const uint8_t other[4])
{
	struct made frame = ethernet(sent, mac, vlan, ETH_P_IP);
	const uint8_t head[12] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17}, own[4] = IP4(5);

	put(&frame, head, sizeof(head));
	put(&frame, sent ? own : other, 4);
	put(&frame, sent ? other : own, 4);
	return frame;
}

static struct made arp(bool sent, const uint8_t mac[6], const uint8_t sender[4],
		       const uint8_t target[4])
{
	struct made frame = ethernet(sent, mac, 0, ETH_P_ARP);
	const uint8_t head[14] = {0, 1, 8, 0, 6, 4, 0, 1}, none[6] = {0};

	put(&frame, head, sizeof(head));
	put(&frame, sender, 4);
	put(&frame, none, 6);
	put(&frame, target, 4);
	return frame;
}

/* type 0: no ICMPv6, else a message with a target. */
static struct made ipv6(bool sent, const uint8_t mac[6], const uint8_t other[16], uint8_t type,
			const uint8_t target[16])
{
	struct made frame = ethernet(sent, mac, 0, ETH_P_IPV6);
	const uint8_t head[8] = {0x60, 0, 0, 0, 0, 24, type ? 58 : 17, 255}, own[16] = IP6(5);
	const uint8_t icmp[8] = {type};

	put(&frame, head, sizeof(head));
	put(&frame, sent ? own : other, 16);
	put(&frame, sent ? other : own, 16);
	put(&frame, icmp, sizeof(icmp));
	if (target)
		put(&frame, target, 16);
	return frame;
}

static uint32_t verdict(bool sent, struct made frame)
{
	struct shot shot = {.from = sent ? 0 : five, .to = five, .frame = frame.b, .length = 100};

	return ports_run(policy->prog[sent ? POLICY_OUT : POLICY_IN], &shot);
}

static const uint8_t six_mac[6] = MAC_6, other_mac[6] = MAC_OTHER;
static const uint8_t all_mac[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t own4[4] = IP4(5), six4[4] = IP4(6), seven4[4] = IP4(7), other4[4] = IP4(99);
static const uint8_t in_prefix[4] = {10, 0, 1, 77}, seven6[16] = IP6(7), other6[16] = IP6(99);
static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 7}, group6[16] = {0xff, 2, [15] = 1};

static void test_addresses(void **state)
{
	NEEDS_BPF(state);
	cut(7, 0);
	for (int sent = 0; sent <= 1; sent++) {
		assert_int_equal(verdict(sent, ipv4(sent, other_mac, 0, seven4)), DROP);
		assert_int_equal(verdict(sent, ipv4(sent, other_mac, 200, seven4)), DROP);
		assert_int_equal(verdict(sent, ipv4(sent, other_mac, 0, in_prefix)), DROP);
		assert_int_equal(verdict(sent, ipv6(sent, other_mac, seven6, 0, NULL)), DROP);
		assert_int_equal(verdict(sent, ipv4(sent, other_mac, 0, other4)), PASS);
		assert_int_equal(verdict(sent, ipv4(sent, six_mac, 0, six4)), PASS);
		assert_int_equal(verdict(sent, ipv6(sent, other_mac, other6, 0, NULL)), PASS);
	}
}

/* The MAC address decides: a frame to a node that routes it on is a frame to that node. */
static void test_macs(void **state)
{
	NEEDS_BPF(state);
	cut(6, 0);
	for (int sent = 0; sent <= 1; sent++) {
		assert_int_equal(verdict(sent, ethernet(sent, six_mac, 0, 0x88b5)), DROP);
		assert_int_equal(verdict(sent, ipv4(sent, six_mac, 0, other4)), DROP);
		assert_int_equal(verdict(sent, ipv4(sent, six_mac, 0, seven4)), DROP);
		assert_int_equal(verdict(sent, ipv4(sent, other_mac, 0, six4)), DROP);
		assert_int_equal(verdict(sent, ethernet(sent, other_mac, 0, 0x88b5)), PASS);
	}
}

static void test_resolving(void **state)
{
	NEEDS_BPF(state);
	cut(7, 0);
	assert_int_equal(verdict(true, arp(true, all_mac, own4, seven4)), DROP);
	assert_int_equal(verdict(true, arp(true, all_mac, own4, six4)), PASS);
	assert_int_equal(verdict(true, arp(true, all_mac, own4, other4)), PASS);
	assert_int_equal(verdict(true, ipv6(true, all_mac, group6, 135, seven6)), DROP);
	assert_int_equal(verdict(true, ipv6(true, all_mac, group6, 135, other6)), PASS);
	assert_int_equal(verdict(false, arp(false, other_mac, other4, own4)), PASS);
	assert_int_equal(verdict(false, arp(false, other_mac, seven4, own4)), DROP);
	assert_int_equal(verdict(false, ipv6(false, other_mac, link_local, 136, seven6)), DROP);
}

static void test_learning(void **state)
{
	const uint8_t router[6] = {2, 0, 0, 0, 0, 1};

	NEEDS_BPF(state);
	cut(7, 0);
	assert_int_equal(verdict(true, ethernet(true, other_mac, 0, 0x88b5)), PASS);
	assert_int_equal(verdict(false, arp(false, other_mac, seven4, own4)), DROP);
	assert_int_equal(verdict(true, ethernet(true, other_mac, 0, 0x88b5)), DROP);
	assert_int_equal(verdict(false, ipv6(false, other_mac, link_local, 0, NULL)), DROP);
	/* Known still after the topology is written again, but not without the node. */
	assert_int_equal(policy_put_peers(policy, peers, sizeof(peers) / sizeof(peers[0]), NULL),
			 0);
	assert_int_equal(verdict(true, ethernet(true, other_mac, 0, 0x88b5)), DROP);
	/* A router that answers for several nodes has the address of none. */
	assert_int_equal(verdict(false, arp(false, router, seven4, own4)), DROP);
	assert_int_equal(verdict(false, arp(false, router, six4, own4)), PASS);
	assert_int_equal(verdict(true, ethernet(true, router, 0, 0x88b5)), PASS);
	assert_int_equal(verdict(true, ipv4(true, router, 0, seven4)), DROP);
	/* What the topology says is not learned anew. */
	assert_int_equal(verdict(false, arp(false, six_mac, seven4, own4)), PASS);
	assert_int_equal(verdict(true, ethernet(true, six_mac, 0, 0x88b5)), PASS);
}

static void test_everyone(void **state)
{
	NEEDS_BPF(state);
	cut(7, 0);
	assert_int_equal(verdict(true, ethernet(true, all_mac, 0, 0x88b5)), PASS);
	assert_int_equal(verdict(true, arp(true, all_mac, own4, own4)), PASS);
	cut(6, 7);
	assert_int_equal(verdict(true, ethernet(true, all_mac, 0, 0x88b5)), DROP);
	assert_int_equal(verdict(true, ipv6(true, all_mac, group6, 0, NULL)), DROP);
	/* An ARP announcement is for everyone, a request only for the node that it asks for. */
	assert_int_equal(verdict(true, arp(true, all_mac, own4, own4)), DROP);
	assert_int_equal(verdict(true, arp(true, all_mac, own4, other4)), PASS);
	assert_int_equal(verdict(true, ipv4(true, other_mac, 0, other4)), PASS);
}

/* While packets are held, the program at the IFB judges what is received, not ns_in. */
static void test_held(void **state)
{
	struct policy_change change;
	struct made frame = ipv4(false, other_mac, 0, seven4);
	struct shot shot = {.from = five, .to = six, .frame = frame.b, .length = 100};

	NEEDS_BPF(state);
	cut(7, 0);
	assert_int_equal(ports_run(policy->prog[POLICY_IN_HOLD], &shot), PASS);
	policy_begin(policy, &change);
	change.slot->flags |= PORT_FLAG_HELD;
	policy_commit(policy);
	assert_int_equal(verdict(false, frame), PASS);
	assert_int_equal(ports_run(policy->prog[POLICY_IN_HOLD], &shot), DROP);
	policy_begin(policy, &change);
	change.slot->flags &= ~(uint32_t)PORT_FLAG_HELD;
	policy_commit(policy);
}

/* The marks of other programs stay, such as those by which they forward packets. */
static void test_mark(void **state)
{
	struct made frame = ipv4(false, other_mac, 0, other4);
	struct shot shot = {
		.from = five, .to = five, .mark = 0x4000, .frame = frame.b, .length = 100};

	NEEDS_BPF(state);
	assert_int_equal(ports_run(policy->prog[POLICY_IN], &shot), PASS);
	assert_int_equal(shot.mark, 0x4000);
	assert_int_equal(ports_run(policy->prog[POLICY_OUT], &shot), PASS);
	assert_int_equal(shot.mark, 0x4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_addresses, reset),
		cmocka_unit_test_setup(test_macs, reset),
		cmocka_unit_test_setup(test_resolving, reset),
		cmocka_unit_test_setup(test_learning, reset),
		cmocka_unit_test_setup(test_everyone, reset),
		cmocka_unit_test_setup(test_held, reset),
		cmocka_unit_test_setup(test_mark, reset),
	};

	return cmocka_run_group_tests(tests, set_up, ports_tear_down);
}
