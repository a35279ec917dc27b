// SPDX-License-Identifier: GPL-2.0-or-later
/* The effect of conditions on a path: hops combined, jitter, TCP; and confidence intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "netsim/verify/tcp.h"
#include "tests/unit/judge.h"

static void test_interval(void **state)
{
	/* By the beta distribution's quantiles; 0 of n by hand: 1 - (alpha / 2)^(1 / n). */
	static const struct {
		double count, n, alpha, low, high;
	} rows[] = {
		{0, 1000, 0.001, 0, 0.0075721},	     {10, 1000, 0.05, 0.0048049, 0.0183136},
		{5, 10, 0.05, 0.1870860, 0.8129140}, {10, 10, 0.05, 0.6915029, 1},
		{0, 10, 0.05, 0, 0.3084971},	     {1, 100, 0.05, 0.0002531, 0.0544594},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double low, high;

		verify_interval(rows[i].count, rows[i].n, rows[i].alpha, &low, &high);
		near_to(low, rows[i].low, 1e-6);
		near_to(high, rows[i].high, 1e-6);
	}
}

static void test_loss_models(void **state)
{
	struct conditions c = {.has = 1U << COND_LOSS};

	(void)state;
	near_to(verify_loss(&(struct conditions) {0}), 0, 0);
	near_to(verify_bursts(&(struct conditions) {0}), 1, 0);
	c.loss = (struct loss) {.model = LOSS_GILBERT_ELLIOTT,
				.p = {10000000},
				.r = {90000000},
				.bad = {RATIO_ONE},
				.good = {0}};
	near_to(verify_loss(&c), 0.1, 1e-9);
	near_to(verify_bursts(&c), 19, 1e-6); /* (1 + 0.9) / (1 - 0.9) */
	/* p13 = p31 = 50 %: half of the time in state 3. */
	c.loss = (struct loss) {.model = LOSS_4STATE, .p13 = {500000000}, .p31 = {500000000}};
	near_to(verify_loss(&c), 0.5, 1e-9);
	/* Only single losses: one in 1 / p14 + 1. */
	c.loss = (struct loss) {.model = LOSS_4STATE, .p14 = {250000000}};
	near_to(verify_loss(&c), 0.2, 1e-9);
}

/* What is damaged is lost, unless a second hop flips the same one of 480 bits. */
static void test_corrupt(void **state)
{
	struct verify_path path = {0};
	struct dist_tables tables = {0};
	struct verify_expect e;

	(void)state;
	path.up = (struct conditions) {.has = 1U << COND_CORRUPT, .corrupt = {RATIO_ONE}};
	assert_int_equal(verify_expect(&path, &tables, &e), 0);
	near_to(e.loss, 1, 0);
	path.down = path.up;
	assert_int_equal(verify_expect(&path, &tables, &e), 0);
	near_to(e.loss, 1 - 1.0 / 480, 1e-9);
	path.up.corrupt.ppb = path.down.corrupt.ppb = RATIO_ONE / 2;
	add_loss(&path.path, RATIO_ONE / 5);
	assert_int_equal(verify_expect(&path, &tables, &e), 0);
	near_to(e.loss, 1 - 0.8 * (0.25 + 0.25 / 480), 1e-9);
}

static void test_combination(void **state)
{
	struct verify_path path = {.up = delay_of(5000000),
				   .path = delay_of(20000000),
				   .down = delay_of(1000000),
				   .up_every = 100,
				   .down_every = 100};
	struct dist_tables tables = {0};
	struct verify_expect e;

	(void)state;
	add_loss(&path.up, 100000000);
	add_loss(&path.path, 200000000);
	add_loss(&path.down, 500000000);
	add_rate(&path.up, 1000000);
	add_rate(&path.down, 8000000);
	assert_int_equal(verify_expect(&path, &tables, &e), 0);
	/* 74 bytes take 0.592 ms at 1 mbit, 0.074 ms at 8. */
	near_to(e.delay, 26 + 0.592 + 0.074, 1e-9);
	near_to(e.loss, 1 - 0.9 * 0.8 * 0.5, 1e-9);
	assert_int_equal(e.rate, 1000000);
	assert_int_equal(e.hops, 3);
	assert_false(e.order_free);
	near_to(e.growth, 0, 0);
	dist_tables_done(&tables);
}

static void test_jitter(void **state)
{
	struct verify_path path = {.up = delay_of(50000000), .up_every = 1000, .down_every = 1000};
	struct dist_tables tables = {0};
	struct verify_expect seldom, often;

	(void)state;
	path.up.has |= 1U << COND_JITTER;
	path.up.jitter.ns = 30000000;
	near_to(verify_jitter(&path.up), 30 / sqrt(3), 1e-9);
	path.down = path.up;
	assert_int_equal(verify_expect(&path, &tables, &seldom), 0);
	/* Variances add up; packets far apart do not delay each other. */
	near_to(seldom.sd, 30 / sqrt(3) * sqrt(2), 0.5);
	near_to(seldom.delay, 100, 1);
	/* Packets in quick succession wait for the slowest one before them. */
	path.up_every = path.down_every = 1;
	assert_int_equal(verify_expect(&path, &tables, &often), 0);
	assert_true(often.growth > 30 && often.sd < seldom.sd / 2);
	path.up.distribution = path.down.distribution = DIST_NORMAL;
	path.up.has |= 1U << COND_DISTRIBUTION;
	near_to(verify_jitter(&path.up), 30, 1e-9);
	dist_tables_done(&tables);
}

static void test_tcp_model(void **state)
{
	struct tcp_path path = {.rate = 10e6, .rtt = 0.1, .queue = 125000};
	struct conditions c = {0};
	struct tcp_rate able;

	(void)state;
	/* 125,000 bytes in flight, as many in the queue: CUBIC keeps 70 % of both. */
	able = verify_tcp_rate(&path);
	near_to(able.possible, 10e6, 1);
	near_to(able.least, 9e6, 1);
	path.queue = 12500;
	near_to(verify_tcp_rate(&path).possible, 7.7e6, 1);
	path.queue = 125000;
	path.window = 62500;
	near_to(verify_tcp_rate(&path).possible, 5e6, 1);
	/* Mathis: 1514 bytes * 1.2247 / (0.1 s * 0.1). */
	path.window = 0;
	path.loss = 0.01;
	able = verify_tcp_rate(&path);
	near_to(able.possible, 1483411, 10);
	near_to(able.least, able.possible / 2, 1);
	add_rate(&c, 8000000);
	near_to(verify_queue(&c), QUEUE_MIN, 0);
	c.has |= 1U << COND_DELAY;
	c.delay.ns = 200000000;
	near_to(verify_queue(&c), 400000, 0);
	c.has |= 1U << COND_QUEUE;
	c.queue = (struct queue) {.unit = QUEUE_TIME, .value = 50000000};
	near_to(verify_queue(&c), 50000, 0);
}

/* A bucket of 1 MB that fills at 10 mbit and leaves at 50: 8 Mbit last 0.2 s, 10 Mbit pass. */
static void test_peak(void **state)
{
	struct verify_path path = {0};
	struct verify_rate r = {.up = true, .own = 50000000, .train = 0.2};
	struct conditions c = {0}, *down = &path.down;
	double seconds;

	(void)state;
	add_rate(&c, 10000000);
	c.has |= 1U << COND_BURST;
	c.burst.bytes = 1000000;
	near_to(verify_dry(&c), 0, 0);
	near_to(verify_burst(&c), 8e6, 1);
	near_to(verify_queue(&c), QUEUE_MIN, 0);
	c.has |= 1U << COND_PEAK;
	c.peak.bps = 50000000;
	near_to(verify_dry(&c), 0.2, 1e-9);
	near_to(verify_burst(&c), 10e6, 1);
	near_to(verify_refill(&c), 0.8, 1e-9);
	near_to(verify_queue(&c), 1000000, 0);
	/* What the other end of a path passes meanwhile. */
	path.up = c;
	assert_true(verify_rest(&path, &r) == UINT64_MAX);
	*down = c;
	assert_true(verify_rest(&path, &r) == 50000000);
	down->burst.bytes = 999999;
	assert_true(verify_rest(&path, &r) == 10000000);
	down->has &= ~(1U << COND_PEAK);
	assert_true(verify_rest(&path, &r) == 10000000);
	down->burst.bytes = 1000000;
	assert_true(verify_rest(&path, &r) == UINT64_MAX);
	down->has &= ~(1U << COND_BURST);
	assert_true(verify_rest(&path, &r) == 10000000);
	r.train = 0;
	assert_true(verify_rest(&path, &r) == 10000000);
	/* The bucket lasts longer if less than its peak comes, and for ever at its rate. */
	near_to(verify_supply(&path, &path.up), 10e6, 0);
	near_to(verify_use_up(&path.up, 10e6, &seconds), 0, 0);
	near_to(seconds, 0, 0);
	down->rate.bps = 30000000;
	near_to(verify_supply(&path, &path.up), 30e6, 0);
	near_to(verify_use_up(&path.up, 30e6, &seconds), 12e6, 1);
	near_to(seconds, 0.4, 1e-9);
	near_to(verify_use_up(&path.up, 1e9, &seconds), 10e6, 1);
	near_to(verify_supply(&path, down), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval), cmocka_unit_test(test_loss_models),
		cmocka_unit_test(test_corrupt),	 cmocka_unit_test(test_combination),
		cmocka_unit_test(test_jitter),	 cmocka_unit_test(test_tcp_model),
		cmocka_unit_test(test_peak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
