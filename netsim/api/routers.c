/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/routers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/profile.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/forwarding.h"
#include "netsim/kernel/mark.h"
#include "netsim/kernel/netns.h"
#include "netsim/util/array.h"
#include "netsim/policy/bits.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* Which node is on which bridge, and forwards. */
struct map {
	const struct model *model;
	const struct link **bridges;
	size_t bridge_count;
	bool *on;	  /* by node * bridge_count + bridge */
	bool *routes;	  /* by node */
	bool *seen;	  /* by node: on the way that is being looked for */
	const bool *down; /* by link, those left out; or NULL */
	/* By node, the groups of the cut, or the pairs of groups in which it is cut off. */
	struct port_bits *from, *to;
	size_t routers;
	const struct router_cut *cut; /* or NULL */
	/* The cuts in force, in place of cut, and the numbers of the nodes; or NULL */
	const struct policy *policy;
	int *numbers;
};

/* The bridge that a port of a node is on, or NULL. */
static const struct link *bridge_of(const struct model *model, const struct link *port)
{
	const struct link *lag = *port->lag ? model_find_link(model, MODEL_HOST, port->lag) : NULL;
	const char *name = lag ? lag->master : port->master;

	return *name ? model_find_link(model, MODEL_HOST, name) : NULL;
}

static int list_bridges(struct map *m, struct netsim_err *err)
{
	for (size_t i = 0; i < m->model->link_count; i++) {
		const struct link *link = &m->model->links[i], **slot;

		if (link->kind != LINK_BRIDGE)
			continue;
		slot = array_push(m->bridges, m->bridge_count);
		if (!slot)
			return err_oom(err);
		*slot = link;
	}
	return 0;
}

/* A node is also on the bridges that cables join to its own. */
static void put_on_bridges(struct map *m)
{
	struct mark mark;

	for (size_t i = 0; i < m->model->link_count; i++) {
		const struct link *port = &m->model->links[i], *bridge;
		int node = model_node_of_port(m->model, port, &mark);

		if (node < 0 || port->cable || (m->down && m->down[i]))
			continue;
		bridge = bridge_of(m->model, port);

		for (size_t k = 0; bridge && k < m->bridge_count; k++)
			m->on[(size_t)node * m->bridge_count + k] |=
				model_are_joined(m->model, bridge->name, m->bridges[k]->name);
	}
}

static bool is_on(const struct map *m, int node, size_t bridge)
{
	return m->on[(size_t)node * m->bridge_count + bridge];
}

/* Whether two nodes have a network in common. */
static bool meet(const struct map *m, int a, int b)
{
	for (size_t k = 0; k < m->bridge_count; k++)
		if (is_on(m, a, k) && is_on(m, b, k))
			return true;
	return false;
}

/* Whether a node is on no bridge, but reached by the host, or on one where the host has an address.
 */
static bool meets_host(const struct map *m, int node)
{
	bool any = false;

	for (size_t k = 0; k < m->bridge_count; k++) {
		any |= is_on(m, node, k);
		if (is_on(m, node, k) && model_has_host(m->model, m->bridges[k]))
			return true;
	}
	return !any;
}

static size_t count_networks(const struct map *m, int node)
{
	size_t count = 0;

	for (size_t k = 0; k < m->bridge_count; k++)
		count += is_on(m, node, k);
	return count;
}

static int find_routers(struct map *m, struct state *st, struct netsim_err *err)
{

	for (size_t i = 0; i < m->model->node_count; i++) {
		const struct model_node *node = &m->model->nodes[i];
		struct forwarding forwarding;
		struct handle *handle;
		int r;

		if (!node->netns || count_networks(m, (int)i) < 2)
			continue;
		r = state_handle(st, m->model->fleet, node->name, &handle, err);
		if (r == -ENOENT)
			continue;
		if (r == 0)
			r = netns_within(st->own_fd, handle->fd, forwarding_read_here, &forwarding,
					 err);
		if (r < 0)
			return r;
		m->routes[i] = forwarding.ipv4 || forwarding.ipv6;
		m->routers += m->routes[i];
	}
	return 0;
}

static void close_map(struct map *m)
{
	free(m->bridges);
	free(m->on);
	free(m->routes);
	free(m->seen);
	free(m->from);
	free(m->to);
	free(m->numbers);
}

static void group_nodes(struct map *m, const struct policy *policy, const struct router_cut *cut)
{
	size_t each = cut && policy_has_pairs(cut->kind) ? 2 : 1;

	m->cut = cut;
	if (!cut)
		return;
	for (size_t i = 0; i < m->model->node_count; i++) {
		int number = policy_node(policy, m->model->nodes[i].name);

		for (size_t g = 0; g < cut->count && g / each < PORT_BITS; g++)
			for (size_t k = 0; k < cut->groups[g].count; k++)
				if (cut->groups[g].nodes[k] == number)
					bits_set(g % each ? &m->to[i] : &m->from[i],
						 (int)(g / each));
	}
}

/* cut: or NULL. down is kept. */
static int open_map(struct map *m, const struct fleet *f, const struct router_cut *cut,
		    struct netsim_err *err)
{
	size_t nodes = f->model->node_count + 1;
	int r;

	m->model = f->model;
	r = list_bridges(m, err);
	if (r < 0)
		return r;
	m->on = calloc(nodes * (m->bridge_count + 1), sizeof(*m->on));
	m->routes = calloc(nodes, sizeof(*m->routes));
	m->seen = calloc(nodes, sizeof(*m->seen));
	m->from = calloc(nodes, sizeof(*m->from));
	m->to = calloc(nodes, sizeof(*m->to));
	if (!m->on || !m->routes || !m->seen || !m->from || !m->to)
		return err_oom(err);
	put_on_bridges(m);
	group_nodes(m, f->policy, cut);
	return find_routers(m, f->st, err);
}

static bool is_cut(const struct map *m, int a, int b)
{
	if (m->policy)
		return m->numbers[a] >= 0 && m->numbers[b] >= 0 &&
		       !policy_reaches(m->policy, m->numbers[a], m->numbers[b]);
	if (m->cut && policy_has_pairs(m->cut->kind))
		return bits_meet(&m->from[a], &m->to[b]);
	if (!m->cut || !bits_any(&m->from[a]) || !bits_any(&m->from[b]))
		return false;
	return m->cut->kind == PORT_FAULT_ISOLATE ? a != b : !bits_meet(&m->from[a], &m->from[b]);
}

/* Finds a way from a to b on which nothing is cut; *ret: the router next to a. */
static bool find_way(struct map *m, int a, int b, int *ret)
{
	for (size_t i = 0; i < m->model->node_count; i++) {
		int router = (int)i, next;

		if (!m->routes[i] || m->seen[i] || router == a || router == b ||
		    is_cut(m, a, router) || !meet(m, a, router))
			continue;
		m->seen[i] = true;
		*ret = router;
		if ((meet(m, router, b) && !is_cut(m, router, b)) || find_way(m, router, b, &next))
			return true;
	}
	return false;
}

/* Whether packets from a to b pass routers, and neither one network nor the host. */
static bool meet_by_router(struct map *m, int a, int b, int *ret)
{
	if (meet(m, a, b) || (meets_host(m, a) && meets_host(m, b)))
		return false;
	memset(m->seen, 0, m->model->node_count * sizeof(*m->seen));
	return find_way(m, a, b, ret);
}

/* at: in a profile; NULL: given on the command line. */
static int refuse(const struct map *m, const int nodes_at[3], const struct netsim_loc *at,
		  struct netsim_err *err)
{
	const struct model_node *nodes = m->model->nodes;
	int a = nodes_at[0], b = nodes_at[1], router = nodes_at[2];

	err_set(err, at ? NETSIM_ERR_INPUT : NETSIM_ERR_USAGE, -EINVAL, at,
		"%s and %s have no network in common: what %s forwards comes from %s",
		nodes[a].name, nodes[b].name, nodes[router].name, nodes[router].name);
	err_hint(err, "name %s, or a link of it, instead of nodes behind it", nodes[router].name);
	return -EINVAL;
}

int routers_check_cut(const struct fleet *f, const struct router_cut *cut, struct netsim_err *err)
{
	struct map m = {0};
	int r = open_map(&m, f, cut, err), count = (int)f->model->node_count, router;

	/* Whom a node of a ring does not hear, it would hear by way of a router. */
	if (cut->kind == PORT_FAULT_RING)
		m.cut = NULL;
	for (int a = 0; r == 0 && m.routers && a < count; a++)
		for (int b = 0; r == 0 && b < count; b++) {
			bool cuts = m.cut ? is_cut(&m, a, b) :
					    bits_any(&m.from[a]) && bits_any(&m.from[b]);

			if (a != b && cuts && meet_by_router(&m, a, b, &router))
				r = refuse(&m, (int[]) {a, b, router}, NULL, err);
		}
	close_map(&m);
	return r;
}

/* Whether some of these nodes meet, but by routers only: at then has two of them, and a router. */
static bool meet_by_routers_only(struct map *m, const bool *from, const bool *to, int at[3])
{
	int count = (int)m->model->node_count, router;

	at[0] = -1;
	for (int a = 0; a < count; a++)
		for (int b = 0; b < count; b++) {
			if (!from[a] || !to[b] || a == b)
				continue;
			if (!meet_by_router(m, a, b, &router))
				return false;
			memcpy(at, (int[]) {a, b, router}, 3 * sizeof(*at));
		}
	return at[0] >= 0;
}

/* Refuses a pair if none of its nodes meet elsewhere. */
static int check_pair(struct map *m, const char *from_word, const char *to_word,
		      const struct netsim_loc *place, struct netsim_err *err)
{
	auto_free bool *from = calloc(m->model->node_count + 1, sizeof(*from));
	auto_free bool *to = calloc(m->model->node_count + 1, sizeof(*to));
	int at[3];

	if (!from || !to)
		return err_oom(err);
	/* What names no node, such as the host, is judged elsewhere. */
	if (target_nodes(m->model, from_word, from, NULL) < 0 ||
	    target_nodes(m->model, to_word, to, NULL) < 0 || !meet_by_routers_only(m, from, to, at))
		return 0;
	return refuse(m, at, place, err);
}

static int check_target(struct map *m, const char *word, struct netsim_err *err)
{
	auto_free char *text = strdup(word);
	char *colon = text ? strchr(text, ':') : NULL;

	if (!text)
		return err_oom(err);
	if (!colon)
		return 0;
	*colon++ = '\0';
	return check_pair(m, text, colon, NULL, err);
}

int routers_check_targets(const struct fleet *f, const char *const *words, size_t count,
			  struct netsim_err *err)
{
	struct map m = {0};
	int r = open_map(&m, f, NULL, err);

	for (size_t i = 0; r == 0 && m.routers && i < count; i++)
		r = check_target(&m, words[i], err);
	close_map(&m);
	return r;
}

int routers_check_profile(const struct fleet *f, const struct profile *profile,
			  struct netsim_err *err)
{
	struct map m = {0};
	int r;

	if (!profile->pair_count)
		return 0;
	r = open_map(&m, f, NULL, err);
	for (size_t i = 0; r == 0 && m.routers && i < profile->pair_count; i++) {
		const struct profile_pair *pair = &profile->pairs[i];

		r = check_pair(&m, pair->from, pair->to, &pair->at, err);
	}
	close_map(&m);
	return r;
}

/* The ways by routers: all, those by ports that are up, and those that no partition cuts. */
struct ways {
	struct map all, up, uncut;
};

static int open_ways(struct ways *w, const struct fleet *f, const bool *down,
		     struct netsim_err *err)
{
	size_t nodes = f->model->node_count;
	int r;

	*w = (struct ways) {.up = {.down = down}};
	r = open_map(&w->all, f, NULL, err);
	if (r == 0)
		r = open_map(&w->up, f, NULL, err);
	if (r < 0 || !f->policy)
		return r;
	r = open_map(&w->uncut, f, NULL, err);
	if (r < 0)
		return r;
	w->uncut.policy = f->policy;
	w->uncut.numbers = calloc(nodes + 1, sizeof(*w->uncut.numbers));
	if (!w->uncut.numbers)
		return err_oom(err);
	for (size_t i = 0; i < nodes; i++)
		w->uncut.numbers[i] = policy_node(f->policy, f->model->nodes[i].name);
	return 0;
}

static void mark_pair(struct ways *w, int a, int b, struct address_pair *pair)
{
	int router;

	if (!meet_by_router(&w->all, a, b, &router))
		return;
	/* Answers come back by ways of their own. */
	pair->cut |= w->uncut.policy && !(meet_by_router(&w->uncut, a, b, &router) &&
					  meet_by_router(&w->uncut, b, a, &router));
	pair->down |= !meet_by_router(&w->up, a, b, &router);
}

int routers_mark(const struct fleet *f, const struct address_query *query, const bool *down,
		 struct address_pair *pairs, struct netsim_err *err)
{
	size_t n = query->node_count;
	bool routed = false;
	struct ways w;
	int r;

	/* Without routes nobody sends by way of a router, and none needs to be looked for. */
	for (size_t i = 0; i < f->model->node_count; i++)
		routed |= model_has_routes(f->model, (int)i);
	if (!routed)
		return 0;
	r = open_ways(&w, f, down, err);
	for (size_t i = 0; r == 0 && w.all.routers && i < n * n; i++) {
		int a = query->nodes[i / n], b = query->nodes[i % n];

		if (a >= 0 && b >= 0 && a != b && *pairs[i].to)
			mark_pair(&w, a, b, &pairs[i]);
	}
	close_map(&w.all);
	close_map(&w.up);
	close_map(&w.uncut);
	return r;
}
