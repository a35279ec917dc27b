/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/api/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/run/limits.h"

static struct node_limits wanted(const struct node *node)
{
	return (struct node_limits) {node->cpu_us, node->memory.bytes};
}

int api_limits_check(const struct topo *topo, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < topo->node_count; i++) {
		const struct node_limits limits = wanted(&topo->nodes[i]);

		r = limits_check(&limits, &topo->nodes[i].at, err);
	}
	return r;
}

/* A difference between the limits of a node and those that it should have. */
struct difference {
	const char *node;
	struct node_limits have, want;
};

typedef int on_difference(void *arg, const struct difference *d, struct netsim_err *err);

static int compare(const struct netsim *ctx, const char *fleet, const char *node,
		   const struct node_limits *want, on_difference *fn, void *arg,
		   struct netsim_err *err)
{
	struct difference d = {.node = node, .want = *want};
	int r = limits_read(fleet, ctx->state.own_id, node, &d.have, err);

	return r == 0 && (d.have.cpu_us != want->cpu_us || d.have.memory != want->memory) ?
		       fn(arg, &d, err) :
		       r;
}

/* Those of nodes that the topology does not have. */
static int compare_stale(const struct netsim *ctx, const struct topo *topo, on_difference *fn,
			 void *arg, struct netsim_err *err)
{
	char **names = NULL;
	size_t count = 0;
	int r = limits_nodes(topo->fleet, ctx->state.own_id, &names, &count, err);

	for (size_t i = 0; i < count; i++) {
		bool known = false;

		for (size_t n = 0; n < topo->node_count; n++)
			known |= strcmp(topo->nodes[n].name, names[i]) == 0;
		if (r == 0 && !known)
			r = compare(ctx, topo->fleet, names[i], &(struct node_limits) {0}, fn, arg,
				    err);
		free(names[i]);
	}
	free(names);
	return r;
}

static int each_difference(const struct netsim *ctx, const struct topo *topo, on_difference *fn,
			   void *arg, struct netsim_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < topo->node_count; i++) {
		const struct node_limits want = wanted(&topo->nodes[i]);

		r = compare(ctx, topo->fleet, topo->nodes[i].name, &want, fn, arg, err);
	}
	return r == 0 ? compare_stale(ctx, topo, fn, arg, err) : r;
}

struct setting {
	const struct netsim *ctx;
	const char *fleet;
	size_t *count;
};

static int set(void *arg, const struct difference *d, struct netsim_err *err)
{
	const struct setting *s = arg;

	++*s->count;
	return limits_set(s->fleet, s->ctx->state.own_id, d->node, &d->want, err);
}

int api_limits_up(const struct netsim *ctx, const struct topo *topo, size_t *count,
		  struct netsim_err *err)
{
	struct setting s = {ctx, topo->fleet, count};

	return each_difference(ctx, topo, set, &s, err);
}

struct listing {
	api_limits_step *fn;
	void *arg;
};

static int describe(void *arg, const struct difference *d, struct netsim_err *err)
{
	const struct listing *l = arg;
	bool had = d->have.cpu_us || d->have.memory, wants = d->want.cpu_us || d->want.memory;
	char text[256], limits[LIMITS_TEXT];

	snprintf(text, sizeof(text), "%c node %s: %s",
		 !wants ? '-' :
		 had	? '~' :
			  '+',
		 d->node, limits_text(wants ? &d->want : &d->have, limits));
	return l->fn(l->arg, text, err);
}

int api_limits_each_step(const struct netsim *ctx, const struct topo *topo, api_limits_step *fn,
			 void *arg, struct netsim_err *err)
{
	struct listing l = {fn, arg};

	return each_difference(ctx, topo, describe, &l, err);
}
