// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions to parameters of netem and tbf, and back. Expected values are computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "netsim/config/profile.h"
#include "netsim/shape/netem_params.h"
#include "netsim/util/auto.h"

#define ORDER 12500000000 /* the rate that only keeps the order */

/* Converts a row's conditions, given as both directions of a node's link. */
static struct profile *load(const char *text, struct conditions *ret)
{
	struct link_conditions conditions;
	struct netsim_diags diags = {0};
	struct profile *profile = NULL;
	struct netsim_err err = {0};
	char yaml[512];

	snprintf(yaml, sizeof(yaml), "default: {%s}\n", text);
	if (profile_parse("p.yaml", yaml, strlen(yaml), &profile, &diags) < 0)
		fail_msg("%s: %s", text, diags.list[0].what);
	if (profile_resolve(profile, "n", NULL, 0, &conditions, &err) < 0)
		fail_msg("%s: %s", text, err.what);
	*ret = conditions.down;
	return profile;
}

static struct netem_params shape_of(const char *text, struct dist_tables *tables)
{
	struct conditions conditions;
	struct profile *profile = load(text, &conditions);
	struct netem_params shape = {0};

	assert_int_equal(netem_params_make(&conditions, tables, &shape, NULL), 0);
	profile_free(profile);
	return shape;
}

static void compare(const char *row, const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		fail_msg("%s: %s is %llu, not %llu", row, what, (unsigned long long)got,
			 (unsigned long long)want);
}

static void compare_netem(const char *row, const struct netem *got, const struct netem *want)
{
#define COMPARE(field) compare(row, #field, (uint64_t)got->field, (uint64_t)want->field)
	COMPARE(delay);
	COMPARE(jitter);
	COMPARE(limit);
	COMPARE(duplicate);
	COMPARE(corrupt);
	COMPARE(reorder);
	COMPARE(rate);
	COMPARE(overhead.bytes);
	COMPARE(overhead.atm);
	COMPARE(loss_model);
	COMPARE(loss);
	COMPARE(p);
	COMPARE(r);
	COMPARE(bad);
	COMPARE(good);
	COMPARE(p13);
	COMPARE(p31);
	COMPARE(p32);
	COMPARE(p23);
	COMPARE(p14);
	COMPARE(slot_min);
	COMPARE(slot_max);
	COMPARE(slot_packets);
	COMPARE(slot_bytes);
	COMPARE(has_seed);
	COMPARE(seed);
#undef COMPARE
}

struct row {
	const char *text;
	struct netem netem;
	struct tbf tbf; /* rate 0: none */
};

static void check_rows(const struct row *rows, size_t count)
{
	struct dist_tables tables = {0};

	for (size_t i = 0; i < count; i++) {
		struct netem_params got = shape_of(rows[i].text, &tables);

		compare_netem(rows[i].text, &got.netem, &rows[i].netem);
		compare(rows[i].text, "has_tbf", got.has_tbf, rows[i].tbf.rate != 0);
		compare(rows[i].text, "tbf.rate", got.tbf.rate, rows[i].tbf.rate);
		compare(rows[i].text, "tbf.burst", got.tbf.burst, rows[i].tbf.burst);
		compare(rows[i].text, "tbf.limit", got.tbf.limit, rows[i].tbf.limit);
		compare(rows[i].text, "tbf.peak", got.tbf.peak, rows[i].tbf.peak);
		compare(rows[i].text, "tbf.peak_burst", got.tbf.peak_burst, rows[i].tbf.peak_burst);
		compare(rows[i].text, "tbf.overhead", got.tbf.overhead.bytes,
			rows[i].tbf.overhead.bytes);
		compare(rows[i].text, "tbf.atm", got.tbf.overhead.atm, rows[i].tbf.overhead.atm);
	}
	dist_tables_done(&tables);
}

/*
 * The limit. With a rate: packets in flight (delay + 4 x jitter) as frames of 256 bytes, and
 * the queue as frames of 1514. Without: a million packets/s in flight, and 10,000 more.
 */
static void test_rate_and_delay(void **state)
{
	static const struct row rows[] = {
		/* 31,250 bytes in flight: 122; queue at least 100 frames */
		{"rate: 10mbit, delay: 25ms", {25000000, .rate = 1250000, .limit = 222}},
		{"rate: 10mbit, rtt: 50ms", {25000000, .rate = 1250000, .limit = 222}},
		{"rate: 10mbit", {.rate = 1250000, .limit = 100}},
		{"rate: 8bit", {.rate = 1, .limit = 100}},
		/* 12.5 MB in flight: 48,828; queue twice that: 16,512 */
		{"rate: 1gbit, delay: 100ms", {100000000, .rate = 125000000, .limit = 65340}},
		{"rate: 40gbit", {.rate = 5000000000, .limit = 100}},
		{"rate: 1tbit, delay: 1h",
		 {3600000000000, .rate = 125000000000, .limit = INT32_MAX}},
		{"delay: 50ms", {50000000, .limit = 60000}},
		{"rtt: 5ms", {2500000, .limit = 12500}},
		{"delay: 1ns", {1, .limit = 10000}},
		{"delay: 0s", {.limit = 10000}},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_queue(void **state)
{
	static const struct row rows[] = {
		/* 122 in flight, and 6,250, 3,028, 100 bytes; 30 packets */
		{"rate: 10mbit, delay: 25ms, queue: 5ms",
		 {25000000, .rate = 1250000, .limit = 126}},
		{"rate: 10mbit, delay: 25ms, queue: 3028B",
		 {25000000, .rate = 1250000, .limit = 124}},
		{"rate: 10mbit, delay: 25ms, queue: 100B",
		 {25000000, .rate = 1250000, .limit = 123}},
		{"rate: 10mbit, delay: 25ms, queue: 30 packets",
		 {25000000, .rate = 1250000, .limit = 152}},
		{"delay: 10ms, queue: 30 packets", {10000000, .limit = 10030}},
		/* 40 ms: 50,000 bytes of ATM, 43,288 of frames, which are 28 full ones */
		{"rate: 10mbit, queue: 40ms, overhead: 40B atm",
		 {.rate = 1250000, .overhead = {40, true}, .limit = 28}},
		{"rate: 10mbit, overhead: 100B",
		 {.rate = 1250000, .overhead = {100}, .limit = 100}},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

/* A rate makes netem keep the order; with reordering allowed, tbf sets the rate instead. */
static void test_jitter(void **state)
{
	static const struct row rows[] = {
		/* in flight: 25 + 4 x 5 ms */
		{"rate: 10mbit, delay: 25ms, jitter: 5ms",
		 {25000000, 5000000, .rate = 1250000, .limit = 319}},
		{"delay: 50ms, jitter: 10ms", {50000000, 10000000, .rate = ORDER, .limit = 100000}},
		{"delay: 50ms, jitter: 10ms, reorder: forbidden",
		 {50000000, 10000000, .rate = ORDER, .limit = 100000}},
		{"delay: 50ms, jitter: 0s", {50000000, .limit = 60000}},
		{"delay: 50ms, jitter: 10ms, reorder: allowed",
		 {50000000, 10000000, .limit = 100000}},
		{"delay: 50ms, reorder: allowed", {50000000, .limit = 60000}},
		{"rate: 10mbit, delay: 20ms, jitter: 5ms, reorder: allowed",
		 {20000000, 5000000, .limit = 50000},
		 {1250000, 15140, 151400}},
		{"rate: 1gbit, delay: 20ms, jitter: 5ms, reorder: allowed",
		 {20000000, 5000000, .limit = 50000},
		 {125000000, 1250000, 5000000}},
		{"rate: 10mbit, delay: 10ms, reorder: 25%",
		 {10000000, .rate = 1250000, .reorder = 1073741824, .limit = 148}},
		{"delay: 10ms, reorder: 100%", {10000000, .reorder = UINT32_MAX, .limit = 20000}},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_burst(void **state)
{
	static const struct row rows[] = {
		{"rate: 10mbit, burst: 64kB", {.limit = 10000}, {1250000, 64000, 151400}},
		/* its bucket holds a frame with two tags, and 0.25 ms of the peak */
		{"rate: 10mbit, burst: 64kB, peak: 50mbit",
		 {.limit = 10000},
		 {1250000, 64000, 151400, .peak = 6250000, .peak_burst = 1514 + 8 + 1562}},
		{"rate: 10mbit, burst: 1MB, peak: 100gbit",
		 {.limit = 10000},
		 {1250000, 1000000, 1000000, .peak = 12500000000, .peak_burst = 1522 + 3125000}},
		{"rate: 10mbit, burst: 1MB, peak: 20mbit, queue: 10ms",
		 {.limit = 10000},
		 {1250000, 1000000, 12500, .peak = 2500000, .peak_burst = 1522 + 625}},
		{"rate: 10mbit, burst: 64kB, overhead: 40B",
		 {.limit = 10000},
		 {1250000, 64000, 151400, {40, false}}},
		{"rate: 10mbit, burst: 100B", {.limit = 10000}, {1250000, 1514, 151400}},
		{"rate: 100mbit, burst: 64kB, delay: 1s",
		 {1000000000, .limit = 1010000},
		 {12500000, 64000, 25000000}},
		{"rate: 10mbit, burst: 64kB, queue: 100ms",
		 {.limit = 10000},
		 {1250000, 64000, 125000}},
		{"rate: 10mbit, burst: 64kB, queue: 20 packets",
		 {.limit = 10000},
		 {1250000, 64000, 30280}},
		{"rate: 10mbit, burst: 64kB, queue: 1B", {.limit = 10000}, {1250000, 64000, 1514}},
		{"rate: 10mbit, burst: 64kB, delay: 10ms, jitter: 1ms",
		 {10000000, 1000000, .rate = ORDER, .limit = 24000},
		 {1250000, 64000, 151400}},
		{"rate: 100gbit, burst: 64GB", {.limit = 10000}, {12500000000, INT32_MAX, 151400}},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_faults(void **state)
{
	static const struct row rows[] = {
		{"loss: 1%", {.loss = 42949673, .limit = 10000}},
		{"loss: 100%", {.loss = UINT32_MAX, .limit = 10000}},
		{"loss: 0%", {.limit = 10000}},
		{"loss: {model: random, ratio: 50%}", {.loss = 2147483648, .limit = 10000}},
		{"loss: {model: gilbert-elliott, p: 1%, r: 10%}",
		 {.loss_model = LOSS_GILBERT_ELLIOTT,
		  .p = 42949673,
		  .r = 429496730,
		  .bad = UINT32_MAX,
		  .limit = 10000}},
		{"loss: {model: gilbert-elliott, p: 1%, r: 10%, bad: 50%, good: 100%}",
		 {.loss_model = LOSS_GILBERT_ELLIOTT,
		  .p = 42949673,
		  .r = 429496730,
		  .bad = 2147483648,
		  .good = UINT32_MAX,
		  .limit = 10000}},
		{"loss: {model: 4-state, p13: 1%, p31: 10%, p32: 50%, p23: 25%, p14: 99%}",
		 {.loss_model = LOSS_4STATE,
		  .p13 = 42949673,
		  .p31 = 429496730,
		  .p32 = 2147483648,
		  .p23 = 1073741824,
		  .p14 = 4252017622,
		  .limit = 10000}},
		{"duplicate: 1%", {.duplicate = 42949673, .limit = 10000}},
		{"corrupt: 1%", {.corrupt = 42949673, .limit = 10000}},
		{"slot: 5ms", {.slot_min = 5000000, .slot_max = 5000000, .limit = 10000}},
		{"slot: {min: 2ms, max: 10ms, packets: 32, bytes: 64KiB}",
		 {.slot_min = 2000000,
		  .slot_max = 10000000,
		  .slot_packets = 32,
		  .slot_bytes = 65536,
		  .limit = 10000}},
		{"loss: 1%, seed: 18446744073709551615",
		 {.loss = 42949673, .has_seed = true, .seed = UINT64_MAX, .limit = 10000}},
	};

	(void)state;
	check_rows(rows, ARRAY_SIZE(rows));
}

static void test_places(void **state)
{
	struct dist_tables tables = {0};
	struct conditions conditions;
	struct netem_params shape;
	struct profile *profile = load("delay: 5ms, rate: 1mbit, seed: 7", &conditions);

	(void)state;
	assert_int_equal(netem_params_make(&conditions, &tables, &shape, NULL), 0);
	assert_ptr_equal(shape.at, &conditions.at[COND_RATE]);
	assert_int_equal(shape.seed_at->column, 42);
	profile_free(profile);
	conditions = (struct conditions) {0};
	assert_int_equal(netem_params_make(&conditions, &tables, &shape, NULL), 0);
	assert_null(shape.at);
	assert_null(shape.seed_at);
}

/* Distribution tables: mean 0, standard deviation one jitter. */
static void test_distributions(void **state)
{
	static const struct {
		const char *text;
		enum distribution kind;
		double deviation;
	} rows[] = {
		/* uniform: from -jitter to +jitter */
		{"delay: 50ms, jitter: 10ms", DIST_UNIFORM, 0.57735},
		{"delay: 50ms, jitter: 10ms, distribution: uniform", DIST_UNIFORM, 0.57735},
		{"delay: 50ms, jitter: 10ms, distribution: normal", DIST_NORMAL, 1},
		{"delay: 50ms, jitter: 10ms, distribution: pareto", DIST_PARETO, 1},
		{"delay: 50ms, jitter: 10ms, distribution: paretonormal", DIST_PARETONORMAL, 1},
	};
	struct dist_tables tables = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netem_params shape = shape_of(rows[i].text, &tables);
		double sum = 0, squares = 0;

		assert_int_equal(shape.netem.table_len, DIST_ENTRIES);
		for (size_t e = 0; e < DIST_ENTRIES; e++) {
			double value = shape.netem.table[e] / 8192.0;

			sum += value;
			squares += value * value;
			assert_true(rows[i].kind != DIST_UNIFORM || fabs(value) <= 1);
		}
		sum /= DIST_ENTRIES;
		squares = sqrt(squares / DIST_ENTRIES - sum * sum);
		if (fabs(sum) > 0.001 || fabs(squares - rows[i].deviation) > 0.002)
			fail_msg("%s: mean %f deviation %f", rows[i].text, sum, squares);
		/* computed once for all targets */
		assert_ptr_equal(shape.netem.table, tables.of[rows[i].kind]);
		assert_ptr_equal(shape_of(rows[i].text, &tables).netem.table, shape.netem.table);
	}
	assert_null(shape_of("delay: 5ms, distribution: normal", &tables).netem.table);
	dist_tables_done(&tables);
	assert_null(tables.of[DIST_NORMAL]);
}

static void test_distribution_file(void **state)
{
	static const int16_t table[] = {-8192, 0, 8192};
	struct conditions conditions = {
		.has = 1U << COND_DELAY | 1U << COND_JITTER | 1U << COND_DISTRIBUTION,
		.delay = {1000000},
		.jitter = {1000},
		.distribution = DIST_FILE,
		.table = table,
		.table_len = 3,
	};
	struct dist_tables tables = {0};
	struct netem_params shape;

	(void)state;
	assert_int_equal(netem_params_make(&conditions, &tables, &shape, NULL), 0);
	assert_ptr_equal(shape.netem.table, table);
	assert_int_equal(shape.netem.table_len, 3);
	dist_tables_done(&tables);
}

static void test_idle(void **state)
{
	static const struct {
		const char *text;
		bool idle;
	} rows[] = {
		{"", true},
		{"delay: 0s", true},
		{"loss: 0%", true},
		{"seed: 5", true},
		{"delay: 0s, jitter: 0s", true},
		{"delay: 1ns", false},
		{"rate: 40gbit", false},
		{"loss: 0.0000001%", false},
		{"loss: {model: gilbert-elliott, p: 1%, r: 1%}", false},
		{"duplicate: 1%", false},
		{"corrupt: 1%", false},
		{"slot: 1ms", false},
	};
	struct dist_tables tables = {0};
	struct netem idle = NETEM_IDLE;

	(void)state;
	assert_true(netem_params_are_idle(&idle));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netem_params shape = shape_of(rows[i].text, &tables);

		compare(rows[i].text, "idle", netem_params_are_idle(&shape.netem), rows[i].idle);
		assert_true(shape.netem.limit >= 1);
	}
	compare_netem("nothing", &(struct netem) {.limit = 1000}, &idle);
}

/* The kernel's parameters as conditions; text NULL: the same as the request. */
static void test_read(void **state)
{
	static const struct {
		const char *asked, *text;
	} rows[] = {
		{"", "none"},
		{"delay: 0s", "none"},
		{"rate: 10mbit, delay: 25ms", NULL},
		{"rate: 10mbit, delay: 25ms, jitter: 5ms", NULL},
		{"delay: 25ms, jitter: 5ms", NULL},
		{"rate: 12345672bit", NULL},
		{"rate: 40gbit, delay: 1h", NULL},
		{"rate: 10mbit, burst: 64kB, delay: 3ms", NULL},
		{"rate: 10mbit, burst: 64kB, peak: 50mbit, overhead: 4B", NULL},
		{"delay: 3ms, reorder: 25%", NULL},
		{"loss: 0.0000001%", NULL},
		{"loss: 33.3333333%, duplicate: 1%, corrupt: 99.9999999%", NULL},
		{"loss: {model: gilbert-elliott, p: 1%, r: 10%, bad: 50%, good: 0.1%}", NULL},
		{"loss: {model: 4-state, p13: 1%, p31: 10%, p32: 5%, p23: 2%, p14: 3%}", NULL},
		{"slot: {min: 2ms, max: 10ms, packets: 32, bytes: 64KiB}", NULL},
		{"loss: 1%, seed: 5", NULL},
		{"seed: 5", "none"},
		/* not reported by the kernel */
		{"rate: 10mbit, queue: 30 packets", "10mbit"},
		{"delay: 25ms, jitter: 5ms, distribution: normal", "delay 25ms jitter 5ms"},
		{"delay: 25ms, jitter: 5ms, reorder: allowed", "delay 25ms jitter 5ms"},
	};
	struct dist_tables tables = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conditions asked, read;
		struct profile *profile = load(rows[i].asked, &asked);
		struct netem_params shape;
		char want[256], got[256];

		assert_int_equal(netem_params_make(&asked, &tables, &shape, NULL), 0);
		netem_params_read(&shape.netem, shape.has_tbf ? &shape.tbf : NULL, &read);
		conditions_format(&asked, want, sizeof(want));
		conditions_format(&read, got, sizeof(got));
		assert_string_equal(got, rows[i].text ? rows[i].text : want);
		profile_free(profile);
	}
	dist_tables_done(&tables);
}

/* An idle tbf left by an earlier burst is ignored. */
static void test_read_idle_tbf(void **state)
{
	struct netem netem = {.limit = 222, .delay = 5, .rate = 1250000};
	struct conditions read;

	(void)state;
	netem_params_read(&netem, &TBF_IDLE, &read);
	assert_int_equal(read.has, 1U << COND_RATE | 1U << COND_DELAY);
	assert_int_equal(read.rate.bps, 10000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_and_delay), cmocka_unit_test(test_queue),
		cmocka_unit_test(test_jitter),	       cmocka_unit_test(test_burst),
		cmocka_unit_test(test_faults),	       cmocka_unit_test(test_places),
		cmocka_unit_test(test_distributions),  cmocka_unit_test(test_distribution_file),
		cmocka_unit_test(test_idle),	       cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_idle_tbf),
	};

	return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
