/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the policy, and attaching the programs to ports. */
#include "netsim/policy.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netsim/auto.h"
#include "netsim/err.h"
#include "netsim/filter.h"
#include "netsim/mark.h"
#include "netsim/qdisc.h"

#define CONTROL_BYTES sizeof(struct port_control)
#define NODES_BYTES   (2 * PORT_NODES * sizeof(struct port_node))

static struct policy *new_policy(const struct model *fleet)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->port_prog = p->stamp_prog = p->host_prog = -1;
	p->control_fd = p->nodes_fd = p->ports_fd = p->counters_fd = -1;
	p->control = MAP_FAILED;
	p->nodes = MAP_FAILED;
	p->attached = calloc(fleet->link_count + 1, sizeof(*p->attached));
	p->stamped = calloc(fleet->link_count + 1, sizeof(*p->stamped));
	if (!p->attached || !p->stamped) {
		policy_close(p);
		return NULL;
	}
	p->names[POLICY_HOST] = "host";
	return p;
}

void policy_close(struct policy *p)
{
	if (!p)
		return;
	int fds[] = {p->port_prog, p->stamp_prog, p->host_prog,	 p->control_fd,
		     p->nodes_fd,  p->ports_fd,	  p->counters_fd};

	if (p->control != MAP_FAILED)
		munmap(p->control, CONTROL_BYTES);
	if (p->nodes != MAP_FAILED)
		munmap(p->nodes, NODES_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(p->attached);
	free(p->stamped);
	free(p);
}

static int map_memory(struct policy *p, struct netsim_err *err)
{
	p->control =
		mmap(NULL, CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->control_fd, 0);
	p->nodes = mmap(NULL, NODES_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->nodes_fd, 0);
	if (p->control != MAP_FAILED && p->nodes != MAP_FAILED)
		return 0;
	return err_set(err, NETSIM_ERR_KERNEL, -errno, NULL, "cannot map the policy: %s",
		       strerror(errno));
}

static void take_map(struct policy *p, uint32_t id)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id), *slot = NULL;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (strcmp(info.name, "ns_control") == 0)
		slot = &p->control_fd;
	else if (strcmp(info.name, "ns_nodes") == 0)
		slot = &p->nodes_fd;
	else if (strcmp(info.name, "ns_ports") == 0)
		slot = &p->ports_fd;
	else if (strcmp(info.name, "ns_counters") == 0)
		slot = &p->counters_fd;
	if (slot && *slot < 0)
		*slot = fd;
	else
		close(fd);
}

static int refused(int code, struct netsim_err *err)
{
	bool rights = code == -EPERM || code == -EACCES;

	err_set(err, rights ? NETSIM_ERR_ENV : NETSIM_ERR_KERNEL, code, NULL,
		"cannot open the program at the ports: %s", strerror(-code));
	if (rights)
		err_hint(err, "run netsim as root");
	return code;
}

/* From a program in the kernel to the maps that it uses. */
static int open_program(struct policy *p, uint32_t id, struct netsim_err *err)
{
	uint32_t maps[8] = {0};
	struct bpf_prog_info info = {.nr_map_ids = ARRAY_SIZE(maps),
				     .map_ids = (uint64_t)(uintptr_t)maps};
	uint32_t size = sizeof(info);

	p->port_prog = bpf_prog_get_fd_by_id(id);
	if (p->port_prog < 0 || bpf_obj_get_info_by_fd(p->port_prog, &info, &size) < 0)
		return refused(-errno, err);
	for (uint32_t i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(maps); i++)
		take_map(p, maps[i]);
	if (p->control_fd < 0 || p->nodes_fd < 0 || p->ports_fd < 0 || p->counters_fd < 0)
		return err_set(err, NETSIM_ERR_KERNEL, -ENOENT, NULL,
			       "the program at the ports is of another version of netsim");
	return map_memory(p, err);
}

static const struct model_node *node_of_port(const struct model *fleet, const struct link *link)
{
	struct mark mark;
	int i;

	if (!link_is_port(link) || !mark_parse(link->alias, &mark) || !mark.iface)
		return NULL;
	i = model_find_node(fleet, mark.node);
	return i >= 0 ? &fleet->nodes[i] : NULL;
}

/* Which ports have the programs, and which program that is. */
static int look(struct policy *p, struct state *st, const struct model *fleet, uint32_t *ret_id,
		struct netsim_err *err)
{
	*ret_id = 0;
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		uint32_t id = 0, stamp = 0;
		int r = 0;

		if (link_is_port(link))
			r = filter_prog_id(st->rt, link->ifindex, FILTER_EGRESS, FILTER_PREF, &id,
					   err);
		if (r == 0 && (link_is_port(link) || link->kind == LINK_BRIDGE) &&
		    link->ns == MODEL_HOST)
			r = filter_prog_id(st->rt, link->ifindex, FILTER_INGRESS, FILTER_STAMP_PREF,
					   &stamp, err);
		if (r < 0)
			return r;
		p->attached[i] = id != 0;
		p->stamped[i] = stamp != 0;
		*ret_id = id ? id : *ret_id;
	}
	return 0;
}

static void name_nodes(struct policy *p, const struct model *fleet)
{
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct model_node *node = node_of_port(fleet, &fleet->links[i]);
		uint32_t key = (uint32_t)fleet->links[i].ifindex, number;

		if (node && bpf_map_lookup_elem(p->ports_fd, &key, &number) == 0 &&
		    number < PORT_NODES)
			p->names[number] = node->name;
	}
}

int policy_find(struct state *st, const struct model *fleet, struct policy **ret,
		struct netsim_err *err)
{
	struct policy *p = new_policy(fleet);
	uint32_t id = 0;
	int r = p ? look(p, st, fleet, &id, err) : err_oom(err);

	if (r == 0 && id) {
		r = open_program(p, id, err);
		if (r == 0)
			name_nodes(p, fleet);
	}
	if (r < 0 || !id) {
		policy_close(p);
		p = NULL;
	}
	if (r == 0)
		*ret = p;
	return r;
}

int policy_get(struct state *st, const struct model *fleet, struct policy **ret,
	       struct netsim_err *err)
{
	struct policy *p;
	int r = policy_find(st, fleet, ret, err);

	if (r < 0 || *ret)
		return r;
	p = new_policy(fleet);
	r = p ? policy_load(p, err) : err_oom(err);
	if (r == 0)
		r = map_memory(p, err);
	if (r < 0)
		policy_close(p);
	else
		*ret = p;
	return r;
}

int policy_node(const struct policy *p, const char *name)
{
	for (int i = 0; i < PORT_NODES; i++)
		if (p->names[i] && strcmp(p->names[i], name) == 0)
			return i;
	return -1;
}

static int free_number(const struct policy *p)
{
	for (int i = 1; i < PORT_NODES; i++)
		if (!p->names[i])
			return i;
	return -1;
}

/* A number of a node that has left must not carry its groups on. */
static void clear_node(struct policy *p, int number)
{
	for (int slot = 0; slot < 2; slot++)
		p->nodes[slot * PORT_NODES + number] = (struct port_node) {0};
}

/* A node that comes late belongs to "the rest" of the partitions in force. */
static void join_rest(struct policy *p, int number)
{
	const struct port_slot *slot = policy_slot(p);
	struct port_node *node = &p->nodes[(p->control->active & 1) * PORT_NODES + number];

	for (int i = 0; i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &slot->faults[i];
		uint64_t rest;

		if (!policy_alive(fault) || fault->kind != PORT_FAULT_REST)
			continue;
		rest = 1ULL << (63 - __builtin_clzll(fault->bits));
		node->cut |= fault->bits & ~rest;
		node->member |= rest;
	}
}

int policy_number(struct policy *p, const struct model *fleet, struct netsim_err *err)
{
	for (size_t i = 0; i < fleet->node_count; i++) {
		int number;

		if (policy_node(p, fleet->nodes[i].name) >= 0)
			continue;
		number = free_number(p);
		if (number < 0)
			return err_set(err, NETSIM_ERR_KERNEL, -ENOSPC, NULL,
				       "a fleet can be partitioned up to %d nodes", PORT_NODES - 1);
		clear_node(p, number);
		p->names[number] = fleet->nodes[i].name;
		join_rest(p, number);
	}
	return 0;
}

static bool port_exists(const struct model *fleet, uint32_t ifindex)
{
	for (size_t i = 0; i < fleet->link_count; i++)
		if (link_is_port(&fleet->links[i]) && fleet->links[i].ifindex == (int)ifindex)
			return true;
	return false;
}

static void forget_ports(struct policy *p, const struct model *fleet)
{
	uint32_t key, next;
	bool more = bpf_map_get_next_key(p->ports_fd, NULL, &next) == 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(p->ports_fd, &key, &next) == 0;
		if (!port_exists(fleet, key))
			bpf_map_delete_elem(p->ports_fd, &key);
	}
}

static void attach_port(struct policy *p, struct state *st, const struct link *link, size_t i,
			bool stamps)
{
	if (!p->attached[i] || (stamps && !p->stamped[i]))
		qdisc_add_clsact(st->rt, link->ifindex, link->name);
	if (!p->attached[i])
		filter_put_prog(st->rt, link->ifindex, FILTER_EGRESS, FILTER_PREF, p->port_prog,
				"ns_port", link->name);
	if (stamps && !p->stamped[i])
		filter_put_prog(st->rt, link->ifindex, FILTER_INGRESS, FILTER_STAMP_PREF,
				p->stamp_prog, "ns_stamp", link->name);
}

static void attach_bridge(struct policy *p, struct state *st, const struct link *link, size_t i)
{
	if (p->stamped[i])
		return;
	qdisc_add_clsact(st->rt, link->ifindex, link->name);
	filter_put_prog(st->rt, link->ifindex, FILTER_INGRESS, FILTER_STAMP_PREF, p->host_prog,
			"ns_host", link->name);
}

int policy_attach(struct policy *p, struct state *st, const struct model *fleet, bool stamps,
		  struct netsim_err *err)
{
	int r = policy_number(p, fleet, err);

	if (r == 0 && stamps && p->stamp_prog < 0)
		r = policy_load(p, err);
	if (r < 0)
		return r;
	forget_ports(p, fleet);
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		const struct model_node *node = node_of_port(fleet, link);
		uint32_t key = (uint32_t)link->ifindex, number;

		if (stamps && link->kind == LINK_BRIDGE)
			attach_bridge(p, st, link, i);
		if (!node)
			continue;
		number = (uint32_t)policy_node(p, node->name);
		if (bpf_map_update_elem(p->ports_fd, &key, &number, BPF_ANY) < 0)
			return err_set(err, NETSIM_ERR_KERNEL, -errno, NULL,
				       "%s: cannot add it to the policy: %s", link->name,
				       strerror(errno));
		attach_port(p, st, link, i, stamps);
	}
	return rt_send(st->rt, err);
}
