// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks routed networks: no bridge, one address per host and port, the host as router. */
#include <arpa/inet.h>
#include <string.h>

#include "netsim/config/topo_parts.h"
#include "netsim/util/array.h"

static bool is_single(const struct ip *ip)
{
	return ip->plen == (ip->family == AF_INET ? 32 : 128);
}

static bool check_single(struct bind *b, const struct ip_at *address)
{
	struct ip single = address->ip;
	char text[UNIT_TEXT], better[UNIT_TEXT];

	if (is_single(&address->ip))
		return true;
	single.plen = single.family == AF_INET ? 32 : 128;
	return bind_refuse(b, &address->at, hint_f("write \"%s\"", unit_format_ip(&single, better)),
			   "address: %s is a subnet, which a routed network does not have",
			   unit_format_ip(&address->ip, text));
}

const struct ip_at *topo_address(const struct network *network, uint8_t family)
{
	for (size_t i = 0; i < network->address_count; i++)
		if (network->addresses[i].ip.family == family)
			return &network->addresses[i];
	return NULL;
}

bool topo_check_routed(struct bind *b, const struct network *network, const struct doc_node *map)
{
	static const char *const keys[] = {"vlans", "name", "attached", "dhcp", "stp"};
	bool good = true;

	for (size_t i = 0; network->routed && i < ARRAY_SIZE(keys); i++) {
		const struct doc_node *value = doc_get(map, keys[i]);

		if (value)
			return bind_refuse(b, &value->at, "the host routes between its ports",
					   "network %s is routed: it has no bridge, and cannot "
					   "have \"%s\"",
					   network->name, keys[i]);
	}
	if (!network->routed)
		return true;
	if (!network->address_count)
		return bind_refuse(b, &network->routed_at, "write \"address: 10.0.0.0/32\"",
				   "network %s is routed, and needs an address of the host",
				   network->name);
	for (size_t i = 0; i < network->address_count; i++)
		good &= check_single(b, &network->addresses[i]);
	return good;
}

/* A port has addresses of the families that the host has, too: the host is its next hop. */
static bool check_families(struct bind *b, const struct network *network, const struct iface *iface)
{
	bool good = true;
	char text[UNIT_TEXT];

	for (size_t i = 0; i < iface->address_count; i++)
		if (!topo_address(network, iface->addresses[i].ip.family))
			good = bind_refuse(
				b, &iface->addresses[i].at,
				hint_f("give network %s one, too", network->name),
				"address: %s cannot be reached: the host has no such address on %s",
				unit_format_ip(&iface->addresses[i].ip, text), network->name);
	return good;
}

bool topo_check_routed_port(struct bind *b, const struct network *network, const struct node *node,
			    const struct iface *iface)
{
	bool good = true;

	if (node->kind == NODE_ATTACHED && (!*iface->port || strpbrk(iface->port, "*?[")))
		return bind_refuse(b, &iface->at,
				   "write the name of the tap, such as \"port: vm1\"",
				   "%s: on a routed network, an attached port is found by its name",
				   iface->name);
	if (!iface->address_count)
		return bind_refuse(b, &iface->at, "write \"address: 10.0.0.1/32\"",
				   "%s: a port of the routed network %s needs an address",
				   iface->name, network->name);
	for (size_t i = 0; i < iface->address_count; i++)
		good &= check_single(b, &iface->addresses[i]);
	return good && check_families(b, network, iface);
}

bool topo_route_by_host(struct bind *b, const struct network *network, struct iface *iface)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		const struct ip_at *via = topo_address(network, families[f]);
		struct route *route;
		bool has = false;

		for (size_t i = 0; i < iface->address_count; i++)
			has |= iface->addresses[i].ip.family == families[f];
		if (!has || !via)
			continue;
		route = array_push(iface->routes, iface->route_count);
		if (!route)
			return bind_oom(b);
		*route = (struct route) {.via = via->ip, .at = iface->at};
	}
	return true;
}
