// SPDX-License-Identifier: GPL-2.0-or-later
/* Outages as intervals. */
#include "netsim/judge/outage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/array.h"
#include "netsim/util/auto.h"

/* --- samples */

static int compare_samples(const void *va, const void *vb)
{
	const struct sample *a = *(const struct sample *const *)va;
	const struct sample *b = *(const struct sample *const *)vb;

	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	return a->sent < b->sent ? -1 : a->sent > b->sent;
}

static int pick_samples(const struct evidence *ev, uint32_t probe, struct sample_series *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < ev->sample_count; i++)
		count += ev->samples[i].probe == probe;
	ret->samples = calloc(count + 1, sizeof(struct sample *));
	if (!ret->samples)
		return -ENOMEM;
	for (size_t i = 0; i < ev->sample_count; i++)
		if (ev->samples[i].probe == probe)
			ret->samples[ret->sample_count++] = &ev->samples[i];
	qsort(ret->samples, count, sizeof(struct sample *), compare_samples);
	for (size_t i = 0; i < count; i++) {
		ret->targets += i == 0 || ret->samples[i]->target != ret->samples[i - 1]->target;
		ret->succeeded |= ret->samples[i]->result == SAMPLE_OK;
	}
	if (ret->targets < ret->probe->targets)
		ret->targets = ret->probe->targets;
	return 0;
}

/* --- outages of one target */

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void begin_outage(struct outage *outage, const struct sample *failed,
			 const struct sample *success)
{
	outage->begin = failed->sent;
	outage->begin_low = success ? success->sent : failed->sent;
	outage->begin_high = INT64_MAX;
	outage->end = outage->end_low = outage->end_high = INT64_MAX;
	outage->open_begin = !success;
	outage->open_end = true;
}

/*
 * A failed probe proves that the target was down by its end, and not when it was sent: etcd, for
 * example, answers a health check with an error 1 s after it lost its leader.
 */
static int64_t proved_at(const struct sample *failed)
{
	return failed->sent + failed->took;
}

/* Appends the outages of samples of one target. */
static int find_outages(const struct sample **samples, size_t count, struct outage **list,
			size_t *list_count)
{
	const struct sample *success = NULL, *failed = NULL;
	struct outage *outage = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct sample *sample = samples[i];

		if (sample->result == SAMPLE_OK) {
			if (outage) {
				outage->end = sample->sent;
				outage->end_low = failed->sent;
				outage->end_high = sample->sent + sample->took;
				outage->begin_high = least_of(outage->begin_high, outage->end_high);
				outage->open_end = false;
				outage = NULL;
			}
			success = sample;
			continue;
		}
		failed = sample;
		if (!outage) {
			outage = array_push(*list, *list_count);
			if (!outage)
				return -ENOMEM;
			begin_outage(outage, failed, success);
		}
		outage->begin_high = least_of(outage->begin_high, proved_at(failed));
	}
	return 0;
}

/* --- merging */

/* The beginning or end of a target's outage. */
struct boundary {
	int64_t time;
	const struct outage *outage;
	bool end;
};

/* Beginnings come first, so that adjacent outages are merged. */
static int compare_boundaries(const void *va, const void *vb)
{
	const struct boundary *a = va, *b = vb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->end - b->end;
}

static bool is_down(const struct sample_series *series, size_t down)
{
	switch ((enum probe_need)series->probe->need) {
	case NEED_ANY:
		return down == series->targets;
	case NEED_MAJORITY:
		return 2 * down > series->targets;
	case NEED_ALL:
		break;
	}
	return down > 0;
}

static int merge_boundaries(struct sample_series *series, const struct boundary *list, size_t count)
{
	struct outage *outage = NULL;
	size_t down = 0;

	for (size_t i = 0; i < count; i++) {
		const struct outage *of = list[i].outage;

		down += list[i].end ? -1 : 1;
		if (is_down(series, down) == !!outage)
			continue;
		if (!outage) {
			outage = array_push(series->outages, series->outage_count);
			if (!outage)
				return -ENOMEM;
			*outage = *of;
			outage->end = outage->end_low = outage->end_high = INT64_MAX;
			outage->open_end = true;
			continue;
		}
		outage->end = of->end;
		outage->end_low = of->end_low;
		outage->end_high = of->end_high;
		outage->open_end = of->open_end;
		if (outage->end == outage->begin)
			series->outage_count--;
		outage = NULL;
	}
	return 0;
}

static int merge(struct sample_series *series, const struct outage *list, size_t count)
{
	auto_free struct boundary *boundaries = calloc(2 * count + 1, sizeof(*boundaries));

	if (!boundaries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		boundaries[2 * i] = (struct boundary) {list[i].begin, &list[i], false};
		boundaries[2 * i + 1] = (struct boundary) {list[i].end, &list[i], true};
	}
	qsort(boundaries, 2 * count, sizeof(*boundaries), compare_boundaries);
	return merge_boundaries(series, boundaries, 2 * count);
}

static int make_outages(struct sample_series *series)
{
	auto_free struct outage *list = NULL;
	size_t count = 0, next;

	for (size_t i = 0; i < series->sample_count; i = next) {
		for (next = i + 1; next < series->sample_count; next++)
			if (series->samples[next]->target != series->samples[i]->target)
				break;
		if (find_outages(series->samples + i, next - i, &list, &count) < 0)
			return -ENOMEM;
	}
	return merge(series, list, count);
}

int sample_series_make(const struct evidence *ev, uint32_t probe, struct sample_series *ret)
{
	struct sample_series series = {0};
	int r;

	for (size_t i = 0; i < ev->probe_count && probe; i++)
		if (ev->probes[i].name == probe)
			series.probe = &ev->probes[i];
	if (!series.probe)
		return -ENOENT;
	r = pick_samples(ev, probe, &series);
	if (r == 0)
		r = make_outages(&series);
	if (r < 0)
		sample_series_done(&series);
	else
		*ret = series;
	return r;
}

void sample_series_done(struct sample_series *series)
{
	free(series->samples);
	free(series->outages);
	*series = (struct sample_series) {0};
}

/* --- windows */

static int64_t clip(int64_t time, int64_t begin, int64_t end)
{
	return most_of(begin, least_of(time, end));
}

static struct outage_length cut(const struct outage *outage, int64_t begin, int64_t end)
{
	struct outage_length cut = {
		.begin = most_of(outage->begin, begin),
		.at_least = outage->open_end || outage->end > end,
		.before = outage->begin < begin,
		.whole = outage->open_end ? INT64_MAX : outage->end_high - outage->begin_low,
	};

	cut.length = clip(outage->end, begin, end) - cut.begin;
	cut.least = clip(outage->end_low, begin, end) - clip(outage->begin_high, begin, end);
	cut.least = most_of(cut.least, 0);
	cut.most = clip(outage->end_high, begin, end) - clip(outage->begin_low, begin, end);
	return cut;
}

static void window_outages(const struct sample_series *series, int64_t begin, int64_t end,
			   struct sample_series_window *ret)
{
	for (size_t i = 0; i < series->outage_count; i++) {
		const struct outage *outage = &series->outages[i];
		struct outage_length part;

		if (outage->begin >= end || outage->end <= begin)
			continue;
		part = cut(outage, begin, end);
		ret->outages++;
		ret->down += part.length;
		ret->down_least += part.least;
		ret->down_most += part.most;
		if (part.length > ret->longest.length)
			ret->longest = part;
		ret->last = *outage;
	}
}

void sample_series_window(const struct sample_series *series, int64_t begin, int64_t end,
			  struct sample_series_window *ret)
{
	uint32_t target = 0;
	int64_t last = end;
	size_t targets = 0;

	*ret = (struct sample_series_window) {0};
	for (size_t i = 0; i < series->sample_count; i++) {
		const struct sample *sample = series->samples[i];

		if (sample->sent < begin || sample->sent >= end)
			continue;
		if (!ret->samples++ || sample->target != target) {
			ret->gap = most_of(ret->gap, end - last);
			last = begin;
			targets++;
		}
		target = sample->target;
		ret->answered += sample->result == SAMPLE_OK;
		ret->denied += sample->result != SAMPLE_OK && sample->result != SAMPLE_HUNG;
		ret->gap = most_of(ret->gap, sample->sent - last);
		ret->lateness = most_of(ret->lateness, sample->lateness);
		last = sample->sent;
	}
	ret->gap = targets < series->targets ? end - begin : most_of(ret->gap, end - last);
	window_outages(series, begin, end, ret);
}

/* --- round-trip times */

static int compare_took(const void *va, const void *vb)
{
	const struct sample *a = *(const struct sample *const *)va;
	const struct sample *b = *(const struct sample *const *)vb;

	return a->took < b->took ? -1 : a->took > b->took;
}

int sample_series_rtt(const struct sample_series *series, const int64_t window[2], double share,
		      struct sample_series_rtt *ret)
{
	auto_free const struct sample **list =
		calloc(series->sample_count + 1, sizeof(struct sample *));
	struct sample_series_rtt rtt = {0};
	size_t rank;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < series->sample_count; i++) {
		const struct sample *sample = series->samples[i];

		if (sample->sent >= window[0] && sample->sent < window[1] &&
		    (sample->result == SAMPLE_OK || sample->result == SAMPLE_HUNG))
			list[rtt.samples++] = sample;
	}
	if (rtt.samples) {
		qsort(list, rtt.samples, sizeof(struct sample *), compare_took);
		rank = (size_t)ceil(share * (double)rtt.samples);
		rank = rank < 1 ? 0 : rank > rtt.samples ? rtt.samples - 1 : rank - 1;
		rtt.ns = list[rank]->took;
		rtt.at_least = list[rank]->result == SAMPLE_HUNG;
		for (size_t i = 0; i <= rank; i++)
			rtt.lateness = most_of(rtt.lateness, list[i]->lateness);
	}
	*ret = rtt;
	return 0;
}
