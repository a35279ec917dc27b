// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Resolves references between the interfaces of a node to indices, checks members and
 * VLANs, and sorts the interfaces into an order of creation.
 */
#include "netsim/config/topo_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/buf.h"
#include "netsim/util/name.h"

/* The interfaces of one node, also sorted by name. */
struct node_view {
	struct bind *b;
	const struct topo *topo;
	struct node *node;
	struct raw_iface *list;
	size_t count;
	struct raw_iface **by_name;
	bool good;
};

static const char *name_of(const struct node_view *v, size_t i)
{
	return v->list[i].i.name;
}

static int by_name(const void *va, const void *vb)
{
	const struct raw_iface *const *a = va, *const *b = vb;
	int order = strcmp((*a)->i.name, (*b)->i.name);

	return order ? order : *a < *b ? -1 : *a > *b;
}

static int find_by_name(const void *key, const void *element)
{
	const struct raw_iface *const *raw = element;

	return strcmp(key, (*raw)->i.name);
}

/* Returns the index of the interface that from refers to, or NOWHERE after reporting it. */
static size_t find(struct node_view *v, const struct raw_iface *from, const char *key,
		   const struct text *text)
{
	struct raw_iface **found =
		bsearch(text->s, v->by_name, v->count, sizeof(struct raw_iface *), find_by_name);
	auto_free const char **names = NULL;
	const char *nearest = NULL;

	if (found)
		return (size_t)(*found - v->list);
	if (v->b->mistakes < NETSIM_DIAGS_MAX)
		names = calloc(v->count, sizeof(*names));
	for (size_t i = 0; names && i < v->count; i++)
		names[i] = name_of(v, i);
	if (names)
		nearest = bind_nearest(v->b, text->s, names, v->count);
	v->good = bind_refuse(v->b, &text->at,
			      nearest ? hint_f("did you mean \"%s\"?", nearest) :
					hint_f("it must be an interface of the same node"),
			      "%s: %s: there is no interface \"%s\"", from->i.name, key,
			      shown(text->s));
	return NOWHERE;
}

static bool sort_names(struct node_view *v)
{
	v->by_name = calloc(v->count, sizeof(struct raw_iface *));
	if (!v->by_name)
		return bind_oom(v->b);
	for (size_t i = 0; i < v->count; i++)
		v->by_name[i] = &v->list[i];
	qsort(v->by_name, v->count, sizeof(struct raw_iface *), by_name);
	for (size_t i = 1; i < v->count; i++)
		if (strcmp(v->by_name[i - 1]->i.name, v->by_name[i]->i.name) == 0)
			v->good = bind_refuse(
				v->b, &v->by_name[i]->i.at,
				hint_f("first in line %u", v->by_name[i - 1]->i.at.line),
				"interface \"%s\" is defined twice", v->by_name[i]->i.name);
	return true;
}

static void link_bond(struct node_view *v, struct raw_iface *raw)
{
	struct bond *bond = &raw->i.bond;
	size_t count = raw->members.count;

	if (count == 0) {
		v->good = bind_refuse(v->b, &raw->members.at, "write \"[eth1, eth2]\"",
				      "bond %s has no members", raw->i.name);
		return;
	}
	bond->members = calloc(count, sizeof(*bond->members));
	bond->member_at = calloc(count, sizeof(*bond->member_at));
	raw->member = calloc(count, sizeof(*raw->member));
	if (!bond->members || !bond->member_at || !raw->member) {
		v->good = bind_oom(v->b);
		return;
	}
	bond->member_count = count;
	for (size_t i = 0; i < count; i++) {
		raw->member[i] = find(v, raw, "bond", &raw->members.list[i]);
		bond->member_at[i] = raw->members.list[i].at;
	}
}

static void link_vlan(struct node_view *v, struct raw_iface *raw)
{
	struct text lower = raw->link;
	char name[IFNAMSIZ];
	char *dot;

	if (!lower.s) {
		memcpy(name, raw->i.name, sizeof(name));
		dot = strrchr(name, '.');
		if (!dot || dot == name) {
			v->good = bind_refuse(v->b, &raw->i.at, "write \"link: eth1\"",
					      "VLAN %s names no lower interface", raw->i.name);
			return;
		}
		*dot = '\0';
		lower = (struct text) {name, raw->i.at};
	}
	raw->lower = find(v, raw, raw->link.s ? "link" : "vlan", &lower);
}

static void link_port(struct node_view *v, struct raw_iface *raw)
{
	const struct topo *topo = v->topo;
	auto_free const char **names = calloc(topo->network_count + 1, sizeof(*names));
	const char *nearest = NULL;

	for (size_t i = 0; names && i < topo->network_count; i++) {
		names[i] = topo->networks[i].name;
		if (strcmp(names[i], raw->network.s) == 0) {
			raw->i.network = i;
			return;
		}
	}
	if (names)
		nearest = bind_nearest(v->b, raw->network.s, names, topo->network_count);
	v->good = bind_refuse(v->b, &raw->network.at,
			      nearest ? hint_f("did you mean \"%s\"?", nearest) :
					hint_f("define it under \"networks\""),
			      "there is no network \"%s\"", shown(raw->network.s));
}

/* Resolves all references to indices, and reports those to unknown interfaces. */
static void link_all(struct node_view *v)
{
	for (size_t i = 0; i < v->count; i++) {
		struct raw_iface *raw = &v->list[i];

		switch (raw->i.kind) {
		case IFACE_PORT:
			link_port(v, raw);
			break;
		case IFACE_BOND:
			link_bond(v, raw);
			break;
		case IFACE_VLAN:
			link_vlan(v, raw);
			break;
		}
	}
}

/* Returns an interface below raw without a known depth, and the location of the reference. */
static size_t unknown_below(const struct node_view *v, const struct raw_iface *raw,
			    const struct netsim_loc **at)
{
	if (raw->i.kind == IFACE_VLAN) {
		*at = raw->link.s ? &raw->link.at : &raw->i.at;
		if (raw->lower != NOWHERE && v->list[raw->lower].depth == NOWHERE)
			return raw->lower;
		return NOWHERE;
	}
	for (size_t i = 0; raw->member && i < raw->members.count; i++) {
		*at = &raw->members.list[i].at;
		if (raw->member[i] != NOWHERE && v->list[raw->member[i]].depth == NOWHERE)
			return raw->member[i];
	}
	return NOWHERE;
}

static size_t depth_above(const struct node_view *v, const struct raw_iface *raw)
{
	size_t depth = 0;

	if (raw->i.kind == IFACE_VLAN)
		return raw->lower == NOWHERE ? 1 : v->list[raw->lower].depth + 1;
	for (size_t i = 0; raw->member && i < raw->members.count; i++)
		if (raw->member[i] != NOWHERE && v->list[raw->member[i]].depth >= depth)
			depth = v->list[raw->member[i]].depth + 1;
	return depth;
}

/* Makes one pass over all interfaces; returns the number of depths still unknown. */
static size_t find_depths(struct node_view *v)
{
	const struct netsim_loc *at;
	size_t unknown = 0;

	for (size_t i = 0; i < v->count; i++) {
		struct raw_iface *raw = &v->list[i];

		if (raw->depth != NOWHERE)
			continue;
		if (unknown_below(v, raw, &at) == NOWHERE)
			raw->depth = depth_above(v, raw);
		else
			unknown++;
	}
	return unknown;
}

static void refuse_depth(struct node_view *v, size_t i)
{
	v->good =
		bind_refuse(v->b, &v->list[i].i.at, NULL, "%s has more than %d interfaces below it",
			    name_of(v, i), TOPO_STACK_MAX - 1);
}

/* Reports why a depth is unknown: interfaces form a loop, or are stacked too high. */
static void refuse_loop(struct node_view *v)
{
	auto_buf struct buf buf = {0};
	const struct netsim_loc *at;
	size_t i = 0, next, first;

	while (v->list[i].depth != NOWHERE)
		i++;
	/* After as many steps as there are interfaces, i is part of the loop. */
	for (size_t n = 0; n < v->count; n++) {
		next = unknown_below(v, &v->list[i], &at);
		if (next == NOWHERE) {
			refuse_depth(v, i);
			return;
		}
		i = next;
	}
	first = i;
	for (next = unknown_below(v, &v->list[i], &at); next != i;
	     next = unknown_below(v, &v->list[next], &at))
		if (next < first)
			first = next;
	buf_puts(&buf, name_of(v, first));
	next = first;
	do {
		next = unknown_below(v, &v->list[next], &at);
		buf_printf(&buf, " -> %s", name_of(v, next));
	} while (next != first);
	unknown_below(v, &v->list[first], &at);
	v->good = bind_refuse(v->b, at, "an interface cannot be above itself", "%s is a loop",
			      buf.data ? buf.data : "this");
}

static void check_depths(struct node_view *v)
{
	size_t unknown = v->count;

	for (size_t round = 0; round <= TOPO_STACK_MAX && unknown; round++)
		unknown = find_depths(v);
	if (unknown)
		refuse_loop(v);
	for (size_t i = 0; i < v->count; i++)
		if (v->list[i].depth != NOWHERE && v->list[i].depth >= TOPO_STACK_MAX)
			refuse_depth(v, i);
}

static void check_member_prio(struct node_view *v, const struct raw_iface *bond,
			      const struct raw_iface *member)
{
	uint8_t mode = bond->i.bond.options.mode;

	if (member->i.has_prio && !(BOND_WITH_ACTIVE & BOND_IN(mode)))
		v->good = bind_refuse(
			v->b, &member->i.prio_at,
			"only members in active-backup, balance-tlb and balance-alb have one",
			"%s: prio is not for the mode of %s, %s", member->i.name, bond->i.name,
			bond_modes[mode]);
}

static void check_member(struct node_view *v, size_t bond, size_t n)
{
	const struct raw_iface *raw = &v->list[bond];
	const struct netsim_loc *at = &raw->members.list[n].at;
	struct raw_iface *member;

	if (raw->member[n] == NOWHERE)
		return;
	member = &v->list[raw->member[n]];
	if (member->depth == NOWHERE) /* part of a loop, already reported */
		return;
	if (member->i.kind != IFACE_PORT) {
		v->good =
			bind_refuse(v->b, at,
				    member->i.kind == IFACE_VLAN ?
					    "bond the ports, and put the VLAN on the bond" :
					    "name the ports of that bond here",
				    "%s: member %s is not a port but a %s", raw->i.name,
				    member->i.name, member->i.kind == IFACE_VLAN ? "VLAN" : "bond");
	} else if (member->bond == bond) {
		v->good = bind_refuse(v->b, at, "remove one of them",
				      "%s: member %s is named twice", raw->i.name, member->i.name);
	} else if (member->bond != NOWHERE) {
		v->good = bind_refuse(v->b, at, "a port can be in one bond only",
				      "%s: member %s is in %s already", raw->i.name, member->i.name,
				      name_of(v, member->bond));
	} else {
		member->bond = bond;
		check_member_prio(v, raw, member);
		if (member->i.address_count || member->i.dhcp)
			v->good = bind_refuse(v->b,
					      member->i.dhcp ? &member->i.dhcp_at :
							       &member->i.addresses[0].at,
					      hint_f("give the address to %s", raw->i.name),
					      "%s is a member of %s and cannot have an address",
					      member->i.name, raw->i.name);
	}
}

static bool same_vlans(const struct iface *a, const struct iface *b)
{
	bool same =
		a->access == b->access && a->native == b->native && a->vlan_count == b->vlan_count;

	for (size_t i = 0; same && i < a->vlan_count; i++)
		same = topo_carries(b->vlans, b->vlan_count, a->vlans[i].id);
	return same;
}

/* The switch's bond is one port of one bridge. */
static void check_lag_members(struct node_view *v, const struct raw_iface *raw)
{
	const struct bond *bond = &raw->i.bond;
	const struct iface *first;

	if (!bond->lag || !raw->member || raw->member[0] == NOWHERE)
		return;
	first = &v->list[raw->member[0]].i;
	for (size_t n = 1; n < raw->members.count; n++) {
		const struct netsim_loc *at = &raw->members.list[n].at;
		const struct iface *other;

		if (raw->member[n] == NOWHERE)
			continue;
		other = &v->list[raw->member[n]].i;
		if (first->kind != IFACE_PORT || other->kind != IFACE_PORT)
			continue;
		if (first->network != other->network)
			v->good = bind_refuse(
				v->b, at,
				"two switches are no LACP partner: use one network, or write "
				"\"lag: false\"",
				"%s: %s and %s are on different networks, but a lag ends at one",
				raw->i.name, first->name, other->name);
		else if (!same_vlans(first, other))
			v->good = bind_refuse(v->b, at, "give them the same access or vlans",
					      "%s: %s and %s carry different VLANs, but a lag is "
					      "one port of the network",
					      raw->i.name, first->name, other->name);
	}
}

static void check_bond(struct node_view *v, size_t i)
{
	struct raw_iface *raw = &v->list[i];

	for (size_t n = 0; raw->member && n < raw->members.count; n++)
		check_member(v, i, n);
	v->good &= topo_check_bond(v->b, raw);
	check_lag_members(v, raw);
}

static void check_port(struct node_view *v, const struct raw_iface *raw)
{
	const struct iface *iface = &raw->i;
	const struct network *network = &v->topo->networks[iface->network];

	if (network->routed)
		v->good &= topo_check_routed_port(v->b, network, v->node, iface);
	if (iface->access && iface->vlan_count)
		v->good = bind_refuse(v->b, &iface->access_at,
				      "access is for one VLAN untagged, vlans for several tagged",
				      "%s: access and vlans exclude each other", iface->name);
	if (iface->access && iface->native)
		v->good = bind_refuse(v->b, &iface->native_at, "an access port has no other VLAN",
				      "%s: access and native exclude each other", iface->name);
	if (topo_carries(iface->vlans, iface->vlan_count, iface->native))
		v->good = bind_refuse(v->b, &iface->native_at, "remove it from the port's vlans",
				      "%s: VLAN %u cannot be both native and tagged", iface->name,
				      iface->native);
	if ((iface->access || iface->native || iface->vlan_count) && !network->vlan_aware) {
		v->good = bind_refuse(v->b,
				      iface->access ? &iface->access_at :
				      iface->native ? &iface->native_at :
						      &iface->vlans[0].at,
				      network->routed ?
					      "a routed network cannot have any" :
					      hint_f("write \"%s: {vlans: [...]}\" under networks",
						     network->name),
				      "%s: network %s has no VLANs", iface->name, network->name);
		return;
	}
	if (iface->access && !topo_carries(network->vlans, network->vlan_count, iface->access))
		v->good = bind_refuse(v->b, &iface->access_at, "list it under the network's vlans",
				      "VLAN %u is not carried by network %s", iface->access,
				      network->name);
	if (iface->native > 1 && !topo_carries(network->vlans, network->vlan_count, iface->native))
		v->good = bind_refuse(v->b, &iface->native_at, "list it under the network's vlans",
				      "VLAN %u is not carried by network %s", iface->native,
				      network->name);
	for (size_t i = 0; i < iface->vlan_count; i++)
		if (!topo_carries(network->vlans, network->vlan_count, iface->vlans[i].id))
			v->good = bind_refuse(v->b, &iface->vlans[i].at,
					      "list it under the network's vlans",
					      "VLAN %u is not carried by network %s",
					      iface->vlans[i].id, network->name);
}

/* A file with mistakes may have no network at all. */
static bool is_routed(const struct node_view *v, const struct iface *iface)
{
	return iface->kind == IFACE_PORT && iface->network < v->topo->network_count &&
	       v->topo->networks[iface->network].routed;
}

/* On a routed network, the host is the next hop, whatever its address. */
static bool is_router(const struct node_view *v, const struct iface *iface, const struct ip *via)
{
	const struct network *network;
	bool found = false;

	if (!is_routed(v, iface))
		return false;
	network = &v->topo->networks[iface->network];
	for (size_t i = 0; i < network->address_count; i++)
		found |= network->addresses[i].ip.family == via->family &&
			 memcmp(network->addresses[i].ip.b, via->b, 16) == 0;
	return found;
}

static void check_routes(struct node_view *v, const struct iface *iface)
{
	char text[UNIT_TEXT];

	for (size_t i = 0; i < iface->route_count; i++) {
		const struct ip *via = &iface->routes[i].via;
		/* fe80::/10: link-local, reachable on every IPv6 link */
		bool reached =
			via->family == AF_INET6 && via->b[0] == 0xfe && (via->b[1] & 0xc0) == 0x80;
		bool own = false, broadcast = false;

		reached |= is_router(v, iface, via);

		for (size_t j = 0; j < iface->address_count; j++) {
			const struct ip *ip = &iface->addresses[j].ip;

			reached |= ip_in_prefix(via, ip);
			broadcast |= ip_is_broadcast(via, ip);
			own |= via->family == ip->family && memcmp(via->b, ip->b, 16) == 0;
		}
		if (own)
			v->good = bind_refuse(v->b, &iface->routes[i].at,
					      "write the address of the next hop",
					      "via: %s is the address of %s itself",
					      unit_format_address(via, text), iface->name);
		else if (broadcast)
			v->good = bind_refuse(v->b, &iface->routes[i].at,
					      "write the address of the next hop",
					      "via: %s is a broadcast address of %s",
					      unit_format_address(via, text), iface->name);
		else if (!reached)
			v->good = bind_refuse(v->b, &iface->routes[i].at,
					      is_routed(v, iface) ?
						      "it must be the host's address" :
						      "it must be in the subnet of one of its "
						      "addresses",
					      "via: %s cannot be reached from %s",
					      unit_format_address(via, text), iface->name);
	}
}

static int by_vlan(const void *va, const void *vb)
{
	const struct raw_iface *const *pa = va, *const *pb = vb;
	const struct raw_iface *a = *pa, *b = *pb;

	if (a->lower != b->lower)
		return a->lower < b->lower ? -1 : 1;
	if (a->i.vlan_qinq != b->i.vlan_qinq)
		return a->i.vlan_qinq ? 1 : -1;
	if (a->i.vlan != b->i.vlan)
		return a->i.vlan < b->i.vlan ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Refuses two VLANs with one id on the same interface: their frames look the same. */
static void check_vlans(struct node_view *v)
{
	auto_free struct raw_iface **sorted = calloc(v->count, sizeof(struct raw_iface *));
	size_t count = 0;

	if (!sorted) {
		v->good = bind_oom(v->b);
		return;
	}
	for (size_t i = 0; i < v->count; i++)
		if (v->list[i].i.kind == IFACE_VLAN && v->list[i].lower != NOWHERE)
			sorted[count++] = &v->list[i];
	qsort(sorted, count, sizeof(struct raw_iface *), by_vlan);
	for (size_t i = 1; i < count; i++) {
		const struct raw_iface *a = sorted[i - 1], *b = sorted[i];

		if (a->lower == b->lower && a->i.vlan == b->i.vlan &&
		    a->i.vlan_qinq == b->i.vlan_qinq)
			v->good = bind_refuse(v->b, &b->i.vlan_at, "give them different ids",
					      "VLAN %u is on %s twice: %s and %s", a->i.vlan,
					      name_of(v, a->lower), a->i.name, b->i.name);
	}
}

/* Assigns the order of creation: ports, bonds, then VLANs from the bottom up. */
static void place_all(struct node_view *v)
{
	size_t next = 0;

	for (unsigned kind = IFACE_PORT; kind <= IFACE_BOND; kind++)
		for (size_t i = 0; i < v->count; i++)
			if (v->list[i].i.kind == kind)
				v->list[i].place = next++;
	for (size_t depth = 1; depth < TOPO_STACK_MAX; depth++)
		for (size_t i = 0; i < v->count; i++)
			if (v->list[i].i.kind == IFACE_VLAN && v->list[i].depth == depth)
				v->list[i].place = next++;
}

static bool move_all(struct node_view *v)
{
	struct iface *ifaces = calloc(v->count, sizeof(*ifaces));

	if (!ifaces)
		return bind_oom(v->b);
	for (size_t i = 0; i < v->count; i++) {
		struct raw_iface *raw = &v->list[i];
		struct bond *bond = &raw->i.bond;

		for (size_t n = 0; n < bond->member_count; n++)
			bond->members[n] = v->list[raw->member[n]].place;
		if (raw->i.kind == IFACE_VLAN)
			raw->i.lower = v->list[raw->lower].place;
		ifaces[raw->place] = raw->i;
		raw->i = (struct iface) {0};
	}
	v->node->ifaces = ifaces;
	v->node->iface_count = v->count;
	return true;
}

/* The port of an attached node is found by a pattern of its name, the guest's MAC, or its domain.
 */
static void name_attached(struct node_view *v, struct raw_iface *raw)
{
	const char *pattern = raw->port.s;

	if (!pattern && !raw->i.has_mac && !v->node->domain)
		v->good = bind_refuse(
			v->b, &raw->i.at,
			"write \"port: vnet*\", the guest's \"mac\", or the node's \"domain\"",
			"%s: an attached port is found by \"port\", \"mac\" or \"domain\"",
			raw->i.name);
	else if (pattern && strpbrk(pattern, "*?[") && strlen(pattern) < IFNAMSIZ &&
		 !strpbrk(pattern, " /:%"))
		snprintf(raw->i.port, IFNAMSIZ, "%s", pattern);
	else if (pattern)
		v->good &= topo_bind_ifname(v->b, "port", pattern, &raw->port.at, raw->i.port);
}

static void name_port(struct node_view *v, struct raw_iface *raw)
{
	auto_buf struct buf full = {0};

	if (v->node->kind == NODE_ATTACHED) {
		name_attached(v, raw);
		return;
	}
	if (raw->port.s) {
		v->good &= topo_bind_ifname(v->b, "port", raw->port.s, &raw->port.at, raw->i.port);
		return;
	}
	buf_printf(&full, "%s.%s.%s", v->topo->fleet, v->node->name, raw->i.name);
	if (full.failed)
		v->good = bind_oom(v->b);
	else
		name_fit(full.data, raw->i.port);
}

/* Bonds and VLANs need a bridge: the host has neither at its end of the cables. */
static void refuse_above_routed(struct node_view *v, const struct raw_iface *raw)
{
	const struct raw_iface *below = raw;

	if (raw->i.kind == IFACE_PORT)
		return;
	while (below->i.kind != IFACE_PORT) {
		size_t next = below->i.kind == IFACE_VLAN ? below->lower :
			      below->member		  ? below->member[0] :
							    NOWHERE;

		if (next == NOWHERE)
			return;
		below = &v->list[next];
	}
	if (is_routed(v, &below->i))
		v->good = bind_refuse(v->b, &raw->i.at, "put it on a network with a bridge",
				      "%s: there are no %s on a routed network", raw->i.name,
				      raw->i.kind == IFACE_VLAN ? "VLANs" : "bonds");
}

/* The default routes of a node by the host, unless the file has routes. */
static void route_by_host(struct node_view *v, struct raw_iface *raw)
{
	if (is_routed(v, &raw->i) && v->node->kind == NODE_NETNS && !raw->i.route_count)
		v->good &= topo_route_by_host(v->b, &v->topo->networks[raw->i.network], &raw->i);
}

bool topo_resolve_node(struct bind *b, const struct topo *topo, struct node *node,
		       struct raw_ifaces *raws)
{
	struct node_view v = {b, topo, node, raws->list, raws->count, NULL, true};

	if (!sort_names(&v))
		return false;
	link_all(&v);
	check_depths(&v);
	for (size_t i = 0; v.good && i < v.count; i++)
		refuse_above_routed(&v, &v.list[i]);
	for (size_t i = 0; i < v.count; i++) {
		struct raw_iface *raw = &v.list[i];

		if (raw->i.kind == IFACE_BOND)
			check_bond(&v, i);
		if (raw->i.kind == IFACE_PORT || raw->i.bond.lag)
			name_port(&v, raw);
		/* An unknown network has been reported; its index here is 0. */
		if (raw->i.kind == IFACE_PORT && v.good)
			check_port(&v, raw);
		if (v.good)
			route_by_host(&v, raw);
		check_routes(&v, &raw->i);
	}
	for (size_t i = 0; i < v.count; i++)
		if (v.list[i].i.has_prio && v.list[i].bond == NOWHERE)
			v.good = bind_refuse(b, &v.list[i].i.prio_at, "remove it",
					     "%s: prio is for members of a bond", v.list[i].i.name);
	check_vlans(&v);
	free(v.by_name);
	if (!v.good)
		return false;
	place_all(&v);
	return move_all(&v);
}
