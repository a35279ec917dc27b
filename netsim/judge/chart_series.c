// SPDX-License-Identifier: GPL-2.0-or-later
/* A run over time: bins and spans of samples, operations and states of members. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "netsim/judge/blocks.h"
#include "netsim/judge/chart_parts.h"
#include "netsim/util/auto.h"

#define CHANGES	 1000	   /* of a leader, that are listed */
#define STALL_NS 100000000 /* shorter ones are not listed */

/* --- spans */

/* Spans of one strip, merged where they are closer than the grain. */
struct spans {
	struct chart *c;
	int64_t begin, end; /* the present one; begin INT64_MIN: none */
	bool merged;
	size_t count;
};

static void spans_flush(struct spans *s)
{
	if (s->begin == INT64_MIN)
		return;
	buf_printf(&s->c->out, "%s[%" PRId64 ",%" PRId64 ",%d]", s->count++ ? "," : "",
		   s->begin - s->c->origin, s->end - s->c->origin, s->merged);
	s->begin = INT64_MIN;
}

static void spans_add(struct spans *s, int64_t begin, int64_t end)
{
	if (s->begin != INT64_MIN && begin - s->end < s->c->grain) {
		s->merged |= begin > s->end;
		s->end = end > s->end ? end : s->end;
		return;
	}
	spans_flush(s);
	s->begin = begin;
	s->end = end;
	s->merged = false;
}

static struct spans spans_open(struct chart *c, bool first, const char *name)
{
	chart_key(c, first, name);
	buf_puts(&c->out, "[");
	return (struct spans) {.c = c, .begin = INT64_MIN};
}

static void spans_close(struct spans *s)
{
	spans_flush(s);
	buf_puts(&s->c->out, "]");
}

/* --- probes */

/* From each first sample that failed to the next that succeeded. */
static void put_down(struct chart *c, const struct sample **samples, size_t count)
{
	struct spans spans = spans_open(c, false, "down");
	const struct sample *failed = NULL;

	for (size_t i = 0; i < count; i++) {
		if (samples[i]->result != SAMPLE_OK && !failed)
			failed = samples[i];
		if (samples[i]->result != SAMPLE_OK || !failed)
			continue;
		spans_add(&spans, failed->sent, samples[i]->sent);
		failed = NULL;
	}
	if (failed)
		spans_add(&spans, failed->sent, c->to);
	spans_close(&spans);
}

static int compare_times(const void *va, const void *vb)
{
	int64_t a = *(const int64_t *)va, b = *(const int64_t *)vb;

	return a < b ? -1 : a > b;
}

struct bin {
	int64_t median, most; /* below 0: no sample */
};

/* Finds the round-trip times of each bin; samples are in the order of sending. */
static int find_bins(struct chart *c, const struct sample **samples, size_t count, struct bin *bins)
{
	auto_free int64_t *took = calloc(count + 1, sizeof(*took));
	size_t used = 0, at = 0;

	if (!took)
		return -ENOMEM;
	for (size_t i = 0; i < c->bins; i++)
		bins[i] = (struct bin) {-1, -1};
	for (size_t i = 0; i <= count; i++) {
		size_t bin = i < count ? chart_bin(c, samples[i]->sent) : c->bins;

		if (bin != at && used) {
			qsort(took, used, sizeof(*took), compare_times);
			bins[at] = (struct bin) {took[used / 2], took[used - 1]};
			used = 0;
		}
		at = bin;
		if (i < count && samples[i]->result == SAMPLE_OK)
			took[used++] = samples[i]->took;
	}
	return 0;
}

static void put_bins(struct chart *c, const char *name, const struct bin *bins, bool most)
{
	chart_key(c, false, name);
	for (size_t i = 0; i < c->bins; i++) {
		int64_t value = most ? bins[i].most : bins[i].median;

		buf_puts(&c->out, i ? "," : "[");
		if (value < 0)
			buf_puts(&c->out, "null");
		else
			buf_printf(&c->out, "%" PRId64, value);
	}
	buf_puts(&c->out, "]");
}

static int put_target(struct chart *c, const struct sample **samples, size_t count)
{
	auto_free struct bin *bins = calloc(c->bins, sizeof(*bins));
	size_t failed = 0;

	if (!bins || find_bins(c, samples, count, bins) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		failed += samples[i]->result != SAMPLE_OK;
	buf_puts(&c->out, "{");
	chart_text(c, true, "name", samples[0]->target);
	chart_number(c, false, "samples", (int64_t)count);
	chart_number(c, false, "failed", (int64_t)failed);
	put_down(c, samples, count);
	put_bins(c, "p50_ns", bins, false);
	put_bins(c, "max_ns", bins, true);
	buf_puts(&c->out, "}");
	return 0;
}

/* Outages of the probe as a whole, to which its limits apply. */
static void put_outages(struct chart *c, const struct sample_series *series)
{
	struct spans spans = spans_open(c, false, "outages");

	for (size_t i = 0; i < series->outage_count; i++) {
		const struct outage *outage = &series->outages[i];

		spans_add(&spans, outage->begin, outage->open_end ? c->to : outage->end);
	}
	spans_close(&spans);
	chart_number(c, false, "outage_count", (int64_t)series->outage_count);
}

static int put_probe(struct chart *c, const struct sample_series *series)
{
	static const char *const needs[] = {"any", "majority", "all"};
	size_t next;

	buf_puts(&c->out, "{");
	chart_text(c, true, "name", series->probe->name);
	chart_key(c, false, "need");
	record_quote(&c->out, needs[series->probe->need]);
	chart_number(c, false, "interval_ns", series->probe->interval);
	chart_number(c, false, "timeout_ns", series->probe->timeout);
	put_outages(c, series);
	chart_key(c, false, "targets");
	buf_puts(&c->out, "[");
	for (size_t i = 0; i < series->sample_count; i = next) {
		for (next = i + 1; next < series->sample_count; next++)
			if (series->samples[next]->target != series->samples[i]->target)
				break;
		buf_puts(&c->out, i ? ",\n" : "");
		if (put_target(c, series->samples + i, next - i) < 0)
			return -ENOMEM;
	}
	buf_puts(&c->out, "]}");
	return 0;
}

int chart_probes(struct chart *c)
{
	chart_key(c, false, "probes");
	buf_puts(&c->out, "[");
	for (size_t i = 0; i < c->ev->probe_count; i++) {
		struct sample_series series = {0};
		int r = sample_series_make(c->ev, c->ev->probes[i].name, &series);

		buf_puts(&c->out, i ? ",\n" : "");
		if (r == 0)
			r = put_probe(c, &series);
		sample_series_done(&series);
		if (r < 0)
			return -ENOMEM;
	}
	buf_puts(&c->out, "]");
	return 0;
}

/* --- ledgers */

static bool is_request(const struct operation *op)
{
	return op->kind == OP_GET || op->kind == OP_PUT || op->kind == OP_CAS ||
	       op->kind == OP_DELETE;
}

static void put_counts(struct chart *c, const char *name, const int64_t *counts)
{
	chart_key(c, false, name);
	for (size_t i = 0; i < c->bins; i++)
		buf_printf(&c->out, "%s%" PRId64, i ? "," : "[", counts[i]);
	buf_puts(&c->out, "]");
}

/* Operations by the time of their answer, or of its absence. */
static int put_ledger(struct chart *c, uint32_t name)
{
	auto_free int64_t *answered = calloc(c->bins, sizeof(*answered));
	auto_free int64_t *unknown = calloc(c->bins, sizeof(*unknown));

	if (!answered || !unknown)
		return -ENOMEM;
	for (size_t i = 0; i < c->ev->operation_count; i++) {
		const struct operation *op = &c->ev->operations[i];
		bool good = op->result == OP_OK || op->result == OP_UNEQUAL;

		if (op->ledger == name && is_request(op))
			(good ? answered : unknown)[chart_bin(c, op->end)]++;
	}
	buf_puts(&c->out, "{");
	chart_text(c, true, "name", name);
	put_counts(c, "answered", answered);
	put_counts(c, "unanswered", unknown);
	buf_puts(&c->out, "}");
	return 0;
}

/* --- block ledgers */

static void put_stalls(struct chart *c, const struct stall *stalls, size_t count)
{
	struct spans spans = spans_open(c, false, "stalls");
	size_t listed = 0;

	for (size_t i = 0; i < count; i++) {
		if (stalls[i].end - stalls[i].begin < STALL_NS)
			continue;
		spans_add(&spans, stalls[i].begin, stalls[i].end);
		listed++;
	}
	spans_close(&spans);
	chart_number(c, false, "stall_count", (int64_t)listed);
}

/* The writes of a block ledger as samples, by the time of their answer, or of its absence. */
static size_t find_writes(const struct chart *c, uint32_t name, struct sample *list,
			  const struct sample **sorted)
{
	size_t count = 0;

	for (size_t i = 0; i < c->ev->block_count; i++) {
		const struct block_operation *op = &c->ev->blocks[i];

		if (op->ledger != name || op->kind != BLOCK_WRITE)
			continue;
		list[count] =
			(struct sample) {.sent = op->end,
					 .took = op->end - op->begin,
					 .result = op->result == OP_OK ? SAMPLE_OK : SAMPLE_HUNG};
		sorted[count] = &list[count];
		count++;
	}
	return count;
}

static int put_writes(struct chart *c, const struct sample **writes, size_t count)
{
	auto_free int64_t *answered = calloc(c->bins, sizeof(*answered));
	auto_free int64_t *unknown = calloc(c->bins, sizeof(*unknown));
	auto_free struct bin *bins = calloc(c->bins, sizeof(*bins));

	if (!answered || !unknown || !bins || find_bins(c, writes, count, bins) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		(writes[i]->result == SAMPLE_OK ? answered :
						  unknown)[chart_bin(c, writes[i]->sent)]++;
	put_counts(c, "answered", answered);
	put_counts(c, "unanswered", unknown);
	put_bins(c, "p50_ns", bins, false);
	put_bins(c, "max_ns", bins, true);
	return 0;
}

static int put_blocks(struct chart *c, uint32_t name)
{
	auto_free struct sample *list = calloc(c->ev->block_count, sizeof(*list));
	auto_free const struct sample **sorted = calloc(c->ev->block_count, sizeof(*sorted));
	auto_free struct stall *stalls = NULL;
	size_t stall_count = 0;

	if (!list || !sorted || blocks_stalls(c->ev, name, &stalls, &stall_count) < 0)
		return -ENOMEM;
	buf_puts(&c->out, "{");
	chart_text(c, true, "name", name);
	if (put_writes(c, sorted, find_writes(c, name, list, sorted)) < 0)
		return -ENOMEM;
	put_stalls(c, stalls, stall_count);
	buf_puts(&c->out, "}");
	return 0;
}

static int chart_blocks(struct chart *c, bool *seen, size_t *count)
{
	for (size_t i = 0; i < c->ev->block_count; i++) {
		uint32_t name = c->ev->blocks[i].ledger;

		if (seen[name])
			continue;
		seen[name] = true;
		buf_puts(&c->out, (*count)++ ? ",\n" : "");
		if (put_blocks(c, name) < 0)
			return -ENOMEM;
	}
	return 0;
}

int chart_ledgers(struct chart *c)
{
	auto_free bool *seen = calloc(c->ev->names.count + 1, sizeof(*seen));
	size_t count = 0;

	if (!seen)
		return -ENOMEM;
	chart_key(c, false, "ledgers");
	buf_puts(&c->out, "[");
	for (size_t i = 0; i < c->ev->operation_count; i++) {
		uint32_t name = c->ev->operations[i].ledger;

		if (seen[name])
			continue;
		seen[name] = true;
		buf_puts(&c->out, count++ ? ",\n" : "");
		if (put_ledger(c, name) < 0)
			return -ENOMEM;
	}
	if (chart_blocks(c, seen, &count) < 0)
		return -ENOMEM;
	buf_puts(&c->out, "]");
	return 0;
}

/* --- clusters */

enum state { STATE_FOLLOWS, STATE_LEADS, STATE_KNOWS_NONE };

static enum state state_of(const struct member_sample *m)
{
	return m->leader == m->member && m->leader ? STATE_LEADS :
	       m->leader && !m->silent		   ? STATE_FOLLOWS :
						     STATE_KNOWS_NONE;
}

/* From the first sample in a state to the first in another one. */
static void put_state(struct chart *c, const struct member_sample *of, enum state state,
		      const char *name)
{
	struct spans spans = spans_open(c, false, name);
	const struct member_sample *begin = NULL, *last = NULL;

	for (size_t i = 0; i < c->ev->member_count; i++) {
		const struct member_sample *m = &c->ev->members[i];

		if (m->workload != of->workload || m->member != of->member)
			continue;
		last = m;
		if (!begin && state_of(m) == state)
			begin = m;
		if (!begin || state_of(m) == state)
			continue;
		spans_add(&spans, begin->time, m->time);
		begin = NULL;
	}
	if (begin)
		spans_add(&spans, begin->time, last->time);
	spans_close(&spans);
}

/* Changes as the members report them: a leader of a higher term than any before. */
static void put_changes(struct chart *c, uint32_t workload)
{
	const struct member_sample *leader = NULL;
	size_t count = 0;

	chart_key(c, false, "changes");
	buf_puts(&c->out, "[");
	for (size_t i = 0; i < c->ev->member_count; i++) {
		const struct member_sample *m = &c->ev->members[i];

		if (m->workload != workload || !m->leader || (leader && m->term <= leader->term))
			continue;
		if (leader && count++ < CHANGES) {
			buf_puts(&c->out, count > 1 ? ",{" : "{");
			chart_when(c, true, "at_ns", m->time);
			chart_text(c, false, "from", leader->leader);
			chart_text(c, false, "to", m->leader);
			chart_number(c, false, "term", m->term);
			buf_puts(&c->out, "}");
		}
		leader = m;
	}
	buf_printf(&c->out, "],\"change_count\":%zu", count);
}

/* True if no earlier sample has the same workload and, with member set, the same member. */
static bool is_first(const struct evidence *ev, size_t at, bool member)
{
	const struct member_sample *m = &ev->members[at];

	for (size_t i = 0; i < at; i++)
		if (ev->members[i].workload == m->workload &&
		    (!member || ev->members[i].member == m->member))
			return false;
	return true;
}

static void put_cluster(struct chart *c, uint32_t workload)
{
	size_t count = 0;

	buf_puts(&c->out, "{");
	chart_text(c, true, "name", workload);
	put_changes(c, workload);
	chart_key(c, false, "members");
	buf_puts(&c->out, "[");
	for (size_t i = 0; i < c->ev->member_count; i++) {
		const struct member_sample *m = &c->ev->members[i];

		if (m->workload != workload || !is_first(c->ev, i, true))
			continue;
		buf_puts(&c->out, count++ ? ",\n{" : "{");
		chart_text(c, true, "name", m->member);
		put_state(c, m, STATE_LEADS, "leads");
		put_state(c, m, STATE_KNOWS_NONE, "leaderless");
		buf_puts(&c->out, "}");
	}
	buf_puts(&c->out, "]}");
}

int chart_clusters(struct chart *c)
{
	size_t count = 0;

	chart_key(c, false, "clusters");
	buf_puts(&c->out, "[");
	for (size_t i = 0; i < c->ev->member_count; i++) {
		if (!is_first(c->ev, i, false))
			continue;
		buf_puts(&c->out, count++ ? ",\n" : "");
		put_cluster(c, c->ev->members[i].workload);
	}
	buf_puts(&c->out, "]");
	return 0;
}
