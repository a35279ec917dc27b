// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chooses the view whose gaps count when several saw the packets of two addresses: the one
 * where they are delivered. All other figures count once already (flow.h).
 */
#include <stdlib.h>

#include "netsim/flow/analysis_parts.h"

/*
 * The groups of a pair of addresses at one vantage point: a view, and which of the two
 * addresses is local.
 */
struct vantage {
	const struct flow_group *group; /* any of them */
	size_t begin, end;		/* indexes into the sorted groups */
	uint64_t packets[2];
	uint8_t hops[2];
	bool counts_gaps[2]; /* by direction */
};

static int compare_pairs(const struct flow_group *x, const struct flow_group *y)
{
	for (int i = 0; i < 2; i++)
		if (x->addresses[i] != y->addresses[i])
			return x->addresses[i] < y->addresses[i] ? -1 : 1;
	return x->inner - y->inner;
}

static int compare_vantages(const struct flow_group *x, const struct flow_group *y)
{
	int order = compare_pairs(x, y);

	if (order == 0)
		order = x->view - y->view;
	return order ? order : x->local - y->local;
}

static int compare(const void *a, const void *b)
{
	const struct flow_group *const *x = a, *const *y = b;
	int order = compare_vantages(*x, *y);

	return order ? order : (*x > *y) - (*x < *y);
}

/*
 * Chooses where gaps count: the delivery with the fewest hops left; of several, the one
 * with most packets.
 */
static void choose_gaps(struct vantage *vantages, size_t count, unsigned way)
{
	struct vantage *best = NULL;

	for (size_t i = 0; i < count; i++) {
		struct vantage *v = &vantages[i];

		if (v->group->local != (way ? FLOW_FIRST_LOCAL : FLOW_SECOND_LOCAL) ||
		    !v->packets[way])
			continue;
		if (!best || v->hops[way] < best->hops[way] ||
		    (v->hops[way] == best->hops[way] && v->packets[way] > best->packets[way]))
			best = v;
	}
	if (best)
		best->counts_gaps[way] = true;
	for (size_t i = 0; i < count && !best; i++)
		vantages[i].counts_gaps[way] = true;
}

static void add_to_vantage(struct vantage *vantage, const struct flow_group *group)
{
	vantage->group = group;
	vantage->end++;
	for (int w = 0; w < 2; w++) {
		vantage->packets[w] += group->ways[w].captured;
		if (group->ways[w].hops > vantage->hops[w])
			vantage->hops[w] = group->ways[w].hops;
	}
}

/* Chooses for one pair of addresses; vantages has room for all its groups. */
static void choose_pair(struct builder *b, const struct flow_group **order, size_t begin,
			size_t end, struct vantage *vantages)
{
	size_t count = 0;

	for (size_t i = begin; i < end; i++) {
		if (i == begin || compare_vantages(order[i - 1], order[i]) != 0)
			vantages[count++] = (struct vantage) {.begin = i, .end = i};
		add_to_vantage(&vantages[count - 1], order[i]);
	}
	for (unsigned w = 0; w < 2; w++)
		choose_gaps(vantages, count, w);
	for (size_t v = 0; v < count; v++)
		for (size_t i = vantages[v].begin; i < vantages[v].end; i++)
			for (unsigned w = 0; w < 2; w++)
				if (!vantages[v].counts_gaps[w])
					b->uses[order[i] - b->groups] &= (uint8_t)~USES_GAPS(w);
}

/* Recomputes the totals from the groups, as copies and filtered groups do not count. */
static void count_once(struct builder *b)
{
	struct analysis *ret = b->ret;

	ret->packets = ret->bytes = ret->inner = ret->connections = 0;
	for (size_t g = 0; g < b->group_count; g++)
		for (int w = 0; w < 2; w++) {
			const struct flow_way *way = &b->groups[g].ways[w];

			if (!(b->uses[g] & USES_ROW))
				continue;
			ret->connections += way->opened.connections;
			if (b->groups[g].inner) {
				ret->inner += way->packets;
				continue;
			}
			ret->packets += way->packets;
			ret->bytes += way->bytes;
		}
}

/* Excludes groups that the filter on nodes rejects. */
static bool exclude_filtered(struct builder *b)
{
	for (size_t g = 0; g < b->group_count; g++)
		if (!builder_wants_row(b, b->ends[g][0], b->ends[g][1]))
			b->uses[g] = 0;
	return true;
}

bool choose_views(struct builder *b)
{
	const struct flow_group **order;
	struct vantage *vantages;
	bool good;

	for (size_t g = 0; g < b->group_count; g++) {
		b->viewed |= b->groups[g].view || b->groups[g].local != FLOW_NOWHERE;
		b->uses[g] = USES_ALL;
	}
	if (!b->viewed)
		return exclude_filtered(b);
	order = calloc(b->group_count, sizeof(*order));
	vantages = calloc(b->group_count, sizeof(*vantages));
	good = order && vantages;
	for (size_t g = 0; good && g < b->group_count; g++)
		order[g] = &b->groups[g];
	if (good) {
		qsort(order, b->group_count, sizeof(struct flow_group *), compare);
		for (size_t begin = 0, end; begin < b->group_count; begin = end) {
			for (end = begin + 1;
			     end < b->group_count && compare_pairs(order[begin], order[end]) == 0;)
				end++;
			choose_pair(b, order, begin, end, vantages);
		}
		exclude_filtered(b);
		count_once(b);
	}
	free(order);
	free(vantages);
	return good;
}
