// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/flow/histogram.h"

#include <stdlib.h>
#include <string.h>

/* Values below 2^bits have one bucket each; above, each power of two has 2^bits. */
static unsigned step_of(uint64_t value, unsigned bits)
{
	unsigned power;

	if (value < (1ULL << bits))
		return (unsigned)value;
	power = 63 - (unsigned)__builtin_clzll(value) - bits;
	return (power << bits) + (unsigned)(value >> power);
}

/* The middle of a bucket. */
static uint64_t value_of(unsigned step, unsigned bits)
{
	unsigned power;

	if (step < (2U << bits))
		return step;
	power = (step >> bits) - 1;
	return ((uint64_t)(step - (power << bits)) << power) + (1ULL << power) / 2;
}

static unsigned bits_of(const struct histogram *h)
{
	return h->bits ? h->bits : HISTOGRAM_FINE;
}

/* Extends steps[] to cover first to last, with a margin. */
static bool widen(struct histogram *h, unsigned first, unsigned last)
{
	unsigned margin = 1U << (bits_of(h) - 1);
	unsigned from = h->room ? h->first : first, to = h->room ? h->first + h->room - 1U : last;
	uint32_t *steps;

	if (first < from || !h->room)
		from = first > margin ? first - margin : 0;
	if (last > to || !h->room)
		to = last + margin;
	steps = calloc(to - from + 1, sizeof(*steps));
	if (!steps)
		return false;
	if (h->room)
		memcpy(steps + (h->first - from), h->steps, h->room * sizeof(*steps));
	free(h->steps);
	h->steps = steps;
	h->first = (uint16_t)from;
	h->room = (uint16_t)(to - from + 1);
	return true;
}

static bool add_step(struct histogram *h, unsigned step, uint32_t count)
{
	uint32_t *slot;

	if ((step < h->first || step - h->first >= h->room) && !widen(h, step, step))
		return false;
	slot = &h->steps[step - h->first];
	*slot = *slot > UINT32_MAX - count ? UINT32_MAX : *slot + count;
	return true;
}

bool histogram_add(struct histogram *h, uint64_t value)
{
	if (!h->count || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += (double)value;
	return add_step(h, step_of(value, bits_of(h)), 1);
}

bool histogram_merge(struct histogram *h, const struct histogram *from)
{
	if (!from->count)
		return true;
	if (!h->count || from->min < h->min)
		h->min = from->min;
	if (from->max > h->max)
		h->max = from->max;
	h->count += from->count;
	h->sum += from->sum;
	if (!from->room)
		return true;
	if ((!h->room || from->first < h->first || from->first + from->room > h->first + h->room) &&
	    !widen(h, from->first, from->first + from->room - 1U))
		return false;
	for (unsigned i = 0; i < from->room; i++)
		if (from->steps[i])
			add_step(h, from->first + i, from->steps[i]);
	return true;
}

uint64_t histogram_percentile(const struct histogram *h, double share)
{
	uint64_t total = 0, seen = 0, value;
	double wanted;

	for (unsigned i = 0; i < h->room; i++)
		total += h->steps[i];
	if (share <= 0 || !total)
		return h->min;
	if (share >= 1)
		return h->max;
	wanted = share * (double)total;
	for (unsigned i = 0; i < h->room; i++) {
		seen += h->steps[i];
		if (!h->steps[i] || (double)seen < wanted)
			continue;
		value = value_of(h->first + i, bits_of(h));
		return value < h->min ? h->min : value > h->max ? h->max : value;
	}
	return h->max;
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}

void histogram_done(struct histogram *h)
{
	free(h->steps);
	*h = (struct histogram) {.bits = h->bits};
}
