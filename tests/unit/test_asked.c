// SPDX-License-Identifier: GPL-2.0-or-later
/* What was asked of the network, beside what the evidence shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "netsim/judge/asked.h"
#include "netsim/util/arena.h"

#define MS 1000000LL

/* A time of one second from `begin` on, in s. */
static struct asked *ask(struct evidence *ev, int begin, const char *from, const char *to)
{
	const struct asked asked = {.begin = begin * 1000 * MS,
				    .end = (begin + 1) * 1000 * MS,
				    .bursts = 1,
				    .from = evidence_name(ev, from),
				    .to = evidence_name(ev, to),
				    .phase = evidence_name(ev, "slow")};

	assert_int_equal(evidence_add(ev, EVIDENCE_ASKED, &asked), 0);
	return &ev->asked[ev->asked_count - 1];
}

static void add_probe(struct evidence *ev, const char *name, const char *from,
		      enum sampled_kind kind)
{
	const struct sampled_probe probe = {.name = evidence_name(ev, name),
					    .targets = 1,
					    .interval = 20 * MS,
					    .timeout = 200 * MS,
					    .from = evidence_name(ev, from),
					    .kind = (uint8_t)kind};

	assert_int_equal(evidence_add(ev, EVIDENCE_PROBE, &probe), 0);
}

/* sent: in ms; took: in ms */
static void answer(struct evidence *ev, const char *probe, const char *target, int sent, int took)
{
	const struct sample sample = {.sent = sent * MS,
				      .took = took * MS,
				      .probe = evidence_name(ev, probe),
				      .target = evidence_name(ev, target)};

	assert_int_equal(evidence_add(ev, EVIDENCE_SAMPLE, &sample), 0);
}

static struct asked_rows make(const struct evidence *ev, void *root)
{
	struct asked_rows rows;

	assert_int_equal(asked_make(ev, root, &rows), 0);
	return rows;
}

/* Both directions add up; answers from either end, within the time, of the kernel. */
static void test_trips(void **state)
{
	struct evidence ev = {0};
	void *root = arena_new(1);
	struct asked_rows rows;

	(void)state;
	ask(&ev, 1, "a", "b")->delay = 30 * MS;
	ask(&ev, 1, "b", "a")->delay = 10 * MS;
	add_probe(&ev, "ping", "a", SAMPLED_PING);
	add_probe(&ev, "port", "b", SAMPLED_TCP);
	add_probe(&ev, "api", "a", SAMPLED_HTTP);
	answer(&ev, "ping", "b", 1100, 41);
	answer(&ev, "port", "a", 1200, 43);
	answer(&ev, "ping", "b", 1300, 50);
	answer(&ev, "ping", "b", 900, 1);   /* before */
	answer(&ev, "ping", "b", 1990, 30); /* answered after it */
	answer(&ev, "ping", "c", 1400, 1);  /* to another */
	answer(&ev, "api", "b", 1500, 99);  /* of a program */
	rows = make(&ev, root);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.list[0]->what, "rtt");
	assert_string_equal(rows.list[0]->from, "a");
	assert_string_equal(rows.list[0]->to, "b");
	assert_string_equal(rows.list[0]->phase, "slow");
	assert_string_equal(rows.list[0]->asked_shows, "40.0 ms");
	assert_int_equal(rows.list[0]->count, 3);
	assert_string_equal(rows.list[0]->shows, "43.0 ms (41.0 ms .. 50.0 ms)");
	assert_true(rows.list[0]->measured && !rows.list[0]->differs);
	arena_free(root);
	evidence_done(&ev);
}

static void test_unmeasured_trips(void **state)
{
	struct evidence ev = {0};
	void *root = arena_new(1);
	struct asked *asked;
	struct asked_rows rows;

	(void)state;
	ask(&ev, 1, "a", "b")->delay = 30 * MS;
	asked = ask(&ev, 1, "b", "a");
	asked->jitter = 3 * MS;
	/* Nothing came back from c: what is asked of that direction is unknown. */
	ask(&ev, 1, "a", "c")->delay = 30 * MS;
	rows = make(&ev, root);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.list[0]->asked_shows, "30.0 ms, sd 3.00 ms");
	assert_false(rows.list[0]->measured);
	assert_string_equal(rows.list[0]->shows, "");
	assert_string_equal(rows.list[0]->why,
			    "no ping and no probe of a port between the two was answered");
	arena_free(root);
	evidence_done(&ev);
}

/* Repetitions with the same request add up; another request is another row. */
static void test_losses(void **state)
{
	struct evidence ev = {0};
	void *root = arena_new(1);
	struct asked_rows rows;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct asked *asked = ask(&ev, i, "a", "b");

		asked->loss = 0.05;
		asked->packets = 470;
		asked->queued = 5;
		asked->lost = 25;
	}
	ask(&ev, 2, "a", "b")->loss = 0.3;
	ev.asked[2].packets = 1000;
	ev.asked[2].lost = 100;
	ask(&ev, 3, "b", "a")->loss = 0.05;
	ev.asked[3].packets = 29;
	ask(&ev, 4, "c", "a")->loss = 0.05;
	ev.asked[4].packets = 2000;
	ev.asked[4].uncounted = true;
	rows = make(&ev, root);
	assert_int_equal(rows.count, 4);
	assert_int_equal(rows.list[0]->count, 1000);
	assert_true(rows.list[0]->measured && !rows.list[0]->differs);
	assert_string_equal(rows.list[0]->shows, "5 % (3.18 .. 7.79)");
	assert_true(rows.list[1]->differs);
	assert_string_equal(rows.list[1]->asked_shows, "30 %");
	assert_false(rows.list[2]->measured);
	assert_string_equal(rows.list[2]->why, "only 29 packets came");
	assert_false(rows.list[3]->measured);
	assert_string_equal(rows.list[3]->why,
			    "netem does it, and does not count it for each pair");
	arena_free(root);
	evidence_done(&ev);
}

/* Losses in bursts say less than independent ones: 20 % of 1,000 may still be the 10 % asked. */
static void test_bursts(void **state)
{
	struct evidence ev = {0};
	void *root = arena_new(1);
	struct asked_rows rows;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct asked *asked = ask(&ev, i, "a", i ? "c" : "b");

		asked->loss = 0.1;
		asked->packets = 800;
		asked->lost = 200;
		asked->bursts = i ? 40 : 1;
	}
	rows = make(&ev, root);
	assert_int_equal(rows.count, 2);
	assert_true(rows.list[0]->differs);
	assert_false(rows.list[1]->differs);
	arena_free(root);
	evidence_done(&ev);
}

static void test_rates(void **state)
{
	struct evidence ev = {0};
	void *root = arena_new(1);
	struct asked_rows rows;

	(void)state;
	ask(&ev, 1, "a", "b")->rate = 10000000;
	ev.asked[0].bytes = 1200000;
	ask(&ev, 1, "b", "a")->rate = 10000000;
	ev.asked[1].bytes = 1000;
	ask(&ev, 1, "c", "a")->rate = 10000000;
	ev.asked[2].bytes = 1200000;
	ev.asked[2].state = ASKED_MIXED;
	rows = make(&ev, root);
	assert_int_equal(rows.count, 3);
	assert_string_equal(rows.list[0]->asked_shows, "10mbit");
	assert_string_equal(rows.list[0]->shows, "9.6mbit");
	assert_false(rows.list[1]->measured);
	assert_string_equal(rows.list[1]->why, "only 0.008mbit were sent between the two");
	assert_string_equal(rows.list[2]->why, "it differs between the interfaces");
	arena_free(root);
	evidence_done(&ev);
}

/* A class has rows of its own; the list is bounded. */
static void test_many(void **state)
{
	struct evidence ev = {0};
	void *root = arena_new(1);
	struct asked_rows rows;

	(void)state;
	for (int i = 0; i < ASKED_ROWS; i++) {
		struct asked *asked = ask(&ev, i, "a", "b");

		asked->loss = 0.001 * (i + 1);
		asked->packets = 100;
		asked->class = i ? evidence_name(&ev, "etcd") : 0;
	}
	ask(&ev, 400, "a", "c")->corrupt = 0.01;
	rows = make(&ev, root);
	assert_int_equal(rows.count, ASKED_ROWS);
	assert_int_equal(rows.left_out, 1);
	assert_string_equal(rows.list[0]->class, "");
	assert_string_equal(rows.list[1]->class, "etcd");
	arena_free(root);
	evidence_done(&ev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trips),  cmocka_unit_test(test_unmeasured_trips),
		cmocka_unit_test(test_losses), cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_rates),  cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
