// SPDX-License-Identifier: GPL-2.0-or-later
/* The verdict: expectations over phases and repetitions, those of every run, and its texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "netsim/judge/junit.h"
#include "netsim/judge/verdict.h"
#include "netsim/util/auto.h"
#include "tests/unit/verdict.h"

static struct claim outage_of(double limit)
{
	return (struct claim) {.phase = "cut",
			       .repetitions = 2,
			       .text = "api outage <= X",
			       .subject = "api",
			       .quantity = CLAIM_OUTAGE,
			       .op = OPERATOR_LE,
			       .value = limit};
}

static void test_outage(void **state)
{
	static const struct {
		double limit;
		const char *want;
	} cases[] = {
		{1, "ok: cut 1/2: api outage <= X: 0.500 s \xc2\xb1 0.021 s\n"
		    "ok: cut 2/2: api outage <= X: 0.900 s \xc2\xb1 0.021 s\n"},
		{0.7, "ok: cut 1/2: api outage <= X: 0.500 s \xc2\xb1 0.021 s\n"
		      "failed: cut 2/2: api outage <= X: 0.900 s \xc2\xb1 0.021 s, off by 0.200 s, "
		      "at 5.100 s\n"},
		{0.91, "ok: cut 1/2: api outage <= X: 0.500 s \xc2\xb1 0.021 s\n"
		       "unproved: cut 2/2: api outage <= X: the limit is within the "
		       "uncertainty: 0.900 s \xc2\xb1 0.021 s, at 5.100 s\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct claim claim = outage_of(cases[i].limit * SECOND);

		two_cuts(&ev);
		lines_are(&ev, &claim, 1, cases[i].want);
	}
}

static void test_summary(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(0.7 * SECOND);
	struct verdict *verdict;

	(void)state;
	two_cuts(&ev);
	verdict = judge_run(&ev, &claim, 1);
	assert_int_equal(verdict->result, VERDICT_FAILED);
	assert_int_equal(verdict->summary_count, 1);
	assert_int_equal(verdict->summaries[0]->ok, 1);
	assert_int_equal(verdict->summaries[0]->failed, 1);
	assert_int_equal(verdict->summaries[0]->count, 2);
	assert_string_equal(verdict->summaries[0]->shows, "0.500 s, 0.700 s, 0.900 s");
	assert_string_equal(verdict->scenario, "leader-cut");
	assert_string_equal(verdict->host, "host-1");
	assert_true(verdict->complete);
	assert_int_equal(verdict->duration, 10000 * (int64_t)MS);
	/* Two faults, healed, clean, and the expectation twice. */
	assert_int_equal(verdict->row_count, 6);
	verdict_free(verdict);
	evidence_done(&ev);
}

/* A pass without the fault proves nothing; a failure remains one. */
static void test_fault_without_effect(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(0.7 * SECOND);

	(void)state;
	two_cuts(&ev);
	for (size_t i = 0; i < ev.event_count; i++)
		if (ev.events[i].kind == EVENT_FAULT_END)
			ev.events[i].affected = 0;
	lines_are(&ev, &claim, 1,
		  "unproved: cut 1/2: api outage <= X: a fault of this phase was not in "
		  "effect: 0.500 s \xc2\xb1 0.021 s, at 2.100 s\n"
		  "failed: cut 2/2: api outage <= X: 0.900 s \xc2\xb1 0.021 s, off by 0.200 s, at "
		  "5.100 s\n");
}

/* An expected harm that does not come, because the fault had no effect, is not a failure. */
static void test_harm_without_effect(void **state)
{
	static const struct {
		enum claim_quantity quantity;
		enum claim_operator op;
		double value;
		const char *want;
	} cases[] = {
		{CLAIM_AVAILABLE, OPERATOR_LE, 0.05,
		 "a fault of this phase was not in effect: 83.333 % \xc2\xb1 0.7 %, at 2.100 s"},
		{CLAIM_OUTAGE, OPERATOR_GE, 2 * SECOND,
		 "a fault of this phase was not in effect: 0.500 s \xc2\xb1 0.021 s, at 2.100 s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct claim claim = outage_of(cases[i].value);
		struct verdict *verdict;

		claim.quantity = cases[i].quantity;
		claim.op = cases[i].op;
		claim.text = "x";
		two_cuts(&ev);
		verdict = judge_run(&ev, &claim, 1);
		assert_int_equal(verdict->result, VERDICT_FAILED);
		verdict_free(verdict);
		for (size_t e = 0; e < ev.event_count; e++)
			if (ev.events[e].kind == EVENT_FAULT_END)
				ev.events[e].affected = 0;
		verdict = judge_run(&ev, &claim, 1);
		assert_int_equal(verdict->result, VERDICT_UNPROVED);
		for (size_t r = 0; r < verdict->row_count; r++)
			if (verdict->rows[r]->claim == 0 && verdict->rows[r]->repetition == 1)
				assert_string_equal(strstr(verdict->rows[r]->line, ": x: ") + 5,
						    cases[i].want);
		verdict_free(verdict);
		evidence_done(&ev);
	}
}

static void test_not_steady(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(2 * SECOND);

	(void)state;
	two_cuts(&ev);
	/* A single failure shortly before the second cut; none before the first. */
	for (size_t i = 0; i < ev.sample_count; i++)
		if (ev.samples[i].sent == (int64_t)(ORIGIN + 4500) * MS)
			ev.samples[i].result = SAMPLE_WRONG;
	lines_are(&ev, &claim, 1,
		  "ok: cut 1/2: api outage <= X: 0.500 s \xc2\xb1 0.021 s\n"
		  "unproved: cut 2/2: api outage <= X: api had failed before the fault\n");
	/* A request that is in flight when the fault begins may hang. */
	two_cuts(&ev);
	for (size_t i = 0; i < ev.sample_count; i++)
		if (ev.samples[i].sent >= (int64_t)(ORIGIN + 4980) * MS &&
		    ev.samples[i].sent < (int64_t)(ORIGIN + 5100) * MS) {
			ev.samples[i].result = SAMPLE_HUNG;
			ev.samples[i].took = 200 * (int64_t)MS;
		}
	lines_are(&ev, &claim, 1,
		  "ok: cut 1/2: api outage <= X: 0.500 s \xc2\xb1 0.021 s\n"
		  "ok: cut 2/2: api outage <= X: 1.00 s \xc2\xb1 0.121 s\n");
	/* Or it is answered late, with an error. */
	two_cuts(&ev);
	for (size_t i = 0; i < ev.sample_count; i++)
		if (ev.samples[i].sent == (int64_t)(ORIGIN + 4980) * MS) {
			ev.samples[i].result = SAMPLE_WRONG;
			ev.samples[i].took = 60 * (int64_t)MS;
		}
	lines_are(&ev, &claim, 1,
		  "ok: cut 1/2: api outage <= X: 0.500 s \xc2\xb1 0.021 s\n"
		  "ok: cut 2/2: api outage <= X: 0.900 s \xc2\xb1 0.021 s\n");
	two_cuts(&ev);
	for (size_t i = 0; i < ev.sample_count; i++)
		ev.samples[i].result = SAMPLE_REFUSED;
	lines_are(&ev, &claim, 1,
		  "unproved: cut 1/2: api outage <= X: api never succeeded\n"
		  "unproved: cut 2/2: api outage <= X: api never succeeded\n");
	two_cuts(&ev);
	ev.sample_count = 0;
	lines_are(&ev, &claim, 1,
		  "unproved: cut 1/2: api outage <= X: api has no samples\n"
		  "unproved: cut 2/2: api outage <= X: api has no samples\n");
}

static void test_late(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(1 * SECOND);
	struct event *step;

	(void)state;
	begin_run(&ev);
	add_probe(&ev);
	phase(&ev, 2000, "cut", 1);
	step = happen(&ev, 2000, EVENT_STEP_BEGIN, "partition n1");
	step->lateness = 150 * (int64_t)MS;
	fault(&ev, 2010, 4000, 60);
	phase(&ev, 5000, "cut", 2);
	fault(&ev, 5010, 7000, 60);
	end_run(&ev, 8000);
	probe(&ev, 0, 5500, SAMPLE_OK);
	/* The probe does not run for longer than the limit. */
	probe(&ev, 6700, 8000, SAMPLE_OK);
	claim.text = "api outage";
	lines_are(&ev, &claim, 1,
		  "unproved: cut 1/2: api outage: the machine was late: a step began "
		  "0.150 s late: 0.000 s \xc2\xb1 0.020 s\n"
		  "unproved: cut 2/2: api outage: no sample for 1.220 s; the machine "
		  "was late, or the probe is too slow: 0.000 s \xc2\xb1 1.22 s\n");
}

/* A fault that began long after its command: harm that did not come meanwhile is no failure. */
static void test_late_fault(void **state)
{
	struct claim claim = outage_of(0.5);

	(void)state;
	claim.quantity = CLAIM_AVAILABLE;
	claim.text = "api available";
	for (int late = 100; late <= 200; late += 100) {
		struct evidence ev = {0};

		begin_run(&ev);
		add_probe(&ev);
		phase(&ev, 2000, "cut", 1);
		happen(&ev, 2000, EVENT_STEP_BEGIN, "partition n1");
		fault(&ev, 2000 + late, 4000, 60);
		phase(&ev, 4500, "cut", 2);
		fault(&ev, 4510, 7000, 60);
		end_run(&ev, 8000);
		probe(&ev, 0, 8000, SAMPLE_OK);
		lines_are(&ev, &claim, 1,
			  late == 100 ? "failed: cut 1/2: api available: 100 %, off by 50 %\n"
					"failed: cut 2/2: api available: 100 %, off by 50 %\n" :
					"unproved: cut 1/2: api available: the machine was late: a "
					"fault began 0.200 s after its command: 100 %\n"
					"failed: cut 2/2: api available: 100 %, off by 50 %\n");
	}
}

static void test_open_end(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(2 * SECOND);

	(void)state;
	/* The outage has not ended when the phase ends, so only a lower bound is known. */
	begin_run(&ev);
	add_probe(&ev);
	phase(&ev, 0, "quiet", 0);
	phase(&ev, 2000, "cut", 1);
	fault(&ev, 2010, 4000, 60);
	end_run(&ev, 5000);
	probe(&ev, 0, 4000, SAMPLE_OK);
	probe(&ev, 4000, 5000, SAMPLE_REFUSED);
	claim.repetitions = 0;
	lines_are(&ev, &claim, 1,
		  "unproved: cut 1: api outage <= X: it goes on after the phase: at least "
		  "1.00 s, at 4.000 s\n");
	claim.value = 0.5 * SECOND;
	begin_run(&ev);
	add_probe(&ev);
	phase(&ev, 2000, "cut", 1);
	end_run(&ev, 5000);
	probe(&ev, 0, 4000, SAMPLE_OK);
	probe(&ev, 4000, 5000, SAMPLE_REFUSED);
	lines_are(&ev, &claim, 1,
		  "failed: cut 1: api outage <= X: at least 1.00 s, off by 0.500 s, at 4.000 s\n");
}

static void test_missing_phase(void **state)
{
	struct evidence ev = {0};
	struct claim claims[2] = {outage_of(2 * SECOND), outage_of(2 * SECOND)};

	(void)state;
	/* Killed within the first of two repetitions. */
	begin_run(&ev);
	add_probe(&ev);
	phase(&ev, 0, "cut", 1);
	probe(&ev, 0, 3000, SAMPLE_OK);
	claims[1].phase = "later";
	claims[1].repetitions = 0;
	lines_are(&ev, claims, 2,
		  "unproved: cut 1/2: api outage <= X: the run ended in this phase: "
		  "0.000 s \xc2\xb1 0.020 s\n"
		  "unproved: cut 2/2: api outage <= X: the run ended before this phase\n"
		  "unproved: later: api outage <= X: the run ended before this phase\n");
}

static void test_available(void **state)
{
	static const struct {
		const char *phase;
		double limit;
		const char *want;
	} cases[] = {
		{"quiet", 1, "ok: quiet: api available: 100 %\n"},
		{"quiet", 0.99, "ok: quiet: api available: 100 %\n"},
		{"quiet", 0.999,
		 "unproved: quiet: api available: 100 samples; the limit needs 1000: 100 %\n"},
		{"cut", 0.9,
		 "failed: cut 1: api available: 83.333 % \xc2\xb1 0.7 %, off by 6.6667 %, at 2.100 "
		 "s\n"
		 "failed: cut 2: api available: 70 % \xc2\xb1 0.7 %, off by 20 %, at 5.100 s\n"},
		{"cut", 0.8,
		 "ok: cut 1: api available: 83.333 % \xc2\xb1 0.7 %\n"
		 "failed: cut 2: api available: 70 % \xc2\xb1 0.7 %, off by 10 %, at 5.100 s\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct claim claim = {.phase = cases[i].phase,
				      .text = "api available",
				      .subject = "api",
				      .quantity = CLAIM_AVAILABLE,
				      .op = OPERATOR_GE,
				      .value = cases[i].limit};

		two_cuts(&ev);
		lines_are(&ev, &claim, 1, cases[i].want);
	}
}

/* A single refused sample is no availability of 100 %, however short the outage was. */
static void test_single_failure(void **state)
{
	struct evidence ev = {0};
	struct claim claim = {.phase = "quiet",
			      .text = "api available 100%",
			      .subject = "api",
			      .quantity = CLAIM_AVAILABLE,
			      .op = OPERATOR_GE,
			      .value = 1};

	(void)state;
	two_cuts(&ev);
	ev.samples[20].result = SAMPLE_REFUSED;
	lines_are(&ev, &claim, 1,
		  "failed: quiet: api available 100%: 99 % \xc2\xb1 1.05 %, off by 1 %, at 0.400 "
		  "s\n");
}

/* A sample that hung while the machine stood still proves nothing; one that was refused does. */
static void test_failure_in_stall(void **state)
{
	static const struct {
		enum sample_result result;
		const char *want;
	} cases[] = {
		{SAMPLE_HUNG, "unproved: quiet: api available 100%: no sample for 0.240 s: 88 % "
			      "\xc2\xb1 12 %, at "
			      "0.400 s\n"},
		{SAMPLE_REFUSED, "failed: quiet: api available 100%: 88 % \xc2\xb1 12 %, off by 12 "
				 "%, at 0.400 s; no "
				 "sample for 0.240 s\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evidence ev = {0};
		struct claim claim = {.phase = "quiet",
				      .text = "api available 100%",
				      .subject = "api",
				      .quantity = CLAIM_AVAILABLE,
				      .op = OPERATOR_GE,
				      .value = 1};

		two_cuts(&ev);
		for (size_t gone = 21; gone < 32; gone++)
			ev.samples[gone].sent = ev.samples[19].sent;
		ev.samples[20].result = cases[i].result;
		ev.samples[20].took = 200 * (int64_t)MS;
		lines_are(&ev, &claim, 1, cases[i].want);
	}
}

static void test_rtt_and_recovery(void **state)
{
	struct evidence ev = {0};
	struct claim claims[] = {
		{.phase = "quiet",
		 .text = "api rtt p99 <= 5ms",
		 .subject = "api",
		 .quantity = CLAIM_RTT,
		 .statistic = STATISTIC_P99,
		 .op = OPERATOR_LE,
		 .value = 5 * MS},
		{.phase = "quiet",
		 .text = "api rtt max <= 5ms",
		 .subject = "api",
		 .quantity = CLAIM_RTT,
		 .statistic = STATISTIC_MAX,
		 .op = OPERATOR_LE,
		 .value = 5 * MS},
		{.phase = "cut",
		 .text = "api recovers within 700ms",
		 .subject = "api",
		 .quantity = CLAIM_RECOVERS,
		 .op = OPERATOR_LE,
		 .value = 700 * MS},
		{.phase = "after",
		 .text = "api recovers within 1s",
		 .subject = "api",
		 .quantity = CLAIM_RECOVERS,
		 .op = OPERATOR_LE,
		 .value = 1000 * MS},
	};

	(void)state;
	two_cuts(&ev);
	ev.samples[7].took = 9 * MS;
	lines_are(&ev, claims, 4,
		  "ok: quiet: api rtt p99 <= 5ms: 1.000 ms\n"
		  "failed: quiet: api rtt max <= 5ms: 9.000 ms, off by 4.000 ms\n"
		  "ok: cut 1: api recovers within 700ms: 0.600 s \xc2\xb1 0.020 s\n"
		  "failed: cut 2: api recovers within 700ms: 1.00 s \xc2\xb1 0.020 s, off by 0.300 "
		  "s, "
		  "at 5.100 s\n"
		  "ok: after: api recovers within 1s: 0.000 s\n");
}

/* --- every run */

static void test_every_run(void **state)
{
	struct evidence ev = {0};
	struct event *event;
	struct verdict *verdict;

	(void)state;
	two_cuts(&ev);
	run_lines_are(&ev, "");
	/* Workloads: one that died, one that the timeline killed. */
	begin_run(&ev);
	happen(&ev, 1, EVENT_STARTED, "etcd/server-1");
	happen(&ev, 1, EVENT_STARTED, "etcd/server-2");
	happen(&ev, 2, EVENT_READY, "etcd/server-1");
	happen(&ev, 500, EVENT_KILLED, "etcd/server-1")->status = 11;
	event = happen(&ev, 600, EVENT_KILLED, "etcd/server-2");
	event->status = 9;
	event->asked = true;
	happen(&ev, 700, EVENT_STARTED, "etcd/server-2");
	end_run(&ev, 1000);
	run_lines_are(&ev, "failed: run: stays alive: etcd/server-1: ended by signal 11 at 0.500 "
			   "s\n");
	/* Remainders. */
	begin_run(&ev);
	happen(&ev, 900, EVENT_RUN_END, NULL);
	happen(&ev, 910, EVENT_NOT_HEALED, NULL)->text = evidence_name(&ev, "partition n1");
	happen(&ev, 920, EVENT_LEFT, NULL)->text = evidence_name(&ev, "process 17");
	run_lines_are(&ev, "failed: run: everything is healed: partition n1\n"
			   "failed: run: nothing is left behind: process 17\n");
	/* Killed, without anything read back. */
	begin_run(&ev);
	happen(&ev, 1, EVENT_STARTED, "etcd/server-1");
	fault(&ev, 10, 20, 5);
	ev.event_count--;
	run_lines_are(&ev, "unproved: run: runs to its end: the run was killed, or still runs\n"
			   "unproved: run: in effect: partition: its end is not in the evidence\n"
			   "unproved: run: stays alive: etcd/server-1: the run was killed\n"
			   "unproved: run: everything is healed: this was not read back\n"
			   "unproved: run: nothing is left behind: this was not read back\n");
	/* Faults without packets, without effect, and without counters; a step that failed. */
	begin_run(&ev);
	phase(&ev, 5, "cut", 0);
	happen(&ev, 5, EVENT_STEP_END, "partition n9")->status = 2;
	fault(&ev, 10, 20, 0);
	fault(&ev, 30, 40, 0);
	ev.events[ev.event_count - 1].offered = 0;
	fault(&ev, 50, 60, 0);
	ev.events[ev.event_count - 1].uncounted = true;
	end_run(&ev, 100);
	run_lines_are(&ev, "unproved: run: step partition n9: No such file or directory\n"
			   "unproved: run: in effect: partition: none of 100 packets was affected\n"
			   "unproved: run: in effect: partition: no packet reached it\n");
	/* A fault with several conditions, of which one acted on no packet, or all did. */
	begin_run(&ev);
	fault(&ev, 10, 20, 0);
	ev.events[ev.event_count - 1].text = evidence_name(&ev, "delay 90, loss 0");
	end_run(&ev, 100);
	run_lines_are(&ev,
		      "unproved: run: in effect: partition: delay 90, loss 0 of 100 packets\n");
	begin_run(&ev);
	fault(&ev, 10, 20, 10);
	ev.events[ev.event_count - 1].text = evidence_name(&ev, "delay 90, loss 10");
	end_run(&ev, 100);
	verdict = judge_run(&ev, NULL, 0);
	for (size_t i = 0; i < verdict->row_count; i++)
		if (strcmp(verdict->rows[i]->text, "in effect: partition") == 0)
			assert_string_equal(verdict->rows[i]->why,
					    "from 0.010 s to 0.020 s, delay 90, loss 10 of 100 "
					    "packets");
	verdict_free(verdict);
	run_lines_are(&ev, "");
	/* Ended early by the scenario. */
	begin_run(&ev);
	happen(&ev, 500, EVENT_ABORTED, NULL)->text = evidence_name(&ev, "api outage > 8s");
	end_run(&ev, 510);
	run_lines_are(&ev, "failed: run: not aborted: api outage > 8s\n");
}

static void test_result(void **state)
{
	struct evidence ev = {0};
	struct verdict *verdict;

	(void)state;
	two_cuts(&ev);
	verdict = judge_run(&ev, NULL, 0);
	assert_int_equal(verdict->result, VERDICT_OK);
	verdict_free(verdict);
	ev.event_count--;
	verdict = judge_run(&ev, NULL, 0);
	assert_int_equal(verdict->result, VERDICT_UNPROVED);
	verdict_free(verdict);
	happen(&ev, 11000, EVENT_LEFT, NULL);
	verdict = judge_run(&ev, NULL, 0);
	assert_int_equal(verdict->result, VERDICT_FAILED);
	verdict_free(verdict);
	evidence_done(&ev);
	/* Nothing at all is no pass. */
	verdict = judge_run(&ev, NULL, 0);
	assert_int_equal(verdict->result, VERDICT_UNPROVED);
	verdict_free(verdict);
}

/* --- texts */

static void test_json(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(0.7 * SECOND);
	struct verdict *verdict;
	auto_free char *text = NULL;
	json_t *root, *row;

	(void)state;
	two_cuts(&ev);
	claim.text = "api \"outage\" \\ <= X\n\x01";
	verdict = judge_run(&ev, &claim, 1);
	text = verdict_json(verdict);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "schema")), "netsim-verdict-1");
	assert_string_equal(json_string_value(json_object_get(root, "result")), "failed");
	row = json_array_get(json_object_get(root, "rows"), 5);
	assert_string_equal(json_string_value(json_object_get(row, "text")), claim.text);
	assert_int_equal(json_integer_value(json_object_get(row, "repetition")), 2);
	assert_true(json_number_value(json_object_get(row, "value")) == 9e8);
	assert_true(json_number_value(json_object_get(row, "limit")) == 7e8);
	assert_int_equal(json_integer_value(json_object_get(row, "when_ns")), 5100 * (int64_t)MS);
	json_decref(root);
	verdict_free(verdict);
	evidence_done(&ev);
}

static void test_junit(void **state)
{
	struct evidence ev = {0};
	struct claim claim = outage_of(0.7 * SECOND);
	struct verdict *verdict;
	auto_free char *text = NULL;

	(void)state;
	two_cuts(&ev);
	claim.text = "<a> & \"b\" \x01\xff\xef\xbf\xbf\n";
	verdict = judge_run(&ev, &claim, 1);
	text = junit_verdict(verdict);
	assert_non_null(strstr(text, "<testsuite name=\"leader-cut\" tests=\"6\" failures=\"1\" "
				     "errors=\"0\" time=\"10.000\""));
	assert_non_null(strstr(text, "timestamp=\"2023-11-14T22:13:20\" hostname=\"host-1\" "));
	assert_non_null(strstr(text, "<property name=\"verdict\" value=\"failed\"/>"));
	assert_non_null(strstr(text,
			       "<testcase classname=\"leader-cut.cut\" name=\"&lt;a&gt; &amp; "
			       "&quot;b&quot; \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd&#10; [2]\" "
			       "time=\"3.000\">"));
	assert_non_null(strstr(text, "<failure type=\"failed\" message=\"failed: cut 2/2: &lt;a"));
	verdict_free(verdict);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outage),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_fault_without_effect),
		cmocka_unit_test(test_harm_without_effect),
		cmocka_unit_test(test_late_fault),
		cmocka_unit_test(test_not_steady),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_open_end),
		cmocka_unit_test(test_missing_phase),
		cmocka_unit_test(test_available),
		cmocka_unit_test(test_single_failure),
		cmocka_unit_test(test_failure_in_stall),
		cmocka_unit_test(test_rtt_and_recovery),
		cmocka_unit_test(test_every_run),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_junit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
