// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks the fleet as a whole: names, addresses, MTUs, VLANs. */
#include "netsim/config/topo_parts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"

#define TAG_BYTES 4 /* of a VLAN tag */

/* A value that must be unique (an address, a name), with its owner. */
struct address_claim {
	const struct node *owner; /* NULL: the host, and iface is the name of a network */
	const char *iface;
	struct netsim_loc at;
	struct topo_segment segment;
	uint8_t key[24]; /* the value, for comparison */
	bool relaxed;	 /* may occur several times within a node */
};

struct claims {
	struct address_claim *list;
	size_t count;
};

static int claim_compare(const struct address_claim *a, const struct address_claim *b)
{
	int order = memcmp(a->key, b->key, sizeof(a->key));

	if (order)
		return order;
	if (a->segment.network != b->segment.network)
		return a->segment.network < b->segment.network ? -1 : 1;
	return memcmp(a->segment.tags, b->segment.tags, sizeof(a->segment.tags));
}

static int claim_order(const void *va, const void *vb)
{
	const struct address_claim *a = va, *b = vb;
	int order = claim_compare(a, b);

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	/* Nodes of one range share a location. */
	return a->owner < b->owner ? -1 : a->owner > b->owner;
}

/*
 * Returns an earlier claim of a group of equal ones that excludes c, or NULL: the first one, or,
 * within a node, the first strict one (NULL: none).
 */
static const struct address_claim *rival_of(const struct address_claim *first,
					    const struct address_claim *strict,
					    const struct address_claim *c)
{
	if (!c->owner || first->owner != c->owner)
		return first;
	return strict && strict->owner == c->owner && !c->relaxed ? strict : NULL;
}

/* Reports every value claimed twice. what is its noun ("address"); format prints it. */
static bool refuse_duplicates(struct bind *b, struct claims *claims, const char *what,
			      void (*format)(const struct address_claim *, char *))
{
	const struct address_claim *first = NULL, *strict = NULL;
	bool good = true;
	char text[UNIT_TEXT];

	if (!claims->count)
		return true;
	qsort(claims->list, claims->count, sizeof(struct address_claim), claim_order);
	for (size_t i = 0; i < claims->count; i++) {
		const struct address_claim *a = NULL, *c = &claims->list[i];
		bool same_place;

		if (!first || claim_compare(first, c) != 0) {
			first = c;
			strict = NULL;
		} else {
			a = rival_of(first, strict, c);
		}
		strict = strict || c->relaxed ? strict : c;
		if (!a)
			continue;
		same_place = a->at.line == c->at.line && a->at.column == c->at.column;
		format(c, text);
		good = bind_refuse(b, &c->at,
				   same_place ?
					   hint_f("use {n}, the number of the node") :
					   hint_f("first given at %s:%u", a->at.file, a->at.line),
				   "%s %s is already used by %s %s", what, text,
				   a->owner ? a->owner->name : "network", a->iface);
	}
	return good;
}

static void format_address(const struct address_claim *claim, char *text)
{
	struct ip ip = {.family = claim->key[0]};

	memcpy(ip.b, claim->key + 1, sizeof(ip.b));
	unit_format_address(&ip, text);
}

static void format_mac(const struct address_claim *claim, char *text)
{
	struct mac mac;

	memcpy(mac.b, claim->key, sizeof(mac.b));
	unit_format_mac(mac, text);
}

static void format_name(const struct address_claim *claim, char *text)
{
	memcpy(text, claim->key, IFNAMSIZ);
}

static bool add_claim(struct bind *b, struct claims *claims, const struct address_claim *claim)
{
	struct address_claim *slot = array_push(claims->list, claims->count);

	if (!slot)
		return bind_oom(b);
	*slot = *claim;
	return true;
}

/* Adds a claim for each address of list, otherwise like the claim given. */
static bool claim_addresses(struct bind *b, struct claims *claims, const struct address_claim *like,
			    const struct ip_at *list, size_t count)
{
	bool good = true;

	for (size_t i = 0; good && i < count; i++) {
		struct address_claim claim = *like;

		claim.at = list[i].at;
		claim.key[0] = list[i].ip.family;
		memcpy(claim.key + 1, list[i].ip.b, sizeof(list[i].ip.b));
		good = add_claim(b, claims, &claim);
	}
	return good;
}

/* The address of a DHCP server, on the VLAN that it serves. */
static bool claim_server(struct bind *b, struct claims *claims, const struct address_claim *like,
			 const struct dhcp *dhcp)
{
	const struct ip_at address = {dhcp->server, dhcp->server_at};
	struct address_claim claim = *like;

	if (dhcp->vlan)
		claim.segment.tags[claim.segment.tag_count++] = dhcp->vlan;
	/* Without a family, it has been refused. */
	return claim_addresses(b, claims, &claim, &address, dhcp->server.family != 0);
}

static bool claim_in_vlan(struct bind *b, struct claims *claims, const struct address_claim *like,
			  const struct host_vlan *host)
{
	struct address_claim claim = *like;

	claim.segment.tags[claim.segment.tag_count++] = host->id;
	return claim_addresses(b, claims, &claim, host->addresses, host->address_count);
}

/* Cables join networks: addresses on these must differ, too. */
static bool join_claims(struct bind *b, const struct topo *topo, struct claims *claims)
{
	auto_free size_t *joined = calloc(topo->network_count + 1, sizeof(*joined));
	uint32_t tag = 0;

	if (!joined)
		return bind_oom(b);
	topo_join(topo, tag, joined);
	for (size_t i = 0; i < claims->count; i++) {
		struct topo_segment *segment = &claims->list[i].segment;

		if (segment->tags[0] != tag) {
			tag = segment->tags[0];
			topo_join(topo, tag, joined);
		}
		segment->network = topo_first_joined(joined, segment->network);
	}
	return true;
}

static bool check_addresses(struct bind *b, const struct topo *topo)
{
	struct claims claims = {0};
	bool good = true;

	for (size_t i = 0; good && i < topo->network_count; i++) {
		const struct network *network = &topo->networks[i];
		struct address_claim like = {.iface = network->name,
					     .segment = {.network = topo_domain(topo, i)}};

		good = claim_addresses(b, &claims, &like, network->addresses,
				       network->address_count);
		for (size_t j = 0; good && j < network->host_count; j++)
			good = claim_in_vlan(b, &claims, &like, &network->hosts[j]);
		for (size_t j = 0; good && j < network->dhcp_count; j++)
			good = claim_server(b, &claims, &like, &network->dhcps[j]);
	}
	for (size_t i = 0; good && i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; good && j < node->iface_count; j++) {
			const struct iface *iface = &node->ifaces[j];
			struct address_claim like = {.owner = node,
						     .iface = iface->name,
						     .segment = topo_segment_of(topo, node, iface)};

			good = claim_addresses(b, &claims, &like, iface->addresses,
					       iface->address_count);
			if (good && iface->has_reserve)
				good = claim_addresses(
					b, &claims, &like,
					&(struct ip_at) {iface->reserve, iface->reserve_at}, 1);
		}
	}
	good = good && join_claims(b, topo, &claims) &&
	       refuse_duplicates(b, &claims, "address", format_address);
	free(claims.list);
	return good;
}

static bool check_macs(struct bind *b, const struct topo *topo)
{
	struct claims claims = {0};
	bool good = true;

	for (size_t i = 0; good && i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; good && j < node->iface_count; j++) {
			const struct iface *iface = &node->ifaces[j];
			struct address_claim claim = {
				.owner = node,
				.iface = iface->name,
				.at = iface->mac_at,
				/* Bonds and VLANs commonly share the MAC of a lower interface. */
				.relaxed = iface->kind != IFACE_PORT};

			if (!iface->has_mac)
				continue;
			memcpy(claim.key, iface->mac.b, sizeof(iface->mac.b));
			good = add_claim(b, &claims, &claim);
		}
	}
	good = good && refuse_duplicates(b, &claims, "MAC address", format_mac);
	free(claims.list);
	return good;
}

static bool claim_name(struct bind *b, struct claims *claims, struct address_claim claim,
		       const char *name)
{
	/* Up to its end only: behind it may be the rest of a default that the file replaces. */
	snprintf((char *)claim.key, IFNAMSIZ, "%s", name);
	return add_claim(b, claims, &claim);
}

/* Checks the names of interfaces on the host, bridges and ports, for duplicates. */
static bool check_names(struct bind *b, const struct topo *topo)
{
	struct claims claims = {0};
	bool good = true;

	for (size_t i = 0; good && i < topo->network_count; i++) {
		const struct network *network = &topo->networks[i];
		struct address_claim claim = {.iface = network->name, .at = network->at};

		good = claim_name(b, &claims, claim, network->bridge);
		for (size_t j = 0; good && j < network->host_count; j++)
			good = claim_name(b, &claims, claim, network->hosts[j].device);
	}
	for (size_t i = 0; good && i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		for (size_t j = 0; good && j < node->iface_count; j++) {
			const struct iface *iface = &node->ifaces[j];
			struct address_claim claim = {
				.owner = node, .iface = iface->name, .at = iface->at};

			/* Patterns may overlap if the MAC address decides. */
			if (*iface->port && !strpbrk(iface->port, "*?["))
				good = claim_name(b, &claims, claim, iface->port);
		}
	}
	for (size_t i = 0; good && i < 2 * topo->cable_count; i++) {
		const struct cable *cable = &topo->cables[i / 2];
		struct address_claim claim = {.iface = cable->name, .at = cable->at};

		good = claim_name(b, &claims, claim, cable->ports[i % 2]);
	}
	good = good && refuse_duplicates(b, &claims, "the host's interface name", format_name);
	free(claims.list);
	return good;
}

static int by_name(const void *va, const void *vb)
{
	const struct node *const *a = va, *const *b = vb;
	int order = strcmp((*a)->name, (*b)->name);

	return order ? order : *a < *b ? -1 : *a > *b;
}

static bool check_nodes(struct bind *b, const struct topo *topo)
{
	auto_free const struct node **sorted = calloc(topo->node_count + 1, sizeof(*sorted));
	bool good = true;

	if (!sorted)
		return bind_oom(b);
	for (size_t i = 0; i < topo->node_count; i++)
		sorted[i] = &topo->nodes[i];
	qsort(sorted, topo->node_count, sizeof(*sorted), by_name);
	for (size_t i = 1; i < topo->node_count; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			good = bind_refuse(b, &sorted[i]->at,
					   hint_f("first in line %u", sorted[i - 1]->at.line),
					   "node \"%s\" is defined twice", sorted[i]->name);
	return good;
}

static int by_domain(const void *va, const void *vb)
{
	const struct node *const *a = va, *const *b = vb;
	int order = strcmp((*a)->domain, (*b)->domain);

	return order ? order : *a < *b ? -1 : *a > *b;
}

/* A domain is one machine, and so one node. */
static bool check_domains(struct bind *b, const struct topo *topo)
{
	auto_free const struct node **sorted = calloc(topo->node_count + 1, sizeof(*sorted));
	size_t count = 0;
	bool good = true;

	if (!sorted)
		return bind_oom(b);
	for (size_t i = 0; i < topo->node_count; i++)
		if (topo->nodes[i].domain)
			sorted[count++] = &topo->nodes[i];
	qsort(sorted, count, sizeof(*sorted), by_domain);
	for (size_t i = 1; i < count; i++) {
		const struct node *first = sorted[i - 1], *node = sorted[i];

		if (strcmp(first->domain, node->domain) != 0)
			continue;
		good = bind_refuse(b, &node->domain_at,
				   first->domain_at.line == node->domain_at.line ?
					   hint_f("use {n}, the number of the node") :
					   hint_f("first given in line %u", first->domain_at.line),
				   "domain: \"%s\" is that of the node %s already", node->domain,
				   first->name);
	}
	return good;
}

unsigned topo_mtu(const struct topo *topo, const struct node *node, const struct iface *iface)
{
	while (!iface->mtu && iface->kind != IFACE_PORT)
		iface = &node->ifaces[iface->kind == IFACE_VLAN ? iface->lower :
								  iface->bond.members[0]];
	if (iface->mtu)
		return iface->mtu;
	return topo->networks[iface->network].mtu ? topo->networks[iface->network].mtu :
						    TOPO_MTU_DEFAULT;
}

/* The interface below all VLANs: a cable, or the bond that it belongs to. */
static const struct iface *base_of(const struct node *node, const struct iface *iface)
{
	while (iface->kind == IFACE_VLAN)
		iface = &node->ifaces[iface->lower];
	for (size_t i = 0; i < node->iface_count; i++)
		for (size_t m = 0;
		     node->ifaces[i].kind == IFACE_BOND && m < node->ifaces[i].bond.member_count;
		     m++)
			if (&node->ifaces[node->ifaces[i].bond.members[m]] == iface)
				return &node->ifaces[i];
	return iface;
}

/*
 * Returns the bytes by which tags make a VLAN's full frames exceed the MTU below. The kernel
 * keeps the outermost tag outside the frame, except an 802.1ad tag on a bridge with VLANs; of
 * the others, every device accepts one in addition to its MTU.
 */
static unsigned tag_room(const struct topo *topo, const struct node *node,
			 const struct iface *iface)
{
	bool aware = topo->networks[topo_lowest(node, iface)->network].vlan_aware, outer_ad = false;
	unsigned tags = 0;

	for (; iface->kind == IFACE_VLAN; iface = &node->ifaces[iface->lower]) {
		tags++;
		outer_ad = iface->vlan_qinq;
	}
	if (!(aware && outer_ad))
		tags -= tags > 0;
	return tags > 1 ? (tags - 1) * TAG_BYTES : 0;
}

/* Returns the MTU that a cable or bond needs for full frames of all its VLANs. */
static unsigned needed_mtu(const struct topo *topo, const struct node *node,
			   const struct iface *base)
{
	unsigned mtu = topo_mtu(topo, node, base);

	for (size_t i = 0; i < node->iface_count; i++) {
		const struct iface *vlan = &node->ifaces[i];
		unsigned room = tag_room(topo, node, vlan), need;

		if (!room || base_of(node, vlan) != base)
			continue;
		need = topo_mtu(topo, node, vlan) + room;
		mtu = need > mtu ? need : mtu;
	}
	return mtu;
}

unsigned topo_cable_mtu(const struct topo *topo, const struct node *node, const struct iface *iface)
{
	const struct iface *base = base_of(node, iface);
	unsigned mtu = topo_mtu(topo, node, iface), need;

	/* With a larger MTU, an interface with addresses would send packets too long for others. */
	if (iface->kind == IFACE_VLAN || iface->mtu || base->mtu || base->address_count)
		return mtu;
	need = needed_mtu(topo, node, base);
	return need > mtu ? need : mtu;
}

/* Warns of a VLAN whose full frames do not fit, because the cable's MTU cannot be raised. */
static void warn_room(struct bind *b, const struct topo *topo, const struct node *node,
		      const struct iface *iface)
{
	const struct iface *port = topo_lowest(node, iface);
	unsigned room = tag_room(topo, node, iface), mtu = topo_mtu(topo, node, iface);
	unsigned below = topo_cable_mtu(topo, node, port);

	if (room && mtu + room > below)
		diag_warn(b->diags, &iface->vlan_at,
			  "full frames of %s do not fit the mtu of %s, %u, with their inner tags: "
			  "give %s an mtu of at most %u",
			  iface->name, port->name, below, iface->name, below - room);
}

static bool check_mtu(struct bind *b, const struct topo *topo, const struct node *node,
		      const struct iface *iface)
{
	const struct network *network = &topo->networks[topo_lowest(node, iface)->network];

	if (!iface->mtu)
		return true;
	if (iface->kind == IFACE_VLAN) {
		const struct iface *lower = &node->ifaces[iface->lower];
		unsigned mtu = topo_mtu(topo, node, lower);

		return iface->mtu <= mtu ||
		       bind_refuse(b, &iface->mtu_at, hint_f("at most %u", mtu),
				   "mtu: %u exceeds that of %s below it, %u", iface->mtu,
				   lower->name, mtu);
	}
	return !network->mtu || iface->mtu <= network->mtu ||
	       bind_refuse(b, &iface->mtu_at, hint_f("at most %u", network->mtu),
			   "mtu: %u exceeds that of network %s, %u", iface->mtu, network->name,
			   network->mtu);
}

/* A bond gives its MTU to its members. */
static bool check_member_mtus(struct bind *b, const struct topo *topo, const struct node *node,
			      const struct iface *bond)
{
	unsigned mtu = topo_mtu(topo, node, bond);
	bool good = true;

	for (size_t i = 0; i < bond->bond.member_count; i++) {
		const struct iface *member = &node->ifaces[bond->bond.members[i]];
		unsigned own = topo_mtu(topo, node, member);

		if (own != mtu)
			good = bind_refuse(b,
					   member->mtu ? &member->mtu_at :
					   bond->mtu   ? &bond->mtu_at :
							 &bond->bond.member_at[i],
					   "the members of a bond have its MTU: give all the same",
					   "%s has an MTU of %u, its member %s of %u", bond->name,
					   mtu, member->name, own);
	}
	return good;
}

/* The kernel switches IPv6 off on an interface whose MTU is below the minimum of RFC 8200. */
static bool check_ipv6_mtu(struct bind *b, const struct topo *topo, const struct node *node,
			   const struct iface *iface)
{
	unsigned mtu = topo_mtu(topo, node, iface);
	const struct netsim_loc *at = NULL;

	for (size_t i = iface->route_count; i--;)
		if (iface->routes[i].via.family == AF_INET6)
			at = &iface->routes[i].at;
	for (size_t i = iface->address_count; i--;)
		if (iface->addresses[i].ip.family == AF_INET6)
			at = &iface->addresses[i].at;
	return !at || mtu >= TOPO_MTU_IPV6 ||
	       bind_refuse(b, at, hint_f("IPv6 needs an MTU of %d", TOPO_MTU_IPV6),
			   "%s: the kernel disables IPv6 at an MTU of %u", iface->name, mtu);
}

static bool check_tap_mtu(struct bind *b, const struct topo *topo, const struct node *node,
			  const struct iface *iface)
{
	unsigned mtu = topo_mtu(topo, node, iface);

	return node->kind == NODE_NETNS || mtu <= TOPO_MTU_TAP ||
	       bind_refuse(b, iface->mtu ? &iface->mtu_at : &topo->networks[iface->network].mtu_at,
			   hint_f("at most %d", TOPO_MTU_TAP), "mtu: %u is too large for %s, a tap",
			   mtu, node->name);
}

static bool check_host_ipv6(struct bind *b, const struct network *network, const struct ip_at *list,
			    size_t count)
{
	bool good = true;

	for (size_t i = 0; i < count; i++)
		if (list[i].ip.family == AF_INET6 && network->mtu && network->mtu < TOPO_MTU_IPV6)
			good = bind_refuse(b, &list[i].at,
					   hint_f("IPv6 needs an MTU of %d", TOPO_MTU_IPV6),
					   "%s: the kernel disables IPv6 at an MTU of %u",
					   network->name, network->mtu);
	return good;
}

static bool check_network(struct bind *b, const struct network *network, size_t ports)
{
	bool good = ports <= TOPO_PORTS_MAX || network->routed ||
		    bind_refuse(b, &network->at,
				"divide its nodes among several networks, which \"links\" can join",
				"network %s has %zu ports; a bridge takes %d at most",
				network->name, ports, TOPO_PORTS_MAX);

	good &= check_host_ipv6(b, network, network->addresses, network->address_count);
	for (size_t i = 0; i < network->host_count; i++)
		good &= check_host_ipv6(b, network, network->hosts[i].addresses,
					network->hosts[i].address_count);
	return good;
}

static bool check_networks(struct bind *b, const struct topo *topo)
{
	auto_free size_t *ports = calloc(topo->network_count + 1, sizeof(*ports));
	bool good = true;

	if (!ports)
		return bind_oom(b);
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; j < topo->nodes[i].iface_count; j++)
			if (topo->nodes[i].ifaces[j].kind == IFACE_PORT)
				ports[topo->nodes[i].ifaces[j].network]++;
	for (size_t i = 0; i < 2 * topo->cable_count; i++)
		ports[topo->cables[i / 2].networks[i % 2]]++;
	for (size_t i = 0; i < topo->network_count; i++)
		good &= check_network(b, &topo->networks[i],
				      ports[i] + topo->networks[i].dhcp_count);
	return good;
}

/* The roles of a node are kept in the aliases of its ports: netsim:FLEET/NODE/IFACE @ROLE ... */
static bool check_roles(struct bind *b, const struct topo *topo, const struct node *node)
{
	size_t size = 0, longest = 0;
	bool routed = false, on_foreign = false;

	for (size_t i = 0; i < node->iface_count; i++)
		if (node->ifaces[i].kind == IFACE_PORT && strlen(node->ifaces[i].name) > longest)
			longest = strlen(node->ifaces[i].name);
	size = strlen("netsim:") + strlen(topo->fleet) + 1 + strlen(node->name) + 1 + longest;
	for (size_t i = 0; i < node->role_count; i++)
		size += strlen(" @") + strlen(node->roles[i]);
	for (size_t i = 0; i < node->iface_count; i++)
		routed |= node->ifaces[i].kind == IFACE_PORT &&
			  topo->networks[node->ifaces[i].network].routed;
	size += routed ? strlen(" closed routed") : 0;
	size += node->kind == NODE_ATTACHED ? strlen(" attached") : 0;
	/* The bridge may be Open vSwitch's. */
	for (size_t i = 0; i < node->iface_count; i++)
		on_foreign |= node->ifaces[i].kind == IFACE_PORT &&
			      topo->networks[node->ifaces[i].network].attached;
	if (node->kind == NODE_ATTACHED && on_foreign)
		size += strlen(" ovs= guest=525400000000") + IFNAMSIZ - 1;
	return size <= TOPO_ALIAS_MAX ||
	       bind_refuse(b, &node->at, "use fewer or shorter roles",
			   "the roles of %s do not fit into a link's alias: %zu characters, of %d",
			   node->name, size, TOPO_ALIAS_MAX);
}

/* Warns of a VLAN that leads nowhere: it is legal, and tests use it as a fault. */
static void warn_vlan(struct bind *b, const struct topo *topo, const struct node *node,
		      const struct iface *iface)
{
	const struct iface *port = topo_lowest(node, iface);
	const struct network *network = &topo->networks[port->network];

	/* To the bridge, inner tags and 802.1ad tags are payload. */
	if (iface->vlan_qinq || !network->vlan_aware ||
	    node->ifaces[iface->lower].kind == IFACE_VLAN)
		return;
	if (!topo_carries(network->vlans, network->vlan_count, iface->vlan))
		diag_warn(b->diags, &iface->vlan_at, "VLAN %u is not carried by network %s",
			  iface->vlan, network->name);
	else if (port->access)
		diag_warn(b->diags, &iface->vlan_at,
			  "VLAN %u is tagged, but %s is an access port of VLAN %u", iface->vlan,
			  port->name, port->access);
	else if (port->native == iface->vlan)
		diag_warn(b->diags, &iface->vlan_at,
			  "VLAN %u is tagged here, but native on %s, which delivers it untagged",
			  iface->vlan, port->name);
	else if (port->vlan_count && !topo_carries(port->vlans, port->vlan_count, iface->vlan))
		diag_warn(b->diags, &iface->vlan_at, "VLAN %u is not carried by port %s",
			  iface->vlan, port->name);
}

bool topo_check_fleet(struct bind *b, const struct topo *topo)
{
	/* A duplicate node would be reported again for each of its parts. */
	if (!check_nodes(b, topo))
		return false;
	bool good = check_names(b, topo);

	good &= check_addresses(b, topo);
	good &= check_macs(b, topo);
	good &= check_domains(b, topo);
	good &= check_networks(b, topo);
	good &= topo_check_leases(b, topo);
	for (size_t i = 0; i < topo->node_count; i++) {
		const struct node *node = &topo->nodes[i];

		good &= check_roles(b, topo, node);
		good &= topo_check_routes(b, node);
		topo_warn_gateways(b, topo, node);
		for (size_t j = 0; j < node->iface_count; j++) {
			good &= check_mtu(b, topo, node, &node->ifaces[j]);
			if (node->ifaces[j].kind == IFACE_BOND)
				good &= check_member_mtus(b, topo, node, &node->ifaces[j]);
			good &= check_ipv6_mtu(b, topo, node, &node->ifaces[j]);
			good &= check_tap_mtu(b, topo, node, &node->ifaces[j]);
			if (node->ifaces[j].kind == IFACE_VLAN)
				warn_vlan(b, topo, node, &node->ifaces[j]);
			if (node->ifaces[j].kind == IFACE_VLAN)
				warn_room(b, topo, node, &node->ifaces[j]);
		}
	}
	return good;
}
