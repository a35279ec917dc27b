/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ping-matrix. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/api/ways.h"
#include "netsim/fleet/addresses.h"
#include "netsim/kernel/neigh.h"
#include "netsim/probe/echo.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"

#define COUNT	 10
#define INTERVAL 0.1
#define MOST_PPS 10000.0 /* echoes a second of all pairs together */

/* The pairs that are tried, and where they are in the matrix. */
struct course {
	struct echo_pair *pairs;
	size_t *places;
	size_t count;
};

static int ns_of(struct netsim *ctx, const struct ways_view *view, size_t peer,
		 struct netsim_err *err)
{
	const struct model *model = view->fleet.model;
	struct handle *handle;
	int r;

	if (view->nodes[peer] == MODEL_HOST)
		return ctx->state.own_fd;
	r = state_handle(&ctx->state, model->fleet, model->nodes[view->nodes[peer]].name, &handle,
			 err);
	return r < 0 ? r : handle->fd;
}

static int choose_pairs(struct netsim *ctx, const struct ways_view *view,
			struct netsim_ping_matrix *m, struct course *course, struct netsim_err *err)
{
	size_t n = m->ways.node_count;
	int fd = -1;

	course->pairs = calloc(n * n + 1, sizeof(*course->pairs));
	course->places = calloc(n * n + 1, sizeof(*course->places));
	m->list = calloc(n * n + 1, sizeof(*m->list));
	if (!course->pairs || !course->places || !m->list)
		return err_oom(err);
	for (size_t i = 0; i < n * n; i++) {
		const struct netsim_way *way = &m->ways.list[i];
		struct echo_pair *pair = &course->pairs[course->count];
		const char *why;

		m->list[i].result = NETSIM_PING_NONE;
		if (m->ways.nodes[i / n].guest || !*way->to)
			continue;
		fd = ns_of(ctx, view, i / n, err);
		if (fd == -ENOENT)
			continue; /* its namespace is gone */
		if (fd < 0)
			return fd;
		*pair = (struct echo_pair) {.ns_fd = fd, .hopeless = way->cut};
		(void)unit_parse_address(way->to, &pair->to, &why);
		course->places[course->count++] = i;
	}
	return 0;
}

static enum netsim_ping_result judge(const struct echo_pair *pair, bool cut_before, bool cut_after)
{
	if (!cut_before && !cut_after)
		return pair->received ? NETSIM_PING_ANSWERED : NETSIM_PING_SILENT;
	if (cut_before != cut_after)
		return pair->received ? NETSIM_PING_ANSWERED : NETSIM_PING_CHANGED;
	return pair->received ? NETSIM_PING_LEAKED : NETSIM_PING_CUT;
}

static int conclude(struct ways_view *view, struct netsim_ping_matrix *m,
		    const struct course *course, struct netsim_err *err)
{
	size_t n = m->ways.node_count;
	auto_free bool *before = calloc(n * n + 1, sizeof(*before));
	int r = before ? 0 : err_oom(err);

	for (size_t i = 0; r == 0 && i < n * n; i++)
		before[i] = m->ways.list[i].cut;
	/* The first partition of all may have been made meanwhile. */
	if (r == 0)
		r = fleet_find_policy(&view->fleet, err);
	if (r < 0)
		return r;
	addresses_mark_cut(view->fleet.policy, &m->ways);
	for (size_t i = 0; i < course->count; i++) {
		const struct echo_pair *pair = &course->pairs[i];
		size_t place = course->places[i];
		struct netsim_ping *ping = &m->list[place];

		*ping = (struct netsim_ping) {
			.result = judge(pair, before[place], m->ways.list[place].cut),
			.sent = pair->sent,
			.received = pair->received,
			.min = pair->min,
			.mean = pair->mean,
			.max = pair->max,
			.sd = pair->received > 1 ? sqrt(pair->squares / (pair->received - 1)) : 0};
		m->failed +=
			ping->result == NETSIM_PING_SILENT || ping->result == NETSIM_PING_LEAKED;
	}
	return 0;
}

int netsim_ping_matrix(struct netsim *ctx, const struct netsim_pinging *how,
		       struct netsim_ping_matrix *ret, struct netsim_err *err)
{
	struct netsim_ping_matrix m = {0};
	struct ways_view view = {.fleet = FLEET_NONE};
	struct course course = {0};
	struct neigh_table before = {0}, after = {0};
	int r = ways_view_open(ctx, &how->among, &view, &m.ways, err);

	if (r == 0)
		r = choose_pairs(ctx, &view, &m, &course, err);
	if (r == 0)
		r = neigh_table(ctx->state.rt, &before, err);
	if (r == 0) {
		m.interval = how->interval_ns > 0 ? (double)how->interval_ns / 1e9 : INTERVAL;
		m.interval = fmax(m.interval, (double)course.count / MOST_PPS);
		r = echo_run(&(struct echo_plan) {.own_fd = ctx->state.own_fd,
						  .pairs = course.pairs,
						  .pair_count = course.count,
						  .count = how->count ? how->count : COUNT,
						  .interval = m.interval,
						  .progress = how->progress,
						  .arg = how->arg},
			     err);
	}
	if (r == 0)
		r = neigh_table(ctx->state.rt, &after, err);
	if (r == 0 && after.refused != before.refused)
		m.crowded = after.most;
	if (r == 0)
		r = state_read_host(&ctx->state, err);
	if (r == 0)
		r = conclude(&view, &m, &course, err);
	free(course.pairs);
	free(course.places);
	ways_view_done(&view);
	if (r < 0)
		netsim_ping_matrix_free(&m);
	else
		*ret = m;
	return r;
}

void netsim_ping_matrix_free(struct netsim_ping_matrix *matrix)
{
	netsim_ways_free(&matrix->ways);
	free(matrix->list);
	*matrix = (struct netsim_ping_matrix) {0};
}
