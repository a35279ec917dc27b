// SPDX-License-Identifier: GPL-2.0-or-later
/* The chart of a run over time: its content, and the bound of its size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/judge/chart.h"

#define MS 1000000LL

static void add_event(struct evidence *ev, enum event_kind kind, int64_t ms, const char *subject,
		      const char *text)
{
	struct event event = {.kind = (uint8_t)kind,
			      .time = ms * MS,
			      .subject = evidence_name(ev, subject),
			      .text = text ? evidence_name(ev, text) : 0,
			      .phase = evidence_name(ev, "cut")};

	assert_int_equal(evidence_add(ev, EVIDENCE_EVENT, &event), 0);
}

static void add_probe(struct evidence *ev)
{
	struct sampled_probe probe = {evidence_name(ev, "api"), 1, 20 * MS, 200 * MS, NEED_ANY};

	assert_int_equal(evidence_add(ev, EVIDENCE_PROBE, &probe), 0);
}

static void add_sample(struct evidence *ev, int64_t ms, bool good)
{
	struct sample sample = {.sent = ms * MS,
				.took = MS,
				.probe = evidence_name(ev, "api"),
				.target = evidence_name(ev, "a"),
				.result = good ? SAMPLE_OK : SAMPLE_REFUSED};

	assert_int_equal(evidence_add(ev, EVIDENCE_SAMPLE, &sample), 0);
}

static void add_member(struct evidence *ev, int64_t ms, const char *leader, int64_t term)
{
	struct member_sample member = {.time = ms * MS,
				       .term = term,
				       .workload = evidence_name(ev, "etcd"),
				       .member = evidence_name(ev, "a"),
				       .leader = leader ? evidence_name(ev, leader) : 0};

	assert_int_equal(evidence_add(ev, EVIDENCE_MEMBER, &member), 0);
}

static void add_operation(struct evidence *ev, int64_t ms, enum operation_result result)
{
	struct operation op = {.begin = ms * MS,
			       .end = (ms + 1) * MS,
			       .ledger = evidence_name(ev, "ledger"),
			       .client = evidence_name(ev, "c"),
			       .kind = OP_PUT,
			       .result = (uint8_t)result};

	assert_int_equal(evidence_add(ev, EVIDENCE_OPERATION, &op), 0);
}

static void has(const char *json, const char *part)
{
	if (!strstr(json, part))
		fail_msg("no %s in %s", part, json);
}

static void test_parts(void **state)
{
	struct evidence ev = {0};
	char *json;

	(void)state;
	add_event(&ev, EVENT_RUN_BEGIN, 1000, "name", "host");
	add_event(&ev, EVENT_ABOUT, 1000, "seed", "42");
	add_probe(&ev);
	add_event(&ev, EVENT_PHASE, 2000, "cut", NULL);
	add_event(&ev, EVENT_FAULT_BEGIN, 2100, "partition a | rest", NULL);
	for (int ms = 2000; ms <= 3000; ms += 20)
		add_sample(&ev, ms, ms < 2120 || ms >= 2500);
	add_member(&ev, 2000, "a", 1);
	add_member(&ev, 2200, NULL, 1);
	add_member(&ev, 2400, "b", 2);
	add_operation(&ev, 2000, OP_OK);
	add_operation(&ev, 2150, OP_UNKNOWN);
	json = chart_json(&ev, NULL, 0);
	assert_non_null(json);
	has(json, "{\"from_ns\":1000000000,\"to_ns\":2000000000,\"bin_ns\":100000000,");
	has(json, "\"about\":[{\"name\":\"seed\",\"value\":\"42\"}]");
	/* Killed: the phase and the fault have no end. */
	has(json, "\"phases\":[{\"name\":\"cut\",\"begin_ns\":1000000000,\"end_ns\":2000000000}]");
	has(json, "\"begin_ns\":1100000000}],\"fault_count\":1");
	has(json, "\"down\":[[1120000000,1500000000,0]]");
	has(json, "\"p50_ns\":[1000000,1000000,null,null,null,1000000,");
	has(json, "\"answered\":[1,0,0,0,0,0,0,0,0,0,0],\"unanswered\":[0,1,");
	has(json, "\"changes\":[{\"at_ns\":1400000000,\"from\":\"a\",\"to\":\"b\",\"term\":2}]");
	has(json, "\"leads\":[[1000000000,1200000000,0]],"
		  "\"leaderless\":[[1200000000,1400000000,0]]");
	free(json);
	evidence_done(&ev);
}

static void test_empty(void **state)
{
	struct evidence ev = {0};
	char *json = chart_json(&ev, NULL, 0);

	(void)state;
	assert_non_null(json);
	has(json, "\"probes\":[],\"ledgers\":[],\"clusters\":[],\"metrics\":[]}");
	free(json);
}

static void add_write(struct evidence *ev, int64_t number, int64_t begin, int64_t end,
		      uint8_t result)
{
	struct block_operation op = {.begin = begin * MS,
				     .end = end * MS,
				     .number = number,
				     .ledger = evidence_name(ev, "disk"),
				     .block = (uint32_t)number,
				     .kind = BLOCK_WRITE,
				     .result = result};

	assert_int_equal(evidence_add(ev, EVIDENCE_BLOCK, &op), 0);
}

/* Writes to a disk: a stall from 120 ms to 350 ms, and one of 50 ms, which is not listed. */
static void test_disk(void **state)
{
	struct evidence ev = {0};
	char *json;

	(void)state;
	add_event(&ev, EVENT_PHASE, 100, "cut", NULL);
	add_write(&ev, 1, 101, 103, OP_OK);
	add_write(&ev, 2, 110, 112, OP_OK);
	add_write(&ev, 3, 120, 320, OP_UNKNOWN);
	add_write(&ev, 4, 340, 350, OP_OK);
	add_write(&ev, 5, 360, 410, OP_OK);
	add_event(&ev, EVENT_RUN_END, 500, "cut", NULL);
	json = chart_json(&ev, NULL, 0);
	assert_non_null(json);
	has(json, "{\"name\":\"disk\",\"answered\":[2,0,1,1,0],\"unanswered\":[0,0,1,0,0],"
		  "\"p50_ns\":[2000000,null,10000000,50000000,null],"
		  "\"max_ns\":[2000000,null,10000000,50000000,null],"
		  "\"stalls\":[[20000000,250000000,0]],\"stall_count\":1}");
	free(json);
	evidence_done(&ev);
}

/* An hour in which every second sample fails: outages are merged, and bins are wide. */
static void test_bounded(void **state)
{
	struct evidence ev = {0};
	char *json;

	(void)state;
	add_probe(&ev);
	for (int ms = 0; ms < 3600000; ms += 20)
		add_sample(&ev, ms, ms % 8000 < 4000 && ms % 40 == 0);
	json = chart_json(&ev, NULL, 0);
	assert_non_null(json);
	has(json, "\"bin_ns\":10000000000,\"grain_ns\":1799990000,");
	assert_in_range(strlen(json), 1000, 60000);
	free(json);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
