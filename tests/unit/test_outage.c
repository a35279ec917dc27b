// SPDX-License-Identifier: GPL-2.0-or-later
/* Outages from samples, by hand: one target, several, hanging probes, edges, open ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "netsim/judge/outage.h"

#define MS	 1000000
#define INTERVAL 20
#define TIMEOUT	 200

/*
 * Adds a target's samples, one character every 20 ms: '.' answered after 1 ms, 'x' refused after
 * 1 ms, 'w' a wrong answer after 1 ms, 'h' hung for 200 ms, 's' a slow answer after 100 ms, ' ' no
 * sample.
 */
static void add_samples(struct evidence *ev, const char *target, const char *pattern)
{
	for (int i = 0; pattern[i]; i++) {
		char kind = pattern[i];
		struct sample sample = {.sent = (int64_t)i * INTERVAL * MS,
					.took = MS,
					.probe = evidence_name(ev, "api"),
					.target = target ? evidence_name(ev, target) : 0};

		sample.result = kind == 'x' ? SAMPLE_REFUSED :
				kind == 'w' ? SAMPLE_WRONG :
				kind == 'h' ? SAMPLE_HUNG :
					      SAMPLE_OK;
		if (kind == 'h' || kind == 's')
			sample.took = (kind == 'h' ? TIMEOUT : 100) * (int64_t)MS;
		if (kind != ' ')
			assert_int_equal(evidence_add(ev, EVIDENCE_SAMPLE, &sample), 0);
	}
}

static void add_prober(struct evidence *ev, uint32_t targets, enum probe_need need)
{
	struct sampled_probe probe = {evidence_name(ev, "api"), targets, (int64_t)INTERVAL * MS,
				      (int64_t)TIMEOUT * MS, (uint8_t)need};

	assert_int_equal(evidence_add(ev, EVIDENCE_PROBE, &probe), 0);
}

/* "BEGIN..END" in ms, with [LOW HIGH] of both; "-" for open. */
static void list_outages(const struct sample_series *series, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < series->outage_count; i++) {
		const struct outage *o = &series->outages[i];

		used += (size_t)snprintf(text + used, size - used, "%s%s%d[%d %d]..",
					 used ? "; " : "", o->open_begin ? "-" : "",
					 (int)(o->begin / MS), (int)(o->begin_low / MS),
					 (int)(o->begin_high / MS));
		if (o->open_end)
			used += (size_t)snprintf(text + used, size - used, "-");
		else
			used += (size_t)snprintf(text + used, size - used, "%d[%d %d]",
						 (int)(o->end / MS), (int)(o->end_low / MS),
						 (int)(o->end_high / MS));
	}
}

static void test_one_target(void **state)
{
	static const struct {
		const char *pattern, *want;
	} cases[] = {
		{"......", ""},
		{"..xx..", "40[20 41]..80[60 81]"},
		{"..w...", "40[20 41]..60[40 61]"},
		{"x.x.x.", "-0[0 1]..20[0 21]; 40[20 41]..60[40 61]; 80[60 81]..100[80 101]"},
		/* Hung: it may have gone down until the timeout, or until it came back. */
		{"..hhhhhhhhhhhhh..", "40[20 240]..300[280 301]"},
		{"..hh..", "40[20 81]..80[60 81]"},
		/* A refused probe proves more than the one that hung before it. */
		{"..hxx...", "40[20 61]..100[80 101]"},
		/* A slow answer may have waited for the end. */
		{"..xxs..", "40[20 41]..80[60 180]"},
		/* A late probe widens the bounds. */
		{"..   xx   ..", "100[20 101]..200[120 201]"},
		{"....xx", "80[60 81]..-"},
		{"xxxx", "-0[0 1]..-"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct sample_series series;
		char text[256];

		add_prober(&ev, 1, NEED_ANY);
		add_samples(&ev, NULL, cases[i].pattern);
		assert_int_equal(sample_series_make(&ev, evidence_name(&ev, "api"), &series), 0);
		list_outages(&series, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
		assert_int_equal(series.succeeded, strchr(cases[i].pattern, '.') != NULL);
		sample_series_done(&series);
		evidence_done(&ev);
	}
}

static void test_need(void **state)
{
	static const struct {
		enum probe_need need;
		const char *a, *b, *c, *want;
	} cases[] = {
		{NEED_ANY, ".xxxx.", "..xxx.", "...x..", "60[40 61]..80[60 81]"},
		{NEED_ALL, ".xxxx.", "..xxx.", "...x..", "20[0 21]..100[80 101]"},
		{NEED_MAJORITY, ".xxxx.", "..xxx.", "...x..", "40[20 41]..100[80 101]"},
		{NEED_ANY, ".xx...", "...xx.", "......", ""},
		/* One target's outage follows the other's at once. */
		{NEED_ALL, ".xx...", "...xx.", "......", "20[0 21]..100[80 101]"},
		{NEED_ANY, ".xx...", "...xx.", ".xxxx.", ""},
		{NEED_MAJORITY, ".xxx..", ".x.xx.", "......",
		 "20[0 21]..40[20 41]; 60[40 61]..80[60 81]"},
		{NEED_ANY, ".xxxxx", ".xxxxx", "..xxxx", "40[20 41]..-"},
		{NEED_ANY, ".xxxxx", ".xxxxx", "..xxx.", "40[20 41]..100[80 101]"},
		/* A target without samples is not down. */
		{NEED_ANY, ".xx...", ".xx...", NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct sample_series series;
		char text[256];

		add_prober(&ev, 3, cases[i].need);
		add_samples(&ev, "a", cases[i].a);
		add_samples(&ev, "b", cases[i].b);
		if (cases[i].c)
			add_samples(&ev, "c", cases[i].c);
		assert_int_equal(sample_series_make(&ev, evidence_name(&ev, "api"), &series), 0);
		list_outages(&series, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
		sample_series_done(&series);
		evidence_done(&ev);
	}
}

static void test_window(void **state)
{
	static const struct {
		int begin, end;
		const char *want; /* samples/answered gap outages down: length least most flags */
	} cases[] = {
		/* ..xxx....x.. : 40..100, 180..200 */
		{0, 240, "12/8 20 2 80: 60 [39 81]"},
		{0, 40, "2/2 20 0 0: 0 [0 0]"},
		{0, 80, "4/2 20 1 40: 40 [39 60] at least"},
		{60, 240, "9/6 20 2 60: 40 [20 41] before"},
		{60, 80, "1/0 20 1 20: 20 [20 20] at least before"},
		{100, 180, "4/4 20 0 0: 0 [0 0]"},
		/* The probe ended before the window. */
		{200, 500, "2/2 280 0 0: 0 [0 0]"},
	};
	struct evidence ev = {0};
	struct sample_series series;

	(void)state;
	add_prober(&ev, 1, NEED_ANY);
	add_samples(&ev, NULL, "..xxx....x..");
	assert_int_equal(sample_series_make(&ev, evidence_name(&ev, "api"), &series), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sample_series_window w;
		char text[128];

		sample_series_window(&series, (int64_t)cases[i].begin * MS,
				     (int64_t)cases[i].end * MS, &w);
		snprintf(text, sizeof(text), "%zu/%zu %d %zu %d: %d [%d %d]%s%s", w.samples,
			 w.answered, (int)(w.gap / MS), w.outages, (int)(w.down / MS),
			 (int)(w.longest.length / MS), (int)(w.longest.least / MS),
			 (int)(w.longest.most / MS), w.longest.at_least ? " at least" : "",
			 w.longest.before ? " before" : "");
		assert_string_equal(text, cases[i].want);
	}
	sample_series_done(&series);
	evidence_done(&ev);
}

/* A target that stops being probed leaves a gap, whatever the others do. */
static void test_gap(void **state)
{
	struct evidence ev = {0};
	struct sample_series series;
	struct sample_series_window w;

	(void)state;
	add_prober(&ev, 2, NEED_ANY);
	add_samples(&ev, "a", "............");
	add_samples(&ev, "b", "...      ...");
	assert_int_equal(sample_series_make(&ev, evidence_name(&ev, "api"), &series), 0);
	sample_series_window(&series, 0, 240 * (int64_t)MS, &w);
	assert_int_equal(w.gap, 140 * (int64_t)MS);
	/* A window in which a target has no sample at all. */
	sample_series_window(&series, 60 * (int64_t)MS, 180 * (int64_t)MS, &w);
	assert_int_equal(w.gap, 120 * (int64_t)MS);
	sample_series_done(&series);
	assert_int_equal(sample_series_make(&ev, evidence_name(&ev, "other"), &series), -2);
	evidence_done(&ev);
}

static void test_rtt(void **state)
{
	static const struct {
		double share;
		int ms;
		bool at_least;
	} cases[] = {{0.5, 3, false}, {0.8, 6, false}, {0.99, 200, true}, {1, 200, true}};
	const int64_t window[2] = {0, 200 * (int64_t)MS};
	struct evidence ev = {0};
	struct sample_series series;
	struct sample_series_rtt rtt;

	(void)state;
	add_prober(&ev, 1, NEED_ANY);
	add_samples(&ev, NULL, "......xhx....");
	for (int i = 0; i < 6; i++)
		ev.samples[i].took = (i + 1) * (int64_t)MS;
	ev.samples[2].lateness = 5;
	ev.samples[5].lateness = 9;
	assert_int_equal(sample_series_make(&ev, evidence_name(&ev, "api"), &series), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(sample_series_rtt(&series, window, cases[i].share, &rtt), 0);
		assert_int_equal(rtt.samples, 8);
		assert_int_equal(rtt.ns, cases[i].ms * (int64_t)MS);
		assert_int_equal(rtt.at_least, cases[i].at_least);
		assert_int_equal(rtt.lateness, cases[i].ms < 6 ? 5 : 9);
	}
	sample_series_done(&series);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_target), cmocka_unit_test(test_need),
		cmocka_unit_test(test_window),	   cmocka_unit_test(test_gap),
		cmocka_unit_test(test_rtt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
