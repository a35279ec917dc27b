// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge: verdicts on delay, loss and order, and attribution of deviations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/judge.h"

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

/* Judges a and b only; what is wrong with another end shows in the pairs with it. */
static void test_some_ends(void **state)
{
	static const bool about[ENDS] = {true, true};
	struct fleet f;

	(void)state;
	setup(&f);
	f.about = about;
	judge(&f);
	/* rtt and loss of two, order, reach */
	assert_int_equal(f.result.count, 6);
	/* The 0.1 ms of this machine are not shared with the other ends. */
	has_row(&f, "b", "rtt", "10.0 ms", "10.2 ms (sd 0.1)", NETSIM_AS_ASKED);
	forget_rows(&f);
	setup(&f);
	f.about = about;
	/* Paths between ends that are not judged are not probed. */
	for (size_t i = 0; i < PATHS; i++)
		if (!about[f.paths[i].from] && !about[f.paths[i].to])
			f.paths[i].seen = f.paths[i].many = (struct probe_seen) {0};
	for (size_t i = 0; i < PATHS; i++)
		add_delay(&f.paths[i].seen, f.paths[i].from == 0 ? 7 : 0);
	failed_are(&f, "a delay up");
	for (size_t i = 0; i < PATHS; i++) {
		add_delay(&f.paths[i].seen, f.paths[i].from == 0 ? -7 : 0);
		add_delay(&f.paths[i].seen, f.paths[i].to == 2 ? 7 : 0);
		f.paths[i].many.received -= f.paths[i].from == 3 && about[f.paths[i].to] ? 100 : 0;
	}
	failed_are(&f, "a > c delay; b > c delay; d > a loss; d > b loss");
}

/* What a leak, or silence, tells about an end that is not judged, each pair tells. */
static void test_some_ends_reach(void **state)
{
	static const bool about[ENDS] = {true, true};
	struct fleet f;

	(void)state;
	setup(&f);
	f.about = about;
	for (size_t i = 0; i < PATHS; i++) {
		struct verify_path *path = &f.paths[i];

		if (!about[path->from] && !about[path->to])
			path->seen = path->many = (struct probe_seen) {0};
		else if (path->to == 2)
			path->seen.received = path->many.received = 0;
		else if (path->to == 3)
			path->cut = true;
	}
	failed_are(&f, "a > c reach; b > c reach; a > d cut; b > d cut");
}

static void silence(struct verify_path *path)
{
	path->seen = (struct probe_seen) {.sent = 100};
	path->many = (struct probe_seen) {.sent = 1000};
}

/* A pair that should lose everything has its row, and does not count as one that passes. */
static void test_mute_pair(void **state)
{
	struct verify_path *path;
	struct fleet f;

	(void)state;
	setup(&f);
	path = path_of(&f, 0, 1);
	add_loss(&path->path, RATIO_ONE);
	silence(path);
	judge(&f);
	/* As without it, and its own row */
	assert_int_equal(f.result.count, 13);
	has_row(&f, "a > b", "loss", "100.0 %", "100.00 % (99.2 .. 100.0)", NETSIM_AS_ASKED);
	has_row(&f, "a", "loss", "1 %", "1.01 % (0.3 .. 2.0)", NETSIM_AS_ASKED);
	has_row(&f, "all", "reach", "19 pairs", "all pass", NETSIM_AS_ASKED);
	forget_rows(&f);
	/* Hardly anything arrives, and not in the round that measures delays. */
	path->path.loss.ratio.ppb = 990000000;
	path->many.received = 8;
	judge(&f);
	has_row(&f, "a > b", "loss", "99.0 %", "99.20 % (97.8 .. 99.8)", NETSIM_AS_ASKED);
	forget_rows(&f);
	/* A single probe that arrives is too much, or silence if some should. */
	path->path.loss.ratio.ppb = RATIO_ONE;
	path->many.received = 1;
	failed_are(&f, "a > b loss");
	path->path.loss.ratio.ppb = 950000000;
	silence(path);
	failed_are(&f, "a > b loss");
	/* Its delay cannot be measured. */
	path->path.loss.ratio.ppb = RATIO_ONE;
	path->path.has |= 1U << COND_DELAY;
	path->path.delay.ns = 20000000;
	judge(&f);
	has_row(&f, "a > b", "conditions", "", "", NETSIM_UNPROVED);
	forget_rows(&f);
}

/* The same of all that an end sends. */
static void test_mute_end(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].from == 2) {
			f.paths[i].up = (struct conditions) {0};
			add_loss(&f.paths[i].up, RATIO_ONE);
			silence(&f.paths[i]);
		}
	judge(&f);
	has_row(&f, "c", "loss up", "100.0 %", "100.00 % (99.8 .. 100.0)", NETSIM_AS_ASKED);
	has_row(&f, "a", "loss", "1 %", "1.01 % (0.3 .. 2.0)", NETSIM_AS_ASKED);
	has_row(&f, "all", "reach", "16 pairs", "all pass", NETSIM_AS_ASKED);
	forget_rows(&f);
	/* It loses only half. */
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].from == 2) {
			f.paths[i].seen = path_of(&f, 0, 1)->seen;
			add_delay(&f.paths[i].seen, -5);
			f.paths[i].many.received = 490;
		}
	failed_are(&f, "c loss up");
	/* Its delay cannot be measured. */
	for (size_t i = 0; i < PATHS; i++)
		if (f.paths[i].from == 2) {
			f.paths[i].up.has |= 1U << COND_DELAY;
			silence(&f.paths[i]);
		}
	judge(&f);
	has_row(&f, "c", "conditions up", "", "", NETSIM_UNPROVED);
	forget_rows(&f);
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
	/* The minimum is right: late timers explain that the other delays are longer. */
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

/* A delay below a millisecond is missing if none of it is measured. */
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

/* Timer noise is no jitter: a jitter that the noise alone may explain is unproved. */
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

/* A confidence interval that contains both no loss and the requested loss proves neither. */
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

static void limit_size(struct verify_path *path, unsigned fitting, unsigned oversized)
{
	path->path.has |= 1U << COND_LARGER;
	path->path.larger.bytes = 1000;
	path->takes_larger = true;
	path->fitting = (struct probe_seen) {.sent = 20, .received = fitting};
	path->oversized = (struct probe_seen) {.sent = 20, .received = oversized};
}

static void test_size(void **state)
{
	struct fleet f;

	(void)state;
	setup(&f);
	limit_size(path_of(&f, 1, 3), 19, 0);
	judge(&f);
	has_row(&f, "b > d", "size", "1000 B", "1000 B pass, 1001 B do not", NETSIM_AS_ASKED);
	forget_rows(&f);
	limit_size(path_of(&f, 1, 4), 20, 0);
	judge(&f);
	has_row(&f, "all", "size", "2 pairs, 1000 B", "1000 B pass, 1001 B do not",
		NETSIM_AS_ASKED);
	forget_rows(&f);
	limit_size(path_of(&f, 1, 4), 20, 1);
	judge(&f);
	has_row(&f, "b > e", "size", "1000 B", "1 of 20 of 1001 B passed", NETSIM_NOT_AS_ASKED);
	has_row(&f, "b > d", "size", "1000 B", "1000 B pass, 1001 B do not", NETSIM_AS_ASKED);
	forget_rows(&f);
	limit_size(path_of(&f, 1, 4), 0, 0);
	failed_are(&f, "b > e size");
	/* What was not sent, what no link carries, and what is lost anyway, is unproved. */
	setup(&f);
	limit_size(path_of(&f, 1, 3), 20, 0);
	path_of(&f, 1, 3)->oversized.sent = 0;
	judge(&f);
	has_row(&f, "b > d", "size", "1000 B", "", NETSIM_UNPROVED);
	has_why(&f, "b > d", "size", "this machine was too late to send packets of these sizes");
	forget_rows(&f);
	path_of(&f, 1, 3)->takes_larger = false;
	judge(&f);
	has_row(&f, "b > d", "size", "1000 B", "", NETSIM_UNPROVED);
	has_why(&f, "b > d", "size", "no packet of its links is larger");
	forget_rows(&f);
	setup(&f);
	limit_size(path_of(&f, 1, 3), 0, 0);
	add_loss(&path_of(&f, 1, 3)->path, 900000000);
	judge(&f);
	has_row(&f, "b > d", "size", "1000 B", "", NETSIM_UNPROVED);
	forget_rows(&f);
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
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_wrong_direction),
		cmocka_unit_test(test_two_wrong_directions),
		cmocka_unit_test(test_some_ends),
		cmocka_unit_test(test_some_ends_reach),
		cmocka_unit_test(test_mute_pair),
		cmocka_unit_test(test_mute_end),
		cmocka_unit_test(test_late_timers),
		cmocka_unit_test(test_short_delay),
		cmocka_unit_test(test_hidden_jitter),
		cmocka_unit_test(test_stalls),
		cmocka_unit_test(test_hidden_loss),
		cmocka_unit_test(test_wrong_pair),
		cmocka_unit_test(test_pair_of_its_own),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_dead),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
