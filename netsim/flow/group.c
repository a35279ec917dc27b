// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups: sums per class and pair of addresses, and their time series. */
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/flow_parts.h"
#include "netsim/util/array.h"

#define BIN_HISTOGRAMS 32768 /* in all bins; some 200 bytes each */
#define BINS_MIN       8     /* least number of bins of a group */

/* --- finding a group */

struct group_key {
	uint32_t addresses[2];
	uint8_t version, class;
	bool inner;
	uint16_t view;
	uint8_t local, local_many; /* many: of the overflow group, never swapped */
};

/* Packets with views need several groups per pair, so their limit is higher. */
static bool is_full(const struct flow *flow, const struct group_key *key)
{
	return flow->group_count >= (key->local == FLOW_NOWHERE ? FLOW_GROUPS : FLOW_GROUPS_VIEWS);
}

static uint32_t group_hash(const struct group_key *key)
{
	uint64_t value = (uint64_t)key->addresses[0] << 32 | key->addresses[1];

	value = (value ^ (uint64_t)key->class << 24 ^ (uint64_t)key->inner << 16 ^
		 (uint64_t)key->view << 45 ^ (uint64_t)key->local << 18) *
		0x9e3779b97f4a7c15;
	return (uint32_t)(value >> 48) % GROUP_SLOTS;
}

static bool is_group(const struct flow_group *group, const struct group_key *key)
{
	return group->addresses[0] == key->addresses[0] &&
	       group->addresses[1] == key->addresses[1] && group->class == key->class &&
	       group->inner == key->inner && group->view == key->view && group->local == key->local;
}

static struct flow_group *find_group(struct flow *flow, const struct group_key *key,
				     uint32_t *ret_slot)
{
	uint32_t i = group_hash(key);

	for (; flow->group_slots[i]; i = (i + 1) % GROUP_SLOTS) {
		struct flow_group *group = &flow->groups[flow->group_slots[i] - 1];

		if (is_group(group, key))
			return group;
	}
	*ret_slot = i;
	return NULL;
}

static void hold_address(struct flow *flow, uint32_t number)
{
	struct address *address = pool_at(&flow->addresses, number);

	address->users++;
}

/* Beyond the limit, all further pairs of a class share its overflow group. */
static struct flow_group *group_of(struct flow *flow, struct group_key *key)
{
	struct flow_group *group;
	uint32_t slot;

	group = find_group(flow, key, &slot);
	if (!group && is_full(flow, key)) {
		key->addresses[0] = key->addresses[1] = FLOW_NO_ADDRESS;
		key->view = 0;
		key->local = key->local_many;
		group = find_group(flow, key, &slot);
	}
	if (group)
		return group;
	group = &flow->groups[flow->group_count++];
	flow->group_slots[slot] = flow->group_count;
	memcpy(group->addresses, key->addresses, sizeof(group->addresses));
	group->version = key->version;
	group->class = key->class;
	group->inner = key->inner;
	group->view = key->view;
	group->local = key->local;
	group->first_ns = flow->now_ns;
	for (int i = 0; i < 2; i++)
		hold_address(flow, key->addresses[i]);
	if (flow->classes && key->class < flow->classes->count)
		group->gap_ns = flow->classes->list[key->class].gap_ns;
	return group;
}

static int compare_addresses(const struct flow *flow, uint32_t a, uint32_t b)
{
	const struct address *x = pool_at(&flow->addresses, a);
	const struct address *y = pool_at(&flow->addresses, b);

	return memcmp(&x->address, &y->address, sizeof(x->address));
}

void group_join(struct flow *flow, struct connection *c, unsigned class)
{
	struct group_key key = {.version = c->version,
				.class = (uint8_t) class,
				.inner = (c->flags & CONNECTION_INNER) != 0,
				.view = c->view,
				.local = (uint8_t)local_of(c),
				.local_many = (uint8_t)local_of(c)};
	bool turned = compare_addresses(flow, c->addresses[0], c->addresses[1]) > 0;
	struct flow_group *group;

	key.addresses[0] = c->addresses[turned];
	key.addresses[1] = c->addresses[!turned];
	if (turned && key.local != FLOW_NOWHERE)
		key.local = key.local == FLOW_FIRST_LOCAL ? FLOW_SECOND_LOCAL : FLOW_FIRST_LOCAL;
	group = group_of(flow, &key);
	if (turned && group->addresses[0] != group->addresses[1])
		c->flags |= CONNECTION_TURNED;
	c->group = (uint16_t)(group - flow->groups);
	group->ways[way_of(c, 0)].opened.connections += (c->flags & CONNECTION_FIRST) != 0;
}

void group_fold(struct flow *flow, const struct connection *c)
{
	struct flow_group *group = &flow->groups[c->group];
	const struct events *events = c->events ? pool_at(&flow->events, c->events - 1) : NULL;
	const struct side *server = &c->sides[1];
	struct flow_opening *opened = &group->ways[way_of(c, 0)].opened;

	for (unsigned i = 0; i < 2; i++) {
		struct flow_way *way = &group->ways[way_of(c, i)];

		way->packets += c->sides[i].packets;
		way->bytes += c->sides[i].bytes;
		way->payload += c->sides[i].payload;
		for (int n = 0; events && n < FLOW_COUNTS; n++)
			way->counts[n] += events->counts[i][n];
	}
	if (!(c->sides[0].flags & SIDE_SYN) || !(c->flags & CONNECTION_FIRST))
		return;
	opened->unanswered += !(server->flags & SIDE_SEEN);
	opened->refused += (server->flags & SIDE_RST) && !(server->flags & SIDE_SYN);
}

/* --- time series */

static void merge_bins(struct flow *flow, struct flow_bin *to, struct flow_bin *from)
{
	for (int i = 0; i < 2; i++) {
		to->ways[i].bytes += from->ways[i].bytes;
		to->ways[i].packets += from->ways[i].packets;
		to->ways[i].retransmissions += from->ways[i].retransmissions;
		to->ways[i].gaps += from->ways[i].gaps;
		if (!from->ways[i].rtt)
			continue;
		if (!to->ways[i].rtt) {
			to->ways[i].rtt = from->ways[i].rtt;
			continue;
		}
		histogram_merge(to->ways[i].rtt, from->ways[i].rtt);
		histogram_done(from->ways[i].rtt);
		free(from->ways[i].rtt);
		flow->histogram_count--;
	}
}

/* Merges pairs of adjacent bins, in all groups. */
static void double_bins(struct flow *flow)
{
	for (uint32_t g = 0; g < flow->group_count; g++) {
		struct flow_group *group = &flow->groups[g];

		struct flow_bin *bins;

		for (uint32_t i = 0; i < group->bin_count; i++) {
			struct flow_bin bin = group->bins[i];

			memset(&group->bins[i], 0, sizeof(bin));
			merge_bins(flow, &group->bins[i / 2], &bin);
		}
		if (group->bin_count <= BINS_MIN)
			continue;
		bins = realloc(group->bins, group->bin_count / 2 * sizeof(*bins));
		if (bins) {
			group->bins = bins;
			group->bin_count /= 2;
		}
	}
	flow->totals.bin_ns *= 2;
	flow->bin_end_ns = flow->bin_begin_ns; /* invalidates the cached bin */
}

/* Bounds memory: the more groups, the fewer bins each. */
static uint64_t bins_max(const struct flow *flow)
{
	uint64_t max = FLOW_BINS;

	for (uint32_t groups = flow->group_count; groups > FLOW_GROUPS + GROUPS_MANY; groups /= 2)
		max /= 2;
	return max;
}

/* The index of the current bin; it is cached, as most packets fall into the same one. */
static uint32_t bin_of_now(struct flow *flow)
{
	uint64_t since = (uint64_t)flow->now_ns - (uint64_t)flow->totals.first_ns;

	if (flow->now_ns >= flow->bin_begin_ns && flow->now_ns < flow->bin_end_ns)
		return flow->bin;
	if (flow->now_ns < flow->totals.first_ns)
		return 0;
	while (since / (uint64_t)flow->totals.bin_ns >= bins_max(flow))
		double_bins(flow);
	flow->bin = (uint32_t)(since / (uint64_t)flow->totals.bin_ns);
	flow->bin_begin_ns = flow->totals.first_ns + flow->bin * flow->totals.bin_ns;
	if (__builtin_add_overflow(flow->bin_begin_ns, flow->totals.bin_ns, &flow->bin_end_ns))
		flow->bin_end_ns = INT64_MAX;
	return flow->bin;
}

/* The group's current bin; NULL when out of memory. */
static struct flow_bin *bin_at(struct flow *flow, struct flow_group *group)
{
	uint32_t number = bin_of_now(flow), room = group->bin_count ? group->bin_count : BINS_MIN;
	struct flow_bin *bins;

	if (number < group->bin_count)
		return &group->bins[number];
	while (room <= number)
		room *= 2;
	bins = realloc(group->bins, room * sizeof(*bins));
	if (!bins) {
		flow->failed = true;
		return NULL;
	}
	memset(bins + group->bin_count, 0, (room - group->bin_count) * sizeof(*bins));
	group->bins = bins;
	group->bin_count = room;
	return &bins[number];
}

void series_packet(struct flow *flow, struct flow_group *group, unsigned way, uint32_t bytes)
{
	struct flow_bin *bin = bin_at(flow, group);

	if (!bin)
		return;
	bin->ways[way].bytes += bytes;
	bin->ways[way].packets++;
}

void series_retransmission(struct flow *flow, struct flow_group *group, unsigned way)
{
	struct flow_bin *bin = bin_at(flow, group);

	if (bin)
		bin->ways[way].retransmissions++;
}

void series_gap(struct flow *flow, struct flow_group *group, unsigned way)
{
	struct flow_bin *bin = bin_at(flow, group);

	if (bin)
		bin->ways[way].gaps++;
}

void series_rtt(struct flow *flow, struct flow_group *group, unsigned way, int64_t rtt_ns)
{
	struct flow_bin *bin = bin_at(flow, group);

	if (!bin)
		return;
	if (!bin->ways[way].rtt) {
		bin->ways[way].rtt = calloc(1, sizeof(*bin->ways[way].rtt));
		if (!bin->ways[way].rtt) {
			flow->failed = true;
			return;
		}
		bin->ways[way].rtt->bits = HISTOGRAM_COARSE;
		flow->histogram_count++;
	}
	if (!histogram_add(bin->ways[way].rtt, (uint64_t)rtt_ns))
		flow->failed = true;
	/* Bounds memory: too many histograms make the bins wider. */
	if (flow->histogram_count > BIN_HISTOGRAMS && flow->totals.bin_ns < INT64_MAX / 2)
		double_bins(flow);
}

void groups_done(struct flow *flow)
{
	for (uint32_t g = 0; g < flow->group_count; g++) {
		struct flow_group *group = &flow->groups[g];

		for (uint32_t i = 0; i < group->bin_count; i++)
			for (int w = 0; w < 2; w++)
				if (group->bins[i].ways[w].rtt) {
					histogram_done(group->bins[i].ways[w].rtt);
					free(group->bins[i].ways[w].rtt);
				}
		free(group->bins);
		for (int w = 0; w < 2; w++) {
			histogram_done(&group->ways[w].opened.handshake);
			histogram_done(&group->ways[w].rtt);
		}
	}
}
