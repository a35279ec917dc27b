// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of the connections with most bytes; one row each, even if several views saw it. */
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/analysis_parts.h"

/* A connection as seen from one view. */
struct sight {
	uint64_t key; /* the same in all views */
	uint64_t bytes;
	uint32_t number;
};

/* A candidate for a row: consecutive sights with the same key. */
struct choice {
	uint64_t bytes;
	uint32_t first, count;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 32;
}

/* The initial sequence number separates connections that reused the same ports. */
static uint64_t key_of(const struct making *m, const struct flow_summary *s)
{
	uint64_t ends[2];
	uint64_t key = mix(0, (uint64_t)s->protocol << 8 | m->groups[s->group].inner);
	bool turned;

	for (int i = 0; i < 2; i++)
		ends[i] = (uint64_t)s->addresses[i] << 16 | s->ports[i];
	turned = ends[0] > ends[1];
	key = mix(key, ends[turned]);
	return mix(mix(key, ends[!turned]), s->start);
}

/* Whether this view counts for the direction in which the side sends. */
static bool side_counts(const struct making *m, const struct flow_summary *s, unsigned side)
{
	return m->uses[s->group] & USES_WAY(side ? 1U - s->first_way : s->first_way);
}

static bool side_heard(const struct making *m, const struct flow_summary *s, unsigned side)
{
	return m->uses[s->group] & USES_GAPS(side ? 1U - s->first_way : s->first_way);
}

static int compare_sights(const void *a, const void *b)
{
	const struct sight *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* All connections of all views, sorted by key; without views each has a key to itself. */
static struct sight *find_sights(const struct making *m, uint32_t *ret_count)
{
	uint32_t all = flow_connections(m->flow), count = 0;
	struct sight *sights = calloc((size_t)all + 1, sizeof(*sights));

	for (uint32_t i = 0; sights && i < all; i++) {
		struct sight *sight = &sights[count];
		struct flow_summary s;

		if (!m->viewed) {
			*sight = (struct sight) {i, flow_connection_bytes(m->flow, i), i};
			count++;
			continue;
		}
		if (!flow_summary(m->flow, i, &s))
			continue;
		*sight = (struct sight) {.key = key_of(m, &s), .number = i};
		for (unsigned side = 0; side < 2; side++)
			if (side_counts(m, &s, side))
				sight->bytes += s.sides[side].bytes;
		count++;
	}
	if (sights && m->viewed)
		qsort(sights, count, sizeof(*sights), compare_sights);
	*ret_count = count;
	return sights;
}

/* Min-heap by bytes: keeps the largest candidates seen so far. */
static void sift(struct choice *heap, size_t count, size_t i)
{
	for (;;) {
		size_t least = i;
		struct choice swap;

		for (size_t c = 2 * i + 1; c < 2 * i + 3 && c < count; c++)
			if (heap[c].bytes < heap[least].bytes)
				least = c;
		if (least == i)
			return;
		swap = heap[i];
		heap[i] = heap[least];
		heap[least] = swap;
		i = least;
	}
}

static struct choice *choose(const struct sight *sights, uint32_t all, size_t wanted,
			     size_t *ret_count)
{
	struct choice *heap;
	size_t count = 0;

	if (!wanted || wanted > all)
		wanted = all;
	heap = calloc(wanted ? wanted : 1, sizeof(*heap));
	for (uint32_t i = 0, next; heap && i < all; i = next) {
		struct choice one = {.first = i};

		for (next = i; next < all && sights[next].key == sights[i].key; next++)
			one.bytes += sights[next].bytes;
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

/* Starts a row from the view that saw the client send, if there is one. */
static bool begin_row(struct making *m, const struct flow_summary *s, struct netsim_flow_row *ret)
{
	const struct flow_group *group = &m->groups[s->group];
	bool many = !m->ends[s->group][0];

	*ret = (struct netsim_flow_row) {
		.class = making_class(m, group->class),
		.inner = group->inner,
		.way_count = 2,
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
		ret->ends[i] = many ? making_name(m, s->addresses[i]) :
				      m->ends[s->group][i == 0 ? s->first_way : 1 - s->first_way];
		if (!ret->ends[i])
			return false;
	}
	return true;
}

static void add_rtt(struct netsim_rtt *to, uint64_t count, double mean, int64_t min, int64_t max)
{
	if (!count)
		return;
	if (!to->count || min < to->min)
		to->min = min;
	if (max > to->max)
		to->max = max;
	to->mean =
		(to->mean * (double)to->count + mean * (double)count) / (double)(to->count + count);
	to->count += count;
}

static void add_sight(const struct making *m, const struct flow_summary *s,
		      struct netsim_flow_row *row)
{
	/*
	 * Each view guesses the client from the first packet it saw, so the sides may be
	 * swapped.
	 */
	bool turned = row->ports[0] != s->ports[0] || row->ports[1] != s->ports[1];
	const char *const *ends = m->ends[s->group];

	if (row->ports[0] == row->ports[1] && ends[0])
		turned = row->ends[0] != ends[s->first_way];
	for (unsigned i = 0; i < 2; i++) {
		struct netsim_flow_way *way = &row->ways[turned ? 1 - i : i];

		if (side_heard(m, s, i))
			way->gaps += s->sides[i].counts[FLOW_GAP_COUNT];
		if (!side_counts(m, s, i))
			continue;
		way->packets += s->sides[i].packets;
		way->bytes += s->sides[i].bytes;
		way->payload += s->sides[i].payload;
		making_add_counts(way, s->sides[i].counts);
		add_rtt(&way->rtt, s->sides[i].rtt_count, s->sides[i].rtt_mean, s->sides[i].rtt_min,
			s->sides[i].rtt_max);
	}
	if (s->first_ns < row->first_ns)
		row->first_ns = s->first_ns;
	if (s->last_ns > row->last_ns)
		row->last_ns = s->last_ns;
	row->closed |= s->closed;
}

static bool fill_row(struct making *m, const struct sight *sights, uint32_t count,
		     struct netsim_flow_row *ret)
{
	struct flow_summary s, client = {0};
	bool found = false, placed = false;

	for (uint32_t i = 0; i < count; i++) {
		if (!flow_summary(m->flow, sights[i].number, &s))
			continue;
		if (!found || (side_counts(m, &s, 0) && !placed)) {
			client = s;
			placed = side_counts(m, &s, 0);
		}
		found = true;
	}
	if (!found)
		return true;
	if (!begin_row(m, &client, ret))
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (flow_summary(m->flow, sights[i].number, &s))
			add_sight(m, &s, ret);
	return true;
}

bool making_connections(struct making *m, size_t wanted)
{
	struct netsim_flow_rows *rows = &m->ret->connection_rows;
	uint32_t all;
	size_t count = 0;
	struct sight *sights = find_sights(m, &all);
	struct choice *chosen = sights ? choose(sights, all, wanted, &count) : NULL;
	bool good = chosen != NULL;

	if (good)
		rows->list = calloc(count ? count : 1, sizeof(*rows->list));
	good = good && rows->list;
	for (size_t i = 0; good && i < count; i++) {
		struct netsim_flow_row *row = &rows->list[rows->count];

		good = fill_row(m, &sights[chosen[i].first], chosen[i].count, row);
		/*
		 * Drop the row if no packet counts: another view counts for this pair, and
		 * did not see the connection.
		 */
		if (row->way_count && (row->ways[0].packets || row->ways[1].packets))
			rows->count++;
		else
			*row = (struct netsim_flow_row) {0};
	}
	if (good)
		qsort(rows->list, rows->count, sizeof(*rows->list), making_compare_rows);
	free(chosen);
	free(sights);
	return good;
}
