/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/addresses.h"

#include <errno.h>
#include <string.h>

#include "netsim/fleet/cable.h"
#include "netsim/fleet/topo_record.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/neigh.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* An address of one of the nodes, and the bridge and VLAN that it is on. */
struct node_address {
	size_t peer;	    /* index in finder.nodes */
	const char *device; /* "" for a guest, whose interfaces are unknown */
	const char *iface;  /* name for --interface */
	struct cable_place place;
	struct ip ip;
};

struct ends {
	struct node_address *list;
	size_t count;
};

struct finder {
	struct state *st;
	const struct model *model;
	const int *nodes;
	size_t node_count;
	bool link_local; /* of the host on routed networks, too */
	struct ends ends;
	char (*guests)[IFNAMSIZ]; /* the interface name of each node that is a guest */
};

static size_t peer_of(const struct finder *f, int node)
{
	for (size_t i = 0; i < f->node_count; i++)
		if (f->nodes[i] == node)
			return i;
	return SIZE_MAX;
}

static int add_end(struct finder *f, const struct node_address *end, struct netsim_err *err)
{
	struct node_address *slot = array_push(f->ends.list, f->ends.count);

	if (!slot)
		return err_oom(err);
	*slot = *end;
	return 0;
}

/* Adds the addresses of a node's interface, of a bridge, or of the host on a routed network. */
static int add_link(struct finder *f, const struct link *link, struct netsim_err *err)
{
	struct node_address end = {
		.peer = peer_of(f, link->node), .device = link->name, .iface = link->name};
	bool host = link->node == MODEL_HOST;
	int r = 0;

	if (end.peer == SIZE_MAX ||
	    (host && link->kind != LINK_BRIDGE && link->kind != LINK_VLAN && !link->routed) ||
	    !cable_place(f->model, link, &end.place))
		return 0;
	/* The host reaches all nodes of a routed network, not only by this port. */
	if (host && link->routed) {
		end.place.port = NULL;
		end.device = "";
	}
	for (size_t i = 0; r == 0 && i < link->addr_count; i++) {
		end.ip = link->addrs[i].ip;
		if (f->link_local || !ip_is_link_local(&end.ip) || !link->routed)
			r = add_end(f, &end, err);
	}
	return r;
}

/* Adds the guest behind a tap of a routed network, which the host has routes to. */
static int add_routed_guest(struct finder *f, const struct link *port, struct node_address *end,
			    struct netsim_err *err)
{
	struct mac mac;
	int r = 0;

	for (size_t i = 0; r == 0 && i < port->route_count; i++) {
		end->ip = port->routes[i].to;
		r = add_end(f, end, err);
	}
	if (port->route_count)
		return r;
	r = neigh_at(f->st->rt, port->ifindex, &end->ip, &mac, err);
	return r == 0 ? add_end(f, end, err) : r == -ENOENT ? 0 : r;
}

/* Adds the guest behind a tap, if the host has learned its address from traffic. */
static int add_guest(struct finder *f, const struct link *port, struct netsim_err *err)
{
	const struct link *bridge = model_find_link(f->model, MODEL_HOST, port->master);
	struct node_address end = {.device = ""};
	struct mark mark;
	struct mac mac;
	int r;

	if ((!bridge && !port->routed) || !mark_parse(port->alias, &mark) || !mark.iface ||
	    !cable_place(f->model, port, &end.place))
		return 0;
	end.peer = peer_of(f, model_find_node(f->model, mark.node));
	if (end.peer == SIZE_MAX)
		return 0;
	snprintf(f->guests[end.peer], IFNAMSIZ, "%s", mark.iface);
	end.iface = f->guests[end.peer];
	if (port->routed)
		return add_routed_guest(f, port, &end, err);
	r = neigh_behind(f->st->rt, port->ifindex, bridge->ifindex, &end.ip, &mac, err);
	return r == 0 ? add_end(f, &end, err) : r == -ENOENT ? 0 : r;
}

static bool connected(const struct node_address *x, const struct node_address *y)
{
	return cable_connects(&x->place, &y->place) && x->ip.family == y->ip.family &&
	       (x->place.routed || ip_in_prefix(&y->ip, &x->ip) || ip_in_prefix(&x->ip, &y->ip));
}

static bool is_of_node(const struct model *model, const struct ip *ip)
{
	for (size_t i = 0; i < model->node_count; i++)
		if (model_has_address(model, (int)i, ip))
			return true;
	return false;
}

/* A default route leads to other nodes if it leads to one; the host's way out does not. */
static bool leads_to(const struct model *model, const struct model_route *route,
		     const struct ip *to)
{
	if (!route->to.plen)
		return route->via.family == to->family && is_of_node(model, &route->via);
	return route->to.family == to->family && ip_in_prefix(to, &route->to);
}

/* The interface of a node with the most specific configured route to an address, or NULL. */
static const struct link *route_to(const struct finder *f, int node, const struct ip *to)
{
	const struct link *best = NULL;
	unsigned longest = 0;

	for (size_t i = 0; i < f->model->link_count; i++) {
		const struct link *link = &f->model->links[i];

		for (size_t r = 0; link->node == node && r < link->route_count; r++) {
			const struct model_route *route = &link->routes[r];

			if ((best && route->to.plen <= longest) || !leads_to(f->model, route, to))
				continue;
			best = link;
			longest = route->to.plen;
		}
	}
	return best;
}

/*
 * from: the address to send from; NULL if no network is in common, and then route is the interface
 * that the packets leave by.
 */
static void fill(const struct finder *f, struct address_pair *pair, const struct node_address *from,
		 const struct node_address *to, const struct link *route)
{
	const char *device = from ? from->device : route->name;
	struct cable_place place;
	char text[UNIT_TEXT];

	if (from)
		snprintf(pair->from, sizeof(pair->from), "%s",
			 unit_format_address(&from->ip, text));
	snprintf(pair->to, sizeof(pair->to), "%s", unit_format_address(&to->ip, text));
	snprintf(pair->device, sizeof(pair->device), "%s", device);
	if (from)
		pair->sender = (struct address_end) {from->place.port, from->place.tag};
	else if (cable_place(f->model, route, &place))
		pair->sender = (struct address_end) {place.port, place.tag};
	pair->receiver = (struct address_end) {to->place.port, to->place.tag};
}

/* Prefers addresses in a common network; else takes an address with a route to it. */
static void choose(const struct finder *f, size_t a, size_t b, const char *iface,
		   struct address_pair *ret)
{
	const struct ends *ends = &f->ends;
	const struct link *route;

	for (size_t x = 0; x < ends->count; x++) {
		const struct node_address *from = &ends->list[x];

		if (from->peer != a ||
		    (iface && strcmp(from->iface, iface) != 0 && from->place.port))
			continue;
		for (size_t y = 0; y < ends->count; y++) {
			const struct node_address *to = &ends->list[y];

			if (to->peer != b ||
			    (iface && strcmp(to->iface, iface) != 0 && to->place.port) ||
			    !connected(from, to))
				continue;
			fill(f, ret, from, to, NULL);
			return;
		}
	}
	for (size_t y = 0; y < ends->count; y++) {
		const struct node_address *to = &ends->list[y];

		if (to->peer != b || (iface && strcmp(to->iface, iface) != 0))
			continue;
		route = route_to(f, f->nodes[a], &to->ip);
		if (!route)
			continue;
		fill(f, ret, NULL, to, route);
		return;
	}
}

static int find_ends(struct finder *f, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->model->link_count; i++) {
		const struct link *link = &f->model->links[i];

		if (link->kind == LINK_TAP)
			r = add_guest(f, link, err);
		if (r == 0 && (link->kind != LINK_TAP || link->routed))
			r = add_link(f, link, err);
	}
	return r;
}

static int check_iface(const struct finder *f, const char *iface, struct netsim_err *err)
{
	for (size_t i = 0; iface && i < f->ends.count; i++)
		if (strcmp(f->ends.list[i].iface, iface) == 0)
			return 0;
	return !iface ? 0 :
			err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL,
				"none of these nodes has an address on an interface %s", iface);
}

static const char *name_of(const struct model *model, int node)
{
	return node == MODEL_HOST ? "host" : model->nodes[node].name;
}

static int add_known(struct known_address **list, size_t *count, const struct ip *ip,
		     const char *name)
{
	struct known_address *slot = array_push(*list, *count);

	if (!slot)
		return -ENOMEM;
	*slot = (struct known_address) {*ip, name};
	return 0;
}

static int add_recorded_of(const struct node *node, const char *name, struct known_address **list,
			   size_t *count)
{
	int r = 0;

	for (size_t i = 0; i < node->iface_count; i++) {
		const struct iface *iface = &node->ifaces[i];

		for (size_t a = 0; r == 0 && a < iface->address_count; a++)
			r = add_known(list, count, &iface->addresses[a].ip, name);
		if (r == 0 && iface->has_reserve)
			r = add_known(list, count, &iface->reserve, name);
	}
	return r;
}

/* Of the virtual machines only, unless all: what namespaces have is read from the kernel. */
static int add_recorded(const struct topo *topo, const struct model *model, bool all,
			struct known_address **list, size_t *count)
{
	int r = 0;

	for (size_t n = 0; r == 0 && topo && n < topo->node_count; n++) {
		int at = model_find_node(model, topo->nodes[n].name);

		if (at >= 0 && (all || model->nodes[at].is_tap))
			r = add_recorded_of(&topo->nodes[n], model->nodes[at].name, list, count);
	}
	return r;
}

/* A machine that is a node knows the addresses of all nodes from the topology. */
static int known_to_machine(struct state *st, const struct model *model, struct known_address **ret,
			    size_t *ret_count, struct netsim_err *err)
{
	const struct topo *topo;
	struct topo *owned;
	int r = topo_record_look(st, model->fleet, &topo, &owned, err);

	if (r == 0 && add_recorded(topo, model, true, ret, ret_count) < 0)
		r = err_oom(err);
	for (size_t i = 0; r == 0 && i < model->link_count; i++)
		if (model->links[i].machine && model->links[i].link_local.family &&
		    add_known(ret, ret_count, &model->links[i].link_local,
			      model->nodes[model_machine(model)].name) < 0)
			r = err_oom(err);
	topo_free(owned);
	return r;
}

/* What the kernel knows: of virtual machines, what the host has learned. */
static int add_found(const struct finder *f, struct known_address **list, size_t *count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->ends.count; i++)
		r = add_known(list, count, &f->ends.list[i].ip,
			      name_of(f->model, f->nodes[f->ends.list[i].peer]));
	for (size_t i = 0; r == 0 && i < f->model->link_count; i++)
		if (f->model->links[i].link_local.family)
			r = add_known(list, count, &f->model->links[i].link_local,
				      name_of(f->model, f->model->links[i].node));
	return r;
}

static int known_to_host(struct state *st, const struct model *model, struct known_address **ret,
			 size_t *ret_count, struct netsim_err *err)
{
	size_t n = model->node_count + 1;
	auto_free int *nodes = calloc(n, sizeof(*nodes));
	struct finder f = {
		.st = st, .model = model, .nodes = nodes, .node_count = n, .link_local = true};
	struct topo *topo = NULL;
	int r = 0;

	f.guests = calloc(n, sizeof(*f.guests));
	if (!nodes || !f.guests)
		r = err_oom(err);
	for (size_t i = 0; r == 0 && i < n; i++)
		nodes[i] = i == n - 1 ? MODEL_HOST : (int)i;
	if (r == 0)
		r = topo_record_read(model->fleet, &topo, err);
	if (r == 0)
		r = find_ends(&f, err);
	if (r == 0 && (add_recorded(topo, model, false, ret, ret_count) < 0 ||
		       add_found(&f, ret, ret_count) < 0))
		r = err_oom(err);
	topo_free(topo);
	free(f.ends.list);
	free(f.guests);
	return r;
}

int addresses_known(struct state *st, const struct model *model, struct known_address **ret,
		    size_t *ret_count, struct netsim_err *err)
{
	struct known_address *list = NULL;
	size_t count = 0;
	int r = model_machine(model) >= 0 ? known_to_machine(st, model, &list, &count, err) :
					    known_to_host(st, model, &list, &count, err);

	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

/* A machine that is a node sends to the others, at the first address of each. */
static int find_peers(const struct address_query *query, struct address_pair *pairs,
		      struct netsim_err *err)
{
	const struct model *model = query->model;
	struct known_address *known = NULL;
	size_t count = 0, n = query->node_count;
	char text[UNIT_TEXT];
	int r = known_to_machine(query->st, model, &known, &count, err);

	for (size_t i = 0; r == 0 && i < n * n; i++) {
		int from = query->nodes[i / n], to = query->nodes[i % n];

		if (from != model_machine(model) || to == from || to == MODEL_HOST)
			continue;
		for (size_t k = 0; k < count && !*pairs[i].to; k++)
			if (strcmp(known[k].name, model->nodes[to].name) == 0 &&
			    !ip_is_link_local(&known[k].ip))
				snprintf(pairs[i].to, sizeof(pairs[i].to), "%s",
					 unit_format_address(&known[k].ip, text));
	}
	free(known);
	return r;
}

int addresses_find(const struct address_query *query, struct address_pair **ret,
		   struct netsim_err *err)
{
	struct finder f = {.st = query->st,
			   .model = query->model,
			   .nodes = query->nodes,
			   .node_count = query->node_count};
	size_t n = query->node_count;
	struct address_pair *pairs = calloc(n * n + 1, sizeof(*pairs));
	bool machine = model_machine(query->model) >= 0;
	int r = 0;

	f.guests = calloc(n + 1, sizeof(*f.guests));
	if (!pairs || !f.guests)
		r = err_oom(err);
	if (r == 0)
		r = machine ? find_peers(query, pairs, err) : find_ends(&f, err);
	if (r == 0 && !machine)
		r = check_iface(&f, query->iface, err);
	for (size_t a = 0; r == 0 && !machine && a < n; a++)
		for (size_t b = 0; b < n; b++)
			if (a != b)
				choose(&f, a, b, query->iface, &pairs[a * n + b]);
	free(f.ends.list);
	free(f.guests);
	if (r < 0)
		free(pairs);
	else
		*ret = pairs;
	return r;
}

void addresses_mark_cut(const struct policy *policy, const struct address_query *query,
			struct address_pair *pairs)
{
	size_t n = query->node_count;

	for (size_t i = 0; i < n * n; i++) {
		const char *from = name_of(query->model, query->nodes[i / n]);
		const char *to = name_of(query->model, query->nodes[i % n]);
		int a = policy ? policy_node(policy, from) : -1;
		int b = policy ? policy_node(policy, to) : -1;

		pairs[i].cut = a >= 0 && b >= 0 &&
			       (!policy_reaches(policy, a, b) || !policy_reaches(policy, b, a));
	}
}
