// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets of the pairs that sentences name, from the ports' counters, per phase. */
#include <string.h>

#include "netsim/api/run_parts.h"

static bool names_pair(const struct scenario_expectation *x)
{
	return x->e.from && (x->e.quantity == EXPECT_LOSS || x->e.quantity == EXPECT_PACKETS);
}

/* Adds the counters of a pair, of one class or of all, to a figure, or subtracts them. */
static void add(const struct netsim_traffic *traffic, const struct expectation *e, int sign,
		struct figure *figure)
{
	for (size_t i = 0; i < traffic->flow_count; i++) {
		const struct netsim_flow *flow = traffic->flows[i];

		if (!flow->from || strcmp(flow->from, e->from) != 0 ||
		    strcmp(flow->to, e->to) != 0 ||
		    (e->class_name && strcmp(flow->class_name, e->class_name) != 0))
			continue;
		figure->packets += sign * (int64_t)(flow->packets + flow->oversized);
		figure->lost += sign * (int64_t)flow->oversized;
		for (int d = 0; d < NETSIM_DROPS; d++) {
			figure->packets += sign * (int64_t)flow->dropped[d];
			figure->lost += sign * (int64_t)flow->dropped[d];
		}
	}
}

static void record(struct run *run, const struct netsim_traffic *now, const struct expectation *e)
{
	struct figure figure = {.begin = run->pairs->at_ns, .end = now->at_ns};

	add(now, e, 1, &figure);
	add(run->pairs, e, -1, &figure);
	figure.from = recorder_name(run->rec, e->from);
	figure.to = recorder_name(run->rec, e->to);
	figure.class = e->class_name ? recorder_name(run->rec, e->class_name) : 0;
	recorder_add(run->rec, EVIDENCE_FIGURE, &figure);
}

static bool same_pair(const struct expectation *a, const struct expectation *b)
{
	return strcmp(a->from, b->from) == 0 && strcmp(a->to, b->to) == 0 &&
	       !a->class_name == !b->class_name &&
	       (!a->class_name || strcmp(a->class_name, b->class_name) == 0);
}

/* Calls record() once for each pair and class, unless now is NULL; returns whether there is any. */
static bool each_pair(struct run *run, const struct netsim_traffic *now)
{
	const struct expectation *seen[256];
	size_t count = 0;

	for (size_t p = 0; p < run->s->phase_count; p++)
		for (size_t i = 0; i < run->s->phases[p]->expect_count; i++) {
			const struct scenario_expectation *x = run->s->phases[p]->expect[i];
			bool known = false;

			if (!names_pair(x) || count == 256)
				continue;
			for (size_t k = 0; k < count; k++)
				known |= same_pair(seen[k], &x->e);
			if (known)
				continue;
			seen[count++] = &x->e;
			if (now)
				record(run, now, &x->e);
		}
	return count;
}

static struct netsim_traffic *read_counters(struct run *run)
{
	const struct netsim_traffic_opts how =
		NETSIM_OPTS(struct netsim_traffic_opts, .fleet = run->s->topo->fleet);
	struct netsim_traffic *now = NULL;

	return each_pair(run, NULL) && netsim_traffic(run->ctx, &how, &now, NULL) == 0 ? now : NULL;
}

static void forget(struct netsim_traffic **counters)
{
	netsim_traffic_free(*counters);
	*counters = NULL;
}

void pairs_begin(struct run *run, int64_t until)
{
	forget(&run->pairs);
	forget(&run->pairs_last);
	run->pairs = read_counters(run);
	run->pairs_until = until;
}

void pairs_look(struct run *run)
{
	struct netsim_traffic *now = run->pairs ? read_counters(run) : NULL;

	if (!now || run_now() >= run->pairs_until) {
		netsim_traffic_free(now);
		return;
	}
	forget(&run->pairs_last);
	run->pairs_last = now;
}

void pairs_end(struct run *run)
{
	if (run->pairs_until == INT64_MAX)
		pairs_look(run);
	if (run->pairs_last)
		each_pair(run, run->pairs_last);
	forget(&run->pairs);
	forget(&run->pairs_last);
}
