/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the places of a fleet: interfaces with an address that can be an end of a probe. A guest
 * behind a tap only answers pings.
 */
#include <errno.h>
#include <string.h>

#include "netsim/api/handle.h"
#include "netsim/api/verify_parts.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/neigh.h"
#include "netsim/util/array.h"
#include "netsim/util/err.h"

static int find_end(struct view *v, const char *node, const char *iface, size_t *ret)
{
	char name[160], **slot;

	snprintf(name, sizeof(name), "%s%s%s", node, *iface ? "/" : "", iface);
	for (size_t i = 0; i < v->run.end_count; i++)
		if (strcmp(v->run.ends[i], name) == 0) {
			*ret = i;
			return 0;
		}
	slot = array_push(v->run.ends, v->run.end_count);
	if (!slot || !(*slot = strdup(name)))
		return -ENOMEM;
	*ret = v->run.end_count - 1;
	return 0;
}

/*
 * Counts the cables of a node that have an address: a node with only one such cable is named
 * without its interface.
 */
static size_t count_cables(const struct model *model, int node)
{
	const struct link *seen = NULL;
	size_t count = 0;

	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i], *bottom;

		if (link->node != node || !link->addr_count)
			continue;
		bottom = cable_bottom(model, link);
		count += bottom != seen;
		seen = bottom;
	}
	return count;
}

static int add_place(struct view *v, const struct link *link, const struct place *place, int fd)
{
	struct probe_end *end = array_push(v->run.links, v->run.link_count);
	struct place *slot = array_push(v->places, v->place_count);

	if (!end || !slot)
		return -ENOMEM;
	*slot = *place;
	*end = (struct probe_end) {.ns_fd = fd,
				   .ifindex = link->ifindex,
				   .ip = link->addrs[0].ip,
				   .mac = link->mac,
				   .mtu = link->mtu};
	memcpy(end->device, link->name, IFNAMSIZ);
	end->has_router = place->link && place->at.routed;
	if (end->has_router)
		end->router = place->at.port->mac;
	return 0;
}

static int add_node_place(struct view *v, const struct link *link, struct netsim_err *err)
{
	const struct model_node *node = &v->fleet.model->nodes[link->node];
	const struct link *bottom = cable_bottom(v->fleet.model, link);
	struct place place = {.node = link->node, .link = link};
	struct handle *handle;
	int r;

	if (!cable_place(v->fleet.model, link, &place.at))
		return 0;
	r = state_handle(v->fleet.st, v->fleet.model->fleet, node->name, &handle, err);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (find_end(v, node->name,
		     count_cables(v->fleet.model, link->node) > 1 ? bottom->name : "",
		     &place.end) < 0 ||
	    add_place(v, link, &place, handle->fd) < 0)
		return err_oom(err);
	return 0;
}

/* Adds the guest of a tap if the host has it in its neighbour table. */
static int add_guest(struct view *v, const struct link *port, struct netsim_err *err)
{
	const struct link *bridge =
		port->routed ? port : model_find_link(v->fleet.model, MODEL_HOST, port->master);
	struct place place = {.guest = true};
	struct model_addr addr = {0};
	struct link guest = {.ifindex = bridge ? bridge->ifindex : 0, .addrs = &addr};
	struct mark mark;
	int r;

	if (!bridge || (!bridge->addr_count && !port->routed) || !mark_parse(port->alias, &mark) ||
	    !mark.iface || !cable_place(v->fleet.model, port, &place.at))
		return 0;
	place.node = model_find_node(v->fleet.model, mark.node);
	r = port->routed ? neigh_at(v->fleet.st->rt, port->ifindex, &addr.ip, &guest.mac, err) :
			   neigh_behind(v->fleet.st->rt, port->ifindex, bridge->ifindex, &addr.ip,
					&guest.mac, err);
	if (r < 0 || place.node < 0)
		return r == -ENOENT ? 0 : r;
	memcpy(guest.name, port->name, IFNAMSIZ);
	if (find_end(v, mark.node, "", &place.end) < 0 || add_place(v, &guest, &place, -1) < 0)
		return err_oom(err);
	return 0;
}

/* Names a place after its end or, if others share the end, after node and interface. */
static void name_place(const struct view *v, struct place *place)
{
	size_t count = 0;

	for (size_t i = 0; i < v->place_count; i++)
		count += v->places[i].end == place->end && v->places[i].link;
	if (count > 1 && place->link)
		snprintf(place->name, sizeof(place->name), "%s/%s",
			 v->fleet.model->nodes[place->node].name, place->link->name);
	else
		snprintf(place->name, sizeof(place->name), "%s", v->run.ends[place->end]);
}

/* The place of the host on a bridge, or on the port of a routed network. */
static bool find_host(const struct view *v, const struct link *link, struct cable_place *ret)
{
	if (!link->routed)
		return (link->kind == LINK_BRIDGE || link->kind == LINK_VLAN) &&
		       cable_place(v->fleet.model, link, ret);
	*ret = (struct cable_place) {.bridge = "", .routed = true, .only = link->name};
	return true;
}

int verify_places(struct view *v, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->fleet.model->link_count; i++) {
		const struct link *link = &v->fleet.model->links[i];
		struct place host = {.node = MODEL_HOST};

		if (link->kind == LINK_TAP)
			r = add_guest(v, link, err);
		if (!link->addr_count)
			continue;
		if (link->node != MODEL_HOST)
			r = add_node_place(v, link, err);
		else if (find_host(v, link, &host.at) &&
			 (find_end(v, "host", "", &host.end) < 0 ||
			  add_place(v, link, &host, v->fleet.st->own_fd) < 0))
			r = err_oom(err);
	}
	for (size_t i = 0; r == 0 && i < v->place_count; i++)
		name_place(v, &v->places[i]);
	return r;
}
