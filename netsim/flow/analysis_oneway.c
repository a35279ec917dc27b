// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of packets matched between where they are sent and where they are delivered. */
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/analysis_parts.h"

#define SERIES_ROWS 64

static bool fill_bins(const struct oneway_row *from, size_t count, struct netsim_one_way *to)
{
	to->bins = calloc(count + 1, sizeof(*to->bins));
	for (size_t i = 0; to->bins && i < count && i < from->bin_count; i++) {
		const struct oneway_bin *bin = &from->bins[i];

		to->bins[i] = (struct netsim_one_way_bin) {
			.delivered = bin->delivered,
			.lost = bin->lost,
			.delay_mean_ns =
				bin->delivered ? (int64_t)(bin->delay_sum / bin->delivered) : 0,
			.delay_max_ns = (int64_t)bin->delay_max,
		};
	}
	return to->bins != NULL;
}

static bool fill_row(struct builder *b, const struct oneway_row *from, struct netsim_one_way *to)
{
	const char *ends[2] = {builder_view_name(b, from->from), builder_view_name(b, from->to)};

	*to = (struct netsim_one_way) {
		.class_name = builder_class_name(b, from->class),
		.sent = from->delivered + from->lost + from->in_flight,
		.delivered = from->delivered,
		.lost = from->lost,
		.in_flight = from->in_flight,
		.duplicated = from->duplicated,
		.reordered = from->reordered,
		.jitter_ns = from->deviation,
	};
	builder_fill_rtt(&from->delay, &to->delay);
	to->from = ends[0] ? builder_keep(b, ends[0]) : NULL;
	to->to = ends[1] ? builder_keep(b, ends[1]) : NULL;
	return !to->from == !ends[0] && !to->to == !ends[1];
}

static int compare(const void *a, const void *b)
{
	const struct oneway_row *const *x = a, *const *y = b;
	uint64_t p = (*x)->delivered + (*x)->lost, q = (*y)->delivered + (*y)->lost;

	return p != q ? (p < q ? 1 : -1) : (*x > *y) - (*x < *y);
}

bool builder_one_way(struct builder *b, const struct oneway *oneway)
{
	struct analysis *ret = b->ret;
	struct oneway_totals totals;
	const struct oneway_row *rows, **order;
	size_t count = oneway_rows(oneway, &rows);
	bool good;

	oneway_totals(oneway, &totals);
	ret->unobserved = totals.unobserved;
	ret->unmatched = totals.unmatched;
	ret->one_way_first_ns = totals.first_ns;
	ret->one_way_bin_ns = totals.bin_ns;
	ret->one_way_bin_count = totals.bin_count;
	ret->one_way = calloc(count + 1, sizeof(*ret->one_way));
	order = calloc(count + 1, sizeof(*order));
	good = ret->one_way && order;
	for (size_t i = 0; good && i < count; i++)
		order[i] = &rows[i];
	if (good)
		qsort(order, count, sizeof(struct oneway_row *), compare);
	for (size_t i = 0; good && i < count; i++) {
		struct netsim_one_way *row = &ret->one_way[ret->one_way_count];

		if (!builder_wants_row(b, builder_view_name(b, order[i]->from),
				       builder_view_name(b, order[i]->to)))
			continue;
		good = fill_row(b, order[i], row);
		if (good && ret->one_way_count < SERIES_ROWS)
			good = fill_bins(order[i], totals.bin_count, row);
		ret->one_way_count++;
	}
	free(order);
	return good;
}
