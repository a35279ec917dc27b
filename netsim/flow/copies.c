// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/flow/copies.h"

#include <stdlib.h>
#include <string.h>

#include "netsim/flow/oneway_parts.h"

#define PLACES_MAX 5
/* Bounds the work if many packets have the same bytes. */
#define CANDIDATES_MAX 64
/*
 * Upper bound of the delay of a copy. If the same bytes were sent several times: LATE_FACTOR
 * times the longest delay of an unambiguous copy, but at least LATE_NS.
 */
#define COPY_NS	    10000000000
#define LATE_FACTOR 2
#define LATE_NS	    10000000
/*
 * The same between two devices of one host, which are one place in a cooked capture without
 * interface numbers.
 */
#define SAME_HOST_NS 100000

/* A transmission, at the place where it was seen first. */
struct transmission {
	struct oneway_digest digest;
	int64_t time_ns;
	uint32_t before; /* ring position + 1 of the previous one in the slot; 0: none */
	uint16_t place;
	uint16_t sender; /* of the Ethernet source address; 0: none */
	uint8_t seen, hops;
	uint8_t place_count;
	bool repeated;		     /* another one has the same digest */
	uint16_t places[PLACES_MAX]; /* others, with the same direction and as many hops left */
};

struct copies {
	struct transmission *ring;
	uint32_t mask;	 /* ring size - 1 */
	uint64_t next;	 /* serial number of the next one */
	uint32_t *slots; /* ring position + 1, by digest; twice the ring size */
	int64_t certain_ns;
};

struct copies *copies_new(uint32_t packets)
{
	uint32_t room = packets ? packets : COPIES_PACKETS;
	struct copies *copies = calloc(1, sizeof(*copies));

	if (!copies)
		return NULL;
	copies->mask = room - 1;
	copies->ring = calloc(room, sizeof(*copies->ring));
	copies->slots = calloc(2 * (size_t)room, sizeof(*copies->slots));
	if (copies->ring && copies->slots)
		return copies;
	copies_free(copies);
	return NULL;
}

void copies_free(struct copies *copies)
{
	if (!copies)
		return;
	free(copies->ring);
	free(copies->slots);
	free(copies);
}

static uint16_t place_of(const struct packet *p)
{
	return (uint16_t)((p->view & PACKET_VIEW_COOKED) | (p->view & 0x1fff) << 2 | p->seen);
}

static uint16_t sender_of(const struct packet *p)
{
	uint16_t parts[3];

	if (!p->mac)
		return 0;
	memcpy(parts, p->mac + 6, sizeof(parts));
	return (uint16_t)(parts[0] ^ parts[1] ^ parts[2] ^ 1);
}

static bool is_at(const struct transmission *t, uint16_t place)
{
	for (int i = 0; i < t->place_count; i++)
		if (t->places[i] == place)
			return true;
	return t->place == place;
}

/* Order on the way: sent, unknown, delivered. */
static int rank(uint8_t seen)
{
	return seen == PACKET_SENT ? 2 : seen == PACKET_DELIVERED ? 0 : 1;
}

/* Whether the new packet is farther on its way than the transmission was. */
static bool is_farther(const struct transmission *t, const struct transmission *new)
{
	return new->hops < t->hops || (new->hops == t->hops &&rank(new->seen) < rank(t->seen));
}

static bool is_late(const struct copies *copies, const struct transmission *t, int64_t age)
{
	int64_t limit = COPY_NS;

	if (t->repeated && copies->certain_ns)
		limit = copies->certain_ns * LATE_FACTOR;
	return age > (limit > LATE_NS ? limit : LATE_NS);
}

/* Whether the new packet is a copy of this transmission. */
static bool is_copy(struct copies *copies, struct transmission *t, const struct transmission *new,
		    bool cooked)
{
	int64_t age = new->time_ns - t->time_ns;

	if (t->place == new->place)
		return cooked && age <= SAME_HOST_NS;
	if (age < 0 || is_late(copies, t, age))
		return false;
	if (!is_farther(t, new)) {
		/* An address that moved: another node sends from it. */
		if (new->hops == t->hops && rank(new->seen) == 2 && rank(t->seen) == 2 &&
		    new->sender && t->sender &&new->sender != t->sender)
			return false;
		if (is_at(t, new->place))
			return false;
		if (t->place_count < PLACES_MAX)
			t->places[t->place_count++] = new->place;
	}
	if (!t->repeated && age > copies->certain_ns)
		copies->certain_ns = age;
	return true;
}

/* The position of an older entry of the chain; false if it has been reused. */
static bool is_older(const struct copies *copies, uint32_t position, uint64_t *serial)
{
	uint64_t older = *serial - 1 - ((*serial - 1 - (position - 1)) & copies->mask);

	if (older >= *serial || copies->next - older > copies->mask)
		return false;
	*serial = older;
	return true;
}

bool copies_add(struct copies *copies, const struct packet *p, int64_t time_ns)
{
	struct transmission new = {.time_ns = time_ns,
				   .place = place_of(p),
				   .sender = sender_of(p),
				   .seen = p->seen,
				   .hops = p->hops};
	uint64_t serial = copies->next;
	uint32_t *slot, steps = 0, position;

	/* Without a network layer there are no bytes to compare. */
	if (!p->network)
		return false;
	oneway_digest(p, &new.digest);
	slot = &copies->slots[new.digest.word[0] & (2 * (uint64_t)copies->mask + 1)];
	for (position = *slot; position && steps++ < CANDIDATES_MAX;) {
		struct transmission *t = &copies->ring[position - 1];

		if (!serial || !is_older(copies, position, &serial))
			break;
		if (t->digest.word[0] == new.digest.word[0] &&
		    t->digest.word[1] == new.digest.word[1]) {
			new.repeated = true;
			if (is_copy(copies, t, &new, p->cooked))
				return true;
			t->repeated = true;
		}
		position = t->before;
	}
	new.before = *slot;
	position = (uint32_t)(copies->next++ & copies->mask);
	copies->ring[position] = new;
	*slot = position + 1;
	return false;
}
