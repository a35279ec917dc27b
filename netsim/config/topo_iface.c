// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the interfaces of a node, each on its own; topo_node.c resolves references. */
#include "netsim/config/topo_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/name.h"

enum { IN_PORT = 1, IN_TAP = 2, IN_BOND = 4, IN_VLAN = 8, IN_ATTACHED = 16 };

const char *const topo_vlan_protocols[] = {"802.1q", "802.1ad", NULL};

static bool zero_bits(const struct ip *ip, uint8_t flip)
{
	size_t len = ip->family == AF_INET ? 4 : 16;

	for (size_t bit = ip->plen; bit < len * 8; bit++)
		if (((ip->b[bit / 8] ^ flip) >> (7 - bit % 8)) & 1)
			return false;
	return true;
}

static struct ip first_host(const struct ip *ip)
{
	struct ip ret = ip_subnet(ip);

	ret.b[ip->family == AF_INET ? 3 : 15] |= 1;
	return ret;
}

static bool check_host_address(struct bind *b, const char *name, const struct netsim_loc *at,
			       const struct ip *ip)
{
	bool v4 = ip->family == AF_INET;
	bool has_subnet = ip->plen < (v4 ? 31 : 127);
	char text[UNIT_TEXT], better[UNIT_TEXT];
	struct ip first = first_host(ip);

	unit_format_ip(ip, text);
	if (ip->plen == 0)
		return bind_refuse(b, at, NULL, "%s: %s has a prefix length of 0", name, text);
	if (v4 ? ip->b[0] >= 224 : ip->b[0] == 0xff)
		return bind_refuse(b, at, NULL, "%s: %s is not a unicast address", name, text);
	if (!v4 && memcmp(ip->b, &in6addr_loopback, sizeof(in6addr_loopback)) == 0)
		return bind_refuse(b, at, "every node has it on lo",
				   "%s: %s is the loopback address", name, text);
	if (has_subnet && zero_bits(ip, 0))
		return bind_refuse(
			b, at, hint_f("write for example \"%s\"", unit_format_ip(&first, better)),
			"%s: %s is the address of a network, not of a host", name, text);
	if (v4 && has_subnet && zero_bits(ip, 0xff))
		return bind_refuse(
			b, at, hint_f("write for example \"%s\"", unit_format_ip(&first, better)),
			"%s: %s is the broadcast address of its network", name, text);
	return true;
}

static bool bind_prefix(struct bind *b, const char *name, const struct doc_node *node,
			struct ip *ret)
{
	const char *text = bind_number(b, name, node), *why;
	struct ip ip;

	if (!text)
		return false;
	if (unit_parse_prefix(text, ret, &why) == 0)
		return true;
	if (unit_parse_address(text, &ip, NULL) == 0)
		return bind_refuse(b, &node->at,
				   hint_f("write \"%s/%d\"", text, ip.family == AF_INET ? 24 : 64),
				   "%s: %s has no prefix length", name, text);
	return bind_refuse(b, &node->at, why, "%s: \"%s\" is not an address with a prefix", name,
			   shown(text));
}

bool topo_bind_host(struct bind *b, const char *name, const struct doc_node *node, struct ip *ret)
{
	return bind_prefix(b, name, node, ret) && check_host_address(b, name, &node->at, ret);
}

bool topo_bind_address(struct bind *b, const char *name, const struct doc_node *node,
		       struct ip_at **list, size_t *count)
{
	struct ip ip;

	if (!topo_bind_host(b, name, node, &ip))
		return false;
	struct ip_at *slot = array_push(*list, *count);

	if (!slot)
		return bind_oom(b);
	*slot = (struct ip_at) {ip, node->at};
	return true;
}

bool topo_bind_vlan(struct bind *b, const char *name, const struct doc_node *node, uint16_t *ret)
{
	const char *text = bind_number(b, name, node);
	uint64_t id;

	if (!text)
		return false;
	if (unit_parse_count(text, 1, 4094, &id) < 0)
		return bind_refuse(b, &node->at, "a VLAN id is 1 to 4094",
				   "%s: \"%s\" is not a VLAN id", name, shown(text));
	*ret = (uint16_t)id;
	return true;
}

bool topo_carries(const struct vlan_id *vlans, size_t count, uint16_t id)
{
	for (size_t i = 0; i < count; i++)
		if (vlans[i].id == id)
			return true;
	return false;
}

bool topo_bind_vlans(struct bind *b, const char *name, const struct doc_node *node,
		     struct vlan_id **list, size_t *count)
{
	bool good = true;

	if (node->kind != DOC_LIST || node->count == 0)
		return bind_refuse(b, &node->at, "write \"[100, 200]\"",
				   "%s: must be a list of VLAN ids", name);
	for (size_t i = 0; i < node->count; i++) {
		const struct doc_node *item = node->items[i];
		uint16_t id;

		if (!bind_spend(b, &item->at) || !topo_bind_vlan(b, name, item, &id)) {
			good = false;
			continue;
		}
		if (topo_carries(*list, *count, id)) {
			good = bind_refuse(b, &item->at, "remove one of them",
					   "%s: VLAN %u is given twice", name, id);
			continue;
		}
		struct vlan_id *slot = array_push(*list, *count);

		if (!slot)
			return bind_oom(b);
		*slot = (struct vlan_id) {id, item->at};
	}
	return good;
}

bool topo_bind_ifname(struct bind *b, const char *name, const char *text,
		      const struct netsim_loc *at, char ret[static IFNAMSIZ])
{
	const char *flaw = name_interface_flaw(text);

	if (strlen(text) >= IFNAMSIZ)
		return bind_refuse(b, at, "the name of an interface has at most 15 characters",
				   "%s: \"%s\" has %zu characters", name, shown(text),
				   strlen(text));
	if (flaw)
		return bind_refuse(
			b, at, "no blanks, '/', ':' or '%', and no name that the kernel reserves",
			"%s: \"%s\" %s", name, shown(text), flaw);
	snprintf(ret, IFNAMSIZ, "%s", text);
	return true;
}

static bool bind_iface_vlan(struct bind *b, const struct field *field, const struct doc_node *node,
			    void *ret)
{
	return topo_bind_vlan(b, field->name, node, ret);
}

static bool bind_iface_vlans(struct bind *b, const struct field *field, const struct doc_node *node,
			     void *ret)
{
	struct iface *iface = &((struct raw_iface *)ret)->i;

	return topo_bind_vlans(b, field->name, node, &iface->vlans, &iface->vlan_count);
}

static bool bind_iface_address(struct bind *b, const struct field *field,
			       const struct doc_node *node, void *ret)
{
	struct iface *iface = &((struct raw_iface *)ret)->i;

	if (node->kind == DOC_TEXT && strcmp(node->text, "dhcp") == 0) {
		if (iface->dhcp)
			return bind_refuse(b, &node->at, "remove one of them",
					   "%s: dhcp is given twice", field->name);
		iface->dhcp = true;
		iface->dhcp_at = node->at;
		return true;
	}
	return topo_bind_address(b, field->name, node, &iface->addresses, &iface->address_count);
}

static bool bind_reserve(struct bind *b, const struct field *field, const struct doc_node *node,
			 void *ret)
{
	const char *text = bind_number(b, field->name, node), *why;

	if (!text)
		return false;
	return unit_parse_address(text, ret, &why) == 0 ||
	       bind_refuse(b, &node->at, "write it without a prefix length: 192.168.1.1",
			   "%s: \"%s\" is not an address", field->name, shown(text));
}

static bool bind_iface_addresses(struct bind *b, const struct field *field,
				 const struct doc_node *node, void *ret)
{
	return bind_each(b, field, node, bind_iface_address, ret);
}

static bool bind_route_to(struct bind *b, const struct field *field, const struct doc_node *node,
			  void *ret)
{
	struct ip *to = ret, net;
	char text[UNIT_TEXT], better[UNIT_TEXT];

	*to = (struct ip) {0};
	if (node->kind == DOC_TEXT && strcmp(node->text, "default") == 0)
		return true;
	if (!bind_prefix(b, field->name, node, to))
		return false;
	net = ip_subnet(to);
	if (!ip_equal(&net, to))
		return bind_refuse(b, &node->at,
				   hint_f("write \"%s\"", unit_format_ip(&net, better)),
				   "%s: %s has bits set beyond its prefix", field->name,
				   unit_format_ip(to, text));
	return true;
}

static bool bind_route_via(struct bind *b, const struct field *field, const struct doc_node *node,
			   void *ret)
{
	const char *text = bind_number(b, field->name, node), *why;

	if (!text)
		return false;
	return unit_parse_address(text, ret, &why) == 0 ||
	       bind_refuse(b, &node->at, why, "%s: \"%s\" is not an address", field->name,
			   shown(text));
}

static const struct field route_rows[] = {
	{FIELD(struct route, to, "to", bind_route_to), .required = true},
	{FIELD(struct route, via, "via", bind_route_via), .required = true,
	 FIELD_AT(struct route, at)},
	{0},
};

static bool bind_route(struct bind *b, const struct field *field, const struct doc_node *node,
		       void *ret)
{
	struct iface *iface = &((struct raw_iface *)ret)->i;
	struct scope scope = {.what = "a route", .at = &node->at};
	struct route route = {0};

	(void)field;
	if (!bind_map(b, route_rows, node, &scope, &route))
		return false;
	if (route.to.family && route.to.family != route.via.family)
		return bind_refuse(b, &route.at, NULL,
				   "via: IPv4 and IPv6 cannot be mixed in one route");
	/* 0.0.0.0/0 and ::/0 mean the default route. */
	if (route.to.plen == 0)
		route.to = (struct ip) {0};
	struct route *slot = array_push(iface->routes, iface->route_count);

	if (!slot)
		return bind_oom(b);
	*slot = route;
	return true;
}

static bool bind_routes(struct bind *b, const struct field *field, const struct doc_node *node,
			void *ret)
{
	if (node->kind != DOC_LIST)
		return bind_refuse(b, &node->at, "write \"[{to: default, via: 10.0.0.1}]\"",
				   "routes: must be a list");
	return bind_each(b, field, node, bind_route, ret);
}

#define RAW(member, key, fn) FIELD(struct raw_iface, member, key, fn)
#define RAW_AT(member)	     FIELD_AT(struct raw_iface, member)
#define RAW_HAS(member)	     FIELD_HAS(struct raw_iface, member)
#define OPTION(option, key, fn)                             \
	RAW(i.bond.options.values[option].value, key, fn),  \
		RAW_HAS(i.bond.options.values[option].has), \
		RAW_AT(i.bond.options.values[option].at), .in = IN_BOND

const struct field topo_iface_rows[] = {
	{RAW(network, "network", bind_text), .in = IN_PORT | IN_TAP | IN_ATTACHED},
	{RAW(port, "port", bind_text), .in = IN_PORT | IN_TAP | IN_ATTACHED | IN_BOND},
	{RAW(i.access, "access", bind_iface_vlan), RAW_AT(i.access_at), .in = IN_PORT | IN_TAP},
	{RAW(i.native, "native", bind_iface_vlan), RAW_AT(i.native_at), .in = IN_PORT | IN_TAP},
	{.name = "vlans", .bind = bind_iface_vlans, .in = IN_PORT | IN_TAP},
	{RAW(members, "bond", bind_texts), .in = IN_BOND},
	{RAW(i.bond.options.mode, "mode", bind_word), RAW_AT(i.bond.options.mode_at),
	 .words = bond_modes, .in = IN_BOND},
	{RAW(i.bond.lag, "lag", bind_bool), RAW_HAS(i.bond.has_lag), RAW_AT(i.bond.lag_at),
	 .in = IN_BOND},
	{RAW(primary, "primary", bind_text), RAW_HAS(i.bond.options.has_primary),
	 RAW_AT(i.bond.options.primary_at), .in = IN_BOND},
	{OPTION(BOND_PRIMARY_RESELECT, "primary_reselect", bind_word), .words = bond_reselections},
	{OPTION(BOND_MIIMON, "miimon", topo_bind_milliseconds), .unit = "ms"},
	{OPTION(BOND_UPDELAY, "updelay", topo_bind_milliseconds), .unit = "ms"},
	{OPTION(BOND_DOWNDELAY, "downdelay", topo_bind_milliseconds), .unit = "ms"},
	{OPTION(BOND_ARP_INTERVAL, "arp_interval", topo_bind_milliseconds), .unit = "ms"},
	{RAW(i.bond.options.arp_targets, "arp_ip_target", topo_bind_targets), .in = IN_BOND},
	{RAW(i.bond.options.ns_targets, "ns_ip6_target", topo_bind_targets), .in = IN_BOND},
	{OPTION(BOND_ARP_VALIDATE, "arp_validate", bind_word), .words = bond_arp_validations},
	{OPTION(BOND_NUM_GRAT_ARP, "num_grat_arp", bind_count), .max = 255},
	{OPTION(BOND_PEER_NOTIFY_DELAY, "peer_notify_delay", topo_bind_milliseconds), .unit = "ms",
	 .max = 300000},
	{OPTION(BOND_ALL_SLAVES_ACTIVE, "all_slaves_active", topo_bind_switch)},
	{OPTION(BOND_LACP_RATE, "lacp_rate", bind_word), .words = bond_lacp_rates},
	{OPTION(BOND_MIN_LINKS, "min_links", bind_count), .max = INT32_MAX},
	{OPTION(BOND_AD_ACTOR_SYS_PRIO, "ad_actor_sys_prio", bind_count), .min = 1, .max = 65535},
	{RAW(i.bond.options.system, "ad_actor_system", bind_mac),
	 RAW_HAS(i.bond.options.has_system), RAW_AT(i.bond.options.system_at), .in = IN_BOND},
	{OPTION(BOND_XMIT_HASH_POLICY, "xmit_hash_policy", bind_word), .words = bond_hashes},
	{RAW(i.prio, "prio", topo_bind_prio), RAW_HAS(i.has_prio), RAW_AT(i.prio_at),
	 .in = IN_PORT},
	{RAW(i.vlan, "vlan", bind_iface_vlan), RAW_AT(i.vlan_at), .in = IN_VLAN},
	{RAW(link, "link", bind_text), .in = IN_VLAN},
	{RAW(i.vlan_qinq, "protocol", bind_word), .words = topo_vlan_protocols, .in = IN_VLAN},
	{RAW(i.mac, "mac", bind_mac), RAW_HAS(i.has_mac), RAW_AT(i.mac_at)},
	{.name = "address", .bind = bind_iface_addresses},
	{RAW(i.reserve, "reserve", bind_reserve), RAW_HAS(i.has_reserve), RAW_AT(i.reserve_at)},
	{RAW(i.mtu, "mtu", bind_count), RAW_AT(i.mtu_at), .min = 68, .max = 65535,
	 .in = IN_PORT | IN_TAP | IN_BOND | IN_VLAN},
	{.name = "routes",
	 .bind = bind_routes,
	 .in = IN_PORT | IN_BOND | IN_VLAN,
	 .below = route_rows},
	{0},
};

void raw_ifaces_done(struct raw_ifaces *raws)
{
	for (size_t n = 0; n < raws->count; n++) {
		struct raw_iface *raw = &raws->list[n];

		free(raw->i.addresses);
		free(raw->i.routes);
		free(raw->i.vlans);
		free(raw->i.bond.members);
		free(raw->i.bond.member_at);
		free(raw->members.list);
		free(raw->member);
	}
	free(raws->list);
	*raws = (struct raw_ifaces) {0};
}

/* The kind of an interface follows from its key: network, bond or vlan, exactly one. */
static bool find_kind(struct bind *b, const struct doc_entry *entry, enum iface_kind *ret)
{
	static const char *const keys[] = {
		[IFACE_PORT] = "network", [IFACE_BOND] = "bond", [IFACE_VLAN] = "vlan"};
	const struct doc_node *map = entry->value;
	const char *found = NULL;

	if (map->kind != DOC_MAP && !doc_is_null(map))
		return bind_refuse(b, &map->at, "write \"{network: NAME}\"",
				   "interface \"%s\" must be a mapping, not %s", shown(entry->key),
				   doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++) {
		for (unsigned kind = 0; kind < ARRAY_SIZE(keys); kind++) {
			if (strcmp(map->entries[i].key, keys[kind]) != 0)
				continue;
			if (found)
				return bind_refuse(b, &map->entries[i].at,
						   "write two interfaces, one above the other",
						   "interface \"%s\" has both \"%s\" and \"%s\"",
						   shown(entry->key), found, keys[kind]);
			found = keys[kind];
			*ret = kind;
		}
	}
	return found ||
	       bind_refuse(b, &entry->at, "write \"network: NAME\" for a port",
			   "interface \"%s\" needs one of \"network\", \"bond\" and \"vlan\"",
			   shown(entry->key));
}

static bool read_iface(struct bind *b, const struct node *node, const struct doc_entry *entry,
		       struct raw_iface *raw)
{
	static const char *const what[] = {
		[IFACE_PORT] = "a port", [IFACE_BOND] = "a bond", [IFACE_VLAN] = "a VLAN"};
	static const unsigned in[] = {
		[IFACE_PORT] = IN_PORT, [IFACE_BOND] = IN_BOND, [IFACE_VLAN] = IN_VLAN};
	static const char guest[] = "the guest configures this itself";
	static const char *const hints[] = {[IFACE_PORT] = "it belongs to a bond or a VLAN",
					    [IFACE_BOND] = "it belongs to a port or a VLAN",
					    [IFACE_VLAN] = "it belongs to a port or a bond"};
	const char *name = bind_expand(b, entry->key, &entry->at);
	bool guest_has = node->kind != NODE_NETNS, attached = node->kind == NODE_ATTACHED;
	struct scope scope = {.at = &entry->at};

	raw->i.at = entry->at;
	if (!name || !topo_bind_ifname(b, "interface", name, &entry->at, raw->i.name))
		return false;
	if (strcmp(name, "lo") == 0)
		return bind_refuse(b, &entry->at, "remove it", "every node already has \"lo\"");
	if (!find_kind(b, entry, &raw->i.kind))
		return false;
	if (guest_has && raw->i.kind != IFACE_PORT)
		return bind_refuse(b, &entry->at, guest, "%s: a VM can only have ports here",
				   raw->i.name);
	scope.what = attached  ? "an attached port" :
		     guest_has ? "the port of a VM" :
				 what[raw->i.kind];
	scope.in = attached ? IN_ATTACHED : guest_has ? IN_TAP : in[raw->i.kind];
	scope.hint = attached  ? "the guest, or the program that makes the tap, does this" :
		     guest_has ? guest :
				 hints[raw->i.kind];
	return bind_map(b, topo_iface_rows, entry->value, &scope, raw);
}

bool topo_read_ifaces(struct bind *b, const struct topo *topo, const struct node *node,
		      const struct doc_node *map, struct raw_ifaces *ret)
{
	bool good = true;
	size_t before = 0;

	if (map->kind != DOC_MAP)
		return bind_refuse(b, &map->at, "write \"{eth0: {network: NAME}}\"",
				   "interfaces: must be a mapping, not %s", doc_kind_name(map));
	if (map->count == 0)
		return bind_refuse(b, &map->at, NULL, "node \"%s\" has no interfaces", node->name);
	for (size_t i = 0; i < topo->node_count; i++)
		before += topo->nodes[i].iface_count;
	if (before + map->count > TOPO_IFACES_MAX)
		return bind_refuse(b, &map->at, NULL, "the fleet has more than %d interfaces",
				   TOPO_IFACES_MAX);
	for (size_t i = 0; i < map->count; i++) {
		struct raw_iface *raw = array_push(ret->list, ret->count);

		if (!raw)
			return bind_oom(b);
		raw->lower = raw->bond = raw->depth = NOWHERE;
		if (!bind_spend(b, &map->entries[i].at) ||
		    !read_iface(b, node, &map->entries[i], raw))
			good = false;
	}
	return good;
}
