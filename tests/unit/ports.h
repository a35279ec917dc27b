/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixture for tests of the eBPF programs at the ports: loads the programs, creates
 * devices in a network namespace, and runs frames through BPF_PROG_TEST_RUN.
 * ports_ready is false if eBPF or namespaces are not permitted.
 */
#ifndef TESTS_UNIT_PORTS_H
#define TESTS_UNIT_PORTS_H

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include "netsim/kernel/link.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"

#define PASS   ((uint32_t)TC_ACT_UNSPEC)
#define DROP   ((uint32_t)TC_ACT_SHOT)
#define SECOND 1000000000ULL
#define MS     1000000ULL

#define NEEDS_BPF(state)          \
	do {                      \
		(void)state;      \
		if (!ports_ready) \
			skip();   \
	} while (0)

/* Link numbers. Node 5 has two ports, nodes 6 and 7 one each. */
enum { LINK_5 = 15, LINK_6 = 16, LINK_5_TOO = 25, LINK_7 = 17 };

static struct policy *policy;
static uint32_t five, six, five_too, seven;
static bool ports_ready;

static int ports_make_links(void)
{
	struct link one = {.name = "p5", .peer = "p6"}, two = {.name = "p5b", .peer = "p7"};
	auto_close int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct rtnl *rt = NULL;
	int r = rtnl_open(&rt, NULL);

	if (r < 0 || fd < 0)
		return -1;
	link_add_veth(rt, &one, fd, "test");
	link_add_veth(rt, &two, fd, "test");
	r = rtnl_send(rt, NULL);
	rtnl_close(rt);
	five = if_nametoindex("p5");
	six = if_nametoindex("p6");
	five_too = if_nametoindex("p5b");
	seven = if_nametoindex("p7");
	return r;
}

static void ports_set(uint32_t ifindex, uint32_t link, uint16_t node)
{
	assert_int_equal(bpf_map_update_elem(policy->map[POLICY_PORTS], &ifindex, &link, BPF_ANY),
			 0);
	policy->links[link].node = node;
	strcpy(policy->links[link].iface, "eth0");
}

/*
 * Loads the programs, bits of enum policy_prog, for the nodes five to seven, of which machine, if
 * not NULL, is this machine; five has its first port. Missing permissions skip the tests; any other
 * error, -1, fails them.
 */
static inline int ports_load(unsigned progs, const char *machine)
{
	struct netsim_err err = {0};
	int r;

	policy = policy_new();
	assert_non_null(policy);
	policy->machine = machine ? strdup(machine) : NULL;
	if (unshare(CLONE_NEWNET) < 0)
		return errno == EPERM ? 0 : -1;
	r = policy_load(policy, progs, &err);
	if (err.kind == NETSIM_ERR_ENV)
		return 0;
	if (r < 0 || ports_make_links() < 0 || policy_map_memory(policy, &err) < 0 ||
	    policy_prepare(policy, &err) < 0)
		return -1;
	ports_set(five, LINK_5, 5);
	policy->names[5] = "five";
	policy->names[6] = "six";
	policy->names[7] = "seven";
	ports_ready = true;
	return 0;
}

static inline int ports_set_up(void **state)
{
	int r = ports_load(POLICY_FOR_ALL, NULL);

	(void)state;
	if (r < 0 || !ports_ready)
		return r;
	ports_set(six, LINK_6, 6);
	ports_set(five_too, LINK_5_TOO, 5);
	ports_set(seven, LINK_7, 7);
	return 0;
}

static int ports_tear_down(void **state)
{
	(void)state;
	policy_close(policy);
	return 0;
}

static inline void ports_heal(const uint32_t *ids, size_t count)
{
	struct policy_change change;

	policy_begin(policy, &change);
	policy_end_faults(&change, ids, count);
	policy_commit(policy);
}

/* Returns the traffic of a class (-1: all) between two nodes. */
static inline struct port_traffic ports_traffic(int from, int to, int class)
{
	struct policy_traffic *list = NULL;
	struct port_traffic sum = {0};
	size_t count = 0;

	assert_int_equal(policy_read_traffic(policy, &list, &count), 0);
	for (size_t i = 0; i < count; i++) {
		if (list[i].from != from || list[i].to != to ||
		    (class >= 0 && list[i].class != class))
			continue;
		sum.packets += list[i].sum.packets;
		sum.bytes += list[i].sum.bytes;
		sum.copied += list[i].sum.copied;
		sum.corrupted += list[i].sum.corrupted;
		for (int d = 0; d < PORT_DROPS; d++)
			sum.dropped[d] += list[i].sum.dropped[d];
		for (int e = 0; e < PORT_EFFECTS; e++)
			sum.affected[e] += list[i].sum.affected[e];
	}
	free(list);
	return sum;
}

/* Empties a map, except for its overflow entry. */
static inline void ports_empty(enum policy_map map)
{
	struct port_key key, next;
	bool more = bpf_map_get_next_key(policy->map[map], NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(policy->map[map], &key, &next) == 0;
		if (key.from != PORT_ANY || key.to != PORT_ANY || key.class)
			bpf_map_delete_elem(policy->map[map], &key);
	}
}

/* A frame with its ingress and egress ifindex, and the result of running it. */
struct shot {
	uint32_t from, to, mark;
	uint64_t tstamp;
	uint32_t wire_len;
	uint32_t gso_size, gso_segs;
	uint32_t cb[2];
	uint8_t *frame;
	uint32_t length;
	uint64_t before, after; /* the clock before and after the run */
};

/* Runs a program on the frame; updates mark, tstamp and the frame. */
static inline uint32_t ports_run(int prog, struct shot *shot)
{
	struct __sk_buff in = {.mark = shot->mark,
			       .ifindex = shot->to,
			       .ingress_ifindex = shot->from,
			       .tstamp = shot->tstamp,
			       .wire_len = shot->wire_len,
			       .gso_size = shot->gso_size,
			       .gso_segs = shot->gso_segs,
			       .cb = {shot->cb[0], shot->cb[1]}};
	struct __sk_buff out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = shot->frame, .data_size_in = shot->length,
		    .data_out = shot->frame, .data_size_out = shot->length, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out));

	shot->before = policy_now();
	assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
	shot->after = policy_now();
	shot->mark = out.mark;
	shot->tstamp = out.tstamp;
	return opts.retval;
}

#endif
