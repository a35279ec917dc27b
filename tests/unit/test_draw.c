// SPDX-License-Identifier: GPL-2.0-or-later
/* Random losses, corruption and duplicates: ratios, burst lengths, reproducibility by seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "tests/unit/edt_port.h"

#define RUNS 20000

static uint32_t part(double probability)
{
	return (uint32_t)(probability * 4294967296.0);
}

struct losses {
	size_t lost, bursts;
	double mean_burst;
};

/* Sends frames in sequence; counts losses and bursts of losses. */
static struct losses lose(size_t runs)
{
	struct losses l = {0};
	bool before = false;

	for (size_t i = 0; i < runs; i++) {
		bool lost = !passes(five, six);

		l.lost += lost;
		l.bursts += lost && !before;
		before = lost;
	}
	l.mean_burst = (double)l.lost / (double)(l.bursts ? l.bursts : 1);
	return l;
}

/* Allows five standard deviations; inflation is the factor of the variance due to bursts. */
static void expect_share(size_t count, size_t runs, double share, double inflation)
{
	double deviation = sqrt((double)runs * share * (1 - share) * inflation);

	if (fabs((double)count - (double)runs * share) > 5 * deviation + 1)
		fail_msg("%zu of %zu, not a share of %f", count, runs, share);
}

static void test_random(void **state)
{
	static const double shares[] = {0.5, 0.05, 0.001};
	struct losses l;

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		struct port_conditions c = LOSS(part(shares[i]));

		c.seed = i + 1;
		PUT(up(LINK_5, c));
		l = lose(RUNS);
		expect_share(l.lost, RUNS, shares[i], 1);
		/* independent losses: the mean burst is 1 / (1 - p) */
		if (i == 0)
			assert_true(fabs(l.mean_burst - 2) < 0.15);
		assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_LOSS], l.lost);
		assert_int_equal(ports_traffic(5, 6, -1).packets, RUNS - l.lost);
	}
	PUT(up(LINK_5, LOSS(CERTAIN)));
	assert_int_equal(lose(2000).lost, 2000);
	PUT(up(LINK_5, LOSS(0)));
	assert_int_equal(lose(2000).lost, 0);
}

/* Losses at the three hops are independent. */
static void test_hops(void **state)
{
	NEEDS_BPF(state);
	PUT(up(LINK_5, LOSS(part(0.1))), path(5, 6, 0, LOSS(part(0.2))),
	    down(LINK_6, LOSS(part(0.3))));
	expect_share(lose(RUNS).lost, RUNS, 1 - 0.9 * 0.8 * 0.7, 1);
}

static void test_gilbert_elliott(void **state)
{
	struct port_conditions c = {.has = PORT_HAS_LOSS,
				    .loss_model = PORT_LOSS_GILBERT_ELLIOTT,
				    .loss = {part(0.02), part(0.25), CERTAIN, 0}};
	struct losses l;

	NEEDS_BPF(state);
	/* mean burst 1 / r = 4; loss ratio p / (p + r) */
	PUT(up(LINK_5, c));
	l = lose(RUNS);
	expect_share(l.lost, RUNS, 0.02 / 0.27, 2 / 0.27);
	if (fabs(l.mean_burst - 4) > 5 * sqrt(12.0 / (double)l.bursts))
		fail_msg("bursts of %f", l.mean_burst);
	/* partial losses in both states */
	c.loss[2] = part(0.5);
	c.loss[3] = part(0.01);
	PUT(path(5, 6, 0, c));
	expect_share(lose(RUNS).lost, RUNS, 0.5 * 0.02 / 0.27 + 0.01 * 0.25 / 0.27, 4);
}

/* p13, p31, p32, p23, p14. */
static void test_4state(void **state)
{
	struct port_conditions c = {
		.has = PORT_HAS_LOSS,
		.loss_model = PORT_LOSS_4STATE,
		.loss = {part(0.02), part(0.2), part(0.3), part(0.5), part(0.01)}};
	/* stationary weights relative to state 1 */
	double s3 = 0.02 / 0.2, s2 = s3 * 0.3 / 0.5, s4 = 0.01, all = 1 + s2 + s3 + s4;
	struct losses l;

	NEEDS_BPF(state);
	PUT(up(LINK_5, c));
	l = lose(RUNS);
	expect_share(l.lost, RUNS, (s3 + s4) / all, 8);
	/* only isolated losses (state 4) */
	c.loss[0] = 0;
	c.loss[4] = part(0.1);
	PUT(up(LINK_5, c));
	l = lose(RUNS);
	expect_share(l.lost, RUNS, 0.1 / 1.1, 1);
	assert_int_equal(l.lost, l.bursts);
	/* without state 2: mean burst 1 / p31 */
	c = (struct port_conditions) {.has = PORT_HAS_LOSS,
				      .loss_model = PORT_LOSS_4STATE,
				      .loss = {part(0.02), part(0.2)}};
	PUT(down(LINK_6, c));
	l = lose(RUNS);
	if (fabs(l.mean_burst - 5) > 5 * sqrt(20.0 / (double)l.bursts))
		fail_msg("bursts of %f", l.mean_burst);
}

/* --- reproducibility by seed */

#define SEQUENCE 2000

/* Records one number per frame: lost, or a hash of its bytes; and the sign of its jitter. */
static void record(uint32_t from, uint32_t to, uint64_t outcomes[static SEQUENCE])
{
	for (size_t i = 0; i < SEQUENCE; i++) {
		uint32_t verdict;
		struct shot shot = shoot_type(from, to, TYPE_OTHER, &verdict);
		uint64_t outcome = verdict == DROP;

		for (size_t at = 14; verdict == PASS && at < LENGTH; at++)
			outcome = outcome * 31 + shot_frame[at];
		outcomes[i] = outcome * 2 + (shot.tstamp > shot.before + 500 * MS);
	}
}

static struct port_conditions all_chances(uint64_t seed)
{
	return (struct port_conditions) {.has = PORT_HAS_LOSS | PORT_HAS_CORRUPT | PORT_HAS_DELAY |
						PORT_HAS_JITTER,
					 .loss_model = PORT_LOSS_GILBERT_ELLIOTT,
					 .loss = {part(0.1), part(0.3), CERTAIN, part(0.01)},
					 .corrupt = part(0.3),
					 .delay = 500 * MS,
					 .jitter = 200 * MS,
					 .order = PORT_ORDER_FREE,
					 .seed = seed};
}

static void test_seed(void **state)
{
	static uint64_t first[SEQUENCE], second[SEQUENCE], other[SEQUENCE];

	NEEDS_BPF(state);
	PUT(up(LINK_5, all_chances(4711)));
	record(five, six, first);
	/* putting the same conditions in force again restarts the sequence */
	put_setting(&(struct setting) {(struct policy_entry[]) {up(LINK_5, all_chances(4711))},
				       .base_count = 1});
	record(five, six, second);
	assert_memory_equal(first, second, sizeof(first));
	/* traffic of other pairs does not change the sequence */
	PUT(up(LINK_5, all_chances(4711)));
	record(five, seven, other);
	record(five, six, second);
	assert_memory_equal(first, second, sizeof(first));
	/* each pair has a different sequence */
	assert_memory_not_equal(first, other, sizeof(first));
	PUT(up(LINK_5, all_chances(4712)));
	record(five, six, other);
	assert_memory_not_equal(first, other, sizeof(first));
}

/* Hops with the same seed draw independently. */
static void test_seed_of_hops(void **state)
{
	size_t same = 0;
	static bool lost[2][SEQUENCE];

	NEEDS_BPF(state);
	for (int hop = 0; hop < 2; hop++) {
		PUT(hop ? down(LINK_6, LOSS(part(0.5))) : up(LINK_5, LOSS(part(0.5))));
		for (size_t i = 0; i < SEQUENCE; i++)
			lost[hop][i] = !passes(five, six);
	}
	for (size_t i = 0; i < SEQUENCE; i++)
		same += lost[0][i] == lost[1][i];
	expect_share(same, SEQUENCE, 0.5, 1);
}

/* A change of faults does not restart the sequence; one of the profile does. */
static void test_epoch(void **state)
{
	static uint64_t first[SEQUENCE], second[SEQUENCE];
	struct policy_change change;

	NEEDS_BPF(state);
	PUT(up(LINK_5, all_chances(1)));
	record(five, six, first);
	record(five, six, second);
	assert_memory_not_equal(first, second, sizeof(first));
	PUT(up(LINK_5, all_chances(1)));
	record(five, six, first);
	policy_begin(policy, &change);
	assert_int_equal(policy_put_overlays(policy, &change, NULL, 0, NULL), 0);
	policy_commit(policy);
	record(five, six, first);
	assert_memory_equal(first, second, sizeof(first));
}

/* --- corruption and duplicates */

static void test_corrupt(void **state)
{
	size_t damaged = 0, places[8] = {0};

	NEEDS_BPF(state);
	PUT(up(LINK_5, C(PORT_HAS_CORRUPT, .corrupt = part(0.2))));
	for (size_t i = 0; i < RUNS; i++) {
		struct shot shot = aim(five, six, TYPE_OTHER);
		size_t bits = 0;
		uint8_t whole[LENGTH];

		memcpy(whole, shot_frame, LENGTH);
		assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
		assert_memory_equal(shot_frame, whole, 14);
		for (size_t at = 14; at < LENGTH; at++) {
			bits += (size_t)__builtin_popcount(shot_frame[at]);
			if (shot_frame[at])
				places[(at - 14) * 8 / (LENGTH - 14)]++;
		}
		assert_true(bits <= 1);
		damaged += bits;
	}
	expect_share(damaged, RUNS, 0.2, 1);
	assert_int_equal(ports_traffic(5, 6, -1).corrupted, damaged);
	assert_int_equal(ports_traffic(5, 6, -1).packets, RUNS);
	/* anywhere after the Ethernet header */
	for (size_t i = 0; i < 8; i++)
		expect_share(places[i], damaged, 1.0 / 8, 1);
}

static void test_copies(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	PUT(up(LINK_5, C(PORT_HAS_DUPLICATE, .duplicate = part(0.3))));
	for (size_t i = 0; i < RUNS; i++)
		shoot(five, six);
	expect_share(ports_traffic(5, 6, -1).copied, RUNS, 0.3, 1);
	assert_int_equal(ports_traffic(5, 6, -1).packets, RUNS);
	/* foreign marks are kept, our own is cleared */
	PUT(up(LINK_5, C(PORT_HAS_DUPLICATE, .duplicate = CERTAIN)));
	shot = aim(five, six, TYPE_OTHER);
	shot.mark = 0x1234;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	assert_int_equal(shot.mark, 0x1234);
	shot = aim(STRANGER, six, TYPE_OTHER);
	shot.mark = PORT_MARK | LINK_5;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &shot), PASS);
	assert_int_equal(shot.mark, 0);
	assert_int_equal(ports_traffic(5, 6, -1).copied, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_gilbert_elliott),
		cmocka_unit_test(test_4state),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_seed_of_hops),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_corrupt),
		cmocka_unit_test(test_copies),
	};

	return cmocka_run_group_tests_name("draw", tests, ports_set_up, ports_tear_down);
}
