/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ping-matrix: pings between all pairs of nodes. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/api/routes.h"
#include "netsim/fleet/target.h"
#include "netsim/kernel/neigh.h"
#include "netsim/probe/echo.h"
#include "netsim/util/auto.h"
#include "netsim/util/unit.h"

#define COUNT	   10
#define INTERVAL_S 0.1
#define MAX_PPS	   10000.0 /* echoes per second, over all pairs */

/* One call: the pairs to ping, and their cells in the matrix. */
struct ping_run {
	struct state *st;
	struct netsim_ping_opts opts;
	struct routes_view view;
	struct netsim_ping_matrix *ret;
	struct echo_pair *pairs;
	size_t *places;
	size_t count;
	struct netsim_err *err;
};

static int netns_of(struct ping_run *run, size_t peer)
{
	const struct model *model = run->view.fleet.model;
	int node = run->view.nodes[peer];
	struct handle *handle;
	int r;

	if (node == MODEL_HOST || model->nodes[node].machine)
		return run->st->own_fd;
	r = state_handle(run->st, model->fleet, model->nodes[node].name, &handle, run->err);
	return r < 0 ? r : handle->fd;
}

static int choose_pairs(struct ping_run *run)
{
	const struct routes_view *view = &run->view;
	size_t n = view->query.node_count;

	run->pairs = calloc(n * n + 1, sizeof(*run->pairs));
	run->places = calloc(n * n + 1, sizeof(*run->places));
	if (!run->pairs || !run->places)
		return err_oom(run->err);
	for (size_t i = 0; i < n * n; i++) {
		const struct address_pair *route = &view->pairs[i];
		struct echo_pair *pair = &run->pairs[run->count];
		int node = view->nodes[i / n], fd;
		const char *why;

		if (!*route->to || (node != MODEL_HOST && view->fleet.model->nodes[node].is_tap))
			continue;
		fd = netns_of(run, i / n);
		if (fd == -ENOENT)
			continue; /* its network namespace is gone */
		if (fd < 0)
			return fd;
		*pair = (struct echo_pair) {.ns_fd = fd, .no_wait = route->cut || route->down};
		(void)unit_parse_address(route->to, &pair->to, &why);
		run->places[run->count++] = i;
	}
	return 0;
}

/* before: a partition or a link that is down was in the way at the start. */
static enum netsim_ping_result judge(const struct echo_pair *pair, bool before,
				     const struct address_pair *route)
{
	bool after = route->cut || route->down;

	if (!pair->sent)
		return NETSIM_PING_NONE;

	if (!before && !after)
		return pair->received ? NETSIM_PING_ANSWERED : NETSIM_PING_SILENT;
	if (before != after)
		return pair->received ? NETSIM_PING_ANSWERED : NETSIM_PING_CHANGED;
	if (pair->received)
		return NETSIM_PING_LEAKED;
	return route->down ? NETSIM_PING_DOWN : NETSIM_PING_CUT;
}

/* Fails if the fleet has been removed meanwhile. */
static int look_again(struct ping_run *run)
{
	auto_free char *name = NULL;
	int r = state_read_host(run->st, run->err);

	return r == 0 ? target_need_fleet(run->st, run->view.fleet.name, &name, run->err) : r;
}

/* Fills the result. Opens the policy again: the first partition may have been made meanwhile. */
static int conclude(struct ping_run *run)
{
	struct routes_view *view = &run->view;
	size_t n = view->query.node_count;
	struct netsim_ping *list = arena_alloc(run->ret, (n * n + 1) * sizeof(*list));
	int r = list ? look_again(run) : err_oom(run->err);

	if (r == 0)
		r = fleet_find_policy(&view->fleet, run->err);
	if (r == 0)
		r = routes_mark(view, run->err);
	if (r < 0)
		return r;
	run->ret->list = arena_list(run->ret, list, n * n, sizeof(*list));
	for (size_t i = 0; i < n * n; i++)
		list[i].result = NETSIM_PING_NONE;
	for (size_t i = 0; i < run->count; i++) {
		const struct echo_pair *pair = &run->pairs[i];
		struct netsim_ping *ping = &list[run->places[i]];

		*ping = (struct netsim_ping) {
			.result = judge(pair, pair->no_wait, &view->pairs[run->places[i]]),
			.sent = pair->sent,
			.received = pair->received,
			.min_ms = pair->min,
			.mean_ms = pair->mean,
			.max_ms = pair->max,
			.sd_ms = pair->received > 1 ? sqrt(pair->squares / (pair->received - 1)) :
						      0};
		run->ret->failed +=
			ping->result == NETSIM_PING_SILENT || ping->result == NETSIM_PING_LEAKED;
	}
	return run->ret->list ? routes_publish(view, &run->ret->routes, run->err) :
				err_oom(run->err);
}

static bool tell(void *arg, double done)
{
	struct ping_run *run = arg;

	if (run->opts.progress && !run->ret->interrupted)
		run->ret->interrupted =
			run->opts.progress(run->opts.arg, &(struct netsim_progress) {.done = done});
	return run->ret->interrupted;
}

static int send_echoes(struct ping_run *run)
{
	const struct netsim_ping_opts *o = &run->opts;
	struct neigh_table before = {0}, after = {0};
	double interval = o->interval_ns > 0 ? (double)o->interval_ns / 1e9 : INTERVAL_S;
	int r = neigh_table(run->st->rt, &before, run->err);

	run->ret->interval_s = fmax(interval, (double)run->count / MAX_PPS);
	if (r == 0)
		r = echo_run(&(struct echo_plan) {.own_fd = run->st->own_fd,
						  .pairs = run->pairs,
						  .pair_count = run->count,
						  .count = o->count ? o->count : COUNT,
						  .interval = run->ret->interval_s,
						  .progress = tell,
						  .arg = run},
			     run->err);
	if (r == 0)
		r = neigh_table(run->st->rt, &after, run->err);
	if (r == 0 && after.refused != before.refused)
		run->ret->neighbour_limit = after.most;
	return r;
}

int netsim_ping_matrix(struct netsim *ctx, const struct netsim_ping_opts *opts,
		       struct netsim_ping_matrix **ret, struct netsim_err *err)
{
	struct ping_run run = {.st = &ctx->state,
			       .view = {.fleet = FLEET_NONE},
			       .ret = arena_new(sizeof(*run.ret)),
			       .err = err};
	const struct netsim_ping_opts *o = &run.opts;
	int r = run.ret ? opts_read(&run.opts, sizeof(run.opts), opts, err) : err_oom(err);

	if (r == 0)
		r = routes_view_open(ctx,
				     &(struct netsim_routes_opts) {.fleet = o->fleet,
								   .nodes = o->nodes,
								   .node_count = o->node_count,
								   .iface = o->iface},
				     &run.view, err);
	if (r == 0)
		r = choose_pairs(&run);
	if (r == 0)
		r = send_echoes(&run);
	if (r == 0)
		r = conclude(&run);
	free(run.pairs);
	free(run.places);
	routes_view_close(&run.view);
	if (r < 0)
		netsim_ping_matrix_free(run.ret);
	else
		*ret = run.ret;
	return r;
}

void netsim_ping_matrix_free(struct netsim_ping_matrix *matrix)
{
	if (matrix)
		netsim_routes_free(matrix->routes);
	arena_free(matrix);
}
