// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict as text: values, JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "netsim/judge/record.h"
#include "netsim/judge/verdict_parts.h"
#include "netsim/util/buf.h"

const char *verdict_word(enum verdict_result result)
{
	return result == VERDICT_OK ? "ok" : result == VERDICT_FAILED ? "failed" : "unproved";
}

static const char *duration_text(double ns, char buf[static VALUE_TEXT])
{
	if (fabs(ns) >= 1e7 || ns == 0)
		snprintf(buf, VALUE_TEXT, fabs(ns) >= 1e9 ? "%.2f s" : "%.3f s", ns / 1e9);
	else
		snprintf(buf, VALUE_TEXT, "%.3f ms", ns / 1e6);
	return buf;
}

const char *verdict_instant(int64_t ns, char buf[static VALUE_TEXT])
{
	snprintf(buf, VALUE_TEXT, "%.3f s", (double)ns / 1e9);
	return buf;
}

const char *verdict_value(enum claim_quantity quantity, double value, char buf[static VALUE_TEXT])
{
	switch (quantity) {
	case CLAIM_OUTAGE:
	case CLAIM_RTT:
	case CLAIM_RECOVERS:
	case CLAIM_STALL:
	case CLAIM_LATENCY:
	case CLAIM_AGREES:
		return duration_text(value, buf);
	case CLAIM_AVAILABLE:
	case CLAIM_LOSS:
		snprintf(buf, VALUE_TEXT, "%.5g %%", 100 * value);
		return buf;
	case CLAIM_RATE:
		snprintf(buf, VALUE_TEXT, "%.1f/s", value);
		return buf;
	case CLAIM_METRIC:
		snprintf(buf, VALUE_TEXT, "%.4g", value);
		return buf;
	case CLAIM_FINDING:
	case CLAIM_LEADER_CHANGES:
	case CLAIM_PACKETS:
		break;
	}
	snprintf(buf, VALUE_TEXT, "%.0f", value);
	return buf;
}

/* --- JSON */

static void member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	record_quote(out, text);
}

/* JSON has no infinity: a bound without a value is null. */
static void number(struct buf *out, const char *name, double value)
{
	if (isfinite(value))
		buf_printf(out, ",\"%s\":%.17g", name, value);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void row_json(struct buf *out, const struct verdict_row *row)
{
	buf_puts(out, "{");
	member(out, "result", verdict_word(row->result));
	buf_puts(out, ",");
	member(out, "phase", row->phase);
	if (row->repetition)
		buf_printf(out, ",\"repetition\":%u", row->repetition);
	buf_puts(out, ",");
	member(out, "text", row->text);
	if (row->claim != SIZE_MAX) {
		buf_printf(out, ",\"expectation\":%zu", row->claim);
		number(out, "limit", row->limit);
	}
	if (row->measured) {
		number(out, "value", row->value);
		number(out, "low", row->low);
		number(out, "high", row->high);
		buf_puts(out, ",");
		member(out, "shows", row->shows);
	}
	if (row->when >= 0)
		buf_printf(out, ",\"when_ns\":%" PRId64, row->when);
	buf_printf(out, ",\"begin_ns\":%" PRId64 ",\"end_ns\":%" PRId64 ",", row->begin, row->end);
	member(out, "why", row->why);
	buf_puts(out, ",");
	member(out, "line", row->line);
	buf_puts(out, "}");
}

static void summary_json(struct buf *out, const struct verdict_summary *summary)
{
	buf_printf(out, "{\"expectation\":%zu,\"ok\":%zu,\"failed\":%zu,\"unproved\":%zu",
		   summary->claim, summary->ok, summary->failed, summary->unproved);
	if (summary->count) {
		number(out, "min", summary->min);
		number(out, "median", summary->median);
		number(out, "max", summary->max);
		buf_puts(out, ",");
		member(out, "shows", summary->shows);
	}
	buf_puts(out, "}");
}

static void finding_json(struct buf *out, const struct verdict_finding *finding)
{
	buf_puts(out, "{");
	member(out, "ledger", finding->ledger);
	buf_puts(out, ",");
	member(out, "kind", finding->kind);
	buf_printf(out, ",\"when_ns\":%" PRId64 ",", finding->when);
	member(out, "line", finding->line);
	buf_puts(out, "}");
}

static void asked_json(struct buf *out, const struct asked_row *row)
{
	buf_puts(out, "{");
	member(out, "phase", row->phase);
	buf_puts(out, ",");
	member(out, "from", row->from);
	buf_puts(out, ",");
	member(out, "to", row->to);
	if (*row->class) {
		buf_puts(out, ",");
		member(out, "class", row->class);
	}
	buf_puts(out, ",");
	member(out, "what", row->what);
	number(out, "asked", row->asked);
	buf_puts(out, ",");
	member(out, "asked_shows", row->asked_shows);
	if (row->measured) {
		number(out, "value", row->value);
		number(out, "low", row->low);
		number(out, "high", row->high);
		buf_printf(out, ",\"count\":%zu,", row->count);
		member(out, "shows", row->shows);
	}
	if (row->differs)
		buf_puts(out, ",\"differs\":true");
	buf_puts(out, ",");
	member(out, "why", row->why);
	buf_puts(out, "}");
}

static void verified_json(struct buf *out, const struct verdict_verified *row)
{
	buf_puts(out, "{");
	member(out, "result", row->result);
	buf_puts(out, ",");
	member(out, "subject", row->subject);
	buf_puts(out, ",");
	member(out, "what", row->what);
	buf_puts(out, ",");
	member(out, "asked", row->asked);
	buf_puts(out, ",");
	member(out, "measured", row->measured);
	buf_puts(out, ",");
	member(out, "why", row->why);
	buf_puts(out, "}");
}

static void network_json(struct buf *out, const struct verdict *verdict)
{
	buf_printf(out, ",\n\"asked_left_out\":%zu,\"asked\":[", verdict->asked.left_out);
	for (size_t i = 0; i < verdict->asked.count; i++) {
		buf_puts(out, i ? ",\n" : "\n");
		asked_json(out, verdict->asked.list[i]);
	}
	buf_puts(out, "],\n\"verified\":[");
	for (size_t i = 0; i < verdict->verified_count; i++) {
		buf_puts(out, i ? ",\n" : "\n");
		verified_json(out, verdict->verified[i]);
	}
	buf_puts(out, "]");
}

char *verdict_json(const struct verdict *verdict)
{
	struct buf out = {0};

	buf_puts(&out, "{");
	member(&out, "schema", "netsim-verdict-1");
	buf_puts(&out, ",");
	member(&out, "scenario", verdict->scenario);
	buf_puts(&out, ",");
	member(&out, "host", verdict->host);
	buf_puts(&out, ",");
	member(&out, "profile", verdict->profile);
	buf_puts(&out, ",");
	member(&out, "seed", verdict->seed);
	buf_puts(&out, ",");
	member(&out, "result", verdict_word(verdict->result));
	buf_printf(&out, ",\"complete\":%s,\"begin_ns\":%" PRId64 ",\"duration_ns\":%" PRId64,
		   verdict->complete ? "true" : "false", verdict->wall, verdict->duration);
	buf_puts(&out, ",\"rows\":[");
	for (size_t i = 0; i < verdict->row_count; i++) {
		buf_puts(&out, i ? ",\n" : "\n");
		row_json(&out, verdict->rows[i]);
	}
	buf_puts(&out, "],\n\"expectations\":[");
	for (size_t i = 0; i < verdict->summary_count; i++) {
		buf_puts(&out, i ? ",\n" : "\n");
		summary_json(&out, verdict->summaries[i]);
	}
	buf_printf(&out, "],\n\"findings_total\":%zu,\"findings\":[", verdict->finding_total);
	for (size_t i = 0; i < verdict->finding_count; i++) {
		buf_puts(&out, i ? ",\n" : "\n");
		finding_json(&out, verdict->findings[i]);
	}
	buf_puts(&out, "]");
	network_json(&out, verdict);
	buf_puts(&out, "}\n");
	return buf_take(&out);
}
