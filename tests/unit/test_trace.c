// SPDX-License-Identifier: GPL-2.0-or-later
/* Trace files: rows of a table, bins of deliveries, and the limits of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/config/conditions.h"
#include "netsim/config/trace.h"
#include "netsim/util/auto.h"
#include "netsim/util/buf.h"

#define MS 1000000U

static struct trace *load(const char *text, size_t len)
{
	struct netsim_diags diags = {0};
	struct trace *trace = NULL;

	if (trace_parse("f.trace", text, len, &trace, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	return trace;
}

/* want is the printed trace, with lines separated by commas. */
static void expect(const char *text, const char *want)
{
	struct trace *trace = load(text, strlen(text));
	char *printed = NULL;
	size_t len;
	FILE *out = open_memstream(&printed, &len);

	assert_int_equal(trace_print(trace, out), 0);
	fclose(out);
	for (char *p = printed; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ',' : '\0';
	assert_string_equal(printed, want);
	free(printed);
	trace_free(trace);
}

static void test_table(void **state)
{
	const char *text =
		"# c\ntime loss rate delay\n0s 1% 50mbit 25ms # x\n\n1.5s 0% 0 0ms\n2s\n";
	struct trace *trace = load(text, strlen(text));

	(void)state;
	assert_int_equal(trace->has, 1U << COND_RATE | 1U << COND_DELAY | 1U << COND_LOSS);
	assert_int_equal(trace->count, 2);
	assert_int_equal(trace->length_ns, 2000U * MS);
	assert_int_equal(trace->rows[0].rate_bps, 50000000);
	assert_int_equal(trace->rows[0].delay_ns, 25 * MS);
	assert_int_equal(trace->rows[0].loss.ppb, RATIO_ONE / 100);
	assert_int_equal(trace->rows[1].at_ns, 1500U * MS);
	assert_int_equal(trace->rows[1].rate_bps, 0);
	assert_string_equal(trace->file, "f.trace");
	trace_free(trace);
	expect("time rate\n0s 8bit\n1ns 0bit\n2h", "time rate,0ms 8bit,1ns 0bit,2h");
	expect("time delay\r\n0s 5ms\r\n1s\r\n", "time delay,0ms 5ms,1s");
}

static void test_deliveries(void **state)
{
	(void)state;
	expect("1\n", "time rate,0ms 12mbit,1ms");
	expect("1\n1\n", "time rate,0ms 24mbit,1ms");
	expect("0\n1\n", "time rate,0ms 24mbit,1ms");
	expect("1\n2\n3\n", "time rate,0ms 12mbit,3ms");
	expect("2\n5\n", "time rate,0ms 0bit,1ms 12mbit,2ms 0bit,4ms 12mbit,5ms");
	expect("3\n3\n", "time rate,0ms 0bit,2ms 24mbit,3ms");
}

/* Too many rate changes for bins of 1 ms; bins of 2 ms smooth them out. */
static void test_bins(void **state)
{
	auto_buf struct buf buf = {0};
	struct trace *trace;

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&buf, "%u\n", 2 * i + 1);
	buf_printf(&buf, "20000\n");
	trace = load(buf.data, buf.len);
	assert_int_equal(trace->count, 2); /* the last bin has one more */
	assert_int_equal(trace->rows[0].rate_bps, 6000000);
	assert_int_equal(trace->rows[1].rate_bps, 12000000);
	assert_int_equal(trace->rows[1].at_ns, 19998ULL * MS);
	assert_int_equal(trace->length_ns, 20000ULL * MS);
	trace_free(trace);
}

/* Every packet is in one bin: the integral of the rate is the number of bytes delivered. */
static void test_bytes(void **state)
{
	auto_buf struct buf buf = {0};
	unsigned at = 0, count = 60000;
	struct trace *trace;
	double bits = 0;

	(void)state;
	for (unsigned i = 0, noise = 1; i < count; i++) {
		noise = noise * 1103515245 + 12345;
		at += noise >> 16 & (i / 1000 % 2 ? 3 : 31);
		buf_printf(&buf, "%u\n", at);
	}
	trace = load(buf.data, buf.len);
	assert_in_range(trace->count, 1000, TRACE_ROWS_MAX);
	for (size_t i = 0; i < trace->count; i++) {
		const struct trace_row *row = &trace->rows[i];
		uint64_t end = i + 1 < trace->count ? row[1].at_ns : trace->length_ns;

		assert_true(end > row->at_ns);
		bits += (double)row->rate_bps * (double)(end - row->at_ns) / 1e9;
	}
	assert_true(bits > count * 12000.0 * 0.9999 && bits < count * 12000.0 * 1.0001);
	trace_free(trace);
}

static void refused(const char *text, size_t len, const char *what, unsigned line)
{
	struct netsim_diags diags = {0};
	struct trace *trace = NULL;

	assert_int_equal(trace_parse("f.trace", text, len, &trace, &diags), -EINVAL);
	assert_null(trace);
	assert_string_equal(diags.list[0].what, what);
	assert_int_equal(diags.list[0].loc.line, line);
}

static void test_bounds(void **state)
{
	auto_buf struct buf rows = {0}, deliveries = {0};
	struct trace *trace;

	(void)state;
	buf_puts(&rows, "time rate\n");
	for (unsigned i = 0; i < TRACE_ROWS_MAX; i++)
		buf_printf(&rows, "%us 5mbit\n", i);
	buf_puts(&rows, "9000s\n");
	trace = load(rows.data, rows.len);
	assert_int_equal(trace->count, TRACE_ROWS_MAX);
	trace_free(trace);
	rows.len -= strlen("9000s\n");
	buf_puts(&rows, "9000s 5mbit\n9001s 5mbit\n9002s\n");
	refused(rows.data, rows.len, "more than 8192 rows", TRACE_ROWS_MAX + 2);
	for (unsigned i = 1; i < 9000; i++)
		buf_printf(&deliveries, "%u\n", i * 1000);
	refused(deliveries.data, deliveries.len, "the rate changes more than 8192 times", 8999);
	refused("time rate\n0s\0x 5mbit\n", 21, "time: \"0s?x\" is not valid", 2);
	refused("9223372036855\n", 14, "\"9223372036855\" is not a time", 1);
	refused("", 0, "the file is empty", 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(trace_is_name("a.trace"));
	assert_true(trace_is_name("x/a.trace"));
	assert_false(trace_is_name(".trace"));
	assert_false(trace_is_name("a.trace.yaml"));
	assert_false(trace_is_name("trace"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),  cmocka_unit_test(test_deliveries),
		cmocka_unit_test(test_bins),   cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
