// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows: figures per class, sender and receiver, and their time series. */
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/oneway_parts.h"

#define BINS_MIN 8

static struct oneway_row *find_row(struct oneway *o, uint16_t from, uint16_t to, uint8_t class,
				   uint32_t *ret_slot)
{
	uint64_t key = (uint64_t)from << 32 | (uint64_t)to << 16 | class;
	uint32_t i = (uint32_t)oneway_mix(key, key) % ROW_SLOTS;

	for (; o->row_slots[i]; i = (i + 1) % ROW_SLOTS) {
		struct oneway_row *row = &o->rows[o->row_slots[i] - 1];

		if (row->from == from && row->to == to && row->class == class)
			return row;
	}
	*ret_slot = i;
	return NULL;
}

static struct oneway_row *row_of(struct oneway *o, const struct sent_packet *s, uint16_t to)
{
	uint16_t from = s->from;
	uint32_t slot;
	struct oneway_row *row = find_row(o, from, to, s->class, &slot);

	if (!row && o->row_count >= ONEWAY_ROWS) {
		from = to = ONEWAY_MANY;
		row = find_row(o, from, to, s->class, &slot);
	}
	if (row)
		return row;
	row = &o->rows[o->row_count++];
	o->row_slots[slot] = o->row_count;
	row->from = from;
	row->to = to;
	row->class = s->class;
	return row;
}

/* --- time series */

/* Saturates: a capture can hold arbitrary times. */
static uint64_t sum_of(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void double_bins(struct oneway *o)
{
	for (uint32_t r = 0; r < o->row_count; r++) {
		struct oneway_row *row = &o->rows[r];

		for (uint32_t i = 0; i < row->bin_count; i++) {
			struct oneway_bin bin = row->bins[i], *to = &row->bins[i / 2];

			memset(&row->bins[i], 0, sizeof(bin));
			to->delivered += bin.delivered;
			to->lost += bin.lost;
			to->delay_sum = sum_of(to->delay_sum, bin.delay_sum);
			if (bin.delay_max > to->delay_max)
				to->delay_max = bin.delay_max;
		}
	}
	o->totals.bin_ns *= 2;
}

/* The bin of the time of sending; NULL when out of memory. */
static struct oneway_bin *bin_of(struct oneway *o, struct oneway_row *row, int64_t time_ns)
{
	uint64_t since = (uint64_t)(time_ns - o->totals.first_ns);
	uint32_t number, room = row->bin_count ? row->bin_count : BINS_MIN;
	struct oneway_bin *bins;

	while (since / (uint64_t)o->totals.bin_ns >= ONEWAY_BINS)
		double_bins(o);
	number = (uint32_t)(since / (uint64_t)o->totals.bin_ns);
	if (number < row->bin_count)
		return &row->bins[number];
	while (room <= number)
		room *= 2;
	bins = realloc(row->bins, room * sizeof(*bins));
	if (!bins) {
		o->failed = true;
		return NULL;
	}
	memset(bins + row->bin_count, 0, (room - row->bin_count) * sizeof(*bins));
	row->bins = bins;
	row->bin_count = room;
	return &bins[number];
}

/* --- events */

uint64_t row_certain(struct oneway *o, const struct sent_packet *s, uint16_t to)
{
	uint32_t slot;
	const struct oneway_row *row = find_row(o, s->from, to, s->class, &slot);

	return row ? row->certain_ns : 0;
}

void row_delivered(struct oneway *o, const struct sent_packet *s, uint64_t serial, uint16_t to,
		   bool unambiguous)
{
	struct oneway_row *row = row_of(o, s, to);
	struct oneway_bin *bin = bin_of(o, row, s->time_ns);
	uint64_t delay = o->now_ns > s->time_ns ? (uint64_t)(o->now_ns - s->time_ns) : 0;
	double off = (double)delay - row->mean;

	row->delivered++;
	if (serial < row->highest)
		row->reordered++;
	else
		row->highest = serial;
	if (!histogram_add(&row->delay, delay))
		o->failed = true;
	row->mean += off / (double)row->delivered;
	row->squares += off * ((double)delay - row->mean);
	if (unambiguous && delay > row->certain_ns)
		row->certain_ns = delay;
	if (row->certain_ns > o->certain_ns)
		o->certain_ns = row->certain_ns;
	if (delay > o->longest_ns)
		o->longest_ns = delay;
	if (!bin)
		return;
	bin->delivered++;
	bin->delay_sum = sum_of(bin->delay_sum, delay);
	if (delay > bin->delay_max)
		bin->delay_max = delay;
}

void row_duplicated(struct oneway *o, const struct sent_packet *s, uint16_t to)
{
	row_of(o, s, to)->duplicated++;
}

void row_undelivered(struct oneway *o, const struct sent_packet *s, uint16_t to)
{
	struct oneway_row *row = row_of(o, s, to);
	uint64_t longest = row->delay.count ? row->delay.max : o->longest_ns;
	struct oneway_bin *bin;

	if ((uint64_t)(o->now_ns - s->time_ns) < longest) {
		row->in_flight++;
		return;
	}
	row->lost++;
	bin = bin_of(o, row, s->time_ns);
	if (bin)
		bin->lost++;
}
