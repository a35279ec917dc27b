// SPDX-License-Identifier: GPL-2.0-or-later
/* Cables between networks: reads `links:`, and refuses rings in which frames would circle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/topo_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/buf.h"
#include "netsim/util/name.h"

#define CABLES_MAX 1024

/* A cable as given; its networks are found later. */
struct raw_cable {
	struct cable c;
	struct texts between;
};

void topo_cable_done(struct cable *cable)
{
	free(cable->name);
	free(cable->vlans);
}

static bool bind_cable_vlans(struct bind *b, const struct field *field, const struct doc_node *node,
			     void *ret)
{
	struct cable *cable = &((struct raw_cable *)ret)->c;

	return topo_bind_vlans(b, field->name, node, &cable->vlans, &cable->vlan_count);
}

const struct field topo_cable_rows[] = {
	{FIELD(struct raw_cable, between, "between", bind_texts), .required = true},
	{.name = "vlans", .bind = bind_cable_vlans},
	{FIELD(struct raw_cable, c.mtu, "mtu", bind_count), .min = 68, .max = 65535,
	 FIELD_AT(struct raw_cable, c.mtu_at)},
	{0},
};

/* Sets *ret to the index of a network that a cable can end at. */
static bool find_network(struct bind *b, const struct topo *topo, const struct text *name,
			 size_t *ret)
{
	auto_free const char **names = calloc(topo->network_count + 1, sizeof(*names));
	const char *near;

	if (!names)
		return bind_oom(b);
	for (size_t i = 0; i < topo->network_count; i++) {
		names[i] = topo->networks[i].name;
		if (strcmp(names[i], name->s) != 0)
			continue;
		*ret = i;
		return !topo->networks[i].routed ||
		       bind_refuse(b, &name->at, "the host routes between its ports",
				   "between: network %s is routed: it has no bridge for a cable",
				   name->s);
	}
	near = bind_nearest(b, name->s, names, topo->network_count);
	return bind_refuse(b, &name->at,
			   near ? hint_f("did you mean \"%s\"?", near) :
				  hint_f("define it under \"networks\""),
			   "there is no network \"%s\"", shown(name->s));
}

static bool find_ends(struct bind *b, const struct topo *topo, struct raw_cable *raw)
{
	const struct text *list = raw->between.list;

	if (raw->between.count != 2)
		return bind_refuse(b, &raw->between.at, "write \"[west, east]\"",
				   "between: a cable has two ends, not %zu", raw->between.count);
	if (!find_network(b, topo, &list[0], &raw->c.networks[0]) ||
	    !find_network(b, topo, &list[1], &raw->c.networks[1]))
		return false;
	return raw->c.networks[0] != raw->c.networks[1] ||
	       bind_refuse(b, &list[1].at, "name two networks",
			   "between: both ends are on network %s", list[1].s);
}

/* A bridge that filters VLANs carries only its own. */
static bool check_vlans(struct bind *b, const struct topo *topo, const struct cable *cable)
{
	bool aware = false, good = true;

	for (int end = 0; end < 2; end++) {
		const struct network *network = &topo->networks[cable->networks[end]];

		aware |= network->vlan_aware;
		for (size_t i = 0; network->vlan_aware && i < cable->vlan_count; i++)
			if (!topo_carries(network->vlans, network->vlan_count, cable->vlans[i].id))
				good = bind_refuse(b, &cable->vlans[i].at,
						   "list it under the network's vlans",
						   "VLAN %u is not carried by network %s",
						   cable->vlans[i].id, network->name);
	}
	if (cable->vlan_count && !aware)
		good = bind_refuse(b, &cable->vlans[0].at,
				   hint_f("write \"%s: {vlans: [...]}\" under networks",
					  topo->networks[cable->networks[0]].name),
				   "vlans: the networks of %s have no VLANs, and carry every tag",
				   cable->name);
	return good;
}

static bool name_ends(struct bind *b, const struct topo *topo, struct cable *cable)
{
	for (int end = 0; end < 2; end++) {
		const char *network = topo->networks[cable->networks[end]].name;
		auto_buf struct buf full = {0};

		buf_printf(&full, "%s.%s.%s", topo->fleet, cable->name, network);
		if (full.failed)
			return bind_oom(b);
		name_fit(full.data, cable->ports[end]);
		name_fit(network, cable->ifaces[end]);
	}
	return true;
}

static bool read_cable(struct bind *b, struct topo *topo, const struct doc_entry *entry)
{
	struct scope scope = {.what = "a link", .at = &entry->at};
	struct raw_cable raw = {.c.at = entry->at};
	struct cable *slot;
	bool good;

	if (!bind_spend(b, &entry->at) ||
	    !topo_check_name(b, "the name of a link", entry->key, TOPO_NAME_MAX, &entry->at))
		return false;
	if (strcmp(entry->key, "host") == 0)
		return bind_refuse(b, &entry->at, "choose another name",
				   "\"host\" is this machine, not a link");
	if (topo->cable_count == CABLES_MAX)
		return bind_refuse(b, &entry->at, NULL, "more than %d links", CABLES_MAX);
	raw.c.name = strdup(entry->key);
	good = raw.c.name ? bind_map(b, topo_cable_rows, entry->value, &scope, &raw) : bind_oom(b);
	good = good && find_ends(b, topo, &raw) && check_vlans(b, topo, &raw.c) &&
	       name_ends(b, topo, &raw.c);
	free(raw.between.list);
	slot = good ? array_push(topo->cables, topo->cable_count) : NULL;
	if (slot)
		*slot = raw.c;
	else
		topo_cable_done(&raw.c);
	return good && (slot || bind_oom(b));
}

bool topo_read_cables(struct bind *b, struct topo *topo, const struct doc_node *map)
{
	bool good = true;

	if (map->kind != DOC_MAP)
		return bind_refuse(b, &map->at, "write \"wan: {between: [west, east]}\"",
				   "links: must be a mapping, not %s", doc_kind_name(map));
	for (size_t i = 0; i < map->count; i++)
		good &= read_cable(b, topo, &map->entries[i]);
	return good;
}

unsigned topo_between_mtu(const struct topo *topo, const struct cable *cable)
{
	unsigned most = 0;

	if (cable->mtu)
		return cable->mtu;
	for (int end = 0; end < 2; end++) {
		unsigned mtu = topo->networks[cable->networks[end]].mtu;

		mtu = mtu ? mtu : TOPO_MTU_DEFAULT;
		most = mtu > most ? mtu : most;
	}
	for (size_t i = 0; i < topo->node_count; i++)
		for (size_t j = 0; j < topo->nodes[i].iface_count; j++) {
			const struct iface *iface = &topo->nodes[i].ifaces[j];
			unsigned mtu;

			if (iface->kind != IFACE_PORT || (iface->network != cable->networks[0] &&
							  iface->network != cable->networks[1]))
				continue;
			mtu = topo_cable_mtu(topo, &topo->nodes[i], iface);
			most = mtu > most ? mtu : most;
		}
	return most;
}

/* --- rings */

struct walk {
	const struct topo *topo;
	size_t cables;		    /* only the first ones */
	bool *seen;		    /* networks */
	struct buf *ring, *without; /* the networks on the way; those without STP */
};

static bool without_stp(const struct walk *w, size_t network)
{
	return !w->topo->networks[network].stp;
}

/* Finds a way between two networks by other cables, and names the networks on it. */
static bool find_way(struct walk *w, size_t from, size_t to)
{
	bool found = from == to;

	w->seen[from] = true;
	for (size_t i = 0; !found && i < w->cables; i++) {
		const size_t *ends = w->topo->cables[i].networks;
		size_t next = ends[0] == from ? ends[1] : ends[0];

		if ((ends[0] == from || ends[1] == from) && !w->seen[next])
			found = find_way(w, next, to);
	}
	if (!found)
		return false;
	buf_printf(w->ring, "%s%s", w->ring->len ? ", " : "", w->topo->networks[from].name);
	if (without_stp(w, from))
		buf_printf(w->without, "%s%s", w->without->len ? ", " : "",
			   w->topo->networks[from].name);
	return true;
}

/* Without STP, a bridge sends a frame to all on and on in a ring, until nothing else passes. */
static bool check_ring(struct bind *b, const struct topo *topo, size_t last)
{
	auto_free bool *seen = calloc(topo->network_count + 1, sizeof(*seen));
	auto_buf struct buf ring = {0}, without = {0};
	struct walk w = {topo, last, seen, &ring, &without};
	const struct cable *cable = &topo->cables[last];

	if (!seen)
		return bind_oom(b);
	if (!find_way(&w, cable->networks[0], cable->networks[1]))
		return true;
	if (ring.failed || without.failed)
		return bind_oom(b);
	return !without.len ||
	       bind_refuse(b, &cable->at,
			   hint_f("remove a link, or write \"stp: true\" under the network%s %s",
				  strchr(without.data, ',') ? "s" : "", without.data),
			   "link \"%s\" closes a ring (%s), in which frames to all would circle "
			   "for ever",
			   cable->name, ring.data);
}

static const struct netsim_loc *node_named(const struct topo *topo, const char *name)
{
	for (size_t i = 0; i < topo->node_count; i++)
		if (strcmp(topo->nodes[i].name, name) == 0)
			return &topo->nodes[i].at;
	for (size_t i = 0; i < topo->network_count; i++)
		for (size_t j = 0; j < topo->networks[i].dhcp_count; j++) {
			const struct dhcp *dhcp = &topo->networks[i].dhcps[j];

			if (dhcp->node && strcmp(dhcp->node, name) == 0)
				return &dhcp->at;
		}
	return NULL;
}

bool topo_check_cables(struct bind *b, const struct topo *topo)
{
	bool good = true;

	for (size_t i = 0; i < topo->cable_count; i++) {
		const struct cable *cable = &topo->cables[i];
		const struct netsim_loc *at = node_named(topo, cable->name);

		if (at)
			good = bind_refuse(b, &cable->at,
					   hint_f("choose another name: that of the node in line "
						  "%u is taken",
						  at->line),
					   "\"%s\" is a node already", cable->name);
		good &= check_ring(b, topo, i);
	}
	return good;
}
