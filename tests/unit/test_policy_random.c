// SPDX-License-Identifier: GPL-2.0-or-later
/* Random partitions and healing, compared with a naive model. */
#include "tests/unit/policy.h"

#include <errno.h>

#include "netsim/util/auto.h"

struct naive_fault {
	uint32_t id;
	size_t bits;
	bool cut[NODES][NODES];
};

struct naive {
	struct naive_fault faults[PORT_FAULTS];
	size_t count;
};

static size_t naive_bits(const struct naive *n)
{
	size_t bits = 0;

	for (size_t i = 0; i < n->count; i++)
		bits += n->faults[i].bits;
	return bits;
}

static void naive_heal(struct naive *n, uint32_t id)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->faults[i].id == id)
			n->faults[i] = n->faults[--n->count];
}

static bool naive_reaches(const struct naive *n, int from, int to)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->faults[i].cut[from][to])
			return false;
	return true;
}

/* The groups of each node, as bits; returns how many different ones there are. */
static size_t memberships(const struct groups *g, unsigned of_node[static NODES])
{
	size_t kinds = 0;

	memset(of_node, 0, NODES * sizeof(*of_node));
	for (size_t a = 0; a < g->count; a++)
		for (size_t i = 0; i < g->list[a].count; i++)
			of_node[g->list[a].nodes[i]] |= 1U << a;
	for (int i = 0; i < NODES; i++) {
		bool seen = !of_node[i];

		for (int k = 0; k < i; k++)
			seen |= of_node[k] == of_node[i];
		kinds += !seen;
	}
	return kinds;
}

/* Of a matrix, the first group of each two cannot send to the second. */
static bool naive_hits(enum port_fault_kind kind, size_t a, size_t b)
{
	return kind == PORT_FAULT_ONE_WAY ? a < b : a % 2 == 0 && b == a + 1;
}

static void naive_cut(struct naive_fault *fault, enum port_fault_kind kind, const struct groups *g)
{
	bool grouped = kind == PORT_FAULT_GROUPS || kind == PORT_FAULT_REST;
	unsigned of_node[NODES];
	size_t kinds = memberships(g, of_node);

	memset(fault, 0, sizeof(*fault));
	fault->bits = grouped ? kinds : kind == PORT_FAULT_MATRIX ? g->count / 2 : 1;
	for (size_t a = 0; a < g->count; a++)
		for (size_t b = 0; b < g->count; b++)
			for (size_t i = 0; i < g->list[a].count; i++)
				for (size_t j = 0; j < g->list[b].count; j++) {
					uint16_t from = g->list[a].nodes[i];
					uint16_t to = g->list[b].nodes[j];
					bool hit = kind == PORT_FAULT_ISOLATE ? true :
						   !grouped ? naive_hits(kind, a, b) :
							      !(of_node[from] & of_node[to]);

					fault->cut[from][to] |= hit && from != to;
				}
}

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*seed >> 33) % below;
}

/*
 * Puts every node into a random group or none; with PORT_FAULT_REST, the others into the last; with
 * PORT_FAULT_GROUPS and PORT_FAULT_MATRIX, some into a second one. The host is always in the first.
 */
static void draw_groups(uint64_t *seed, enum port_fault_kind kind, struct groups *g)
{
	bool overlaps = kind == PORT_FAULT_GROUPS || kind == PORT_FAULT_MATRIX;
	size_t count = kind == PORT_FAULT_ISOLATE ? 1 :
		       kind == PORT_FAULT_ONE_WAY ? 2 :
		       kind == PORT_FAULT_MATRIX  ? 2 + 2 * draw(seed, 4) :
						    2 + draw(seed, 7);
	char text[NODES * 3 + 8] = "";
	int where[NODES], also[NODES];

	for (int i = 0; i < NODES; i++) {
		where[i] = i ? (int)draw(seed, (unsigned)count + 1) - 1 : 0;
		also[i] = overlaps ? (int)draw(seed, 4 * (unsigned)count) : -1;
	}
	for (size_t group = 0, used = 0; group < count; group++) {
		for (int i = 0; i < NODES; i++)
			if (where[i] == (int)group || also[i] == (int)group ||
			    (kind == PORT_FAULT_REST && where[i] < 0 && group == count - 1))
				text[used++] = NAMES[i];
		if (group < count - 1)
			text[used++] = ' ';
	}
	groups(text, g);
}

static void random_cut(struct policy *p, struct naive *n, uint64_t *seed)
{
	static const enum port_fault_kind kinds[] = {
		PORT_FAULT_GROUPS, PORT_FAULT_GROUPS,  PORT_FAULT_GROUPS,  PORT_FAULT_REST,
		PORT_FAULT_REST,   PORT_FAULT_ISOLATE, PORT_FAULT_ONE_WAY, PORT_FAULT_MATRIX};
	enum port_fault_kind kind = kinds[draw(seed, ARRAY_SIZE(kinds))];
	bool over = draw(seed, 5) == 0;
	struct naive_fault fault;
	struct groups g;
	uint32_t id;
	int r;

	draw_groups(seed, kind, &g);
	naive_cut(&fault, kind, &g);
	r = policy_partition(p, &(struct policy_cut) {kind, g.list, g.count, over ? PAST : 0, NULL},
			     &id, NULL);
	if (naive_bits(n) + fault.bits > PORT_BITS || n->count == PORT_FAULTS) {
		assert_int_equal(r, -ENOSPC);
		return;
	}
	assert_int_equal(r, 0);
	fault.id = id;
	if (!over)
		n->faults[n->count++] = fault;
}

static void random_heal(struct policy *p, struct naive *n, uint64_t *seed)
{
	uint32_t ids[3] = {4000000};
	size_t count = 1 + draw(seed, 3);

	if (draw(seed, 40) == 0) {
		heal(p, NULL, 0);
		n->count = 0;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (n->count)
			ids[i] = n->faults[draw(seed, (unsigned)n->count)].id;
	heal(p, ids, count);
	for (size_t i = 0; i < count; i++)
		naive_heal(n, ids[i]);
}

static void test_random(void **state)
{
	struct policy *p = *state;
	uint64_t seed = 20240607;
	struct naive n = {0};
	size_t most = 0;

	for (int step = 0; step < 1000; step++) {
		if (draw(&seed, 8) < 7)
			random_cut(p, &n, &seed);
		else
			random_heal(p, &n, &seed);
		for (int from = 0; from < NODES; from++)
			for (int to = 0; to < NODES; to++)
				if (policy_reaches(p, from, to) != naive_reaches(&n, from, to))
					fail_msg("step %d: %d to %d", step, from, to);
		most = naive_bits(&n) > most ? naive_bits(&n) : most;
	}
	assert_true(most > PORT_BITS - 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_random)};

	return cmocka_run_group_tests_name("policy, random", tests, NULL, NULL);
}
