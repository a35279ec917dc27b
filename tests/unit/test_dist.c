// SPDX-License-Identifier: GPL-2.0-or-later
/* Distributions: mean, standard deviation and shape; tables from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/config/dist.h"
#include "netsim/util/auto.h"

struct moments {
	double mean, deviation, median;
};

static struct moments measure(const int16_t *table)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < DIST_ENTRIES; i++) {
		sum += table[i] / 8192.0;
		squares += table[i] / 8192.0 * (table[i] / 8192.0);
		if (i)
			assert_true(table[i] >= table[i - 1]);
	}
	sum /= DIST_ENTRIES;
	return (struct moments) {sum, sqrt(squares / DIST_ENTRIES - sum * sum),
				 table[DIST_ENTRIES / 2] / 8192.0};
}

static void test_tables(void **state)
{
	static const enum distribution kinds[] = {DIST_NORMAL, DIST_PARETO, DIST_PARETONORMAL,
						  DIST_UNIFORM};
	/* The uniform distribution is from -1 to 1. */
	static const double deviations[] = {1, 1, 1, 0.57735};
	int16_t table[DIST_ENTRIES];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		dist_fill(kinds[i], table);
		struct moments m = measure(table);

		if (fabs(m.mean) > 0.001 || fabs(m.deviation - deviations[i]) > 0.002)
			fail_msg("kind %u: mean %f deviation %f", kinds[i], m.mean, m.deviation);
	}
}

static void test_shapes(void **state)
{
	int16_t table[DIST_ENTRIES];

	(void)state;
	dist_fill(DIST_NORMAL, table);
	/* symmetric; one deviation at 84.13 %, two at 97.72 % */
	for (size_t i = 0; i < DIST_ENTRIES / 2; i++)
		assert_in_range(table[i] + table[DIST_ENTRIES - 1 - i] + 2, 0, 4);
	assert_true(fabs(table[(int)(0.8413 * DIST_ENTRIES)] / 8192.0 - 1) < 0.01);
	assert_true(fabs(table[(int)(0.9772 * DIST_ENTRIES)] / 8192.0 - 2) < 0.01);
	dist_fill(DIST_PARETO, table);
	/* skewed: most a little early, few very late, so the median is below the mean */
	assert_true(measure(table).median < -0.2);
	assert_true(table[0] / 8192.0 > -0.9);
	assert_int_equal(table[DIST_ENTRIES - 1], INT16_MAX);
}

static int read_text(const char *text, size_t len, int16_t **table, size_t *table_len)
{
	char path[] = "/tmp/netsim-test-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	r = dist_read(path, table, table_len);
	unlink(path);
	return r;
}

static void test_read(void **state)
{
	static const struct {
		const char *text;
		int code;
		size_t len;
		int16_t last;
	} rows[] = {
		{"-8192 0 8192\n", 0, 3, 8192},	   {"# a comment\n1\n2 # more\n\n\t3", 0, 3, 3},
		{"-32768 32767\r\n", 0, 2, 32767}, {"", -EINVAL, 0, 0},
		{"# nothing\n", -EINVAL, 0, 0},	   {"1 2 x\n", -EINVAL, 0, 0},
		{"1.5\n", -EINVAL, 0, 0},	   {"32768\n", -EINVAL, 0, 0},
		{"-32769\n", -EINVAL, 0, 0},	   {"99999999999999999999\n", -EINVAL, 0, 0},
		{"1\n2x\n", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free int16_t *table = NULL;
		size_t len = 0;
		int r = read_text(rows[i].text, strlen(rows[i].text), &table, &len);

		if (r != rows[i].code || len != rows[i].len ||
		    (len && table[len - 1] != rows[i].last))
			fail_msg("%s: %d", rows[i].text, r);
	}
}

static void test_read_refused(void **state)
{
	static char text[2 * (DIST_MAX + 1)];
	auto_free int16_t *table = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(dist_read("/nonexistent", &table, &len), -ENOENT);
	assert_int_equal(dist_read("/", &table, &len), -EISDIR);
	assert_int_equal(dist_read("/dev/zero", &table, &len), -EINVAL);
	assert_int_equal(read_text("1\0002\n", 4, &table, &len), -EINVAL);
	for (size_t i = 0; i < sizeof(text); i += 2)
		memcpy(text + i, "1 ", 2);
	assert_int_equal(read_text(text, sizeof(text), &table, &len), -E2BIG);
	assert_int_equal(read_text(text, sizeof(text) - 2, &table, &len), 0);
	assert_int_equal(len, DIST_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_refused),
	};

	return cmocka_run_group_tests_name("dist", tests, NULL, NULL);
}
