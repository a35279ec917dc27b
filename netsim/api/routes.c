/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resolves the addresses by which nodes reach each other, and paths of helper programs. */
#include "netsim/api/routes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netsim/api/routers.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/mark.h"
#include "netsim/shape/expected.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

static int add_node(struct routes_view *view, int node, struct netsim_err *err)
{
	int *number;

	for (size_t i = 0; i < view->query.node_count; i++)
		if (view->nodes[i] == node)
			return 0;
	number = array_push(view->nodes, view->query.node_count);
	if (!number)
		return err_oom(err);
	*number = node;
	return 0;
}

static int add_word(struct routes_view *view, const char *word, struct netsim_err *err)
{
	const struct model *model = view->fleet.model;
	auto_free bool *marks = calloc(model->node_count + 1, sizeof(*marks));
	int r;

	if (!marks)
		return err_oom(err);
	r = target_nodes_or_host(model, word, marks, err);
	for (size_t i = 0; r >= 0 && i <= model->node_count; i++)
		if (marks[i])
			r = add_node(view, i < model->node_count ? (int)i : MODEL_HOST, err);
	return r < 0 ? r : 0;
}

static int add_all(struct routes_view *view, struct netsim_err *err)
{
	const struct model *model = view->fleet.model;
	bool guests = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < model->node_count; i++) {
		guests |= model->nodes[i].is_tap;
		if (!model->nodes[i].service && !model->nodes[i].cable)
			r = add_node(view, (int)i, err);
	}
	/* Only the host can ping guests. */
	return r == 0 && guests ? add_node(view, MODEL_HOST, err) : r;
}

int routes_view_open(struct netsim *ctx, const struct netsim_routes_opts *opts,
		     struct routes_view *view, struct netsim_err *err)
{
	struct fleet *f = &view->fleet;
	int r;

	*view = (struct routes_view) {.fleet = FLEET_NONE};
	r = fleet_open(&ctx->state, opts->fleet, FLEET_LOOK_INSIDE, f, err);
	if (r == 0)
		r = fleet_find_policy(f, err);
	if (r == 0 && !opts->node_count)
		r = add_all(view, err);
	for (size_t i = 0; r == 0 && i < opts->node_count; i++)
		r = add_word(view, opts->nodes[i], err);
	view->query.st = f->st;
	view->query.model = f->model;
	view->query.nodes = view->nodes;
	view->query.iface = opts->iface;
	if (r == 0)
		r = addresses_find(&view->query, &view->pairs, err);
	return r == 0 ? routes_mark(view, err) : r;
}

/*
 * Sets *ret if a port is down: its cable is pulled, its interface is down inside the node, or a
 * fault stops all its frames, or those with the tag.
 */
static int is_down(const struct routes_view *view, const struct intent *intent,
		   const struct link *port, uint16_t tag, bool *ret, struct netsim_err *err)
{
	const struct model *model = view->fleet.model;
	const struct link *now = model_find_link(view->query.st->host, MODEL_HOST, port->name);
	enum expected_state state;
	struct link_conditions c;
	struct mark mark;
	int node, r;

	*ret |= !now || !link_carries(now);
	if (!mark_parse(port->alias, &mark) || !mark.iface)
		return 0;
	node = model_find_node(model, mark.node);
	if (node < 0)
		return 0;
	r = expected_link(intent, &(struct expected_port) {&model->nodes[node], mark.iface, tag},
			  &c, &state, err);
	*ret |= r == 0 && state == EXPECTED_DOWN;
	return r;
}

/* Marks pairs that meet only by cables between networks of which one is down on every way. */
static int mark_by_cables(struct routes_view *view, const bool *down, struct netsim_err *err)
{
	size_t n = view->query.node_count;
	const struct model *all = view->fleet.model;
	auto_free struct link *links = calloc(all->link_count + 1, sizeof(*links));
	struct model now = *all;

	if (!links)
		return err_oom(err);
	now.links = links;
	for (size_t i = 0; i < all->link_count; i++) {
		links[i] = all->links[i];
		if (links[i].cable && down[i])
			*links[i].master = '\0';
	}
	for (size_t i = 0; i < n * n; i++) {
		struct address_pair *pair = &view->pairs[i];
		const struct link *a = pair->sender.port, *b = pair->receiver.port;

		pair->down |= a && b && model_are_joined(all, a->master, b->master) &&
			      !model_are_joined(&now, a->master, b->master);
	}
	return 0;
}

/* Marks what a router of the fleet, or a cable between networks, is on the way of. */
static int mark_ways(struct routes_view *view, const struct intent *intent, struct netsim_err *err)
{
	const struct model *model = view->fleet.model;
	auto_free bool *down = calloc(model->link_count + 1, sizeof(*down));
	int r = down ? 0 : err_oom(err);

	for (size_t i = 0; r == 0 && i < model->link_count; i++)
		if (link_is_port(&model->links[i]))
			r = is_down(view, intent, &model->links[i], 0, &down[i], err);
	if (r == 0 && model_has_cables(model))
		r = mark_by_cables(view, down, err);
	return r == 0 ? routers_mark(&view->fleet, &view->query, down, view->pairs, err) : r;
}

static int mark_ends(struct routes_view *view, const struct intent *intent,
		     struct address_pair *pair, struct netsim_err *err)
{
	const struct address_end *ends[] = {&pair->sender, &pair->receiver};
	int r = 0;

	for (size_t i = 0; r == 0 && *pair->to && i < 2; i++)
		if (ends[i]->port)
			r = is_down(view, intent, ends[i]->port, ends[i]->tag, &pair->down, err);
	return r;
}

int routes_mark(struct routes_view *view, struct netsim_err *err)
{
	size_t n = view->query.node_count;
	struct intent intent;
	int r = intent_read_parsed(view->fleet.model->fleet, &intent, err);

	addresses_mark_cut(view->fleet.policy, &view->query, view->pairs);
	for (size_t i = 0; r == 0 && i < n * n; i++) {
		view->pairs[i].down = false;
		r = mark_ends(view, &intent, &view->pairs[i], err);
	}
	if (r == 0)
		r = mark_ways(view, &intent, err);
	intent_done(&intent);
	return r;
}

void routes_view_close(struct routes_view *view)
{
	fleet_close(&view->fleet);
	free(view->nodes);
	free(view->pairs);
}

/* Whether a node with a namespace has lost its port, or has no address: nothing reaches it. */
static bool is_detached(const struct model *model, int number)
{
	const struct model_node *node = &model->nodes[number];
	bool port = false, address = false;

	if (node->is_tap || node->peer || node->machine)
		return false;
	for (size_t i = 0; i < model->link_count; i++) {
		const struct link *link = &model->links[i];
		struct mark mark;

		port |= link_is_port(link) && model_node_of_port(model, link, &mark) == number;
		address |= link->node == number && link->addr_count;
	}
	return !port || !address;
}

static bool add_peer(const struct routes_view *view, int number, struct netsim_routes *ret)
{
	const struct model_node *node =
		number == MODEL_HOST ? NULL : &view->fleet.model->nodes[number];
	struct netsim_peer *peer = arena_push(ret, ret->nodes, ret->node_count);

	if (!peer)
		return false;
	peer->guest = node && (node->is_tap || node->peer);
	peer->detached = node && is_detached(view->fleet.model, number);
	peer->name = arena_strdup(ret, node ? node->name : "host");
	return peer->name != NULL;
}

static bool fill_route(const struct address_pair *pair, struct netsim_routes *root,
		       struct netsim_route *ret)
{
	ret->from = arena_strdup(root, pair->from);
	ret->to = arena_strdup(root, pair->to);
	ret->device = arena_strdup(root, pair->device);
	ret->cut = pair->cut;
	ret->down = pair->down;
	return ret->from && ret->to && ret->device;
}

int routes_publish(const struct routes_view *view, struct netsim_routes **ret,
		   struct netsim_err *err)
{
	size_t n = view->query.node_count;
	struct netsim_routes *routes = arena_new(sizeof(*routes));
	struct netsim_route *block =
		routes ? arena_alloc(routes, (n * n + 1) * sizeof(*block)) : NULL;
	bool good = block != NULL;

	if (good) {
		routes->fleet = arena_strdup(routes, view->fleet.name);
		routes->list = arena_list(routes, block, n * n, sizeof(*block));
		good = routes->fleet && routes->list;
	}
	for (size_t i = 0; good && i < n; i++)
		good = add_peer(view, view->nodes[i], routes);
	for (size_t i = 0; good && i < n * n; i++)
		good = fill_route(&view->pairs[i], routes, &block[i]);
	if (!good) {
		arena_free(routes);
		return err_oom(err);
	}
	*ret = routes;
	return 0;
}

int netsim_routes(struct netsim *ctx, const struct netsim_routes_opts *opts,
		  struct netsim_routes **ret, struct netsim_err *err)
{
	struct netsim_routes_opts o;
	struct routes_view view = {.fleet = FLEET_NONE};
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = routes_view_open(ctx, &o, &view, err);
	if (r == 0)
		r = routes_publish(&view, ret, err);
	routes_view_close(&view);
	return r;
}

void netsim_routes_free(struct netsim_routes *routes)
{
	arena_free(routes);
}

int netsim_find_helper(const char *name, char *buf, size_t size, struct netsim_err *err)
{
	char self[PATH_MAX] = "", path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = length > 0 ? strrchr(self, '/') : NULL;
	bool found = false;

	if (slash) {
		*slash = 0;
		found = snprintf(path, sizeof(path), "%s/%s", self, name) < (int)sizeof(path) &&
			access(path, X_OK) == 0;
	}
	if (!found) {
		snprintf(path, sizeof(path), "%s/%s", NETSIM_LIBEXECDIR, name);
		found = access(path, X_OK) == 0;
	}
	if (!found) {
		err_set(err, NETSIM_ERR_ENV, -ENOENT, NULL, "the program %s is missing", name);
		err_hint(err, "searched next to netsim and in " NETSIM_LIBEXECDIR
			      "; make builds it, make install installs it");
		return -ENOENT;
	}
	if (snprintf(buf, size, "%s", path) >= (int)size)
		return err_set(err, NETSIM_ERR_USAGE, -ENAMETOOLONG, NULL,
			       "the path of %s is longer than %zu bytes", name, size - 1);
	return 0;
}
