// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Selection of the conditions in force: fault layers and their deadlines, pairs and
 * classes, traces, links and VLANs that are down; sweeping of stale entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/edt_port.h"

static void expect(uint32_t from, uint32_t to, uint16_t type, uint64_t delay)
{
	struct shot shot;
	uint32_t verdict;

	ports_empty(POLICY_STATES); /* also forgets the pair's latest departure */
	shot = shoot_type(from, to, type, &verdict);
	assert_int_equal(verdict, PASS);
	if (!delay)
		assert_true(shot.tstamp == 0);
	expect_delay(&shot, delay);
}

/* Precedence: conditions of pair and class, of the pair, of the class. */
static void test_specific(void **state)
{
	NEEDS_BPF(state);
	PUT(path(5, 6, 1, DELAY(10 * MS)), path(5, 6, 0, DELAY(20 * MS)),
	    path(PORT_ANY, PORT_ANY, 1, DELAY(40 * MS)),
	    path(PORT_ANY, PORT_ANY, 2, DELAY(80 * MS)));
	expect(five, six, TYPE_ONE, 10 * MS);
	expect(five_too, six, TYPE_ONE, 10 * MS);
	expect(five, six, TYPE_TWO, 20 * MS);
	expect(five, six, TYPE_OTHER, 20 * MS);
	expect(six, five, TYPE_ONE, 40 * MS);
	expect(six, five, TYPE_TWO, 80 * MS);
	expect(six, five, TYPE_OTHER, 0);
	expect(seven, six, TYPE_ONE, 40 * MS);
	expect(STRANGER, six, TYPE_TWO, 80 * MS);
	/* only classes, only pairs */
	PUT(path(PORT_ANY, PORT_ANY, 1, DELAY(40 * MS)));
	expect(five, six, TYPE_ONE, 40 * MS);
	expect(five, six, TYPE_OTHER, 0);
	PUT(path(5, 6, 0, DELAY(20 * MS)));
	expect(five, six, TYPE_ONE, 20 * MS);
	expect(six, five, TYPE_ONE, 0);
}

/* Puts an entry into a fault layer with a deadline. */
static struct policy_entry layer(struct policy_entry entry, uint8_t number, uint64_t deadline)
{
	entry.key.layer = number;
	entry.conditions.deadline = deadline;
	return entry;
}

/* The first layer whose deadline has not passed applies; after the last deadline, the profile. */
static void test_layers(void **state)
{
	uint64_t now = policy_now(), later = now + 3600 * SECOND;
	const struct policy_entry base = up(LINK_5, DELAY(MS));
	const struct {
		uint64_t deadlines[3], delay;
	} rows[] = {
		{{later, later, later}, 10 * MS},
		{{0, later, later}, 10 * MS},
		{{1, later, later}, 20 * MS},
		{{1, 1, later}, 40 * MS},
		{{1, 1, 0}, 40 * MS},
		{{1, 1, 1}, MS},
	};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct policy_entry overlays[] = {
			layer(up(LINK_5, DELAY(10 * MS)), 1, rows[i].deadlines[0]),
			layer(up(LINK_5, DELAY(20 * MS)), 2, rows[i].deadlines[1]),
			layer(up(LINK_5, DELAY(40 * MS)), 3, rows[i].deadlines[2])};

		put_setting(&(struct setting) {&base, overlays, 1, 3});
		expect(five, six, TYPE_OTHER, rows[i].delay);
		expect(six, five, TYPE_OTHER, 0);
	}
	put_setting(&(struct setting) {&base, NULL, 1, 0});
	expect(five, six, TYPE_OTHER, MS);
}

/* The maximum of layers, without a base; the last one ends at its deadline. */
static void test_last_layer(void **state)
{
	struct policy_entry overlays[PORT_LAYERS];
	uint64_t deadline = policy_now() + SECOND / 10;

	NEEDS_BPF(state);
	for (uint8_t i = 1; i <= PORT_LAYERS; i++)
		overlays[i - 1] =
			layer(path(5, 6, 0, DELAY(60 * SECOND)), i, i < PORT_LAYERS ? 1 : deadline);
	put_setting(&(struct setting) {NULL, overlays, 0, PORT_LAYERS});
	forget();
	while (policy_now() < deadline + 5 * SECOND) {
		struct shot shot;

		ports_empty(POLICY_STATES);
		shot = shoot(five, six);
		if (!shot.tstamp) {
			assert_true(shot.after >= deadline);
			return;
		}
		assert_true(shot.before < deadline);
		expect_delay(&shot, 60 * SECOND);
	}
	fail_msg("the last layer does not end");
}

/* Faults of a pair, with and without a class, on top of conditions of pairs and classes. */
static void test_overlaid_paths(void **state)
{
	const struct policy_entry base[] = {path(5, 6, 0, DELAY(10 * MS)),
					    path(PORT_ANY, PORT_ANY, 2, DELAY(20 * MS))};
	const struct policy_entry overlays[] = {layer(path(5, 6, 1, DELAY(40 * MS)), 1, 0),
						layer(path(6, 5, 0, DELAY(80 * MS)), 1, 0)};

	NEEDS_BPF(state);
	put_setting(&(struct setting) {base, overlays, 2, 2});
	expect(five, six, TYPE_ONE, 40 * MS);
	expect(five, six, TYPE_TWO, 10 * MS);
	expect(five, six, TYPE_OTHER, 10 * MS);
	expect(six, five, TYPE_OTHER, 80 * MS);
	expect(seven, five, TYPE_TWO, 20 * MS);
	/* healed faults leave no flag set that would look up their entries */
	put_setting(&(struct setting) {base, NULL, 1, 0});
	expect(five, six, TYPE_ONE, 10 * MS);
	expect(six, five, TYPE_OTHER, 0);
}

static uint64_t drops(enum port_drop reason)
{
	return ports_traffic(5, 6, -1).dropped[reason];
}

static void test_down(void **state)
{
	struct port_conditions c = {.has = PORT_HAS_DOWN};

	NEEDS_BPF(state);
	PUT(up(LINK_5, c));
	assert_false(passes(five, six));
	assert_int_equal(drops(PORT_DROP_DOWN), 1);
	assert_true(passes(five_too, six));
	assert_true(passes(six, five));
	PUT(down(LINK_6, c));
	assert_false(passes(five, six));
	assert_false(passes(STRANGER, six));
	assert_true(passes(six, five));
	assert_int_equal(drops(PORT_DROP_DOWN), 1);
}

/* A flap: up for the first 40 s of each 100 s, in all repetitions. */
static void test_flap(void **state)
{
	static const struct {
		unsigned since;
		bool passes;
	} rows[] = {{1, true},	 {39, true},   {41, false},  {99, false},   {101, true},
		    {139, true}, {141, false}, {199, false}, {10039, true}, {10041, false}};
	struct port_conditions c = {
		.has = PORT_HAS_DOWN, .down_period = 100 * SECOND, .down_after = 40 * SECOND};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		c.down_start = policy_now() - rows[i].since * SECOND;
		PUT(up(LINK_5, c));
		if (passes(five, six) != rows[i].passes)
			fail_msg("%u s after its start", rows[i].since);
	}
}

static bool passes_tagged(uint32_t from, uint32_t to, uint16_t vlan)
{
	struct shot shot = aim(from, to, 0x8100);
	uint16_t wire = htons(vlan);

	memcpy(shot_frame + 14, &wire, sizeof(wire));
	return ports_run(policy->prog[POLICY_PORT], &shot) == PASS;
}

/* One VLAN of a node is down, in both directions. */
static void test_vlan_down(void **state)
{
	struct policy_entry fault = {{.from = 5, .to = 100, .hop = PORT_HOP_VLAN, .layer = 1},
				     {.has = PORT_HAS_DOWN}};

	NEEDS_BPF(state);
	put_setting(&(struct setting) {NULL, &fault, 0, 1});
	forget();
	assert_false(passes_tagged(five, six, 100));
	assert_false(passes_tagged(six, five, 100));
	assert_false(passes_tagged(five_too, seven, 0xe000 | 100));
	assert_true(passes_tagged(six, seven, 100));
	assert_true(passes_tagged(five, six, 101));
	assert_true(passes(five, six));
	assert_int_equal(drops(PORT_DROP_DOWN), 1);
	fault.conditions.deadline = 1;
	put_setting(&(struct setting) {NULL, &fault, 0, 1});
	assert_true(passes_tagged(five, six, 100));
}

/* --- traces; rows last 100 s, so that the duration of a test does not matter */

static const struct port_trace_row rows[] = {
	/* two traces of one row, a long delay and never a rate; then a row of no trace */
	{.at = 0, .rate = 1, .delay = 900 * SECOND},
	{.at = 100 * SECOND, .rate = 0},
	{.at = 200 * SECOND, .rate = 1000000, .delay = 20 * MS, .loss = CERTAIN},
	/* the trace of trace() */
	{.at = 0, .rate = 1000000, .delay = 10 * MS},
	{.at = 100 * SECOND, .rate = 0, .resumes = 2},
	{.at = 200 * SECOND, .rate = 2000000, .delay = 20 * MS},
	{.at = 300 * SECOND, .rate = 4000000, .delay = 30 * MS, .loss = CERTAIN},
	{.at = 400 * SECOND, .rate = 0, .delay = 50 * MS},
	{.at = 500 * SECOND, .rate = 0},
};

static struct port_conditions trace(uint64_t since)
{
	return (struct port_conditions) {
		.has = PORT_HAS_TRACE,
		.queue = 10000 * SECOND,
		.trace_first = 3,
		.trace_count = 6,
		.trace_length = 600 * SECOND,
		.trace_start = policy_now() - since * SECOND,
		.trace_has = PORT_HAS_RATE | PORT_HAS_DELAY | PORT_HAS_LOSS,
	};
}

static void put_trace(struct port_conditions c)
{
	const struct policy_entry entry = up(LINK_5, c);

	put_setting(&(struct setting) {&entry, NULL, 1, 0, rows, ARRAY_SIZE(rows)});
	forget();
}

static void test_trace(void **state)
{
	struct port_conditions c;
	struct shot shot;

	NEEDS_BPF(state);
	put_trace(trace(50));
	shot = shoot(five, six);
	expect_delay(&shot, 11 * MS);
	put_trace(trace(250));
	shot = shoot(five, six);
	expect_delay(&shot, 20 * MS + MS / 2);
	put_trace(trace(350));
	assert_false(passes(five, six));
	/* it repeats */
	put_trace(trace(650));
	shot = shoot(five, six);
	expect_delay(&shot, 11 * MS);
	put_trace(trace(6000000 + 250));
	shot = shoot(five, six);
	expect_delay(&shot, 20 * MS + MS / 2);
	/* only the columns that the trace has */
	c = trace(250);
	c.trace_has = PORT_HAS_DELAY;
	c.rate = 500000;
	put_trace(c);
	shot = shoot(five, six);
	expect_delay(&shot, 22 * MS);
	c = trace(350);
	c.trace_has = PORT_HAS_RATE;
	c.delay = 5 * MS;
	put_trace(c);
	shot = shoot(five, six);
	expect_delay(&shot, 5 * MS + MS / 4);
	/* a trace of one row, of which only the delay applies */
	c.trace_first = 0;
	c.trace_count = 1;
	c.trace_has = PORT_HAS_DELAY;
	put_trace(c);
	shot = shoot(five, six);
	expect_delay(&shot, 900 * SECOND);
}

/* A row without a rate holds packets until the next row that has one. */
static void test_stall(void **state)
{
	static const struct {
		unsigned since, resumes;
		uint64_t lasts;
	} stalls[] = {{150, 200, MS / 2}, {450, 600, MS}, {550, 600, MS}, {1150, 1200, MS}};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(stalls); i++) {
		struct port_conditions c = trace(stalls[i].since);
		uint64_t resumes = c.trace_start + stalls[i].resumes * SECOND;

		c.trace_has = PORT_HAS_RATE;
		put_trace(c);
		for (uint64_t n = 1; n <= 5; n++) {
			struct shot shot = shoot(five, six);

			if (shot.tstamp != resumes + n * stalls[i].lasts)
				fail_msg("stalled %u s in: %f s late", stalls[i].since,
					 ((double)shot.tstamp - (double)resumes) / 1e9);
		}
		/* the queue limit applies during the stall */
		c.queue = SECOND;
		put_trace(c);
		assert_true(passes(five, six));
		assert_false(passes(five, six));
	}
}

/* A trace without any rate drops everything: its stall never ends. */
static void test_no_rate(void **state)
{
	struct port_conditions c = trace(0);

	NEEDS_BPF(state);
	c.trace_first = 1;
	c.trace_count = 1;
	c.trace_has = PORT_HAS_RATE;
	put_trace(c);
	assert_false(passes(five, six));
	assert_int_equal(drops(PORT_DROP_QUEUE), 1);
}

/* Queued packets are sent at the rate in force when their transmission starts. */
static void test_rate_changes(void **state)
{
	struct port_conditions c = trace(300);
	struct shot shot;
	uint64_t last = 0;

	NEEDS_BPF(state);
	c.trace_has = PORT_HAS_RATE;
	c.trace_start = policy_now() - 295 * SECOND; /* 2 MB/s, from 5 s on 4 MB/s */
	put_trace(c);
	shot = aim(five, six, TYPE_OTHER);
	for (int i = 0; i < 400; i++) {
		shot.wire_len = 60000;
		shot.tstamp = 0;
		shot.mark = 0;
		ports_run(policy->prog[POLICY_PORT], &shot);
		if (last > c.trace_start + 300 * SECOND)
			assert_true(shot.tstamp == last + 15 * MS);
		else if (last)
			assert_true(shot.tstamp == last + 30 * MS);
		last = shot.tstamp;
	}
	assert_true(last > c.trace_start + 300 * SECOND);
}

/* --- packets in flight and later ones */

/* A slow class does not hold up packets of other classes. */
static void test_order_of_classes(void **state)
{
	struct shot shot;
	uint32_t verdict;

	NEEDS_BPF(state);
	PUT(up(LINK_5, DELAY(MS)), path(5, 6, 1, DELAY(100 * SECOND)),
	    path(PORT_ANY, PORT_ANY, 2, DELAY(50 * SECOND)));
	for (int i = 0; i < 3; i++) {
		shot = shoot_type(five, six, TYPE_ONE, &verdict);
		expect_delay(&shot, 100 * SECOND + MS);
		shot = shoot_type(five, six, TYPE_TWO, &verdict);
		expect_delay(&shot, 50 * SECOND + MS);
		shot = shoot(five, six);
		expect_delay(&shot, MS);
	}
}

/* Packets sent under expired conditions do not hold up later packets. */
static void test_change(void **state)
{
	struct port_conditions slow = {.has = PORT_HAS_RATE, .rate = 1000, .queue = 1000 * SECOND};
	struct port_conditions fast = {.has = PORT_HAS_RATE, .rate = 1000000, .queue = 10 * MS};
	const struct policy_entry base[] = {up(LINK_5, fast), down(LINK_6, DELAY(10 * MS))};
	const struct policy_entry overlays[] = {layer(up(LINK_5, slow), 1, 0),
						layer(down(LINK_6, DELAY(60 * SECOND)), 1, 0)};
	struct shot shot;

	NEEDS_BPF(state);
	forget();
	put_setting(&(struct setting) {base, overlays, 2, 2});
	for (uint64_t i = 1; i <= 500; i++) {
		shot = shoot(five, six);
		assert_true(shot.tstamp > shot.after + (59 + i) * SECOND);
	}
	put_setting(&(struct setting) {base, NULL, 2, 0});
	shot = shoot(five, six);
	expect_delay(&shot, 11 * MS);
	/* changing the conditions of another link does not reset a link's clock */
	put_setting(&(struct setting) {
		base, (struct policy_entry[]) {layer(up(LINK_7, slow), 1, 0)}, 2, 1});
	for (int i = 0; i < 8; i++) {
		uint64_t last = shot.tstamp;

		shot = shoot(five, six);
		assert_true(shot.tstamp == last + MS || shot.before + 11 * MS > last + MS);
	}
}

/* --- stale entries */

/* A sweep deletes old conditions and states of removed nodes, but no counters in use. */
static void test_sweep(void **state)
{
	struct port_key key = {.from = 9, .to = 6, .hop = PORT_HOP_PATH};
	struct port_key shared = {.from = PORT_ANY, .to = PORT_ANY};
	const struct policy_entry base[] = {up(LINK_5, DELAY(MS)), path(5, 6, 0, DELAY(MS)),
					    path(PORT_ANY, PORT_ANY, 1, DELAY(MS))};
	struct port_state old = {0};
	struct port_conditions c;
	size_t entries = 0;
	bool more;

	NEEDS_BPF(state);
	put_setting(&(struct setting) {base, NULL, 3, 0});
	forget();
	shoot(five, six);
	assert_int_equal(bpf_map_update_elem(policy->map[POLICY_STATES], &key, &old, BPF_ANY), 0);
	policy->control->stale |= PORT_STALE_NODES;
	for (int i = 0; i < 4; i++)
		put_setting(&(struct setting) {base, NULL, 3, 0});
	assert_int_equal(ports_traffic(5, 6, -1).packets, 1);
	assert_int_equal(bpf_map_lookup_elem(policy->map[POLICY_STATES], &shared, &old), 0);
	assert_true(bpf_map_lookup_elem(policy->map[POLICY_STATES], &key, &old) < 0);
	key.from = 5;
	assert_int_equal(bpf_map_lookup_elem(policy->map[POLICY_STATES], &key, &old), 0);
	assert_int_equal(policy_now_at(policy, base[0].key, &c), 0);
	assert_int_equal(policy_now_at(policy, base[2].key, &c), 0);
	more = bpf_map_get_next_key(policy->map[POLICY_CONDITIONS], NULL, &key) == 0;
	for (; more; entries++)
		more = bpf_map_get_next_key(policy->map[POLICY_CONDITIONS], &key, &key) == 0;
	assert_int_equal(entries, 3);
}

/* --- partitions of a part of the traffic */

static void cut_part(const char *class, uint16_t vlan)
{
	uint16_t a = 5, b = 6;
	const struct policy_group groups[] = {{&a, 1}, {&b, 1}};
	uint32_t id = 0;

	assert_int_equal(policy_partition(policy,
					  &(struct policy_cut) {.kind = PORT_FAULT_GROUPS,
								.groups = groups,
								.group_count = 2,
								.class = class,
								.vlan = vlan},
					  &id, NULL),
			 0);
}

static bool passes_type(uint32_t from, uint32_t to, uint16_t type)
{
	uint32_t verdict;

	shoot_type(from, to, type, &verdict);
	return verdict == PASS;
}

static void put_classes(const char *text)
{
	struct netsim_diags diags = {0};
	struct policy_change change;
	struct class_set *set = NULL;

	assert_int_equal(classes_parse("c.yaml", text, strlen(text), &set, &diags), 0);
	policy_begin(policy, &change);
	assert_int_equal(policy_put_classes(policy, &change, set, NULL), 0);
	policy_commit(policy);
	classes_free(set);
}

static void test_cut_class(void **state)
{
	NEEDS_BPF(state);
	PUT(path(5, 6, 1, LOSS(0)));
	cut_part("two", 0);
	assert_false(passes_type(five, six, TYPE_TWO));
	assert_false(passes_type(six, five, TYPE_TWO));
	assert_true(passes_type(seven, six, TYPE_TWO));
	assert_true(passes_type(five, six, TYPE_ONE));
	assert_true(passes_type(five, six, TYPE_OTHER));
	/* A part does not make the nodes unreachable. */
	assert_true(policy_reaches(policy, 5, 6));
	/* The class keeps its cut under another number; without the class, nothing is cut. */
	put_classes("classes:\n  two: {ethertype: 0x88b6}\n  one: {ethertype: 0x88b5}\n");
	assert_false(passes_type(five, six, TYPE_TWO));
	assert_true(passes_type(five, six, TYPE_ONE));
	put_classes("classes:\n  one: {ethertype: 0x88b5}\n");
	assert_true(passes_type(five, six, TYPE_TWO));
	assert_true(passes_type(five, six, TYPE_ONE));
	/* A partition of everything beside it */
	put_classes("classes:\n  one: {ethertype: 0x88b5}\n  two: {ethertype: 0x88b6}\n");
	cut_part(NULL, 0);
	assert_false(passes_type(five, six, TYPE_OTHER));
	assert_false(policy_reaches(policy, 5, 6));
	ports_heal(NULL, 0);
	assert_true(passes_type(five, six, TYPE_TWO));
	/* Its bit is reused without the limit. */
	cut_part(NULL, 0);
	assert_false(passes_type(five, six, TYPE_ONE));
	ports_heal(NULL, 0);
}

static void test_cut_vlan(void **state)
{
	NEEDS_BPF(state);
	PUT(path(5, 6, 1, LOSS(0)));
	cut_part(NULL, 100);
	assert_false(passes_tagged(five, six, 100));
	assert_false(passes_tagged(six, five, 100));
	assert_true(passes_tagged(five, six, 200));
	assert_true(passes_tagged(seven, six, 100));
	assert_true(passes_type(five, six, TYPE_OTHER));
	assert_true(policy_reaches(policy, 5, 6));
	ports_heal(NULL, 0);
	assert_true(passes_tagged(five, six, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specific),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_last_layer),
		cmocka_unit_test(test_overlaid_paths),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_flap),
		cmocka_unit_test(test_vlan_down),
		cmocka_unit_test(test_cut_class),
		cmocka_unit_test(test_cut_vlan),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_no_rate),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_rate_changes),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_order_of_classes),
		cmocka_unit_test(test_change),
	};

	return cmocka_run_group_tests_name("overlay", tests, ports_set_up_classes, ports_tear_down);
}
