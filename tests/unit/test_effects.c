// SPDX-License-Identifier: GPL-2.0-or-later
/* The counters of packets on which the conditions of faults act. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/if_ether.h>

#include "tests/unit/edt_port.h"

/* 1000 bytes take 1 s at this rate. */
#define SLOW(...) C(PORT_HAS_RATE, .rate = LENGTH, .queue = 100 * SECOND, __VA_ARGS__)

/* Conditions of an overlay, all of which come from faults. */
static struct policy_entry overlay(struct policy_entry entry)
{
	entry.key.layer = 1;
	entry.conditions.faults = entry.conditions.has;
	return entry;
}

/* Puts one overlay in force over a base of one entry, and clears all states and counters. */
static void put(const struct policy_entry *base, struct policy_entry fault)
{
	put_setting(&(struct setting) {base, &fault, base ? 1 : 0, 1});
	forget();
}

static uint64_t counted(enum port_effect effect)
{
	return ports_traffic(5, 6, -1).affected[effect];
}

static uint64_t counted_at_all(void)
{
	const struct port_traffic sum = ports_traffic(5, 6, -1);
	uint64_t all = 0;

	for (int i = 0; i < PORT_EFFECTS; i++)
		all += sum.affected[i];
	return all;
}

static void shoot_times(int times)
{
	for (int i = 0; i < times; i++)
		(void)passes(five, six);
}

/* Each condition of a fault counts the packets on which it acts, on links and on paths. */
static void test_each(void **state)
{
	const struct {
		struct port_conditions c;
		enum port_effect effect;
	} rows[] = {
		{SLOW(), PORT_EFFECT_RATE},
		{DELAY(MS), PORT_EFFECT_DELAY},
		{LOSS(CERTAIN), PORT_EFFECT_LOSS},
		{C(PORT_HAS_DUPLICATE, .duplicate = CERTAIN), PORT_EFFECT_DUPLICATE},
		{C(PORT_HAS_CORRUPT, .corrupt = CERTAIN), PORT_EFFECT_CORRUPT},
		{C(PORT_HAS_SLOT, .slot_min = SECOND, .slot_max = SECOND), PORT_EFFECT_SLOT},
	};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct policy_entry hops[] = {up(LINK_5, rows[i].c), path(5, 6, 0, rows[i].c),
						    down(LINK_6, rows[i].c)};
		/* The first packet waits for no other. */
		uint64_t want = rows[i].effect == PORT_EFFECT_RATE ? 4 : 5;

		for (size_t h = 0; h < ARRAY_SIZE(hops); h++) {
			put(NULL, overlay(hops[h]));
			shoot_times(5);
			if (counted(rows[i].effect) != want || counted_at_all() != want)
				fail_msg("effect %d, hop %zu: %d of %d", (int)rows[i].effect, h,
					 (int)counted(rows[i].effect), (int)counted_at_all());
			/* The same conditions of a profile count nothing. */
			put_setting(&(struct setting) {&hops[h], NULL, 1, 0});
			forget();
			shoot_times(5);
			assert_int_equal(counted_at_all(), 0);
		}
	}
}

/* The profile's conditions in an overlay that a fault of something else has made. */
static void test_merged(void **state)
{
	struct port_conditions c = {.has = PORT_HAS_DELAY | PORT_HAS_LOSS,
				    .faults = PORT_HAS_DELAY,
				    .delay = MS,
				    .loss = {CERTAIN}};
	struct policy_entry fault = up(LINK_5, c);

	NEEDS_BPF(state);
	fault.key.layer = 1;
	put(NULL, fault);
	shoot_times(3);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_LOSS], 3);
	assert_int_equal(counted_at_all(), 0);
	fault.conditions.faults = PORT_HAS_LOSS;
	put(NULL, fault);
	shoot_times(3);
	assert_int_equal(counted(PORT_EFFECT_LOSS), 3);
	assert_int_equal(counted_at_all(), 3);
}

/* A full queue is an effect of the rate. */
static void test_queue(void **state)
{
	NEEDS_BPF(state);
	put(NULL, overlay(up(LINK_5, C(PORT_HAS_RATE, .rate = LENGTH, .queue = 1500 * MS))));
	shoot_times(8);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 2);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_QUEUE], 6);
	assert_int_equal(counted(PORT_EFFECT_RATE), 7);
}

/* Packets that are far enough apart do not wait, nor do those of a burst. */
static void test_no_waiting(void **state)
{
	NEEDS_BPF(state);
	put(NULL, overlay(up(LINK_5, C(PORT_HAS_RATE, .rate = 1000000000, .queue = SECOND))));
	for (int i = 0; i < 5; i++) {
		shoot_times(1);
		usleep(1000);
	}
	assert_int_equal(ports_traffic(5, 6, -1).packets, 5);
	assert_int_equal(counted_at_all(), 0);
	put(NULL, overlay(up(LINK_5, SLOW(.burst = 5 * SECOND))));
	shoot_times(6);
	assert_int_equal(counted_at_all(), 0);
	shoot_times(6);
	assert_in_range(counted(PORT_EFFECT_RATE), 4, 6);
}

/* A rate postpones a packet only where no link of the profile is slower. */
static void test_slowest(void **state)
{
	const struct policy_entry slower =
		up(LINK_5, C(PORT_HAS_RATE, .rate = LENGTH / 2, .queue = 100 * SECOND));
	const struct policy_entry faster =
		up(LINK_5, C(PORT_HAS_RATE, .rate = LENGTH * 2, .queue = 100 * SECOND));
	const struct policy_entry later = down(LINK_6, slower.conditions);

	NEEDS_BPF(state);
	put(&slower, overlay(path(5, 6, 0, SLOW())));
	shoot_times(5);
	assert_int_equal(counted_at_all(), 0);
	put(&later, overlay(path(5, 6, 0, SLOW())));
	shoot_times(5);
	assert_int_equal(counted_at_all(), 0);
	put(&faster, overlay(path(5, 6, 0, SLOW())));
	shoot_times(5);
	assert_int_equal(counted(PORT_EFFECT_RATE), 4);
}

/* A fault of jitter varies the delay of the profile; a packet that overtakes is not delayed. */
static void test_delays(void **state)
{
	struct policy_entry fault =
		up(LINK_5, C(PORT_HAS_DELAY | PORT_HAS_JITTER, .delay = SECOND, .jitter = MS));

	NEEDS_BPF(state);
	fault.key.layer = 1;
	fault.conditions.faults = PORT_HAS_JITTER;
	put(NULL, fault);
	shoot_times(5);
	assert_int_equal(counted(PORT_EFFECT_DELAY), 5);
	put(NULL, overlay(up(LINK_5, C(PORT_HAS_DELAY | PORT_HAS_REORDER, .delay = SECOND,
				       .order = PORT_ORDER_RATIO, .reorder = CERTAIN))));
	shoot_times(5);
	assert_int_equal(counted_at_all(), 0);
	put(NULL, overlay(up(LINK_5, DELAY(0))));
	shoot_times(5);
	assert_int_equal(counted_at_all(), 0);
}

/*
 * A packet that another hop drops was not delayed; without fq, none is, nor are those that resolve
 * addresses if the delay is too long for them.
 */
static void test_in_vain(void **state)
{
	const struct policy_entry loss = down(LINK_6, LOSS(CERTAIN));
	struct policy_entry fault = overlay(up(LINK_5, DELAY(MS)));
	uint32_t verdict;

	NEEDS_BPF(state);
	put(&loss, fault);
	shoot_times(5);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_LOSS], 5);
	assert_int_equal(counted_at_all(), 0);
	put_setting(&(struct setting) {NULL, &fault, 0, 1, .not_held = true});
	forget();
	shoot_times(5);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 5);
	assert_int_equal(counted_at_all(), 0);
	put(NULL, overlay(up(LINK_5, DELAY(2 * SECOND))));
	shoot_type(five, six, ETH_P_ARP, &verdict);
	assert_int_equal(verdict, PASS);
	assert_int_equal(counted_at_all(), 0);
}

/* A packet that need not keep its order has overtaken only if an earlier one leaves later. */
static void test_overtaking(void **state)
{
	struct port_conditions c = C(PORT_HAS_DELAY | PORT_HAS_REORDER, .delay = SECOND,
				     .order = PORT_ORDER_RATIO, .reorder = CERTAIN / 2);

	NEEDS_BPF(state);
	put(NULL, overlay(up(LINK_5, c)));
	shoot_times(100);
	assert_in_range(counted(PORT_EFFECT_REORDER), 20, 80);
	assert_int_equal(counted(PORT_EFFECT_REORDER) + counted(PORT_EFFECT_DELAY),
			 counted_at_all());
	c.reorder = 0;
	put(NULL, overlay(up(LINK_5, c)));
	shoot_times(100);
	assert_int_equal(counted(PORT_EFFECT_REORDER), 0);
	c = C(PORT_HAS_DELAY | PORT_HAS_JITTER | PORT_HAS_REORDER, .delay = SECOND,
	      .jitter = 500 * MS, .order = PORT_ORDER_FREE);
	put(NULL, overlay(up(LINK_5, c)));
	shoot_times(100);
	assert_in_range(counted(PORT_EFFECT_REORDER), 20, 99);
	/* Not those of the profile. */
	c.faults = PORT_HAS_DELAY;
	put(NULL, (struct policy_entry) {.key = {.from = LINK_5, .hop = PORT_HOP_UP, .layer = 1},
					 .conditions = c});
	shoot_times(100);
	assert_int_equal(counted(PORT_EFFECT_REORDER), 0);
}

/* What a fault changes of the profile's jitter and rate. */
static void test_qualities(void **state)
{
	struct policy_entry fault =
		up(LINK_5, C(PORT_HAS_DELAY | PORT_HAS_JITTER, .delay = SECOND, .jitter = MS));

	NEEDS_BPF(state);
	fault.key.layer = 1;
	fault.conditions.faults = PORT_HAS_DISTRIBUTION;
	put(NULL, fault);
	shoot_times(5);
	assert_int_equal(counted(PORT_EFFECT_DISTRIBUTION), 5);
	assert_int_equal(counted_at_all(), 5);
	fault.conditions.jitter = 0;
	put(NULL, fault);
	shoot_times(5);
	assert_int_equal(counted_at_all(), 0);
	fault = up(LINK_5, C(PORT_HAS_RATE, .rate = LENGTH, .queue = 1500 * MS));
	fault.key.layer = 1;
	fault.conditions.faults = PORT_HAS_QUEUE;
	put(NULL, fault);
	shoot_times(8);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_QUEUE], 6);
	assert_int_equal(counted(PORT_EFFECT_QUEUE), 6);
	assert_int_equal(counted_at_all(), 6);
	fault.conditions.faults = PORT_HAS_BURST;
	fault.conditions.burst = 5 * SECOND;
	fault.conditions.queue = 100 * SECOND;
	put(NULL, fault);
	shoot_times(20);
	assert_in_range(counted(PORT_EFFECT_BURST), 4, 6);
	assert_int_equal(counted_at_all(), counted(PORT_EFFECT_BURST));
	/* A peak proves itself by the packets of a burst that wait for the one before. */
	fault.conditions.faults = PORT_HAS_PEAK;
	fault.conditions.peak = 10 * LENGTH;
	fault.conditions.peak_queue = 100 * SECOND;
	put(NULL, fault);
	shoot_times(4);
	assert_int_equal(counted(PORT_EFFECT_PEAK), 3);
	assert_int_equal(counted_at_all(), 3);
	/* Without fq, packets leave at once in any case. */
	put_setting(&(struct setting) {NULL, &fault, 0, 1, .not_held = true});
	forget();
	shoot_times(20);
	assert_int_equal(counted_at_all(), 0);
}

/* Each pair counts for itself. */
static void test_pairs(void **state)
{
	NEEDS_BPF(state);
	put(NULL, overlay(path(5, 6, 0, DELAY(MS))));
	shoot_times(3);
	(void)passes(six, five);
	(void)passes(seven, six);
	assert_int_equal(counted(PORT_EFFECT_DELAY), 3);
	assert_int_equal(ports_traffic(6, 5, -1).affected[PORT_EFFECT_DELAY], 0);
	assert_int_equal(ports_traffic(7, 6, -1).affected[PORT_EFFECT_DELAY], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),	   cmocka_unit_test(test_merged),
		cmocka_unit_test(test_overtaking), cmocka_unit_test(test_qualities),
		cmocka_unit_test(test_queue),	   cmocka_unit_test(test_no_waiting),
		cmocka_unit_test(test_slowest),	   cmocka_unit_test(test_delays),
		cmocka_unit_test(test_in_vain),	   cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests_name("effects", tests, ports_set_up_classes, ports_tear_down);
}
