// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict as text: values, JSON, JUnit's XML. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
	case CLAIM_AGREES:
		return duration_text(value, buf);
	case CLAIM_AVAILABLE:
	case CLAIM_LOSS:
		snprintf(buf, VALUE_TEXT, "%.5g %%", 100 * value);
		return buf;
	case CLAIM_RATE:
		snprintf(buf, VALUE_TEXT, "%.1f/s", value);
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

char *verdict_json(const struct verdict *verdict)
{
	struct buf out = {0};

	buf_puts(&out, "{");
	member(&out, "scenario", verdict->scenario);
	buf_puts(&out, ",");
	member(&out, "host", verdict->host);
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
	buf_puts(&out, "]}\n");
	return buf_take(&out);
}

/* --- JUnit */

/* XML 1.0 has no control characters but tab and line feeds, and no U+FFFE and U+FFFF. */
static bool is_xml(const char *at, size_t len)
{
	unsigned char first = (unsigned char)*at;

	if (len == 1)
		return first >= 0x20 ? first != 0x7f : first == '\t' || first == '\n';
	return len != 3 || memcmp(at, "\xef\xbf", 2) != 0 || (unsigned char)at[2] < 0xbe;
}

static void escape(struct buf *out, const char *text)
{
	size_t len = strlen(text), step;

	for (; len; text += step, len -= step) {
		const char *entity = NULL;

		step = utf8_length(text, len);
		if (*text == '&')
			entity = "&amp;";
		else if (*text == '<')
			entity = "&lt;";
		else if (*text == '>')
			entity = "&gt;";
		else if (*text == '"')
			entity = "&quot;";
		else if (*text == '\n')
			entity = "&#10;";
		else if (*text == '\t')
			entity = "&#9;";
		else if (!step || !is_xml(text, step))
			entity = "\xef\xbf\xbd";
		if (entity)
			buf_puts(out, entity);
		else
			buf_add(out, text, step);
		step = step ? step : 1;
	}
}

static void attribute(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, " %s=\"", name);
	escape(out, text);
	buf_puts(out, "\"");
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void case_xml(struct buf *out, const struct verdict *verdict, const struct verdict_row *row)
{
	bool failed = row->result == VERDICT_FAILED;

	buf_puts(out, "    <testcase classname=\"");
	escape(out, verdict->scenario);
	buf_puts(out, ".");
	escape(out, row->phase);
	buf_puts(out, "\" name=\"");
	escape(out, row->text);
	if (row->repetition)
		buf_printf(out, " [%u]", row->repetition);
	buf_printf(out, "\" time=\"%.3f\"", seconds(row->end - row->begin));
	if (row->result == VERDICT_OK) {
		buf_puts(out, "/>\n");
		return;
	}
	buf_printf(out, ">\n      <%s", failed ? "failure" : "error");
	attribute(out, "type", verdict_word(row->result));
	attribute(out, "message", row->line);
	buf_puts(out, ">");
	escape(out, row->line);
	if (*row->why) {
		buf_puts(out, "\n");
		escape(out, row->why);
	}
	buf_printf(out, "</%s>\n    </testcase>\n", failed ? "failure" : "error");
}

static void totals(struct buf *out, const struct verdict *verdict)
{
	size_t failed = 0, unproved = 0;

	for (size_t i = 0; i < verdict->row_count; i++) {
		failed += verdict->rows[i]->result == VERDICT_FAILED;
		unproved += verdict->rows[i]->result == VERDICT_UNPROVED;
	}
	attribute(out, "name", verdict->scenario);
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.3f\"",
		   verdict->row_count, failed, unproved, seconds(verdict->duration));
}

static void property(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, "      <property");
	attribute(out, "name", name);
	attribute(out, "value", value);
	buf_puts(out, "/>\n");
}

/* In the common part of two schemas: that of Apache Ant's JUnit task, and Jenkins's. */
char *verdict_junit(const struct verdict *verdict)
{
	time_t begin = (time_t)(verdict->wall / 1000000000);
	struct buf out = {0};
	char stamp[80] = "";
	struct tm utc;

	if (gmtime_r(&begin, &utc))
		snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
			 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
	buf_puts(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite");
	totals(&out, verdict);
	attribute(&out, "timestamp", stamp);
	attribute(&out, "hostname", *verdict->host ? verdict->host : "localhost");
	buf_puts(&out, " package=\"netsim\" id=\"0\">\n    <properties>\n");
	property(&out, "scenario", verdict->scenario);
	property(&out, "verdict", verdict_word(verdict->result));
	buf_puts(&out, "    </properties>\n");
	for (size_t i = 0; i < verdict->row_count; i++)
		case_xml(&out, verdict, verdict->rows[i]);
	buf_puts(&out, "    <system-out/>\n    <system-err/>\n  </testsuite>\n</testsuites>\n");
	return buf_take(&out);
}
