/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/shape/drift.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/filter.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/shape/edt_commit.h"
#include "netsim/shape/edt_faults.h"
#include "netsim/shape/edt_queue.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/homes.h"
#include "netsim/shape/ifb.h"
#include "netsim/shape/park.h"
#include "netsim/shape/targets.h"
#include "netsim/util/arena.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

struct drift_reader {
	struct fleet *f;
	const struct intent *intent;
	struct qdiscs qdiscs;
	struct netem_targets targets; /* by order of the ports */
	struct drifts *ret;
	struct netsim_err *err;
};

void drifts_done(struct drifts *drifts)
{
	free(drifts->list);
	arena_free(drifts->texts);
	*drifts = (struct drifts) {0};
}

/* Names the foreign qdisc at a root, which shows who made it. */
static const char *with_root(struct drift_reader *r, int ifindex, const char *what)
{
	const struct qdisc *root = qdisc_at_root(&r->qdiscs, ifindex);
	const char *text;

	if (strcmp(what, FOREIGN_ROOT) != 0 || !root)
		return what;
	text = arena_printf(r->ret->texts, "%s, %s %x:", what, root->kind, root->handle >> 16);
	return text ? text : what;
}

/* Open vSwitch removes the root of its ports, or replaces it if they have a QoS. */
static const char *blame_ovs(struct drift_reader *r, const struct link *link, const char *what)
{
	const char *text = NULL;

	if (!link->ovs || link->kind == LINK_BRIDGE)
		return what;
	if (strcmp(what, FOREIGN_ROOT) == 0)
		text = arena_printf(r->ret->texts,
				    "%s; if it is Open vSwitch's: ovs-vsctl clear port %s qos",
				    with_root(r, link->ifindex, what), link->name);
	else if (strcmp(what, NO_NETEM) == 0)
		text = arena_printf(r->ret->texts, "%s (Open vSwitch removes it when it starts)",
				    what);
	return text ? text : what;
}

static int add(struct drift_reader *r, const struct link *link, const char *what, bool in_file)
{
	struct drift *slot = array_push(r->ret->list, r->ret->count);
	char text[MARK_TEXT];

	if (!slot)
		return err_oom(r->err);
	what = with_root(r, link->ifindex, blame_ovs(r, link, what));
	*slot = (struct drift) {
		arena_strdup(r->ret->texts, mark_call(link->alias, link->name, text)), what,
		link->ifindex, in_file};
	return slot->place ? 0 : err_oom(r->err);
}

static uint32_t flags_of(const struct fleet *f)
{
	return f->policy ? policy_slot(f->policy)->flags : 0;
}

/* True if the ports need the programs for packets from and to the host. */
static bool needs_stamps(const struct fleet *f)
{
	return policy_has_stamps(f->policy, f->model) || model_machine(f->model) >= 0 ||
	       (flags_of(f) & (PORT_FLAG_BASE | PORT_FLAG_OVERLAYS) &&
		edt_queue_has_host(f->model));
}

/* The queue in which the programs hold packets: a netem that orphans them, and below it an fq. */
static const char *held_difference(const struct drift_reader *r, int ifindex)
{
	const struct qdisc *root = qdisc_find(&r->qdiscs, ifindex, QDISC_ROOT);
	const struct qdisc *other = qdisc_at_root(&r->qdiscs, ifindex);

	if (other && other != root)
		return FOREIGN_ROOT;
	if (!root)
		return NO_NETEM;
	if (root->netem.rate != NETEM_HOLD_RATE || root->netem.delay || root->netem.loss)
		return "its netem differs";
	return qdisc_find(&r->qdiscs, ifindex, QDISC_FQ) ? NULL : "its fq is missing";
}

/* Compares a port with its bridge and, if the model has it, with the other end of its cable. */
static int read_link(struct drift_reader *r, const struct link *port)
{
	const struct model *model = r->f->model;
	const struct link *inside = NULL, *bridge;
	struct mark mark;
	int n = model_node_of_port(model, port, &mark), ret = 0;

	bridge = *port->master ? model_find_link(model, MODEL_HOST, port->master) : NULL;
	if (port->kind == LINK_VETH && n >= 0)
		inside = model_find_link(model, n, mark.iface);
	if (port->machine)
		return 0;
	if (port->routed)
		ret = *port->master ? add(r, port, "it is in a bridge", true) : 0;
	else if (!*port->master)
		ret = add(r, port, "it is in no bridge", true);
	else if (!bridge)
		ret = add(r, port, "it is in a bridge that is not the fleet's", true);
	if (ret == 0 && inside && inside->mtu != port->mtu)
		ret = add(r, port, "the two ends of its cable have different MTUs", true);
	if (ret == 0 && inside && !inside->up)
		ret = add(r, port, "the node's end of its cable is down", true);
	if (ret == 0 && bridge && !bridge->up)
		ret = add(r, port, "its bridge is down", true);
	return ret;
}

/* Packets to the host, or to the machine, pass an IFB while the programs hold them. */
static int read_ifb(struct drift_reader *r, const struct link *link)
{
	bool redirected = false, held = false;
	const struct link *ifb;
	char name[IFNAMSIZ];
	const char *what;
	int ret;

	if (!(flags_of(r->f) & PORT_FLAG_HELD))
		return 0;
	ifb_name(link->name, name);
	ifb = model_find_link(r->f->st->host, MODEL_HOST, name);
	if (!ifb || !state_is_ours(ifb, r->f->name))
		return add(r, link, "its IFB is missing", false);
	ret = filter_exists(r->f->st->rt, link->ifindex, FILTER_REDIRECT, &redirected, r->err);
	if (ret == 0)
		ret = filter_exists(r->f->st->rt, ifb->ifindex, FILTER_EGRESS, &held, r->err);
	if (ret < 0)
		return ret;
	what = !redirected ? "the redirect to its IFB is missing" :
	       !held	   ? "the program of its IFB is missing" :
			     held_difference(r, ifb->ifindex);
	return what ? add(r, link, what, false) : 0;
}

/*
 * True if a port has a root qdisc that netsim did not make, and needs none of its own. The roots of
 * taps of other programs, and of a machine's interfaces, are theirs until a profile needs them.
 */
static bool is_slowed_by_another(const struct drift_reader *r, const struct link *port)
{
	const struct qdisc *root = qdisc_at_root(&r->qdiscs, port->ifindex);
	struct mark mark;

	return root && !qdisc_find(&r->qdiscs, port->ifindex, QDISC_ROOT) && !port->machine &&
	       mark_parse(port->alias, &mark) && !mark.attached;
}

static int add_foreign(struct drift_reader *r, const struct link *port)
{
	int ret = add(r, port, FOREIGN_ROOT, false);

	if (ret == 0)
		r->ret->list[r->ret->count - 1].foreign = true;
	return ret;
}

static int read_port(struct drift_reader *r, size_t at, const struct netem_target *target)
{
	const struct link *link = &r->f->model->links[at];
	const char *what = NULL;
	int ret = 0;

	ret = read_link(r, link);
	if (ret == 0 && r->f->policy && !policy_is_attached(r->f->policy, at, false))
		ret = add(r, link,
			  link->machine ? "its program ns_out is missing" :
					  "its program ns_port is missing",
			  false);
	if (ret == 0 && r->f->policy && (needs_stamps(r->f) || *link->lag) &&
	    !policy_is_attached(r->f->policy, at, true))
		ret = add(r, link,
			  link->machine ? "its program ns_in is missing" :
			  link->routed	? "its program ns_route is missing" :
			  *link->lag	? "its program ns_lag is missing" :
					  "its program ns_stamp is missing",
			  false);
	if (ret < 0)
		return ret;
	if (flags_of(r->f) & PORT_FLAG_HELD)
		what = held_difference(r, link->ifindex);
	else if (!edt_is_base(r->f->policy) && r->intent->layer_count)
		ret = netem_differs(r->f->st, r->f->name, &r->qdiscs, target, &what, r->err);
	else if (edt_is_base(r->f->policy) && !netem_is_idle(r->f->st, &r->qdiscs, link))
		what = "its netem differs";
	else if (is_slowed_by_another(r, link))
		return add_foreign(r, link);
	if (ret == 0 && what)
		return add(r, link, what, false);
	return ret == 0 && (link->routed || link->machine) ? read_ifb(r, link) : ret;
}

static int read_bridge(struct drift_reader *r, size_t at)
{
	const struct link *link = &r->f->model->links[at];
	int ret = 0;

	if (r->f->policy && needs_stamps(r->f) && !policy_is_attached(r->f->policy, at, true))
		ret = add(r, link, "its program ns_host is missing", false);
	return ret == 0 && edt_queue_has_host_at(r->f->model, link) ? read_ifb(r, link) : ret;
}

/* Held packets pass a pair of veths; a difference counts at the fleet's first link. */
static int read_park(struct drift_reader *r)
{
	const struct model *model = r->f->model;
	const char *what = NULL;
	int ret;

	if (!(flags_of(r->f) & PORT_FLAG_HOLDS) || !model->link_count)
		return 0;
	ret = park_differs(r->f, &r->qdiscs, &what, r->err);
	return ret == 0 && what ? add(r, &model->links[0], what, false) : ret;
}

static const struct netem_target *target_of(const struct drift_reader *r, const struct link *link)
{
	for (size_t i = 0; i < r->targets.count; i++)
		if (r->targets.list[i].device == link->name)
			return &r->targets.list[i];
	return NULL;
}

/* --- what the record of the topology has, and the kernel has not */

/* The ports that exist, as "n100-1/eth1", sorted. */
struct known {
	const char **list;
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_known(struct drift_reader *r, struct known *ret)
{
	const struct model *model = r->f->model;
	struct mark mark;

	ret->list = calloc(model->link_count + 1, sizeof(*ret->list));
	if (!ret->list)
		return err_oom(r->err);
	for (size_t i = 0; i < model->link_count; i++) {
		const char *name;

		if (!link_is_port(&model->links[i]) || !mark_parse(model->links[i].alias, &mark) ||
		    !mark.iface)
			continue;
		name = arena_printf(r->ret->texts, "%s/%s", mark.node, mark.iface);
		if (!name)
			return err_oom(r->err);
		ret->list[ret->count++] = name;
	}
	qsort(ret->list, ret->count, sizeof(*ret->list), compare_names);
	return 0;
}

static int add_missing(struct drift_reader *r, const char *place, const char *what)
{
	struct drift *slot = place ? array_push(r->ret->list, r->ret->count) : NULL;

	if (!slot)
		return err_oom(r->err);
	*slot = (struct drift) {.place = place, .what = what, .in_file = true, .missing = true};
	return 0;
}

static int need_port(struct drift_reader *r, const struct known *known, const char *node,
		     const char *iface)
{
	const char *name = arena_printf(r->ret->texts, "%s/%s", node, iface);

	if (name && bsearch(&name, known->list, known->count, sizeof(*known->list), compare_names))
		return 0;
	return add_missing(r, name, "it has no port; netsim up makes it again");
}

static bool has_own_nodes(const struct topo *topo)
{
	for (size_t i = 0; i < topo->node_count; i++)
		if (topo->nodes[i].kind != NODE_ATTACHED)
			return true;
	return false;
}

/* Attached nodes have their ports from other programs; on a machine, all other nodes are elsewhere.
 */
static int read_missing(struct drift_reader *r)
{
	struct known known = {0};
	struct topo *topo = NULL;
	int ret = 0;

	if (model_machine(r->f->model) < 0)
		ret = topo_record_read_here(r->f->st, r->f->name, &topo, r->err);
	if (ret == 0 && topo)
		ret = list_known(r, &known);
	if (ret == 0 && topo && !known.count && has_own_nodes(topo)) {
		ret = add_missing(r, arena_strdup(r->ret->texts, r->f->name),
				  "no node is there, as after an up that was killed; netsim up "
				  "makes them");
		topo_free(topo);
		topo = NULL;
	}
	for (size_t n = 0; ret == 0 && topo && n < topo->node_count; n++)
		for (size_t i = 0; ret == 0 && topo->nodes[n].kind != NODE_ATTACHED &&
				   i < topo->nodes[n].iface_count;
		     i++)
			if (topo->nodes[n].ifaces[i].kind == IFACE_PORT)
				ret = need_port(r, &known, topo->nodes[n].name,
						topo->nodes[n].ifaces[i].name);
	for (size_t i = 0; ret == 0 && topo && i < topo->cable_count; i++)
		for (size_t end = 0; ret == 0 && end < 2; end++)
			ret = need_port(r, &known, topo->cables[i].name,
					topo->cables[i].ifaces[end]);
	free(known.list);
	topo_free(topo);
	return ret;
}

int drift_read(struct fleet *f, const struct intent *intent, struct drifts *ret,
	       struct netsim_err *err)
{
	struct drift_reader r = {.f = f, .intent = intent, .ret = ret, .err = err};
	int result;

	*ret = (struct drifts) {.texts = arena_new(0)};
	result = ret->texts ? qdisc_list(f->st->rt, &r.qdiscs, err) : err_oom(err);
	if (result == 0)
		result = targets_make(f->model, NULL, intent, &r.targets, err);
	for (size_t i = 0; result == 0 && i < f->model->link_count; i++) {
		const struct link *link = &f->model->links[i];
		const struct netem_target *target = target_of(&r, link);

		if (link->node != MODEL_HOST)
			continue;
		if (target)
			result = read_port(&r, i, target);
		else if (link->kind == LINK_BRIDGE)
			result = read_bridge(&r, i);
	}
	if (result == 0)
		result = read_park(&r);
	if (result == 0)
		result = read_missing(&r);
	free(r.qdiscs.list);
	targets_done(&r.targets);
	return result;
}

const struct port_fault *drift_find_fault(const struct policy *policy, uint32_t id)
{
	for (int i = 0; policy && i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &policy_slot(policy)->faults[i];

		if (fault->id == id && policy_alive(fault))
			return fault;
	}
	return NULL;
}

void drift_fault(const struct intent_fault *from, struct port_fault *ret)
{
	*ret = (struct port_fault) {
		.id = from->id,
		.kind = from->kind,
		.deadline = from->deadline,
		.start = from->start,
		.link = {.period = from->period_ns, .up = from->up_ns, .vlan = from->vlan},
		.l2 = from->l2,
		.reject = from->reject,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", from->name ? from->name : "");
	snprintf(ret->conditions, sizeof(ret->conditions), "%s",
		 from->conditions ? from->conditions : "");
	snprintf(ret->targets, sizeof(ret->targets), "%s", from->targets ? from->targets : "");
	snprintf(ret->class, sizeof(ret->class), "%s", from->class ? from->class : "");
}

static bool is_composed(const struct intent_fault *fault)
{
	return fault->kind == PORT_FAULT_CONDITIONS || fault->kind == PORT_FAULT_LINK;
}

bool drift_of_fault(const struct fleet *f, const struct intent *intent,
		    const struct intent_fault *fault, struct netsim_err *why)
{
	struct port_fault asked;
	bool link;

	*why = (struct netsim_err) {0};
	if (fault->deadline && fault->deadline <= intent->now)
		return false;
	if (!drift_find_fault(f->policy, fault->id)) {
		/* Since the record was read, its time may have come. */
		if (fault->deadline && fault->deadline <= policy_now())
			return false;
		err_set(why, NETSIM_ERR_KERNEL, -ENOENT, NULL, "the kernel has lost it");
		return true;
	}
	drift_fault(fault, &asked);
	return is_composed(fault) && fault_check(f->policy, &asked, f->model, &link, why) < 0;
}

/* Adds the nodes of "a,b,c" by their numbers; a node that is gone gets one, too. */
static int add_nodes(struct fleet *f, const char *text, struct policy_group *group,
		     struct netsim_err *err)
{
	char *words = strdup(text), *save = NULL;
	int number = words ? 0 : err_oom(err);

	for (char *word = words ? strtok_r(words, ",", &save) : NULL; word && number >= 0;
	     word = strtok_r(NULL, ",", &save)) {
		uint16_t *slot = array_push(group->nodes, group->count);

		number = slot ? policy_number_node(f->policy, f->model, word, err) : err_oom(err);
		if (slot)
			*slot = number >= 0 ? (uint16_t)number : 0;
	}
	free(words);
	return number < 0 ? number : 0;
}

static int restore_cut(struct fleet *f, const struct intent_fault *fault, struct netsim_err *err)
{
	struct policy_group groups[2 * PORT_BITS] = {0};
	const struct policy_cut cut = {.kind = fault->kind,
				       .groups = groups,
				       .group_count = fault->group_count,
				       .deadline = fault->deadline,
				       .name = fault->name,
				       .l2 = fault->l2,
				       .id = fault->id,
				       .class = fault->class,
				       .vlan = fault->vlan,
				       .reject = fault->reject};
	uint32_t id;
	int r = 0;

	if (!fault->group_count || fault->group_count > ARRAY_SIZE(groups))
		return err_set(err, NETSIM_ERR_KERNEL, -EINVAL, NULL,
			       "its groups are not in the record");
	for (size_t i = 0; r == 0 && i < fault->group_count; i++)
		r = add_nodes(f, fault->groups[i], &groups[i], err);
	if (r == 0 && cut.reject)
		r = homes_note(f, err);
	if (r == 0)
		r = policy_partition(f->policy, &cut, &id, err);
	for (size_t i = 0; i < fault->group_count; i++)
		free(groups[i].nodes);
	return r;
}

int drift_restore(struct fleet *f, const struct intent_fault *fault, struct netsim_err *err)
{
	struct port_fault again;

	if (!is_composed(fault))
		return restore_cut(f, fault, err);
	drift_fault(fault, &again);
	return engine_commit(f, &(struct edt_change) {.fault = &again}, NULL, err);
}
