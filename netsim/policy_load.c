/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one file that knows the skeleton and libbpf's loader. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <port.skel.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "netsim/err.h"
#include "netsim/policy.h"

static int silent(enum libbpf_print_level level, const char *format, va_list ap)
{
	(void)level;
	(void)format;
	(void)ap;
	return 0;
}

static int failed(int code, const char *what, struct netsim_err *err)
{
	bool rights = code == -EPERM || code == -EACCES;

	err_set(err, rights ? NETSIM_ERR_ENV : NETSIM_ERR_KERNEL, code, NULL,
		"cannot %s the eBPF programs: %s", what, strerror(-code));
	err_hint(err, "%s", rights ? "run netsim as root" : "see netsim doctor");
	return code;
}

static int reuse(struct bpf_map *map, int fd)
{
	return fd >= 0 ? bpf_map__reuse_fd(map, fd) : 0;
}

static int copy_fd(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void take_fds(struct policy *p, const struct port *skel)
{
	if (p->port_prog < 0)
		p->port_prog = copy_fd(bpf_program__fd(skel->progs.ns_port));
	p->stamp_prog = copy_fd(bpf_program__fd(skel->progs.ns_stamp));
	p->host_prog = copy_fd(bpf_program__fd(skel->progs.ns_host));
	if (p->control_fd >= 0)
		return;
	p->control_fd = copy_fd(bpf_map__fd(skel->maps.ns_control));
	p->nodes_fd = copy_fd(bpf_map__fd(skel->maps.ns_nodes));
	p->ports_fd = copy_fd(bpf_map__fd(skel->maps.ns_ports));
	p->counters_fd = copy_fd(bpf_map__fd(skel->maps.ns_counters));
}

int policy_load(struct policy *p, struct netsim_err *err)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct port *skel;
	int r;

	(void)setrlimit(RLIMIT_MEMLOCK, &all); /* kernels before 5.11 count maps in it */
	libbpf_set_print(silent);
	skel = port__open();
	if (!skel)
		return failed(-errno, "open", err);
	r = reuse(skel->maps.ns_control, p->control_fd);
	if (r == 0)
		r = reuse(skel->maps.ns_nodes, p->nodes_fd);
	if (r == 0)
		r = reuse(skel->maps.ns_ports, p->ports_fd);
	if (r == 0)
		r = reuse(skel->maps.ns_counters, p->counters_fd);
	if (r == 0)
		r = port__load(skel);
	if (r == 0)
		take_fds(p, skel);
	port__destroy(skel);
	return r < 0 ? failed(r, "load", err) : 0;
}
