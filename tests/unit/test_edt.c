// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions for the eBPF programs: compiling, merging, finishing, converting back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "netsim/config/trace.h"
#include "netsim/kernel/qdisc.h"
#include "tests/unit/fleet.h"

#define MS 1000000ULL

static struct port_control control;
static struct policy policy = {.control = &control};

static struct edt_compiler *new_compiler(void)
{
	struct edt_compiler *compiler = calloc(1, sizeof(*compiler));

	assert_non_null(compiler);
	compiler->policy = &policy;
	compiler->now = 12345;
	compiler->seed = 99;
	return compiler;
}

static struct port_conditions compile(const char *text)
{
	auto_free struct edt_compiler *compiler = new_compiler();
	struct port_conditions ret;
	struct netsim_err err = {0};
	struct conditions c;

	if (conditions_parse(text, &c, &err) < 0 || edt_compile(&c, compiler, &ret, &err) < 0)
		fail_msg("%s: %s", text, err.what);
	return ret;
}

static void expect_text(const struct port_conditions *c, const char *want)
{
	struct conditions shown;
	char text[256];

	edt_read(c, &shown);
	conditions_format(&shown, text, sizeof(text));
	assert_string_equal(text, want);
}

/* Conditions survive compiling and converting back. */
static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		"none",
		"100mbit",
		"8mbit burst 10kB queue 50ms delay 2.5ms",
		"1gbit queue 100 packets",
		"1gbit queue 1MB",
		"1mbit overhead 40B",
		"1mbit burst 10kB overhead 0B atm",
		"1mbit burst 10kB peak 5mbit overhead 40B",
		"delay 10ms jitter 2ms distribution normal reorder allowed",
		"delay 10ms jitter 2ms distribution paretonormal",
		"delay 10ms reorder 25%",
		"loss 5%",
		"loss 0.01% duplicate 1% corrupt 0.5% seed 7",
		"loss gilbert-elliott p 1% r 25%",
		"loss gilbert-elliott p 1% r 25% bad 90% good 2%",
		"loss 4-state p13 1% p31 20% p32 30% p23 40% p14 5%",
		"slot 10ms..20ms 5 packets 10kB",
		"larger 1001B",
		"loss 5% hold",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct port_conditions c = compile(texts[i]);
		struct netsim_err err = {0};
		struct conditions asked;
		char text[256];

		assert_int_equal(conditions_parse(texts[i], &asked, &err), 0);
		conditions_format(&asked, text, sizeof(text));
		edt_finish(&c);
		expect_text(&c, text);
	}
}

static void test_compile(void **state)
{
	struct port_conditions c = compile("8mbit burst 10kB delay 10ms loss 50% seed 7");

	(void)state;
	assert_int_equal(c.rate, 1000000);
	assert_int_equal(c.delay, 10 * MS);
	assert_int_equal(c.asked_burst, 10000);
	assert_in_range(c.loss[0], 0x7fffffff, 0x80000000);
	assert_int_equal(c.seed, 7);
	assert_int_equal(c.has, PORT_HAS_RATE | PORT_HAS_BURST | PORT_HAS_DELAY | PORT_HAS_LOSS |
					PORT_HAS_SEED);
	assert_int_equal(compile("loss 100%").loss[0], 0xffffffff);
	assert_int_equal(compile("loss 1%").seed, 99);
	c = compile("loss 4-state p13 1% p31 2% p32 3% p23 4% p14 5%");
	assert_int_equal(c.loss_model, PORT_LOSS_4STATE);
	for (int i = 1; i < 5; i++)
		assert_true(c.loss[i] > c.loss[0]);
	assert_int_equal(compile("delay 1ms jitter 1ms distribution pareto").table, DIST_PARETO);
}

/* The longest queueing delay. */
static void test_queue(void **state)
{
	static const struct {
		const char *text;
		uint64_t queue;
	} rows[] = {
		{"8mbit", 151400000}, /* a hundred frames */
		{"8mbit delay 50ms", 151400000},
		{"8mbit delay 100ms", 200 * MS}, /* twice the delay */
		{"80mbit delay 100ms", 200 * MS},
		{"8mbit delay 100ms queue 5ms", 5 * MS},
		{"8mbit queue 10kB", 10 * MS},
		{"8mbit queue 10 packets", 15140000},
		/* 1554 bytes, and 33 cells */
		{"8mbit queue 10 packets overhead 40B", 15540000},
		{"8mbit queue 10 packets overhead 40B atm", 17490000},
		{"8mbit queue 5ms overhead 40B", 5 * MS},
		/* a burst that waits for its peak fits */
		{"8mbit burst 10kB peak 16mbit", 151400000},
		{"8mbit burst 1MB peak 16mbit", 1000 * MS},
		{"8mbit burst 1MB peak 16mbit queue 20ms", 20 * MS},
		{"queue 5ms", 5 * MS},
		{"delay 5ms", 300 * MS}, /* for a trace that has rates */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_conditions c = compile(rows[i].text);

		edt_finish(&c);
		if (c.queue != rows[i].queue)
			fail_msg("%s: a queue of %llu ns", rows[i].text,
				 (unsigned long long)c.queue);
	}
}

static void test_finish(void **state)
{
	struct port_conditions c = compile("8mbit burst 10kB");

	(void)state;
	edt_finish(&c);
	assert_int_equal(c.burst, 10 * MS);
	/* a burst without a rate and jitter without a delay are dropped */
	c = compile("8mbit burst 10kB delay 1ms jitter 1ms");
	c.has &= ~(unsigned)(PORT_HAS_DELAY | PORT_HAS_RATE);
	c.rate = 0;
	edt_finish(&c);
	assert_int_equal(c.burst, 0);
	assert_int_equal(c.jitter, 0);
}

/* The queue has the same bytes at the peak as at the rate; a peak that is none is dropped. */
static void test_peak(void **state)
{
	static const char *const none[] = {"8mbit peak 16mbit", "8mbit burst 10kB peak 8mbit",
					   "burst 10kB peak 8mbit"};
	struct port_conditions c = compile("8mbit burst 10kB peak 32mbit queue 20ms"), more;

	(void)state;
	assert_int_equal(c.peak, 4000000);
	assert_true(edt_has_peak(&c));
	edt_finish(&c);
	assert_int_equal(c.peak_queue, 5 * MS);
	/* a slower rate from a more specific level keeps the peak, a faster one has none */
	more = compile("4mbit");
	edt_merge(&c, &more);
	edt_finish(&c);
	assert_int_equal(c.peak_queue, 2500000);
	more = compile("40mbit");
	edt_merge(&c, &more);
	assert_false(edt_has_peak(&c));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		c = compile(none[i]);
		assert_false(edt_has_peak(&c));
		edt_finish(&c);
		assert_int_equal(c.peak, 0);
		assert_int_equal(c.has & PORT_HAS_PEAK, 0);
	}
}

static void test_holds(void **state)
{
	static const struct {
		const char *text;
		bool delays;
	} rows[] = {{"none", false},
		    {"loss 5%", false},
		    {"duplicate 1% corrupt 1%", false},
		    {"larger 1001B", false},
		    {"delay 1ms", true},
		    {"8mbit", true},
		    {"hold", false},
		    {"slot 1ms..2ms", true},
		    {"delay 0ms", false}};
	struct port_conditions trace = {.has = PORT_HAS_TRACE, .trace_has = PORT_HAS_RATE};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_conditions c = compile(rows[i].text);

		assert_int_equal(edt_delays(&c), rows[i].delays);
	}
	assert_true(edt_delays(&trace));
	trace.trace_has = PORT_HAS_LOSS;
	assert_false(edt_delays(&trace));
}

static void test_merge(void **state)
{
	static const struct {
		const char *less, *more, *sum;
	} rows[] = {
		{"none", "delay 1ms", "delay 1ms"},
		{"delay 1ms", "none", "delay 1ms"},
		{"8mbit delay 1ms loss 5%", "delay 2ms", "8mbit delay 2ms loss 5%"},
		{"8mbit queue 5ms", "16mbit", "16mbit queue 5ms"},
		{"loss gilbert-elliott p 1% r 25%", "loss 5%", "loss 5%"},
		{"loss 5%", "loss 4-state p13 1% p31 20% p32 30% p23 40% p14 5%",
		 "loss 4-state p13 1% p31 20% p32 30% p23 40% p14 5%"},
		{"delay 1ms reorder 5%", "reorder allowed", "delay 1ms reorder allowed"},
		{"slot 1ms..2ms 5 packets", "slot 3ms..4ms", "slot 3ms..4ms"},
		{"seed 5 loss 1%", "corrupt 2%", "loss 1% corrupt 2% seed 5"},
		{"seed 5 loss 1%", "seed 6", "loss 1% seed 6"},
		{"delay 5ms jitter 1ms distribution normal", "distribution pareto",
		 "delay 5ms jitter 1ms distribution pareto"},
		{"duplicate 1%", "duplicate 2% corrupt 3%", "duplicate 2% corrupt 3%"},
		{"larger 1001B loss 1%", "larger 999B", "loss 1% larger 999B"},
		{"loss 1%", "hold", "loss 1% hold"},
		{"hold", "delay 1ms", "delay 1ms hold"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_conditions sum = compile(rows[i].less), more = compile(rows[i].more);
		struct port_conditions want = compile(rows[i].sum);
		struct conditions shown;
		char text[256];

		edt_merge(&sum, &more);
		edt_read(&want, &shown);
		conditions_format(&shown, text, sizeof(text));
		expect_text(&sum, text);
	}
}

/* --- traces, tables */

static struct trace *load_trace(const char *text)
{
	struct netsim_diags diags = {0};
	struct trace *trace = NULL;

	if (trace_parse("t.trace", text, strlen(text), &trace, &diags) < 0)
		fail_msg("%s: %s", text, diags.list[0].what);
	return trace;
}

static void test_trace(void **state)
{
	struct trace *one = load_trace("time rate delay loss\n0s 8mbit 1ms 0%\n1s 0 2ms 50%\n"
				       "2s 0 2ms 0%\n3s 16mbit 1ms 0%\n4s 0 1ms 0%\n5s\n");
	struct trace *two = load_trace("time delay\n0s 7ms\n10s\n");
	struct conditions c = {.has = 1U << COND_TRACE, .trace = one, .trace_has = one->has};
	auto_free struct edt_compiler *compiler = new_compiler();
	struct port_conditions a, b, again;
	struct policy_base base = {0};

	(void)state;
	assert_int_equal(edt_compile(&c, compiler, &a, NULL), 0);
	c.trace = two;
	c.trace_has = two->has;
	assert_int_equal(edt_compile(&c, compiler, &b, NULL), 0);
	c.trace = one;
	c.trace_has = one->has;
	assert_int_equal(edt_compile(&c, compiler, &again, NULL), 0);
	assert_int_equal(a.trace_first, 0);
	assert_int_equal(a.trace_count, 5);
	assert_int_equal(a.trace_length, 5 * SECOND);
	assert_int_equal(a.trace_start, 12345);
	assert_int_equal(a.trace_has, PORT_HAS_RATE | PORT_HAS_DELAY | PORT_HAS_LOSS);
	assert_int_equal(b.trace_first, 5);
	assert_int_equal(b.trace_count, 1);
	assert_int_equal(b.trace_has, PORT_HAS_DELAY);
	assert_int_equal(again.trace_first, 0);
	assert_int_equal(edt_copy_tables(compiler, &base, NULL), 0);
	assert_int_equal(base.row_count, 6);
	assert_int_equal(base.rows[0].rate, 1000000);
	assert_int_equal(base.rows[1].at, SECOND);
	assert_in_range(base.rows[1].loss, 0x7fffffff, 0x80000000);
	assert_int_equal(base.rows[1].resumes, 3);
	assert_int_equal(base.rows[2].resumes, 3);
	assert_int_equal(base.rows[4].resumes, 0);
	assert_int_equal(base.rows[5].delay, 7 * MS);
	free(base.rows);
	free(base.tables);
	trace_free(one);
	trace_free(two);
}

/* Plain conditions beside or above a trace override it; a trace above them replaces them. */
static void test_trace_and_plain(void **state)
{
	struct port_conditions trace = {.has = PORT_HAS_TRACE,
					.trace_has = PORT_HAS_RATE | PORT_HAS_DELAY,
					.trace_count = 1};
	struct port_conditions c = trace, plain = compile("delay 5ms loss 1%");

	(void)state;
	edt_merge(&c, &plain);
	edt_finish(&c);
	assert_int_equal(c.trace_has, PORT_HAS_RATE);
	assert_int_equal(c.delay, 5 * MS);
	assert_int_equal(c.queue, 300 * MS);
	c = plain;
	edt_merge(&c, &trace);
	edt_finish(&c);
	assert_int_equal(c.trace_has, PORT_HAS_RATE | PORT_HAS_DELAY);
	assert_int_equal(c.has, PORT_HAS_TRACE | PORT_HAS_LOSS);
	/* plain conditions above that trace */
	edt_merge(&c, &plain);
	edt_finish(&c);
	assert_int_equal(c.trace_has, PORT_HAS_RATE);
	/* merging a trace into finished conditions takes all of its columns */
	edt_merge(&c, &trace);
	edt_finish(&c);
	assert_int_equal(c.trace_has, PORT_HAS_RATE | PORT_HAS_DELAY);
	/* jitter may vary the delay of a trace */
	c = compile("delay 1ms jitter 3ms");
	edt_merge(&c, &trace);
	edt_finish(&c);
	assert_int_equal(c.jitter, 3 * MS);
}

static void test_tables(void **state)
{
	static int16_t tables[POLICY_FILE_TABLES + 1][64];
	auto_free struct edt_compiler *compiler = new_compiler();
	struct policy_base base = {0};
	struct port_conditions first, ret;
	struct netsim_err err = {0};
	struct conditions c = {.has = 1U << COND_DISTRIBUTION, .distribution = DIST_FILE};

	(void)state;
	for (int i = 0; i <= POLICY_FILE_TABLES; i++) {
		for (int j = 0; j < 64; j++)
			tables[i][j] = (int16_t)(i * 64 + j);
		c.table = tables[i];
		c.table_len = 64;
		if (i == POLICY_FILE_TABLES)
			break;
		assert_int_equal(edt_compile(&c, compiler, &ret, &err), 0);
		first = i ? first : ret;
		assert_int_equal(ret.table, policy_table(&policy, (size_t)i));
		assert_true(ret.table >= DIST_FILE && ret.table < PORT_TABLES);
	}
	assert_int_equal(edt_compile(&c, compiler, &ret, &err), -ENOSPC);
	assert_int_equal(err.kind, NETSIM_ERR_INPUT);
	c.table = tables[0];
	assert_int_equal(edt_compile(&c, compiler, &ret, NULL), 0);
	assert_int_equal(ret.table, first.table);
	assert_int_equal(edt_copy_tables(compiler, &base, NULL), 0);
	assert_int_equal(base.table_count, POLICY_FILE_TABLES);
	for (int i = 0; i < PORT_TABLE_ENTRIES; i++)
		assert_int_equal(base.tables[1][i], 64 + i / 64);
	free(base.rows);
	free(base.tables);
	/* the other generation uses other tables */
	control.slot[0].base = 1;
	assert_true(policy_table(&policy, POLICY_FILE_TABLES - 1) < first.table);
	control.slot[0].base = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_compile),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_and_plain),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests_name("edt", tests, NULL, NULL);
}
