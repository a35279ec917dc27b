/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fixture for tests of conditions: puts conditions in force without a profile, and
 * runs frames through the programs. Includes ports.h; include after cmocka.h.
 */
#ifndef TESTS_UNIT_EDT_PORT_H
#define TESTS_UNIT_EDT_PORT_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/classes.h"
#include "tests/unit/ports.h"

#define STRANGER 999 /* an ifindex that is no port: the host */
#define LENGTH	 1000
#define CERTAIN	 0xffffffffU

/* EtherTypes of class 1, of class 2, and of no class. */
enum { TYPE_ONE = 0x88b5, TYPE_TWO = 0x88b6, TYPE_OTHER = 0x88b7 };

static inline struct policy_entry up(uint16_t link, struct port_conditions c)
{
	return (struct policy_entry) {{.from = link, .hop = PORT_HOP_UP}, c};
}

static inline struct policy_entry down(uint16_t link, struct port_conditions c)
{
	return (struct policy_entry) {{.to = link, .hop = PORT_HOP_DOWN}, c};
}

static inline struct policy_entry path(uint16_t from, uint16_t to, uint8_t class,
				       struct port_conditions c)
{
	return (struct policy_entry) {
		{.from = from, .to = to, .hop = PORT_HOP_PATH, .class = class}, c};
}

/* Conditions with their `has` bits, as edt.c compiles them. */
#define C(bits, ...) ((struct port_conditions) {.has = (bits), __VA_ARGS__})
#define DELAY(time)  C(PORT_HAS_DELAY, .delay = (time))
#define LOSS(ratio)  C(PORT_HAS_LOSS, .loss = {(ratio)})

struct setting {
	const struct policy_entry *base, *overlays;
	size_t base_count, overlay_count;
	const struct port_trace_row *rows;
	size_t row_count;
	bool not_held, unswept;
};

static inline void put_setting(const struct setting *s)
{
	struct policy_base base = {.entries = (struct policy_entry *)s->base,
				   .count = s->base_count,
				   .rows = (struct port_trace_row *)s->rows,
				   .row_count = s->row_count};
	struct policy_change change;

	policy_begin(policy, &change);
	assert_int_equal(policy_put_base(policy, &change, &base, NULL), 0);
	assert_int_equal(policy_put_overlays(policy, &change, s->overlays, s->overlay_count, NULL),
			 0);
	change.slot->flags &= ~(uint32_t)PORT_FLAG_HELD;
	change.slot->flags |= s->not_held ? 0 : PORT_FLAG_HELD;
	policy_commit(policy);
	if (!s->unswept)
		policy_sweep(policy);
}

static inline void forget(void)
{
	ports_empty(POLICY_STATES);
	ports_empty(POLICY_TRAFFIC);
}

/* Puts these entries in force and clears all states and counters. */
#define PUT(...)                                                                       \
	do {                                                                           \
		const struct policy_entry list[] = {__VA_ARGS__};                      \
		put_setting(&(struct setting) {list, .base_count = ARRAY_SIZE(list)}); \
		forget();                                                              \
	} while (0)

static uint8_t shot_frame[LENGTH];

/* Prepares a frame with an EtherType. */
static inline struct shot aim(uint32_t from, uint32_t to, uint16_t type)
{
	static const uint8_t ends[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint16_t wire = htons(type);

	memset(shot_frame, 0, sizeof(shot_frame));
	memcpy(shot_frame, ends, sizeof(ends));
	memcpy(shot_frame + 12, &wire, sizeof(wire));
	return (struct shot) {from, to, .frame = shot_frame, .length = LENGTH};
}

static inline struct shot shoot_type(uint32_t from, uint32_t to, uint16_t type, uint32_t *verdict)
{
	struct shot shot = aim(from, to, type);

	*verdict = ports_run(policy->prog[POLICY_PORT], &shot);
	return shot;
}

/* Runs a frame that must pass. */
static inline struct shot shoot(uint32_t from, uint32_t to)
{
	uint32_t verdict;
	struct shot shot = shoot_type(from, to, TYPE_OTHER, &verdict);

	assert_int_equal(verdict, PASS);
	return shot;
}

static inline bool passes(uint32_t from, uint32_t to)
{
	uint32_t verdict;

	shoot_type(from, to, TYPE_OTHER, &verdict);
	return verdict == PASS;
}

/* Checks that the departure is `delay` ns after the program ran. */
static inline void expect_delay(const struct shot *shot, uint64_t delay)
{
	if (!delay && !shot->tstamp)
		return;
	if (shot->tstamp < shot->before + delay || shot->tstamp > shot->after + delay)
		fail_msg("a delay of %.6f to %.6f ms, not %.6f",
			 ((double)shot->tstamp - (double)shot->after) / 1e6,
			 ((double)shot->tstamp - (double)shot->before) / 1e6, (double)delay / 1e6);
}

/* Sets up the ports, and three classes by their EtherTypes. */
static inline int ports_set_up_classes(void **state)
{
	static const char text[] = "classes:\n  one: {ethertype: 0x88b5}\n"
				   "  two: {ethertype: 0x88b6}\n"
				   "  lacp: {ethertype: 0x8809}\n";
	struct netsim_diags diags = {0};
	struct policy_change change;
	struct class_set *set = NULL;
	int r = ports_set_up(state);

	if (!ports_ready)
		return r;
	assert_int_equal(classes_parse("c.yaml", text, sizeof(text) - 1, &set, &diags), 0);
	policy_begin(policy, &change);
	assert_int_equal(policy_put_classes(policy, &change, set, NULL), 0);
	policy_commit(policy);
	classes_free(set);
	return 0;
}

#endif
