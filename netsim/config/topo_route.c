// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks the routes of a node as a whole: the kernel has one table of them per node. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/topo_parts.h"
#include "netsim/util/array.h"

/* An entry of the routing table: a route of the file, or the subnet of an address. */
struct table_entry {
	uint8_t key[18];	  /* family, prefix length, network */
	const struct iface *from; /* the subnet's interface; NULL: a route */
	struct netsim_loc at;
};

struct table {
	struct table_entry *list;
	size_t count;
};

static bool add_entry(struct bind *b, struct table *table, uint8_t family, const struct ip *net,
		      struct table_entry like)
{
	struct table_entry *entry = array_push(table->list, table->count);

	if (!entry)
		return bind_oom(b);
	*entry = like;
	entry->key[0] = family;
	entry->key[1] = net->plen;
	memcpy(entry->key + 2, net->b, sizeof(net->b));
	return true;
}

/* Subnets before routes, these in the order of the file. */
static int entry_order(const void *va, const void *vb)
{
	const struct table_entry *a = va, *b = vb;
	int order = memcmp(a->key, b->key, sizeof(a->key));

	if (order)
		return order;
	if (!a->from != !b->from)
		return a->from ? -1 : 1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return a->at.column < b->at.column ? -1 : a->at.column > b->at.column;
}

/*
 * IPv4 subnets have the metric 0, as the routes of the file do, and the kernel takes one
 * route per destination and metric. IPv6 subnets have a metric different from routes.
 */
static bool fill_table(struct bind *b, const struct node *node, struct table *table)
{
	bool good = true;

	for (size_t i = 0; good && i < node->iface_count; i++) {
		const struct iface *iface = &node->ifaces[i];

		for (size_t j = 0; good && j < iface->address_count; j++) {
			const struct ip_at *address = &iface->addresses[j];
			struct ip net = ip_subnet(&address->ip);

			if (net.family == AF_INET && net.plen < 32)
				good = add_entry(
					b, table, AF_INET, &net,
					(struct table_entry) {.from = iface, .at = address->at});
		}
		for (size_t j = 0; good && j < iface->route_count; j++)
			good = add_entry(b, table, iface->routes[j].via.family,
					 &iface->routes[j].to,
					 (struct table_entry) {.at = iface->routes[j].at});
	}
	return good;
}

static bool refuse_twice(struct bind *b, const struct table_entry *first,
			 const struct table_entry *again)
{
	struct ip to = {.family = again->key[0], .plen = again->key[1]};
	char text[UNIT_TEXT] = "default";

	memcpy(to.b, again->key + 2, sizeof(to.b));
	if (to.plen)
		unit_format_ip(&to, text);
	if (first->from)
		return bind_refuse(b, &again->at, "a route is for what lies beyond a gateway",
				   "%s is the subnet of %s, and needs no route", text,
				   first->from->name);
	return bind_refuse(b, &again->at,
			   hint_f("first given at %s:%u", first->at.file, first->at.line),
			   "the node has a route to %s already", text);
}

static bool check_twice(struct bind *b, const struct node *node)
{
	struct table table = {0};
	bool good = fill_table(b, node, &table);

	if (good && table.count)
		qsort(table.list, table.count, sizeof(*table.list), entry_order);
	for (size_t i = 1, first = 0; i < table.count; i++) {
		const struct table_entry *a = &table.list[first], *c = &table.list[i];

		if (memcmp(a->key, c->key, sizeof(a->key)) != 0)
			first = i;
		else if (!c->from)
			good = refuse_twice(b, a, c);
	}
	free(table.list);
	return good;
}

/* The kernel refuses a gateway that is an IPv6 address of the node, on any of its interfaces. */
static bool check_gateway(struct bind *b, const struct node *node, const struct route *route)
{
	char text[UNIT_TEXT];

	for (size_t i = 0; i < node->iface_count; i++)
		for (size_t j = 0; j < node->ifaces[i].address_count; j++) {
			const struct ip *own = &node->ifaces[i].addresses[j].ip;

			if (own->family == AF_INET6 && memcmp(own->b, route->via.b, 16) == 0)
				return bind_refuse(
					b, &route->at, "write the address of the next hop",
					"via: %s is the address of %s itself",
					unit_format_address(own, text), node->ifaces[i].name);
		}
	return true;
}

bool topo_check_routes(struct bind *b, const struct node *node)
{
	bool good = check_twice(b, node);

	for (size_t i = 0; i < node->iface_count; i++)
		for (size_t j = 0; j < node->ifaces[i].route_count; j++)
			if (node->ifaces[i].routes[j].via.family == AF_INET6)
				good &= check_gateway(b, node, &node->ifaces[i].routes[j]);
	return good;
}

static const struct node *owner_of(const struct topo *topo, const struct ip *ip)
{
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; j < topo->nodes[i].iface_count; j++)
			for (size_t k = 0; k < topo->nodes[i].ifaces[j].address_count; k++) {
				const struct ip *own = &topo->nodes[i].ifaces[j].addresses[k].ip;

				if (own->family == ip->family &&
				    memcmp(own->b, ip->b, sizeof(ip->b)) == 0)
					return &topo->nodes[i];
			}
	return NULL;
}

void topo_warn_gateways(struct bind *b, const struct topo *topo, const struct node *node)
{
	char text[UNIT_TEXT];

	for (size_t i = 0; i < node->iface_count; i++)
		for (size_t j = 0; j < node->ifaces[i].route_count; j++) {
			const struct route *route = &node->ifaces[i].routes[j];
			const struct node *owner = owner_of(topo, &route->via);

			if (!owner || owner == node || owner->kind != NODE_NETNS ||
			    owner->forwarding)
				continue;
			diag_warn(b->diags, &route->at,
				  "via: %s is the node %s, which is not told to forward packets; "
				  "that takes \"forwarding: true\" there",
				  unit_format_address(&route->via, text), owner->name);
		}
}
