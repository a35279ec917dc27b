/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * status: reads everything from the kernel, except the name of the profile, which the intent in
 * /run/netsim records.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/attach.h"
#include "netsim/api/services.h"
#include "netsim/api/status_reach.h"
#include "netsim/api/attach_ovs.h"
#include "netsim/api/mend.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/policy/describe.h"
#include "netsim/policy/policy.h"
#include "netsim/run/limits.h"
#include "netsim/shape/edt.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/ifb.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"
#include "netsim/shape/netem_params.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

struct reader {
	struct state *st;
	const struct policy *policy; /* of the fleet being read, or NULL */
	struct qdiscs qdiscs;
	struct netsim_status *ret;
	struct netsim_err *err;
};

static char *copy(const struct reader *r, const char *text)
{
	char *result = arena_strdup(r->ret, text);

	if (!result)
		err_oom(r->err);
	return result;
}

void netsim_status_free(struct netsim_status *status)
{
	arena_free(status);
}

/* Describes the conditions of a hop in the programs, or else in netem; "" if none. */
static void describe_hop(const struct policy *policy, struct port_key key, char *text, size_t size)
{
	struct port_conditions compiled;
	struct conditions c;

	if (policy_now_at(policy, key, &compiled) < 0)
		return;
	edt_read(&compiled, &c);
	c.has &= ~(1U << COND_SEED);
	if (compiled.has & PORT_HAS_DOWN)
		snprintf(text, size, compiled.down_period ? "flaps" : "down");
	else if (c.has)
		conditions_format(&c, text, size);
	if (compiled.has & PORT_HAS_TRACE) {
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%strace", used ? " " : "");
	}
}

/* Reads one direction from its qdisc and, if key is not NULL, from the programs at that hop. */
static struct netsim_direction *read_direction(const struct reader *r, int ifindex,
					       const struct port_key *key)
{
	const struct qdisc *root = qdisc_find(&r->qdiscs, ifindex, QDISC_ROOT);
	const struct qdisc *child = qdisc_find(&r->qdiscs, ifindex, QDISC_CHILD);
	struct netsim_direction *ret = arena_alloc(r->ret, sizeof(*ret));
	char text[160] = "";
	struct conditions c;

	if (!ret)
		return NULL;
	if (root && ifindex) {
		netem_params_read(&root->netem, child ? &child->tbf : NULL, &c);
		/* Since Linux 6.7 every netem has one, whether it was asked for or not. */
		c.has &= ~(1U << COND_SEED);
		if (c.has)
			conditions_format(&c, text, sizeof(text));
		ret->counted = true;
		ret->packets = root->packets;
		ret->bytes = root->bytes;
		ret->drops = root->drops;
		ret->queued = root->queued;
	}
	if (key)
		describe_hop(r->policy, *key, text, sizeof(text));
	ret->text = copy(r, text);
	return ret->text ? ret : NULL;
}

static int ifb_of(const struct reader *r, const char *device)
{
	char name[IFNAMSIZ];
	const struct link *ifb;

	ifb_name(device, name);
	ifb = model_find_link(r->st->host, MODEL_HOST, name);
	return ifb && MARK_IS_GROUP(ifb->group) ? ifb->ifindex : 0;
}

static int read_port(const struct reader *r, const struct model *model, size_t at,
		     const char *iface, struct netsim_node *node)
{
	const struct link *link = &model->links[at];
	uint16_t number = r->policy ? policy_link(r->policy, at) : 0;
	const struct port_key up = {.from = number, .hop = PORT_HOP_UP};
	const struct port_key down = {.to = number, .hop = PORT_HOP_DOWN};
	struct netsim_port *port = arena_push(r->ret, node->ports, node->port_count);

	if (!port)
		return err_oom(r->err);
	port->name = copy(r, link->name);
	port->iface = copy(r, iface);
	port->bridge = copy(r, link->master);
	port->up = link_carries(link);
	port->routed = link->routed;
	if (number) {
		node->unclaimed_packets += policy_link_entry(r->policy, number)->unclaimed;
		port->cut_packets = policy_link_entry(r->policy, number)->cut;
		port->lost_packets = policy_link_entry(r->policy, number)->lost;
		port->oversized_packets = policy_link_entry(r->policy, number)->oversized;
	}
	/* On a machine that is a node, the port is the node's own end. */
	port->to = read_direction(r, link->machine ? ifb_of(r, link->name) : link->ifindex,
				  number ? &down : NULL);
	port->from = read_direction(r, link->machine ? link->ifindex : ifb_of(r, link->name),
				    number ? &up : NULL);
	return port->name && port->iface && port->bridge && port->to && port->from ?
		       0 :
		       err_oom(r->err);
}

/* Appends a copy of text to a list. */
static int add_text(const struct reader *r, const char ***list, size_t *count, const char *text)
{
	const char **wider = arena_alloc(r->ret, (*count + 1) * sizeof(*wider));

	if (!wider)
		return err_oom(r->err);
	if (*count)
		memcpy(wider, *list, *count * sizeof(*wider));
	wider[*count] = copy(r, text);
	*list = wider;
	return wider[(*count)++] ? 0 : -ENOMEM;
}

static int read_node(const struct reader *r, const struct model *model,
		     const struct model_node *from, struct netsim_node *node)
{
	node->name = copy(r, from->name);
	node->tap = from->is_tap;
	node->attached = from->attached && !from->machine;
	node->machine = from->machine;
	node->peer = from->peer;
	node->service = from->service;
	node->inside = from->is_tap || from->netns || from->machine;
	for (size_t i = 0; i < from->role_count; i++) {
		if (add_text(r, &node->roles, &node->role_count, from->roles[i]) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		struct mark mark;

		if (link_is_port(link) && mark_parse(link->alias, &mark) && mark.iface &&
		    strcmp(mark.node, from->name) == 0 &&
		    read_port(r, model, i, mark.iface, node) < 0)
			return -ENOMEM;
	}
	return node->name ? 0 : -ENOMEM;
}

/* Fills the groups of a partition in force. */
static int read_groups(const struct reader *r, const struct port_fault *fault,
		       struct netsim_fault *ret)
{
	struct policy_group groups[2 * PORT_BITS];
	size_t count;
	int result = policy_groups(r->policy, fault, groups, &count, &ret->pairs);

	ret->groups = arena_alloc(r->ret, (count + 1) * sizeof(*ret->groups));
	for (size_t g = 0; result == 0 && ret->groups && g < count; g++) {
		auto_buf struct buf text = {0};

		for (size_t i = 0; i < groups[g].count; i++) {
			const char *name = policy_node_name(r->policy, groups[g].nodes[i]);

			buf_printf(&text, "%s%s", i ? "," : "", name ? name : "(gone)");
		}
		ret->groups[g] = copy(r, text.data ? text.data : "");
		result = ret->groups[g] ? 0 : -ENOMEM;
		ret->group_count++;
	}
	policy_free_groups(groups, count);
	return ret->groups ? result : -ENOMEM;
}

static int read_faults(const struct reader *r, struct netsim_fleet *fleet)
{
	const struct policy *policy = r->policy;
	const struct port_slot *slot = policy_slot(policy);

	for (int i = 0; i < PORT_FAULTS; i++) {
		const struct port_fault *fault = &slot->faults[i];
		struct netsim_fault *new;
		char text[512];

		if (!policy_alive(fault))
			continue;
		api_describe_fault(policy, fault, text, sizeof(text));
		new = arena_push(r->ret, fleet->faults, fleet->fault_count);
		if (!new || !api_fill_fault(r->ret, fault, text, new))
			return err_oom(r->err);
		if (new->kind == NETSIM_FAULT_PARTITION && read_groups(r, fault, new) < 0)
			return err_oom(r->err);
	}
	return 0;
}

/* Adds a recorded fault that the kernel has lost. */
static int add_lost_fault(const struct reader *r, const struct intent_fault *lost,
			  struct netsim_fleet *fleet, struct netsim_fault **ret)
{
	struct port_fault fault;
	char text[512];

	*ret = arena_push(r->ret, fleet->faults, fleet->fault_count);
	drift_fault(lost, &fault);
	api_recorded_text(lost, text, sizeof(text));
	return *ret && api_fill_fault(r->ret, &fault, text, *ret) ? 0 : err_oom(r->err);
}

static int mark_faults(const struct reader *r, const struct fleet *f, const struct intent *intent,
		       struct netsim_fleet *fleet)
{
	for (size_t i = 0; i < intent->fault_count; i++) {
		const struct intent_fault *asked = &intent->faults[i];
		struct netsim_fault *fault = NULL;
		struct netsim_err why;

		if (!drift_of_fault(f, intent, asked, &why))
			continue;
		for (size_t j = 0; j < fleet->fault_count; j++)
			if (fleet->faults[j]->id == asked->id)
				fault = fleet->faults[j];
		if (!fault && add_lost_fault(r, asked, fleet, &fault) < 0)
			return -ENOMEM;
		fault->problem = copy(r, why.what);
		if (!fault->problem)
			return -ENOMEM;
	}
	return 0;
}

/* True if the record of the topology has told what a node lacks. */
static bool is_told(const struct netsim_fleet *fleet, const char *node)
{
	size_t length = strlen(node);

	for (size_t i = 0; i < fleet->differs_count; i++)
		if (strncmp(fleet->differs[i], node, length) == 0 &&
		    fleet->differs[i][length] == '/')
			return true;
	return false;
}

/*
 * A node that netsim made has a port: without one, nothing of its cable is left. Which ones it had,
 * only the record of the topology knows.
 */
static int read_portless(const struct reader *r, struct netsim_fleet *fleet)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < fleet->node_count; i++) {
		const struct netsim_node *node = fleet->nodes[i];
		char *text;

		if (node->port_count || node->attached || node->machine || node->peer ||
		    is_told(fleet, node->name))
			continue;
		text = arena_printf(r->ret, "%s: it has no port; netsim up makes it again",
				    node->name);
		result = !text ? err_oom(r->err) :
				 add_text(r, &fleet->differs, &fleet->differs_count, text);
	}
	return result;
}

static int compare_faults(const void *x, const void *y)
{
	const struct netsim_fault *a = *(struct netsim_fault *const *)x;
	const struct netsim_fault *b = *(struct netsim_fault *const *)y;

	return (a->id > b->id) - (a->id < b->id);
}

/* Reads the differences from the record, and the reasons why faults are not in force. */
static int read_drift(const struct reader *r, struct model *model, struct netsim_fleet *fleet)
{
	struct fleet f = {.st = r->st,
			  .name = (char *)fleet->name,
			  .model = model,
			  .policy = (struct policy *)r->policy,
			  .lock = -1};
	struct drifts drifts = {0};
	struct intent intent;
	int result = 0;

	if (intent_read_parsed(fleet->name, &intent, NULL) < 0)
		return 0; /* fleet->record has the reason */
	result = drift_read(&f, &intent, &drifts, r->err);
	for (size_t i = 0; result == 0 && i < drifts.count; i++) {
		char *text =
			arena_printf(r->ret, "%s: %s", drifts.list[i].place, drifts.list[i].what);

		result = !text ? err_oom(r->err) :
				 add_text(r, &fleet->differs, &fleet->differs_count, text);
	}
	if (result == 0)
		result = mark_faults(r, &f, &intent, fleet);
	drifts_done(&drifts);
	intent_done(&intent);
	return result;
}

/*
 * Sums the drops of the links of each node, also of those that have no port at present: by
 * partitions, to and from it; by conditions, of packets it sent.
 */
static int sum_links(const struct reader *r, struct netsim_fleet *fleet)
{
	auto_free struct netsim_node **nodes = calloc(PORT_NODES, sizeof(struct netsim_node *));

	if (!nodes)
		return err_oom(r->err);
	for (size_t i = 0; i < fleet->node_count; i++) {
		int number = policy_node(r->policy, fleet->nodes[i]->name);

		if (number > POLICY_HOST)
			nodes[number] = fleet->nodes[i];
	}
	for (uint16_t link = 1; link < PORT_LINKS; link++) {
		const struct port_link *entry = policy_link_entry(r->policy, link);
		struct netsim_node *node = nodes[entry->node % PORT_NODES];

		if (!node)
			continue;
		node->cut_packets += entry->cut;
		node->lost_packets += entry->lost;
		node->oversized_packets += entry->oversized;
	}
	return 0;
}

/* Other machines have no links: sums the drops of the pairs instead. */
static int sum_peers(const struct reader *r, struct netsim_fleet *fleet)
{
	auto_free struct policy_traffic *traffic = NULL;
	size_t count = 0;

	if (policy_read_traffic(r->policy, &traffic, &count) < 0)
		return err_oom(r->err);
	for (size_t i = 0; i < fleet->node_count; i++) {
		struct netsim_node *node = fleet->nodes[i];
		int number = node->peer ? policy_node(r->policy, node->name) : -1;

		for (size_t k = 0; number >= 0 && k < count; k++) {
			const struct policy_traffic *t = &traffic[k];

			if (t->from == PORT_ANY)
				continue;
			if (t->from == number || t->to == number)
				node->cut_packets += t->sum.dropped[PORT_DROP_CUT];
			for (int w = PORT_DROP_CUT + 1; t->from == number && w < PORT_DROPS; w++)
				node->lost_packets += t->sum.dropped[w];
			if (t->from == number)
				node->oversized_packets += t->sum.dropped[PORT_DROP_SIZE];
		}
	}
	return 0;
}

static int read_waiting(const struct reader *r, struct netsim_fleet *fleet)
{
	int result = policy_count_parked(r->policy, &fleet->waiting_packets, &fleet->waiting_bytes);

	return result < 0 ? err_errno(r->err, result, NULL, "cannot read the held packets") : 0;
}

static char *end_name(const struct reader *r, uint16_t number)
{
	const char *name = policy_node_name(r->policy, number);

	return name ? copy(r, name) : NULL;
}

static int compare_paths(const void *x, const void *y)
{
	const struct netsim_path *a = *(struct netsim_path *const *)x;
	const struct netsim_path *b = *(struct netsim_path *const *)y;
	int order = strcmp(a->from ? a->from : "", b->from ? b->from : "");

	if (order == 0)
		order = strcmp(a->to ? a->to : "", b->to ? b->to : "");
	return order ? order :
		       strcmp(a->class_name ? a->class_name : "",
			      b->class_name ? b->class_name : "");
}

/* Reads the present conditions of pairs and classes. */
static int read_paths(const struct reader *r, struct netsim_fleet *fleet)
{
	auto_free struct port_key *keys = NULL;
	size_t count = 0;

	if (policy_paths(r->policy, &keys, &count) < 0)
		return err_oom(r->err);
	for (size_t i = 0; i < count; i++) {
		const char *class =
			keys[i].class ? policy_class_name(r->policy, keys[i].class) : NULL;
		struct netsim_path *path;
		char text[160] = "";

		describe_hop(r->policy, keys[i], text, sizeof(text));
		if (!*text)
			continue;
		path = arena_push(r->ret, fleet->paths, fleet->path_count);
		if (!path)
			return err_oom(r->err);
		path->from = end_name(r, keys[i].from);
		path->to = end_name(r, keys[i].to);
		path->class_name = class ? copy(r, class) : NULL;
		path->text = copy(r, text);
		if (!path->text)
			return -ENOMEM;
	}
	if (fleet->path_count)
		qsort(fleet->paths, fleet->path_count, sizeof(*fleet->paths), compare_paths);
	return 0;
}

static int read_limits(const struct reader *r, const char *fleet, struct netsim_node *node)
{
	struct node_limits limits;
	int result = limits_read(fleet, r->st->own_id, node->name, &limits, r->err);

	node->cpu_percent = (double)limits.cpu_us * 100 / LIMITS_PERIOD;
	node->memory_bytes = limits.memory;
	return result;
}

/* The kernel lists the second end of a veth first. */
static void order_ends(const struct model_node *cable, struct netsim_node *node)
{
	struct netsim_port *first = node->port_count ? node->ports[0] : NULL;

	if (node->port_count != 2 || strcmp(first->iface, cable->first) == 0)
		return;
	node->ports[0] = node->ports[1];
	node->ports[1] = first;
}

static int read_nodes(const struct reader *r, const struct model *model, struct netsim_fleet *fleet)
{
	const struct intent_layer *last = NULL;
	struct netsim_err why = {0};
	struct intent intent;
	int result = 0;

	for (size_t i = 0; i < model->node_count; i++) {
		struct netsim_node *node =
			model->nodes[i].cable ?
				arena_push(r->ret, fleet->cables, fleet->cable_count) :
				arena_push(r->ret, fleet->nodes, fleet->node_count);

		if (!node || read_node(r, model, &model->nodes[i], node) < 0)
			return err_oom(r->err);
		if (model->nodes[i].cable)
			order_ends(&model->nodes[i], node);
		node->forwards = model->nodes[i].forwarding.ipv4 || model->nodes[i].forwarding.ipv6;
		if (model->nodes[i].netns && read_limits(r, model->fleet, node) < 0)
			return -EIO;
	}
	for (size_t i = 0; i < model->link_count; i++) {
		if (model->links[i].kind == LINK_BRIDGE &&
		    add_text(r, &fleet->networks, &fleet->network_count, model->links[i].name) < 0)
			return -ENOMEM;
	}
	if (intent_read(fleet->name, &intent, &why) < 0 && !(fleet->record = copy(r, why.what)))
		return -ENOMEM;
	for (size_t i = 0; i < intent.layer_count; i++)
		if (!intent.layers[i].ports)
			last = &intent.layers[i];
	fleet->profile_changed = intent.layer_count > 1;
	fleet->engine = edt_is_base(r->policy)		    ? NETSIM_ENGINE_EDT :
			intent.layer_count || fleet->record ? NETSIM_ENGINE_NETEM :
							      NETSIM_ENGINE_AUTO;
	if (edt_is_base(r->policy) && intent_parse(&intent, NULL) == 0)
		fleet->engine_why = engine_why(&intent, r->policy, model);
	if (last && last->profile && !(fleet->profile = copy(r, last->profile)))
		result = -ENOMEM;
	intent_done(&intent);
	return result;
}

/* Lists ports of attached nodes that are not shaped. */
static int read_missing(const struct reader *r, const char *name, struct netsim_fleet *fleet)
{
	struct attachment attachment;
	int result = attach_look(r->st, name, &attachment, r->err);

	if (result == 0)
		result = attach_list(r->ret, &attachment, &fleet->missing, &fleet->missing_count,
				     r->err);
	attach_done(&attachment);
	return result;
}

static int read_fleet(struct reader *r, const char *name, struct netsim_fleet *fleet)
{
	struct model *model = NULL;
	struct policy *policy = NULL;
	int result = state_read(r->st, name, STATE_ALL, &model, r->err);

	if (result == 0)
		result = topo_record_add_nodes(r->st, model, r->err);
	fleet->name = copy(r, name);
	if (result == 0 && !fleet->name)
		result = -ENOMEM;
	if (result == 0)
		result = policy_find(r->st, model, &policy, r->err);
	r->policy = policy;
	if (result == 0)
		result = read_nodes(r, model, fleet);
	if (result == 0)
		result = status_reach(policy, model, r->ret, fleet, r->err);
	if (result == 0 && policy)
		result = read_faults(r, fleet);
	if (result == 0)
		result = read_drift(r, model, fleet);
	if (result == 0)
		result = read_portless(r, fleet);
	if (fleet->fault_count)
		qsort(fleet->faults, fleet->fault_count, sizeof(*fleet->faults), compare_faults);
	if (result == 0 && policy)
		result = sum_links(r, fleet);
	if (result == 0 && policy && model_machine(model) >= 0)
		result = sum_peers(r, fleet);
	if (result == 0 && policy)
		result = read_waiting(r, fleet);
	if (result == 0 && policy)
		result = read_paths(r, fleet);
	if (result == 0)
		result = read_missing(r, name, fleet);
	if (result == 0)
		result = api_services_status(r->st, model, r->ret, fleet, r->err);
	if (result == 0)
		result = attach_ovs_list(r->ret, model, &fleet->ovs, &fleet->ovs_count, r->err);
	r->policy = NULL;
	policy_close(policy);
	model_free(model);
	return result;
}

static int read_bare(const struct reader *r, struct netsim_status *status)
{
	for (size_t i = 0; i < r->st->host->link_count; i++) {
		const struct link *ifb = &r->st->host->links[i], *link;
		struct netsim_bare *bare;
		struct mark mark;

		if (!state_is_ours(ifb, MARK_BARE) || !mark_parse(ifb->alias, &mark))
			continue;
		link = model_find_link(r->st->host, MODEL_HOST, mark.node);
		bare = arena_push(r->ret, status->bare, status->bare_count);
		if (!bare || !(bare->device = copy(r, mark.node)))
			return err_oom(r->err);
		bare->out = read_direction(r, link ? link->ifindex : 0, NULL);
		bare->in = read_direction(r, ifb->ifindex, NULL);
		if (!bare->out || !bare->in)
			return err_oom(r->err);
	}
	return 0;
}

static int read_fleets(struct reader *r, const char *only, struct netsim_status *status)
{
	char **names = NULL, *chosen = NULL;
	size_t count = 0;
	int result = only ? target_fleet(r->st, only, &chosen, r->err) :
			    target_fleets(r->st, &names, &count, r->err);

	for (size_t i = 0; result == 0 && i < (only ? 1 : count); i++) {
		struct netsim_fleet *fleet =
			arena_push(r->ret, status->fleets, status->fleet_count);

		result = fleet ? read_fleet(r, only ? chosen : names[i], fleet) : err_oom(r->err);
	}
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	free(chosen);
	return result;
}

int netsim_status(struct netsim *ctx, const struct netsim_status_opts *opts,
		  struct netsim_status **ret, struct netsim_err *err)
{
	struct netsim_status *status = arena_new(sizeof(*status));
	struct reader r = {.st = &ctx->state, .ret = status, .err = err};
	struct netsim_status_opts o;
	int result = status ? opts_read(&o, sizeof(o), opts, err) : err_oom(err);

	if (result == 0)
		result = state_read_host(r.st, err);
	if (result == 0)
		result = qdisc_list(r.st->rt, &r.qdiscs, err);
	if (result == 0)
		result = read_fleets(&r, o.fleet, status);
	if (result == 0 && !o.fleet)
		result = read_bare(&r, status);
	free(r.qdiscs.list);
	if (result < 0)
		arena_free(status);
	else
		*ret = status;
	return result;
}
