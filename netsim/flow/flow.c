// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/flow/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/copies.h"
#include "netsim/flow/flow_parts.h"

#define BIN_FIRST_NS 1000000
#define TIME_MAX     (INT64_MAX / 2) /* in the year 2116 */

/*
 * Sizes of the other pools, as divisors of the limit of connections, so that all fit into
 * 256 MiB.
 */
#define SHARE_ADDRESSES 2 /* one for every two connections */
#define SHARE_EVENTS	6
#define SHARE_FLIGHTS	64
#define SHARE_MIN	1024

static uint32_t share(uint32_t connections, uint32_t divisor)
{
	return connections / divisor > SHARE_MIN ? connections / divisor : SHARE_MIN;
}

static bool flow_init(struct flow *flow, const struct class_set *classes, uint32_t connections)
{
	uint32_t number;

	flow->classes = classes;
	flow->connections = (struct pool) {.size = sizeof(struct connection), .max = connections};
	flow->addresses = (struct pool) {.size = sizeof(struct address),
					 .max = share(connections, SHARE_ADDRESSES)};
	flow->flights = (struct pool) {.size = sizeof(struct flight),
				       .max = share(connections, SHARE_FLIGHTS)};
	flow->events = (struct pool) {.size = sizeof(struct events),
				      .max = share(connections, SHARE_EVENTS)};
	flow->totals.bin_ns = BIN_FIRST_NS;
	flow->lines.max = connections;
	flow->classifier = flow_classifier_new(classes);
	flow->groups = calloc(FLOW_GROUPS_VIEWS + GROUPS_MANY, sizeof(*flow->groups));
	flow->group_slots = calloc(GROUP_SLOTS, sizeof(*flow->group_slots));
	flow->gaps = calloc(FLOW_GAPS, sizeof(*flow->gaps));
	return flow->classifier && flow->groups && flow->group_slots && flow->gaps &&
	       index_init(&flow->by_tuple, connections) &&
	       index_init(&flow->by_address, flow->addresses.max) &&
	       /* FLOW_NO_ADDRESS */
	       pool_add(&flow->addresses, &number);
}

int flow_new(const struct class_set *classes, uint32_t connections, struct flow **ret,
	     struct netsim_err *err)
{
	struct flow *flow = calloc(1, sizeof(*flow));

	if (!flow || !flow_init(flow, classes, connections ? connections : FLOW_CONNECTIONS)) {
		flow_free(flow);
		return err_oom(err);
	}
	*ret = flow;
	return 0;
}

void flow_free(struct flow *flow)
{
	if (!flow)
		return;
	if (flow->groups)
		groups_done(flow);
	pool_done(&flow->connections);
	pool_done(&flow->addresses);
	pool_done(&flow->flights);
	pool_done(&flow->events);
	free(flow->by_tuple.slots);
	free(flow->by_address.slots);
	copies_free(flow->copies);
	lines_done(&flow->lines);
	flow_classifier_free(flow->classifier);
	free(flow->groups);
	free(flow->group_slots);
	free(flow->gaps);
	free(flow);
}

/* --- packets */

static void read_address(const uint8_t *at, uint8_t version, struct flow_address *ret)
{
	uint32_t word;

	if (version == 6) {
		memcpy(ret, at, sizeof(*ret));
		return;
	}
	memcpy(&word, at, sizeof(word));
	ret->word[0] = word;
	ret->word[1] = 0;
}

/* Non-IP packets use the ethertype in place of ports. */
static void read_tuple(const struct packet *p, bool inner, struct tuple *ret)
{
	ret->inner = inner;
	ret->view = p->view;
	ret->seen = p->seen;
	ret->protocol = p->protocol;
	ret->version = p->version ? p->version : p->source ? 4 : 0;
	ret->ports[0] = p->version ? p->source_port : p->ethertype;
	ret->ports[1] = p->version ? p->destination_port : p->ethertype;
	if (ret->version) {
		read_address(p->source, ret->version, &ret->addresses[0]);
		read_address(p->destination, ret->version, &ret->addresses[1]);
	} else {
		memset(ret->addresses, 0, sizeof(ret->addresses));
	}
}

/*
 * Guesses whether the sender is the client: a SYN decides; TCP without one, the higher
 * port; otherwise the first sender is the client.
 */
static bool is_client(const struct packet *p)
{
	if (!p->has_tcp)
		return true;
	if (p->tcp_flags & PACKET_SYN)
		return !(p->tcp_flags & PACKET_ACK);
	return p->source_port >= p->destination_port;
}

/* Without views each connection counts; with views the first of its line. */
static bool join_line(struct flow *flow, struct connection *c, const struct tuple *tuple,
		      const struct packet *p)
{
	bool first = true, good = true;

	if (p->view || p->seen)
		good = lines_join(&flow->lines, tuple, p, &c->line, &first);
	c->flags |= first ? CONNECTION_FIRST : 0;
	return good;
}

static struct connection *open_connection(struct flow *flow, const struct packet *p,
					  struct tuple *tuple, unsigned *ret_side)
{
	struct connection *c;

	*ret_side = is_client(p) ? 0 : 1;
	if (*ret_side) {
		struct tuple turned = *tuple;

		for (int i = 0; i < 2; i++) {
			tuple->addresses[i] = turned.addresses[1 - i];
			tuple->ports[i] = turned.ports[1 - i];
		}
		if (tuple->seen)
			tuple->seen = tuple->seen == PACKET_SENT ? PACKET_DELIVERED : PACKET_SENT;
	}
	c = table_new(flow, tuple);
	if (!c)
		return NULL;
	c->first_ns = flow->now_ns;
	c->handshake_ns = -1;
	c->vlan = (unsigned)p->vlan & 0xfffU;
	if (!join_line(flow, c, tuple, p))
		flow->failed = true;
	group_join(flow, c, flow_classify(flow->classifier, p));
	return c;
}

/* A SYN with another initial sequence number: the ports are reused. */
static bool begins_anew(const struct connection *c, unsigned side, const struct packet *p)
{
	return p->has_tcp && (p->tcp_flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN &&
	       (c->sides[side].flags & SIDE_BASE) && c->bases[side] != p->seq;
}

static bool add_one(struct flow *flow, const struct packet *p, bool inner)
{
	struct tuple tuple;
	struct connection *c;
	struct flow_group *group;
	struct side *from;
	unsigned side;

	read_tuple(p, inner, &tuple);
	c = table_find(flow, &tuple, &side);
	if (c && begins_anew(c, side, p)) {
		table_retire(flow, c);
		c = NULL;
	}
	/*
	 * The second packet sets the reference bit, so that port scans cannot flush the
	 * table.
	 */
	if (c)
		c->flags |= CONNECTION_RECENT;
	else
		c = open_connection(flow, p, &tuple, &side);
	if (!c)
		return false;
	group = &flow->groups[c->group];
	from = &c->sides[side];
	if (p->seen && p->hops > group->ways[way_of(c, side)].hops)
		group->ways[way_of(c, side)].hops = p->hops;
	if (group->gap_ns)
		gap_check(flow, c, side);
	group->ways[way_of(c, side)].captured++;
	if (!flow->copy) {
		from->packets++;
		from->bytes += p->length;
		from->payload += p->payload;
	}
	if (p->has_tcp)
		tcp_packet(flow, c, side, p);
	from->flags |= SIDE_SEEN;
	from->last_ns = flow->now_ns;
	if (!flow->copy)
		series_packet(flow, group, way_of(c, side), p->length);
	return true;
}

/* Copies to remember: fewer in a small table, a power of two. */
static uint32_t copies_room(uint32_t connections)
{
	uint32_t room = COPIES_PACKETS / 8;

	while (room < COPIES_PACKETS && room < connections / 2)
		room *= 2;
	return room;
}

/* Without views there is only one vantage point, so every packet counts. */
static void find_copy(struct flow *flow, const struct packet *packet)
{
	flow->copy = false;
	if (!packet->view && !packet->seen)
		return;
	if (!flow->copies)
		flow->copies = copies_new(copies_room(flow->connections.max));
	if (!flow->copies) {
		flow->failed = true;
		return;
	}
	flow->copy = copies_add(flow->copies, packet, flow->now_ns);
	flow->totals.copies += flow->copy;
}

bool flow_add(struct flow *flow, const struct packet *packet, int64_t time_ns)
{
	struct flow_totals *totals = &flow->totals;
	struct packet inner;

	/* Clamp times of damaged files; differences of times then cannot overflow. */
	if (time_ns < 0 || time_ns > TIME_MAX)
		time_ns = time_ns < 0 ? 0 : TIME_MAX;
	if (!totals->packets)
		totals->first_ns = totals->last_ns = time_ns;
	totals->packets++;
	totals->bytes += packet->length;
	totals->unordered += time_ns < flow->now_ns && totals->packets > 1;
	if (time_ns > totals->last_ns)
		totals->last_ns = time_ns;
	flow->now_ns = time_ns;
	find_copy(flow, packet);
	if (!add_one(flow, packet, false))
		flow->failed = true;
	if (packet->inner && packet_inner(packet, &inner)) {
		inner.view = packet->view;
		inner.seen = packet->seen;
		totals->inner++;
		if (!add_one(flow, &inner, true))
			flow->failed = true;
	}
	return !flow->failed;
}

/* --- results */

void flow_finish(struct flow *flow)
{
	if (flow->finished)
		return;
	flow->finished = true;
	for (uint32_t i = 0; i < flow->connections.count; i++) {
		const struct connection *c = connection_at(flow, i);

		if (c->flags & CONNECTION_USED)
			group_fold(flow, c);
	}
}

size_t flow_groups(const struct flow *flow, const struct flow_group **ret)
{
	*ret = flow->groups;
	return flow->group_count;
}

const struct flow_address *flow_address(const struct flow *flow, uint32_t number,
					uint8_t *ret_version)
{
	const struct address *address = pool_at(&flow->addresses, number);

	*ret_version = address->version;
	return &address->address;
}

uint32_t flow_connections(const struct flow *flow)
{
	return flow->connections.count;
}

uint64_t flow_connection_bytes(const struct flow *flow, uint32_t number)
{
	const struct connection *c = connection_at(flow, number);

	return c->sides[0].bytes + c->sides[1].bytes;
}

static void summarize_side(const struct flow *flow, const struct connection *c, unsigned i,
			   struct flow_summary *ret)
{
	const struct side *side = &c->sides[i];

	ret->sides[i].packets = side->packets;
	ret->sides[i].bytes = side->bytes;
	ret->sides[i].payload = side->payload;
	ret->sides[i].rtt_count = side->rtt_count;
	ret->sides[i].rtt_min = (int64_t)side->rtt_min * RTT_UNIT;
	ret->sides[i].rtt_max = (int64_t)side->rtt_max * RTT_UNIT;
	if (side->rtt_count)
		ret->sides[i].rtt_mean = (double)side->rtt_sum / side->rtt_count;
	if (c->events) {
		const struct events *events = pool_at(&flow->events, c->events - 1);

		for (int n = 0; n < FLOW_COUNTS; n++)
			ret->sides[i].counts[n] = events->counts[i][n];
	}
	if (side->last_ns > ret->last_ns && side->flags & SIDE_SEEN)
		ret->last_ns = side->last_ns;
}

bool flow_summary(const struct flow *flow, uint32_t number, struct flow_summary *ret)
{
	const struct connection *c = connection_at(flow, number);
	const struct side *client = &c->sides[0], *server = &c->sides[1];

	if (!(c->flags & CONNECTION_USED))
		return false;
	*ret = (struct flow_summary) {
		.group = c->group,
		.first_way = (uint8_t)way_of(c, 0),
		.version = c->version,
		.protocol = c->protocol,
		.vlan = c->vlan,
		.line = c->line,
		.first = c->flags & CONNECTION_FIRST,
		.first_ns = c->first_ns,
		.last_ns = c->first_ns,
		.handshake_ns = c->flags & CONNECTION_OPENED ? c->handshake_ns : -1,
		.syn = client->flags & SIDE_SYN,
		.answered = server->flags & SIDE_SEEN,
		.refused = (server->flags & SIDE_RST) && !(server->flags & SIDE_SYN),
		.closed = (client->flags | server->flags) & (SIDE_FIN | SIDE_RST),
	};
	memcpy(ret->ports, c->ports, sizeof(ret->ports));
	for (unsigned i = 0; i < 2; i++) {
		ret->addresses[i] = c->addresses[i];
		summarize_side(flow, c, i, ret);
	}
	return true;
}

void flow_totals(const struct flow *flow, struct flow_totals *ret)
{
	*ret = flow->totals;
}

size_t flow_gaps(const struct flow *flow, const struct flow_gap **ret)
{
	*ret = flow->gaps;
	return flow->gap_count;
}
