// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions as values with their units in the names, for JSON and for programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "netsim/netsim.h"
#include "netsim/util/buf.h"

static void expect(const char *text, const char *values)
{
	struct netsim_conditions *c = NULL;
	auto_buf struct buf got = {0};
	struct netsim_err err = {0};

	assert_int_equal(netsim_conditions(text, &c, &err), 0);
	buf_puts(&got, "");
	for (size_t i = 0; i < c->count; i++) {
		const struct netsim_value *v = c->values[i];

		buf_printf(&got, "%s%s=", i ? " " : "", v->name);
		if (v->kind == NETSIM_VALUE_TEXT)
			buf_puts(&got, v->text);
		else if (v->kind == NETSIM_VALUE_COUNT)
			buf_printf(&got, "%" PRIu64, v->count);
		else
			buf_printf(&got, "%g", v->number);
	}
	assert_string_equal(got.data, values);
	netsim_conditions_free(c);
}

static void test_values(void **state)
{
	(void)state;
	expect("", "");
	expect("none", "");
	expect("5mbit burst 32kB queue 50ms", "rate_bps=5000000 burst_bytes=32000 queue_ms=50");
	expect("rate 1gbit queue 100 packets", "rate_bps=1000000000 queue_packets=100");
	expect("rate 1mbit queue 64KiB", "rate_bps=1000000 queue_bytes=65536");
	expect("rate 10mbit burst 1MB peak 50mbit",
	       "rate_bps=10000000 burst_bytes=1000000 peak_bps=50000000");
	expect("rate 1mbit overhead 10B atm",
	       "rate_bps=1000000 overhead_bytes=10 overhead_cells=atm");
	expect("delay 2.5ms jitter 500us distribution normal reorder allowed",
	       "delay_ms=2.5 jitter_ms=0.5 distribution=normal reorder=allowed");
	expect("delay 10ms reorder 25%", "delay_ms=10 reorder_percent=25");
	expect("loss 0.1% duplicate 0.5% corrupt 0.01%",
	       "loss_percent=0.1 duplicate_percent=0.5 corrupt_percent=0.01");
	expect("loss gilbert-elliott p 1% r 20%",
	       "loss_model=gilbert-elliott loss_p_percent=1 loss_r_percent=20 "
	       "loss_bad_percent=100 loss_good_percent=0");
	expect("larger 1400B hold seed 18446744073709551615",
	       "larger_bytes=1400 hold=1 seed=18446744073709551615");
}

static void test_refused(void **state)
{
	static const char *const texts[] = {"down", "no carrier", "5", "delay", "delay 5"};
	struct netsim_conditions *c = NULL;
	struct netsim_err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_true(netsim_conditions(texts[i], &c, &err) < 0);
		assert_null(c);
	}
	assert_int_equal(err.kind, NETSIM_ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("conditions_values", tests, NULL, NULL);
}
