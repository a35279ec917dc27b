/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"
#include "netsim/util/name.h"

#define DEFAULT_MTU 1500
#define NATIVE_VLAN 1
#define LAG_MIIMON  100 /* ms */

/* The MAC address depends on names only: runs are repeatable, and ARP caches stay valid. */
static struct mac stable_mac(const char *fleet, const char *a, const char *b)
{
	struct mac mac = {{0x02, 0x6e}};
	char text[256];
	unsigned hash;

	snprintf(text, sizeof(text), "%s/%s/%s", fleet, a, b);
	hash = name_hash(text);
	for (int i = 0; i < 4; i++)
		mac.b[2 + i] = (uint8_t)(hash >> (8 * i));
	return mac;
}

/* at is the location of the node or network. */
static int set_alias(struct link *link, const struct mark *mark, const struct netsim_loc *at,
		     struct netsim_err *err)
{
	char text[MARK_TEXT];

	if (mark_format(mark, text) >= MARK_TEXT)
		return err_set(err, NETSIM_ERR_INPUT, -EINVAL, at,
			       "the roles of %s do not fit into the link's alias (255 characters)",
			       mark->node);
	link->alias = strdup(text);
	return link->alias ? 0 : err_oom(err);
}

static int copy_addresses(struct link *link, const struct ip_at *from, size_t count,
			  struct netsim_err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct model_addr *addr = array_push(link->addrs, link->addr_count);

		if (!addr)
			return err_oom(err);
		addr->ip = from[i].ip;
		addr->at = from[i].at;
	}
	return 0;
}

static int copy_routes(struct link *link, const struct iface *iface, bool onlink,
		       struct netsim_err *err)
{
	for (size_t i = 0; i < iface->route_count; i++) {
		struct model_route *route = array_push(link->routes, link->route_count);

		if (!route)
			return err_oom(err);
		route->onlink = onlink;
		route->to = iface->routes[i].to;
		route->via = iface->routes[i].via;
		route->at = iface->routes[i].at;
	}
	return 0;
}

static int add_vlan(struct link *link, uint16_t id, bool untagged, struct netsim_err *err)
{
	struct port_vlan *vlan = array_push(link->vlans, link->vlan_count);

	if (!vlan)
		return err_oom(err);
	vlan->id = id;
	vlan->untagged = untagged;
	for (; vlan > link->vlans && vlan[-1].id > vlan->id; vlan--) {
		struct port_vlan swap = vlan[-1];

		vlan[-1] = vlan[0];
		vlan[0] = swap;
	}
	return 0;
}

/* The bridge itself is a port, too: of VLAN 1, and of those in which the host has addresses. */
static int add_own_vlans(struct link *bridge, const struct network *net, struct netsim_err *err)
{
	int r = net->vlan_aware ? add_vlan(bridge, NATIVE_VLAN, true, err) : 0;

	for (size_t i = 0; r == 0 && i < net->host_count; i++)
		if (net->hosts[i].id != NATIVE_VLAN)
			r = add_vlan(bridge, net->hosts[i].id, false, err);
	return r;
}

/* The interface with the host's addresses in a VLAN. */
static int add_host_vlan(struct model *model, const struct topo *topo, const struct network *net,
			 const struct host_vlan *host, struct netsim_err *err)
{
	struct link *link = model_add_link(model, MODEL_HOST, host->device, LINK_VLAN);
	int r;

	if (!link)
		return err_oom(err);
	link->at = link->vlan_at = host->at;
	link->group = mark_group(topo->fleet);
	link->mtu = net->mtu ? net->mtu : DEFAULT_MTU;
	link->mtu_at = net->mtu ? net->mtu_at : host->at;
	link->up = true;
	link->vlan = host->id;
	memcpy(link->lower, net->bridge, IFNAMSIZ);
	r = set_alias(link,
		      &(struct mark) {.fleet = topo->fleet,
				      .node = net->name,
				      .closed = net->unclaimed == UNCLAIMED_DROP},
		      &host->at, err);
	return r < 0 ? r : copy_addresses(link, host->addresses, host->address_count, err);
}

static int add_bridge(struct model *model, const struct topo *topo, const struct network *net,
		      struct netsim_err *err)
{
	struct link *link = model_add_link(model, MODEL_HOST, net->bridge, LINK_BRIDGE);
	int r;

	if (!link)
		return err_oom(err);
	link->at = net->at;
	link->group = mark_group(topo->fleet);
	link->mtu = net->mtu ? net->mtu : DEFAULT_MTU;
	link->mtu_at = net->mtu ? net->mtu_at : net->at;
	link->has_mac = true;
	link->mac = stable_mac(topo->fleet, "", net->name);
	link->mac_at = net->at;
	link->up = true;
	link->vlan_aware = net->vlan_aware;
	link->stp = net->stp;
	r = set_alias(link,
		      &(struct mark) {.fleet = topo->fleet,
				      .node = net->name,
				      .closed = net->unclaimed == UNCLAIMED_DROP,
				      .routed = net->routed},
		      &net->at, err);
	if (r == 0)
		r = add_own_vlans(link, net, err);
	/* On a routed network the addresses are on the ports. */
	if (r == 0 && !net->routed)
		r = copy_addresses(link, net->addresses, net->address_count, err);
	for (size_t i = 0; r == 0 && i < net->host_count; i++)
		r = add_host_vlan(model, topo, net, &net->hosts[i], err);
	return r;
}

/* An access port is in one VLAN, untagged; a trunk has its native VLAN untagged, others tagged. */
static int add_port_vlans(struct link *link, const struct network *net, const struct iface *iface,
			  struct netsim_err *err)
{
	const struct vlan_id *ids = iface->vlan_count ? iface->vlans : net->vlans;
	size_t count = iface->vlan_count ? iface->vlan_count : net->vlan_count;
	uint16_t native = iface->native ? iface->native : NATIVE_VLAN;
	int r;

	if (!net->vlan_aware)
		return 0;
	if (iface->access)
		return add_vlan(link, iface->access, true, err);
	r = add_vlan(link, native, true, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (ids[i].id != native)
			r = add_vlan(link, ids[i].id, false, err);
	return r;
}

static int add_host_address(struct link *link, const struct ip *ip, const struct netsim_loc *at,
			    struct netsim_err *err)
{
	struct model_addr *addr = array_push(link->addrs, link->addr_count);

	if (!addr)
		return err_oom(err);
	*addr = (struct model_addr) {.ip = *ip, .at = *at};
	return 0;
}

/*
 * The host's end of a cable of a routed network: the host's addresses, and a route to each address
 * of the node. For IPv6, also a link-local address, without which the kernel does not resolve the
 * node's address for packets that it forwards.
 */
static int add_routing(struct link *link, const struct network *net, const struct iface *iface,
		       struct netsim_err *err)
{
	static const struct ip link_local = {
		.family = AF_INET6, .plen = 64, .b = {0xfe, 0x80, [15] = 1}};
	int r = copy_addresses(link, net->addresses, net->address_count, err);

	link->routed = true;
	if (r == 0 && topo_address(net, AF_INET6))
		r = add_host_address(link, &link_local, &iface->at, err);
	for (size_t i = 0; r == 0 && i < iface->address_count; i++) {
		struct model_route *route = array_push(link->routes, link->route_count);

		if (!route)
			return err_oom(err);
		route->to = iface->addresses[i].ip;
		route->at = iface->addresses[i].at;
	}
	return r;
}

static bool is_member(const struct node *node, const struct iface *iface, const struct iface **bond)
{
	for (size_t i = 0; i < node->iface_count; i++)
		for (size_t m = 0;
		     node->ifaces[i].kind == IFACE_BOND && m < node->ifaces[i].bond.member_count;
		     m++)
			if (&node->ifaces[node->ifaces[i].bond.members[m]] == iface) {
				*bond = &node->ifaces[i];
				return true;
			}
	return false;
}

/* Adds the port of an interface on the host, a member of the network's bridge if it has one. */
static struct link *add_host_port(struct model *model, const struct topo *topo,
				  const struct node *node, const struct iface *iface,
				  const struct network *net, enum link_kind kind)
{
	struct link *link = model_add_link(model, MODEL_HOST, iface->port, kind);

	if (!link)
		return NULL;
	link->at = iface->at;
	link->group = mark_group(topo->fleet);
	link->mtu = topo_cable_mtu(topo, node, iface);
	link->mtu_at = iface->mtu ? iface->mtu_at : iface->at;
	link->up = true;
	if (!net->routed)
		memcpy(link->master, net->bridge, IFNAMSIZ);
	link->master_at = iface->at;
	return link;
}

static int add_port(struct model *model, const struct topo *topo, const struct node *node,
		    const struct iface *iface, struct netsim_err *err)
{
	const struct network *net = &topo->networks[iface->network];
	const struct iface *bond;
	struct link *link = add_host_port(model, topo, node, iface, net,
					  node->kind == NODE_TAP ? LINK_TAP : LINK_VETH);
	const struct mark mark = {.fleet = topo->fleet,
				  .node = node->name,
				  .iface = iface->name,
				  .roles = (const char *const *)node->roles,
				  .role_count = node->role_count,
				  .closed = net->routed && net->unclaimed == UNCLAIMED_DROP,
				  .routed = net->routed};
	int r;

	if (!link)
		return err_oom(err);
	if (is_member(node, iface, &bond) && bond->bond.lag)
		memcpy(link->lag, bond->port, IFNAMSIZ);
	link->multi_queue = node->multi_queue;
	link->vnet_hdr = node->vnet_hdr;
	link->has_tap_owner = node->has_owner;
	link->tap_owner = node->owner;
	link->has_tap_group = node->has_group;
	link->tap_group = node->group;
	r = set_alias(link, &mark, &node->at, err);
	if (r < 0)
		return r;
	return net->routed ? add_routing(link, net, iface, err) :
			     add_port_vlans(link, net, iface, err);
}

/* The options of the switch's side of a bond: those of LACP and hashing are the node's. */
static void fill_lag(struct bond_options *lag, const struct bond_options *node)
{
	lag->mode = node->mode == BOND_8023AD ? BOND_8023AD : BOND_BALANCE_XOR;
	lag->mode_at = node->mode_at;
	lag->values[BOND_MIIMON] = (struct bond_value) {true, LAG_MIIMON, node->mode_at};
	lag->values[BOND_LACP_RATE] = node->values[BOND_LACP_RATE];
	lag->values[BOND_XMIT_HASH_POLICY] = node->values[BOND_XMIT_HASH_POLICY];
}

/* The switch's side of a bond: a bond on the host, which is the port of the bridge. */
static int add_lag(struct model *model, const struct topo *topo, const struct node *node,
		   const struct iface *iface, struct netsim_err *err)
{
	const struct iface *member = &node->ifaces[iface->bond.members[0]];
	const struct network *net = &topo->networks[member->network];
	const struct mark mark = {.fleet = topo->fleet, .node = node->name, .iface = iface->name};
	struct link *link = add_host_port(model, topo, node, iface, net, LINK_BOND);
	int r;

	if (!link)
		return err_oom(err);
	link->has_mac = true;
	link->mac = stable_mac(topo->fleet, node->name, iface->port);
	link->mac_at = iface->at;
	fill_lag(&link->bond, &iface->bond.options);
	r = set_alias(link, &mark, &node->at, err);
	return r < 0 ? r : add_port_vlans(link, net, member, err);
}

static void fill_kind(struct link *link, const struct node *node, const struct iface *iface)
{
	switch (iface->kind) {
	case IFACE_PORT:
		link->kind = LINK_VETH;
		link->has_prio = iface->has_prio;
		link->prio = iface->prio;
		link->prio_at = iface->prio_at;
		memcpy(link->peer, iface->port, IFNAMSIZ);
		break;
	case IFACE_BOND:
		link->kind = LINK_BOND;
		link->bond = iface->bond.options;
		break;
	case IFACE_VLAN:
		link->kind = LINK_VLAN;
		link->vlan = iface->vlan;
		link->vlan_qinq = iface->vlan_qinq;
		link->vlan_at = iface->vlan_at;
		memcpy(link->lower, node->ifaces[iface->lower].name, IFNAMSIZ);
		break;
	}
}

/* The node's own end of an interface. */
static int add_inside(struct model *model, int place, const struct topo *topo,
		      const struct node *node, const struct iface *iface, struct netsim_err *err)
{
	struct link *link = model_add_link(model, place, iface->name, LINK_OTHER);
	const struct iface *bond;
	int r;

	if (!link)
		return err_oom(err);
	link->at = iface->at;
	link->group = mark_group(topo->fleet);
	link->up = true;
	link->mtu = topo_cable_mtu(topo, node, iface);
	link->mtu_at = iface->mtu ? iface->mtu_at : iface->at;
	link->has_mac = iface->has_mac;
	link->mac = iface->mac;
	link->mac_at = iface->mac_at;
	fill_kind(link, node, iface);
	if (!link->has_mac && link->kind == LINK_VETH) {
		link->has_mac = true;
		link->mac = stable_mac(topo->fleet, node->name, iface->name);
		link->mac_at = iface->at;
	}
	if (is_member(node, iface, &bond)) {
		memcpy(link->master, bond->name, IFNAMSIZ);
		link->master_at = bond->at;
	}
	r = copy_addresses(link, iface->addresses, iface->address_count, err);
	return r < 0 ? r :
		       copy_routes(link, iface,
				   iface->kind == IFACE_PORT &&
					   topo->networks[iface->network].routed,
				   err);
}

/* The port and the interface of a DHCP server: as those of a node in its VLAN only. */
static int add_service_links(struct model *model, const struct topo *topo, size_t network,
			     const struct dhcp *dhcp, struct netsim_err *err)
{
	struct ip_at address = {dhcp->server, dhcp->server_at};
	const struct node node = {.name = dhcp->node, .at = dhcp->at};
	struct iface iface = {.name = "eth0",
			      .at = dhcp->at,
			      .network = network,
			      .access = dhcp->vlan,
			      .addresses = &address,
			      .address_count = 1};
	const struct mark mark = {
		.fleet = topo->fleet, .node = dhcp->node, .iface = iface.name, .service = true};
	struct link *port;
	char name[256];
	int r;

	snprintf(name, sizeof(name), "%s.%s.%s", topo->fleet, dhcp->node, iface.name);
	name_fit(name, iface.port);
	r = add_port(model, topo, &node, &iface, err);
	if (r < 0)
		return r;
	port = &model->links[model->link_count - 1];
	free(port->alias);
	r = set_alias(port, &mark, &dhcp->at, err);
	return r < 0 ? r : add_inside(model, (int)model->node_count - 1, topo, &node, &iface, err);
}

/* The node of a DHCP server. */
static int add_service(struct model *model, const struct topo *topo, size_t network,
		       const struct dhcp *dhcp, struct netsim_err *err)
{
	struct model_node *node = model_add_node(model, dhcp->node);
	char name[256];

	if (!node)
		return err_oom(err);
	node->at = dhcp->at;
	node->service = true;
	snprintf(name, sizeof(name), "%s.%s", topo->fleet, dhcp->node);
	node->netns = strdup(name);
	return node->netns ? add_service_links(model, topo, network, dhcp, err) : err_oom(err);
}

static int add_services(struct model *model, const struct topo *topo, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < topo->network_count; i++)
		for (size_t j = 0; r == 0 && j < topo->networks[i].dhcp_count; j++)
			r = add_service(model, topo, i, &topo->networks[i].dhcps[j], err);
	return r;
}

static int add_node(struct model *model, const struct topo *topo, const struct node *from,
		    struct netsim_err *err)
{
	struct model_node *node = model_add_node(model, from->name);
	int place = (int)model->node_count - 1, r = 0;
	char name[256];

	if (!node)
		return err_oom(err);
	node->at = from->at;
	node->is_tap = from->kind != NODE_NETNS;
	node->attached = from->kind == NODE_ATTACHED;
	node->has_forwarding = from->has_forwarding;
	node->forwarding = (struct forwarding) {from->forwarding, from->forwarding, false};
	snprintf(name, sizeof(name), "%s.%s", topo->fleet, from->name);
	if (!node->is_tap && !(node->netns = strdup(name)))
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < from->iface_count; i++) {
		if (from->ifaces[i].kind == IFACE_PORT && !node->attached)
			r = add_port(model, topo, from, &from->ifaces[i], err);
		if (r == 0 && from->ifaces[i].bond.lag)
			r = add_lag(model, topo, from, &from->ifaces[i], err);
		if (r == 0 && from->kind == NODE_NETNS)
			r = add_inside(model, place, topo, from, &from->ifaces[i], err);
	}
	return r;
}

/* An end of a cable: a port of its network's bridge, which is a trunk of the VLANs. */
static int add_cable_end(struct model *model, const struct topo *topo, const struct cable *cable,
			 int end, struct netsim_err *err)
{
	const struct network *net = &topo->networks[cable->networks[end]];
	const struct iface like = {.vlans = cable->vlans, .vlan_count = cable->vlan_count};
	const struct mark mark = {.fleet = topo->fleet,
				  .node = cable->name,
				  .iface = cable->ifaces[end],
				  .cable = (uint8_t)(end + 1)};
	struct link *link = model_add_link(model, MODEL_HOST, cable->ports[end], LINK_VETH);
	int r;

	if (!link)
		return err_oom(err);
	link->at = link->master_at = cable->at;
	link->group = mark_group(topo->fleet);
	link->mtu = topo_between_mtu(topo, cable);
	link->mtu_at = cable->mtu ? cable->mtu_at : cable->at;
	link->up = true;
	link->cable = mark.cable;
	memcpy(link->master, net->bridge, IFNAMSIZ);
	memcpy(link->peer, cable->ports[1 - end], IFNAMSIZ);
	r = set_alias(link, &mark, &cable->at, err);
	return r < 0 ? r : add_port_vlans(link, net, &like, err);
}

/* Cables come last, so that the numbers of nodes are those of the file. */
static int add_cables(struct model *model, const struct topo *topo, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < topo->cable_count; i++) {
		const struct cable *cable = &topo->cables[i];
		struct model_node *node = model_add_node(model, cable->name);

		if (!node)
			return err_oom(err);
		node->at = cable->at;
		node->cable = true;
		memcpy(node->first, cable->ifaces[0], IFNAMSIZ);
		r = add_cable_end(model, topo, cable, 0, err);
		if (r == 0)
			r = add_cable_end(model, topo, cable, 1, err);
	}
	return r;
}

int layout_make(const struct topo *topo, struct model **ret, struct netsim_err *err)
{
	struct model *model = model_new(topo->fleet);
	int r = model ? 0 : err_oom(err);

	for (size_t i = 0; r == 0 && i < topo->network_count; i++)
		r = topo->networks[i].attached ? 0 :
						 add_bridge(model, topo, &topo->networks[i], err);
	for (size_t i = 0; r == 0 && i < topo->node_count; i++)
		r = add_node(model, topo, &topo->nodes[i], err);
	if (r == 0)
		r = add_services(model, topo, err);
	if (r == 0)
		r = add_cables(model, topo, err);
	if (r < 0)
		model_free(model);
	else
		*ret = model;
	return r;
}
