// SPDX-License-Identifier: GPL-2.0-or-later
/* The judge of rates: of links, by UDP, TCP and a scratch link, and of paths and classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/judge.h"

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

/* Judges, and expects this row for a's uplink. */
static void up_is(struct fleet *f, const char *measured, enum netsim_verdict verdict)
{
	judge(f);
	has_row(f, "a", "rate up", "10.0 mbit", measured, verdict);
	forget_rows(f);
}

static void test_rates(void **state)
{
	struct fleet f;

	(void)state;
	setup_rates(&f);
	up_is(&f, "9.93 mbit (tcp 9.30 mbit)", NETSIM_AS_ASKED);
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
	up_is(&f, "5.00 mbit", NETSIM_UNPROVED);
	/* All that was sent passed: it would also pass at a higher rate. */
	f.rates[0].udp = f.rates[0].offered = 10e6;
	judge(&f);
	has_row(&f, "a", "rate up", "10.0 mbit", "10.0 mbit", NETSIM_UNPROVED);
	has_why(&f, "a", "rate up", "this machine cannot send more than 10.0 mbit");
	forget_rows(&f);
	/* The same within the tolerance of a machine whose scratch links pass too much. */
	f.rates[0].excess = 0.03;
	f.rates[0].offered = 10.45e6;
	f.rates[0].udp = 10.4e6;
	up_is(&f, "10.4 mbit", NETSIM_UNPROVED);
	f.rates[0].offered = 12e6;
	up_is(&f, "10.4 mbit", NETSIM_AS_ASKED);
}

/* A peak has a row of its own, and is compared with that of its partner, not with a rate. */
static void test_peak(void **state)
{
	struct verify_rate *r;
	struct fleet f;

	(void)state;
	setup_rates(&f);
	f.rate_count = 4;
	f.rates[0].tcp = f.rates[1].tcp = -1;
	f.rates[2] = f.rates[0];
	r = &f.rates[2];
	r->train = 0.2;
	r->own = r->asked = 50000000;
	r->udp = 49.8e6;
	r->offered = 60e6;
	f.rates[3] = *r;
	f.rates[3].end = 1;
	f.rates[3].partner = 0;
	f.rates[3].up = false;
	judge(&f);
	has_row(&f, "a", "peak up", "50.0 mbit", "49.8 mbit", NETSIM_AS_ASKED);
	has_row(&f, "b", "peak down", "50.0 mbit", "49.8 mbit", NETSIM_AS_ASKED);
	has_row(&f, "a", "rate up", "10.0 mbit", "9.93 mbit", NETSIM_AS_ASKED);
	forget_rows(&f);
	r->udp = 59.9e6;
	failed_are(&f, "a peak up");
	r->udp = f.rates[3].udp = 30e6;
	failed_are(&f, "a peak up; b peak down");
	f.rates[3].udp = 20e6;
	failed_are(&f, "b peak down");
	r->why = "no link of a partner passes a burst that fast";
	r->asked = 20000000;
	judge(&f);
	has_row(&f, "a", "peak up", "50.0 mbit", "", NETSIM_UNPROVED);
	forget_rows(&f);
}

/* The machine may be blamed for deviations that it also shows on a scratch link. */
static void test_calibration(void **state)
{
	static const char *const inside[ENDS] = {"inside a, eth1 has a tbf"};
	struct verify_rate *r;
	struct fleet f;

	(void)state;
	setup_rates(&f);
	r = &f.rates[0];
	r->tcp = -1;
	/* A scratch link is 1 % too slow: 2 % is right, 4 % proves nothing, 6 % is wrong. */
	r->udp = 9.82e6;
	r->control = 0.01;
	up_is(&f, "9.82 mbit", NETSIM_AS_ASKED);
	r->udp = 9.6e6;
	up_is(&f, "9.60 mbit", NETSIM_UNPROVED);
	r->udp = 9.4e6;
	failed_are(&f, "a rate up");
	/* A scratch link that is too slow excuses no rate that is too high. */
	r->udp = 10.3e6;
	failed_are(&f, "a rate up");
	/* It deviates far more than a link may: the rate is neither right nor wrong. */
	r->udp = 8e6;
	r->control = 0.3;
	up_is(&f, "8.00 mbit", NETSIM_UNPROVED);
	/* The sender did not run for a fifth of the time: no more than that may be missing. */
	r->control = 0.001;
	r->idle = 0.2;
	up_is(&f, "8.00 mbit", NETSIM_UNPROVED);
	r->udp = 7.8e6;
	failed_are(&f, "a rate up");
	/* The node refuses packets that a scratch link takes. */
	r->idle = 0;
	r->udp = 2.6e6;
	r->offered = 2.6e6;
	r->refused = 0.7;
	up_is(&f, "2.60 mbit", NETSIM_UNPROVED);
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
	up_is(&f, "9.93 mbit (tcp 8.00 mbit)", NETSIM_UNPROVED);
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
	f.rates[0].offered = 5.1e6;
	judge(&f);
	has_row(&f, "b > d", "rate", "5.00 mbit", "5.04 mbit", NETSIM_UNPROVED);
	forget_rows(&f);
	f.rates[0].offered = 6e6;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),	    cmocka_unit_test(test_peak),
		cmocka_unit_test(test_calibration), cmocka_unit_test(test_tcp_control),
		cmocka_unit_test(test_path_rates),  cmocka_unit_test(test_class_that_loses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
