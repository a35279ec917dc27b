// SPDX-License-Identifier: GPL-2.0-or-later
/* Sentences about metrics, judged from scrapes written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/chart.h"
#include "netsim/judge/verdict.h"
#include "netsim/util/auto.h"

#define SECOND 1000000000LL

static void add_event(struct evidence *ev, enum event_kind kind, double second, const char *phase)
{
	struct event event = {.kind = (uint8_t)kind,
			      .time = (int64_t)(second * SECOND),
			      .wall = 1700000000 * SECOND,
			      .subject = evidence_name(ev, "s"),
			      .phase = phase ? evidence_name(ev, phase) : 0};

	assert_int_equal(evidence_add(ev, EVIDENCE_EVENT, &event), 0);
}

static void add_scrape(struct evidence *ev, const char *member, double second, bool failed)
{
	struct scrape scrape = {.sent = (int64_t)(second * SECOND),
				.took = SECOND / 100,
				.workload = evidence_name(ev, "etcd"),
				.member = evidence_name(ev, member),
				.failed = failed};

	assert_int_equal(evidence_add(ev, EVIDENCE_SCRAPE, &scrape), 0);
}

static void add_value(struct evidence *ev, const char *member, double second, const char *series,
		      double value)
{
	struct metric_sample sample = {.sent = (int64_t)(second * SECOND),
				       .value = value,
				       .workload = evidence_name(ev, "etcd"),
				       .member = evidence_name(ev, member),
				       .series = evidence_value(ev, series),
				       .type = strstr(series, "took")  ? METRIC_HISTOGRAM :
					       strstr(series, "total") ? METRIC_COUNTER :
									 METRIC_GAUGE};

	assert_int_equal(evidence_add(ev, EVIDENCE_METRIC, &sample), 0);
}

/* A phase from 10 s to 20 s; two members are asked each second from 5 s to 25 s. */
static void begin(struct evidence *ev)
{
	add_event(ev, EVENT_RUN_BEGIN, 0, NULL);
	add_event(ev, EVENT_PHASE, 10, "cut");
	add_event(ev, EVENT_PHASE, 20, "after");
	add_event(ev, EVENT_RUN_END, 25, NULL);
	for (int i = 5; i <= 25; i++) {
		add_scrape(ev, "a", i + 0.1, false);
		add_scrape(ev, "b", i + 0.1, false);
	}
}

struct found {
	enum verdict_result result;
	double value, low, high;
	char shows[80], why[160];
};

static bool any_member; /* suffices */

static struct found judge(const struct evidence *ev, const char *series,
			  enum claim_statistic statistic, enum claim_operator op, double limit)
{
	const struct claim claim = {.phase = "cut",
				    .text = "etcd metric",
				    .subject = "etcd",
				    .series = series,
				    .any = any_member,
				    .quantity = CLAIM_METRIC,
				    .statistic = statistic,
				    .op = op,
				    .value = limit};
	struct netsim_err err = {0};
	struct verdict *verdict = NULL;
	struct found found = {0};

	assert_int_equal(verdict_make(ev, &claim, 1, &verdict, &err), 0);
	for (size_t i = 0; i < verdict->row_count; i++) {
		const struct verdict_row *row = verdict->rows[i];

		if (row->claim != 0)
			continue;
		found = (struct found) {row->result, row->value, row->low, row->high, "", ""};
		strncpy(found.shows, row->shows ? row->shows : "", sizeof(found.shows) - 1);
		strncpy(found.why, row->why ? row->why : "", sizeof(found.why) - 1);
	}
	verdict_free(verdict);
	return found;
}

static void test_increase(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	begin(&ev);
	add_value(&ev, "a", 5.1, "leaders_total", 7);
	add_value(&ev, "b", 5.1, "leaders_total", 1);
	add_value(&ev, "b", 14.1, "leaders_total", 2);
	add_value(&ev, "b", 22.1, "leaders_total", 9); /* after the phase */
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_LE, 1);
	assert_int_equal(found.result, VERDICT_OK);
	assert_string_equal(found.shows, "1 (b)");
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_LE, 0);
	assert_int_equal(found.result, VERDICT_FAILED);
	/* Each member: a had none. */
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_EQ, 1);
	assert_int_equal(found.result, VERDICT_FAILED);
	assert_string_equal(found.shows, "0 (a)");
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_GE, 1);
	assert_int_equal(found.result, VERDICT_FAILED);
	evidence_done(&ev);
}

/* One member suffices, also if it or another did not answer for a while. */
static void test_any(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	any_member = true;
	add_event(&ev, EVENT_RUN_BEGIN, 0, NULL);
	add_event(&ev, EVENT_PHASE, 10, "cut");
	add_event(&ev, EVENT_RUN_END, 25, NULL);
	add_scrape(&ev, "a", 10.1, false);
	add_scrape(&ev, "a", 18.1, false);
	add_scrape(&ev, "b", 10.1, false);
	for (int i = 11; i < 25; i++)
		add_scrape(&ev, "b", i, true);
	add_scrape(&ev, "c", 11, true);
	add_value(&ev, "a", 10.1, "failed_total", 7);
	add_value(&ev, "a", 18.1, "failed_total", 12);
	add_value(&ev, "b", 10.1, "failed_total", 0);
	found = judge(&ev, "failed_total", STATISTIC_INCREASE, OPERATOR_GT, 4);
	assert_int_equal(found.result, VERDICT_OK);
	assert_string_equal(found.shows, "5 (a)");
	found = judge(&ev, "failed_total", STATISTIC_INCREASE, OPERATOR_GT, 5);
	assert_int_equal(found.result, VERDICT_FAILED);
	found = judge(&ev, "failed_total", STATISTIC_LAST, OPERATOR_EQ, 0);
	assert_int_equal(found.result, VERDICT_OK);
	assert_string_equal(found.shows, "0 (b)");
	found = judge(&ev, "failed_total", STATISTIC_MIN, OPERATOR_LT, 0);
	assert_int_equal(found.result, VERDICT_FAILED);
	any_member = false;
	found = judge(&ev, "failed_total", STATISTIC_INCREASE, OPERATOR_GT, 4);
	assert_int_equal(found.result, VERDICT_UNPROVED);
	evidence_done(&ev);
}

/* An increase around the beginning of the phase may have been before it. */
static void test_uncertain(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	begin(&ev);
	add_value(&ev, "a", 5.1, "leaders_total", 1);
	add_value(&ev, "a", 10.1, "leaders_total", 2);
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_EQ, 1);
	assert_int_equal(found.result, VERDICT_UNPROVED);
	assert_string_equal(found.why, "the limit is within the uncertainty");
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_LE, 1);
	assert_int_equal(found.result, VERDICT_OK);
	evidence_done(&ev);
}

/* A counter begins anew when its process does. */
static void test_restart(void **state)
{
	struct evidence ev = {0};

	(void)state;
	begin(&ev);
	add_value(&ev, "a", 5.1, "sent_total", 100);
	add_value(&ev, "a", 12.1, "sent_total", 110);
	add_value(&ev, "a", 13.1, "sent_total", 4);
	add_value(&ev, "a", 15.1, "sent_total", 6);
	assert_true(judge(&ev, "sent_total", STATISTIC_INCREASE, OPERATOR_GE, 16).value == 16);
	evidence_done(&ev);
}

static void test_gauge(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	begin(&ev);
	add_value(&ev, "a", 5.1, "room{disk=\"x\"}", 3);
	add_value(&ev, "a", 8.1, "room{disk=\"x\"}", 5);
	add_value(&ev, "a", 15.1, "room{disk=\"x\"}", 2);
	add_value(&ev, "a", 16.1, "room{disk=\"x\"}", 4);
	add_value(&ev, "a", 5.1, "room{disk=\"y\"}", 90);
	found = judge(&ev, "room{disk=\"x\"}", STATISTIC_MAX, OPERATOR_LE, 5);
	assert_int_equal(found.result, VERDICT_OK);
	assert_true(found.value == 5);
	found = judge(&ev, "room{disk=\"x\"}", STATISTIC_MIN, OPERATOR_GE, 3);
	assert_int_equal(found.result, VERDICT_FAILED);
	assert_true(found.value == 2);
	assert_true(judge(&ev, "room{disk=\"x\"}", STATISTIC_LAST, OPERATOR_EQ, 4).value == 4);
	/* Without labels, the worst of both. */
	found = judge(&ev, "room", STATISTIC_MAX, OPERATOR_LE, 5);
	assert_int_equal(found.result, VERDICT_FAILED);
	assert_true(found.value == 90);
	evidence_done(&ev);
}

static void test_histogram(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	begin(&ev);
	for (int late = 0; late < 2; late++) {
		double at = late ? 15.1 : 5.1, more = late ? 100 : 0;

		add_value(&ev, "a", at, "took_bucket{le=\"0.1\"}", 50 + 0.9 * more);
		add_value(&ev, "a", at, "took_bucket{le=\"0.2\"}", 50 + more);
		add_value(&ev, "a", at, "took_bucket{le=\"+Inf\"}", 50 + more);
		add_value(&ev, "a", at, "took_sum", 40 + 0.05 * more);
		add_value(&ev, "a", at, "took_count", 50 + more);
	}
	found = judge(&ev, "took", STATISTIC_P99, OPERATOR_LE, 0.2);
	assert_int_equal(found.result, VERDICT_OK);
	assert_true(found.low == 0.1 && found.high == 0.2);
	assert_true(fabs(found.value - 0.19) < 1e-9);
	found = judge(&ev, "took", STATISTIC_P99, OPERATOR_LE, 0.15);
	assert_int_equal(found.result, VERDICT_UNPROVED);
	found = judge(&ev, "took", STATISTIC_MEDIAN, OPERATOR_LE, 0.2);
	assert_true(found.high == 0.1);
	assert_true(fabs(judge(&ev, "took", STATISTIC_MEAN, OPERATOR_LE, 1).value - 0.05) < 1e-9);
	found = judge(&ev, "took_count", STATISTIC_MEAN, OPERATOR_LE, 1);
	assert_int_equal(found.result, VERDICT_UNPROVED);
	assert_string_equal(found.why, "took_count of a: it is no histogram");
	evidence_done(&ev);
}

static void test_gap(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	add_event(&ev, EVENT_RUN_BEGIN, 0, NULL);
	add_event(&ev, EVENT_PHASE, 10, "cut");
	add_event(&ev, EVENT_RUN_END, 20, NULL);
	for (int i = 5; i <= 20; i++)
		add_scrape(&ev, "a", i + 0.1, i >= 12 && i < 16);
	add_value(&ev, "a", 5.1, "leaders_total", 1);
	found = judge(&ev, "leaders_total", STATISTIC_INCREASE, OPERATOR_EQ, 0);
	assert_int_equal(found.result, VERDICT_UNPROVED);
	assert_string_equal(found.why, "a had no metrics from 11.100 s to 16.100 s");
	found = judge(&ev, "up", STATISTIC_LAST, OPERATOR_EQ, 1);
	assert_string_equal(found.why, "a had no metrics from 11.100 s to 16.100 s");
	evidence_done(&ev);
}

static void test_missing(void **state)
{
	struct evidence ev = {0};
	struct found found;

	(void)state;
	begin(&ev);
	found = judge(&ev, "up", STATISTIC_LAST, OPERATOR_EQ, 1);
	assert_int_equal(found.result, VERDICT_UNPROVED);
	assert_string_equal(found.why, "no member has this series of metrics");
	evidence_done(&ev);
	add_event(&ev, EVENT_RUN_BEGIN, 0, NULL);
	add_event(&ev, EVENT_PHASE, 10, "cut");
	add_event(&ev, EVENT_RUN_END, 12, NULL);
	assert_int_equal(judge(&ev, "up", STATISTIC_LAST, OPERATOR_EQ, 1).result, VERDICT_UNPROVED);
	evidence_done(&ev);
}

static json_t *line_of(json_t *chart, size_t i)
{
	return json_array_get(json_object_get(chart, "metrics"), i);
}

static void test_chart(void **state)
{
	struct evidence ev = {0};
	auto_free char *text = NULL;
	json_t *chart, *values;

	(void)state;
	begin(&ev);
	add_value(&ev, "a", 5.1, "leaders_total", 7);
	add_value(&ev, "a", 15.1, "leaders_total", 9);
	add_value(&ev, "a", 5.1, "took_bucket{le=\"0.1\"}", 1);
	add_value(&ev, "a", 5.1, "took_sum{op=\"w\"}", 1);
	add_value(&ev, "a", 5.1, "took_count{op=\"w\"}", 1);
	add_value(&ev, "a", 15.1, "took_sum{op=\"w\"}", 2);
	add_value(&ev, "a", 15.1, "took_count{op=\"w\"}", 5);
	text = chart_json(&ev, NULL, 0);
	chart = json_loads(text, 0, NULL);
	assert_non_null(chart);
	assert_int_equal(json_array_size(json_object_get(chart, "metrics")), 2);
	assert_string_equal(json_string_value(json_object_get(line_of(chart, 0), "shows")),
			    "increase");
	values = json_object_get(line_of(chart, 0), "values");
	assert_true(json_number_value(json_array_get(values, 0)) == 0);
	assert_true(json_number_value(json_array_get(values, json_array_size(values) - 1)) == 2);
	assert_string_equal(json_string_value(json_object_get(line_of(chart, 1), "name")), "took");
	values = json_object_get(line_of(chart, 1), "values");
	assert_true(json_is_null(json_array_get(values, json_array_size(values) - 1)));
	assert_true(json_number_value(json_array_get(values, 51)) == 0.25);
	json_decref(chart);
	evidence_done(&ev);
}

static void test_records(void **state)
{
	static const char lines[] =
		"{\"record\":\"scrape\",\"workload\":\"etcd\",\"member\":\"a\",\"sent\":5,\"took\":"
		"2}\n"
		"{\"record\":\"metric\",\"workload\":\"etcd\",\"member\":\"a\",\"sent\":5,"
		"\"series\":\"up{x=\\\"y\\\"}\",\"type\":\"gauge\",\"value\":0.10000000000000001}"
		"\n";
	struct evidence ev = {0};
	struct evidence_file file = {.name = "metrics.jsonl"};
	struct netsim_err err = {0};
	struct buf out = {0};

	(void)state;
	assert_int_equal(evidence_read(&ev, &file, lines, strlen(lines), &err), 0);
	assert_int_equal(ev.metric_count, 1);
	assert_true(ev.metrics[0].value == 0.1);
	evidence_write(&ev, EVIDENCE_SCRAPE, &ev.scrapes[0], &out);
	evidence_write(&ev, EVIDENCE_METRIC, &ev.metrics[0], &out);
	assert_string_equal(out.data, lines);
	buf_done(&out);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_increase),  cmocka_unit_test(test_any),
		cmocka_unit_test(test_uncertain), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_gauge),	  cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_gap),	  cmocka_unit_test(test_missing),
		cmocka_unit_test(test_chart),	  cmocka_unit_test(test_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
