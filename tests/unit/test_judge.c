// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge: combination of hops, confidence intervals, and attribution of deviations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/verify/judge.h"

#define ENDS  5
#define PATHS (ENDS * (ENDS - 1))

static const char *const names[ENDS] = {"a", "b", "c", "d", "e"};

static void near_to(double got, double want, double room)
{
	if (!(fabs(got - want) <= room))
		fail_msg("got %.9g, wanted %.9g within %.3g", got, want, room);
}

/* --- numbers */

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

static struct conditions delay_of(int64_t ns)
{
	return (struct conditions) {.has = 1U << COND_DELAY, .delay = {ns}};
}

static void add_loss(struct conditions *c, uint32_t ppb)
{
	c->has |= 1U << COND_LOSS;
	c->loss = (struct loss) {.model = LOSS_RANDOM, .ratio = {ppb}};
}

static void add_rate(struct conditions *c, uint64_t bps)
{
	c->has |= 1U << COND_RATE;
	c->rate.bps = bps;
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

/* --- verdicts */

struct fleet {
	struct verify_path paths[PATHS];
	struct verify_rate rates[4];
	size_t rate_count;
	struct verify_rows result;
};

/* Paths between all ends, with 5 ms and 1 % in each direction, measured exactly so. */
static void setup(struct fleet *f)
{
	size_t count = 0;

	*f = (struct fleet) {0};
	for (size_t a = 0; a < ENDS; a++)
		for (size_t b = 0; b < ENDS; b++) {
			struct verify_path *path = &f->paths[count];

			if (a == b)
				continue;
			*path = (struct verify_path) {.from = a,
						      .to = b,
						      .up = delay_of(5000000),
						      .down = delay_of(5000000),
						      .up_every = 10,
						      .down_every = 10};
			add_loss(&path->up, 10000000);
			add_loss(&path->down, 10000000);
			path->seen = (struct probe_seen) {.sent = 100,
							  .received = 98,
							  .min = 10,
							  .median = 10.1,
							  .mean = 10.1,
							  .sd = 0.1,
							  .spread = 0.1};
			path->many = (struct probe_seen) {.sent = 1000, .received = 980};
			count++;
		}
}

static struct verify_path *path_of(struct fleet *f, size_t from, size_t to)
{
	for (size_t i = 0; i < PATHS; i++)
		if (f->paths[i].from == from && f->paths[i].to == to)
			return &f->paths[i];
	fail();
	return NULL;
}

static void judge(struct fleet *f)
{
	const struct verify_input in = {.ends = names,
					.end_count = ENDS,
					.paths = f->paths,
					.path_count = PATHS,
					.rates = f->rates,
					.rate_count = f->rate_count,
					.timer_slack = 0.1};
	struct netsim_err err = {0};

	assert_int_equal(verify_judge(&in, &f->result, &err), 0);
}

static void forget_rows(struct fleet *f)
{
	free(f->result.list);
	f->result = (struct verify_rows) {0};
}

/* Expects exactly these failed rows: "a delay down; b > c loss". */
static void failed_are(struct fleet *f, const char *want)
{
	char got[2048] = "";
	size_t used = 0;

	judge(f);
	for (size_t i = 0; i < f->result.count; i++) {
		const struct verify_row *row = &f->result.list[i];

		if (row->verdict != NETSIM_NOT_AS_ASKED)
			continue;
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s %s",
					 used ? "; " : "", row->subject, row->what);
	}
	assert_string_equal(got, want);
	forget_rows(f);
}

static void has_row(struct fleet *f, const char *subject, const char *what, const char *asked,
		    const char *measured, enum netsim_verdict verdict)
{
	for (size_t i = 0; i < f->result.count; i++) {
		const struct verify_row *row = &f->result.list[i];

		if (strcmp(row->subject, subject) != 0 || strcmp(row->what, what) != 0)
			continue;
		assert_string_equal(row->asked, asked);
		assert_string_equal(row->measured, measured);
		assert_int_equal(row->verdict, verdict);
		return;
	}
	fail_msg("no row %s %s", subject, what);
}

static void test_right(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	judge(&f);
	/* 5 times rtt and loss, order, reach */
	assert_int_equal(f.result.count, 12);
	has_row(&f, "a", "rtt", "10.0 ms", "10.1 ms (sd 0.1)", NETSIM_AS_ASKED);
	has_row(&f, "all", "reach", "20 pairs", "all pass", NETSIM_AS_ASKED);
	forget_rows(&f);
	failed_are(&f, "");
}

static void test_wrong_direction(void **state)
{
	struct fleet f;

	(void)state;
	for (int down = 0; down < 2; down++) {
		setup(&f);
		for (size_t i = 0; i < PATHS; i++)
			if ((down ? f.paths[i].to : f.paths[i].from) == 2)
				f.paths[i].seen.median += 7;
		failed_are(&f, down ? "c delay down" : "c delay up");
		setup(&f);
		for (size_t i = 0; i < PATHS; i++)
			if ((down ? f.paths[i].to : f.paths[i].from) == 2)
				f.paths[i].many.received -= 100;
		failed_are(&f, down ? "c loss down" : "c loss up");
	}
}

static void test_two_wrong_directions(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++) {
		f.paths[i].seen.median += f.paths[i].from == 0 ? 7 : 0;
		f.paths[i].seen.median -= f.paths[i].to == 1 ? 4 : 0;
	}
	failed_are(&f, "a delay up; b delay down");
}

static void test_wrong_pair(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	path_of(&f, 1, 3)->seen.median += 7;
	failed_are(&f, "b > d delay");
	setup(&f);
	path_of(&f, 1, 3)->many.received -= 300;
	failed_are(&f, "b > d loss");
	setup(&f);
	path_of(&f, 1, 3)->seen.late = 3;
	failed_are(&f, "b > d order");
	setup(&f);
	path_of(&f, 1, 3)->many.duplicates = 300;
	failed_are(&f, "b > d loss");
}

static void test_pair_of_its_own(void **state)
{
	struct verify_path *path;
	struct fleet f;

	(void)state;
	setup(&f);
	path = path_of(&f, 1, 3);
	path->path = delay_of(50000000);
	path->seen.median = 60.2;
	judge(&f);
	has_row(&f, "b > d", "delay", "60.0 ms", "60.2 ms (sd 0.1)", NETSIM_AS_ASKED);
	forget_rows(&f);
	path->seen.median = 10;
	failed_are(&f, "b > d delay");
}

static void test_class(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	path_of(&f, 1, 3)->traffic = "etcd";
	path_of(&f, 1, 3)->path = delay_of(200000000);
	failed_are(&f, "b > d etcd delay");
	path_of(&f, 1, 3)->seen.median = 210;
	failed_are(&f, "");
}

static void test_partition(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++) {
		if (f.paths[i].from != 0 && f.paths[i].to != 0)
			continue;
		f.paths[i].cut = true;
		f.paths[i].seen.received = f.paths[i].many.received = 0;
	}
	judge(&f);
	has_row(&f, "all", "cut", "8 pairs", "nothing passed", NETSIM_AS_ASKED);
	has_row(&f, "all", "reach", "12 pairs", "all pass", NETSIM_AS_ASKED);
	has_row(&f, "a", "conditions", "", "", NETSIM_NOT_MEASURED);
	forget_rows(&f);
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 0)
			f.paths[i].seen.received = 10;
	failed_are(&f, "a cut down");
	for (size_t i = 0; i < PATHS; i++)
		f.paths[i].seen.received = f.paths[i].cut ? 0 : 98;
	path_of(&f, 3, 0)->seen.received = 1;
	failed_are(&f, "d > a cut");
	/* The partition ended during the measurement. */
	path_of(&f, 3, 0)->skip = true;
	failed_are(&f, "");
}

static void test_dead(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].from == 4)
			f.paths[i].seen.received = f.paths[i].many.received = 0;
	failed_are(&f, "e reach");
	setup(&f);
	path_of(&f, 0, 4)->seen.received = path_of(&f, 0, 4)->many.received = 0;
	failed_are(&f, "a > e reach");
	/* Two VLANs between the same ends. */
	path_of(&f, 0, 4)->vlan = 100;
	failed_are(&f, "a > e reach");
	path_of(&f, 0, 3)->vlan = 200;
	path_of(&f, 0, 3)->to = 4;
	failed_are(&f, "a > e vlan 100 reach");
}

static void test_order(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++)
		f.paths[i].seen.late = f.paths[i].to == 2 ? 20 : 0;
	failed_are(&f, "c order down");
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 2) {
			f.paths[i].down.has |= 1U << COND_REORDER;
			f.paths[i].down.reorder = REORDER_ALLOWED;
		}
	failed_are(&f, "");
}

static void test_rates(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	f.rate_count = 2;
	f.rates[0] = (struct verify_rate) {.end = 0,
					   .partner = 1,
					   .up = true,
					   .own = 10000000,
					   .asked = 10000000,
					   .udp = 9.6e6,
					   .tcp = 8.5e6,
					   .tcp_asked = 10000000,
					   .offered = 12e6,
					   .shared = true};
	f.rates[1] = f.rates[0];
	f.rates[1].end = 1;
	f.rates[1].partner = 0;
	f.rates[1].up = false;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "9.60 mbit (tcp 8.50 mbit)", NETSIM_AS_ASKED);
	forget_rows(&f);
	/* Without a second partner, either may be at fault. */
	f.rates[0].udp = f.rates[1].udp = 6e6;
	failed_are(&f, "a rate up; b rate down");
	/* The slower one is at fault. */
	f.rates[0].udp = 8.5e6;
	failed_are(&f, "b rate down");
	f.rates[0].udp = f.rates[1].udp = 10e6;
	f.rates[0].tcp = 7.5e6;
	failed_are(&f, "a rate up");
	f.rates[0].tcp = -1;
	f.rates[0].udp = 11e6;
	failed_are(&f, "a rate up");
	/* Nothing follows if the sender is too slow. */
	f.rates[0].udp = f.rates[0].offered = 5e6;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "", NETSIM_NOT_MEASURED);
	forget_rows(&f);
}

/* 5 mbit from b to d, measured by UDP. */
static struct verify_rate path_rate(const struct fleet *f)
{
	size_t path = 0;

	while (f->paths[path].from != 1 || f->paths[path].to != 3)
		path++;
	return (struct verify_rate) {.is_path = true,
				     .path = path,
				     .end = 1,
				     .partner = 3,
				     .up = true,
				     .own = 5000000,
				     .asked = 5000000,
				     .tcp_asked = 5000000,
				     .udp = 5.1e6,
				     .tcp = -1,
				     .offered = 6e6};
}

static void test_path_rates(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	f.rate_count = 1;
	f.rates[0] = path_rate(&f);
	judge(&f);
	has_row(&f, "b > d", "rate", "5.00 mbit", "5.10 mbit", NETSIM_AS_ASKED);
	forget_rows(&f);
	f.rates[0].udp = 5.5e6;
	failed_are(&f, "b > d rate");
	f.rates[0].udp = 4e6;
	failed_are(&f, "b > d rate");
	/* The link of one of its ends limits the path, so that link is at fault. */
	f.rates[f.rate_count++] = (struct verify_rate) {.end = 3,
							.partner = 0,
							.own = 10000000,
							.asked = 10000000,
							.udp = 4.1e6,
							.tcp = -1,
							.offered = 12e6};
	failed_are(&f, "d rate down");
	f.rate_count = 1;
	/* A class of TCP. */
	f.paths[f.rates[0].path].traffic = "iscsi";
	f.rates[0].udp = -1;
	f.rates[0].tcp = 4.9e6;
	judge(&f);
	has_row(&f, "b > d iscsi", "rate", "5.00 mbit", "tcp 4.90 mbit", NETSIM_AS_ASKED);
	forget_rows(&f);
	f.rates[0].why = "its port is in use at both ends";
	judge(&f);
	has_row(&f, "b > d iscsi", "rate", "5.00 mbit", "", NETSIM_NOT_MEASURED);
	forget_rows(&f);
	f.rates[0].left_out = true;
	judge(&f);
	has_row(&f, "all iscsi", "rate", "", "", NETSIM_NOT_MEASURED);
	forget_rows(&f);
}

/* A class that only has loss gets a row for it; its pairs are counted once. */
static void test_class_that_loses(void **state)
{
	struct verify_path *path;
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++) {
		f.paths[i].up = f.paths[i].down = (struct conditions) {0};
		f.paths[i].seen.median = f.paths[i].seen.mean = 0.1;
		f.paths[i].many.received = 1000;
	}
	path = path_of(&f, 1, 3);
	path->traffic = "etcd";
	add_loss(&path->path, 200000000);
	path->many.received = 810;
	judge(&f);
	assert_int_equal(f.result.count, 3);
	has_row(&f, "b > d etcd", "loss", "20.0 %", "19.00 % (15.1 .. 23.4)", NETSIM_AS_ASKED);
	has_row(&f, "all", "reach", "19 pairs", "all pass", NETSIM_AS_ASKED);
	forget_rows(&f);
}

static void test_why(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 2) {
			f.paths[i].skip = true;
			f.paths[i].why_down = "a trace varies them";
			f.paths[i].seen.median = 50;
		}
	path_of(&f, 1, 3)->skip = true;
	path_of(&f, 1, 3)->why_path = "it changed";
	path_of(&f, 1, 3)->seen.received = 0;
	failed_are(&f, "");
	judge(&f);
	has_row(&f, "c", "conditions down", "", "", NETSIM_NOT_MEASURED);
	has_row(&f, "b > d", "conditions", "", "", NETSIM_NOT_MEASURED);
	forget_rows(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_loss_models),
		cmocka_unit_test(test_combination),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong_direction),
		cmocka_unit_test(test_two_wrong_directions),
		cmocka_unit_test(test_wrong_pair),
		cmocka_unit_test(test_pair_of_its_own),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_path_rates),
		cmocka_unit_test(test_class_that_loses),
		cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
