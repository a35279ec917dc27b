// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chooses the view that counts when several saw the packets of two addresses. Sent packets
 * and round trips count where they are sent: nothing is lost yet, and the whole round trip
 * is visible. Gaps count where the packets are delivered.
 */
#include <stdlib.h>

#include "netsim/flow/analysis_parts.h"

/*
 * The groups of a pair of addresses at one vantage point: a view, and which of the two is
 * local.
 */
struct place {
	const struct flow_group *group; /* any of them */
	size_t begin, end;		/* indexes into the sorted groups */
	uint64_t packets[2];
	uint8_t hops[2];
	int64_t first_ns;
	bool counts[2], hears[2]; /* by direction: whether figures, and gaps, count here */
};

static int compare_pairs(const struct flow_group *x, const struct flow_group *y)
{
	for (int i = 0; i < 2; i++)
		if (x->addresses[i] != y->addresses[i])
			return x->addresses[i] < y->addresses[i] ? -1 : 1;
	return x->inner - y->inner;
}

static int compare_places(const struct flow_group *x, const struct flow_group *y)
{
	int order = compare_pairs(x, y);

	if (order == 0)
		order = x->view - y->view;
	return order ? order : x->local - y->local;
}

static int compare(const void *a, const void *b)
{
	const struct flow_group *const *x = a, *const *y = b;
	int order = compare_places(*x, *y);

	return order ? order : (*x > *y) - (*x < *y);
}

/*
 * Preference for a direction: 2 where it is sent, 1 unknown, 0 where it is delivered, -1
 * not seen.
 */
static int rank(const struct place *place, unsigned way)
{
	unsigned local = place->group->local;

	return !place->packets[way] ? -1 : local == way ? 2 : local == FLOW_NOWHERE ? 1 : 0;
}

/*
 * Chooses where sent packets count. A router forwards with fewer hops left than the sender
 * had; an address that moved to another node has as many, so both views count.
 */
static void choose_sent(struct place *places, size_t count, unsigned way)
{
	bool many = places[0].group->addresses[0] == FLOW_NO_ADDRESS &&
		    places[0].group->addresses[1] == FLOW_NO_ADDRESS;
	const struct place *first = NULL;
	int best = -1;
	uint8_t hops = 0;

	for (size_t i = 0; i < count; i++)
		if (rank(&places[i], way) > best)
			best = rank(&places[i], way);
	for (size_t i = 0; i < count && best >= 0; i++) {
		if (rank(&places[i], way) != best)
			continue;
		if (!first || places[i].first_ns < first->first_ns)
			first = &places[i];
		if (places[i].hops[way] > hops)
			hops = places[i].hops[way];
	}
	for (size_t i = 0; i < count && best >= 0; i++)
		places[i].counts[way] =
			rank(&places[i], way) == best &&
			(many || (best == 2 ? places[i].hops[way] == hops : &places[i] == first));
}

/*
 * Chooses where gaps count: the delivery with the fewest hops left; of several, the one
 * with most packets.
 */
static void choose_heard(struct place *places, size_t count, unsigned way)
{
	struct place *best = NULL;

	for (size_t i = 0; i < count; i++) {
		struct place *p = &places[i];

		if (rank(p, way) != 0)
			continue;
		if (!best || p->hops[way] < best->hops[way] ||
		    (p->hops[way] == best->hops[way] && p->packets[way] > best->packets[way]))
			best = p;
	}
	if (best)
		best->hears[way] = true;
	for (size_t i = 0; i < count && !best; i++)
		places[i].hears[way] = places[i].counts[way];
}

static void add_to_place(struct place *place, const struct flow_group *group)
{
	if (place->begin == place->end || group->first_ns < place->first_ns)
		place->first_ns = group->first_ns;
	place->group = group;
	place->end++;
	for (int w = 0; w < 2; w++) {
		place->packets[w] += group->ways[w].packets;
		if (group->ways[w].hops > place->hops[w])
			place->hops[w] = group->ways[w].hops;
	}
}

/* Chooses for one pair of addresses; places has room for all its groups. */
static void choose_pair(struct making *m, const struct flow_group **order, size_t begin, size_t end,
			struct place *places)
{
	size_t count = 0;

	for (size_t i = begin; i < end; i++) {
		if (i == begin || compare_places(order[i - 1], order[i]) != 0)
			places[count++] = (struct place) {.begin = i, .end = i};
		add_to_place(&places[count - 1], order[i]);
	}
	for (unsigned w = 0; w < 2; w++) {
		choose_sent(places, count, w);
		choose_heard(places, count, w);
	}
	for (size_t p = 0; p < count; p++)
		for (size_t i = places[p].begin; i < places[p].end; i++)
			for (unsigned w = 0; w < 2; w++)
				m->uses[order[i] - m->groups] |=
					(uint8_t)((places[p].counts[w] ? USES_WAY(w) : 0) |
						  (places[p].hears[w] ? USES_GAPS(w) : 0));
}

/* Recomputes the totals so that each packet counts in one view only. */
static void count_once(struct making *m)
{
	struct netsim_analysis *ret = m->ret;

	ret->packets = ret->bytes = ret->inner = ret->connections = 0;
	for (size_t g = 0; g < m->group_count; g++)
		for (int w = 0; w < 2; w++) {
			const struct flow_way *way = &m->groups[g].ways[w];

			if (!(m->uses[g] & USES_WAY(w)))
				continue;
			ret->connections += way->opened.connections;
			if (m->groups[g].inner) {
				ret->inner += way->packets;
				continue;
			}
			ret->packets += way->packets;
			ret->bytes += way->bytes;
		}
}

/* Excludes groups that the filter on nodes rejects. */
static bool leave_out(struct making *m)
{
	for (size_t g = 0; g < m->group_count; g++)
		if (!making_wants(m, m->ends[g][0], m->ends[g][1]))
			m->uses[g] = 0;
	return true;
}

bool choose_views(struct making *m)
{
	const struct flow_group **order;
	struct place *places;
	bool good;

	for (size_t g = 0; g < m->group_count; g++) {
		m->viewed |= m->groups[g].view || m->groups[g].local != FLOW_NOWHERE;
		m->uses[g] = USES_ALL;
	}
	if (!m->viewed)
		return leave_out(m);
	order = calloc(m->group_count, sizeof(*order));
	places = calloc(m->group_count, sizeof(*places));
	good = order && places;
	for (size_t g = 0; good && g < m->group_count; g++) {
		order[g] = &m->groups[g];
		m->uses[g] = 0;
	}
	if (good) {
		qsort(order, m->group_count, sizeof(struct flow_group *), compare);
		for (size_t begin = 0, end; begin < m->group_count; begin = end) {
			for (end = begin + 1;
			     end < m->group_count && compare_pairs(order[begin], order[end]) == 0;)
				end++;
			choose_pair(m, order, begin, end, places);
		}
		leave_out(m);
		count_once(m);
	}
	free(order);
	free(places);
	return good;
}
