/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/cable.h"

#include <string.h>

const struct link *cable_bottom(const struct model *model, const struct link *link)
{
	while (link && link->kind == LINK_VLAN)
		link = model_find_link(model, link->node, link->lower);
	return link;
}

/* Ranks the members of a bond: of those that run, the bond sends by the active ones. */
static int use_of(const struct link *member)
{
	return member->running ? 1 + member->active : 0;
}

const struct link *cable_port(const struct model *model, const struct link *bottom)
{
	const struct link *best = bottom;

	for (size_t i = 0; bottom->kind == LINK_BOND && i < model->link_count; i++) {
		const struct link *member = &model->links[i];

		if (member->node == bottom->node && strcmp(member->master, bottom->name) == 0 &&
		    *member->peer && (best == bottom || use_of(member) > use_of(best)))
			best = member;
	}
	return *best->peer ? model_find_link(model, MODEL_HOST, best->peer) : NULL;
}

/* Adds an inner tag; false if there are too many. */
static bool add_inner(struct cable_place *place, const struct link *vlan)
{
	if (place->inner_count == CABLE_TAGS)
		return false;
	memmove(place->inner + 1, place->inner, place->inner_count * sizeof(*place->inner));
	place->inner[0] = (struct cable_tag) {vlan->vlan, vlan->vlan_qinq};
	place->inner_count++;
	return true;
}

/* Sorts the tags of an interface's VLANs: a bridge sees the outermost one, if it is 802.1Q. */
static bool find_tags(const struct model *model, const struct link *link, struct cable_place *place)
{
	for (; link && link->kind == LINK_VLAN;
	     link = model_find_link(model, link->node, link->lower)) {
		const struct link *lower = model_find_link(model, link->node, link->lower);

		if (lower && lower->kind != LINK_VLAN && !link->vlan_qinq)
			place->tag = link->vlan;
		else if (!add_inner(place, link))
			return false;
	}
	return true;
}

bool cable_place(const struct model *model, const struct link *link, struct cable_place *ret)
{
	const struct link *bottom, *bridge;

	*ret = (struct cable_place) {.bridge = link->name};
	if (link->node != MODEL_HOST) {
		bottom = cable_bottom(model, link);
		ret->port = bottom ? cable_port(model, bottom) : NULL;
		if (!ret->port || !find_tags(model, link, ret))
			return false;
		ret->bridge = ret->port->master;
	} else if (link_is_port(link)) {
		ret->port = link;
		ret->bridge = link->master;
	}
	bridge = model_find_link(model, MODEL_HOST, ret->bridge);
	ret->aware = bridge && bridge->vlan_aware;
	ret->routed = ret->port && ret->port->routed;
	return *ret->bridge || ret->routed;
}

/* Returns the VLAN that a bridge assigns to the frames of a place; 0: none. */
static uint16_t vlan_of(const struct cable_place *place)
{
	if (!place->port || place->tag)
		return place->tag ? place->tag : CABLE_NATIVE;
	for (size_t i = 0; i < place->port->vlan_count; i++)
		if (place->port->vlans[i].untagged)
			return place->port->vlans[i].id;
	return 0;
}

/* Returns whether a port delivers a VLAN in the form in which the place expects it. */
static bool delivers(const struct cable_place *place, uint16_t vlan)
{
	if (!place->port)
		return vlan == CABLE_NATIVE;
	for (size_t i = 0; i < place->port->vlan_count; i++)
		if (place->port->vlans[i].id == vlan)
			return place->port->vlans[i].untagged == !place->tag;
	return false;
}

static bool sends_to(const struct cable_place *host, const struct cable_place *to)
{
	return !host->only || (to->port && strcmp(to->port->name, host->only) == 0);
}

bool cable_connects(const struct cable_place *a, const struct cable_place *b)
{
	if (a->routed || b->routed)
		return a->routed && b->routed && sends_to(a, b) && sends_to(b, a);
	if (strcmp(a->bridge, b->bridge) != 0 || a->inner_count != b->inner_count)
		return false;
	for (size_t i = 0; i < a->inner_count; i++)
		if (a->inner[i].id != b->inner[i].id || a->inner[i].qinq != b->inner[i].qinq)
			return false;
	if (!a->aware)
		return a->tag == b->tag;
	return vlan_of(a) && vlan_of(a) == vlan_of(b) && delivers(a, vlan_of(a)) &&
	       delivers(b, vlan_of(b));
}
