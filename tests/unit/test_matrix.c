// SPDX-License-Identifier: GPL-2.0-or-later
/* Matrices: the cuts that a file has, and the pairs of groups that make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/matrix.h"
#include "netsim/util/auto.h"
#include "netsim/util/name.h"

#define NODES 4
static const char *const names[NODES + 1] = {"a-1", "a-2", "b", "c", "host"};

static int mark(const void *arg, const char *word, bool *marks, struct netsim_err *err)
{
	int found = 0;

	(void)arg;
	for (size_t i = 0; i <= NODES; i++)
		if (name_match(word, names[i], NULL, 0)) {
			marks[i] = true;
			found++;
		}
	return found ? found : err_set(err, NETSIM_ERR_USAGE, -ENOENT, NULL, "no %s", word);
}

static const struct matrix_nodes nodes = {NODES, mark, NULL};

/* Reads and resolves a text; on an error, its place and text are in `wrong`. */
static int resolve(const char *text, struct matrix_cuts *ret, char *wrong, size_t size)
{
	auto_matrix struct matrix *matrix = NULL;
	struct netsim_diags diags = {0};
	int r = matrix_parse("m.yaml", text, strlen(text), &matrix, &diags);

	*ret = (struct matrix_cuts) {NULL, 0};
	if (r == 0)
		r = matrix_resolve(matrix, &nodes, ret, &diags);
	if (r < 0)
		snprintf(wrong, size, "%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	return r;
}

static void test_cuts(void **state)
{
	static const struct {
		const char *text, *cuts;
		bool mutual;
	} rows[] = {
		{"cut: {a-1: b}", "a-1>b ", false},
		{"cut: {a-1: [b, host], host: [c]}", "a-1>b a-1>host host>c ", false},
		{"cut: {\"a-*\": [\"a-*\"]}", "a-1>a-2 a-2>a-1 ", true},
		{"cut:\n  b: [c]\n  c: [b]\n", "b>c c>b ", true},
		{"cut: {\"a-*\": [b, a-1], b: \"a-*\"}", "a-1>b a-2>a-1 a-2>b b>a-1 b>a-2 ", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct matrix_cuts cuts;
		char got[512] = "", wrong[512] = "";
		size_t used = 0;

		if (resolve(rows[i].text, &cuts, wrong, sizeof(wrong)) < 0)
			fail_msg("%s: %s", rows[i].text, wrong);
		for (size_t a = 0; a < cuts.size; a++)
			for (size_t b = 0; b < cuts.size; b++)
				if (cuts.cut[a * cuts.size + b])
					used += (size_t)snprintf(got + used, sizeof(got) - used,
								 "%s>%s ", names[a], names[b]);
		assert_string_equal(got, rows[i].cuts);
		assert_int_equal(matrix_is_mutual(&cuts), rows[i].mutual);
		free(cuts.cut);
	}
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *wrong;
	} rows[] = {
		{"cut: {a-1: [b, d]}", "1:16 no d"},
		{"cut: {d: [b]}", "1:7 no d"},
		{"cut: {b: [b]}", "1:11 b: a node always reaches itself"},
		{"cut: {\"a-1\": [\"a-*\"], a-2: [a-1, a-1]}",
		 "1:34 \"a-2\" cannot send to \"a-1\" already"},
		{"cut: {b: [c], \"*\": [c]}", NULL},
		{"cut: {\"*\": [c], b: [c]}", "1:21 \"b\" cannot send to \"c\" already"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct matrix_cuts cuts;
		char wrong[512] = "";
		int r = resolve(rows[i].text, &cuts, wrong, sizeof(wrong));

		assert_int_equal(r, rows[i].wrong ? -EINVAL : 0);
		assert_string_equal(wrong, rows[i].wrong ? rows[i].wrong : "");
		free(cuts.cut);
	}
}

/* --- pairs of groups */

static unsigned draw(uint64_t *seed, unsigned below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*seed >> 33) % below;
}

/* Checks that pairs make exactly these cuts. */
static void expect_same(const struct matrix_cuts *cuts, const struct matrix_pairs *pairs)
{
	size_t size = cuts->size;

	for (size_t a = 0; a < size; a++)
		for (size_t b = 0; b < size; b++) {
			bool cut = false;

			for (size_t p = 0; p < pairs->count; p++)
				cut |= pairs->from[p * size + a] && pairs->to[p * size + b];
			if (a != b && cut != cuts->cut[a * size + b])
				fail_msg("%zu to %zu: %d", a, b, cut);
		}
}

static void free_pairs(const struct matrix_pairs *pairs)
{
	free(pairs->from);
	free(pairs->to);
}

/* Makes every row one of a few patterns, transposes some, and adds noise to others. */
static void draw_cuts(uint64_t *seed, struct matrix_cuts *cuts)
{
	size_t size = cuts->size, patterns = 1 + draw(seed, 5);
	unsigned density = 1 + draw(seed, 4), noise = draw(seed, 3);
	bool by_receiver = draw(seed, 2), pattern[5][20];

	for (size_t p = 0; p < patterns; p++)
		for (size_t i = 0; i < size; i++)
			pattern[p][i] = draw(seed, 5) < density;
	for (size_t a = 0; a < size; a++) {
		size_t p = draw(seed, (unsigned)patterns + 1);

		for (size_t b = 0; b < size; b++)
			cuts->cut[by_receiver ? b * size + a : a * size + b] =
				a != b && ((p < patterns && pattern[p][b]) ^
					   (noise == 2 && draw(seed, 30) == 0));
	}
}

static void test_pairs(void **state)
{
	bool cut[20 * 20];
	struct matrix_cuts cuts = {cut, 20};
	struct matrix_pairs pairs;
	uint64_t seed = 20261130;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		cuts.size = 1 + draw(&seed, 20);
		draw_cuts(&seed, &cuts);
		assert_int_equal(matrix_pairs(&cuts, 20, &pairs), 0);
		expect_same(&cuts, &pairs);
		free_pairs(&pairs);
	}
}

static void test_few_pairs(void **state)
{
	static bool cut[100 * 100];
	struct matrix_cuts cuts = {cut, 100};
	struct matrix_pairs pairs;

	(void)state;
	/* All from all others: one pair, although no two rows are equal. */
	for (size_t a = 0; a < 100; a++)
		for (size_t b = 0; b < 100; b++)
			cut[a * 100 + b] = a != b;
	assert_int_equal(matrix_pairs(&cuts, 1, &pairs), 0);
	assert_int_equal(pairs.count, 1);
	expect_same(&cuts, &pairs);
	free_pairs(&pairs);
	/* 97 senders with arbitrary rows, but three receivers. */
	for (size_t a = 0; a < 100; a++)
		for (size_t b = 0; b < 100; b++)
			cut[a * 100 + b] = a >= 3 && b < 3 && (a >> b & 1);
	assert_int_equal(matrix_pairs(&cuts, 3, &pairs), 0);
	assert_int_equal(pairs.count, 3);
	expect_same(&cuts, &pairs);
	free_pairs(&pairs);
	/* Each from its neighbour: as many as nodes. */
	for (size_t a = 0; a < 100; a++)
		for (size_t b = 0; b < 100; b++)
			cut[a * 100 + b] = b == (a + 1) % 100;
	assert_int_equal(matrix_pairs(&cuts, 100, &pairs), 0);
	assert_int_equal(pairs.count, 100);
	expect_same(&cuts, &pairs);
	free_pairs(&pairs);
	assert_int_equal(matrix_pairs(&cuts, 99, &pairs), -ENOSPC);
	free_pairs(&pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_few_pairs),
	};

	return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}
