/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/converge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netsim/fleet/converge_parts.h"
#include "netsim/kernel/addr.h"
#include "netsim/kernel/link.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/module.h"
#include "netsim/kernel/netns.h"
#include "netsim/kernel/netns_pool.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/kernel/route.h"
#include "netsim/policy/policy.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define SUBJECT_TEXT 128

struct exec {
	struct state *st;
	struct model *want;
	const struct model *have;
	const struct plan *plan;
	struct handle **handles;    /* by index in want->nodes; NULL until a step needs it */
	int *next_ifindex;	    /* the next free ifindex in each node */
	const struct step **inside; /* the steps inside nodes, grouped by node */
	size_t *first;		    /* each node's first index in inside[], and the end */
	struct netns_pool *maker;
	struct netsim_err *err;
};

static const char *subject(const struct exec *x, const struct step *step,
			   char buf[static SUBJECT_TEXT])
{
	const struct link *link = step->want ? step->want : step->have;

	if (step->node)
		snprintf(buf, SUBJECT_TEXT, "%s", step->node->name);
	else if (step->place == MODEL_HOST)
		snprintf(buf, SUBJECT_TEXT, "%s", link->name);
	else
		snprintf(buf, SUBJECT_TEXT, "%s %s", x->want->nodes[step->place].name, link->name);
	return buf;
}

static int host_ifindex(const struct exec *x, const char *name)
{
	const struct link *link = model_find_link(x->st->host, MODEL_HOST, name);

	return link ? link->ifindex : 0;
}

static int inside_ifindex(const struct exec *x, int node, const char *name)
{
	const struct link *link = model_find_link(x->want, node, name);

	return link ? link->ifindex : 0;
}

/* netsim assigns ifindexes in nodes, so that a batch can refer to links that it adds. */
static int first_free_ifindex(const struct exec *x, const char *name)
{
	int node = model_find_node(x->have, name), highest = 1;

	for (size_t i = 0; node >= 0 && i < x->have->link_count; i++)
		if (x->have->links[i].node == node && x->have->links[i].ifindex > highest)
			highest = x->have->links[i].ifindex;
	return highest + 1;
}

static int need_handle(struct exec *x, int node)
{
	const char *name = x->want->nodes[node].name;
	int r;

	if (x->handles[node])
		return 0;
	x->next_ifindex[node] = first_free_ifindex(x, name);
	r = state_handle(x->st, x->want->fleet, name, &x->handles[node], x->err);
	if (r == -ENOENT)
		err_set(x->err, NETSIM_ERR_KERNEL, r, NULL, "%s: its network namespace is gone",
			name);
	return r;
}

static int make_node(struct exec *x, int node)
{
	const struct model_node *want = &x->want->nodes[node];
	struct link lo = {.name = "lo"};
	char alias[MARK_TEXT];
	struct rtnl *rt = NULL;
	int fd = -1, r;

	r = netns_pool_next(x->maker, &fd, &rt, x->err);
	if (r < 0)
		return err_wrap(x->err, r, "%s", want->name);
	x->handles[node] = state_adopt(x->st, x->want->fleet, want->name, fd, rt);
	if (!x->handles[node])
		return err_oom(x->err);
	x->handles[node]->no_routes = !model_has_routes(x->want, node);
	x->next_ifindex[node] = 2;
	mark_format(
		&(struct mark) {.fleet = x->want->fleet, .node = want->name, .host = x->st->own_id},
		alias);
	lo.alias = alias;
	link_set(rt, &lo, 1, LINK_SET_ALIAS | LINK_SET_UP, 0, want->name);
	return 0;
}

/* Collects links in a group for one removal: one by one, each costs many milliseconds. */
static void queue_removal(struct exec *x, const struct step *step)
{
	char name[SUBJECT_TEXT];

	link_set_group(x->st->rt, step->have->ifindex, MARK_DOOMED(mark_group(x->want->fleet)),
		       subject(x, step, name));
}

static int prepare_host(struct exec *x)
{
	bool each =
		state_shares_group(x->st, x->want->fleet, MARK_DOOMED(mark_group(x->want->fleet)));
	size_t doomed = 0;
	char name[SUBJECT_TEXT];

	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (step->place != MODEL_HOST)
			continue;
		if (step->kind == STEP_DEL_ROUTE)
			route_del(x->st->rt, step->have->ifindex, step->route,
				  subject(x, step, name));
		if (step->kind == STEP_DEL_ADDR)
			addr_del(x->st->rt, step->have->ifindex, step->addr,
				 subject(x, step, name));
		if (step->kind == STEP_DEL_LINK && each)
			link_del(x->st->rt, step->have->ifindex, subject(x, step, name));
		else if (step->kind == STEP_DEL_LINK && ++doomed)
			queue_removal(x, step);
	}
	if (doomed)
		link_del_group(x->st->rt, MARK_DOOMED(mark_group(x->want->fleet)), x->want->fleet);
	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (step->kind != STEP_ADD_LINK || step->place != MODEL_HOST)
			continue;
		if (step->want->kind == LINK_BRIDGE)
			link_add_bridge(x->st->rt, step->want, subject(x, step, name));
		else if (link_is_lag(step->want))
			link_add_bond(x->st->rt, step->want, subject(x, step, name));
		else if (step->want->cable == 1)
			link_add_veth(x->st->rt, step->want, -1, subject(x, step, name));
		else if (step->want->cable)
			subject(x, step, name); /* made by the first end */
		else
			continue;
		/* In the same batch, so that an interrupted run leaves none without a mark. */
		link_set(x->st->rt, step->want, 0, LINK_SET_ALIAS, 0, name);
	}
	return rtnl_send(x->st->rt, x->err);
}

static void add_inside(struct exec *x, const struct step *step, const char *name)
{
	struct rtnl *rt = x->handles[step->place]->rt;
	struct link *want = step->want;

	want->ifindex = x->next_ifindex[step->place]++;
	if (want->kind == LINK_VETH)
		link_add_veth(rt, want, x->st->own_fd, name);
	else if (want->kind == LINK_BOND)
		link_add_bond(rt, want, name);
	else
		link_add_vlan(rt, want, inside_ifindex(x, step->place, want->lower), name);
}

/* A bond accepts only members that are down, and brings them up itself. */
static void settle_inside(struct exec *x, const struct step *step, unsigned what, const char *name)
{
	struct rtnl *rt = x->handles[step->place]->rt;
	struct link *want = step->want;
	int master = 0;

	if (want->kind == LINK_VETH && *want->master && what & LINK_SET_MASTER) {
		master = inside_ifindex(x, step->place, want->master);
		link_set(rt, want, want->ifindex, LINK_SET_DOWN, 0, name);
		what &= ~(unsigned)LINK_SET_UP;
	}
	if (what & ~(unsigned)(LINK_SET_PRIMARY | LINK_SET_PRIO))
		link_set(rt, want, want->ifindex, what, master, name);
	if (what & LINK_SET_PRIO)
		link_set_prio(rt, want, want->ifindex, name);
}

/*
 * Brings up the links of a node: either the members of bonds or all others. Bonds come after
 * their members in the plan, so members can join only after all links are added.
 */
static void settle_links(struct exec *x, int node, bool members)
{
	char name[SUBJECT_TEXT];

	for (size_t i = x->first[node]; i < x->first[node + 1]; i++) {
		const struct step *step = x->inside[i];
		bool member = step->want && step->want->kind == LINK_VETH && *step->want->master;
		unsigned what = step->what;

		if (member != members)
			continue;
		if (step->kind == STEP_ADD_LINK)
			what = LINK_SET_UP | LINK_SET_MASTER * (unsigned)member |
			       LINK_SET_PRIO * (unsigned)(member && step->want->has_prio);
		else if (step->kind != STEP_SET_LINK)
			continue;
		settle_inside(x, step, what, subject(x, step, name));
	}
}

static void set_primaries(struct exec *x, int node)
{
	char name[SUBJECT_TEXT];

	for (size_t i = x->first[node]; i < x->first[node + 1]; i++) {
		const struct step *step = x->inside[i];
		bool added = step->kind == STEP_ADD_LINK;

		if (!step->want || step->want->kind != LINK_BOND || !step->want->bond.has_primary)
			continue;
		if (added || (step->kind == STEP_SET_LINK && (step->what & LINK_SET_PRIMARY)))
			link_set_primary(x->handles[node]->rt, step->want, step->want->ifindex,
					 inside_ifindex(x, node, step->want->bond.primary),
					 subject(x, step, name));
	}
}

static void queue_inside(struct exec *x, const struct step *step)
{
	struct rtnl *rt = x->handles[step->place]->rt;
	char name[SUBJECT_TEXT];
	int ifindex = step->want ? step->want->ifindex : 0;

	subject(x, step, name);
	switch (step->kind) {
	case STEP_DEL_ROUTE:
		route_del(rt, step->have->ifindex, step->route, name);
		break;
	case STEP_DEL_ADDR:
		addr_del(rt, step->have->ifindex, step->addr, name);
		break;
	case STEP_DEL_LINK:
		link_del(rt, step->have->ifindex, name);
		break;
	case STEP_ADD_LINK:
		add_inside(x, step, name);
		break;
	case STEP_ADD_ADDR:
		addr_add(rt, ifindex, step->addr, name);
		break;
	case STEP_ADD_ROUTE:
		route_add(rt, ifindex, step->route, name);
		break;
	case STEP_ADD_NODE:
	case STEP_SET_NODE:
	case STEP_DEL_NODE:
	case STEP_SET_LINK:
		break;
	}
}

/* Forwarding has no netlink message for both families. */
static int set_forwarding(struct exec *x, const struct step *step)
{
	bool on = step->node->forwarding.ipv4;
	int r = netns_within(x->st->own_fd, x->handles[step->place]->fd, forwarding_set_here, &on,
			     x->err);

	return r < 0 ? err_wrap(x->err, r, "%s: forwarding", step->node->name) : 0;
}

static bool is_inside(const struct step *step)
{
	return step->place != MODEL_HOST && step->kind != STEP_DEL_NODE;
}

/* Groups the steps inside nodes by node (counting sort); returns the number of new nodes. */
static size_t sort_inside(struct exec *x)
{
	size_t new_nodes = 0, nodes = x->want->node_count;

	for (size_t i = 0; i < x->plan->count; i++)
		if (is_inside(&x->plan->steps[i]))
			x->first[x->plan->steps[i].place + 1]++;
	for (size_t i = 0; i < nodes; i++)
		x->first[i + 1] += x->first[i];
	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (is_inside(step))
			x->inside[x->first[step->place]++] = step;
		new_nodes += step->kind == STEP_ADD_NODE;
	}
	/* Every entry has advanced to the start of the next node: shift them back. */
	memmove(x->first + 1, x->first, nodes * sizeof(*x->first));
	x->first[0] = 0;
	return new_nodes;
}

static void queue_node(struct exec *x, int node)
{
	for (enum step_kind kind = STEP_DEL_ROUTE; kind < STEP_DEL_NODE; kind++) {
		if (kind == STEP_SET_LINK) {
			settle_links(x, node, true);
			settle_links(x, node, false);
			set_primaries(x, node);
		}
		for (size_t i = x->first[node]; i < x->first[node + 1]; i++)
			if (x->inside[i]->kind == kind)
				queue_inside(x, x->inside[i]);
	}
}

static int do_node(struct exec *x, int node)
{
	bool new = false;
	int r;

	for (size_t i = x->first[node]; i < x->first[node + 1]; i++)
		new |= x->inside[i]->kind == STEP_ADD_NODE;
	r = new ? make_node(x, node) : need_handle(x, node);
	if (r < 0)
		return r;
	queue_node(x, node);
	r = rtnl_send(x->handles[node]->rt, x->err);
	for (size_t i = x->first[node]; r == 0 && i < x->first[node + 1]; i++)
		if (x->inside[i]->kind == STEP_SET_NODE)
			r = set_forwarding(x, x->inside[i]);
	return r;
}

/* Executes the steps inside nodes, one batch per node, while the pool makes more namespaces. */
static int do_inside(struct exec *x)
{
	size_t new_nodes = sort_inside(x);
	int r = new_nodes ? netns_pool_start(new_nodes, &x->maker, x->err) : 0;

	for (size_t i = 0; r == 0 && i < x->want->node_count; i++)
		if (x->first[i] < x->first[i + 1])
			r = do_node(x, (int)i);
	netns_pool_stop(x->maker);
	return r;
}

/*
 * Adds clsact to new ports and bridges, and an idle root qdisc to ports, while they are
 * still down: adding one to a link in use drops packets.
 */
static int add_qdiscs(struct exec *x)
{
	bool known = false, netem = true;

	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];
		const struct link *want = step->want;

		if (step->kind != STEP_ADD_LINK || want->node != MODEL_HOST || link_is_lag(want) ||
		    want->kind == LINK_VLAN)
			continue;
		qdisc_add_clsact(x->st->rt, want->ifindex, want->name);
		rtnl_tolerate(x->st->rt,
			      ENOENT); /* a kernel without clsact only lacks partitions */
		if (!link_is_port(want))
			continue;
		if (known && netem)
			qdisc_put_idle(x->st->rt, want->ifindex, want->name);
		if (!known && qdisc_has_netem(x->st->rt, want->ifindex, &netem, x->err) < 0)
			return x->err->code;
		known = true;
	}
	return 0;
}

/* What is set on a new link of the host, beyond what created it. */
static unsigned settings_of(const struct link *want)
{
	unsigned what = LINK_SET_ALIAS | LINK_SET_UP;

	if (link_is_port(want) || link_is_lag(want))
		what |= LINK_SET_MASTER | (*want->lag ? 0 : LINK_SET_VLANS);
	if (want->kind == LINK_BRIDGE)
		what |= LINK_SET_VLANS;
	if (want->kind == LINK_TAP)
		what |= LINK_SET_GROUP | LINK_SET_MTU;
	return what;
}

static void settle_host_link(struct exec *x, const struct step *step)
{
	const struct link *want = step->want;
	unsigned what = step->kind == STEP_ADD_LINK ? settings_of(want) : step->what;
	char name[SUBJECT_TEXT];

	subject(x, step, name);
	if (step->kind == STEP_ADD_LINK && what & LINK_SET_MASTER)
		link_set_no_ipv6(x->st->rt, want->ifindex, name);
	if (want->routed)
		link_set_forwarding(x->st->rt, want->ifindex, true, name);
	/* A bond takes only ports that are down, and brings them up; it releases them down. */
	if (what & LINK_SET_MASTER && *want->lag)
		link_set(x->st->rt, want, want->ifindex, LINK_SET_DOWN, 0, name);
	if (what & LINK_SET_MASTER && want->kind == LINK_VETH)
		what = *want->lag ? what & ~(unsigned)LINK_SET_UP : what | LINK_SET_UP;
	link_set(x->st->rt, want, want->ifindex, what & ~(unsigned)LINK_SET_VLANS,
		 host_ifindex(x, *want->lag ? want->lag : want->master), name);
	if ((what & LINK_SET_VLANS) && want->vlan_count) {
		/* The bridge puts a port that joins into VLAN 1, untagged. */
		struct port_vlan native = {.id = 1, .untagged = true};
		struct link joined = {.vlans = &native, .vlan_count = 1};

		link_set_vlans(x->st->rt, want->ifindex,
			       step->have && !(what & LINK_SET_MASTER) ? step->have : &joined, want,
			       name);
	}
}

/*
 * Attaches the programs of a fleet that has them to its new ports while these are still
 * down: the partitions in force apply from a port's first packet on.
 */
static int join_policy(struct exec *x)
{
	struct policy *policy = NULL;
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < x->plan->count; i++)
		any |= x->plan->steps[i].kind == STEP_ADD_LINK;
	if (!any || !x->have->link_count)
		return 0;
	r = rtnl_send(x->st->rt, x->err);
	if (r == 0)
		r = policy_find(x->st, x->want, &policy, x->err);
	if (r == 0 && policy)
		r = policy_attach(policy, x->st, x->want, policy_has_stamps(policy, x->want),
				  x->err);
	policy_close(policy);
	return r;
}

/* The host's VLAN interfaces: once the bridges below them are known by index. */
static int add_host_vlans(struct exec *x)
{
	char name[SUBJECT_TEXT];
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (step->kind != STEP_ADD_LINK || step->place != MODEL_HOST ||
		    step->want->kind != LINK_VLAN)
			continue;
		any = true;
		link_add_vlan(x->st->rt, step->want, host_ifindex(x, step->want->lower),
			      subject(x, step, name));
		link_set(x->st->rt, step->want, 0, LINK_SET_ALIAS, 0, name);
	}
	if (any)
		r = rtnl_send(x->st->rt, x->err);
	return any && r == 0 ? state_read_host(x->st, x->err) : r;
}

static int do_host(struct exec *x)
{
	int r = state_read_host(x->st, x->err);
	char name[SUBJECT_TEXT];

	if (r == 0)
		r = add_host_vlans(x);

	for (size_t i = 0; r == 0 && i < x->plan->count; i++)
		if (x->plan->steps[i].place == MODEL_HOST && x->plan->steps[i].want)
			x->plan->steps[i].want->ifindex =
				host_ifindex(x, x->plan->steps[i].want->name);
	if (r == 0)
		r = add_qdiscs(x);
	if (r == 0)
		r = join_policy(x);
	if (r < 0)
		return r;
	for (size_t i = 0; i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (step->place != MODEL_HOST || step->node)
			continue;
		if (step->kind == STEP_ADD_LINK || step->kind == STEP_SET_LINK)
			settle_host_link(x, step);
		if (step->kind == STEP_ADD_ADDR)
			addr_add(x->st->rt, step->want->ifindex, step->addr,
				 subject(x, step, name));
		if (step->kind == STEP_ADD_ROUTE)
			route_add(x->st->rt, step->want->ifindex, step->route,
				  subject(x, step, name));
	}
	return rtnl_send(x->st->rt, x->err);
}

static int publish_nodes(struct exec *x)
{
	char alias[MARK_TEXT];
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (step->kind != STEP_ADD_NODE)
			continue;
		if (!any)
			r = netns_prepare(x->err);
		any = true;
		if (r < 0)
			break;
		mark_format(&(struct mark) {.fleet = x->want->fleet, .node = step->node->name},
			    alias);
		r = netns_publish(x->handles[step->place]->fd, step->node->netns, alias, x->err);
	}
	return r;
}

static int remove_nodes(struct exec *x)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < x->plan->count; i++) {
		const struct step *step = &x->plan->steps[i];

		if (step->kind != STEP_DEL_NODE)
			continue;
		r = netns_remove(step->node->netns, x->err);
		state_forget(x->st, x->want->fleet, step->node->name);
	}
	return r;
}

static void load_modules(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == STEP_ADD_LINK &&
		    plan->steps[i].want->kind == LINK_BOND) {
			module_load(MODULE_BONDING);
			return;
		}
}

static int carry_out(struct state *st, struct model *want, const struct model *have,
		     const struct plan *plan, struct netsim_err *err)
{
	auto_free struct handle **handles = calloc(want->node_count + 1, sizeof(*handles));
	auto_free int *next = calloc(want->node_count + 1, sizeof(*next));
	auto_free int *fds = calloc(plan->count + 1, sizeof(*fds));
	auto_free const struct step **inside = calloc(plan->count + 1, sizeof(*inside));
	auto_free size_t *first = calloc(want->node_count + 1, sizeof(*first));
	struct exec x = {
		.st = st,
		.want = want,
		.have = have,
		.plan = plan,
		.handles = handles,
		.next_ifindex = next,
		.inside = inside,
		.first = first,
		.err = err,
	};
	int r;

	if (!handles || !next || !fds || !inside || !first)
		return err_oom(err);
	for (size_t i = 0; i < plan->count; i++)
		fds[i] = -1;
	load_modules(plan);
	r = prepare_host(&x);
	if (r == 0)
		r = converge_make_taps(plan, fds, err);
	if (r == 0)
		r = do_inside(&x);
	if (r == 0)
		r = do_host(&x);
	if (r == 0)
		r = converge_keep_taps(plan, fds, err);
	if (r == 0)
		r = publish_nodes(&x);
	if (r == 0)
		r = remove_nodes(&x);
	converge_close_taps(plan, fds);
	return r;
}

/* Drops network namespaces without a name: they vanish with their last descriptor. */
static void drop_unnamed(struct state *st, const struct model *want)
{
	bool exists;

	for (size_t i = 0; i < want->node_count; i++)
		if (want->nodes[i].netns &&
		    netns_exists(want->nodes[i].netns, &exists, NULL) == 0 && !exists)
			state_forget(st, want->fleet, want->nodes[i].name);
}

static int read_and_plan(struct state *st, struct model *want, struct model **ret_have,
			 struct plan *ret, struct netsim_err *err)
{
	int r = state_read_host(st, err);

	if (r == 0)
		r = state_read(st, want->fleet, STATE_ALL, ret_have, err);
	if (r < 0)
		return r;
	r = plan_make(want, *ret_have, ret, err);
	if (r < 0) {
		model_free(*ret_have);
		*ret_have = NULL;
	}
	return r;
}

/* Plans back to the previous state. Ignores errors: the caller reports the first one. */
static void undo(struct state *st, const struct model *want, struct model *before)
{
	struct model *now = NULL;
	struct plan plan = {0};
	struct netsim_err ignored = {0};

	drop_unnamed(st, want);
	if (before->link_count == 0 && before->node_count == 0) {
		(void)converge_remove(st, want->fleet, &ignored);
		return;
	}
	if (read_and_plan(st, before, &now, &plan, &ignored) == 0)
		(void)carry_out(st, before, now, &plan, &ignored);
	plan_done(&plan);
	model_free(now);
}

/* Verifies that the kernel matches want, after one more attempt to converge. */
static int read_back(struct state *st, struct model *want, struct netsim_err *err)
{
	struct model *now = NULL;
	struct plan plan = {0};
	char text[256];
	int r = read_and_plan(st, want, &now, &plan, err);

	if (r == 0 && plan.count) {
		r = carry_out(st, want, now, &plan, err);
		plan_done(&plan);
		model_free(now);
		now = NULL;
		if (r == 0)
			r = read_and_plan(st, want, &now, &plan, err);
	}
	if (r == 0 && plan.count) {
		step_describe(&plan.steps[0], want, text, sizeof(text));
		r = err_set(err, NETSIM_ERR_KERNEL, -EIO, NULL,
			    "the kernel's state differs from the topology; still to do: %s", text);
	}
	plan_done(&plan);
	model_free(now);
	return r == 0 ? converge_wait_for_carrier(st, want, err) : r;
}

int converge_to(struct state *st, struct model *want, size_t *ret_steps, struct netsim_err *err)
{
	struct model *before = NULL;
	struct plan plan = {0};
	int r = read_and_plan(st, want, &before, &plan, err);

	if (r < 0)
		return r;
	*ret_steps = plan_count(&plan);
	if (plan.count) {
		r = carry_out(st, want, before, &plan, err);
		if (r == 0)
			r = read_back(st, want, err);
		if (r < 0)
			undo(st, want, before);
	}
	plan_done(&plan);
	model_free(before);
	return r;
}
