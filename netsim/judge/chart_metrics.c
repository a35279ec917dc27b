// SPDX-License-Identifier: GPL-2.0-or-later
/* A run over time: the metrics of members. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/chart_parts.h"
#include "netsim/judge/metrics.h"
#include "netsim/util/auto.h"

#define SERIES_DRAWN 200 /* of all members: the page is bounded */

/*
 * A line: the series of one member. A histogram is drawn as the mean of what it counted in each
 * bin, so that its "_sum" stands for it.
 */
struct line {
	uint32_t workload, member, series;
	uint8_t type;
	char name[SERIES_NAME]; /* of a histogram: without the suffix */
};

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The line that a sample belongs to; false: it is part of a histogram only. */
static bool line_of(const struct chart *c, const struct metric_sample *sample, struct line *ret)
{
	const char *text = text_table_get(&c->ev->values, sample->series);
	struct series series;

	if (series_parse(text, strlen(text), &series, NULL) < 0)
		return false;
	*ret = (struct line) {sample->workload, sample->member, sample->series, sample->type, ""};
	memcpy(ret->name, series.name, sizeof(ret->name));
	if (sample->type != METRIC_HISTOGRAM && sample->type != METRIC_SUMMARY)
		return true;
	if (!ends_with(series.name, "_sum"))
		return false;
	ret->name[strlen(ret->name) - strlen("_sum")] = '\0';
	return true;
}

static bool same_line(const struct line *a, const struct metric_sample *sample)
{
	return a->workload == sample->workload && a->member == sample->member &&
	       a->series == sample->series;
}

/* Returns the number of "x_count{...}" that belongs to "x_sum{...}"; 0: there is none. */
static uint32_t count_of(const struct chart *c, uint32_t sum)
{
	const char *text = text_table_get(&c->ev->values, sum), *at = strstr(text, "_sum");
	auto_buf struct buf name = {0};

	if (!at)
		return 0;
	buf_add(&name, text, (size_t)(at - text));
	buf_printf(&name, "_count%s", at + strlen("_sum"));
	return name.failed ? 0 : text_table_find(&c->ev->values, name.data);
}

/* Fills the last value of each bin; a value holds until the next, bins before the first: NAN. */
static void find_values(const struct chart *c, const struct line *line, double *values)
{
	size_t at = 0;
	double value = NAN;

	for (size_t i = 0; i < c->ev->metric_count; i++) {
		const struct metric_sample *sample = &c->ev->metrics[i];
		size_t bin;

		if (!same_line(line, sample))
			continue;
		for (bin = chart_bin(c, sample->sent); at < bin; at++)
			values[at] = value;
		value = sample->value;
	}
	for (; at < c->bins; at++)
		values[at] = value;
}

/* Removes the values of bins after the member's last answer. */
static void cut_values(const struct chart *c, const struct line *line, double *values)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < c->ev->scrape_count; i++) {
		const struct scrape *scrape = &c->ev->scrapes[i];

		if (scrape->workload == line->workload && scrape->member == line->member &&
		    !scrape->failed)
			last = scrape->sent;
	}
	for (size_t bin = chart_bin(c, last + METRICS_GAP); bin < c->bins; bin++)
		if (c->from + (int64_t)bin * c->bin > last + METRICS_GAP)
			values[bin] = NAN;
}

static double step_of(const double *values, size_t bin)
{
	double before = bin ? values[bin - 1] : NAN, now = values[bin];

	return now >= before ? now - before : now;
}

static void put_value(struct chart *c, size_t bin, double value)
{
	buf_puts(&c->out, bin ? "," : "");
	if (isfinite(value))
		buf_printf(&c->out, "%.6g", value);
	else
		buf_puts(&c->out, "null");
}

/* The mean of what a histogram counted in each bin. */
static int put_means(struct chart *c, const struct line *line, const double *sums)
{
	auto_free double *counts = calloc(c->bins, sizeof(*counts));
	struct line count = *line;

	if (!counts)
		return -ENOMEM;
	count.series = count_of(c, line->series);
	find_values(c, &count, counts);
	for (size_t bin = 0; bin < c->bins; bin++) {
		double more = step_of(counts, bin);

		put_value(c, bin, more > 0 ? step_of(sums, bin) / more : NAN);
	}
	return 0;
}

/* A counter begins at 0, and goes on where it was after a restart of the member. */
static void put_counter(struct chart *c, const double *values)
{
	double sum = 0;

	for (size_t bin = 0; bin < c->bins; bin++) {
		if (bin && isfinite(values[bin]) && isfinite(values[bin - 1]))
			sum += step_of(values, bin);
		put_value(c, bin, isfinite(values[bin]) ? sum : NAN);
	}
}

static int put_line(struct chart *c, const struct line *line)
{
	static const char *const kinds[] = {"value", "increase", "value", "mean", "mean"};
	auto_free double *values = calloc(c->bins, sizeof(*values));
	int r = 0;

	if (!values)
		return -ENOMEM;
	find_values(c, line, values);
	cut_values(c, line, values);
	buf_puts(&c->out, "{");
	chart_text(c, true, "workload", line->workload);
	chart_text(c, false, "member", line->member);
	chart_key(c, false, "name");
	record_quote(&c->out, line->name);
	chart_key(c, false, "series");
	record_quote(&c->out, text_table_get(&c->ev->values, line->series));
	chart_key(c, false, "shows");
	record_quote(&c->out, kinds[line->type]);
	chart_key(c, false, "values");
	buf_puts(&c->out, "[");
	if (line->type == METRIC_HISTOGRAM || line->type == METRIC_SUMMARY)
		r = put_means(c, line, values);
	else if (line->type == METRIC_COUNTER)
		put_counter(c, values);
	else
		for (size_t bin = 0; bin < c->bins; bin++)
			put_value(c, bin, values[bin]);
	buf_puts(&c->out, "]}");
	return r;
}

static bool is_known(const struct line *lines, size_t count, const struct metric_sample *sample)
{
	for (size_t i = 0; i < count; i++)
		if (same_line(&lines[i], sample))
			return true;
	return false;
}

/* Finds the lines in the order in which their first samples come. */
static size_t find_lines(const struct chart *c, struct line *lines)
{
	size_t count = 0;

	for (size_t i = 0; i < c->ev->metric_count && count < SERIES_DRAWN; i++)
		if (!is_known(lines, count, &c->ev->metrics[i]))
			count += line_of(c, &c->ev->metrics[i], &lines[count]);
	return count;
}

int chart_metrics(struct chart *c)
{
	auto_free struct line *lines = calloc(SERIES_DRAWN, sizeof(*lines));
	size_t count = lines ? find_lines(c, lines) : 0;
	int r = lines ? 0 : -ENOMEM;

	chart_key(c, false, "metrics");
	buf_puts(&c->out, "[");
	for (size_t i = 0; r == 0 && i < count; i++) {
		buf_puts(&c->out, i ? ",\n" : "");
		r = put_line(c, &lines[i]);
	}
	buf_puts(&c->out, "]");
	return r;
}
