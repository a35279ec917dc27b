// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets that a fault holds: which ones are parked, when they leave, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/if_ether.h>

#include "tests/unit/edt_port.h"

#define PARKED ((uint32_t)TC_ACT_REDIRECT)
#define HOLD   ((struct port_conditions) {.has = PORT_HAS_HOLD})
#define LOOK   (20 * MS)

static void forget_parked(void)
{
	uint32_t ticket;
	struct port_park_key key;

	while (bpf_map_get_next_key(policy->map[POLICY_PARKED], NULL, &ticket) == 0)
		bpf_map_delete_elem(policy->map[POLICY_PARKED], &ticket);
	while (bpf_map_get_next_key(policy->map[POLICY_PARK_FLOWS], NULL, &key) == 0)
		bpf_map_delete_elem(policy->map[POLICY_PARK_FLOWS], &key);
	*policy->park = (struct port_park) {.ifindex = seven};
}

/* Puts entries in force, with an empty pair of veths. */
#define BEGIN(...)                \
	do {                      \
		forget_parked();  \
		PUT(__VA_ARGS__); \
	} while (0)

static struct port_parked parked(const struct shot *shot)
{
	uint32_t ticket = shot->mark & ~PORT_MARK_MASK;
	struct port_parked ret = {0};

	assert_int_equal(shot->mark & PORT_MARK_MASK, PORT_MARK_PARK);
	assert_int_equal(bpf_map_lookup_elem(policy->map[POLICY_PARKED], &ticket, &ret), 0);
	return ret;
}

/* Runs a new frame that must be parked. */
static struct shot hold(uint32_t from, uint32_t to)
{
	uint32_t verdict;
	struct shot shot = shoot_type(from, to, TYPE_OTHER, &verdict);

	assert_int_equal(verdict, PARKED);
	return shot;
}

/* Runs a parked frame once more, at its port: it comes from the pair then. */
static uint32_t look(struct shot *shot)
{
	struct shot again = aim(six, shot->to, TYPE_OTHER);
	uint32_t verdict;

	again.mark = shot->mark;
	verdict = ports_run(policy->prog[POLICY_PORT], &again);
	shot->mark = again.mark;
	return verdict;
}

/* Changes when the packets from five to six leave, relative to now. */
static void set_times(int64_t until, int64_t last)
{
	struct port_park_key key = {.from = LINK_5, .to = LINK_6};
	struct port_park_flow flow;

	assert_int_equal(bpf_map_lookup_elem(policy->map[POLICY_PARK_FLOWS], &key, &flow), 0);
	flow.until = policy_now() + (uint64_t)until;
	flow.last = policy_now() + (uint64_t)last;
	assert_int_equal(bpf_map_update_elem(policy->map[POLICY_PARK_FLOWS], &key, &flow, 0), 0);
}

static void test_held_and_healed(void **state)
{
	struct shot shot;

	NEEDS_BPF(state);
	BEGIN(path(5, 6, 0, HOLD));
	shot = hold(five, six);
	assert_int_equal(parked(&shot).ifindex, six);
	assert_int_equal(parked(&shot).link, LINK_5);
	assert_int_equal(policy->park->count, 1);
	assert_int_equal(policy->park->bytes, LENGTH);
	assert_true(passes(six, five));
	assert_true(passes(five, seven));
	assert_int_equal(look(&shot), PARKED);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 0);
	assert_int_equal(ports_traffic(5, 6, -1).affected[PORT_EFFECT_HOLD], 1);
	PUT(path(5, 6, 0, LOSS(0)));
	set_times(-(int64_t)MS, 0);
	assert_int_equal(look(&shot), PASS);
	assert_int_equal(shot.mark, 0);
	assert_int_equal(policy->park->count, 0);
	assert_int_equal(policy->park->bytes, 0);
	assert_int_equal(ports_traffic(5, 6, -1).packets, 1);
	assert_true(passes(five, six));
}

/* Of one flow, a packet leaves when all earlier ones have left. */
static void test_order(void **state)
{
	struct shot one, two, three, other;
	uint32_t verdict;

	NEEDS_BPF(state);
	BEGIN(up(LINK_5, HOLD));
	one = hold(five, six);
	two = hold(five, six);
	other = hold(five, seven);
	PUT(up(LINK_5, LOSS(0)));
	/* Before all have been looked at, none leaves. */
	set_times(SECOND, 0);
	assert_int_equal(look(&one), PARKED);
	set_times(-(int64_t)MS, -(int64_t)MS);
	assert_int_equal(look(&two), PARKED);
	three = shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, PARKED);
	assert_int_equal(ports_traffic(5, 6, -1).affected[PORT_EFFECT_HOLD],
			 0); /* it only follows */
	/* Neither another class waits, nor another node. */
	shoot_type(five, six, TYPE_ONE, &verdict);
	assert_int_equal(verdict, PASS);
	assert_true(passes(six, five));
	assert_int_equal(look(&three), PARKED);
	assert_int_equal(look(&one), PASS);
	assert_int_equal(look(&three), PARKED);
	assert_int_equal(look(&two), PASS);
	assert_int_equal(look(&three), PASS);
	assert_true(passes(five, six));
	assert_int_equal(policy->park->count, 1);
	assert_int_equal(parked(&other).link, LINK_5);
}

/* When packets look again that wait for their turn. */
static void test_turns(void **state)
{
	struct shot two, three;
	uint64_t now;
	uint32_t verdict;

	NEEDS_BPF(state);
	BEGIN(up(LINK_5, HOLD));
	hold(five, six);
	two = hold(five, six);
	PUT(up(LINK_5, LOSS(0)));
	now = policy_now();
	set_times(SECOND, 0);
	assert_int_equal(look(&two), PARKED); /* 0.2 ms after the first */
	assert_in_range(parked(&two).leaves, now + SECOND, policy_now() + SECOND + MS);
	three = shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, PARKED);
	assert_int_equal(parked(&three).leaves, parked(&two).leaves + MS / 5);
	set_times(-(int64_t)MS, SECOND);
	three = shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, PARKED);
	assert_in_range(parked(&three).leaves, now + SECOND, policy_now() + SECOND + MS);
	set_times(-(int64_t)MS, -(int64_t)MS);
	three = shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_in_range(parked(&three).leaves, three.before + MS / 5, three.after + MS);
	assert_int_equal(look(&three), PARKED);
	assert_in_range(parked(&three).leaves, three.before + MS / 5, policy_now() + MS);
}

/* If packets were lost on the way, those behind wait three seconds for them. */
static void test_lost(void **state)
{
	struct shot two;
	uint32_t verdict;

	NEEDS_BPF(state);
	BEGIN(down(LINK_6, HOLD));
	hold(five, six);
	two = hold(five, six);
	PUT(down(LINK_6, LOSS(0)));
	set_times(-100 * (int64_t)MS, -4 * (int64_t)SECOND);
	assert_int_equal(look(&two), PARKED);
	set_times(-4 * (int64_t)SECOND, -2 * (int64_t)SECOND);
	assert_int_equal(look(&two), PARKED);
	/* However many come meanwhile. */
	set_times(-4 * (int64_t)SECOND, -2500 * (int64_t)MS);
	shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, PARKED);
	usleep(510000);
	assert_int_equal(look(&two), PASS);
}

/* A packet is looked at again at the deadline, and before that from time to time. */
static void test_times(void **state)
{
	uint64_t now = policy_now();
	struct policy_entry until = path(5, 6, 0, C(PORT_HAS_HOLD, .deadline = now + 10 * SECOND));
	struct shot shot;

	NEEDS_BPF(state);
	until.key.layer = 1;
	forget_parked();
	put_setting(&(struct setting) {.overlays = &until, .overlay_count = 1});
	shot = hold(five, six);
	assert_in_range(parked(&shot).leaves, shot.before + LOOK, shot.after + LOOK);
	policy->park->count = 1000; /* 0.2 ms for each */
	assert_int_equal(look(&shot), PARKED);
	assert_in_range(parked(&shot).leaves, now + LOOK + 200 * MS, now + 10 * SECOND - 1);
	policy->park->count = 100000;
	assert_int_equal(look(&shot), PARKED);
	assert_int_equal(parked(&shot).leaves, now + 10 * SECOND);
	/* Those that entered later leave later, by 0.2 ms for each that was there. */
	shot = hold(five, six);
	assert_int_equal(parked(&shot).leaves, now + 30 * SECOND);
	until.conditions.deadline = now;
	put_setting(&(struct setting) {.overlays = &until, .overlay_count = 1});
	forget_parked();
	assert_true(passes(five, six));
}

static void expect_queue_drop(uint64_t before)
{
	uint32_t verdict;

	shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, DROP);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_QUEUE], before + 1);
}

static void test_bounds(void **state)
{
	struct shot one;

	NEEDS_BPF(state);
	BEGIN(path(5, 6, 0, HOLD));
	one = hold(five, six);
	policy->park->bytes = PORT_PARKED_BYTES;
	expect_queue_drop(0);
	policy->park->bytes = LENGTH;
	for (int i = 1; i < PORT_PARKED; i++)
		hold(five, six);
	assert_int_equal(policy->park->count, PORT_PARKED);
	expect_queue_drop(1);
	assert_int_equal(look(&one), PARKED);
	/* There are tickets for all, also if the numbers of others are in use. */
	PUT(path(5, 6, 0, LOSS(0)));
	set_times(-(int64_t)MS, 0);
	assert_int_equal(look(&one), PASS);
	PUT(path(5, 6, 0, HOLD));
	hold(five, six);
	expect_queue_drop(0);
	forget_parked();
	policy->park->ifindex = 0;
	expect_queue_drop(1);
}

/* Partitions drop what would be held, and what is. */
static void test_cut(void **state)
{
	const struct policy_group groups[] = {{(uint16_t[]) {5}, 1}, {(uint16_t[]) {6}, 1}};
	const struct policy_cut cut = {
		.kind = PORT_FAULT_GROUPS, .groups = groups, .group_count = 2};
	uint32_t verdict, id;
	struct shot shot;

	NEEDS_BPF(state);
	BEGIN(path(5, 6, 0, HOLD));
	shot = hold(five, six);
	assert_int_equal(policy_partition(policy, &cut, &id, NULL), 0);
	shoot_type(five, seven, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, PASS);
	set_times(-(int64_t)MS, 0);
	assert_int_equal(look(&shot), DROP);
	assert_int_equal(policy->park->count, 0);
	shoot_type(five, six, TYPE_OTHER, &verdict);
	assert_int_equal(verdict, DROP);
	assert_int_equal(ports_traffic(5, 6, -1).dropped[PORT_DROP_CUT], 2);
	ports_heal(&id, 1);
}

/* Runs a frame with a tag of a VLAN, or without. */
static uint32_t tagged(uint16_t vlan)
{
	struct shot shot = aim(five, six, vlan ? ETH_P_8021Q : TYPE_OTHER);

	shot_frame[14] = (uint8_t)(vlan >> 8);
	shot_frame[15] = (uint8_t)vlan;
	shot_frame[16] = 0x88;
	shot_frame[17] = 0xb7;
	return ports_run(policy->prog[POLICY_PORT], &shot);
}

static void test_vlan(void **state)
{
	struct policy_entry vlan = {{.from = 6, .to = 200, .hop = PORT_HOP_VLAN}, HOLD};

	NEEDS_BPF(state);
	vlan.key.layer = 1;
	forget_parked();
	put_setting(&(struct setting) {.overlays = &vlan, .overlay_count = 1});
	assert_int_equal(tagged(200), PARKED);
	assert_int_equal(tagged(201), PASS);
	assert_int_equal(tagged(0), PASS);
	/* Once nothing is held, what was lost in the pair is forgotten. */
	put_setting(&(struct setting) {0});
	assert_int_equal(policy->park->count, 1);
	forget_parked();
	policy->park->count = 1;
	policy_sweep(policy);
	assert_int_equal(policy->park->count, 0);
}

/* The programs of the pair: one sets the time, the other leads back. */
static void test_pair(void **state)
{
	struct shot shot, stranger;

	NEEDS_BPF(state);
	BEGIN(path(5, 6, 0, HOLD));
	shot = hold(five, six);
	assert_int_equal(ports_run(policy->prog[POLICY_PARK_IN], &shot), PASS);
	assert_int_equal(shot.tstamp, parked(&shot).leaves);
	assert_int_equal(ports_run(policy->prog[POLICY_PARK_OUT], &shot), PARKED);
	stranger = aim(five, six, TYPE_OTHER);
	assert_int_equal(ports_run(policy->prog[POLICY_PARK_IN], &stranger), DROP);
	assert_int_equal(ports_run(policy->prog[POLICY_PARK_OUT], &stranger), DROP);
	stranger.mark = PORT_MARK_PARK | 4711;
	assert_int_equal(ports_run(policy->prog[POLICY_PORT], &stranger), DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_and_healed),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, ports_set_up_classes, ports_tear_down);
}
