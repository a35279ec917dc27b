/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the eBPF programs; only this file uses the skeleton and libbpf's loader. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <port.skel.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "netsim/policy/policy_parts.h"
#include "netsim/util/err.h"

static int silent(enum libbpf_print_level level, const char *format, va_list ap)
{
	(void)level;
	(void)format;
	(void)ap;
	return 0;
}

static int failed(int code, const char *what, struct netsim_err *err)
{
	err_errno(err, code, NULL, "cannot %s the eBPF programs", what);
	if (err_kind_of(code) == NETSIM_ERR_KERNEL)
		err_hint(err, "see netsim doctor");
	return code;
}

/* Keeps a descriptor of the skeleton, which closes its own. */
static int copy_fd(int fd, int *ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return -errno;
	*ret = copy;
	return 0;
}

static const char *const map_names[POLICY_MAPS] = {
	[POLICY_CONTROL] = "ns_control",
	[POLICY_NODES] = "ns_nodes",
	[POLICY_PORTS] = "ns_ports",
	[POLICY_OVS_MACS] = "ns_ovs_macs",
	[POLICY_PARKED] = "ns_parked",
	[POLICY_PARK_FLOWS] = "ns_park_flows",
	[POLICY_PARK] = "ns_park",
	[POLICY_LINKS] = "ns_links",
	[POLICY_CONDITIONS] = "ns_conditions",
	[POLICY_OVERLAYS] = "ns_overlays",
	[POLICY_STATES] = "ns_states",
	[POLICY_TRAFFIC] = "ns_traffic",
	[POLICY_TABLES] = "ns_tables",
	[POLICY_TRACES] = "ns_traces",
	[POLICY_CLASS_PORTS] = "ns_class_ports",
	[POLICY_CLASS_RULES] = "ns_class_rules",
	[POLICY_CLASS_ADDRESSES] = "ns_class_addrs",
	[POLICY_HOMES] = "ns_homes",
	[POLICY_MACS] = "ns_macs",
	[POLICY_ADDRESSES] = "ns_addresses",
};

int policy_map_of(const char *name)
{
	/* The kernel truncates names to 15 characters. */
	for (int i = 0; i < POLICY_MAPS; i++)
		if (strncmp(map_names[i], name, BPF_OBJ_NAME_LEN - 1) == 0)
			return i;
	return -1;
}

static int reuse_maps(struct policy *p, struct port *skel)
{
	int r = 0;

	for (int i = 0; r == 0 && i < POLICY_MAPS; i++)
		if (p->map[i] >= 0)
			r = bpf_map__reuse_fd(bpf_object__find_map_by_name(skel->obj, map_names[i]),
					      p->map[i]);
	return r;
}

static const char *const prog_names[POLICY_PROGS] = {
	[POLICY_PORT] = "ns_port",	 [POLICY_STAMP] = "ns_stamp",
	[POLICY_HOST_IN] = "ns_host",	 [POLICY_ROUTE] = "ns_route",
	[POLICY_LAG] = "ns_lag",	 [POLICY_HOLD] = "ns_hold",
	[POLICY_PARK_IN] = "ns_park_in", [POLICY_PARK_OUT] = "ns_park_out",
	[POLICY_OUT] = "ns_out",	 [POLICY_IN] = "ns_in",
	[POLICY_IN_HOLD] = "ns_in_hold",
};

const char *policy_prog_name(enum policy_prog prog)
{
	return prog_names[prog];
}

/* Loads only the programs that are needed: the verifier takes about 10 ms for each. */
static void choose_progs(const struct policy *p, unsigned progs, struct port *skel)
{
	for (int i = 0; i < POLICY_MAPS; i++)
		if (!policy_uses(p, (enum policy_map)i))
			bpf_map__set_autocreate(
				bpf_object__find_map_by_name(skel->obj, map_names[i]), false);
	for (int i = 0; i < POLICY_PROGS; i++)
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(skel->obj, prog_names[i]),
			p->prog[i] < 0 && progs & 1U << i);
}

static int take_fds(struct policy *p, const struct port *skel)
{
	int r = 0;

	for (int i = 0; r == 0 && i < POLICY_PROGS; i++) {
		int fd =
			bpf_program__fd(bpf_object__find_program_by_name(skel->obj, prog_names[i]));

		if (p->prog[i] < 0 && fd >= 0)
			r = copy_fd(fd, &p->prog[i]);
	}
	for (int i = 0; r == 0 && i < POLICY_MAPS; i++)
		if (p->map[i] < 0 && policy_uses(p, (enum policy_map)i))
			r = copy_fd(
				bpf_map__fd(bpf_object__find_map_by_name(skel->obj, map_names[i])),
				&p->map[i]);
	return r;
}

int policy_load(struct policy *p, unsigned progs, struct netsim_err *err)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct port *skel;
	int r;

	(void)setrlimit(RLIMIT_MEMLOCK, &all); /* kernels before 5.11 charge maps to it */
	libbpf_set_print(silent);
	skel = port__open();
	if (!skel)
		return failed(-errno, "open", err);
	choose_progs(p, progs, skel);
	r = reuse_maps(p, skel);
	if (r == 0)
		r = port__load(skel);
	if (r == 0)
		r = take_fds(p, skel);
	port__destroy(skel);
	return r < 0 ? failed(r, "load", err) : 0;
}
