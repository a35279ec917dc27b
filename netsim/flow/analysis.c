// SPDX-License-Identifier: GPL-2.0-or-later
/* Sums groups into rows by class, by pair of ends, and by both. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/flow/analysis_parts.h"
#include "netsim/util/array.h"

/*
 * Groups with the same address share one name string, so that names compare by pointer. The
 * number of groups is bounded, so a linear search is enough.
 */
static bool name_groups(struct builder *b)
{
	for (size_t g = 0; g < b->group_count; g++) {
		const struct flow_group *group = &b->groups[g];

		for (int i = 0; i < 2; i++) {
			if (!group->addresses[0] && !group->addresses[1]) {
				b->ends[g][i] = NULL;
				continue;
			}
			for (size_t n = 0; n <= g && !b->ends[g][i]; n++)
				for (int k = 0; k < 2 && (n < g || k < i); k++)
					if (b->groups[n].addresses[k] == group->addresses[i])
						b->ends[g][i] = b->ends[n][k];
			if (!b->ends[g][i])
				b->ends[g][i] = builder_address_name(b, group->addresses[i]);
			if (!b->ends[g][i])
				return false;
		}
	}
	return true;
}

/* --- sums */

/* A row under construction; its histograms are reduced to percentiles at the end. */
struct sum {
	struct netsim_flow_row row;
	struct histogram rtt[2], handshake;
};

struct sums {
	struct sum *list;
	size_t count;
};

static void sums_done(struct sums *sums)
{
	for (size_t i = 0; i < sums->count; i++) {
		struct sum *sum = &sums->list[i];

		histogram_done(&sum->handshake);
		histogram_done(&sum->rtt[0]);
		histogram_done(&sum->rtt[1]);
	}
	free(sums->list);
}

/* turned: the group's first direction is the row's second. */
static bool add_group(const struct builder *b, struct sum *sum, size_t g, bool turned)
{
	const struct flow_group *group = &b->groups[g];
	bool good = true;

	for (unsigned i = 0; i < 2; i++) {
		const struct flow_way *from = &group->ways[i];
		unsigned to = sum->row.direction_count == 1 ? 0 : turned ? 1 - i : i;
		struct netsim_flow_direction *way = &sum->row.directions[to];

		if (b->uses[g] & USES_GAPS(i)) {
			way->gaps += from->counts[FLOW_GAP_COUNT];
			way->silences += from->silences;
		}
		if (!(b->uses[g] & USES_ROW))
			continue;
		sum->row.connections += from->opened.connections;
		sum->row.unanswered += from->opened.unanswered;
		sum->row.refused += from->opened.refused;
		way->packets += from->packets;
		way->bytes += from->bytes;
		way->payload += from->payload;
		builder_add_counts(way, from->counts);
		good &= histogram_merge(&sum->handshake, &from->opened.handshake);
		good &= histogram_merge(&sum->rtt[to], &from->rtt);
	}
	return good;
}

/* Whether the row has these ends, in either order. */
static bool is_row(const struct netsim_flow_row *row, const char *const ends[2], const char *class,
		   bool inner, bool *ret_turned)
{
	*ret_turned = false;
	if (row->class_name != class || row->inner != inner)
		return false;
	if (row->ends[0] == ends[0] && row->ends[1] == ends[1])
		return true;
	*ret_turned = row->ends[0] == ends[1] && row->ends[1] == ends[0];
	return *ret_turned;
}

/* The key of a row. */
enum by { BY_CLASS, BY_PAIR, BY_BOTH };

/* Whether the group belongs to this row. */
static bool is_row_of(const struct builder *b, enum by by, const struct netsim_flow_row *row,
		      size_t g, bool *ret_turned)
{
	static const char *const any[2];

	return is_row(row, by == BY_CLASS ? any : b->ends[g],
		      by == BY_PAIR ? NULL : builder_class_name(b, b->groups[g].class),
		      b->groups[g].inner, ret_turned);
}

static struct sum *find_sum(const struct builder *b, enum by by, struct sums *sums, size_t g,
			    bool *ret_turned)
{
	struct sum *sum;

	for (size_t i = 0; i < sums->count; i++)
		if (is_row_of(b, by, &sums->list[i].row, g, ret_turned))
			return &sums->list[i];
	*ret_turned = false;
	sum = array_push(sums->list, sums->count);
	if (!sum)
		return NULL;
	sum->row.direction_count = by == BY_CLASS ? 1 : 2;
	sum->row.inner = b->groups[g].inner;
	sum->row.class_name = by == BY_PAIR ? NULL : builder_class_name(b, b->groups[g].class);
	for (int i = 0; by != BY_CLASS && i < 2; i++)
		sum->row.ends[i] = b->ends[g][i];
	return sum;
}

static bool sum_up(const struct builder *b, enum by by, struct sums *sums)
{
	for (size_t g = 0; g < b->group_count; g++) {
		bool turned;
		struct sum *sum;

		if (!b->uses[g])
			continue;
		sum = find_sum(b, by, sums, g, &turned);
		if (!sum || !add_group(b, sum, g, turned))
			return false;
	}
	return true;
}

/* --- time series: only of the rows with most traffic, to bound the output */

#define SERIES_ROWS 64

static bool add_bins(const struct builder *b, struct netsim_flow_row *row,
		     struct histogram (*rtt)[2], size_t g, bool turned)
{
	const struct flow_group *group = &b->groups[g];
	size_t bins = b->ret->bin_count;
	bool good = true;

	for (size_t i = 0; i < bins && i < group->bin_count; i++)
		for (unsigned w = 0; w < 2; w++) {
			unsigned to = row->direction_count == 1 ? 0 : turned ? 1 - w : w;
			struct netsim_flow_bin *bin = &row->bins[i];

			rtt[i][to].bits = HISTOGRAM_COARSE;
			if (b->uses[g] & USES_GAPS(w))
				bin->directions[to].gaps += group->bins[i].ways[w].gaps;
			if (!(b->uses[g] & USES_ROW))
				continue;
			bin->directions[to].bytes += group->bins[i].ways[w].bytes;
			bin->directions[to].packets += group->bins[i].ways[w].packets;
			bin->directions[to].retransmissions +=
				group->bins[i].ways[w].retransmissions;
			if (group->bins[i].ways[w].rtt)
				good &= histogram_merge(&rtt[i][to], group->bins[i].ways[w].rtt);
		}
	return good;
}

static void finish_bin(struct netsim_flow_bin *bin, struct histogram rtt[2])
{
	for (int w = 0; w < 2; w++) {
		bin->directions[w].rtts = (uint32_t)rtt[w].count;
		bin->directions[w].rtt_p50_ns = (int64_t)histogram_percentile(&rtt[w], 0.5);
		bin->directions[w].rtt_p99_ns = (int64_t)histogram_percentile(&rtt[w], 0.99);
		bin->directions[w].rtt_max_ns = (int64_t)rtt[w].max;
		histogram_done(&rtt[w]);
	}
}

static bool make_series(const struct builder *b, enum by by, struct netsim_flow_row *row)
{
	size_t bins = b->ret->bin_count;
	struct histogram(*rtt)[2] = calloc(bins + 1, sizeof(*rtt));
	bool good, turned;

	row->bins = calloc(bins + 1, sizeof(*row->bins));
	good = row->bins && rtt;
	for (size_t g = 0; good && g < b->group_count; g++)
		if (is_row_of(b, by, row, g, &turned))
			good = add_bins(b, row, rtt, g, turned);
	for (size_t i = 0; rtt && row->bins && i < bins; i++)
		finish_bin(&row->bins[i], rtt[i]);
	free(rtt);
	return good;
}

static bool make_rows(struct builder *b, enum by by, struct flow_rows *ret)
{
	struct sums sums = {0};
	bool good = sum_up(b, by, &sums);

	if (good)
		ret->list = calloc(sums.count ? sums.count : 1, sizeof(*ret->list));
	good = good && ret->list;
	for (size_t i = 0; good && i < sums.count; i++) {
		struct sum *sum = &sums.list[i];

		for (int w = 0; w < 2; w++)
			builder_fill_rtt(&sum->rtt[w], &sum->row.directions[w].rtt);
		builder_fill_rtt(&sum->handshake, &sum->row.handshake);
		ret->list[ret->count++] = sum->row;
	}
	if (good)
		qsort(ret->list, ret->count, sizeof(*ret->list), builder_compare_rows);
	for (size_t i = 0; good && i < ret->count && i < SERIES_ROWS; i++)
		good = make_series(b, by, &ret->list[i]);
	sums_done(&sums);
	return good;
}

/* --- everything */

static bool make_gaps(struct builder *b)
{
	const struct flow_gap *gaps;
	size_t count = flow_gaps(b->flow, &gaps);
	uint64_t all = 0;

	for (size_t g = 0; g < b->group_count; g++)
		for (int w = 0; w < 2; w++)
			if (b->uses[g] & USES_GAPS(w))
				all += b->groups[g].ways[w].counts[FLOW_GAP_COUNT];
	b->ret->gaps = calloc(count ? count : 1, sizeof(*b->ret->gaps));
	for (size_t i = 0; b->ret->gaps && i < count; i++) {
		const struct flow_group *group = &b->groups[gaps[i].group];
		unsigned way = gaps[i].way;

		if (!(b->uses[gaps[i].group] & USES_GAPS(way)))
			continue;
		b->ret->gaps[b->ret->gap_count++] = (struct netsim_flow_gap) {
			.from = b->ends[gaps[i].group][way],
			.to = b->ends[gaps[i].group][1 - way],
			.class_name = builder_class_name(b, group->class),
			.from_port = gaps[i].source_port,
			.to_port = gaps[i].destination_port,
			.inner = group->inner,
			.whole = gaps[i].whole,
			.begin_ns = gaps[i].begin_ns,
			.end_ns = gaps[i].end_ns,
			.limit_ns = group->gap_ns,
		};
	}
	b->ret->gaps_more = all - b->ret->gap_count;
	return b->ret->gaps != NULL;
}

static void fill_totals(struct builder *b)
{
	struct flow_totals totals;

	flow_totals(b->flow, &totals);
	b->ret->packets = b->ret->captured = totals.packets;
	b->ret->bytes = totals.bytes;
	b->ret->inner = totals.inner;
	b->ret->connections = totals.connections;
	b->ret->folded = totals.folded;
	b->ret->unordered = totals.unordered;
	b->ret->first_ns = totals.first_ns;
	b->ret->last_ns = totals.last_ns;
	b->ret->bin_ns = totals.bin_ns;
	if (totals.packets)
		b->ret->bin_count =
			(size_t)(((uint64_t)totals.last_ns - (uint64_t)totals.first_ns) /
				 (uint64_t)totals.bin_ns) +
			1;
	/*
	 * While packets are counted, the bins widen so that FLOW_BINS suffice; the limit
	 * matters only after memory ran out.
	 */
	if (b->ret->bin_count > FLOW_BINS)
		b->ret->bin_count = FLOW_BINS;
}

int analysis_rows(const struct analysis_input *input, struct analysis *ret, struct netsim_err *err)
{
	const struct class_set *classes = input->classes;
	struct builder b = {
		.flow = input->flow, .classes = classes, .names = input->names, .ret = ret};
	bool good = true;

	fill_totals(&b);
	/* Class names come first: builder_class_name() indexes them by class. */
	for (size_t i = 0; good && classes && i < classes->count; i++)
		good = builder_keep(&b, classes->list[i].name) != NULL;
	b.other = good ? builder_keep(&b, CLASS_OTHER) : NULL;
	b.group_count = flow_groups(b.flow, &b.groups);
	b.ends = calloc(b.group_count + 1, sizeof(*b.ends));
	b.uses = calloc(b.group_count + 1, sizeof(*b.uses));
	good = b.other && b.ends && b.uses && name_groups(&b) && choose_views(&b) &&
	       make_rows(&b, BY_CLASS, &ret->classes) && make_rows(&b, BY_PAIR, &ret->pairs) &&
	       make_rows(&b, BY_BOTH, &ret->flows) && builder_connections(&b, input->connections) &&
	       make_gaps(&b) && (!input->oneway || builder_one_way(&b, input->oneway));
	free(b.ends);
	free(b.uses);
	return good ? 0 : err_oom(err);
}

static void rows_done(struct flow_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->list[i].bins);
	free(rows->list);
}

void analysis_done(struct analysis *analysis)
{
	rows_done(&analysis->classes);
	rows_done(&analysis->pairs);
	rows_done(&analysis->flows);
	rows_done(&analysis->connection_rows);
	free(analysis->gaps);
	for (size_t i = 0; i < analysis->one_way_count; i++)
		free(analysis->one_way[i].bins);
	free(analysis->one_way);
	for (size_t i = 0; i < analysis->name_count; i++)
		free(analysis->names[i]);
	free(analysis->names);
	*analysis = (struct analysis) {0};
}
