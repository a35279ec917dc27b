// SPDX-License-Identifier: GPL-2.0-or-later
/* Partitions: group bits, stacking, healing and deadlines, in plain memory without eBPF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netsim/policy/bits.h"
#include "netsim/policy/describe.h"
#include "netsim/util/auto.h"
#include "netsim/util/ring.h"
#include "tests/unit/policy.h"

static uint32_t cut_until(struct policy *p, enum port_fault_kind kind, const char *text,
			  uint64_t deadline)
{
	struct groups g;
	struct netsim_err err = {0};
	uint32_t id = 0;

	groups(text, &g);
	if (policy_partition(p, &(struct policy_cut) {kind, g.list, g.count, deadline, NULL}, &id,
			     &err) < 0)
		fail_msg("%s: %s", text, err.what);
	assert_int_not_equal(id, 0);
	return id;
}

static uint32_t cut(struct policy *p, enum port_fault_kind kind, const char *text)
{
	return cut_until(p, kind, text, 0);
}

/* Checks which directed pairs are cut off: "ab ba". */
static void expect_cut(const struct policy *p, const char *pairs)
{
	for (int from = 0; from < NODES; from++)
		for (int to = 0; to < NODES; to++) {
			char pair[3] = {NAMES[from], NAMES[to], 0};
			bool reaches = strstr(pairs, pair) == NULL;

			if (policy_reaches(p, from, to) != reaches)
				fail_msg("%s %s", pair, reaches ? "is cut" : "passes");
		}
}

/* The first 64 groups of a set. */
static uint64_t low(const struct port_bits *bits)
{
	return bits->word[0];
}

/* The first 64 groups that a node is in or cut off from. */
static uint64_t part_of(const struct port_node *node)
{
	return node->member.word[0] | node->cut.word[0];
}

static void test_groups(void **state)
{
	struct policy *p = *state;
	const struct port_node *nodes;

	expect_cut(p, "");
	assert_int_equal(cut(p, PORT_FAULT_GROUPS, "ab c"), 1);
	expect_cut(p, "ac bc ca cb");
	nodes = policy_nodes(p);
	assert_int_equal(low(&nodes[1].member), 1);
	assert_int_equal(low(&nodes[1].cut), 2);
	assert_int_equal(low(&nodes[2].member), 1);
	assert_int_equal(low(&nodes[3].member), 2);
	assert_int_equal(low(&nodes[3].cut), 1);
	assert_int_equal(part_of(&nodes[4]), 0);
	assert_int_equal(low(&policy_slot(p)->faults[0].bits), 3);
	heal(p, NULL, 0);
	expect_cut(p, "");
	assert_int_equal(part_of(&policy_nodes(p)[1]), 0);
	/* fault numbers are not reused */
	assert_int_equal(cut(p, PORT_FAULT_GROUPS, "a b c"), 2);
	expect_cut(p, "ab ac ba bc ca cb");
}

static void test_kinds(void **state)
{
	static const struct {
		enum port_fault_kind kind;
		const char *groups, *pairs, *text;
		size_t bits;
	} rows[] = {
		{PORT_FAULT_GROUPS, "a b", "ab ba", "partition a | b", 2},
		{PORT_FAULT_GROUPS, "ab", "", "partition a,b", 1},
		{PORT_FAULT_GROUPS, "a 0", "a0 0a", "partition a | host", 2},
		{PORT_FAULT_GROUPS, "abc cde", "ad ae bd be da db ea eb", "partition a,b,c | c,d,e",
		 3},
		{PORT_FAULT_GROUPS, "ab bc cd", "ac ca ad da bd db", "partition a,b | b,c | c,d",
		 4},
		{PORT_FAULT_GROUPS, "abc abd", "cd dc", "partition a,b,c | a,b,d", 3},
		{PORT_FAULT_GROUPS, "a b ac", "ab ba bc cb", "partition a,c | b", 3},
		{PORT_FAULT_REST, "a bcdefghijk",
		 "ab ac ad ae af ag ah ai aj ak ba ca da ea fa ga ha ia ja ka",
		 "partition a | rest", 2},
		{PORT_FAULT_ISOLATE, "abc", "ab ac ba bc ca cb", "isolate a,b,c", 1},
		{PORT_FAULT_ISOLATE, "0a", "0a a0", "isolate a,host", 1},
		{PORT_FAULT_ISOLATE, "a", "", "isolate a", 1},
		{PORT_FAULT_ONE_WAY, "ab cd", "ac ad bc bd", "one-way a,b -> c,d", 1},
		{PORT_FAULT_ONE_WAY, "a 0", "a0", "one-way a -> host", 1},
		{PORT_FAULT_MATRIX, "a b", "ab", "matrix a -> b", 1},
		{PORT_FAULT_MATRIX, "a bc b a", "ab ac ba", "matrix a -> b,c | b -> a", 2},
		{PORT_FAULT_MATRIX, "abc abc 0 d d e", "ab ac ba bc ca cb 0d de",
		 "matrix a,b,c -> a,b,c | host -> d | d -> e", 3},
		{PORT_FAULT_RING, "abc", "ac ba cb", "ring a,b,c", 3},
		{PORT_FAULT_RING, "0ab", "0b a0 ba", "ring host,a,b", 3},
		{PORT_FAULT_RING, "abcd", "ac ca bd db", "ring a,b,c,d", 4},
		{PORT_FAULT_RING, "abcde", "ac ad bd be ca ce da db eb ec", "ring a,b,c,d,e", 5},
		{PORT_FAULT_RING, "abcdef", "ca da db eb ec fc fd ad ae be bf cf",
		 "ring a,b,c,d,e,f", 6},
	};
	struct policy *p = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t id = cut(p, rows[i].kind, rows[i].groups);
		const struct port_fault *fault = &policy_slot(p)->faults[0];
		char text[256];

		expect_cut(p, rows[i].pairs);
		assert_int_equal(bits_count(&fault->bits), rows[i].bits);
		policy_describe(p, fault, text, sizeof(text));
		assert_string_equal(text, rows[i].text);
		heal(p, &id, 1);
		expect_cut(p, "");
	}
}

static void test_stacking(void **state)
{
	struct policy *p = *state;
	uint32_t one = cut(p, PORT_FAULT_GROUPS, "a b");
	uint32_t two = cut(p, PORT_FAULT_GROUPS, "ab c");
	uint32_t three = cut(p, PORT_FAULT_ONE_WAY, "a b");
	uint32_t unknown[] = {99, two, 98};

	expect_cut(p, "ab ba ac bc ca cb");
	heal(p, &one, 1);
	expect_cut(p, "ab ac bc ca cb");
	heal(p, unknown, 3);
	expect_cut(p, "ab");
	heal(p, unknown, 3);
	expect_cut(p, "ab");
	/* freed bits are reused, bits in use stay unchanged */
	cut(p, PORT_FAULT_GROUPS, "d e f g");
	expect_cut(p, "ab de df dg ed ef eg fd fe fg gd ge gf");
	heal(p, &three, 1);
	expect_cut(p, "de df dg ed ef eg fd fe fg gd ge gf");
}

static void test_full(void **state)
{
	struct policy *p = *state;
	struct netsim_err err = {0};
	struct groups g;
	uint32_t id = 77, ids[PORT_FAULTS];

	for (int i = 0; i < PORT_FAULTS; i++)
		ids[i] = cut(p, PORT_FAULT_ONE_WAY, i % 2 ? "a b" : "b c");
	expect_cut(p, "ab bc");
	groups("d e", &g);
	assert_int_equal(
		policy_partition(p, &(struct policy_cut) {PORT_FAULT_ONE_WAY, g.list, 2, 0, NULL},
				 &id, &err),
		-ENOSPC);
	assert_int_equal(err.kind, NETSIM_ERR_KERNEL);
	assert_true(*err.hint);
	assert_int_equal(id, 77);
	expect_cut(p, "ab bc");
	heal(p, &ids[7], 1);
	expect_cut(p, "ab bc");
	assert_int_equal(
		policy_partition(p, &(struct policy_cut) {PORT_FAULT_GROUPS, g.list, 2, 0, NULL},
				 &id, NULL),
		0);
	expect_cut(p, "ab bc de ed");
	heal(p, NULL, 0);
	expect_cut(p, "");
	for (int i = 0; i < PORT_FAULTS; i++)
		assert_int_equal(policy_slot(p)->faults[i].id, 0);
}

/* As many groups as there are bits are accepted at once, one more is refused. */
static void test_many_groups(void **state)
{
	struct policy *p = *state;
	uint16_t numbers[PORT_BITS + 1];
	struct policy_group list[PORT_BITS + 1];
	uint32_t id;

	for (uint16_t i = 0; i <= PORT_BITS; i++) {
		numbers[i] = (uint16_t)(PORT_NODES - 1 - i);
		list[i] = (struct policy_group) {&numbers[i], 1};
	}
	assert_int_equal(policy_partition(p,
					  &(struct policy_cut) {PORT_FAULT_GROUPS, list,
								PORT_BITS + 1, 0, NULL},
					  &id, NULL),
			 -ENOSPC);
	assert_int_equal(
		policy_partition(p,
				 &(struct policy_cut) {PORT_FAULT_GROUPS, list, PORT_BITS, 0, NULL},
				 &id, NULL),
		0);
	for (int i = 0; i < PORT_BITS; i++)
		for (int j = 0; j < PORT_BITS; j++)
			assert_int_equal(policy_reaches(p, numbers[i], numbers[j]), i == j);
	assert_true(policy_reaches(p, numbers[PORT_BITS], numbers[0]));
	assert_int_equal(bits_count(&policy_slot(p)->faults[0].bits), PORT_BITS);
	heal(p, NULL, 0);
	/* One bit is left: enough for one way, too little for two groups. */
	assert_int_equal(policy_partition(p,
					  &(struct policy_cut) {PORT_FAULT_GROUPS, list,
								PORT_BITS - 1, 0, NULL},
					  &id, NULL),
			 0);
	assert_int_equal(policy_partition(p,
					  &(struct policy_cut) {PORT_FAULT_GROUPS,
								list + PORT_BITS - 1, 2, 0, NULL},
					  &id, NULL),
			 -ENOSPC);
	assert_int_equal(policy_partition(p,
					  &(struct policy_cut) {PORT_FAULT_ONE_WAY,
								list + PORT_BITS - 1, 2, 0, NULL},
					  &id, NULL),
			 0);
	assert_true(bits_has(&policy_slot(p)->faults[1].bits, PORT_BITS - 1));
	assert_false(policy_reaches(p, numbers[PORT_BITS - 1], numbers[PORT_BITS]));
	assert_true(policy_reaches(p, numbers[PORT_BITS], numbers[PORT_BITS - 1]));
}

/* A ring of more nodes than a word of bits has, among other partitions. */
static void test_large_ring(void **state)
{
	struct policy *p = *state;
	uint16_t numbers[70];
	const struct policy_group ring = {numbers, ARRAY_SIZE(numbers)};
	size_t heard = 0;
	uint32_t id;

	cut(p, PORT_FAULT_GROUPS, "a b c");
	for (uint16_t i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers[i] = (uint16_t)(100 + i);
	assert_int_equal(policy_partition(p,
					  &(struct policy_cut) {PORT_FAULT_RING, &ring, 1, 0, NULL},
					  &id, NULL),
			 0);
	for (size_t from = 0; from < ARRAY_SIZE(numbers); from++)
		for (size_t to = 0; to < ARRAY_SIZE(numbers); to++) {
			bool reaches = policy_reaches(p, numbers[from], numbers[to]);

			assert_int_equal(reaches, !ring_cuts(ARRAY_SIZE(numbers), from, to));
			heard += reaches;
		}
	assert_int_equal(heard, 70 * 36);
	heal(p, &id, 1);
	expect_cut(p, "ab ac ba bc ca cb");
}

/*
 * Kinds of nodes that nearly all meet, of which only a search without an end would find the groups:
 * the pairs that are cut are shown instead.
 */
static void test_many_kinds(void **state)
{
	struct policy *p = *state;
	uint16_t numbers[6][64];
	struct policy_group list[6] = {0};
	char text[512];
	uint32_t id;

	for (uint16_t i = 1; i < 64; i++)
		for (int g = 0; g < 6; g++) {
			list[g].nodes = numbers[g];
			if (i >> g & 1)
				list[g].nodes[list[g].count++] = (uint16_t)(100 + i);
		}
	assert_int_equal(
		policy_partition(p, &(struct policy_cut) {PORT_FAULT_GROUPS, list, 6, 0, NULL}, &id,
				 NULL),
		0);
	for (int a = 1; a < 64; a++)
		for (int b = 1; b < 64; b++)
			assert_int_equal(policy_reaches(p, 100 + a, 100 + b), a == b || a & b);
	policy_describe(p, &policy_slot(p)->faults[0], text, sizeof(text));
	assert_non_null(strstr(text, "(gone)"));
	assert_true(strlen(text) > 400);
}

static void test_deadlines(void **state)
{
	struct policy *p = *state;
	uint64_t later = policy_now() + 3600000000000ULL;
	uint32_t kept;

	cut_until(p, PORT_FAULT_GROUPS, "a b c d", PAST);
	expect_cut(p, "");
	assert_false(policy_alive(&policy_slot(p)->faults[0]));
	/* the next change frees the bits and the entry of an expired fault */
	kept = cut_until(p, PORT_FAULT_GROUPS, "a b", later);
	expect_cut(p, "ab ba");
	assert_int_equal(policy_slot(p)->faults[0].id, kept);
	assert_int_equal(low(&policy_slot(p)->faults[0].bits), 3);
	assert_int_equal(policy_slot(p)->faults[1].id, 0);
	assert_true(policy_alive(&policy_slot(p)->faults[0]));
	assert_int_equal(part_of(&policy_nodes(p)[3]), 0);
	for (int i = 0; i < 200; i++)
		cut_until(p, PORT_FAULT_GROUPS, "c d", PAST);
	expect_cut(p, "ab ba");
	assert_false(policy_alive(&(struct port_fault) {0}));
}

/* Changes are written to the idle policy only; the one in force stays unmodified. */
static void test_two_policies(void **state)
{
	struct policy *p = *state;
	const struct port_slot *before = policy_slot(p);
	struct port_slot copy = *before;

	assert_int_equal(p->control->active, 0);
	grace_periods = 0;
	cut(p, PORT_FAULT_GROUPS, "a b");
	assert_int_equal(grace_periods, 1);
	assert_int_equal(p->control->active, 1);
	assert_int_equal(p->control->settled, 1);
	assert_memory_equal(before, &copy, sizeof(copy));
	assert_int_equal(low(&p->nodes[1].member), 0);
	assert_int_equal(low(&p->nodes[PORT_NODES + 1].member), 1);
	/* a writer that was killed before it updated `settled` */
	p->control->settled = 0;
	cut(p, PORT_FAULT_GROUPS, "b c");
	assert_int_equal(grace_periods, 3);
	expect_cut(p, "ab ba bc cb");
	assert_int_equal(p->control->active, 0);
	assert_int_equal(p->control->settled, 0);
}

static void set_name(struct policy *p, int number, const char *name)
{
	snprintf(p->control->names[number], PORT_NODE_NAME, "%s", name);
	p->names[number] = p->control->names[number];
}

/* Nodes added later, and reused node numbers. */
static void test_numbers(void **state)
{
	struct policy *p = *state;
	struct model *fleet = model_new("f");
	struct groups g;
	const struct policy_cut cut_off = {PORT_FAULT_GROUPS, g.list, 2, 0, NULL};
	uint32_t id;

	model_add_node(fleet, "a");
	model_add_node(fleet, "late");
	cut(p, PORT_FAULT_REST, "a bcdefghijk");
	cut(p, PORT_FAULT_GROUPS, "b c");
	cut_until(p, PORT_FAULT_REST, "c abdefghijk", PAST);
	p->nodes[PORT_NODES * (p->control->active & 1) + NODES].member.word[0] =
		0xff; /* of a removed node */
	assert_int_equal(policy_node(p, "late"), -1);
	assert_int_equal(policy_number(p, fleet, NULL), 0);
	assert_int_equal(policy_node(p, "a"), 1);
	assert_int_equal(policy_node(p, "late"), NODES);
	assert_int_equal(policy_node(p, "host"), POLICY_HOST);
	assert_false(policy_reaches(p, 1, NODES));
	assert_false(policy_reaches(p, NODES, 1));
	assert_true(policy_reaches(p, 2, NODES));
	assert_true(policy_reaches(p, 3, NODES));
	heal(p, NULL, 0);
	assert_true(policy_reaches(p, NODES, 1));
	/* no number is free: those of nodes that are gone are reused, unless they are cut off */
	for (int i = NODES; i < PORT_NODES; i++)
		set_name(p, i, "gone");
	set_name(p, 20, "cut");
	groups("a b", &g);
	g.list[1].nodes[0] = 20;
	assert_int_equal(policy_partition(p, &cut_off, &id, NULL), 0);
	p->names[1] = p->names[NODES] = "taken";
	assert_int_equal(policy_number(p, fleet, NULL), 0);
	assert_string_equal(p->control->names[policy_node(p, "late")], "late");
	assert_int_equal(policy_node(p, "cut"), 20);
	assert_int_equal(policy_node(p, "gone"), -1);
	assert_int_equal(p->control->stale, 0);
	model_free(fleet);
}

static void test_text(void **state)
{
	static const struct {
		size_t size;
		const char *text;
	} rows[] = {
		{64, "partition a,b | c,(gone)"},
		{25, "partition a,b | c,..."},
		{16, "partition a,..."},
		{12, "..."},
		{4, "..."},
	};
	struct policy *p = *state;
	struct groups g;
	char text[64];

	groups("ab cd", &g);
	p->names[4] = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(text, 'x', sizeof(text));
		policy_describe_groups(p, PORT_FAULT_GROUPS, g.list, g.count, text, rows[i].size);
		assert_string_equal(text, rows[i].text);
	}
}

/* Copies of a flooded frame are charged at a port of the same bridge, if it has another one. */
static void test_charged_ports(void **state)
{
	struct link links[] = {{.master = "br0"}, {.master = "br1"}, {.master = "br0"},
			       {.master = "br0"}, {.master = "br2"}, {.master = "br1"}};
	uint32_t numbers[] = {1, 2, 3, 0, 5, 6}; /* 0: no port of a node */
	const struct model fleet = {.links = links, .link_count = 6};
	struct policy *p = *state;

	p->links = calloc(PORT_LINKS, sizeof(*p->links));
	p->link_numbers = numbers;
	assert_non_null(p->links);
	policy_charge_ports(p, &fleet);
	assert_int_equal(p->links[1].charge_at, 3);
	assert_int_equal(p->links[3].charge_at, 1);
	assert_int_equal(p->links[2].charge_at, 6);
	assert_int_equal(p->links[6].charge_at, 2);
	assert_int_equal(p->links[5].charge_at, 0);
	free(p->links);
	p->links = NULL;
	p->link_numbers = NULL;
}

/* Classes may be in the set in force, or in the one that the next change puts in force. */
static void test_has_classes(void **state)
{
	struct policy *p = *state;

	p->class_rules = calloc(2, sizeof(*p->class_rules));
	assert_non_null(p->class_rules);
	assert_false(policy_has_classes(p));
	strcpy(p->class_rules[1].name[1], "etcd");
	assert_true(policy_has_classes(p));
	*p->class_rules[1].name[1] = '\0';
	strcpy(p->class_rules[0].name[1], "etcd");
	assert_true(policy_has_classes(p));
	free(p->class_rules);
	p->class_rules = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_groups),	TEST(test_kinds),	TEST(test_stacking),
		TEST(test_full),	TEST(test_many_groups), TEST(test_deadlines),
		TEST(test_large_ring),	TEST(test_many_kinds),	TEST(test_two_policies),
		TEST(test_numbers),	TEST(test_text),	TEST(test_charged_ports),
		TEST(test_has_classes),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
