/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: everything from the kernel, only the profile's name from the label. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/qdisc.h"
#include "netsim/policy/policy.h"
#include "netsim/shape/edt.h"
#include "netsim/shape/engine.h"
#include "netsim/shape/intent.h"
#include "netsim/shape/netem.h"
#include "netsim/shape/netem_params.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

struct reader {
	struct state *st;
	const struct policy *policy; /* of the fleet that is being read, or NULL */
	struct qdiscs qdiscs;
	struct netsim_err *err;
};

static char *copy(const char *text, struct netsim_err *err)
{
	char *result = strdup(text);

	if (!result)
		err_oom(err);
	return result;
}

static void fleet_done(struct netsim_fleet *fleet)
{
	for (size_t i = 0; i < fleet->node_count; i++) {
		struct netsim_node *node = &fleet->nodes[i];

		for (size_t p = 0; p < node->port_count; p++) {
			free(node->ports[p].name);
			free(node->ports[p].iface);
			free(node->ports[p].bridge);
		}
		for (size_t r = 0; r < node->role_count; r++)
			free(node->roles[r]);
		free(node->ports);
		free(node->roles);
		free(node->name);
	}
	for (size_t i = 0; i < fleet->network_count; i++)
		free(fleet->networks[i]);
	for (size_t i = 0; i < fleet->path_count; i++) {
		free(fleet->paths[i].from);
		free(fleet->paths[i].to);
		free(fleet->paths[i].class_name);
	}
	free(fleet->paths);
	for (size_t i = 0; i < fleet->fault_count; i++) {
		free(fleet->faults[i].name);
		free(fleet->faults[i].text);
	}
	free(fleet->nodes);
	free(fleet->networks);
	free(fleet->faults);
	free(fleet->reach);
	free(fleet->profile);
	free(fleet->name);
}

void netsim_status_free(struct netsim_status *status)
{
	for (size_t i = 0; i < status->fleet_count; i++)
		fleet_done(&status->fleets[i]);
	for (size_t i = 0; i < status->bare_count; i++)
		free(status->bare[i].device);
	free(status->fleets);
	free(status->bare);
	*status = (struct netsim_status) {0};
}

static void read_direction(const struct reader *r, int ifindex, struct netsim_direction *ret)
{
	const struct qdisc *root = qdisc_find(&r->qdiscs, ifindex, QDISC_ROOT);
	const struct qdisc *child = qdisc_find(&r->qdiscs, ifindex, QDISC_CHILD);
	struct conditions c;

	if (!root || !ifindex)
		return;
	netem_params_read(&root->netem, child ? &child->tbf : NULL, &c);
	if (c.has)
		conditions_format(&c, ret->text, sizeof(ret->text));
	ret->packets = root->packets;
	ret->bytes = root->bytes;
	ret->drops = root->drops;
	ret->queued = root->queued;
}

/* What the programs do on a hop, where they do it. */
static void read_hop(const struct policy *policy, struct port_key key, char *ret, size_t size)
{
	struct port_conditions compiled;
	struct conditions c;

	if (policy_now_at(policy, key, &compiled) < 0)
		return;
	edt_read(&compiled, &c);
	c.has &= ~(1U << COND_SEED);
	if (compiled.has & PORT_HAS_DOWN)
		snprintf(ret, size, compiled.down_period ? "flaps" : "down");
	else if (c.has)
		conditions_format(&c, ret, size);
	if (compiled.has & PORT_HAS_TRACE) {
		size_t used = strlen(ret);

		snprintf(ret + used, size - used, "%strace", used ? " " : "");
	}
}

static int ifb_of(const struct reader *r, const char *device)
{
	char name[IFNAMSIZ];
	const struct link *ifb;

	netem_ifb_name(device, name);
	ifb = model_find_link(r->st->host, MODEL_HOST, name);
	return ifb && MARK_IS_GROUP(ifb->group) ? ifb->ifindex : 0;
}

static int read_port(const struct reader *r, const struct model *model, size_t at,
		     const char *iface, struct netsim_node *node)
{
	const struct link *link = &model->links[at];
	uint16_t number = r->policy ? policy_link(r->policy, at) : 0;
	struct netsim_port *port = array_push(node->ports, node->port_count);

	if (!port)
		return err_oom(r->err);
	port->name = copy(link->name, r->err);
	port->iface = copy(iface, r->err);
	port->bridge = copy(link->master, r->err);
	port->up = link->up;
	read_direction(r, link->ifindex, &port->to);
	read_direction(r, ifb_of(r, link->name), &port->from);
	if (number) {
		read_hop(r->policy, (struct port_key) {.from = number, .hop = PORT_HOP_UP},
			 port->from.text, sizeof(port->from.text));
		read_hop(r->policy, (struct port_key) {.to = number, .hop = PORT_HOP_DOWN},
			 port->to.text, sizeof(port->to.text));
	}
	return port->name && port->iface && port->bridge ? 0 : -ENOMEM;
}

static int read_node(const struct reader *r, const struct model *model,
		     const struct model_node *from, struct netsim_node *node)
{
	node->name = copy(from->name, r->err);
	node->tap = from->is_tap;
	node->inside = from->is_tap || from->netns;
	for (size_t i = 0; i < from->role_count; i++) {
		char **role = array_push(node->roles, node->role_count);

		if (!role || !(*role = copy(from->roles[i], r->err)))
			return err_oom(r->err);
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

/* Two nodes can reach each other at all if some of their ports share a bridge. */
static bool share_bridge(const struct netsim_node *a, const struct netsim_node *b)
{
	for (size_t i = 0; i < a->port_count; i++)
		for (size_t j = 0; j < b->port_count; j++)
			if (*a->ports[i].bridge && a->ports[i].up && b->ports[j].up &&
			    strcmp(a->ports[i].bridge, b->ports[j].bridge) == 0)
				return true;
	return false;
}

static int read_reach(const struct reader *r, struct netsim_fleet *fleet)
{
	const struct policy *policy = r->policy;
	size_t n = fleet->node_count;
	auto_free int *numbers = calloc(n + 1, sizeof(*numbers));

	fleet->reach = calloc(n * n + 1, sizeof(*fleet->reach));
	if (!fleet->reach || !numbers)
		return err_oom(r->err);
	for (size_t a = 0; policy && a < n; a++)
		numbers[a] = policy_node(policy, fleet->nodes[a].name);
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++) {
			bool reaches = a == b || share_bridge(&fleet->nodes[a], &fleet->nodes[b]);

			if (policy && reaches && numbers[a] >= 0 && numbers[b] >= 0)
				reaches = policy_reaches(policy, numbers[a], numbers[b]);
			fleet->reach[a * n + b] = reaches;
			fleet->nodes[a].reaches += reaches && a != b;
		}
	return 0;
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
		new = array_push(fleet->faults, fleet->fault_count);
		if (!new || !(new->text = copy(text, r->err)))
			return err_oom(r->err);
		if (*fault->name && !(new->name = copy(fault->name, r->err)))
			return err_oom(r->err);
		new->id = fault->id;
		new->left_ns = fault->deadline ? (int64_t)(fault->deadline - policy_now()) : -1;
	}
	return 0;
}

/* What was dropped: by partitions, to and from each node; by conditions, of what it sent. */
static int read_counters(const struct reader *r, struct netsim_fleet *fleet)
{
	auto_free struct policy_traffic *traffic = NULL;
	uint64_t cut[PORT_NODES] = {0}, lost[PORT_NODES] = {0};
	size_t count = 0;

	if (policy_read_traffic(r->policy, &traffic, &count) < 0)
		return err_oom(r->err);
	for (size_t i = 0; i < count; i++) {
		const struct policy_traffic *t = &traffic[i];

		if (t->from == PORT_ANY)
			continue;
		cut[t->from % PORT_NODES] += t->sum.dropped[PORT_DROP_CUT];
		cut[t->to % PORT_NODES] += t->sum.dropped[PORT_DROP_CUT];
		for (int why = PORT_DROP_CUT + 1; why < PORT_DROPS; why++)
			lost[t->from % PORT_NODES] += t->sum.dropped[why];
	}
	for (size_t i = 0; i < fleet->node_count; i++) {
		int number = policy_node(r->policy, fleet->nodes[i].name);

		if (number < 0)
			continue;
		fleet->nodes[i].cut_packets = cut[number];
		fleet->nodes[i].lost_packets = lost[number];
	}
	return 0;
}

static char *end_name(const struct reader *r, uint16_t number)
{
	const char *name = policy_node_name(r->policy, number);

	return name ? copy(name, r->err) : NULL;
}

static int compare_paths(const void *x, const void *y)
{
	const struct netsim_path *a = x, *b = y;
	int order = strcmp(a->from ? a->from : "", b->from ? b->from : "");

	if (order == 0)
		order = strcmp(a->to ? a->to : "", b->to ? b->to : "");
	return order ? order :
		       strcmp(a->class_name ? a->class_name : "",
			      b->class_name ? b->class_name : "");
}

/* The profile's own conditions of pairs and classes; faults are listed by themselves. */
static int read_paths(const struct reader *r, struct netsim_fleet *fleet)
{
	auto_free struct policy_entry *entries = NULL;
	size_t count = 0;

	if (policy_base_paths(r->policy, policy_slot(r->policy), &entries, &count) < 0)
		return err_oom(r->err);
	for (size_t i = 0; i < count; i++) {
		const struct port_key *key = &entries[i].key;
		struct netsim_path *path = array_push(fleet->paths, fleet->path_count);
		const char *class = key->class ? policy_class_name(r->policy, key->class) : NULL;

		if (!path)
			return err_oom(r->err);
		path->from = end_name(r, key->from);
		path->to = end_name(r, key->to);
		path->class_name = class ? copy(class, r->err) : NULL;
		read_hop(r->policy, *key, path->text, sizeof(path->text));
	}
	if (fleet->path_count)
		qsort(fleet->paths, fleet->path_count, sizeof(*fleet->paths), compare_paths);
	return 0;
}

static int read_nodes(const struct reader *r, const struct model *model, struct netsim_fleet *fleet)
{
	const struct intent_layer *last = NULL;
	struct intent intent;

	for (size_t i = 0; i < model->node_count; i++) {
		struct netsim_node *node = array_push(fleet->nodes, fleet->node_count);

		if (!node || read_node(r, model, &model->nodes[i], node) < 0)
			return err_oom(r->err);
	}
	for (size_t i = 0; i < model->link_count; i++) {
		char **network;

		if (model->links[i].kind != LINK_BRIDGE)
			continue;
		network = array_push(fleet->networks, fleet->network_count);
		if (!network || !(*network = copy(model->links[i].name, r->err)))
			return err_oom(r->err);
	}
	intent_read(fleet->name, &intent);
	for (size_t i = 0; i < intent.layer_count; i++)
		if (!intent.layers[i].ports)
			last = &intent.layers[i];
	fleet->profile_changed = intent.layer_count > 1;
	fleet->engine = edt_is_base(r->policy) ? "edt" : "netem";
	if (edt_is_base(r->policy) && intent_parse(&intent, NULL) == 0)
		fleet->engine_why = engine_why(&intent, r->policy);
	if (last && last->profile)
		fleet->profile = copy(last->profile, r->err);
	intent_done(&intent);
	return last && last->profile && !fleet->profile ? -ENOMEM : 0;
}

static int read_fleet(struct reader *r, const char *name, struct netsim_fleet *fleet)
{
	struct model *model = NULL;
	struct policy *policy = NULL;
	int result = state_read(r->st, name, STATE_NODES, &model, r->err);

	fleet->name = copy(name, r->err);
	if (result == 0 && !fleet->name)
		result = -ENOMEM;
	if (result == 0)
		result = policy_find(r->st, model, &policy, r->err);
	r->policy = policy;
	if (result == 0)
		result = read_nodes(r, model, fleet);
	if (result == 0)
		result = read_reach(r, fleet);
	if (result == 0 && policy)
		result = read_faults(r, fleet);
	if (result == 0 && policy)
		result = read_counters(r, fleet);
	if (result == 0 && policy)
		result = read_paths(r, fleet);
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
		bare = array_push(status->bare, status->bare_count);
		if (!bare || !(bare->device = copy(mark.node, r->err)))
			return err_oom(r->err);
		if (link)
			read_direction(r, link->ifindex, &bare->out);
		read_direction(r, ifb->ifindex, &bare->in);
	}
	return 0;
}

static int read_fleets(struct reader *r, const char *only, struct netsim_status *status)
{
	char **names = NULL, *chosen = NULL;
	size_t count = 0;
	int result = only ? target_fleet(r->st, only, &chosen, r->err) :
			    state_fleets(r->st, &names, &count, r->err);

	for (size_t i = 0; result == 0 && i < (only ? 1 : count); i++) {
		struct netsim_fleet *fleet = array_push(status->fleets, status->fleet_count);

		result = fleet ? read_fleet(r, only ? chosen : names[i], fleet) : err_oom(r->err);
	}
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	free(chosen);
	return result;
}

int netsim_status(struct netsim *ctx, const char *fleet, struct netsim_status *ret,
		  struct netsim_err *err)
{
	struct reader r = {.st = &ctx->state, .err = err};
	struct netsim_status status = {0};
	int result = state_read_host(&ctx->state, err);

	if (result == 0)
		result = qdisc_list(ctx->state.rt, &r.qdiscs, err);
	if (result == 0)
		result = read_fleets(&r, fleet, &status);
	if (result == 0 && !fleet)
		result = read_bare(&r, &status);
	free(r.qdiscs.list);
	if (result < 0)
		netsim_status_free(&status);
	else
		*ret = status;
	return result;
}
