/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netsim/probe/sent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"

void sent_turn(struct sent *s, double begin, double end, const uint32_t *sent)
{
	struct sent_turn *turn = array_push(s->turns, s->turn_count);

	if (!turn) {
		s->incomplete = true;
		return;
	}
	turn->begin = begin;
	turn->end = end;
	memcpy(turn->sent, sent, sizeof(turn->sent));
}

void sent_counts(struct sent *s, size_t lane, uint32_t seq)
{
	struct sent_span *span = &s->spans[lane];

	if (!span->any || seq < span->first)
		span->first = seq;
	if (!span->any || seq > span->last)
		span->last = seq;
	span->any = true;
}

/* Returns the turn that sent a packet, or NULL if none did. */
static const struct sent_turn *turn_of(const struct sent *s, size_t lane, uint32_t seq)
{
	size_t low = 0, high = s->turn_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->turns[middle].sent[lane] > seq)
			high = middle;
		else
			low = middle + 1;
	}
	return low < s->turn_count ? &s->turns[low] : NULL;
}

double sent_rate(const struct sent *s)
{
	double from = INFINITY, to = 0, count = 0;

	for (size_t i = 0; i < PROBE_LANES; i++) {
		const struct sent_span *span = &s->spans[i];
		const struct sent_turn *first, *last;

		if (!span->any)
			continue;
		first = turn_of(s, i, span->first);
		last = turn_of(s, i, span->last);
		if (!first || !last)
			return 0;
		from = fmin(from, first->begin);
		to = fmax(to, last->end);
		count += span->last - span->first;
	}
	return !s->incomplete && to > from ? count / (to - from) : 0;
}

void sent_done(struct sent *s)
{
	free(s->turns);
	*s = (struct sent) {0};
}
