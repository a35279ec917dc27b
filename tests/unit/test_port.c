// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Partitions in the eBPF programs at the ports, run by BPF_PROG_TEST_RUN in a network
 * namespace with two veth pairs. Skipped if eBPF or namespaces are not permitted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>

#include "netsim/policy/bits.h"
#include "tests/unit/ports.h"

#define STRANGER 999 /* an ifindex that is no port */

/* Before each test: heals all partitions. */
static int heal(void **state)
{
	(void)state;
	if (ports_ready)
		ports_heal(NULL, 0);
	return 0;
}

struct packet {
	uint32_t from, to, mark;
	uint16_t type; /* EtherType */
};

static uint32_t run(int prog, const struct packet *packet, uint32_t *ret_mark)
{
	uint8_t frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	struct __sk_buff in = {
		.mark = packet->mark, .ifindex = packet->to, .ingress_ifindex = packet->from};
	struct __sk_buff out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .ctx_out = &out,
		    .ctx_size_out = sizeof(out));
	uint16_t type = htons(packet->type ? packet->type : ETH_P_IP);

	memcpy(frame + 12, &type, sizeof(type));
	assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
	if (ret_mark)
		*ret_mark = out.mark;
	return opts.retval;
}

static uint32_t verdict(uint32_t from, uint32_t to)
{
	return run(policy->prog[POLICY_PORT], &(struct packet) {from, to}, NULL);
}

static uint32_t cut(enum port_fault_kind kind, uint16_t a, uint16_t b, uint64_t deadline)
{
	struct policy_group groups[] = {{&a, 1}, {&b, 1}};
	uint32_t id;

	assert_int_equal(policy_partition(policy,
					  &(struct policy_cut) {kind, groups, 2, deadline, NULL},
					  &id, NULL),
			 0);
	return id;
}

static void test_cut(void **state)
{
	uint32_t id;

	NEEDS_BPF(state);
	assert_int_equal(verdict(five, six), PASS);
	id = cut(PORT_FAULT_GROUPS, 5, 6, 0);
	assert_int_equal(verdict(five, six), DROP);
	assert_int_equal(verdict(six, five), DROP);
	assert_int_equal(verdict(five_too, six), DROP);
	assert_int_equal(verdict(six, five_too), DROP);
	assert_int_equal(verdict(STRANGER, six), PASS);
	ports_heal(&id, 1);
	assert_int_equal(verdict(five, six), PASS);
	assert_int_equal(verdict(six, five), PASS);
}

static void test_one_way(void **state)
{
	NEEDS_BPF(state);
	cut(PORT_FAULT_ONE_WAY, 5, 6, 0);
	assert_int_equal(verdict(five, six), DROP);
	assert_int_equal(verdict(six, five), PASS);
}

/* A one-way cut lets ARP pass, unless `l2` is set; other partitions never do. */
static void test_resolving(void **state)
{
	static const struct {
		enum port_fault_kind kind;
		bool l2;
		uint32_t arp;
	} rows[] = {{PORT_FAULT_ONE_WAY, false, PASS},
		    {PORT_FAULT_ONE_WAY, true, DROP},
		    {PORT_FAULT_GROUPS, false, DROP},
		    {PORT_FAULT_ISOLATE, false, DROP}};
	struct packet arp = {five, six, .type = ETH_P_ARP}, other = {five, six, .type = ETH_P_LLDP};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint16_t a[] = {5}, b[] = {6}, both[] = {5, 6};
		const struct policy_group apart[] = {{a, 1}, {b, 1}}, one[] = {{both, 2}};
		bool isolate = rows[i].kind == PORT_FAULT_ISOLATE;
		uint32_t id;

		ports_heal(NULL, 0);
		assert_int_equal(
			policy_partition(policy,
					 &(struct policy_cut) {.kind = rows[i].kind,
							       .groups = isolate ? one : apart,
							       .group_count = isolate ? 1 : 2,
							       .l2 = rows[i].l2},
					 &id, NULL),
			0);
		assert_int_equal(run(policy->prog[POLICY_PORT], &other, NULL), DROP);
		assert_int_equal(run(policy->prog[POLICY_PORT], &arp, NULL), rows[i].arp);
	}
}

/* Drops are counted at two links: where the packet came from, and where it would have gone. */
static void test_link_drops(void **state)
{
	uint64_t before, other, there;

	NEEDS_BPF(state);
	ports_heal(NULL, 0);
	cut(PORT_FAULT_GROUPS, 5, 6, 0);
	before = policy_link_entry(policy, LINK_5_TOO)->cut;
	other = policy_link_entry(policy, LINK_5)->cut;
	there = policy_link_entry(policy, LINK_6)->cut;
	assert_int_equal(verdict(five_too, six), DROP);
	assert_int_equal(policy_link_entry(policy, LINK_5_TOO)->cut, before + 1);
	assert_int_equal(policy_link_entry(policy, LINK_5)->cut, other);
	assert_int_equal(policy_link_entry(policy, LINK_6)->cut, there + 1);
	assert_int_equal(policy_link_entry(policy, LINK_6)->lost, 0);
}

/* Partitions drop frames of all protocols, also ARP. */
static void test_protocols(void **state)
{
	static const uint16_t types[] = {ETH_P_IP,     ETH_P_ARP,  ETH_P_IPV6, ETH_P_8021Q,
					 ETH_P_8021AD, ETH_P_LLDP, ETH_P_PAE,  0x88b5};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct packet packet = {five, six, .type = types[i]};

		ports_heal(NULL, 0);
		assert_int_equal(run(policy->prog[POLICY_PORT], &packet, NULL), PASS);
		cut(PORT_FAULT_GROUPS, 5, 6, 0);
		assert_int_equal(run(policy->prog[POLICY_PORT], &packet, NULL), DROP);
	}
}

/* A node with two ports always reaches itself. */
static void test_same_node(void **state)
{
	uint16_t both[] = {5, 6};
	struct policy_group group = {both, 2};
	uint32_t id;

	NEEDS_BPF(state);
	assert_int_equal(
		policy_partition(policy,
				 &(struct policy_cut) {PORT_FAULT_ISOLATE, &group, 1, 0, NULL}, &id,
				 NULL),
		0);
	assert_int_equal(verdict(five, five_too), PASS);
	assert_int_equal(verdict(five, six), DROP);
	assert_int_equal(verdict(six, five_too), DROP);
}

/* A device that is no port counts as the host, as source and as destination. */
static void test_host(void **state)
{
	NEEDS_BPF(state);
	cut(PORT_FAULT_GROUPS, 5, POLICY_HOST, 0);
	assert_int_equal(verdict(STRANGER, five), DROP);
	assert_int_equal(verdict(0, five), DROP);
	assert_int_equal(verdict(STRANGER, six), PASS);
	assert_int_equal(verdict(five, 1), DROP); /* lo */
	assert_int_equal(verdict(six, 1), PASS);
}

static void test_deadline(void **state)
{
	uint64_t deadline;
	bool dropped = false;

	NEEDS_BPF(state);
	cut(PORT_FAULT_GROUPS, 5, 6, policy_now() - 1);
	assert_int_equal(verdict(five, six), PASS);
	cut(PORT_FAULT_GROUPS, 5, 6, policy_now() + 3600 * SECOND);
	assert_int_equal(verdict(five, six), DROP);
	/* an expired partition does not end another between the same nodes */
	cut(PORT_FAULT_GROUPS, 5, 6, policy_now() - 1);
	assert_int_equal(verdict(five, six), DROP);
	ports_heal(NULL, 0);
	/* it ends at its deadline, not before */
	deadline = policy_now() + SECOND / 5;
	cut(PORT_FAULT_GROUPS, 5, 6, deadline);
	while (verdict(five, six) == DROP) {
		dropped = true;
		assert_true(policy_now() < deadline + 5 * SECOND);
	}
	assert_true(policy_now() >= deadline);
	assert_true(dropped);
	assert_true(policy_reaches(policy, 5, 6));
}

/* Each of the bits, with and without its deadline passed. */
static void test_bits(void **state)
{
	NEEDS_BPF(state);
	for (int bit = 0; bit < PORT_BITS; bit++) {
		uint32_t active = policy->control->active & 1;
		struct port_node *nodes = policy->nodes + active * PORT_NODES;
		__u64 *deadline = &policy->control->slot[active].deadline[bit];

		bits_set(&nodes[5].member, bit);
		bits_set(&nodes[6].cut, bit);
		*deadline = 0;
		policy->control->slot[active].words = (uint32_t)bit / 64 + 1;
		assert_int_equal(verdict(five, six), DROP);
		assert_int_equal(verdict(six, five), PASS);
		*deadline = 1;
		assert_int_equal(verdict(five, six), PASS);
		memset(&nodes[6].cut, 0xff, sizeof(nodes[6].cut));
		bits_clear(&nodes[6].cut, bit);
		*deadline = 0;
		assert_int_equal(verdict(five, six), PASS);
		memset(&nodes[5].member, 0, sizeof(nodes[5].member));
		memset(&nodes[6].cut, 0, sizeof(nodes[6].cut));
	}
}

/* One store switches to the nodes and deadlines of the other policy. */
static void test_flip(void **state)
{
	struct port_control *control = policy->control;

	NEEDS_BPF(state);
	bits_set(&policy->nodes[5].member, 0);
	bits_set(&policy->nodes[6].cut, 0);
	bits_set(&policy->nodes[PORT_NODES + 6].member, 1);
	bits_set(&policy->nodes[PORT_NODES + 5].cut, 1);
	control->slot[0].words = control->slot[1].words = 1;
	control->slot[0].deadline[0] = 0;
	control->slot[0].deadline[1] = 1;
	control->slot[1].deadline[0] = 1;
	control->slot[1].deadline[1] = 0;
	for (uint32_t active = 0; active < 5; active++) {
		__atomic_store_n(&control->active, active, __ATOMIC_RELEASE);
		assert_int_equal(verdict(five, six), active & 1 ? PASS : DROP);
		assert_int_equal(verdict(six, five), active & 1 ? DROP : PASS);
		assert_int_equal(policy_reaches(policy, 5, 6), active & 1);
		assert_int_equal(policy_reaches(policy, 6, 5), !(active & 1));
	}
	memset(policy->nodes, 0, 2 * PORT_NODES * sizeof(*policy->nodes));
	memset(control, 0, sizeof(*control));
}

/* Packets, bytes and drops are counted for each direction of a pair. */
static void test_traffic(void **state)
{
	struct port_traffic there, back, stranger, after;

	NEEDS_BPF(state);
	there = ports_traffic(5, 6, -1);
	back = ports_traffic(6, 5, -1);
	stranger = ports_traffic(POLICY_HOST, POLICY_HOST, -1);
	verdict(five, six);
	cut(PORT_FAULT_ONE_WAY, 5, 6, 0);
	verdict(five, six);
	verdict(five_too, six);
	verdict(six, five);
	verdict(STRANGER, 1);
	after = ports_traffic(5, 6, -1);
	assert_int_equal(after.packets - there.packets, 1);
	assert_int_equal(after.bytes - there.bytes, 64);
	assert_int_equal(after.dropped[PORT_DROP_CUT] - there.dropped[PORT_DROP_CUT], 2);
	assert_int_equal(after.dropped[PORT_DROP_DOWN], there.dropped[PORT_DROP_DOWN]);
	after = ports_traffic(6, 5, -1);
	assert_int_equal(after.packets - back.packets, 1);
	assert_int_equal(after.dropped[PORT_DROP_CUT], back.dropped[PORT_DROP_CUT]);
	after = ports_traffic(POLICY_HOST, POLICY_HOST, -1);
	assert_int_equal(after.packets - stranger.packets, 1);
}

static void test_stamp(void **state)
{
	uint32_t mark;

	NEEDS_BPF(state);
	assert_int_equal(run(policy->prog[POLICY_STAMP], &(struct packet) {0, five}, &mark), PASS);
	assert_int_equal(mark, PORT_MARK | LINK_5);
	assert_int_equal(run(policy->prog[POLICY_STAMP], &(struct packet) {0, six, 0x1234}, &mark),
			 PASS);
	assert_int_equal(mark, PORT_MARK | LINK_6);
	assert_int_equal(run(policy->prog[POLICY_STAMP], &(struct packet) {0, 1}, &mark), PASS);
	assert_int_equal(mark, 0); /* a port that no node has is not the host */
}

/* On a closed network, frames from ports that no node has are dropped and counted. */
static void test_unclaimed(void **state)
{
	const struct packet stranger = {STRANGER, six}, host = {0, six}, known = {five, six};
	struct port_link *link = &policy->links[LINK_6];

	NEEDS_BPF(state);
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), PASS);
	link->closed = 1;
	memset(link->bridge, 0xee, sizeof(link->bridge));
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), DROP);
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), DROP);
	assert_int_equal(link->unclaimed, 2);
	assert_int_equal(run(policy->prog[POLICY_PORT], &host, NULL), PASS);
	assert_int_equal(run(policy->prog[POLICY_PORT], &known, NULL), PASS);
	/* Frames that the host routes have the bridge's MAC address as source. */
	memcpy(link->bridge, (uint8_t[]) {2, 0, 0, 0, 0, 2}, sizeof(link->bridge));
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), PASS);
	assert_int_equal(link->unclaimed, 2);
	/* Beside a routed network, it must have come in by a known interface, too. */
	link->knows_host = 1;
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), DROP);
	assert_int_equal(run(policy->prog[POLICY_PORT], &host, NULL), PASS);
	link->closed = 0;
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), DROP);
	link->bridge[0] = 0xee;
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), PASS);
	link->closed = 1;
	/*
	 * On a routed network all frames have the port's address; ns_ports has the host's
	 * interfaces.
	 */
	link->routed = 1;
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), DROP);
	assert_int_equal(bpf_map_update_elem(policy->map[POLICY_PORTS], &(uint32_t) {STRANGER},
					     &(uint32_t) {POLICY_HOST}, BPF_ANY),
			 0);
	assert_int_equal(run(policy->prog[POLICY_PORT], &stranger, NULL), PASS);
	assert_int_equal(bpf_map_delete_elem(policy->map[POLICY_PORTS], &(uint32_t) {STRANGER}), 0);
	assert_int_equal(run(policy->prog[POLICY_PORT], &host, NULL), PASS);
	assert_int_equal(run(policy->prog[POLICY_PORT], &known, NULL), PASS);
	assert_int_equal(link->unclaimed, 5);
	link->knows_host = 0;
	link->routed = 0;
	link->closed = 0;
	link->unclaimed = 0;
}

/* The mark gives the source of a packet, and is cleared when it reaches its node. */
static void test_stamped(void **state)
{
	struct packet packet = {STRANGER, six, PORT_MARK | LINK_5};
	uint32_t mark;

	NEEDS_BPF(state);
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, &mark), PASS);
	assert_int_equal(mark, 0);
	cut(PORT_FAULT_GROUPS, 5, 6, 0);
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, NULL), DROP);
	packet.mark = PORT_MARK | LINK_7;
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, NULL), PASS);
	/* the mark takes precedence over the ingress port */
	packet = (struct packet) {five, six, PORT_MARK | LINK_7};
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, NULL), PASS);
	/* foreign marks are ignored and kept */
	packet = (struct packet) {five, six, 0x6e720005};
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, &mark), DROP);
	assert_int_equal(mark, 0x6e720005);
	packet = (struct packet) {STRANGER, six, 5};
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, &mark), PASS);
	assert_int_equal(mark, 5);
	packet = (struct packet) {STRANGER, six, PORT_MARK | 0xffff};
	assert_int_equal(run(policy->prog[POLICY_PORT], &packet, &mark), PASS);
}

static void test_to_the_host(void **state)
{
	struct packet packet = {0, five, PORT_MARK | LINK_5};
	uint32_t mark;

	NEEDS_BPF(state);
	assert_int_equal(run(policy->prog[POLICY_HOST_IN], &packet, NULL), PASS);
	cut(PORT_FAULT_GROUPS, 5, POLICY_HOST, 0);
	assert_int_equal(run(policy->prog[POLICY_HOST_IN], &packet, NULL), DROP);
	packet.mark = PORT_MARK | LINK_6;
	assert_int_equal(run(policy->prog[POLICY_HOST_IN], &packet, NULL), PASS);
	packet.mark = 0; /* not from a port of the fleet */
	assert_int_equal(run(policy->prog[POLICY_HOST_IN], &packet, &mark), PASS);
	packet.mark = 5;
	assert_int_equal(run(policy->prog[POLICY_HOST_IN], &packet, &mark), PASS);
	assert_int_equal(mark, 5);
}

#define TEST(name) cmocka_unit_test_setup(name, heal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cut),	      TEST(test_one_way),    TEST(test_protocols),
		TEST(test_resolving), TEST(test_link_drops), TEST(test_same_node),
		TEST(test_host),      TEST(test_deadline),   TEST(test_bits),
		TEST(test_flip),      TEST(test_traffic),    TEST(test_stamp),
		TEST(test_stamped),   TEST(test_unclaimed),  TEST(test_to_the_host),
	};

	return cmocka_run_group_tests_name("port", tests, ports_set_up, ports_tear_down);
}
