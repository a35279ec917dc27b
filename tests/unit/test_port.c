// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The eBPF programs at the ports, run by the kernel on packets of our own, in a
 * namespace with three devices. Skipped where eBPF or namespaces are not allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netsim/auto.h"
#include "netsim/link.h"
#include "netsim/policy.h"

#define STRANGER 999 /* an ifindex that is no port */
#define PASS	 ((uint32_t)TC_ACT_UNSPEC)
#define DROP	 ((uint32_t)TC_ACT_SHOT)
#define SECOND	 1000000000ULL

/* Nodes 5 and 6 with a port each, and a second port of node 5. */
static struct policy *policy;
static uint32_t five, six, five_too;
static bool ready;

static int make_links(void)
{
	struct link one = {.name = "p5", .peer = "p6"}, two = {.name = "p5b", .peer = "other"};
	auto_close int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rt *rt = NULL;
	int r = rt_open(&rt, NULL);

	if (r < 0 || fd < 0)
		return -1;
	link_add_veth(rt, &one, fd, "test");
	link_add_veth(rt, &two, fd, "test");
	r = rt_send(rt, NULL);
	rt_close(rt);
	five = if_nametoindex("p5");
	six = if_nametoindex("p6");
	five_too = if_nametoindex("p5b");
	return r;
}

static void map_memory(void)
{
	policy->control = mmap(NULL, sizeof(*policy->control), PROT_READ | PROT_WRITE, MAP_SHARED,
			       policy->control_fd, 0);
	policy->nodes = mmap(NULL, 2 * PORT_NODES * sizeof(*policy->nodes), PROT_READ | PROT_WRITE,
			     MAP_SHARED, policy->nodes_fd, 0);
	assert_true(policy->control != MAP_FAILED && policy->nodes != MAP_FAILED);
}

static void set_port(uint32_t ifindex, uint32_t node)
{
	assert_int_equal(bpf_map_update_elem(policy->ports_fd, &ifindex, &node, BPF_ANY), 0);
}

/* Not being allowed to is a skip; whatever else fails is a failure. */
static int set_up(void **state)
{
	struct netsim_err err = {0};
	int r;

	(void)state;
	policy = calloc(1, sizeof(*policy));
	assert_non_null(policy);
	policy->port_prog = policy->stamp_prog = policy->host_prog = -1;
	policy->control_fd = policy->nodes_fd = policy->ports_fd = policy->counters_fd = -1;
	policy->control = MAP_FAILED;
	policy->nodes = MAP_FAILED;
	if (unshare(CLONE_NEWNET) < 0)
		return errno == EPERM ? 0 : -1;
	r = policy_load(policy, &err);
	if (err.kind == NETSIM_ERR_ENV)
		return 0;
	if (r < 0 || make_links() < 0)
		return -1;
	map_memory();
	set_port(five, 5);
	set_port(six, 6);
	set_port(five_too, 5);
	ready = true;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	policy_close(policy);
	return 0;
}

/* Before each test: nothing is cut. */
static int heal(void **state)
{
	(void)state;
	if (ready)
		policy_heal(policy, NULL, 0);
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
	return run(policy->port_prog, &(struct packet) {from, to}, NULL);
}

static uint32_t cut(enum port_fault_kind kind, uint16_t a, uint16_t b, uint64_t deadline)
{
	struct policy_group groups[] = {{&a, 1}, {&b, 1}};
	uint32_t id;

	assert_int_equal(policy_cut(policy, kind, groups, 2, deadline, &id, NULL), 0);
	return id;
}

static struct port_counters counters(int node)
{
	struct port_counters c;

	assert_int_equal(policy_counters(policy, node, &c), 0);
	return c;
}

#define NEEDS_BPF(state)        \
	do {                    \
		(void)state;    \
		if (!ready)     \
			skip(); \
	} while (0)

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
	policy_heal(policy, &id, 1);
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

/* Whatever a frame is, it is cut: also what resolves addresses. */
static void test_protocols(void **state)
{
	static const uint16_t types[] = {ETH_P_IP,     ETH_P_ARP,  ETH_P_IPV6, ETH_P_8021Q,
					 ETH_P_8021AD, ETH_P_LLDP, ETH_P_PAE,  0x88b5};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct packet packet = {five, six, .type = types[i]};

		policy_heal(policy, NULL, 0);
		assert_int_equal(run(policy->port_prog, &packet, NULL), PASS);
		cut(PORT_FAULT_GROUPS, 5, 6, 0);
		assert_int_equal(run(policy->port_prog, &packet, NULL), DROP);
	}
}

/* A node can always reach itself, through two ports. */
static void test_same_node(void **state)
{
	uint16_t both[] = {5, 6};
	struct policy_group group = {both, 2};
	uint32_t id;

	NEEDS_BPF(state);
	assert_int_equal(policy_cut(policy, PORT_FAULT_ISOLATE, &group, 1, 0, &id, NULL), 0);
	assert_int_equal(verdict(five, five_too), PASS);
	assert_int_equal(verdict(five, six), DROP);
	assert_int_equal(verdict(six, five_too), DROP);
}

/* What is no port is the host, as source and as destination. */
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
	/* one that is over does not end another between the same nodes */
	cut(PORT_FAULT_GROUPS, 5, 6, policy_now() - 1);
	assert_int_equal(verdict(five, six), DROP);
	policy_heal(policy, NULL, 0);
	/* it ends by itself, and not before */
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

/* Each of the 64 groups, with deadlines of its own. */
static void test_bits(void **state)
{
	NEEDS_BPF(state);
	for (int bit = 0; bit < PORT_BITS; bit++) {
		uint32_t active = policy->control->active & 1;
		struct port_node *nodes = policy->nodes + active * PORT_NODES;
		__u64 *deadline = &policy->control->slot[active].deadline[bit];

		nodes[5].member = 1ULL << bit;
		nodes[6].cut = 1ULL << bit;
		*deadline = 0;
		assert_int_equal(verdict(five, six), DROP);
		assert_int_equal(verdict(six, five), PASS);
		*deadline = 1;
		assert_int_equal(verdict(five, six), PASS);
		nodes[6].cut = ~(1ULL << bit);
		*deadline = 0;
		assert_int_equal(verdict(five, six), PASS);
		nodes[5].member = nodes[6].cut = 0;
	}
}

/* One store, and the other policy is in force: its nodes and its deadlines. */
static void test_flip(void **state)
{
	struct port_control *control = policy->control;

	NEEDS_BPF(state);
	policy->nodes[5].member = 1;
	policy->nodes[6].cut = 1;
	policy->nodes[PORT_NODES + 6].member = 2;
	policy->nodes[PORT_NODES + 5].cut = 2;
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

static void test_counters(void **state)
{
	struct port_counters host, a, b, after;

	NEEDS_BPF(state);
	host = counters(POLICY_HOST);
	a = counters(5);
	b = counters(6);
	verdict(five, six);
	cut(PORT_FAULT_ONE_WAY, 5, 6, 0);
	verdict(five, six);
	verdict(five, six);
	verdict(six, five);
	verdict(STRANGER, 1);
	after = counters(5);
	assert_int_equal(after.passed - a.passed, 1);
	assert_int_equal(after.dropped_from - a.dropped_from, 2);
	assert_int_equal(after.dropped_to - a.dropped_to, 0);
	after = counters(6);
	assert_int_equal(after.passed - b.passed, 1);
	assert_int_equal(after.dropped_from - b.dropped_from, 0);
	assert_int_equal(after.dropped_to - b.dropped_to, 2);
	after = counters(POLICY_HOST);
	assert_int_equal(after.passed - host.passed, 1);
	assert_int_equal(policy_counters(policy, PORT_NODES, &after), -ENOENT);
}

static void test_stamp(void **state)
{
	uint32_t mark;

	NEEDS_BPF(state);
	assert_int_equal(run(policy->stamp_prog, &(struct packet) {0, five}, &mark), PASS);
	assert_int_equal(mark, PORT_MARK | 5);
	assert_int_equal(run(policy->stamp_prog, &(struct packet) {0, six, 0x1234}, &mark), PASS);
	assert_int_equal(mark, PORT_MARK | 6);
	assert_int_equal(run(policy->stamp_prog, &(struct packet) {0, 1}, &mark), PASS);
	assert_int_equal(mark, PORT_MARK | POLICY_HOST);
}

/* The stamp says where a packet came from, and is gone when it reaches its node. */
static void test_stamped(void **state)
{
	struct packet packet = {STRANGER, six, PORT_MARK | 5};
	uint32_t mark;

	NEEDS_BPF(state);
	assert_int_equal(run(policy->port_prog, &packet, &mark), PASS);
	assert_int_equal(mark, 0);
	cut(PORT_FAULT_GROUPS, 5, 6, 0);
	assert_int_equal(run(policy->port_prog, &packet, NULL), DROP);
	packet.mark = PORT_MARK | 7;
	assert_int_equal(run(policy->port_prog, &packet, NULL), PASS);
	/* from the stamp even where the ingress port is another node's */
	packet = (struct packet) {five, six, PORT_MARK | 7};
	assert_int_equal(run(policy->port_prog, &packet, NULL), PASS);
	/* a mark of somebody else means nothing and stays */
	packet = (struct packet) {five, six, 0x6e720005};
	assert_int_equal(run(policy->port_prog, &packet, &mark), DROP);
	assert_int_equal(mark, 0x6e720005);
	packet = (struct packet) {STRANGER, six, 5};
	assert_int_equal(run(policy->port_prog, &packet, &mark), PASS);
	assert_int_equal(mark, 5);
	packet = (struct packet) {STRANGER, six, PORT_MARK | 0xffff};
	assert_int_equal(run(policy->port_prog, &packet, &mark), PASS);
}

static void test_to_the_host(void **state)
{
	struct packet packet = {0, five, PORT_MARK | 5};
	uint32_t mark;

	NEEDS_BPF(state);
	assert_int_equal(run(policy->host_prog, &packet, NULL), PASS);
	cut(PORT_FAULT_GROUPS, 5, POLICY_HOST, 0);
	assert_int_equal(run(policy->host_prog, &packet, NULL), DROP);
	packet.mark = PORT_MARK | 6;
	assert_int_equal(run(policy->host_prog, &packet, NULL), PASS);
	packet.mark = 0; /* not from a port of the fleet */
	assert_int_equal(run(policy->host_prog, &packet, &mark), PASS);
	packet.mark = 5;
	assert_int_equal(run(policy->host_prog, &packet, &mark), PASS);
	assert_int_equal(mark, 5);
}

#define TEST(name) cmocka_unit_test_setup(name, heal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cut),	      TEST(test_one_way), TEST(test_protocols),
		TEST(test_same_node), TEST(test_host),	  TEST(test_deadline),
		TEST(test_bits),      TEST(test_flip),	  TEST(test_counters),
		TEST(test_stamp),     TEST(test_stamped), TEST(test_to_the_host),
	};

	return cmocka_run_group_tests_name("port", tests, set_up, tear_down);
}
