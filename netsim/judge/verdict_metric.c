// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Quantities of metrics. A sentence is about the series of each member: the value is the one that
 * is furthest on the wrong side of the limit; or, to abort, of any member: the one furthest on the
 * right side.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/metrics.h"
#include "netsim/judge/verdict_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/auto.h"
#include "netsim/util/err.h"

/* The scrapes of a member at the ends of a window; NULL: none. */
struct ends {
	const struct scrape *before, *first; /* ended before the window; sent first in it */
	const struct scrape *last, *after;   /* ended last in it; sent after it */
};

static bool is_of(const struct scrape *scrape, uint32_t workload, uint32_t member)
{
	return scrape->workload == workload && scrape->member == member && !scrape->failed;
}

static struct ends find_ends(const struct judging *j, uint32_t workload, uint32_t member,
			     const struct window *window)
{
	struct ends ends = {0};

	for (size_t i = 0; i < j->ev->scrape_count; i++) {
		const struct scrape *scrape = &j->ev->scrapes[i];
		int64_t end = scrape->sent + scrape->took;

		if (!is_of(scrape, workload, member))
			continue;
		if (end <= window->begin)
			ends.before = scrape;
		if (!ends.first && scrape->sent >= window->begin)
			ends.first = scrape;
		if (end <= window->end)
			ends.last = scrape;
		if (!ends.after && scrape->sent >= window->end)
			ends.after = scrape;
	}
	return ends;
}

/* Refuses a window in which a member did not answer for too long. */
static bool is_covered(const struct judging *j, uint32_t workload, uint32_t member,
		       const struct window *window, struct measure *m)
{
	int64_t known = window->begin, next;
	char from[VALUE_TEXT], to[VALUE_TEXT];

	for (size_t i = 0; i <= j->ev->scrape_count; i++) {
		const struct scrape *scrape = &j->ev->scrapes[i];

		if (i < j->ev->scrape_count && !is_of(scrape, workload, member))
			continue;
		next = i < j->ev->scrape_count ? scrape->sent : window->end;
		if (next > window->end)
			next = window->end;
		if (next - known > METRICS_GAP) {
			why_not(m, "%s had no metrics from %s to %s", verdict_name(j, member),
				verdict_instant(known - j->origin, from),
				verdict_instant(next - j->origin, to));
			return false;
		}
		if (next > known)
			known = next;
	}
	return true;
}

/* --- values of one series */

/* Samples of one series of a member, in the order of time. */
struct course {
	const struct metric_sample **list;
	size_t count;
};

/* The value that a scrape found; without one, 0: counters appear when they first count. */
static double value_at(const struct course *course, const struct scrape *scrape)
{
	double value = 0;

	for (size_t i = 0; i < course->count && course->list[i]->sent <= scrape->sent; i++)
		value = course->list[i]->value;
	return value;
}

/* The increase of a counter between two scrapes; one that goes back has begun anew at 0. */
static double increase(const struct course *course, const struct scrape *from,
		       const struct scrape *to, int64_t *when)
{
	double sum = 0, value = value_at(course, from);

	for (size_t i = 0; i < course->count; i++) {
		const struct metric_sample *sample = course->list[i];

		if (sample->sent <= from->sent || sample->sent > to->sent)
			continue;
		sum += sample->value >= value ? sample->value - value : sample->value;
		if (when && *when == INT64_MIN && sample->value != value)
			*when = sample->sent;
		value = sample->value;
	}
	return sum;
}

/*
 * What has certainly happened in the window, between scrapes in it, and what may have, between
 * those around it.
 */
static void measure_increase(const struct course *course, const struct ends *ends,
			     struct measure *m)
{
	const struct scrape *from = ends->before ? ends->before : ends->first;
	const struct scrape *to = ends->after ? ends->after : ends->last;

	m->low = ends->first->sent < ends->last->sent ?
			 increase(course, ends->first, ends->last, NULL) :
			 0;
	m->high = increase(course, from, to, &m->when);
	m->value = increase(course, from, ends->last, NULL);
}

static void measure_extreme(const struct course *course, const struct ends *ends,
			    enum claim_statistic statistic, struct measure *m)
{
	const struct scrape *from = ends->before ? ends->before : ends->first;
	double best = value_at(course, statistic == STATISTIC_LAST ? ends->last : from);

	for (size_t i = 0; statistic != STATISTIC_LAST && i < course->count; i++) {
		const struct metric_sample *sample = course->list[i];

		if (sample->sent <= from->sent || sample->sent > ends->last->sent)
			continue;
		if (statistic == STATISTIC_MAX ? sample->value <= best : sample->value >= best)
			continue;
		best = sample->value;
		m->when = sample->sent;
	}
	set_exact(m, best);
}

/* --- histograms */

struct bucket {
	double most;  /* upper limit of what it has counted */
	double count; /* at most this much */
};

struct histogram {
	struct bucket *buckets;
	size_t bucket_count;
	double sum, count;
};

static int compare_buckets(const void *va, const void *vb)
{
	const struct bucket *a = va, *b = vb;

	return a->most < b->most ? -1 : a->most > b->most;
}

/* Adds the increase of a bucket, together with those of other labels. */
static int add_bucket(struct histogram *h, double most, double count)
{
	struct bucket *added;

	for (size_t i = 0; i < h->bucket_count; i++)
		if (h->buckets[i].most == most) {
			h->buckets[i].count += count;
			return 0;
		}
	added = array_push(h->buckets, h->bucket_count);
	if (!added)
		return -ENOMEM;
	*added = (struct bucket) {most, count};
	return 0;
}

/* A quantile lies between the limits of its bucket; the value is interpolated. */
static void measure_quantile(struct histogram *h, double share, struct measure *m)
{
	double rank = share * h->count, low = 0, below = 0;

	qsort(h->buckets, h->bucket_count, sizeof(*h->buckets), compare_buckets);
	for (size_t i = 0; i < h->bucket_count; i++) {
		const struct bucket *bucket = &h->buckets[i];

		m->low = low;
		m->high = bucket->most;
		m->at_least = isinf(bucket->most);
		m->value = m->at_least		 ? low :
			   bucket->count > below ? low + (bucket->most - low) * (rank - below) /
								   (bucket->count - below) :
						   bucket->most;
		if (bucket->count >= rank)
			return;
		low = bucket->most;
		below = bucket->count;
	}
}

static void measure_histogram(struct histogram *h, enum claim_statistic statistic,
			      struct measure *m)
{
	if (!h->bucket_count)
		why_not(m, "it is no histogram");
	else if (!h->count)
		why_not(m, "it has counted nothing in this phase");
	else if (statistic == STATISTIC_MEAN)
		set_exact(m, h->sum / h->count);
	else
		measure_quantile(h, verdict_quantile(statistic)->share, m);
}

/* --- the worst */

/* How far a measure is on the wrong side, certainly and possibly. */
static double badness(const struct claim *claim, const struct measure *m, bool certain)
{
	bool least = claim->op == OPERATOR_GE || claim->op == OPERATOR_GT;

	if (claim->op == OPERATOR_EQ)
		return certain ? fmax(m->low - claim->value, claim->value - m->high) :
				 fmax(m->high - claim->value, claim->value - m->low);
	if (least)
		return claim->value - (certain ? m->high : m->low);
	return (certain ? m->low : m->high) - claim->value;
}

static bool is_wrong(const struct claim *claim, double badness)
{
	bool strict = claim->op == OPERATOR_LT || claim->op == OPERATOR_GT;

	return strict ? badness >= 0 : badness > 0;
}

/*
 * Takes over a measure that is worse: first by what is certain, then by what is possible. If one
 * member suffices, the best counts instead, whatever is possible.
 */
static void take_decisive(const struct claim *claim, const struct measure *m, bool first,
			  struct measure *ret)
{
	bool sure = is_wrong(claim, badness(claim, m, true));

	if (claim->any) {
		if (first || badness(claim, m, false) < badness(claim, ret, false))
			*ret = *m;
		return;
	}
	if (first || (sure && badness(claim, m, true) > badness(claim, ret, true)) ||
	    (!sure && !is_wrong(claim, badness(claim, ret, true)) &&
	     badness(claim, m, false) > badness(claim, ret, false)))
		*ret = *m;
}

/* --- all series */

/* A series of the metric; its number is that of a value. */
struct candidate {
	uint32_t number;
	struct series series;
};

struct search {
	const struct claim *claim;
	const struct window *window;
	struct series pattern;
	uint32_t workload;
	struct candidate *list;
	size_t count;
	size_t found; /* measures */
	struct measure *ret;
};

static bool is_histogram(enum claim_statistic statistic)
{
	return statistic == STATISTIC_MEAN || statistic == STATISTIC_MEDIAN ||
	       statistic == STATISTIC_P90 || statistic == STATISTIC_P99;
}

/* Finds the series of the metric. */
static int find_series(const struct judging *j, struct search *s)
{
	const struct text_table *texts = &j->ev->values;
	auto_free bool *seen = calloc(texts->count + 1, sizeof(*seen));

	for (size_t i = 0; seen && i < j->ev->metric_count; i++) {
		uint32_t number = j->ev->metrics[i].series;
		const char *text = text_table_get(texts, number);
		struct candidate *added;
		struct series series;

		if (seen[number])
			continue;
		seen[number] = true;
		if (series_parse(text, strlen(text), &series, NULL) < 0 ||
		    !series_matches(&s->pattern, &series))
			continue;
		added = array_push(s->list, s->count);
		if (!added)
			return -ENOMEM;
		*added = (struct candidate) {number, series};
	}
	return seen ? 0 : -ENOMEM;
}

/* Collects the samples of one series of a member. */
static int find_course(const struct judging *j, const struct search *s, uint32_t member,
		       uint32_t series, struct course *ret)
{
	ret->count = 0;
	for (size_t i = 0; i < j->ev->metric_count; i++) {
		const struct metric_sample *sample = &j->ev->metrics[i], **added;

		if (sample->workload != s->workload || sample->member != member ||
		    sample->series != series)
			continue;
		added = array_push(ret->list, ret->count);
		if (!added)
			return -ENOMEM;
		*added = sample;
	}
	return 0;
}

static int add_to_histogram(const struct search *s, const struct series *series,
			    const struct course *course, const struct ends *ends,
			    struct histogram *h)
{
	const struct scrape *from = ends->before ? ends->before : ends->first;
	const char *le = series_label(series, "le");
	double more = increase(course, from, ends->last, NULL);

	if (series_is(&s->pattern, "_bucket", series) && le)
		return add_bucket(h, strtod(le, NULL), more);
	if (series_is(&s->pattern, "_sum", series))
		h->sum += more;
	if (series_is(&s->pattern, "_count", series))
		h->count += more;
	return 0;
}

static void measure_plain(struct search *s, const struct course *course, const struct ends *ends,
			  const char *member)
{
	struct measure m = {.when = INT64_MIN};

	if (s->claim->statistic == STATISTIC_INCREASE)
		measure_increase(course, ends, &m);
	else
		measure_extreme(course, ends, s->claim->statistic, &m);
	err_format(m.of, sizeof(m.of), "%s", member);
	take_decisive(s->claim, &m, !s->found++, s->ret);
}

static int measure_member(struct judging *j, struct search *s, uint32_t member,
			  const struct ends *ends)
{
	bool wants_histogram = is_histogram(s->claim->statistic);
	struct measure m = {.when = INT64_MIN};
	struct histogram h = {0};
	struct course course = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->count; i++) {
		const struct series *series = &s->list[i].series;

		if (series_is(&s->pattern, "", series) == wants_histogram)
			continue;
		r = find_course(j, s, member, s->list[i].number, &course);
		if (r < 0 || !course.count)
			continue;
		if (wants_histogram)
			r = add_to_histogram(s, series, &course, ends, &h);
		else
			measure_plain(s, &course, ends, verdict_name(j, member));
	}
	if (r == 0 && wants_histogram) {
		measure_histogram(&h, s->claim->statistic, &m);
		err_format(m.of, sizeof(m.of), "%s", verdict_name(j, member));
		if (*m.why && !s->found && !*s->ret->why)
			why_not(s->ret, "%s of %s: %s", s->pattern.name, m.of, m.why);
		if (!*m.why)
			take_decisive(s->claim, &m, !s->found++, s->ret);
	}
	free(course.list);
	free(h.buckets);
	return r;
}

/* Measures all members, as long as each of them answered throughout. */
static int measure_all(struct judging *j, struct search *s)
{
	auto_free bool *seen = calloc(j->ev->names.count + 1, sizeof(*seen));
	int r = seen ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < j->ev->scrape_count; i++) {
		uint32_t member = j->ev->scrapes[i].member;
		struct ends ends;

		if (j->ev->scrapes[i].workload != s->workload || seen[member])
			continue;
		seen[member] = true;
		if (!s->claim->any && !is_covered(j, s->workload, member, s->window, s->ret))
			return 0;
		ends = find_ends(j, s->workload, member, s->window);
		if (s->claim->any && (!ends.first || !ends.last))
			continue;
		if (!ends.first || !ends.last) {
			why_not(s->ret, "%s had no metrics", verdict_name(j, member));
			return 0;
		}
		r = measure_member(j, s, member, &ends);
	}
	return r;
}

int verdict_measure_metric(struct judging *j, const struct claim *claim,
			   const struct window *window, struct measure *ret)
{
	struct search s = {.claim = claim, .window = window, .ret = ret};
	auto_free struct candidate *list = NULL;
	int r;

	s.workload = text_table_find(&j->ev->names, claim->subject);
	if (series_parse(claim->series, strlen(claim->series), &s.pattern, NULL) < 0 ||
	    !s.workload) {
		why_not(ret, "%s had no metrics", shown(claim->subject));
		return 0;
	}
	r = find_series(j, &s);
	list = s.list;
	if (r == 0)
		r = measure_all(j, &s);
	if (r == 0 && !s.found && !*ret->why)
		why_not(ret, "no member has this series of metrics");
	return r;
}
