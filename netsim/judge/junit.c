// SPDX-License-Identifier: GPL-2.0-or-later
/* JUnit's XML, in the common part of two schemas: that of Apache Ant's JUnit task, and Jenkins's.
 */
#include "netsim/judge/junit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "netsim/judge/record.h"

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
	if (!strstr(row->line, row->why)) {
		buf_puts(out, "\n");
		escape(out, row->why);
	}
	buf_printf(out, "</%s>\n    </testcase>\n", failed ? "failure" : "error");
}

static void property(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, "      <property");
	attribute(out, "name", name);
	attribute(out, "value", value);
	buf_puts(out, "/>\n");
}

/* The head of a suite; wall: its beginning in ns since 1970. */
struct suite {
	const char *name, *host, *result;
	const char *profile, *seed; /* NULL: none */
	size_t tests, failures, errors;
	int64_t duration, wall;
};

static void suite_begin(struct buf *out, const struct suite *suite, size_t id)
{
	time_t begin = (time_t)(suite->wall / 1000000000);
	char stamp[80] = "";
	struct tm utc;

	if (gmtime_r(&begin, &utc))
		snprintf(stamp, sizeof(stamp), "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
			 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
	buf_puts(out, "  <testsuite");
	attribute(out, "name", suite->name);
	buf_printf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.3f\"",
		   suite->tests, suite->failures, suite->errors, seconds(suite->duration));
	attribute(out, "timestamp", stamp);
	attribute(out, "hostname", suite->host && *suite->host ? suite->host : "localhost");
	buf_printf(out, " package=\"netsim\" id=\"%zu\">\n    <properties>\n", id);
	property(out, "scenario", suite->name);
	property(out, "verdict", suite->result);
	if (suite->profile)
		property(out, "profile", suite->profile);
	if (suite->seed)
		property(out, "seed", suite->seed);
	buf_puts(out, "    </properties>\n");
}

static void suite_end(struct buf *out)
{
	buf_puts(out, "    <system-out/>\n    <system-err/>\n  </testsuite>\n");
}

void junit_begin(struct buf *out)
{
	buf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
}

void junit_suite(struct buf *out, const struct verdict *verdict, size_t id)
{
	struct suite suite = {.name = verdict->scenario,
			      .host = verdict->host,
			      .profile = verdict->profile,
			      .seed = verdict->seed,
			      .result = verdict_word(verdict->result),
			      .tests = verdict->row_count,
			      .duration = verdict->duration,
			      .wall = verdict->wall};

	for (size_t i = 0; i < verdict->row_count; i++) {
		suite.failures += verdict->rows[i]->result == VERDICT_FAILED;
		suite.errors += verdict->rows[i]->result == VERDICT_UNPROVED;
	}
	suite_begin(out, &suite, id);
	for (size_t i = 0; i < verdict->row_count; i++)
		case_xml(out, verdict, verdict->rows[i]);
	suite_end(out);
}

void junit_error(struct buf *out, const char *name, const char *why, int64_t wall, size_t id)
{
	const struct suite suite = {
		.name = name, .result = "not run", .tests = 1, .errors = 1, .wall = wall};

	suite_begin(out, &suite, id);
	buf_puts(out, "    <testcase");
	attribute(out, "classname", name);
	buf_puts(out, " name=\"can be run\" time=\"0.000\">\n      <error type=\"not run\"");
	attribute(out, "message", why);
	buf_puts(out, ">");
	escape(out, why);
	buf_puts(out, "</error>\n    </testcase>\n");
	suite_end(out);
}

void junit_end(struct buf *out)
{
	buf_puts(out, "</testsuites>\n");
}

char *junit_verdict(const struct verdict *verdict)
{
	struct buf out = {0};

	junit_begin(&out);
	junit_suite(&out, verdict, 0);
	junit_end(&out);
	return buf_take(&out);
}
