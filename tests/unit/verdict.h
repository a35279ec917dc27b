/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture for tests of the verdict: evidence of a run, event by event, and the lines of its rows.
 */
#ifndef TESTS_UNIT_VERDICT_H
#define TESTS_UNIT_VERDICT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "netsim/judge/verdict.h"
#include "tests/unit/history.h"

#define ORIGIN 1000 /* ms: the run does not begin at 0 */

/* An event at a time of the run, in ms. */
static inline struct event *happen(struct evidence *ev, int time, enum event_kind kind,
				   const char *subject)
{
	struct event event = {.time = (int64_t)(ORIGIN + time) * MS,
			      .kind = (uint8_t)kind,
			      .subject = name_of(ev, subject)};

	assert_int_equal(evidence_add(ev, EVIDENCE_EVENT, &event), 0);
	return &ev->events[ev->event_count - 1];
}

static inline void phase(struct evidence *ev, int time, const char *name, unsigned repetition)
{
	struct event *event = happen(ev, time, EVENT_PHASE, NULL);

	event->phase = evidence_name(ev, name);
	event->repetition = repetition;
}

static inline void begin_run(struct evidence *ev)
{
	struct event *event = happen(ev, 0, EVENT_RUN_BEGIN, "leader-cut");

	event->text = evidence_name(ev, "host-1");
	event->wall = 1700000000000000000;
}

static inline void end_run(struct evidence *ev, int time)
{
	happen(ev, time, EVENT_RUN_END, NULL);
	happen(ev, time, EVENT_HEALED, NULL);
	happen(ev, time, EVENT_CLEAN, NULL);
}

static inline void fault(struct evidence *ev, int begin, int end, int64_t affected)
{
	struct event *event;

	happen(ev, begin, EVENT_FAULT_BEGIN, "partition");
	event = happen(ev, end, EVENT_FAULT_END, "partition");
	event->offered = 100;
	event->affected = affected;
}

/* Samples every 20 ms from a time to another one, with one result. */
static inline void probe(struct evidence *ev, int from, int to, enum sample_result result)
{
	for (int time = from; time < to; time += 20) {
		struct sample sample = {.sent = (int64_t)(ORIGIN + time) * MS,
					.took = result == SAMPLE_HUNG ? 200 * (int64_t)MS : MS,
					.probe = evidence_name(ev, "api"),
					.result = (uint8_t)result};

		assert_int_equal(evidence_add(ev, EVIDENCE_SAMPLE, &sample), 0);
	}
}

static inline void add_probe(struct evidence *ev)
{
	struct sampled_probe probe = {evidence_name(ev, "api"), 1, 20 * (int64_t)MS,
				      200 * (int64_t)MS, NEED_ANY};

	assert_int_equal(evidence_add(ev, EVIDENCE_PROBE, &probe), 0);
}

/*
 * Two seconds of quiet, then two cuts of 3 s each with an outage of 0.5 s and 0.9 s, then 2 s.
 */
static inline void two_cuts(struct evidence *ev)
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

static inline struct verdict *judge_run(const struct evidence *ev, const struct claim *claims,
					size_t count)
{
	struct verdict *verdict;
	struct netsim_err err = {0};

	if (verdict_make(ev, claims, count, &verdict, &err) < 0)
		fail_msg("%s", err.what);
	return verdict;
}

/* Expects these lines of the rows of expectations, each with a newline; forgets the evidence. */
static inline void lines_are(struct evidence *ev, const struct claim *claims, size_t count,
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
static inline void run_lines_are(struct evidence *ev, const char *want)
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

#endif
