/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a fleet's policy in the kernel, and attaches the programs to its ports. */
#include "netsim/policy/policy.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netsim/kernel/filter.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/policy/policy_parts.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* The maps that this process maps into memory. */
static const struct {
	enum policy_map map;
	size_t member, size;
} mapped[] = {
	{POLICY_CONTROL, offsetof(struct policy, control), sizeof(struct port_control)},
	{POLICY_NODES, offsetof(struct policy, nodes), 2 * PORT_NODES * sizeof(struct port_node)},
	{POLICY_LINKS, offsetof(struct policy, links), PORT_LINKS * sizeof(struct port_link)},
	{POLICY_TRACES, offsetof(struct policy, traces),
	 2 * PORT_TRACE_ROWS * sizeof(struct port_trace_row)},
	{POLICY_CLASS_PORTS, offsetof(struct policy, class_ports),
	 2 * 65536 * sizeof(struct port_class_port)},
	{POLICY_CLASS_RULES, offsetof(struct policy, class_rules),
	 2 * sizeof(struct port_class_rules)},
	{POLICY_PARK, offsetof(struct policy, park), sizeof(struct port_park)},
};

static void **member_of(struct policy *p, size_t i)
{
	return (void **)((char *)p + mapped[i].member);
}

struct policy *policy_new(void)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	for (int i = 0; i < POLICY_PROGS; i++)
		p->prog[i] = -1;
	for (int i = 0; i < POLICY_MAPS; i++)
		p->map[i] = -1;
	p->names[POLICY_HOST] = "host";
	return p;
}

static struct policy *new_policy(const struct model *fleet)
{
	struct policy *p = policy_new();
	int machine = model_machine(fleet);

	if (!p)
		return NULL;
	if (machine >= 0 && !(p->machine = strdup(fleet->nodes[machine].name))) {
		policy_close(p);
		return NULL;
	}
	if (p->machine)
		p->names[PORT_EVERYONE] = "everyone";
	p->link_numbers = calloc(fleet->link_count + 1, sizeof(*p->link_numbers));
	p->withheld = calloc(fleet->link_count + 1, sizeof(*p->withheld));
	p->attached = calloc(fleet->link_count + 1, sizeof(*p->attached));
	p->stamped = calloc(fleet->link_count + 1, sizeof(*p->stamped));
	if (p->link_numbers && p->withheld && p->attached && p->stamped)
		return p;
	policy_close(p);
	return NULL;
}

void policy_close(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(mapped); i++)
		if (*member_of(p, i))
			munmap(*member_of(p, i), mapped[i].size);
	for (int i = 0; i < POLICY_PROGS; i++)
		if (p->prog[i] >= 0)
			close(p->prog[i]);
	for (int i = 0; i < POLICY_MAPS; i++)
		if (p->map[i] >= 0)
			close(p->map[i]);
	free(p->machine);
	free(p->link_numbers);
	free(p->withheld);
	free(p->attached);
	free(p->stamped);
	free(p);
}

int policy_map_memory(struct policy *p, struct netsim_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapped); i++) {
		void *memory;

		if (!policy_uses(p, mapped[i].map))
			continue;
		memory = mmap(NULL, mapped[i].size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      p->map[mapped[i].map], 0);
		if (memory == MAP_FAILED)
			return err_errno(err, -errno, NULL, "cannot map the policy into memory");
		*member_of(p, i) = memory;
	}
	return 0;
}

/* False for a map of another version of netsim: its memory would end too early. */
static bool same_layout(int map, const struct bpf_map_info *info)
{
	for (size_t i = 0; i < ARRAY_SIZE(mapped); i++)
		if ((int)mapped[i].map == map)
			return (size_t)info->value_size * info->max_entries == mapped[i].size;
	return true;
}

static int refused(int code, struct netsim_err *err)
{
	return err_errno(err, code, NULL, "cannot open the eBPF program at the ports");
}

static int take_map(struct policy *p, uint32_t id, struct netsim_err *err)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id), which, r;

	if (fd < 0)
		return refused(-errno, err);
	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0) {
		r = refused(-errno, err);
		close(fd);
		return r;
	}
	which = policy_map_of(info.name);
	if (which >= 0 && !same_layout(which, &info))
		which = -1;
	if (which >= 0 && p->map[which] < 0)
		p->map[which] = fd;
	else
		close(fd);
	return 0;
}

/* The program at the egress of ports, which uses all maps. */
static enum policy_prog main_prog(const struct policy *p)
{
	return p->machine ? POLICY_OUT : POLICY_PORT;
}

/* Opens a program by its id, and the maps it uses. */
static int open_program(struct policy *p, uint32_t id, struct netsim_err *err)
{
	uint32_t maps[2 * POLICY_MAPS] = {0};
	struct bpf_prog_info info = {.nr_map_ids = ARRAY_SIZE(maps),
				     .map_ids = (uint64_t)(uintptr_t)maps};
	uint32_t size = sizeof(info);
	int *prog = &p->prog[main_prog(p)], r = 0;

	*prog = bpf_prog_get_fd_by_id(id);
	if (*prog < 0 || bpf_obj_get_info_by_fd(*prog, &info, &size) < 0)
		return refused(-errno, err);
	for (uint32_t i = 0; r == 0 && i < info.nr_map_ids && i < ARRAY_SIZE(maps); i++)
		r = take_map(p, maps[i], err);
	if (r < 0)
		return r;
	for (int i = 0; i < POLICY_MAPS; i++)
		if (policy_uses(p, (enum policy_map)i) && p->map[i] < 0)
			return err_set(
				err, NETSIM_ERR_KERNEL, -ENOENT, NULL,
				"the eBPF program at the ports is from another version of netsim");
	return policy_map_memory(p, err);
}

enum policy_prog policy_ingress(const struct link *link)
{
	return link->machine		 ? POLICY_IN :
	       link->kind == LINK_BRIDGE ? POLICY_HOST_IN :
	       link->routed		 ? POLICY_ROUTE :
	       *link->lag		 ? POLICY_LAG :
					   POLICY_STAMP;
}

/* Opens a program that is attached somewhere, so that it need not be loaded again. */
static void take_prog(struct policy *p, enum policy_prog prog, uint32_t id)
{
	if (id && p->prog[prog] < 0)
		p->prog[prog] = bpf_prog_get_fd_by_id(id);
}

/* Finds the ports that have the programs; *ret_id is the port program's id, 0: none. */
static int find_programs(struct policy *p, struct state *st, const struct model *fleet,
			 uint32_t *ret_id, struct netsim_err *err)
{
	*ret_id = 0;
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		uint32_t id = 0, stamp = 0;
		int r = 0;

		if (link_is_port(link))
			r = filter_prog_id(st->rt, link->ifindex, FILTER_EGRESS, &id, err);
		if (r == 0 && (link_is_port(link) || link->kind == LINK_BRIDGE) &&
		    link->node == MODEL_HOST)
			r = filter_prog_id(st->rt, link->ifindex, FILTER_STAMP, &stamp, err);
		if (r < 0)
			return r;
		p->attached[i] = id != 0;
		p->stamped[i] = stamp != 0;
		take_prog(p, policy_ingress(link), stamp);
		*ret_id = id ? id : *ret_id;
	}
	return 0;
}

int policy_find(struct state *st, const struct model *fleet, struct policy **ret,
		struct netsim_err *err)
{
	struct policy *p = new_policy(fleet);
	uint32_t id = 0;
	int r = p ? find_programs(p, st, fleet, &id, err) : err_oom(err);

	if (r == 0 && id) {
		r = open_program(p, id, err);
		if (r == 0)
			policy_read_names(p, fleet);
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
	r = p ? policy_load(p, p->machine ? POLICY_FOR_MACHINE : POLICY_FOR_PORTS, err) :
		err_oom(err);
	if (r == 0)
		r = policy_map_memory(p, err);
	if (r == 0)
		r = policy_prepare(p, err);
	if (r < 0)
		policy_close(p);
	else
		*ret = p;
	return r;
}

static void attach_ingress(struct policy *p, struct state *st, const struct link *link,
			   const char *subject)
{
	enum policy_prog prog = policy_ingress(link);

	filter_put_prog(st->rt, link->ifindex, FILTER_STAMP, p->prog[prog], policy_prog_name(prog),
			subject);
}

static void attach_port(struct policy *p, struct state *st, const struct link *link, size_t i,
			bool stamps)
{
	char text[MARK_TEXT];
	const char *subject = mark_call(link->alias, link->name, text);

	if (!p->attached[i] || (stamps && !p->stamped[i]))
		qdisc_add_clsact(st->rt, link->ifindex, subject);
	if (!p->attached[i])
		filter_put_prog(st->rt, link->ifindex, FILTER_EGRESS, p->prog[main_prog(p)],
				p->machine ? "ns_out" : "ns_port", subject);
	if (stamps && !p->stamped[i])
		attach_ingress(p, st, link, subject);
}

static void attach_bridge(struct policy *p, struct state *st, const struct link *link, size_t i)
{
	if (p->stamped[i])
		return;
	qdisc_add_clsact(st->rt, link->ifindex, link->name);
	attach_ingress(p, st, link, link->name);
}

/* Loads the programs that links still lack at their ingress. */
static int load_for_marks(struct policy *p, const struct model *fleet, struct netsim_err *err)
{
	unsigned wanted = p->machine ? POLICY_FOR_MACHINE : POLICY_FOR_MARKS;

	for (size_t i = 0; i < fleet->link_count; i++)
		wanted |= 1U << policy_ingress(&fleet->links[i]);
	for (int i = 0; i < POLICY_PROGS; i++)
		if (wanted & 1U << i && p->prog[i] < 0)
			return policy_load(p, wanted, err);
	return 0;
}

static bool has_lags(const struct model *fleet)
{
	for (size_t i = 0; i < fleet->link_count; i++)
		if (*fleet->links[i].lag)
			return true;
	return false;
}

int policy_attach(struct policy *p, struct state *st, const struct model *fleet, bool stamps,
		  struct netsim_err *err)
{
	int r = policy_number(p, fleet, err);

	/* Behind a cable between networks, only the mark shows the source. */
	stamps |= p->machine != NULL || model_has_cables(fleet);
	if (r == 0 && (stamps || has_lags(fleet)))
		r = load_for_marks(p, fleet, err);
	if (r == 0)
		r = policy_know_host(p, st, fleet, err);
	if (r < 0)
		return r;
	policy_charge_ports(p, fleet);
	policy_sweep(p);
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];

		if (stamps && link->kind == LINK_BRIDGE && !link->machine)
			attach_bridge(p, st, link, i);
		if (p->link_numbers[i])
			attach_port(p, st, link, i, stamps || *link->lag);
	}
	return rtnl_send(st->rt, err);
}

bool policy_is_complete(const struct policy *p, const struct model *fleet, bool host)
{
	host |= model_has_cables(fleet);
	for (size_t i = 0; i < fleet->link_count; i++) {
		const struct link *link = &fleet->links[i];
		bool port = link_is_port(link);

		if (port && !p->attached[i])
			return false;
		if ((host || link->machine || *link->lag) && (port || link->kind == LINK_BRIDGE) &&
		    link->node == MODEL_HOST && !p->stamped[i])
			return false;
	}
	return true;
}

bool policy_is_attached(const struct policy *p, size_t index, bool ingress)
{
	return ingress ? p->stamped[index] : p->attached[index];
}

bool policy_has_stamps(const struct policy *p, const struct model *fleet)
{
	for (size_t i = 0; i < fleet->link_count; i++)
		if (p->stamped[i] && !*fleet->links[i].lag)
			return true;
	return false;
}

/* The program at an IFB, which judges what fq delays there. */
static enum policy_prog hold_prog(const struct policy *p)
{
	return p->machine ? POLICY_IN_HOLD : POLICY_HOLD;
}

bool policy_has_hold(const struct policy *p)
{
	return p->prog[hold_prog(p)] >= 0;
}

int policy_load_hold(struct policy *p, struct netsim_err *err)
{
	return policy_has_hold(p) ? 0 : policy_load(p, 1U << hold_prog(p), err);
}

void policy_put_hold(const struct policy *p, struct rtnl *rt, int ifindex, const char *subject)
{
	filter_put_prog(rt, ifindex, FILTER_EGRESS, p->prog[hold_prog(p)],
			p->machine ? "ns_in_hold" : "ns_hold", subject);
}

int policy_try(struct rtnl *rt, int ifindex, struct netsim_err *err)
{
	struct policy *p = policy_new();
	int r = p ? policy_load(p, POLICY_FOR_ALL, err) : err_oom(err);

	if (r == 0) {
		qdisc_add_clsact(rt, ifindex, "clsact");
		filter_put_prog(rt, ifindex, FILTER_EGRESS, p->prog[POLICY_PORT], "ns_port",
				"clsact");
		r = rtnl_send(rt, err);
	}
	policy_close(p);
	return r;
}
