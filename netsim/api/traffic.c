/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "netsim/shape/edt_queue.h"
#include "netsim/shape/engine.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

_Static_assert((int)NETSIM_DROP_PARTITION == (int)PORT_DROP_CUT &&
		       (int)NETSIM_DROP_DOWN == (int)PORT_DROP_DOWN &&
		       (int)NETSIM_DROP_LOSS == (int)PORT_DROP_LOSS &&
		       (int)NETSIM_DROP_QUEUE == (int)PORT_DROP_QUEUE &&
		       (int)NETSIM_DROPS == (int)PORT_DROP_SIZE,
	       "drop reasons match those of the programs");
_Static_assert((int)NETSIM_EFFECT_RATE == (int)PORT_EFFECT_RATE &&
		       (int)NETSIM_EFFECT_LOSS == (int)PORT_EFFECT_LOSS &&
		       (int)NETSIM_EFFECT_SLOT == (int)PORT_EFFECT_SLOT &&
		       (int)NETSIM_EFFECT_HOLD == (int)PORT_EFFECT_HOLD &&
		       (int)NETSIM_EFFECT_QUEUE == (int)PORT_EFFECT_QUEUE &&
		       (int)NETSIM_EFFECT_DISTRIBUTION == (int)PORT_EFFECT_DISTRIBUTION &&
		       (int)NETSIM_EFFECT_PEAK == (int)PORT_EFFECT_PEAK &&
		       (int)NETSIM_EFFECTS == (int)PORT_EFFECTS,
	       "effects match those of the programs");

void netsim_traffic_free(struct netsim_traffic *traffic)
{
	arena_free(traffic);
}

static int compare_names(const char *a, const char *b)
{
	if (!a || !b)
		return !a - !b;
	return strcmp(a, b);
}

int netsim_compare_flows(const struct netsim_flow *a, const struct netsim_flow *b)
{
	int order = compare_names(a->from, b->from);

	if (order == 0)
		order = compare_names(a->to, b->to);
	return order ? order : compare_names(a->class_name, b->class_name);
}

static int compare(const void *x, const void *y)
{
	const struct netsim_flow *const *a = x, *const *b = y;

	return netsim_compare_flows(*a, *b);
}

int traffic_open(struct netsim *ctx, const char *name, struct fleet *f, struct netsim_err *err)
{
	int r = fleet_open(&ctx->state, name, FLEET_LOOK, f, err);

	if (r == 0)
		r = fleet_find_policy(f, err);
	if (r < 0 ||
	    (f->policy && policy_is_complete(f->policy, f->model, edt_queue_has_host(f->model))))
		return r;
	fleet_close(f);
	r = fleet_open(&ctx->state, name, FLEET_CHANGE, f, err);
	if (r == 0)
		r = engine_open_policy(f, err);
	fleet_unlock(f);
	return r;
}

/* False if the node or class behind a number has been removed. */
static bool has_names(const struct policy *policy, const struct policy_traffic *t)
{
	return policy_class_name(policy, t->class) &&
	       (t->from == PORT_ANY ||
		(policy_node_name(policy, t->from) && policy_node_name(policy, t->to)));
}

static int add_flow(struct netsim_traffic *ret, const struct policy *policy,
		    const struct policy_traffic *t, struct netsim_err *err)
{
	const char *from = policy_node_name(policy, t->from), *to = policy_node_name(policy, t->to);
	struct netsim_flow *flow = arena_push(ret, ret->flows, ret->flow_count);

	if (!flow)
		return err_oom(err);
	flow->class_name = arena_strdup(ret, policy_class_name(policy, t->class));
	flow->from = from ? arena_strdup(ret, from) : NULL;
	flow->to = to ? arena_strdup(ret, to) : NULL;
	flow->packets = t->sum.packets;
	flow->bytes = t->sum.bytes;
	flow->copied = t->sum.copied;
	flow->corrupted = t->sum.corrupted;
	memcpy(flow->dropped, t->sum.dropped, sizeof(flow->dropped));
	flow->oversized = t->sum.dropped[PORT_DROP_SIZE];
	memcpy(flow->affected, t->sum.affected, sizeof(flow->affected));
	return flow->class_name && !flow->from == !from && !flow->to == !to ? 0 : err_oom(err);
}

static int read_flows(const struct policy *policy, struct netsim_traffic *ret,
		      struct netsim_err *err)
{
	auto_free struct policy_traffic *traffic = NULL;
	size_t count = 0;
	int r = 0;

	if (policy_read_traffic(policy, &traffic, &count) < 0)
		return err_oom(err);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (has_names(policy, &traffic[i]))
			r = add_flow(ret, policy, &traffic[i], err);
	if (r == 0 && ret->flow_count)
		qsort(ret->flows, ret->flow_count, sizeof(*ret->flows), compare);
	return r;
}

int traffic_read(const struct fleet *f, struct netsim_traffic **ret, struct netsim_err *err)
{
	struct netsim_traffic *traffic = arena_new(sizeof(*traffic));
	int r = traffic ? 0 : err_oom(err);

	if (r == 0) {
		traffic->at_ns = (int64_t)policy_now();
		traffic->fleet = arena_strdup(traffic, f->name);
		r = traffic->fleet ? read_flows(f->policy, traffic, err) : err_oom(err);
	}
	if (r < 0)
		arena_free(traffic);
	else
		*ret = traffic;
	return r;
}

int netsim_traffic(struct netsim *ctx, const struct netsim_traffic_opts *opts,
		   struct netsim_traffic **ret, struct netsim_err *err)
{
	struct netsim_traffic_opts o;
	struct fleet f = FLEET_NONE;
	int r = opts_read(&o, sizeof(o), opts, err);

	if (r == 0)
		r = traffic_open(ctx, o.fleet, &f, err);
	if (r == 0)
		r = traffic_read(&f, ret, err);
	fleet_close(&f);
	return r;
}

/* --- differences */

/* A counter that went back was reset in between: keep its new value. */
static void subtract_counter(uint64_t before, uint64_t *counter)
{
	if (*counter >= before)
		*counter -= before;
}

void traffic_subtract(const struct netsim_traffic *before, struct netsim_traffic *after)
{
	size_t kept = 0;

	for (size_t i = 0, b = 0; i < after->flow_count; i++) {
		struct netsim_flow *flow = after->flows[i];
		bool any;

		while (b < before->flow_count && netsim_compare_flows(before->flows[b], flow) < 0)
			b++;
		if (b < before->flow_count && netsim_compare_flows(before->flows[b], flow) == 0) {
			subtract_counter(before->flows[b]->packets, &flow->packets);
			subtract_counter(before->flows[b]->bytes, &flow->bytes);
			subtract_counter(before->flows[b]->copied, &flow->copied);
			subtract_counter(before->flows[b]->corrupted, &flow->corrupted);
			subtract_counter(before->flows[b]->oversized, &flow->oversized);
			for (int d = 0; d < NETSIM_DROPS; d++)
				subtract_counter(before->flows[b]->dropped[d], &flow->dropped[d]);
			for (int e = 0; e < NETSIM_EFFECTS; e++)
				subtract_counter(before->flows[b]->affected[e], &flow->affected[e]);
		}
		any = flow->packets || flow->copied || flow->corrupted || flow->oversized ||
		      flow->affected[NETSIM_EFFECT_HOLD];
		for (int d = 0; d < NETSIM_DROPS; d++)
			any |= flow->dropped[d] != 0;
		if (any)
			after->flows[kept++] = flow;
	}
	after->flow_count = kept;
}
