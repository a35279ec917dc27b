// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures the time that a fleet's ns_port takes per packet, without the network around it.
 *
 *   cost [-h] [-n RUNS] ID        runs program ID on generated packets
 *   cost -w SECONDS ID            measures program ID on the traffic that passes
 *
 * The first form prints "same NS", for RUNS packets of one pair, "each NS", for RUNS packets
 * of random pairs, and "pairs COUNT". The pairs are those with conditions, or neighbours if
 * there are none. The ports are devices of the present namespace. -h first sets delay 1 ms,
 * jitter 0.1 ms and rate 40 gbit/s for all conditions, by writing to the maps: the program
 * computes departures even if there is no fq that could hold packets.
 *
 * The second form prints "seen NS", or "seen -" if no packet passed.
 *
 * All times are per packet, less the time of an empty program.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/port.h"

#define MAX_MAPS  32
#define MAX_PAIRS (1 << 18)

struct pair {
	uint32_t from, to; /* ifindexes of their ports */
};

static struct pair pairs[MAX_PAIRS];
static uint32_t pair_count;
static struct port_key keys[MAX_PAIRS]; /* of all conditions */
static uint32_t key_count;
static uint32_t port_of[PORT_NODES]; /* ifindex */
static uint32_t ports[PORT_LINKS], port_count;

static void die(const char *what)
{
	fprintf(stderr, "cost: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* --- the program's maps */

static int map_of(const struct bpf_prog_info *prog, const char *name)
{
	const uint32_t *ids = (const uint32_t *)(uintptr_t)prog->map_ids;

	for (uint32_t i = 0; i < prog->nr_map_ids; i++) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
			die("map");
		if (strcmp(info.name, name) == 0)
			return fd;
		close(fd);
	}
	errno = ENOENT;
	die(name);
	return -1;
}

static void read_ports(int ports_fd, int links_fd)
{
	uint32_t ifindex, link, *last = NULL;

	while (bpf_map_get_next_key(ports_fd, last, &ifindex) == 0) {
		struct port_link entry;

		last = &ifindex;
		if (bpf_map_lookup_elem(ports_fd, &ifindex, &link) < 0 || link == 0 ||
		    bpf_map_lookup_elem(links_fd, &link, &entry) < 0)
			continue;
		port_of[entry.node % PORT_NODES] = ifindex;
		ports[port_count++ % PORT_LINKS] = ifindex;
	}
	if (port_count < 2) {
		errno = ENODEV;
		die("two ports");
	}
}

/* Reads all keys before any change: a replaced entry would be iterated again. */
static void read_pairs(int conditions_fd)
{
	struct port_key key, *last = NULL;

	while (bpf_map_get_next_key(conditions_fd, last, &key) == 0) {
		last = &key;
		if (key_count < MAX_PAIRS)
			keys[key_count++] = key;
		if (key.hop == PORT_HOP_PATH && key.from < PORT_NODES && key.to < PORT_NODES &&
		    port_of[key.from] && port_of[key.to] && pair_count < MAX_PAIRS)
			pairs[pair_count++] = (struct pair) {port_of[key.from], port_of[key.to]};
	}
}

static void take_neighbours(void)
{
	for (uint32_t i = 0; i < port_count; i++)
		pairs[pair_count++] = (struct pair) {ports[i], ports[(i + 1) % port_count]};
}

static void hold_pairs(int conditions_fd, int control_fd)
{
	struct port_control control;
	uint32_t zero = 0;

	for (uint32_t i = 0; i < key_count; i++) {
		struct port_conditions c;

		if (bpf_map_lookup_elem(conditions_fd, &keys[i], &c) < 0)
			continue;
		c.has |= PORT_HAS_DELAY | PORT_HAS_JITTER | PORT_HAS_RATE;
		c.delay = 1000000;
		c.jitter = 100000;
		c.rate = 5000000000;
		c.queue = 1000000000;
		bpf_map_update_elem(conditions_fd, &keys[i], &c, BPF_EXIST);
	}
	if (bpf_map_lookup_elem(control_fd, &zero, &control) < 0)
		die("ns_control");
	control.slot[0].flags |= PORT_FLAG_HELD;
	control.slot[1].flags |= PORT_FLAG_HELD;
	bpf_map_update_elem(control_fd, &zero, &control, BPF_ANY);
}

/* --- test runs */

struct __attribute__((packed)) frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t rest[ETH_ZLEN - sizeof(struct ethhdr) - sizeof(struct iphdr) -
		     sizeof(struct udphdr)];
};

/* Returns the mean time of count runs on one packet, in ns. */
static uint32_t run(int prog, const struct pair *pair, uint32_t count)
{
	struct frame frame = {
		.eth = {.h_dest = {2, 0, 0, 0, 0, 1}, .h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP},
		.udp = {.source = htons(40000), .dest = htons(40001)},
	};
	struct __sk_buff in = {.ifindex = pair->to, .ingress_ifindex = pair->from};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame, .data_size_in = sizeof(frame),
		    .ctx_in = &in, .ctx_size_in = sizeof(in), .repeat = (int)count);

	if (bpf_prog_test_run_opts(prog, &opts) < 0)
		die("test run");
	return opts.duration;
}

/* xorshift64 with a fixed seed, so that every run uses the same pairs. */
static uint32_t any(uint32_t below)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) * below >> 32);
}

static struct pair any_pair(void)
{
	return pairs[any(pair_count)];
}

/* The first packet of a pair creates its state and its counters. */
static void visit_all(int prog)
{
	for (uint32_t i = 0; i < pair_count; i++)
		run(prog, &pairs[i], 1);
}

static double each(int prog, uint32_t runs)
{
	double sum = 0;

	for (uint32_t i = 0; i < runs; i++) {
		struct pair pair = any_pair();

		sum += run(prog, &pair, 1);
	}
	return sum / runs;
}

static int load_empty(void)
{
	struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "empty", "GPL", code, 2, NULL);

	if (fd < 0)
		die("empty program");
	return fd;
}

static void measure(int prog, uint32_t runs)
{
	struct pair pair = pairs[0];
	int empty = load_empty();

	visit_all(prog);
	printf("same %.1f\n", (double)run(prog, &pair, runs) - run(empty, &pair, runs));
	printf("each %.1f\n", each(prog, runs) - each(empty, runs));
	printf("pairs %u\n", pair_count);
}

/* --- live traffic */

struct count {
	uint64_t runs, ns;
};

static struct count counted(int prog)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog, &info, &size) < 0)
		die("program");
	return (struct count) {info.run_cnt, info.run_time_ns};
}

static double mean(struct count before, struct count after)
{
	return (double)(after.ns - before.ns) / (double)(after.runs - before.runs);
}

static void watch(int prog, double seconds)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), empty = load_empty();
	struct pair none = {1, 1};
	struct count before, after, idle;

	if (stats < 0)
		die("statistics");
	idle = counted(empty);
	run(empty, &none, 100000);
	before = counted(prog);
	usleep((useconds_t)(seconds * 1e6));
	after = counted(prog);
	if (after.runs == before.runs)
		puts("seen -");
	else
		printf("seen %.1f\n", mean(before, after) - mean(idle, counted(empty)));
	close(stats);
}

int main(int argc, char **argv)
{
	static uint32_t ids[MAX_MAPS];
	struct bpf_prog_info info = {.map_ids = (uintptr_t)ids, .nr_map_ids = MAX_MAPS};
	uint32_t size = sizeof(info), runs = 20000;
	double seconds = 0;
	bool hold = false;
	int c, prog, conditions;

	while ((c = getopt(argc, argv, "hn:w:")) != -1) {
		if (c == 'h')
			hold = true;
		else if (c == 'n')
			runs = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'w')
			seconds = strtod(optarg, NULL);
		else
			return 2;
	}
	if (optind + 1 != argc || runs == 0)
		return 2;
	prog = bpf_prog_get_fd_by_id((uint32_t)strtoul(argv[optind], NULL, 10));
	if (prog < 0 || bpf_obj_get_info_by_fd(prog, &info, &size) < 0)
		die("program");
	if (seconds > 0) {
		watch(prog, seconds);
		return 0;
	}
	conditions = map_of(&info, "ns_conditions");
	read_ports(map_of(&info, "ns_ports"), map_of(&info, "ns_links"));
	read_pairs(conditions);
	if (pair_count == 0)
		take_neighbours();
	if (hold)
		hold_pairs(conditions, map_of(&info, "ns_control"));
	measure(prog, runs);
	return 0;
}
