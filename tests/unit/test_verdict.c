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
#include "tests/unit/history.h"

#define ORIGIN 1000 /* ms: the run does not begin at 0 */

/* An event at a time of the run, in ms. */
static struct event *happen(struct evidence *ev, int time, enum event_kind kind,
			    const char *subject)
{
	struct event event = {.time = (int64_t)(ORIGIN + time) * MS,
			      .kind = (uint8_t)kind,
			      .subject = name_of(ev, subject)};

	assert_int_equal(evidence_add(ev, EVIDENCE_EVENT, &event), 0);
	return &ev->events[ev->event_count - 1];
}

static void phase(struct evidence *ev, int time, const char *name, unsigned repetition)
{
	struct event *event = happen(ev, time, EVENT_PHASE, NULL);

	event->phase = evidence_name(ev, name);
	event->repetition = repetition;
}

static void begin_run(struct evidence *ev)
{
	struct event *event = happen(ev, 0, EVENT_RUN_BEGIN, "leader-cut");

	event->text = evidence_name(ev, "host-1");
	event->wall = 1700000000000000000;
}

static void end_run(struct evidence *ev, int time)
{
	happen(ev, time, EVENT_RUN_END, NULL);
	happen(ev, time, EVENT_HEALED, NULL);
	happen(ev, time, EVENT_CLEAN, NULL);
}

static void fault(struct evidence *ev, int begin, int end, int64_t affected)
{
	struct event *event;

	happen(ev, begin, EVENT_FAULT_BEGIN, "partition");
	event = happen(ev, end, EVENT_FAULT_END, "partition");
	event->offered = 100;
	event->affected = affected;
}

/* Samples every 20 ms from a time to another one, with one result. */
static void probe(struct evidence *ev, int from, int to, enum sample_result result)
{
	for (int time = from; time < to; time += 20) {
		struct sample sample = {.sent = (int64_t)(ORIGIN + time) * MS,
					.took = result == SAMPLE_HUNG ? 200 * (int64_t)MS : MS,
					.probe = evidence_name(ev, "api"),
					.result = (uint8_t)result};

		assert_int_equal(evidence_add(ev, EVIDENCE_SAMPLE, &sample), 0);
	}
}

static void add_probe(struct evidence *ev)
{
	struct sampled_probe probe = {evidence_name(ev, "api"), 1, 20 * (int64_t)MS,
				      200 * (int64_t)MS, NEED_ANY};

	assert_int_equal(evidence_add(ev, EVIDENCE_PROBE, &probe), 0);
}

/*
 * Two seconds of quiet, then two cuts of 3 s each with an outage of 0.5 s and 0.9 s, then 2 s.
 */
static void two_cuts(struct evidence *ev)
{
	begin_run(ev);
	add_probe(ev);
	phase(ev, 0, "quiet", 0);
	phase(ev, 2000, "cut", 1);
	fault(ev, 2010, 4000, 60);
	phase(ev, 5000, "cut", 2);
	fault(ev, 5010, 7000, 60);
	phase(ev, 8000, "after", 0);
	end_run(ev, 10000);
	probe(ev, 0, 2100, SAMPLE_OK);
	probe(ev, 2100, 2600, SAMPLE_REFUSED);
	probe(ev, 2600, 5100, SAMPLE_OK);
	probe(ev, 5100, 6000, SAMPLE_REFUSED);
	probe(ev, 6000, 10000, SAMPLE_OK);
}

static struct verdict *judge_run(const struct evidence *ev, const struct claim *claims,
				 size_t count)
{
	struct verdict *verdict;
	struct netsim_err err = {0};

	if (verdict_make(ev, claims, count, &verdict, &err) < 0)
		fail_msg("%s", err.what);
	return verdict;
}

/* Expects these lines of the rows of expectations, each with a newline; forgets the evidence. */
static void lines_are(struct evidence *ev, const struct claim *claims, size_t count,
		      const char *want)
{
	struct verdict *verdict = judge_run(ev, claims, count);
	char got[4096] = "";
	size_t used = 0;

	for (size_t i = 0; i < verdict->row_count; i++)
		if (verdict->rows[i]->claim != SIZE_MAX)
			used += (size_t)snprintf(got + used, sizeof(got) - used, "%s\n",
						 verdict->rows[i]->line);
	assert_string_equal(got, want);
	verdict_free(verdict);
	evidence_done(ev);
}

/* The same for the rows of every run that are not ok. */
static void run_lines_are(struct evidence *ev, const char *want)
{
	struct verdict *verdict = judge_run(ev, NULL, 0);
	char got[4096] = "";
	size_t used = 0;

	for (size_t i = 0; i < verdict->row_count; i++)
		if (verdict->rows[i]->result != VERDICT_OK)
			used += (size_t)snprintf(got + used, sizeof(got) - used, "%s\n",
						 verdict->rows[i]->line);
	assert_string_equal(got, want);
	verdict_free(verdict);
	evidence_done(ev);
}

#define SECOND 1e9

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
		       "uncertainty: 0.900 s \xc2\xb1 0.021 s, at 5.100\n"},
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
		  "effect: 0.500 s \xc2\xb1 0.021 s, at 2\n"
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
		  "was late, or the probe is too slow\n");
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

/* --- ledgers */

static struct claim findings_claim(const char *phase, unsigned kinds)
{
	return (struct claim) {.phase = phase,
			       .text = "ledger lost = 0",
			       .subject = "ledger",
			       .quantity = CLAIM_FINDING,
			       .findings = kinds,
			       .op = OPERATOR_EQ};
}

static void lost_history(struct evidence *ev)
{
	begin_run(ev);
	phase(ev, 0, "cut", 1);
	phase(ev, 1000, "cut", 2);
	phase(ev, 2000, "after", 0);
	end_run(ev, 3000);
	put(ev, "a", "k", "v1", ORIGIN + 100, ORIGIN + 110, 2);
	put(ev, "a", "k", "v2", ORIGIN + 200, ORIGIN + 210, 3);
	get(ev, "a", "k", "v1", ORIGIN + 1100, ORIGIN + 1110, 4, 2);
	/* The final reads come after the timeline. */
	put(ev, "a", "j", "v3", ORIGIN + 2100, ORIGIN + 2110, 5);
	get(ev, "a", "j", NULL, ORIGIN + 3100, ORIGIN + 3110, 6);
}

static void test_findings(void **state)
{
	struct evidence ev = {0};
	struct claim claims[] = {
		findings_claim("cut", 1U << FINDING_LOST),
		findings_claim("after", 1U << FINDING_LOST),
		findings_claim("after", 1U << FINDING_STALE),
		findings_claim("after", 1U << FINDING_WATCH_GAP),
		{.phase = "cut",
		 .text = "ledger rate >= 2/s",
		 .subject = "ledger",
		 .quantity = CLAIM_RATE,
		 .op = OPERATOR_GE,
		 .value = 2},
		findings_claim("after", 1U << FINDING_LOST),
	};

	(void)state;
	claims[2].text = "ledger stale = 0";
	claims[3].text = "ledger watch = 0";
	claims[5].subject = "other";
	lost_history(&ev);
	lines_are(&ev, claims, 6,
		  "ok: cut 1: ledger lost = 0: 0\n"
		  "failed: cut 2: ledger lost = 0: 1: key k = v2, put r3 at 0.200 s, not in get r4 "
		  "at 1.100 s\n"
		  "failed: after: ledger lost = 0: 2: key k = v2, put r3 at 0.200 s, not in get r4 "
		  "at 1.100 s\n"
		  "ok: after: ledger stale = 0: 0\n"
		  "unproved: after: ledger watch = 0: the ledger's watches delivered nothing: 0\n"
		  "ok: cut 1: ledger rate >= 2/s: 2.0/s\n"
		  "failed: cut 2: ledger rate >= 2/s: 1.0/s, off by 1.0/s\n"
		  "unproved: after: ledger lost = 0: other has no operations\n");
}

/* Findings that no expectation is about fail the run all the same. */
static void test_consistent(void **state)
{
	struct evidence ev = {0};
	struct claim claim = findings_claim("after", 1U << FINDING_LOST);
	struct verdict *verdict;

	(void)state;
	lost_history(&ev);
	run_lines_are(&ev, "failed: run: consistent: ledger: 2 findings: lost: key k = v2, "
			   "put r3 at 0.200 s, not in get r4 at 1\n");
	lost_history(&ev);
	verdict = judge_run(&ev, &claim, 1);
	assert_string_equal(verdict->rows[2]->line,
			    "ok: run: consistent: ledger: 5 operations acknowledged, 0 of unknown "
			    "outcome");
	assert_int_equal(verdict->finding_total, 2);
	assert_string_equal(verdict->findings[0]->line,
			    "lost: key k = v2, put r3 at 0.200 s, not in get r4 at 1.100 s");
	verdict_free(verdict);
	evidence_done(&ev);
}

/* --- clusters and pairs */

static struct member_sample *member_at(struct evidence *ev, int time, const char *member,
				       const char *leader)
{
	struct member_sample sample = {.time = (int64_t)(ORIGIN + time) * MS,
				       .workload = evidence_name(ev, "etcd"),
				       .member = evidence_name(ev, member),
				       .leader = name_of(ev, leader)};

	assert_int_equal(evidence_add(ev, EVIDENCE_MEMBER, &sample), 0);
	return &ev->members[ev->member_count - 1];
}

static void state_of(struct evidence *ev, int time, const char *member, const char *leader,
		     int term, int revision)
{
	struct member_sample *added = member_at(ev, time, member, leader);

	added->term = term;
	added->revision = revision;
	added->hash = revision * 100;
}

static void cluster(struct evidence *ev)
{
	begin_run(ev);
	phase(ev, 100, "cut", 0);
	phase(ev, 1000, "after", 0);
	state_of(ev, 0, "a", "a", 2, 5);
	state_of(ev, 10, "b", "a", 2, 5);
	state_of(ev, 20, "c", "a", 2, 5);
	/* a is cut off, and campaigns. */
	state_of(ev, 200, "a", NULL, 7, 5);
	state_of(ev, 300, "b", "c", 3, 6);
	state_of(ev, 310, "c", "c", 3, 6);
	/* It comes back, and has to catch up. */
	state_of(ev, 1100, "a", NULL, 7, 5);
	state_of(ev, 1110, "b", "c", 8, 9);
	state_of(ev, 1120, "c", "c", 8, 9);
	state_of(ev, 1200, "a", "c", 8, 5);
	state_of(ev, 1210, "b", "c", 8, 10);
	state_of(ev, 1300, "a", "c", 8, 9);
	state_of(ev, 1310, "c", "c", 8, 11);
	end_run(ev, 2000);
}

static void test_cluster(void **state)
{
	struct evidence ev = {0};
	struct claim claims[] = {
		{.phase = "cut",
		 .text = "etcd leader changes = 1",
		 .subject = "etcd",
		 .quantity = CLAIM_LEADER_CHANGES,
		 .op = OPERATOR_EQ,
		 .value = 1},
		{.phase = "after",
		 .text = "etcd leader changes = 0",
		 .subject = "etcd",
		 .quantity = CLAIM_LEADER_CHANGES,
		 .op = OPERATOR_EQ,
		 .value = 0},
		{.phase = "after",
		 .text = "etcd agrees within 500ms",
		 .subject = "etcd",
		 .quantity = CLAIM_AGREES,
		 .op = OPERATOR_LE,
		 .value = 500 * MS},
	};

	(void)state;
	cluster(&ev);
	lines_are(&ev, claims, 3,
		  "ok: cut: etcd leader changes = 1: 1\n"
		  "failed: after: etcd leader changes = 0: 1, off by 1, at 1.110 s\n"
		  "ok: after: etcd agrees within 500ms: 0.300 s \xc2\xb1 0.090 s\n");
	/* Other data at the same revision. */
	cluster(&ev);
	ev.members[ev.member_count - 2].revision = 11;
	lines_are(&ev, &claims[2], 1,
		  "failed: after: etcd agrees within 500ms: at least 1.00 s, off by 0.500 s, at "
		  "1.310 s; members have d\n");
	/* One that does not answer. */
	cluster(&ev);
	member_at(&ev, 1400, "b", NULL)->silent = true;
	claims[2].value = 5 * SECOND;
	lines_are(&ev, &claims[2], 1,
		  "unproved: after: etcd agrees within 500ms: the members did not agree at the end "
		  "of "
		  "the phase: at lea\n");
	cluster(&ev);
	ev.member_count = 0;
	lines_are(&ev, claims, 3,
		  "unproved: cut: etcd leader changes = 1: no member ever reported a leader\n"
		  "unproved: after: etcd leader changes = 0: no member ever reported a leader\n"
		  "unproved: after: etcd agrees within 500ms: no member of etcd was sampled\n");
}

static void test_pair(void **state)
{
	struct evidence ev = {0};
	struct figure figure = {.begin = ORIGIN * (int64_t)MS,
				.end = (ORIGIN + 1000) * (int64_t)MS,
				.packets = 50,
				.lost = 2};
	struct claim claims[] = {
		{.phase = "cut",
		 .text = "loss a:b <= 5%",
		 .subject = "a",
		 .to = "b",
		 .quantity = CLAIM_LOSS,
		 .op = OPERATOR_LE,
		 .value = 0.05},
		{.phase = "cut",
		 .text = "loss b:a <= 5%",
		 .subject = "b",
		 .to = "a",
		 .quantity = CLAIM_LOSS,
		 .op = OPERATOR_LE,
		 .value = 0.05},
		{.phase = "cut",
		 .text = "packets a:b class bulk >= 1",
		 .subject = "a",
		 .to = "b",
		 .class = "bulk",
		 .quantity = CLAIM_PACKETS,
		 .op = OPERATOR_GE,
		 .value = 1},
		{.phase = "cut",
		 .text = "loss a:b < 1%",
		 .subject = "a",
		 .to = "b",
		 .quantity = CLAIM_LOSS,
		 .op = OPERATOR_LT,
		 .value = 0.01},
	};

	(void)state;
	begin_run(&ev);
	phase(&ev, 0, "cut", 0);
	end_run(&ev, 1000);
	figure.from = evidence_name(&ev, "a");
	figure.to = evidence_name(&ev, "b");
	evidence_add(&ev, EVIDENCE_FIGURE, &figure);
	lines_are(&ev, claims, 4,
		  "ok: cut: loss a:b <= 5%: 4 %\n"
		  "unproved: cut: loss b:a <= 5%: no packet was sent\n"
		  "failed: cut: packets a:b class bulk >= 1: 0, off by 1\n"
		  "failed: cut: loss a:b < 1%: 4 %, off by 3 %; 50 packets; the limit needs 100\n");
}

/* --- every run */

static void test_every_run(void **state)
{
	struct evidence ev = {0};
	struct event *event;

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
		cmocka_unit_test(test_not_steady),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_open_end),
		cmocka_unit_test(test_missing_phase),
		cmocka_unit_test(test_available),
		cmocka_unit_test(test_single_failure),
		cmocka_unit_test(test_rtt_and_recovery),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_consistent),
		cmocka_unit_test(test_cluster),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_every_run),
		cmocka_unit_test(test_result),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_junit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
