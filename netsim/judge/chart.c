// SPDX-License-Identifier: GPL-2.0-or-later
/* A run over time: phases, faults, events. */
#include "netsim/judge/chart.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "netsim/judge/chart_parts.h"
#include "netsim/util/array.h"

#define LISTED	     1000  /* phases, faults, events */
#define BINS	     400   /* of a series, unless there are many */
#define BINS_LEAST   20	   /* of a series, however many there are */
#define BINS_TOTAL   40000 /* of all series */
#define GRAINS	     2000  /* of a strip, as above */
#define GRAINS_LEAST 100
#define GRAINS_TOTAL 100000

/* --- the time axis */

static void reach(struct chart *c, int64_t time)
{
	if (time < c->from)
		c->from = time;
	if (time > c->to)
		c->to = time;
}

/* The axis begins at the first sample or phase, because workloads need time to start. */
static void find_limits(struct chart *c)
{
	const struct evidence *ev = c->ev;

	c->origin = ev->event_count ? ev->events[0].time : 0;
	c->from = INT64_MAX;
	c->to = INT64_MIN;
	for (size_t i = 0; i < ev->event_count; i++)
		if (ev->events[i].kind == EVENT_PHASE || ev->events[i].kind == EVENT_RUN_END ||
		    ev->events[i].kind == EVENT_FAULT_END)
			reach(c, ev->events[i].time);
	for (size_t i = 0; i < ev->sample_count; i++)
		reach(c, ev->samples[i].sent);
	for (size_t i = 0; i < ev->operation_count; i++)
		reach(c, ev->operations[i].end);
	for (size_t i = 0; i < ev->block_count; i++)
		reach(c, ev->blocks[i].end);
	if (c->from > c->to)
		c->from = c->to = c->origin;
	c->to += c->to == c->from;
}

static size_t share(size_t each, size_t least, size_t total, size_t series)
{
	size_t count = series * each > total ? total / series : each;

	return count > least ? count : least;
}

/* Bins of 100 ms, 200 ms, 500 ms, 1 s ..., so that there are few enough. */
static void choose_bins(struct chart *c)
{
	static const int64_t steps[] = {1, 2, 5};
	size_t series = 1, most;
	int64_t length = c->to - c->from, unit = 100000000;

	for (size_t i = 0; i < c->ev->probe_count; i++)
		series += c->ev->probes[i].targets;
	most = share(BINS, BINS_LEAST, BINS_TOTAL, series);
	c->bin = unit;
	for (size_t i = 1; length / c->bin >= (int64_t)most; i++) {
		unit *= i % ARRAY_SIZE(steps) == 0 ? 10 : 1;
		c->bin = unit * steps[i % ARRAY_SIZE(steps)];
	}
	c->bins = (size_t)(length / c->bin) + 1;
	c->grain = length / (int64_t)share(GRAINS, GRAINS_LEAST, GRAINS_TOTAL, series);
}

/* --- events */

static void put_phases(struct chart *c)
{
	const struct event *open = NULL;
	size_t count = 0;

	buf_puts(&c->out, ",\"phases\":[");
	for (size_t i = 0; i <= c->ev->event_count; i++) {
		const struct event *event = i < c->ev->event_count ? &c->ev->events[i] : NULL;

		if (event && event->kind != EVENT_PHASE && event->kind != EVENT_RUN_END &&
		    event->kind != EVENT_ABORTED)
			continue;
		if (open && count++ < LISTED) {
			buf_puts(&c->out, count > 1 ? ",\n{" : "{");
			chart_text(c, true, "name", open->phase);
			if (open->repetition)
				chart_number(c, false, "repetition", open->repetition);
			chart_when(c, false, "begin_ns", open->time);
			chart_when(c, false, "end_ns", event ? event->time : c->to);
			buf_puts(&c->out, "}");
		}
		open = event && event->kind == EVENT_PHASE ? event : NULL;
	}
	buf_printf(&c->out, "],\"phase_count\":%zu", count);
}

static const struct event *end_of_fault(const struct evidence *ev, size_t begin)
{
	for (size_t i = begin + 1; i < ev->event_count; i++)
		if (ev->events[i].kind == EVENT_FAULT_END &&
		    ev->events[i].subject == ev->events[begin].subject)
			return &ev->events[i];
	return NULL;
}

static void put_fault(struct chart *c, size_t at)
{
	const struct event *begin = &c->ev->events[at], *end = end_of_fault(c->ev, at);

	buf_puts(&c->out, "{");
	chart_text(c, true, "text", begin->subject);
	if (begin->phase)
		chart_text(c, false, "phase", begin->phase);
	if (begin->repetition)
		chart_number(c, false, "repetition", begin->repetition);
	chart_when(c, false, "begin_ns", begin->time);
	if (end)
		chart_when(c, false, "end_ns", end->time);
	if (end && !end->uncounted) {
		chart_number(c, false, "offered", end->offered);
		chart_number(c, false, "affected", end->affected);
	}
	buf_puts(&c->out, "}");
}

static void put_faults(struct chart *c)
{
	size_t count = 0;

	buf_puts(&c->out, ",\"faults\":[");
	for (size_t i = 0; i < c->ev->event_count; i++) {
		if (c->ev->events[i].kind != EVENT_FAULT_BEGIN || count++ >= LISTED)
			continue;
		buf_puts(&c->out, count > 1 ? ",\n" : "");
		put_fault(c, i);
	}
	buf_printf(&c->out, "],\"fault_count\":%zu", count);
}

static void put_event(struct chart *c, const struct event *event)
{
	buf_puts(&c->out, "{");
	chart_when(c, true, "at_ns", event->time);
	chart_key(c, false, "kind");
	record_quote(&c->out, event_word(event->kind));
	chart_text(c, false, "subject", event->subject);
	chart_text(c, false, "text", event->text);
	chart_text(c, false, "phase", event->phase);
	if (event->repetition)
		chart_number(c, false, "repetition", event->repetition);
	if (event->kind == EVENT_STEP_BEGIN)
		chart_number(c, false, "late_ns", event->lateness);
	if (event->status)
		chart_number(c, false, "status", event->status);
	buf_puts(&c->out, "}");
}

static void put_events(struct chart *c)
{
	size_t count = 0;

	buf_puts(&c->out, ",\"events\":[");
	for (size_t i = 0; i < c->ev->event_count; i++) {
		const struct event *event = &c->ev->events[i];

		if (event->kind == EVENT_EXPECTED || event->kind == EVENT_ABOUT ||
		    count++ >= LISTED)
			continue;
		buf_puts(&c->out, count > 1 ? ",\n" : "");
		put_event(c, event);
	}
	buf_printf(&c->out, "],\"event_count\":%zu", count);
}

static void put_about(struct chart *c)
{
	bool first = true;

	buf_puts(&c->out, ",\"about\":[");
	for (size_t i = 0; i < c->ev->event_count; i++) {
		const struct event *event = &c->ev->events[i];

		if (event->kind != EVENT_ABOUT)
			continue;
		buf_puts(&c->out, first ? "{" : ",{");
		chart_text(c, true, "name", event->subject);
		chart_text(c, false, "value", event->text);
		buf_puts(&c->out, "}");
		first = false;
	}
	buf_puts(&c->out, "]");
}

/* --- expectations */

static const char *unit_of(enum claim_quantity quantity)
{
	switch (quantity) {
	case CLAIM_OUTAGE:
	case CLAIM_RTT:
	case CLAIM_RECOVERS:
	case CLAIM_STALL:
	case CLAIM_LATENCY:
	case CLAIM_AGREES:
		return "ns";
	case CLAIM_AVAILABLE:
	case CLAIM_LOSS:
		return "ratio";
	case CLAIM_RATE:
		return "rate";
	case CLAIM_METRIC:
		return "metric";
	case CLAIM_FINDING:
	case CLAIM_LEADER_CHANGES:
	case CLAIM_PACKETS:
		break;
	}
	return "count";
}

static void put_claims(struct chart *c, const struct claim *claims, size_t count)
{
	buf_puts(&c->out, ",\"expectations\":[");
	for (size_t i = 0; i < count; i++) {
		buf_puts(&c->out, i ? ",{" : "{");
		chart_key(c, true, "phase");
		record_quote(&c->out, claims[i].phase);
		chart_key(c, false, "text");
		record_quote(&c->out, claims[i].text);
		chart_key(c, false, "unit");
		record_quote(&c->out, unit_of(claims[i].quantity));
		buf_puts(&c->out, "}");
	}
	buf_puts(&c->out, "]");
}

char *chart_json(const struct evidence *ev, const struct claim *claims, size_t claim_count)
{
	struct chart c = {.ev = ev};
	int r;

	find_limits(&c);
	choose_bins(&c);
	buf_puts(&c.out, "{");
	chart_when(&c, true, "from_ns", c.from);
	chart_when(&c, false, "to_ns", c.to);
	chart_number(&c, false, "bin_ns", c.bin);
	chart_number(&c, false, "grain_ns", c.grain);
	put_about(&c);
	put_claims(&c, claims, claim_count);
	put_phases(&c);
	put_faults(&c);
	put_events(&c);
	r = chart_probes(&c);
	if (r == 0)
		r = chart_ledgers(&c);
	if (r == 0)
		r = chart_clusters(&c);
	if (r == 0)
		r = chart_metrics(&c);
	buf_puts(&c.out, "}\n");
	if (r == 0)
		return buf_take(&c.out);
	buf_done(&c.out);
	return NULL;
}
