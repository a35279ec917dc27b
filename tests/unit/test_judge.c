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
#include "netsim/verify/tcp.h"

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
	double timer_slack, stall, stall_sd;
	bool quick;
	const char *const *inside; /* on the way out of each end; NULL: nothing */
};

/* Paths between all ends, with 5 ms and 1 % in each direction, measured exactly so. */
static void setup(struct fleet *f)
{
	size_t count = 0;

	*f = (struct fleet) {.timer_slack = 0.1};
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

static void add_delay(struct probe_seen *seen, double ms)
{
	seen->min += ms;
	seen->median += ms;
	seen->mean += ms;
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
					.timer_slack = f->timer_slack,
					.stall = f->stall,
					.stall_sd = f->stall_sd,
					.quick = f->quick,
					.inside_up = f->inside};
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

static void has_why(struct fleet *f, const char *subject, const char *what, const char *why)
{
	for (size_t i = 0; i < f->result.count; i++) {
		const struct verify_row *row = &f->result.list[i];

		if (strcmp(row->subject, subject) != 0 || strcmp(row->what, what) != 0)
			continue;
		assert_string_equal(row->why, why);
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
				add_delay(&f.paths[i].seen, 7);
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
		add_delay(&f.paths[i].seen, f.paths[i].from == 0 ? 7 : 0);
		add_delay(&f.paths[i].seen, f.paths[i].to == 1 ? -4 : 0);
	}
	failed_are(&f, "a delay up; b delay down");
}

/* Late timers lengthen delays: they excuse one that is too long, never one too short. */
static void test_late_timers(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	f.timer_slack = 4.64;
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 2)
			add_delay(&f.paths[i].seen, -4.4);
	failed_are(&f, "c delay down");
	/* Every delay is missing. */
	setup(&f);
	f.timer_slack = 4.64;
	for (size_t i = 0; i < PATHS; i++)
		add_delay(&f.paths[i].seen, -9.4);
	failed_are(&f, "a delay up; a delay down; b delay up; b delay down; c delay up; "
		       "c delay down; d delay up; d delay down; e delay up; e delay down");
	/* The least delay is right: what the others have more is the timers'. */
	setup(&f);
	f.timer_slack = 4.64;
	for (size_t i = 0; i < PATHS; i++)
		f.paths[i].seen.median += f.paths[i].to == 2 ? 6 : 3;
	judge(&f);
	has_row(&f, "c", "rtt", "10.0 ms", "16.1 ms (sd 0.1)", NETSIM_AS_ASKED);
	forget_rows(&f);
	/* Every delay to c is longer: by the timers, or wrong. */
	setup(&f);
	f.timer_slack = 4.64;
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 2)
			add_delay(&f.paths[i].seen, 6);
	judge(&f);
	has_row(&f, "c", "rtt", "10.0 ms", "16.1 ms (sd 0.1)", NETSIM_UNPROVED);
	forget_rows(&f);
	f.timer_slack = 0.1;
	failed_are(&f, "c delay down");
}

/* A delay below a millisecond is missing when nothing of it is there. */
static void test_short_delay(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++) {
		f.paths[i].up = f.paths[i].down = delay_of(400000);
		f.paths[i].many = (struct probe_seen) {0};
		f.paths[i].seen.received = f.paths[i].seen.sent;
		add_delay(&f.paths[i].seen, f.paths[i].from == 0 ? -9.58 : -9.18);
	}
	failed_are(&f, "a delay up");
}

/* Noise of timers is no jitter: what it alone may explain is unproved. */
static void test_hidden_jitter(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++) {
		f.paths[i].many = (struct probe_seen) {0};
		f.paths[i].seen = (struct probe_seen) {.sent = 1000,
						       .received = 1000,
						       .min = 4,
						       .median = 10.1,
						       .mean = 10.1,
						       .sd = 2.9,
						       .spread = 2.9};
		f.paths[i].up = f.paths[i].down = delay_of(5000000);
		f.paths[i].up_every = f.paths[i].down_every = 1000;
		if (f.paths[i].from != 0)
			continue;
		f.paths[i].up.has |= 1U << COND_JITTER;
		f.paths[i].up.jitter.ns = 5000000;
	}
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].from != 0)
			f.paths[i].seen.min = 10, f.paths[i].seen.spread = 0.1;
	judge(&f);
	has_row(&f, "a", "jitter up", "sd 2.9 ms", "sd 2.9 ms", NETSIM_AS_ASKED);
	forget_rows(&f);
	f.timer_slack = 2;
	judge(&f);
	has_row(&f, "a", "jitter up", "sd 2.9 ms", "", NETSIM_UNPROVED);
	forget_rows(&f);
}

/* Stalls shift the mean of delays with jitter, and add to their deviation, but no percentile. */
static void test_stalls(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++) {
		f.paths[i].many = (struct probe_seen) {0};
		f.paths[i].up = f.paths[i].down = delay_of(5000000);
		f.paths[i].up_every = f.paths[i].down_every = 1000;
		f.paths[i].up.has |= 1U << COND_JITTER;
		f.paths[i].up.jitter.ns = 4000000;
		f.paths[i].seen = (struct probe_seen) {.sent = 1000,
						       .received = 1000,
						       .min = 6,
						       .median = 10.1,
						       .mean = 10.1,
						       .sd = 2.3,
						       .spread = 2.3};
	}
	failed_are(&f, "");
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 2 || f.paths[i].from == 2)
			f.paths[i].seen.mean += 6, f.paths[i].seen.sd = 25;
	failed_are(&f, "c delay up; c delay down; c jitter up; c jitter down");
	f.stall = 4;
	f.stall_sd = 15;
	failed_are(&f, "");
	judge(&f);
	has_row(&f, "c", "jitter up", "sd 2.3 ms", "", NETSIM_UNPROVED);
	forget_rows(&f);
}

/* An interval that contains nothing as well as what is asked proves neither. */
static void test_hidden_loss(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++)
		f.paths[i].many = (struct probe_seen) {.sent = 20, .received = 20};
	judge(&f);
	has_row(&f, "a", "loss", "1 %", "0.00 % (0.0 .. 8.1)", NETSIM_UNPROVED);
	forget_rows(&f);
}

static void test_wrong_pair(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	add_delay(&path_of(&f, 1, 3)->seen, 7);
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
	add_delay(&path->seen, 50.1);
	judge(&f);
	has_row(&f, "b > d", "delay", "60.0 ms", "60.2 ms (sd 0.1)", NETSIM_AS_ASKED);
	forget_rows(&f);
	add_delay(&path->seen, -50);
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
	add_delay(&path_of(&f, 1, 3)->seen, 199.9);
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
	has_row(&f, "a", "conditions", "", "", NETSIM_UNPROVED);
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
	/* One of several VLANs between the same ends. */
	path_of(&f, 0, 4)->from_name = "a/vlan100";
	path_of(&f, 0, 4)->to_name = "e/vlan100";
	failed_are(&f, "a/vlan100 > e/vlan100 reach");
}

static void test_order(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++)
		f.paths[i].seen.late = f.paths[i].to == 2 ? 20 : 0;
	failed_are(&f, "c order down");
	/* Few probes: none overtakes another on one of the paths. */
	path_of(&f, 1, 2)->seen.late = 0;
	failed_are(&f, "c order down");
	/* Another direction, which is as sparse. */
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].from == 1)
			f.paths[i].seen.late = f.paths[i].to == 3 ? 0 : 5;
	failed_are(&f, "c order down; b order up");
	for (size_t i = 0; i < PATHS; i++)
		f.paths[i].seen.late = f.paths[i].to == 2 ? 20 : 0;
	/* Two paths of four are no direction. */
	path_of(&f, 0, 2)->seen.late = path_of(&f, 1, 2)->seen.late = 0;
	failed_are(&f, "d > c order; e > c order");
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].to == 2) {
			f.paths[i].seen.late = 20;
			f.paths[i].down.has |= 1U << COND_REORDER;
			f.paths[i].down.reorder = REORDER_ALLOWED;
		}
	failed_are(&f, "");
}

/* 10 mbit up from a, measured with b as partner; and the other way round. */
static void setup_rates(struct fleet *f)
{
	setup(f);
	f->rate_count = 2;
	f->rates[0] = (struct verify_rate) {.end = 0,
					    .partner = 1,
					    .up = true,
					    .own = 10000000,
					    .asked = 10000000,
					    .udp = 9.93e6,
					    .tcp = 9.3e6,
					    .tcp_asked = 10000000,
					    .tcp_possible = 10e6,
					    .tcp_least = 9e6,
					    .offered = 12e6,
					    .shared = true,
					    .control = -1,
					    .machine = -1,
					    .tcp_control = -1};
	f->rates[1] = f->rates[0];
	f->rates[1].end = 1;
	f->rates[1].partner = 0;
	f->rates[1].up = false;
}

static void test_rates(void **state)
{
	struct fleet f;

	(void)state;
	setup_rates(&f);
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "9.93 mbit (tcp 9.30 mbit)", NETSIM_AS_ASKED);
	forget_rows(&f);
	f.rates[0].udp = 9.85e6;
	failed_are(&f, "a rate up");
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
	has_row(&f, "a", "rate up", "10.0 mbit", "5.00 mbit", NETSIM_UNPROVED);
	forget_rows(&f);
}

/* What the machine does on a scratch link decides what it may be blamed for. */
static void test_calibration(void **state)
{
	static const char *const inside[ENDS] = {"inside a, eth1 has a tbf"};
	struct verify_rate *r;
	struct fleet f;

	(void)state;
	setup_rates(&f);
	r = &f.rates[0];
	r->tcp = -1;
	/* A scratch link deviates by 1 %, so that 2 % prove nothing. */
	r->udp = 9.82e6;
	r->control = 0.01;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "9.82 mbit", NETSIM_AS_ASKED);
	forget_rows(&f);
	r->udp = 9.6e6;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "9.60 mbit", NETSIM_UNPROVED);
	forget_rows(&f);
	r->udp = 9.4e6;
	failed_are(&f, "a rate up");
	/* It is too slow, which excuses no rate that is too high. */
	r->udp = 10.3e6;
	failed_are(&f, "a rate up");
	/* It deviates far more than a link may: neither right nor wrong. */
	r->udp = 8e6;
	r->control = 0.3;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "8.00 mbit", NETSIM_UNPROVED);
	forget_rows(&f);
	/* The sender did not run: so much is missing at most. */
	r->control = 0.001;
	r->idle = 0.2;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "8.00 mbit", NETSIM_UNPROVED);
	forget_rows(&f);
	r->udp = 7.8e6;
	failed_are(&f, "a rate up");
	/* The node refuses packets that a scratch link takes. */
	r->idle = 0;
	r->udp = 2.6e6;
	r->offered = 2.6e6;
	r->refused = 0.7;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "2.60 mbit", NETSIM_UNPROVED);
	forget_rows(&f);
	r->machine = 12e6;
	f.inside = inside;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "2.60 mbit", NETSIM_NOT_AS_ASKED);
	has_why(&f, "a", "rate up",
		"a sends no more than 2.60 mbit, where this machine sends 12.0 mbit; inside a, "
		"eth1 has a tbf");
	forget_rows(&f);
}

static void test_tcp_control(void **state)
{
	struct verify_rate *r;
	struct fleet f;

	(void)state;
	setup_rates(&f);
	r = &f.rates[0];
	r->tcp = 8e6;
	failed_are(&f, "a rate up");
	r->tcp_control = 9.9e6;
	failed_are(&f, "a rate up");
	/* TCP is no faster on a scratch link, or this process did not run. */
	r->tcp_control = 8.2e6;
	failed_are(&f, "");
	r->tcp_control = 9.9e6;
	r->tcp_idle = 0.2;
	failed_are(&f, "");
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "9.93 mbit (tcp 8.00 mbit)", NETSIM_UNPROVED);
	forget_rows(&f);
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
				     .udp = 5.04e6,
				     .tcp = -1,
				     .offered = 6e6,
				     .control = -1,
				     .machine = -1,
				     .tcp_control = -1};
}

static void test_path_rates(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	f.rate_count = 1;
	f.rates[0] = path_rate(&f);
	judge(&f);
	has_row(&f, "b > d", "rate", "5.00 mbit", "5.04 mbit", NETSIM_AS_ASKED);
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
	has_row(&f, "b > d iscsi", "rate", "5.00 mbit", "", NETSIM_UNPROVED);
	forget_rows(&f);
	f.rates[0].left_out = true;
	judge(&f);
	has_row(&f, "all iscsi", "rate", "", "", NETSIM_UNPROVED);
	forget_rows(&f);
	f.quick = f.rates[0].no_tcp = true;
	judge(&f);
	has_row(&f, "all iscsi", "rate", "", "", NETSIM_LEFT_OUT);
	has_row(&f, "all", "tcp", "", "", NETSIM_LEFT_OUT);
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
		f.paths[i].seen.min = f.paths[i].seen.median = f.paths[i].seen.mean = 0.1;
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
			add_delay(&f.paths[i].seen, 40);
		}
	path_of(&f, 1, 3)->skip = true;
	path_of(&f, 1, 3)->why_path = "it changed";
	path_of(&f, 1, 3)->seen.received = 0;
	failed_are(&f, "");
	judge(&f);
	has_row(&f, "c", "conditions down", "", "", NETSIM_UNPROVED);
	has_row(&f, "b > d", "conditions", "", "", NETSIM_UNPROVED);
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
		cmocka_unit_test(test_late_timers),
		cmocka_unit_test(test_short_delay),
		cmocka_unit_test(test_hidden_jitter),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_hidden_loss),
		cmocka_unit_test(test_wrong_pair),
		cmocka_unit_test(test_pair_of_its_own),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_calibration),
		cmocka_unit_test(test_tcp_control),
		cmocka_unit_test(test_tcp_model),
		cmocka_unit_test(test_path_rates),
		cmocka_unit_test(test_class_that_loses),
		cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
