// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lines: a line is a number shared by the entries in which several views follow the same
 * connection. Connections of the same ends share a line until one begins with another initial
 * sequence number.
 */
#include <stdlib.h>

#include "netsim/flow/flow_parts.h"

#define LINES_FIRST 1024 /* slots */

struct line {
	uint64_t key;	 /* of the ends; 0: empty */
	uint32_t number; /* of the latest connection of these ends */
	uint32_t start;	 /* its initial sequence number; 0: its SYN was not seen */
};

static struct line *line_at(const struct lines *lines, uint64_t key)
{
	uint32_t i = (uint32_t)key & lines->mask;

	while (lines->slots[i].key && lines->slots[i].key != key)
		i = (i + 1) & lines->mask;
	return &lines->slots[i];
}

static bool grow(struct lines *lines)
{
	struct lines wider = *lines;

	wider.mask = lines->slots ? lines->mask * 2 + 1 : LINES_FIRST - 1;
	wider.slots = calloc((size_t)wider.mask + 1, sizeof(*wider.slots));
	if (!wider.slots)
		return false;
	for (uint32_t i = 0; lines->slots && i <= lines->mask; i++)
		if (lines->slots[i].key)
			*line_at(&wider, lines->slots[i].key) = lines->slots[i];
	free(lines->slots);
	*lines = wider;
	return true;
}

/* At the limit, forgets all: a view that sees an old connection later begins a new line. */
static bool make_room(struct lines *lines)
{
	if (lines->slots && lines->used < lines->max) {
		if (lines->used <= lines->mask / 2)
			return true;
		return grow(lines);
	}
	if (!lines->slots)
		return grow(lines);
	for (uint32_t i = 0; i <= lines->mask; i++)
		lines->slots[i].key = 0;
	lines->used = 0;
	return true;
}

void lines_done(struct lines *lines)
{
	free(lines->slots);
}

bool lines_join(struct lines *lines, const struct tuple *tuple, const struct packet *p,
		uint32_t *ret, bool *ret_first)
{
	bool syn = p->has_tcp && (p->tcp_flags & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN;
	uint64_t key = ends_key(tuple) | 1;
	struct line *line;

	if (!make_room(lines))
		return false;
	line = line_at(lines, key);
	*ret_first = !line->key || (syn && line->start != p->seq);
	if (*ret_first) {
		lines->used += !line->key;
		*line = (struct line) {key, ++lines->count, syn ? p->seq : 0};
	}
	*ret = line->number;
	return true;
}
