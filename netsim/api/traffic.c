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
		       (int)NETSIM_DROPS == (int)PORT_DROPS,
	       "the reasons are those of the programs");

void netsim_traffic_free(struct netsim_traffic *traffic)
{
	for (size_t i = 0; i < traffic->flow_count; i++) {
		free(traffic->flows[i].from);
		free(traffic->flows[i].to);
		free(traffic->flows[i].class_name);
	}
	free(traffic->flows);
	free(traffic->fleet);
	*traffic = (struct netsim_traffic) {0};
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
	return netsim_compare_flows(x, y);
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

/* 1 where a number has no name any more: its node or class has gone. */
static int name_flow(const struct policy *policy, const struct policy_traffic *t,
		     struct netsim_flow *flow, struct netsim_err *err)
{
	const char *from = policy_node_name(policy, t->from);
	const char *to = policy_node_name(policy, t->to);
	const char *class = policy_class_name(policy, t->class);

	if (!class || (t->from != PORT_ANY && (!from || !to)))
		return 1;
	flow->class_name = strdup(class);
	flow->from = from ? strdup(from) : NULL;
	flow->to = to ? strdup(to) : NULL;
	return flow->class_name && !flow->from == !from && !flow->to == !to ? 0 : err_oom(err);
}

static int read_flows(const struct policy *policy, struct netsim_traffic *ret,
		      struct netsim_err *err)
{
	auto_free struct policy_traffic *traffic = NULL;
	size_t count = 0;

	if (policy_read_traffic(policy, &traffic, &count) < 0)
		return err_oom(err);
	ret->flows = calloc(count + 1, sizeof(*ret->flows));
	if (!ret->flows)
		return err_oom(err);
	for (size_t i = 0; i < count; i++) {
		const struct port_traffic *sum = &traffic[i].sum;
		struct netsim_flow *flow = &ret->flows[ret->flow_count];
		int r = name_flow(policy, &traffic[i], flow, err);

		if (r > 0)
			continue;
		ret->flow_count++;
		if (r < 0)
			return r;
		flow->packets = sum->packets;
		flow->bytes = sum->bytes;
		flow->copied = sum->copied;
		flow->corrupted = sum->corrupted;
		memcpy(flow->dropped, sum->dropped, sizeof(flow->dropped));
	}
	qsort(ret->flows, ret->flow_count, sizeof(*ret->flows), compare);
	return 0;
}

int traffic_read(const struct fleet *f, struct netsim_traffic *ret, struct netsim_err *err)
{
	struct netsim_traffic traffic = {.at_ns = (int64_t)policy_now()};
	int r = read_flows(f->policy, &traffic, err);

	if (r == 0 && !(traffic.fleet = strdup(f->name)))
		r = err_oom(err);
	if (r == 0)
		*ret = traffic;
	else
		netsim_traffic_free(&traffic);
	return r;
}

int netsim_traffic(struct netsim *ctx, const char *fleet, struct netsim_traffic *ret,
		   struct netsim_err *err)
{
	struct fleet f;
	int r = traffic_open(ctx, fleet, &f, err);

	if (r == 0)
		r = traffic_read(&f, ret, err);
	fleet_close(&f);
	return r;
}

/* --- in between */

/* A counter that went back was started anew in between. */
static void take_away(uint64_t before, uint64_t *counter)
{
	if (*counter >= before)
		*counter -= before;
}

void traffic_subtract(const struct netsim_traffic *before, struct netsim_traffic *after)
{
	size_t kept = 0;

	for (size_t i = 0, b = 0; i < after->flow_count; i++) {
		struct netsim_flow *flow = &after->flows[i];
		bool any;

		while (b < before->flow_count && netsim_compare_flows(&before->flows[b], flow) < 0)
			b++;
		if (b < before->flow_count && netsim_compare_flows(&before->flows[b], flow) == 0) {
			take_away(before->flows[b].packets, &flow->packets);
			take_away(before->flows[b].bytes, &flow->bytes);
			take_away(before->flows[b].copied, &flow->copied);
			take_away(before->flows[b].corrupted, &flow->corrupted);
			for (int d = 0; d < NETSIM_DROPS; d++)
				take_away(before->flows[b].dropped[d], &flow->dropped[d]);
		}
		any = flow->packets || flow->copied || flow->corrupted;
		for (int d = 0; d < NETSIM_DROPS; d++)
			any |= flow->dropped[d] != 0;
		if (any) {
			struct netsim_flow swap = after->flows[kept];

			/* What is left over stays to be freed. */
			after->flows[kept++] = *flow;
			*flow = swap;
		}
	}
	for (size_t i = kept; i < after->flow_count; i++) {
		free(after->flows[i].from);
		free(after->flows[i].to);
		free(after->flows[i].class_name);
	}
	after->flow_count = kept;
}
