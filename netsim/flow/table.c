// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of connections and addresses, with eviction when they are full. */
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/flow_parts.h"
#include "netsim/util/array.h"

/* --- hashes */

static uint64_t mix(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15;
	value ^= value >> 32;
	return value * 0xd6e8feb86659fd93;
}

static uint64_t end_hash(const struct flow_address *address, uint16_t port)
{
	uint64_t upper = address->word[1];

	if (upper)
		upper = mix(upper);
	return mix(address->word[0] ^ upper ^ (uint64_t)port << 40);
}

/* Symmetric: the same for both directions. */
static uint64_t ends_hash(const struct flow_address *a, const struct flow_address *b,
			  const uint16_t ports[2], uint8_t protocol, uint16_t view)
{
	uint64_t hash = end_hash(a, ports[0]) + end_hash(b, ports[1]) + protocol +
			view * 0xc2b2ae3d27d4eb4f;

	return hash ^ hash >> 29;
}

uint64_t tuple_hash(const struct tuple *tuple)
{
	return ends_hash(&tuple->addresses[0], &tuple->addresses[1], tuple->ports, tuple->protocol,
			 tuple->view);
}

uint64_t ends_key(const struct tuple *t)
{
	return mix(ends_hash(&t->addresses[0], &t->addresses[1], t->ports, t->protocol, t->inner));
}

static const struct address *address_at(const struct flow *flow, uint32_t number)
{
	return pool_at(&flow->addresses, number);
}

static uint64_t connection_hash(const void *owner, uint32_t number)
{
	const struct flow *flow = owner;
	const struct connection *c = connection_at(flow, number);

	return ends_hash(&address_at(flow, c->addresses[0])->address,
			 &address_at(flow, c->addresses[1])->address, c->ports, c->protocol,
			 c->view);
}

static uint64_t address_hash(const void *owner, uint32_t number)
{
	return end_hash(&address_at(owner, number)->address, 0);
}

/* --- addresses */

static bool same_address(const struct flow_address *a, const struct flow_address *b)
{
	return a->word[0] == b->word[0] && a->word[1] == b->word[1];
}

static bool evict_one(struct flow *flow);

static struct address *new_address(struct flow *flow, uint32_t *ret)
{
	for (;;) {
		struct address *fresh;

		if (flow->free_address) {
			*ret = flow->free_address - 1;
			fresh = pool_at(&flow->addresses, *ret);
			flow->free_address = fresh->users;
			fresh->users = 0;
			return fresh;
		}
		fresh = pool_add(&flow->addresses, ret);
		if (fresh)
			return fresh;
		if (flow->addresses.count < flow->addresses.max || !evict_one(flow))
			return NULL;
	}
}

/* Interns the address and takes a reference. FLOW_NO_ADDRESS when out of memory, or not IP. */
uint32_t address_number(struct flow *flow, const struct flow_address *address, uint8_t version)
{
	const struct index *index = &flow->by_address;
	struct address *entry;
	uint32_t number;

	if (!version)
		return FLOW_NO_ADDRESS;
	for (uint32_t i = (uint32_t)end_hash(address, 0) & index->mask; index->slots[i];
	     i = (i + 1) & index->mask) {
		number = index_number(index, index->slots[i]);
		entry = pool_at(&flow->addresses, number);
		if (entry->version == version && same_address(&entry->address, address)) {
			entry->users++;
			return number;
		}
	}
	entry = new_address(flow, &number);
	if (!entry) {
		flow->failed = true;
		return FLOW_NO_ADDRESS;
	}
	entry->address = *address;
	entry->version = version;
	entry->users = 1;
	if (!index_add(&flow->by_address, number, address_hash, flow))
		flow->failed = true;
	return number;
}

static void address_release(struct flow *flow, uint32_t number)
{
	struct address *entry = pool_at(&flow->addresses, number);

	if (number == FLOW_NO_ADDRESS || --entry->users)
		return;
	index_remove(&flow->by_address, number, address_hash, flow);
	entry->users = flow->free_address;
	flow->free_address = number + 1;
}

/* --- segments in flight, and event counts */

static void flight_free(struct flow *flow, struct connection *c)
{
	struct flight *flight = flight_at(flow, c);

	flight->used = false;
	flight->owner = flow->free_flight;
	flow->free_flight = c->flight;
	c->flight = 0;
}

void flight_end(struct flow *flow, struct connection *c)
{
	if (c->flight)
		flight_free(flow, c);
}

/* Frees the flight of the next connection, round-robin, which then misses RTT samples. */
static void flight_steal(struct flow *flow)
{
	struct flight *flight;

	flow->flight_hand = (flow->flight_hand + 1) % flow->flights.count;
	flight = pool_at(&flow->flights, flow->flight_hand);
	if (flight->used)
		flight_free(flow, connection_at(flow, flight->owner));
}

struct flight *flight_of(struct flow *flow, struct connection *c)
{
	struct flight *flight;
	uint32_t number;

	if (c->flight)
		return flight_at(flow, c);
	if (!flow->free_flight) {
		flight = pool_add(&flow->flights, &number);
		if (flight) {
			flight->owner = 0;
			flow->free_flight = number + 1;
		} else if (flow->flights.count) {
			flight_steal(flow);
		}
	}
	if (!flow->free_flight)
		return NULL;
	c->flight = flow->free_flight;
	flight = flight_at(flow, c);
	flow->free_flight = flight->owner;
	flight->owner = c->number;
	flight->used = true;
	for (int i = 0; i < 2; i++)
		flight->sides[i].timed_count = flight->sides[i].hole_count = 0;
	return flight;
}

static bool events_new(struct flow *flow, struct connection *c)
{
	struct events *events;
	uint32_t number;

	/* Eviction must spare the connection that needs the element. */
	flow->pinned = c;
	while (!flow->free_events) {
		events = pool_add(&flow->events, &number);
		if (events)
			flow->free_events = number + 1;
		else if (flow->events.count < flow->events.max || !evict_one(flow))
			break;
	}
	flow->pinned = NULL;
	if (!flow->free_events)
		return false;
	c->events = flow->free_events;
	events = pool_at(&flow->events, c->events - 1);
	flow->free_events = events->next_free;
	memset(events, 0, sizeof(*events));
	return true;
}

void count_event(struct flow *flow, struct connection *c, unsigned side, enum flow_count what)
{
	struct events *events;

	/* Out of memory: count it in the group only. */
	if (!c->events && !events_new(flow, c)) {
		flow->groups[c->group].ways[way_of(c, side)].counts[what]++;
		flow->failed = true;
		return;
	}
	events = pool_at(&flow->events, c->events - 1);
	events->counts[side][what]++;
}

/* --- connections */

/* Whether a packet of this side, sent or delivered here, fits the connection's local end. */
static bool same_local(const struct connection *c, uint8_t seen, unsigned side)
{
	unsigned local = seen == PACKET_UNSEEN ? FLOW_NOWHERE :
			 seen == PACKET_SENT   ? side :
						 1 - side;

	return local == local_of(c);
}

/* Returns the side that sent the packet, or -1 for another connection. */
static int match(const struct flow *flow, const struct connection *c, const struct tuple *t)
{
	bool forth = c->ports[0] == t->ports[0] && c->ports[1] == t->ports[1];
	bool back = c->ports[0] == t->ports[1] && c->ports[1] == t->ports[0];
	const struct flow_address *a, *b;

	if ((!forth && !back) || c->protocol != t->protocol || c->version != t->version ||
	    c->view != t->view || !(c->flags & CONNECTION_INNER) != !t->inner)
		return -1;
	if (forth && !same_local(c, t->seen, 0))
		forth = false;
	if (back && !same_local(c, t->seen, 1))
		back = false;
	a = &address_at(flow, c->addresses[0])->address;
	b = &address_at(flow, c->addresses[1])->address;
	if (forth && same_address(a, &t->addresses[0]) && same_address(b, &t->addresses[1]))
		return 0;
	if (back && same_address(a, &t->addresses[1]) && same_address(b, &t->addresses[0]))
		return 1;
	return -1;
}

struct connection *table_find(struct flow *flow, const struct tuple *tuple, unsigned *ret_side)
{
	const struct index *index = &flow->by_tuple;
	uint64_t hash = tuple_hash(tuple);
	uint32_t tag = (uint32_t)(hash >> 32) >> index->bits;

	for (uint32_t i = (uint32_t)hash & index->mask; index->slots[i];
	     i = (i + 1) & index->mask) {
		struct connection *c;
		int side;

		if (index->slots[i] >> index->bits != tag)
			continue;
		c = connection_at(flow, index_number(index, index->slots[i]));
		side = match(flow, c, tuple);
		if (side >= 0) {
			*ret_side = (unsigned)side;
			return c;
		}
	}
	return NULL;
}

void table_retire(struct flow *flow, struct connection *c)
{
	index_remove(&flow->by_tuple, c->number, connection_hash, flow);
	c->flags |= CONNECTION_OLD;
	flight_end(flow, c);
}

static void evict(struct flow *flow, uint32_t number)
{
	struct connection *c = connection_at(flow, number);

	group_fold(flow, c);
	flow->totals.folded++;
	if (!(c->flags & CONNECTION_OLD))
		index_remove(&flow->by_tuple, number, connection_hash, flow);
	flight_end(flow, c);
	if (c->events) {
		struct events *events = pool_at(&flow->events, c->events - 1);

		events->next_free = flow->free_events;
		flow->free_events = c->events;
	}
	for (int i = 0; i < 2; i++)
		address_release(flow, c->addresses[i]);
	memset(c, 0, sizeof(*c));
	c->number = flow->free_connection;
	flow->free_connection = number + 1;
}

/* CLOCK eviction: evicts the next connection whose reference bit is clear. */
static bool evict_one(struct flow *flow)
{
	uint32_t count = flow->connections.count;

	for (uint64_t steps = 0; steps < 2ULL * count; steps++) {
		struct connection *c;

		flow->hand = (flow->hand + 1) % count;
		c = connection_at(flow, flow->hand);
		if (!(c->flags & CONNECTION_USED) || c == flow->pinned)
			continue;
		if (c->flags & CONNECTION_RECENT) {
			c->flags &= (uint16_t)~CONNECTION_RECENT;
			continue;
		}
		evict(flow, flow->hand);
		return true;
	}
	return false;
}

static struct connection *free_connection(struct flow *flow, uint32_t *ret)
{
	struct connection *c;

	if (!flow->free_connection) {
		c = pool_add(&flow->connections, ret);
		if (c)
			return c;
		if (!flow->connections.count || !evict_one(flow))
			return NULL;
	}
	*ret = flow->free_connection - 1;
	c = connection_at(flow, *ret);
	flow->free_connection = c->number;
	return c;
}

struct connection *table_new(struct flow *flow, const struct tuple *tuple)
{
	uint32_t addresses[2], number;
	struct connection *c;

	/* Intern the addresses first: that may evict a connection. */
	for (int i = 0; i < 2; i++)
		addresses[i] = address_number(flow, &tuple->addresses[i], tuple->version);
	c = free_connection(flow, &number);
	if (!c) {
		flow->failed = true;
		return NULL;
	}
	c->number = number;
	memcpy(c->addresses, addresses, sizeof(addresses));
	memcpy(c->ports, tuple->ports, sizeof(c->ports));
	c->version = (unsigned)tuple->version & 15U;
	c->protocol = tuple->protocol;
	c->view = tuple->view;
	c->flags = (uint16_t)(CONNECTION_USED | (tuple->inner ? CONNECTION_INNER : 0));
	if (tuple->seen)
		c->flags |=
			tuple->seen == PACKET_SENT ? CONNECTION_AT_CLIENT : CONNECTION_AT_SERVER;
	if (!index_add(&flow->by_tuple, number, connection_hash, flow)) {
		c->flags |= CONNECTION_OLD;
		flow->failed = true;
	}
	flow->totals.connections++;
	return c;
}
