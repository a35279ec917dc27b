// SPDX-License-Identifier: GPL-2.0-or-later
/* Detects silences longer than the class tolerates. */
#include "netsim/flow/flow_parts.h"

static void note_gap(struct flow *flow, const struct connection *c, unsigned side, bool whole)
{
	const struct side *from = &c->sides[side];
	struct flow_gap *gap;

	flow->totals.gaps++;
	if (flow->gap_count == FLOW_GAPS)
		return;
	gap = &flow->gaps[flow->gap_count++];
	gap->begin_ns = from->last_ns;
	gap->end_ns = flow->now_ns;
	gap->group = c->group;
	gap->way = (uint8_t)way_of(c, side);
	gap->whole = whole;
	gap->source_port = c->ports[side];
	gap->destination_port = c->ports[1 - side];
}

static bool is_gap(const struct flow *flow, int64_t last_ns, int64_t limit_ns)
{
	return flow->now_ns - last_ns > limit_ns;
}

/* Gaps count where packets are delivered; elsewhere a copy would count them again. */
static bool counts_here(const struct flow *flow, const struct connection *c, unsigned side)
{
	return !flow->copy || local_of(c) == (side ? FLOW_FIRST_LOCAL : FLOW_SECOND_LOCAL);
}

void gap_check(struct flow *flow, struct connection *c, unsigned side)
{
	struct flow_group *group = &flow->groups[c->group];
	unsigned number = way_of(c, side);
	struct flow_way *way = &group->ways[number];
	uint8_t ended = (c->sides[0].flags | c->sides[1].flags) & (SIDE_FIN | SIDE_RST);

	if (counts_here(flow, c, side) && (c->sides[side].flags & SIDE_SEEN) && !ended &&
	    is_gap(flow, c->sides[side].last_ns, group->gap_ns)) {
		bool whole = is_gap(flow, way->last_ns, group->gap_ns);

		way->silences += whole;
		note_gap(flow, c, side, whole);
		count_event(flow, c, side, FLOW_GAP_COUNT);
		series_gap(flow, group, number);
	}
	way->last_ns = flow->now_ns;
}
