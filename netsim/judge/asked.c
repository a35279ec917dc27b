// SPDX-License-Identifier: GPL-2.0-or-later
#include "netsim/judge/asked.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/arena.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"
#include "netsim/util/unit.h"

/* Two-sided quantile of the normal distribution for an error of 0.1 %. */
#define QUANTILE 3.29
/* A mean rate shows the limit only if about as much was sent. */
#define FULL 0.9
/* Fewer packets say nothing about a share. */
#define PACKETS	  30
#define TEXT	  96
#define UNCOUNTED "netem does it, and does not count it for each pair"

enum what { RTT, LOSS, DUPLICATE, CORRUPT, RATE, WHATS };
static const char *const whats[WHATS] = {"rtt", "loss", "duplicate", "corrupt", "rate"};

/* What is summed up over the repetitions of a row. */
struct sum {
	uint32_t phase, from, to, class;
	enum what what;
	double asked;
	double jitter;	     /* of a round trip: its variance, in ns^2 */
	double hits, trials; /* of a share: packets; of a rate: bits, ns */
	double bursts;	     /* the greatest */
	double *took;	     /* of a round trip */
	size_t took_count;
	const char *why; /* why a repetition was not measured; or NULL */
};

struct asking {
	const struct evidence *ev;
	void *root;
	struct sum *sums;
	size_t count;
	size_t left_out;
	struct trip *trips;
	size_t trip_count;
};

static void asking_done(struct asking *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->sums[i].took);
	free(a->sums);
	free(a->trips);
}

static const char *name(const struct asking *a, uint32_t number)
{
	return text_table_get(&a->ev->names, number);
}

/* --- sums */

/* Finds the sum of the same quantity, or adds it. NULL: out of memory, or there are too many. */
static struct sum *sum_of(struct asking *a, const struct asked *asked, enum what what, double value)
{
	struct sum *sum;

	for (size_t i = 0; i < a->count; i++) {
		sum = &a->sums[i];
		if (sum->what == what && sum->phase == asked->phase && sum->from == asked->from &&
		    sum->to == asked->to && sum->class == asked->class && sum->asked == value)
			return sum;
	}
	if (a->count == ASKED_ROWS) {
		a->left_out++;
		return NULL;
	}
	sum = array_push(a->sums, a->count);
	if (sum)
		*sum = (struct sum) {.phase = asked->phase,
				     .from = asked->from,
				     .to = asked->to,
				     .class = asked->class,
				     .what = what,
				     .asked = value,
				     .bursts = 1};
	return sum;
}

/* Why nothing of this time can be measured, or NULL. */
static const char *why_not(const struct asked *asked)
{
	return asked->state == ASKED_VARIES ? "a trace varies it" :
	       asked->state == ASKED_MIXED  ? "it differs between the interfaces" :
					      NULL;
}

static void add_share(struct asking *a, const struct asked *asked, enum what what, double value,
		      int64_t hits, int64_t trials)
{
	struct sum *sum = value > 0 ? sum_of(a, asked, what, value) : NULL;

	if (!sum)
		return;
	if (!sum->why)
		sum->why = why_not(asked);
	if (!sum->why && asked->uncounted)
		sum->why = UNCOUNTED;
	sum->hits += (double)hits;
	sum->trials += (double)trials;
	if (what == LOSS && asked->bursts > sum->bursts)
		sum->bursts = asked->bursts;
}

static void add_rate(struct asking *a, const struct asked *asked)
{
	struct sum *sum = asked->rate ? sum_of(a, asked, RATE, (double)asked->rate) : NULL;

	if (!sum)
		return;
	if (!sum->why)
		sum->why = why_not(asked);
	if (!sum->why && asked->uncounted)
		sum->why = UNCOUNTED;
	sum->hits += 8 * (double)asked->bytes;
	sum->trials += (double)(asked->end - asked->begin);
}

/* --- round trips */

/* An answer that the kernel at the other end gave, at once and without a program. */
struct trip {
	uint32_t ends[2]; /* names, in ascending order */
	int64_t sent, took;
};

static int compare_trips(const void *va, const void *vb)
{
	const struct trip *a = va, *b = vb;

	for (int i = 0; i < 2; i++)
		if (a->ends[i] != b->ends[i])
			return a->ends[i] < b->ends[i] ? -1 : 1;
	return (a->sent > b->sent) - (a->sent < b->sent);
}

static struct trip trip_between(uint32_t a, uint32_t b, int64_t sent, int64_t took)
{
	return (struct trip) {{a < b ? a : b, a < b ? b : a}, sent, took};
}

static const struct sampled_probe *probe_of(const struct evidence *ev, const struct sample *sample)
{
	for (size_t i = 0; i < ev->probe_count; i++)
		if (ev->probes[i].name == sample->probe)
			return &ev->probes[i];
	return NULL;
}

/* Sorts the round trips of pings and connections by pair and time. */
static int find_trips(struct asking *a)
{
	const struct evidence *ev = a->ev;
	const struct sampled_probe *probe = NULL;

	for (size_t i = 0; ev->asked_count && i < ev->sample_count; i++) {
		const struct sample *sample = &ev->samples[i];
		struct trip *trip;

		if (!probe || probe->name != sample->probe)
			probe = probe_of(ev, sample);
		if (!probe || (probe->kind != SAMPLED_PING && probe->kind != SAMPLED_TCP) ||
		    !probe->from || !sample->target || sample->result != SAMPLE_OK)
			continue;
		trip = array_push(a->trips, a->trip_count);
		if (!trip)
			return -ENOMEM;
		*trip = trip_between(probe->from, sample->target, sample->sent, sample->took);
	}
	if (a->trip_count)
		qsort(a->trips, a->trip_count, sizeof(*a->trips), compare_trips);
	return 0;
}

/* Returns the index of the first trip that is not before this one. */
static size_t first_trip(const struct asking *a, const struct trip *from)
{
	size_t low = 0, high = a->trip_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_trips(&a->trips[middle], from) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_trips(const struct asking *a, const struct asked *asked, struct sum *sum)
{
	struct trip first = trip_between(asked->from, asked->to, asked->begin, 0);
	struct trip last = trip_between(asked->from, asked->to, asked->end, 0);

	for (size_t i = first_trip(a, &first);
	     i < a->trip_count && compare_trips(&a->trips[i], &last) < 0; i++) {
		double *slot;

		if (a->trips[i].sent + a->trips[i].took > asked->end)
			continue;
		slot = array_push(sum->took, sum->took_count);
		if (!slot)
			return -ENOMEM;
		*slot = (double)a->trips[i].took;
	}
	return 0;
}

/* The same time in the other direction, later in the list: all of a time follow each other. */
static const struct asked *reverse_of(const struct asking *a, const struct asked *asked)
{
	const struct asked *end = a->ev->asked + a->ev->asked_count;

	for (const struct asked *other = asked + 1; other < end && other->begin == asked->begin;
	     other++)
		if (other->from == asked->to && other->to == asked->from && !other->class)
			return other;
	return NULL;
}

static int add_round(struct asking *a, const struct asked *asked)
{
	const struct asked *back = asked->class ? NULL : reverse_of(a, asked);
	struct sum *sum = NULL;

	if (back && asked->delay + back->delay > 0)
		sum = sum_of(a, asked, RTT, (double)(asked->delay + back->delay));
	if (!sum)
		return 0;
	sum->jitter = (double)asked->jitter * (double)asked->jitter +
		      (double)back->jitter * (double)back->jitter;
	if (!sum->why)
		sum->why = why_not(asked);
	if (!sum->why)
		sum->why = why_not(back);
	return add_trips(a, asked, sum);
}

/* --- rows */

static int compare(const void *va, const void *vb)
{
	double a = *(const double *)va, b = *(const double *)vb;

	return (a > b) - (a < b);
}

static const char *time_text(double ns, char buf[static TEXT])
{
	if (ns >= 1e9)
		snprintf(buf, TEXT, "%.2f s", ns / 1e9);
	else
		snprintf(buf, TEXT,
			 ns >= 1e8 ? "%.0f ms" :
			 ns >= 1e7 ? "%.1f ms" :
				     "%.2f ms",
			 ns / 1e6);
	return buf;
}

static void finish_trip(struct asking *a, struct sum *sum, struct asked_row *row)
{
	char text[TEXT], low[TEXT], high[TEXT], jitter[TEXT];

	time_text(sum->asked, text);
	row->asked_shows = sum->jitter > 0 ? arena_printf(a->root, "%s, sd %s", text,
							  time_text(sqrt(sum->jitter), jitter)) :
					     arena_strdup(a->root, text);
	row->count = sum->took_count;
	if (!sum->why && !sum->took_count)
		sum->why = "no ping and no probe of a port between the two was answered";
	if (sum->why)
		return;
	qsort(sum->took, sum->took_count, sizeof(*sum->took), compare);
	row->measured = true;
	row->value = sum->took[(sum->took_count - 1) / 2];
	row->low = sum->took[0];
	row->high = sum->took[sum->took_count - 1];
	row->shows = arena_printf(a->root, "%s (%s .. %s)", time_text(row->value, text),
				  time_text(row->low, low), time_text(row->high, high));
}

/*
 * The score interval of a share. Losses that come in bursts tell less than as many independent
 * ones: as if there had been fewer packets.
 */
static void find_bounds(const struct sum *sum, struct asked_row *row)
{
	double n = sum->trials / sum->bursts, p = sum->hits / sum->trials;
	double square = QUANTILE * QUANTILE;
	double middle = (p + square / (2 * n)) / (1 + square / n);
	double half = QUANTILE / (1 + square / n) * sqrt(p * (1 - p) / n + square / (4 * n * n));

	row->value = p;
	row->low = middle - half > 0 ? middle - half : 0;
	row->high = middle + half < 1 ? middle + half : 1;
	row->differs = sum->asked < row->low || sum->asked > row->high;
}

static void finish_share(struct asking *a, struct sum *sum, struct asked_row *row)
{
	row->asked_shows = arena_printf(a->root, "%.3g %%", 100 * sum->asked);
	row->count = (size_t)sum->trials;
	if (!sum->why && sum->trials < PACKETS)
		row->why = arena_printf(a->root, "only %.0f packet%s came", sum->trials,
					sum->trials == 1 ? "" : "s");
	if (sum->why || row->why)
		return;
	row->measured = true;
	find_bounds(sum, row);
	row->shows = arena_printf(a->root, "%.3g %% (%.3g .. %.3g)", 100 * row->value,
				  100 * row->low, 100 * row->high);
}

static void finish_rate(struct asking *a, const struct sum *sum, struct asked_row *row)
{
	const struct rate rate = {(uint64_t)sum->asked};
	double mean = sum->trials > 0 ? sum->hits / sum->trials * 1e9 : 0;
	char text[UNIT_TEXT];

	row->asked_shows = arena_strdup(a->root, unit_format_rate(rate, text));
	if (sum->why)
		return;
	row->measured = mean >= FULL * sum->asked;
	row->value = row->low = row->high = mean;
	if (row->measured)
		row->shows = arena_printf(a->root, "%.4gmbit", mean / 1e6);
	else
		row->why = arena_printf(a->root, "only %.3gmbit were sent between the two",
					mean / 1e6);
}

static int add_row(struct asking *a, struct sum *sum, struct asked_rows *ret)
{
	struct asked_row *row = arena_push(a->root, ret->list, ret->count);

	if (!row)
		return -ENOMEM;
	*row = (struct asked_row) {.phase = arena_strdup(a->root, name(a, sum->phase)),
				   .from = arena_strdup(a->root, name(a, sum->from)),
				   .to = arena_strdup(a->root, name(a, sum->to)),
				   .class = arena_strdup(a->root, name(a, sum->class)),
				   .what = whats[sum->what],
				   .asked = sum->asked,
				   .shows = "",
				   .why = NULL};
	if (sum->what == RTT)
		finish_trip(a, sum, row);
	else if (sum->what == RATE)
		finish_rate(a, sum, row);
	else
		finish_share(a, sum, row);
	if (!row->why)
		row->why = arena_strdup(a->root, sum->why ? sum->why : "");
	return row->phase && row->from && row->to && row->class && row->asked_shows && row->shows &&
			       row->why ?
		       0 :
		       -ENOMEM;
}

int asked_make(const struct evidence *ev, void *root, struct asked_rows *ret)
{
	autofn(asking_done) struct asking a = {.ev = ev, .root = root};
	int r = find_trips(&a);

	*ret = (struct asked_rows) {0};
	for (size_t i = 0; r == 0 && i < ev->asked_count; i++) {
		const struct asked *asked = &ev->asked[i];

		r = add_round(&a, asked);
		add_share(&a, asked, LOSS, asked->loss, asked->lost,
			  asked->packets + asked->queued + asked->lost);
		add_share(&a, asked, DUPLICATE, asked->duplicate, asked->copied, asked->packets);
		add_share(&a, asked, CORRUPT, asked->corrupt, asked->corrupted, asked->packets);
		add_rate(&a, asked);
	}
	for (size_t i = 0; r == 0 && i < a.count; i++)
		r = add_row(&a, &a.sums[i], ret);
	ret->left_out = a.left_out;
	return r;
}
