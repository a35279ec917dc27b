/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/status_reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/arena.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* False if a port is down, or a fault takes its link down. */
static bool carries(const struct netsim_port *port)
{
	return port->up && strcmp(port->from->text, "down") != 0 &&
	       strcmp(port->to->text, "down") != 0;
}

/* True if a machine's interfaces carry frames to and from its peers. */
static bool reaches_peers(const struct netsim_node *machine)
{
	bool any = false;

	for (size_t i = 0; i < machine->port_count; i++)
		any |= carries(machine->ports[i]);
	return any;
}

/* The networks of a fleet, and for each the first of those that cables join. */
struct segments {
	const struct netsim_fleet *fleet;
	size_t *of;
};

static size_t find_network(const struct netsim_fleet *fleet, const char *bridge)
{
	size_t i = 0;

	while (i < fleet->network_count && strcmp(fleet->networks[i], bridge) != 0)
		i++;
	return i;
}

static void join_networks(const struct netsim_fleet *fleet, size_t *segments)
{
	for (size_t i = 0; i <= fleet->network_count; i++)
		segments[i] = i;
	for (size_t i = 0; i < fleet->cable_count; i++) {
		const struct netsim_node *cable = fleet->cables[i];
		size_t a, b;

		if (cable->port_count != 2 || !carries(cable->ports[0]) ||
		    !carries(cable->ports[1]))
			continue;
		a = segments[find_network(fleet, cable->ports[0]->bridge)];
		b = segments[find_network(fleet, cable->ports[1]->bridge)];
		for (size_t k = 0; k < fleet->network_count; k++)
			if (segments[k] == (a < b ? b : a))
				segments[k] = a < b ? a : b;
	}
}

static bool are_joined(const struct segments *s, const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return true;
	return s->fleet->cable_count && *a && *b &&
	       s->of[find_network(s->fleet, a)] == s->of[find_network(s->fleet, b)];
}

/* True if ports of both nodes that carry frames are on joined bridges, or the host routes. */
static bool are_connected(const struct segments *s, const struct netsim_node *a,
			  const struct netsim_node *b)
{
	if (a->machine || b->machine)
		return reaches_peers(a->machine ? a : b);
	for (size_t i = 0; i < a->port_count; i++)
		for (size_t j = 0; j < b->port_count; j++)
			if (carries(a->ports[i]) && carries(b->ports[j]) &&
			    ((a->ports[i]->routed && b->ports[j]->routed) ||
			     (*a->ports[i]->bridge &&
			      are_joined(s, a->ports[i]->bridge, b->ports[j]->bridge))))
				return true;
	return false;
}

static bool share_bridge(const struct netsim_node *a, const struct netsim_node *b)
{
	for (size_t i = 0; i < a->port_count; i++)
		for (size_t j = 0; j < b->port_count; j++)
			if (*a->ports[i]->bridge &&
			    strcmp(a->ports[i]->bridge, b->ports[j]->bridge) == 0)
				return true;
	return false;
}

/* Whether a node has a route by way of another one that forwards packets, or forwards itself. */
static bool uses_routers(const struct model *model, const struct netsim_fleet *fleet, size_t node)
{
	for (size_t i = 0; i < model->link_count; i++)
		for (size_t k = 0;
		     model->links[i].node == (int)node && k < model->links[i].route_count; k++)
			for (size_t n = 0; n < fleet->node_count; n++)
				if (fleet->nodes[n]->forwards &&
				    model_has_address(model, (int)n,
						      &model->links[i].routes[k].via))
					return true;
	return fleet->nodes[node]->forwards;
}

/* Adds the pairs that a router joins; returns whether there were any. */
static bool join_by(struct netsim_fleet *fleet, const bool *users, size_t router)
{
	size_t n = fleet->node_count;
	bool *reach = fleet->reach, any = false;

	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++) {
			if (reach[a * n + b] || !users[a] || !users[b] || !reach[a * n + router] ||
			    !reach[router * n + b] ||
			    share_bridge(fleet->nodes[a], fleet->nodes[b]))
				continue;
			any = reach[a * n + b] = true;
			fleet->nodes[a]->reaches++;
		}
	return any;
}

static int join_by_routers(const struct model *model, struct netsim_fleet *fleet)
{
	auto_free bool *users = calloc(fleet->node_count + 1, sizeof(*users));
	bool any = false;

	if (!users)
		return -ENOMEM;
	for (size_t i = 0; i < fleet->node_count; i++)
		any |= fleet->nodes[i]->forwards;
	for (size_t i = 0; any && i < fleet->node_count; i++)
		users[i] = uses_routers(model, fleet, i);
	while (any) {
		any = false;
		for (size_t i = 0; i < fleet->node_count; i++)
			any |= fleet->nodes[i]->forwards && join_by(fleet, users, i);
	}
	return 0;
}

/* Marks the nodes with a port that lost its program, which would drop what is cut off from them. */
static void mark_open(const struct policy *policy, const struct model *model,
		      const struct netsim_fleet *fleet, bool *open)
{
	struct mark mark;

	for (size_t i = 0; i < model->link_count; i++) {
		int node = model_node_of_port(model, &model->links[i], &mark);

		for (size_t n = 0; node >= 0 && n < fleet->node_count; n++)
			if (strcmp(fleet->nodes[n]->name, model->nodes[node].name) == 0)
				open[n] |= policy_link(policy, i) &&
					   !policy_is_attached(policy, i, false);
	}
}

int status_reach(const struct policy *policy, const struct model *model, void *arena,
		 struct netsim_fleet *fleet, struct netsim_err *err)
{
	size_t n = fleet->node_count;
	auto_free bool *open = calloc(n + 1, sizeof(*open));
	auto_free int *numbers = calloc(n + 1, sizeof(*numbers));
	auto_free size_t *segments = calloc(fleet->network_count + 1, sizeof(*segments));
	const struct segments by_network = {fleet, segments};

	fleet->reach = arena_alloc(arena, (n * n + 1) * sizeof(*fleet->reach));
	if (!fleet->reach || !open || !numbers || !segments)
		return err_oom(err);
	join_networks(fleet, segments);
	if (policy)
		mark_open(policy, model, fleet, open);
	for (size_t a = 0; policy && a < n; a++)
		numbers[a] = policy_node(policy, fleet->nodes[a]->name);
	for (size_t a = 0; a < n; a++)
		for (size_t b = 0; b < n; b++) {
			bool reaches = a == b ||
				       are_connected(&by_network, fleet->nodes[a], fleet->nodes[b]);

			if (policy && reaches && numbers[a] >= 0 && numbers[b] >= 0)
				reaches = open[b] || policy_reaches(policy, numbers[a], numbers[b]);
			fleet->reach[a * n + b] = reaches;
			fleet->nodes[a]->reaches += reaches && a != b;
		}
	return join_by_routers(model, fleet) < 0 ? err_oom(err) : 0;
}
