/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCP: the servers of a network, and the interfaces that get their addresses from them. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/topo_parts.h"
#include "netsim/util/array.h"

#define LEASE_DEFAULT 3600ULL	    /* seconds, as dnsmasq's */
#define LEASE_MIN     120ULL	    /* seconds: dnsmasq makes shorter leases longer */
#define LEASE_MAX     0xfffffffeULL /* seconds: one more means forever in DHCP */
#define SECOND	      1000000000ULL

static uint32_t number_of(const struct ip *ip)
{
	uint32_t number;

	memcpy(&number, ip->b, sizeof(number));
	return ntohl(number);
}

static bool in_pool(const struct dhcp *dhcp, const struct ip *ip)
{
	return dhcp->has_pool && ip->family == AF_INET &&
	       number_of(ip) >= number_of(&dhcp->first) && number_of(ip) <= number_of(&dhcp->last);
}

/* --- reading */

static bool bind_server(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	struct ip *ip = ret;

	if (!topo_bind_host(b, field->name, node, ip))
		return false;
	if (ip->family != AF_INET)
		return bind_refuse(b, &node->at, "write for example \"192.168.1.254/24\"",
				   "%s: DHCP is for IPv4", field->name);
	return ip->plen <= 30 ||
	       bind_refuse(b, &node->at, "a prefix length of at most 30",
			   "%s: the subnet has no address for a node", field->name);
}

static bool bind_v4(struct bind *b, const struct field *field, const struct doc_node *node,
		    void *ret)
{
	const char *text = bind_number(b, field->name, node), *why;
	struct ip *ip = ret;

	if (!text)
		return false;
	return (unit_parse_address(text, ip, &why) == 0 && ip->family == AF_INET) ||
	       bind_refuse(b, &node->at, "write it without a prefix length: 192.168.1.254",
			   "%s: \"%s\" is not an IPv4 address", field->name, shown(text));
}

static bool bind_dns(struct bind *b, const struct field *field, const struct doc_node *node,
		     void *ret)
{
	struct dhcp *dhcp = ret;
	struct ip ip, *slot;

	if (!bind_v4(b, field, node, &ip))
		return false;
	slot = array_push(dhcp->dns, dhcp->dns_count);
	if (!slot)
		return bind_oom(b);
	*slot = ip;
	return true;
}

static bool bind_dns_list(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	return bind_each(b, field, node, bind_dns, ret);
}

static bool bind_pool(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	static const char hint[] = "write \"FIRST-LAST\": 192.168.1.100-192.168.1.200";
	const char *text = bind_string(b, field->name, node), *dash, *why;
	struct dhcp *dhcp = ret;
	char first[UNIT_TEXT];

	if (!text)
		return false;
	dash = strchr(text, '-');
	if (!dash || dash - text >= (long)sizeof(first))
		return bind_refuse(b, &node->at, hint, "%s: \"%s\" is not a range of addresses",
				   field->name, shown(text));
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	if (unit_parse_address(first, &dhcp->first, &why) < 0 ||
	    unit_parse_address(dash + 1, &dhcp->last, &why) < 0 || dhcp->first.family != AF_INET ||
	    dhcp->last.family != AF_INET)
		return bind_refuse(b, &node->at, hint,
				   "%s: \"%s\" is not a range of IPv4 addresses", field->name,
				   shown(text));
	dhcp->has_pool = true;
	dhcp->pool_at = node->at;
	return true;
}

static bool bind_lease(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	struct duration *d = ret;

	if (!bind_duration(b, field, node, ret))
		return false;
	if (d->ns % SECOND)
		return bind_refuse(b, &node->at, NULL, "%s: must be whole seconds", field->name);
	return (d->ns / SECOND >= LEASE_MIN && d->ns / SECOND <= LEASE_MAX) ||
	       bind_refuse(b, &node->at, "from 2min to 49710d", "%s: \"%s\" is out of range",
			   field->name, shown(node->text));
}

static bool bind_dhcp_vlan(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	return topo_bind_vlan(b, field->name, node, ret);
}

const struct field topo_dhcp_rows[] = {
	{FIELD(struct dhcp, server, "server", bind_server), .required = true,
	 FIELD_AT(struct dhcp, server_at)},
	{.name = "pool", .bind = bind_pool},
	{FIELD(struct dhcp, lease, "lease", bind_lease), .unit = "h"},
	{FIELD(struct dhcp, router, "router", bind_v4), FIELD_HAS(struct dhcp, has_router),
	 FIELD_AT(struct dhcp, router_at)},
	{.name = "dns", .bind = bind_dns_list},
	{FIELD(struct dhcp, vlan, "vlan", bind_dhcp_vlan), FIELD_AT(struct dhcp, vlan_at)},
	{0},
};

void topo_dhcp_done(struct dhcp *dhcp)
{
	free(dhcp->node);
	free(dhcp->dns);
}

static bool bind_dhcp(struct bind *b, const struct field *field, const struct doc_node *node,
		      void *ret)
{
	struct scope scope = {.what = "dhcp", .at = &node->at};
	struct network *network = ret;
	struct dhcp *dhcp = array_push(network->dhcps, network->dhcp_count);

	(void)field;
	if (!dhcp)
		return bind_oom(b);
	dhcp->at = node->at;
	dhcp->lease = (struct duration) {LEASE_DEFAULT * SECOND};
	return bind_map(b, topo_dhcp_rows, node, &scope, dhcp);
}

bool topo_bind_dhcps(struct bind *b, const struct field *field, const struct doc_node *node,
		     void *ret)
{
	return bind_each(b, field, node, bind_dhcp, ret);
}

/* --- the servers of one network */

/* Reports an address that no host of the server's subnet can have. */
static bool check_inside(struct bind *b, const struct dhcp *dhcp, const char *key,
			 const struct ip *ip, const struct netsim_loc *at)
{
	struct ip subnet = ip_subnet(&dhcp->server);
	char text[UNIT_TEXT], net[UNIT_TEXT];
	const char *what = NULL;

	unit_format_address(ip, text);
	if (!ip_in_prefix(ip, &dhcp->server))
		return bind_refuse(b, at, hint_f("the subnet is %s", unit_format_ip(&subnet, net)),
				   "%s: %s is not in the subnet of the DHCP server", key, text);
	if (number_of(ip) == number_of(&subnet))
		what = "the address of the subnet itself";
	else if (ip_is_broadcast(ip, &dhcp->server))
		what = "the broadcast address of the subnet";
	return !what || bind_refuse(b, at, NULL, "%s: %s is %s", key, text, what);
}

static bool check_pool(struct bind *b, const struct dhcp *dhcp)
{
	char first[UNIT_TEXT], last[UNIT_TEXT], text[UNIT_TEXT];

	if (!dhcp->has_pool)
		return true;
	if (!check_inside(b, dhcp, "pool", &dhcp->first, &dhcp->pool_at) ||
	    !check_inside(b, dhcp, "pool", &dhcp->last, &dhcp->pool_at))
		return false;
	unit_format_address(&dhcp->first, first);
	unit_format_address(&dhcp->last, last);
	if (number_of(&dhcp->first) > number_of(&dhcp->last))
		return bind_refuse(b, &dhcp->pool_at, hint_f("write \"%s-%s\"", last, first),
				   "pool: its first address is above its last");
	return !in_pool(dhcp, &dhcp->server) ||
	       bind_refuse(b, &dhcp->pool_at, "choose a pool without it",
			   "pool: it contains the server's own address, %s",
			   unit_format_address(&dhcp->server, text));
}

static bool check_vlan(struct bind *b, const struct network *network, const struct dhcp *dhcp)
{
	if (dhcp->vlan && !network->vlan_aware)
		return bind_refuse(b, &dhcp->vlan_at,
				   hint_f("write \"vlans: [%u]\" there", dhcp->vlan),
				   "vlan: network %s has no VLANs", network->name);
	if (dhcp->vlan && !topo_carries(network->vlans, network->vlan_count, dhcp->vlan))
		return bind_refuse(b, &dhcp->vlan_at, "list it under the network's vlans",
				   "VLAN %u is not carried by network %s", dhcp->vlan,
				   network->name);
	for (const struct dhcp *first = network->dhcps; first < dhcp; first++)
		if (first->vlan == dhcp->vlan)
			return bind_refuse(b, &dhcp->at,
					   dhcp->vlan ? "give them different VLANs" :
							"give one of them a \"vlan\"",
					   "network %s has two DHCP servers for the same frames",
					   network->name);
	return true;
}

static bool name_server(struct bind *b, const struct network *network, struct dhcp *dhcp)
{
	int r = dhcp->vlan ? asprintf(&dhcp->node, "dhcp-%s-%u", network->name, dhcp->vlan) :
			     asprintf(&dhcp->node, "dhcp-%s", network->name);

	if (r >= 0)
		return true;
	dhcp->node = NULL;
	return bind_oom(b);
}

bool topo_check_dhcp(struct bind *b, struct network *network)
{
	bool good = true;

	for (size_t i = 0; i < network->dhcp_count; i++) {
		struct dhcp *dhcp = &network->dhcps[i];

		good &= name_server(b, network, dhcp) && check_vlan(b, network, dhcp) &&
			check_pool(b, dhcp) &&
			(!dhcp->has_router ||
			 check_inside(b, dhcp, "router", &dhcp->router, &dhcp->router_at));
	}
	return good;
}

/* --- the servers and the nodes */

const struct dhcp *topo_dhcp_of(const struct topo *topo, const struct node *node,
				const struct iface *iface)
{
	struct topo_segment segment = topo_segment_of(topo, node, iface);
	const struct network *network = &topo->networks[segment.network];
	uint32_t vlan = segment.tag_count ? segment.tags[0] : 0;

	for (size_t i = 0; segment.tag_count < 2 && i < network->dhcp_count; i++)
		if (network->dhcps[i].vlan == vlan)
			return &network->dhcps[i];
	return NULL;
}

const struct ip *topo_reservation(const struct dhcp *dhcp, const struct iface *iface)
{
	if (iface->has_reserve)
		return &iface->reserve;
	for (size_t i = 0; i < iface->address_count; i++)
		if (ip_in_prefix(&iface->addresses[i].ip, &dhcp->server))
			return &iface->addresses[i].ip;
	return NULL;
}

static bool refuse_no_server(struct bind *b, const struct topo *topo, const struct node *node,
			     const struct iface *iface)
{
	struct topo_segment segment = topo_segment_of(topo, node, iface);
	const char *network = topo->networks[segment.network].name;
	const struct netsim_loc *at = iface->dhcp ? &iface->dhcp_at : &iface->reserve_at;
	const char *hint = "write \"dhcp: {server: ADDRESS/LENGTH, pool: FIRST-LAST}\" there";

	if (segment.tag_count)
		return bind_refuse(b, at, hint, "%s: VLAN %u of network %s has no DHCP server",
				   iface->name, segment.tags[0] & 0xfff, network);
	return bind_refuse(b, at, hint, "%s: network %s has no DHCP server", iface->name, network);
}

static bool check_reserve(struct bind *b, const struct node *node, const struct iface *iface,
			  const struct dhcp *dhcp)
{
	if (!iface->has_reserve)
		return true;
	if (node->kind == NODE_NETNS && !iface->dhcp)
		return bind_refuse(b, &iface->reserve_at, "write \"address: dhcp\", too",
				   "reserve: %s does not ask for an address", iface->name);
	if (node->kind != NODE_NETNS && !iface->has_mac)
		return bind_refuse(b, &iface->reserve_at, "write the guest's \"mac\"",
				   "reserve: the guest of %s is known by its MAC address",
				   iface->name);
	return check_inside(b, dhcp, "reserve", &iface->reserve, &iface->reserve_at);
}

/* A server gives away the addresses of its pool that are not reserved for a MAC address. */
static bool check_unreserved(struct bind *b, const struct dhcp *dhcp, const struct ip_at *list,
			     size_t count, const char *hint)
{
	char text[UNIT_TEXT];

	for (size_t i = 0; i < count; i++)
		if (in_pool(dhcp, &list[i].ip))
			return bind_refuse(b, &list[i].at, hint,
					   "address: %s is in the pool of %s, which would give it "
					   "to another node",
					   unit_format_address(&list[i].ip, text), dhcp->node);
	return true;
}

static bool check_client(struct bind *b, const struct topo *topo, const struct node *node,
			 const struct iface *iface)
{
	const struct dhcp *dhcp = topo_dhcp_of(topo, node, iface);

	if (!dhcp)
		return !(iface->dhcp || iface->has_reserve) ||
		       refuse_no_server(b, topo, node, iface);
	if (iface->dhcp && !dhcp->has_pool && !topo_reservation(dhcp, iface))
		return bind_refuse(
			b, &iface->dhcp_at, "write \"pool\" for the server, or \"reserve\" here",
			"%s: %s has no pool, and reserves nothing for it", iface->name, dhcp->node);
	return check_reserve(b, node, iface, dhcp) &&
	       (node->kind == NODE_NETNS || iface->has_mac ||
		check_unreserved(b, dhcp, iface->addresses, iface->address_count,
				 "write the guest's \"mac\", and the address is reserved for it"));
}

/* Reports a pool that is too small for the interfaces that need an address from it. */
static bool check_size(struct bind *b, const struct topo *topo, const struct dhcp *dhcp)
{
	uint64_t room = (uint64_t)number_of(&dhcp->last) - number_of(&dhcp->first) + 1;
	size_t clients = 0;

	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; j < topo->nodes[i].iface_count; j++) {
			const struct iface *iface = &topo->nodes[i].ifaces[j];
			const struct ip *kept;

			if (topo_dhcp_of(topo, &topo->nodes[i], iface) != dhcp)
				continue;
			kept = topo_reservation(dhcp, iface);
			clients += iface->dhcp && !kept;
			room -= kept && room && in_pool(dhcp, kept);
		}
	return !dhcp->has_pool || clients <= room ||
	       bind_refuse(
		       b, &dhcp->pool_at, "choose a larger pool",
		       "pool: %zu interfaces need an address from it, and %ju are left for them",
		       clients, (uintmax_t)room);
}

static bool check_server(struct bind *b, const struct topo *topo, const struct network *network,
			 const struct dhcp *dhcp)
{
	bool good = true;

	for (size_t i = 0; i < topo->node_count; i++)
		if (strcmp(topo->nodes[i].name, dhcp->node) == 0)
			good = bind_refuse(b, &topo->nodes[i].at, "choose another name",
					   "\"%s\" is the DHCP server of network %s", dhcp->node,
					   network->name);
	if (!dhcp->vlan)
		good &= check_unreserved(b, dhcp, network->addresses, network->address_count,
					 "choose a pool without it");
	for (size_t i = 0; i < network->host_count; i++)
		if (dhcp->vlan == network->hosts[i].id)
			good &= check_unreserved(b, dhcp, network->hosts[i].addresses,
						 network->hosts[i].address_count,
						 "choose a pool without it");
	return good && check_size(b, topo, dhcp);
}

bool topo_check_leases(struct bind *b, const struct topo *topo)
{
	bool good = true;

	/* A server with mistakes of its own has no name, or a pool that cannot be judged. */
	if (b->mistakes)
		return true;
	for (size_t i = 0; i < topo->network_count; i++)
		for (size_t j = 0; j < topo->networks[i].dhcp_count; j++)
			good &= check_server(b, topo, &topo->networks[i],
					     &topo->networks[i].dhcps[j]);
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; j < topo->nodes[i].iface_count; j++)
			good &= check_client(b, topo, &topo->nodes[i], &topo->nodes[i].ifaces[j]);
	return good;
}
