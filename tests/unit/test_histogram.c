// SPDX-License-Identifier: GPL-2.0-or-later
/* Percentiles against sorted values, within the documented error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "netsim/flow/histogram.h"

#define VALUES 20000

static uint64_t state_of_random = 88172645463325252;

static uint64_t next_random(void)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return state_of_random;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Reference: the smallest value that this share of the values do not exceed. */
static void check(uint64_t *values, size_t count, uint8_t bits, double error)
{
	static const double shares[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999};
	struct histogram h = {.bits = bits};
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		assert_true(histogram_add(&h, values[i]));
		sum += (double)values[i];
	}
	qsort(values, count, sizeof(*values), compare);
	assert_int_equal(h.count, count);
	assert_true(h.min == values[0] && h.max == values[count - 1]);
	assert_true(fabs(histogram_mean(&h) - sum / (double)count) <= 1e-9 * sum);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		size_t place = (size_t)ceil(shares[i] * (double)count) - 1;
		double exact = (double)values[place];
		double got = (double)histogram_percentile(&h, shares[i]);

		if (fabs(got - exact) > error * exact)
			fail_msg("%g of %zu: %g, not %g", shares[i], count, got, exact);
	}
	assert_true(histogram_percentile(&h, 0) == h.min && histogram_percentile(&h, 1) == h.max);
	histogram_done(&h);
}

static void test_errors(void **state)
{
	uint64_t *values = calloc(VALUES, sizeof(*values));

	(void)state;
	for (int round = 0; round < 8; round++) {
		for (size_t i = 0; i < VALUES; i++)
			values[i] = next_random() >> (round * 8 + next_random() % 8);
		check(values, VALUES, HISTOGRAM_FINE, 1.0 / 128 + 1e-9);
		check(values, VALUES, HISTOGRAM_COARSE, 1.0 / 16 + 1e-9);
	}
	for (size_t i = 0; i < VALUES; i++)
		values[i] = 1000000 + next_random() % 50000;
	check(values, VALUES, 0, 1.0 / 128);
	free(values);
}

static void test_merges(void **state)
{
	struct histogram a = {0}, b = {0}, both = {0};

	(void)state;
	assert_true(histogram_merge(&a, &b));
	assert_int_equal(histogram_percentile(&a, 0.5), 0);
	for (int i = 0; i < 5000; i++) {
		uint64_t value = next_random() >> (20 + next_random() % 40);

		histogram_add(i % 3 ? &a : &b, value);
		histogram_add(&both, value);
	}
	assert_true(histogram_merge(&a, &b));
	assert_true(a.count == both.count && a.min == both.min && a.max == both.max);
	for (double share = 0; share <= 1; share += 0.01)
		assert_true(histogram_percentile(&a, share) == histogram_percentile(&both, share));
	histogram_done(&a);
	histogram_done(&b);
	histogram_done(&both);
}

static void test_extremes(void **state)
{
	struct histogram h = {0};

	(void)state;
	histogram_add(&h, 0);
	histogram_add(&h, UINT64_MAX);
	assert_true(h.min == 0 && h.max == UINT64_MAX);
	assert_int_equal(histogram_percentile(&h, 0.5), 0);
	assert_true(histogram_percentile(&h, 0.51) > UINT64_MAX / 128 * 127);
	histogram_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
