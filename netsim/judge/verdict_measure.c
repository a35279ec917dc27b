// SPDX-License-Identifier: GPL-2.0-or-later
/* Quantities of probes and ledgers in a window. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "netsim/judge/blocks.h"
#include "netsim/judge/verdict_parts.h"
#include "netsim/util/array.h"
#include "netsim/util/err.h"

/* Before a fault, a probe must succeed for this number of intervals, and for this time. */
#define STEADY_INTERVALS 10
#define STEADY_NS	 1000000000

/* --- probes */

/* Returns the series of a probe, made on first use; NULL with *r 0: there is no such probe. */
static const struct sample_series *find_series(struct judging *j, const char *probe, int *r)
{
	uint32_t name = text_table_find(&j->ev->names, probe);
	struct named_series *added;

	*r = 0;
	for (size_t i = 0; i < j->series_count; i++)
		if (j->series[i].name == name)
			return &j->series[i].series;
	added = array_push(j->series, j->series_count);
	*r = added ? sample_series_make(j->ev, name, &added->series) : -ENOMEM;
	if (*r < 0) {
		j->series_count -= added != NULL;
		*r = *r == -ENOENT ? 0 : *r;
		return NULL;
	}
	added->name = name;
	return &added->series;
}

/* Doubts a duration: samples have a gap above the limit, or a step was late by a tenth of it. */
static void doubt_lateness(const struct claim *claim, const struct window *window,
			   const struct sample_series_window *seen, struct measure *m)
{
	char late[VALUE_TEXT];

	if (seen && (double)seen->gap > claim->value && claim->value > 0)
		doubt_it(m, "no sample for %s; the machine was late, or the probe is too slow",
			 verdict_instant(seen->gap, late));
	else if ((double)window->lateness > claim->value / 10 && claim->value > 0)
		doubt_it(m, "the machine was late: a step began %s late",
			 verdict_instant(window->lateness, late));
}

static void check_steady(const struct sample_series *series, const struct window *window,
			 const char *name, struct measure *m)
{
	int64_t time = STEADY_INTERVALS * series->probe->interval;
	struct sample_series_window before;
	size_t allowed;

	if (!window->fault)
		return;
	if (time < STEADY_NS)
		time = STEADY_NS;
	sample_series_window(series, window->begin - time, window->begin, &before);
	if (!before.answered)
		why_not(m, "%s has no success just before the fault", shown(name));
	/* A request that hung may have been in flight when the fault began. */
	allowed = before.outages && before.last.begin_high > window->begin;
	if (before.answered && before.outages > allowed)
		why_not(m, "%s had failed before the fault", shown(name));
}

static void measure_available(const struct sample_series *series, const struct claim *claim,
			      const struct window *window, const struct sample_series_window *seen,
			      struct measure *m)
{
	double length = (double)(window->end - window->begin);
	double needed = claim->value < 1 ? ceil(1 / (1 - claim->value) - 1e-6) : 1;
	double allowed = fmax((1 - claim->value) * length, (double)(4 * series->probe->interval));
	char gap[VALUE_TEXT];

	m->value = 1 - (double)seen->down / length;
	m->low = 1 - (double)seen->down_most / length;
	m->high = 1 - (double)seen->down_least / length;
	/* A failed sample proves an outage, however short. One that hung does not if the machine
	 * stood still meanwhile. */
	if (seen->outages && m->high >= 1 && (seen->denied || (double)seen->gap <= allowed))
		m->high = nextafter(1, 0);
	if (seen->outages)
		m->when = seen->longest.begin;
	if ((double)seen->samples < needed)
		doubt_it(m, "%zu sample%s; the limit needs %.0f", seen->samples,
			 seen->samples == 1 ? "" : "s", needed);
	else if ((double)seen->gap > allowed)
		doubt_it(m, "no sample for %s", verdict_instant(seen->gap, gap));
}

static void measure_outage(const struct claim *claim, const struct window *window,
			   const struct sample_series_window *seen, struct measure *m)
{
	const struct outage_length *longest = &seen->longest;

	m->high = claim->value > 0 ? (double)seen->gap : 0;
	if (seen->outages) {
		m->value = (double)longest->length;
		m->low = (double)longest->least;
		m->high = (double)longest->most;
		m->when = longest->begin;
		m->at_least = longest->at_least;
	}
	/* The end is known only if the outage ended later, in the next phase. */
	if (m->at_least)
		m->high = longest->whole == INT64_MAX ? INFINITY : (double)longest->whole;
	doubt_lateness(claim, window, seen, m);
}

static void measure_recovers(const struct claim *claim, const struct window *window,
			     const struct sample_series_window *seen, struct measure *m)
{
	const struct outage *last = &seen->last;

	if (seen->outages) {
		m->at_least = last->end > window->end;
		m->value = (double)((m->at_least ? window->end : last->end) - window->begin);
		m->low = m->at_least ? m->value : (double)(last->end_low - window->begin);
		m->low = fmax(m->low, 0);
		m->high = m->at_least ? INFINITY : (double)(last->end_high - window->begin);
		m->when = last->begin > window->begin ? last->begin : window->begin;
	}
	doubt_lateness(claim, window, seen, m);
}

static int measure_rtt(const struct sample_series *series, const struct claim *claim,
		       const struct window *window, struct measure *m)
{
	const struct quantile *wanted = verdict_quantile(claim->statistic);
	struct sample_series_rtt rtt;
	char late[VALUE_TEXT];
	int r = sample_series_rtt(series, (const int64_t[2]) {window->begin, window->end},
				  wanted->share, &rtt);

	if (r < 0)
		return r;
	if (!rtt.samples) {
		why_not(m, "no sample was answered");
		return 0;
	}
	set_exact(m, (double)rtt.ns);
	m->at_least = rtt.at_least;
	if (rtt.at_least) {
		m->high = INFINITY;
		doubt_it(m, "this probe hung, and its timeout is below the limit");
	}
	if (rtt.samples < wanted->samples)
		doubt_it(m, "%zu sample%s; this statistic needs %zu", rtt.samples,
			 rtt.samples == 1 ? "" : "s", wanted->samples);
	else if ((double)rtt.lateness > claim->value)
		doubt_it(m, "the machine was late: a probe was sent %s late",
			 verdict_instant(rtt.lateness, late));
	return 0;
}

static int measure_probe(struct judging *j, const struct claim *claim, const struct window *window,
			 struct measure *m)
{
	int r;
	const struct sample_series *series = find_series(j, claim->subject, &r);
	struct sample_series_window seen;

	if (r < 0)
		return r;
	if (!series || !series->sample_count) {
		why_not(m, "%s has no samples", shown(claim->subject));
		return 0;
	}
	if (!series->succeeded) {
		why_not(m, "%s never succeeded", shown(claim->subject));
		return 0;
	}
	sample_series_window(series, window->begin, window->end, &seen);
	if (!seen.samples || window->end <= window->begin) {
		why_not(m, "%s has no samples in this phase", shown(claim->subject));
		return 0;
	}
	if (claim->quantity == CLAIM_RTT)
		return measure_rtt(series, claim, window, m);
	if (claim->quantity == CLAIM_OUTAGE)
		check_steady(series, window, claim->subject, m);
	if (claim->quantity == CLAIM_OUTAGE)
		measure_outage(claim, window, &seen, m);
	else if (claim->quantity == CLAIM_RECOVERS)
		measure_recovers(claim, window, &seen, m);
	else
		measure_available(series, claim, window, &seen, m);
	return 0;
}

/* --- ledgers */

static bool is_answer(const struct operation *op, uint32_t ledger)
{
	return op->ledger == ledger && op->kind < OP_WATCH &&
	       (op->result == OP_OK || op->result == OP_UNEQUAL);
}

static void measure_rate(const struct judging *j, uint32_t ledger, const struct window *window,
			 struct measure *m)
{
	size_t count = 0;

	for (size_t i = 0; i < j->ev->operation_count; i++) {
		const struct operation *op = &j->ev->operations[i];

		count += is_answer(op, ledger) && op->end >= window->begin && op->end < window->end;
	}
	set_rate(m, window, count);
}

/* Findings count from the end of the previous window of the same expectation; in the last phase,
 * up to the end of the history, which has the final reads. */
static void measure_findings(const struct claim *claim, const struct window *window,
			     const struct ledger_verdict *verdict, int64_t since, struct measure *m)
{
	unsigned watch =
		1U << FINDING_WATCH_GAP | 1U << FINDING_WATCH_DOUBLE | 1U << FINDING_WATCH_BACK;
	size_t count = 0;

	for (size_t i = 0; i < verdict->finding_count; i++) {
		const struct finding *finding = &verdict->findings[i];

		if (!(claim->findings & 1U << finding->kind) || finding->time < since ||
		    (!window->last && finding->time >= window->end))
			continue;
		if (!count++) {
			m->when = finding->time;
			m->finding = finding;
		}
	}
	set_exact(m, (double)count);
	if (!verdict->acknowledged)
		doubt_it(m, "the ledger has no acknowledged operation");
	else if (verdict->unknown > verdict->acknowledged)
		doubt_it(m, "the outcome of most operations is unknown");
	else if ((claim->findings & ~watch) && !verdict->reads)
		doubt_it(m, "the ledger has no acknowledged read");
	else if ((claim->findings & watch) && !verdict->watched)
		doubt_it(m, "the ledger's watches delivered nothing");
	else if (verdict->unread)
		doubt_it(m, "%zu blocks were not read back after their last write",
			 verdict->unread);
	else if (verdict->unrecorded)
		doubt_it(m, "the history was cut off by a kill; %zu values have no write",
			 verdict->unrecorded);
}

static int measure_ledger(struct judging *j, const struct claim *claim, const struct window *window,
			  int64_t since, struct measure *m)
{
	uint32_t name = text_table_find(&j->ev->names, claim->subject);
	const struct ledger_verdict *verdict = name ? verdict_ledger(j, name) : NULL;

	if (name && claim->quantity == CLAIM_RATE && blocks_are_of(j->ev, name))
		return verdict_measure_blocks(j, claim, window, m);
	if (!verdict)
		why_not(m, "%s has no operations", shown(claim->subject));
	else if (claim->quantity == CLAIM_RATE)
		measure_rate(j, name, window, m);
	else
		measure_findings(claim, window, verdict, since, m);
	return 0;
}

int verdict_measure(struct judging *j, const struct claim *claim, const struct window *window,
		    int64_t since, struct measure *ret)
{
	switch (claim->quantity) {
	case CLAIM_AVAILABLE:
	case CLAIM_OUTAGE:
	case CLAIM_RTT:
	case CLAIM_RECOVERS:
		return measure_probe(j, claim, window, ret);
	case CLAIM_RATE:
	case CLAIM_FINDING:
		return measure_ledger(j, claim, window, since, ret);
	case CLAIM_STALL:
	case CLAIM_LATENCY:
		return verdict_measure_blocks(j, claim, window, ret);
	case CLAIM_LEADER_CHANGES:
	case CLAIM_AGREES:
		return verdict_measure_cluster(j, claim, window, ret);
	case CLAIM_METRIC:
		return verdict_measure_metric(j, claim, window, ret);
	case CLAIM_LOSS:
	case CLAIM_PACKETS:
		break;
	}
	verdict_measure_pair(j, claim, window, ret);
	return 0;
}
