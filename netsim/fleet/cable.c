/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/fleet/cable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"

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
		return vlan == (place->tag ? place->tag : CABLE_NATIVE);
	for (size_t i = 0; i < place->port->vlan_count; i++)
		if (place->port->vlans[i].id == vlan)
			return place->port->vlans[i].untagged == !place->tag;
	return false;
}

/* Frames of one kind on a bridge: of a VLAN or, if it filters none, with this outermost tag. */
struct spot {
	const char *bridge;
	bool aware;
	uint16_t vlan;
	size_t from;		 /* the spot before */
	const struct link *exit; /* the end by which they left it */
};

struct walk {
	const struct model *model;
	struct spot *spots;
	size_t count;
	bool several; /* some spot was reached again: there is a ring */
};

static bool is_aware(const struct model *model, const char *bridge)
{
	const struct link *link = model_find_link(model, MODEL_HOST, bridge);

	return link && link->vlan_aware;
}

/* Sets the tag with which a frame leaves a bridge; false if the port does not carry it. */
static bool leaves(const struct link *port, const struct spot *spot, uint16_t *ret)
{
	*ret = spot->vlan;
	for (size_t i = 0; spot->aware && i < port->vlan_count; i++)
		if (port->vlans[i].id == spot->vlan) {
			*ret = port->vlans[i].untagged ? 0 : spot->vlan;
			return true;
		}
	return !spot->aware;
}

/* The same for a frame that enters a bridge. */
static bool enters(const struct link *port, uint16_t tag, struct spot *spot)
{
	spot->vlan = tag;
	for (size_t i = 0; spot->aware && i < port->vlan_count; i++)
		if (tag ? port->vlans[i].id == tag : port->vlans[i].untagged) {
			spot->vlan = port->vlans[i].id;
			return true;
		}
	return !spot->aware;
}

static bool add_spot(struct walk *w, const struct spot *spot)
{
	struct spot *slot;

	for (size_t i = 0; i < w->count; i++)
		if (w->spots[i].vlan == spot->vlan &&
		    strcmp(w->spots[i].bridge, spot->bridge) == 0) {
			w->several = true;
			return true;
		}
	slot = array_push(w->spots, w->count);
	if (slot)
		*slot = *spot;
	return slot;
}

/* Adds the spots that frames get to by the cables of a bridge. */
static bool leave_spot(struct walk *w, size_t at)
{
	bool good = true;

	for (size_t i = 0; good && i < w->model->link_count; i++) {
		const struct link *end = &w->model->links[i], *came = w->spots[at].exit, *other;
		struct spot next = {.from = at, .exit = end};
		uint16_t tag;

		if (!end->cable || (came && strcmp(came->peer, end->name) == 0) ||
		    strcmp(end->master, w->spots[at].bridge) != 0 ||
		    !leaves(end, &w->spots[at], &tag))
			continue;
		other = model_find_link(w->model, MODEL_HOST, end->peer);
		if (!other || !*other->master)
			continue;
		next.bridge = other->master;
		next.aware = is_aware(w->model, next.bridge);
		if (enters(other, tag, &next))
			good = add_spot(w, &next);
	}
	return good;
}

/* Finds all spots that frames of a place get to; false if out of memory. */
static bool walk_from(struct walk *w, const struct cable_place *place)
{
	struct spot first = {.bridge = place->bridge, .aware = place->aware, .from = SIZE_MAX};
	struct spot *slot = array_push(w->spots, w->count);
	bool good = slot;

	first.vlan = place->aware ? vlan_of(place) : place->tag;
	if (slot)
		*slot = first;
	for (size_t i = 0; good && model_has_cables(w->model) && i < w->count; i++)
		good = leave_spot(w, i);
	return good;
}

static bool find_segment(const struct model *model, struct cable_place *place)
{
	struct walk w = {.model = model};
	bool good = walk_from(&w, place);

	for (size_t i = 0; good && i < w.count; i++) {
		int order = i ? strcmp(w.spots[i].bridge, place->segment) : -1;

		if (order < 0 || (order == 0 && w.spots[i].vlan < place->segment_vlan)) {
			place->segment = w.spots[i].bridge;
			place->segment_vlan = w.spots[i].vlan;
		}
	}
	free(w.spots);
	return good;
}

/* Writes the ends on the way to a spot; returns their number. */
static int trace_back(const struct walk *w, size_t at, const struct link **ret)
{
	int count = 0;

	for (size_t i = at; i; i = w->spots[i].from)
		count++;
	for (size_t i = at, n = (size_t)count; i; i = w->spots[i].from)
		ret[--n] = w->spots[i].exit;
	return count;
}

int cable_crossed(const struct model *model, const struct cable_place *from,
		  const struct cable_place *to, const struct link ***ret)
{
	struct walk w = {.model = model};
	int r = walk_from(&w, from) ? 0 : -ENOMEM;

	*ret = r == 0 ? calloc(w.count + 1, sizeof(**ret)) : NULL;
	if (r == 0 && !*ret)
		r = -ENOMEM;
	for (size_t i = 1; r == 0 && i < w.count; i++)
		if (strcmp(w.spots[i].bridge, to->bridge) == 0)
			r = w.several ? -EMLINK : trace_back(&w, i, *ret);
	free(w.spots);
	return r;
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
	} else if (link->kind == LINK_VLAN) {
		ret->bridge = link->lower;
		ret->tag = link->vlan;
	} else if (link_is_port(link)) {
		ret->port = link;
		ret->bridge = link->master;
	}
	bridge = model_find_link(model, MODEL_HOST, ret->bridge);
	ret->aware = bridge && bridge->vlan_aware;
	ret->routed = ret->port && ret->port->routed;
	if (*ret->bridge && !find_segment(model, ret))
		return false;
	return *ret->bridge || ret->routed;
}

static bool sends_to(const struct cable_place *host, const struct cable_place *to)
{
	return !host->only || (to->port && strcmp(to->port->name, host->only) == 0);
}

/* Returns whether a place gets the frames of its own VLAN. */
static bool receives(const struct cable_place *place)
{
	return !place->aware || (vlan_of(place) && delivers(place, vlan_of(place)));
}

bool cable_connects(const struct cable_place *a, const struct cable_place *b)
{
	if (a->routed || b->routed)
		return a->routed && b->routed && sends_to(a, b) && sends_to(b, a);
	if (strcmp(a->segment, b->segment) != 0 || a->segment_vlan != b->segment_vlan ||
	    a->inner_count != b->inner_count)
		return false;
	for (size_t i = 0; i < a->inner_count; i++)
		if (a->inner[i].id != b->inner[i].id || a->inner[i].qinq != b->inner[i].qinq)
			return false;
	return receives(a) && receives(b);
}
