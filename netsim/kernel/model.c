/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/kernel/model.h"

#include <errno.h>
#include <string.h>

#include "netsim/kernel/mark.h"
#include "netsim/util/array.h"

static void node_done(struct model_node *node)
{
	for (size_t i = 0; i < node->role_count; i++)
		free(node->roles[i]);
	free(node->roles);
	free(node->places);
	free(node->name);
	free(node->netns);
}

static void link_done(struct link *link)
{
	free(link->alias);
	free(link->vlans);
	free(link->addrs);
	free(link->routes);
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->node_count; i++)
		node_done(&model->nodes[i]);
	for (size_t i = 0; i < model->link_count; i++)
		link_done(&model->links[i]);
	free(model->nodes);
	free(model->links);
	free(model->fleet);
	free(model);
}

struct model *model_new(const char *fleet)
{
	struct model *model = calloc(1, sizeof(*model));

	if (!model)
		return NULL;
	model->fleet = strdup(fleet);
	if (!model->fleet) {
		model_free(model);
		return NULL;
	}
	return model;
}

struct model_node *model_add_node(struct model *model, const char *name)
{
	char *copy = strdup(name);
	struct model_node *node = copy ? array_push(model->nodes, model->node_count) : NULL;

	if (!node) {
		free(copy);
		return NULL;
	}
	node->name = copy;
	return node;
}

struct link *model_add_link(struct model *model, int ns, const char *name, enum link_kind kind)
{
	struct link *link = array_push(model->links, model->link_count);

	if (!link)
		return NULL;
	link->node = ns;
	link->kind = kind;
	strncpy(link->name, name, sizeof(link->name) - 1);
	return link;
}

int model_find_node(const struct model *model, const char *name)
{
	for (size_t i = 0; i < model->node_count; i++)
		if (strcmp(model->nodes[i].name, name) == 0)
			return (int)i;
	return -1;
}

struct link *model_find_link(const struct model *model, int ns, const char *name)
{
	for (size_t i = 0; i < model->link_count; i++)
		if (model->links[i].node == ns && strcmp(model->links[i].name, name) == 0)
			return &model->links[i];
	return NULL;
}

int model_machine(const struct model *model)
{
	for (size_t i = 0; i < model->node_count; i++)
		if (model->nodes[i].machine)
			return (int)i;
	return -1;
}

bool link_is_port(const struct link *link)
{
	return link->node == MODEL_HOST &&
	       (link->kind == LINK_VETH || link->kind == LINK_TAP || link->machine);
}

bool link_carries(const struct link *link)
{
	return link->up && (link->running || link->kind == LINK_TAP);
}

bool link_is_lag(const struct link *link)
{
	return link->node == MODEL_HOST && link->kind == LINK_BOND && !link->machine;
}

int link_take_alias(struct link *link, const char *alias)
{
	char *copy = strdup(alias);
	struct mark mark;

	if (!copy)
		return -ENOMEM;
	free(link->alias);
	link->alias = copy;
	link->machine = link->routed = false;
	link->cable = 0;
	/* An IFB has the alias of its port. */
	if (link->kind == LINK_IFB || !mark_parse(alias, &mark))
		return 0;
	if (link->kind == LINK_VETH && strcmp(mark.node, MARK_HOLD) == 0)
		link->kind = LINK_HOLD;
	if (!mark.iface)
		return 0;
	link->machine = mark.machine;
	link->cable = link->kind == LINK_VETH ? mark.cable : 0;
	link->routed = mark.routed && (link->kind == LINK_VETH || link->kind == LINK_TAP);
	return 0;
}

bool model_has_host(const struct model *model, const struct link *bridge)
{
	if (bridge->addr_count)
		return true;
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *vlan = &model->links[i];

		if (vlan->node == MODEL_HOST && vlan->kind == LINK_VLAN && vlan->addr_count &&
		    strcmp(vlan->lower, bridge->name) == 0)
			return true;
	}
	return false;
}

bool model_has_address(const struct model *model, int node, const struct ip *ip)
{
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i];

		for (size_t k = 0; link->node == node && k < link->addr_count; k++)
			if (link->addrs[k].ip.family == ip->family &&
			    memcmp(link->addrs[k].ip.b, ip->b, sizeof(ip->b)) == 0)
				return true;
	}
	return false;
}

bool model_has_routes(const struct model *model, int node)
{
	for (size_t i = 0; i < model->link_count; i++)
		if (model->links[i].node == node && model->links[i].route_count)
			return true;
	return false;
}

bool model_has_cables(const struct model *model)
{
	for (size_t i = 0; i < model->link_count; i++)
		if (model->links[i].cable)
			return true;
	return false;
}

/* A bridge in a walk over the cables, and the one before it. */
struct stop {
	const char *bridge;
	const struct stop *before;
};

static bool was_at(const struct stop *stop, const char *bridge)
{
	for (; stop; stop = stop->before)
		if (strcmp(stop->bridge, bridge) == 0)
			return true;
	return false;
}

static bool leads_to(const struct model *model, const struct stop *here, const char *bridge)
{
	if (strcmp(here->bridge, bridge) == 0)
		return true;
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *end = &model->links[i], *other;
		struct stop next = {.before = here};

		if (!end->cable || strcmp(end->master, here->bridge) != 0)
			continue;
		other = model_find_link(model, MODEL_HOST, end->peer);
		if (!other || !*other->master || was_at(here, other->master))
			continue;
		next.bridge = other->master;
		if (leads_to(model, &next, bridge))
			return true;
	}
	return false;
}

bool model_are_joined(const struct model *model, const char *a, const char *b)
{
	return *a && *b && leads_to(model, &(struct stop) {a, NULL}, b);
}

bool model_is_routed(const struct model *model)
{
	for (size_t i = 0; i < model->link_count; i++)
		if (model->links[i].routed)
			return true;
	return false;
}

int model_node_of_port(const struct model *model, const struct link *link, struct mark *ret)
{
	if (!link_is_port(link) || !mark_parse(link->alias, ret) || !ret->iface)
		return -1;
	return model_find_node(model, ret->node);
}
