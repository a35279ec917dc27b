/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes the policy of a fleet behind netsim's back, for tests.
 *
 *   meddle PROGRAM pair FROM TO delay|rate|loss NUMBER
 *   meddle PROGRAM flip
 *
 * PROGRAM is the id of the program at a port (see "tc filter show"), FROM and TO are
 * interface indices of ports. NUMBER is in ns, bytes/s, or units of 2^-32. flip
 * reactivates the policy that was in force before the last change.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/port.h"

#define MAPS 64

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "meddle: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Opens the map of a program that has this name. */
static int open_map(uint32_t program, const char *name)
{
	uint32_t ids[MAPS] = {0};
	struct bpf_prog_info info = {.nr_map_ids = MAPS, .map_ids = (uintptr_t)ids};
	union bpf_attr attr = {.prog_id = program};
	long fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	attr = (union bpf_attr) {.info = {(uint32_t)fd, sizeof(info), (uintptr_t)&info}};
	if (fd < 0 || bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		die("no such program");
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAPS; i++) {
		struct bpf_map_info map = {0};

		attr = (union bpf_attr) {.map_id = ids[i]};
		fd = bpf(BPF_MAP_GET_FD_BY_ID, &attr);
		attr = (union bpf_attr) {.info = {(uint32_t)fd, sizeof(map), (uintptr_t)&map}};
		if (fd >= 0 && bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
		    strcmp(map.name, name) == 0)
			return (int)fd;
	}
	errno = ENOENT;
	die(name);
}

/* Read and change the value of a key in a map of the program. */
static void get(uint32_t program, const char *map, const void *key, void *value)
{
	union bpf_attr attr = {.map_fd = (uint32_t)open_map(program, map)};

	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	if (bpf(BPF_MAP_LOOKUP_ELEM, &attr) < 0)
		die(map);
}

static void put(uint32_t program, const char *map, const void *key, const void *value)
{
	union bpf_attr attr = {.map_fd = (uint32_t)open_map(program, map), .flags = BPF_EXIST};

	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	if (bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0)
		die(map);
}

static uint16_t node_of(uint32_t program, const char *word)
{
	uint32_t ifindex = (uint32_t)strtoul(word, NULL, 10), number;
	struct port_link link;

	get(program, "ns_ports", &ifindex, &number);
	get(program, "ns_links", &number, &link);
	return link.node;
}

static void change_pair(uint32_t program, char **words, const struct port_control *control)
{
	struct port_key key = {.from = node_of(program, words[0]),
			       .to = node_of(program, words[1]),
			       .hop = PORT_HOP_PATH,
			       .generation = control->slot[control->active & 1].base};
	uint64_t number = strtoull(words[3], NULL, 10);
	struct port_conditions c;

	get(program, "ns_conditions", &key, &c);
	if (strcmp(words[2], "delay") == 0)
		c.delay = number;
	else if (strcmp(words[2], "rate") == 0)
		c.rate = number;
	else
		c.loss[0] = (uint32_t)number;
	put(program, "ns_conditions", &key, &c);
}

int main(int argc, char **argv)
{
	uint32_t program = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0, zero = 0;
	static struct port_control control;

	if (argc == 7 && strcmp(argv[2], "pair") == 0) {
		get(program, "ns_control", &zero, &control);
		change_pair(program, argv + 3, &control);
	} else if (argc == 3 && strcmp(argv[2], "flip") == 0) {
		get(program, "ns_control", &zero, &control);
		control.active ^= 1;
		put(program, "ns_control", &zero, &control);
	} else {
		fputs("usage: meddle PROGRAM pair FROM TO delay|rate|loss NUMBER\n"
		      "       meddle PROGRAM flip\n",
		      stderr);
		return 2;
	}
	return 0;
}
