/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who reaches whom under which address; and where helper programs are. */
#include "netsim/api/ways.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "netsim/fleet/addresses.h"
#include "netsim/fleet/target.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

static int add_node(struct ways_view *view, int node, struct netsim_ways *ret,
		    struct netsim_err *err)
{
	const struct model_node *n = node == MODEL_HOST ? NULL : &view->fleet.model->nodes[node];
	size_t count = ret->node_count;
	struct netsim_peer *peer;
	int *number;

	for (size_t i = 0; i < count; i++)
		if (view->nodes[i] == node)
			return 0;
	number = array_push(view->nodes, count);
	peer = array_push(ret->nodes, ret->node_count);
	if (!number || !peer || !(peer->name = strdup(n ? n->name : "host")))
		return err_oom(err);
	*number = node;
	peer->guest = n && n->is_tap;
	return 0;
}

static int add_word(struct ways_view *view, const char *word, struct netsim_ways *ret,
		    struct netsim_err *err)
{
	auto_free bool *marks = calloc(view->fleet.model->node_count + 1, sizeof(*marks));
	int r;

	if (!marks)
		return err_oom(err);
	if (strcmp(word, "host") == 0 && model_find_node(view->fleet.model, "host") < 0)
		return add_node(view, MODEL_HOST, ret, err);
	r = target_nodes(view->fleet.model, word, marks, err);
	for (size_t i = 0; r >= 0 && i < view->fleet.model->node_count; i++)
		if (marks[i])
			r = add_node(view, (int)i, ret, err);
	return r < 0 ? r : 0;
}

static int add_all(struct ways_view *view, struct netsim_ways *ret, struct netsim_err *err)
{
	bool guests = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < view->fleet.model->node_count; i++) {
		guests |= view->fleet.model->nodes[i].is_tap;
		r = add_node(view, (int)i, ret, err);
	}
	/* Somebody has to ask the guests. */
	return r == 0 && guests ? add_node(view, MODEL_HOST, ret, err) : r;
}

int ways_view_open(struct netsim *ctx, const struct netsim_among *among, struct ways_view *view,
		   struct netsim_ways *ret, struct netsim_err *err)
{
	struct fleet *f = &view->fleet;
	int r = fleet_open(&ctx->state, among->fleet, FLEET_LOOK_INSIDE, f, err);

	if (r == 0)
		r = fleet_find_policy(f, err);
	if (r < 0)
		return r;
	snprintf(ret->fleet, sizeof(ret->fleet), "%s", f->name);
	if (!among->node_count)
		r = add_all(view, ret, err);
	for (size_t i = 0; r == 0 && i < among->node_count; i++)
		r = add_word(view, among->nodes[i], ret, err);
	if (r == 0)
		r = addresses_find(f->st, f->model, view->nodes, among->iface, ret, err);
	if (r == 0)
		addresses_mark_cut(f->policy, ret);
	return r;
}

void ways_view_done(struct ways_view *view)
{
	fleet_close(&view->fleet);
	free(view->nodes);
}

int netsim_ways(struct netsim *ctx, const struct netsim_among *among, struct netsim_ways *ret,
		struct netsim_err *err)
{
	struct netsim_ways ways = {0};
	struct ways_view view = {.fleet = FLEET_NONE};
	int r = ways_view_open(ctx, among, &view, &ways, err);

	ways_view_done(&view);
	if (r < 0)
		netsim_ways_free(&ways);
	else
		*ret = ways;
	return r;
}

void netsim_ways_free(struct netsim_ways *ways)
{
	for (size_t i = 0; i < ways->node_count; i++)
		free(ways->nodes[i].name);
	free(ways->nodes);
	free(ways->list);
	*ways = (struct netsim_ways) {0};
}

int netsim_find_helper(const char *name, char *path, struct netsim_err *err)
{
	char self[PATH_MAX] = "";
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = length > 0 ? strrchr(self, '/') : NULL;

	if (slash) {
		*slash = 0;
		if (snprintf(path, PATH_MAX, "%s/%s", self, name) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return 0;
	}
	snprintf(path, PATH_MAX, "%s/%s", NETSIM_LIBEXECDIR, name);
	if (access(path, X_OK) == 0)
		return 0;
	err_set(err, NETSIM_ERR_ENV, -ENOENT, NULL, "the program %s is missing", name);
	err_hint(err, "looked beside netsim and in " NETSIM_LIBEXECDIR
		      "; make builds it (with libiperf-dev), make install installs it");
	return -ENOENT;
}
