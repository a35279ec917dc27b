// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of the connections with most bytes: one per connection, even if several views saw it. */
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/analysis_parts.h"

/* A connection as seen from one view. */
struct observation {
	uint64_t key; /* the line: the same in all views */
	uint64_t bytes;
	uint32_t number;
};

/* A candidate for a row: consecutive observations with the same key. */
struct candidate {
	uint64_t bytes;
	uint32_t first, count;
};

static bool side_counts_gaps(const struct builder *b, const struct flow_summary *s, unsigned side)
{
	return b->uses[s->group] & USES_GAPS(side ? 1U - s->first_way : s->first_way);
}

static int compare_observations(const void *a, const void *b)
{
	const struct observation *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* All connections of all views, sorted by key; without views each has a key of its own. */
static struct observation *find_observations(const struct builder *b, uint32_t *ret_count)
{
	uint32_t all = flow_connections(b->flow), count = 0;
	struct observation *observations = calloc((size_t)all + 1, sizeof(*observations));

	for (uint32_t i = 0; observations && i < all; i++) {
		struct observation *observation = &observations[count];
		struct flow_summary s;

		if (!b->viewed) {
			*observation =
				(struct observation) {i, flow_connection_bytes(b->flow, i), i};
			count++;
			continue;
		}
		if (!flow_summary(b->flow, i, &s))
			continue;
		if (!(b->uses[s.group] & USES_ROW))
			continue;
		*observation =
			(struct observation) {s.line, s.sides[0].bytes + s.sides[1].bytes, i};
		count++;
	}
	if (observations && b->viewed)
		qsort(observations, count, sizeof(*observations), compare_observations);
	*ret_count = count;
	return observations;
}

/* Min-heap by bytes: keeps the largest candidates seen so far. */
static void sift(struct candidate *heap, size_t count, size_t i)
{
	for (;;) {
		size_t smallest = i;
		struct candidate swap;

		for (size_t c = 2 * i + 1; c < 2 * i + 3 && c < count; c++)
			if (heap[c].bytes < heap[smallest].bytes)
				smallest = c;
		if (smallest == i)
			return;
		swap = heap[i];
		heap[i] = heap[smallest];
		heap[smallest] = swap;
		i = smallest;
	}
}

static struct candidate *choose(const struct observation *observations, uint32_t all, size_t wanted,
				size_t *ret_count)
{
	struct candidate *heap;
	size_t count = 0;

	if (!wanted || wanted > all)
		wanted = all;
	heap = calloc(wanted ? wanted : 1, sizeof(*heap));
	for (uint32_t i = 0, next; heap && i < all; i = next) {
		struct candidate one = {.first = i};

		for (next = i; next < all && observations[next].key == observations[i].key; next++)
			one.bytes += observations[next].bytes;
		one.count = next - i;
		if (count < wanted) {
			heap[count++] = one;
			if (count == wanted)
				for (size_t n = count; n-- > 0;)
					sift(heap, count, n);
		} else if (wanted && one.bytes > heap[0].bytes) {
			heap[0] = one;
			sift(heap, count, 0);
		}
	}
	*ret_count = count;
	return heap;
}

/* Starts a row from the view where the connection began, if it is still in the table. */
static bool begin_row(struct builder *b, const struct flow_summary *s, struct netsim_flow_row *ret)
{
	const struct flow_group *group = &b->groups[s->group];
	bool many = !b->ends[s->group][0];

	*ret = (struct netsim_flow_row) {
		.class_name = builder_class_name(b, group->class),
		.inner = group->inner,
		.direction_count = 2,
		.connections = 1,
		.unanswered = s->syn && !s->answered,
		.refused = s->syn && s->refused,
		.version = s->version,
		.protocol = s->protocol,
		.ports = {s->ports[0], s->ports[1]},
		.vlan = s->vlan,
		.first_ns = s->first_ns,
		.last_ns = s->last_ns,
		.closed = s->closed,
	};
	if (s->handshake_ns >= 0)
		ret->handshake = (struct netsim_rtt) {1,
						      s->handshake_ns,
						      s->handshake_ns,
						      s->handshake_ns,
						      s->handshake_ns,
						      s->handshake_ns,
						      (double)s->handshake_ns};
	for (unsigned i = 0; i < 2; i++) {
		/* The overflow group has no names: use the connection's addresses. */
		ret->ends[i] = many ? builder_address_name(b, s->addresses[i]) :
				      b->ends[s->group][i == 0 ? s->first_way : 1 - s->first_way];
		if (!ret->ends[i])
			return false;
	}
	return true;
}

static void add_rtt(struct netsim_rtt *to, uint64_t count, double mean, int64_t min, int64_t max)
{
	if (!count)
		return;
	if (!to->count || min < to->min_ns)
		to->min_ns = min;
	if (max > to->max_ns)
		to->max_ns = max;
	to->mean_ns = (to->mean_ns * (double)to->count + mean * (double)count) /
		      (double)(to->count + count);
	to->count += count;
}

static void add_observation(const struct builder *b, const struct flow_summary *s,
			    struct netsim_flow_row *row)
{
	/*
	 * Each view guesses the client from the first packet it saw, so the sides may be
	 * swapped.
	 */
	bool turned = row->ports[0] != s->ports[0] || row->ports[1] != s->ports[1];
	const char *const *ends = b->ends[s->group];

	if (row->ports[0] == row->ports[1] && ends[0])
		turned = row->ends[0] != ends[s->first_way];
	for (unsigned i = 0; i < 2; i++) {
		struct netsim_flow_direction *way = &row->directions[turned ? 1 - i : i];

		if (side_counts_gaps(b, s, i))
			way->gaps += s->sides[i].counts[FLOW_GAP_COUNT];
		way->packets += s->sides[i].packets;
		way->bytes += s->sides[i].bytes;
		way->payload += s->sides[i].payload;
		builder_add_counts(way, s->sides[i].counts);
		add_rtt(&way->rtt, s->sides[i].rtt_count, s->sides[i].rtt_mean, s->sides[i].rtt_min,
			s->sides[i].rtt_max);
	}
	if (s->first_ns < row->first_ns)
		row->first_ns = s->first_ns;
	if (s->last_ns > row->last_ns)
		row->last_ns = s->last_ns;
	row->closed |= s->closed;
}

static bool fill_row(struct builder *b, const struct observation *observations, uint32_t count,
		     struct netsim_flow_row *ret)
{
	struct flow_summary s, client = {0};
	bool found = false;

	for (uint32_t i = 0; i < count; i++) {
		if (!flow_summary(b->flow, observations[i].number, &s))
			continue;
		if (!found || s.first)
			client = s;
		found = true;
	}
	if (!found)
		return true;
	if (!begin_row(b, &client, ret))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (flow_summary(b->flow, observations[i].number, &s))
			add_observation(b, &s, ret);
	return true;
}

bool builder_connections(struct builder *b, size_t wanted)
{
	struct flow_rows *rows = &b->ret->connection_rows;
	uint32_t all;
	size_t count = 0;
	struct observation *observations = find_observations(b, &all);
	struct candidate *chosen = observations ? choose(observations, all, wanted, &count) : NULL;
	bool good = chosen != NULL;

	if (good)
		rows->list = calloc(count ? count : 1, sizeof(*rows->list));
	good = good && rows->list;
	for (size_t i = 0; good && i < count; i++) {
		struct netsim_flow_row *row = &rows->list[rows->count];

		good = fill_row(b, &observations[chosen[i].first], chosen[i].count, row);
		/*
		 * Drop the row if no packet counts: all were captured before at another
		 * view, whose entry was evicted or has another line.
		 */
		if (row->direction_count &&
		    (row->directions[0].packets || row->directions[1].packets))
			rows->count++;
		else
			*row = (struct netsim_flow_row) {0};
	}
	if (good)
		qsort(rows->list, rows->count, sizeof(*rows->list), builder_compare_rows);
	free(chosen);
	free(observations);
	return good;
}
