// SPDX-License-Identifier: GPL-2.0-or-later
/* top: counters become rates, which are sorted and fitted into lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/figures.h"
#include "cli/rates.h"

static char fleet[] = "f";

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct netsim_flow flow(const char *from, const char *to, const char *class,
			       uint64_t packets, uint64_t bytes, uint64_t lost)
{
	return (struct netsim_flow) {
		.from = from,
		.to = to,
		.class_name = class,
		.packets = packets,
		.bytes = bytes,
		.dropped[NETSIM_DROP_LOSS] = lost,
	};
}

/* Two readings, two seconds apart; b > a is new in the second one. */
static void two_readings(struct netsim_traffic *before, struct netsim_traffic *now)
{
	static struct netsim_flow first[2], second[4];
	static struct netsim_flow *firsts[] = {&first[0], &first[1]};
	static struct netsim_flow *seconds[] = {&second[0], &second[1], &second[2], &second[3]};

	first[0] = flow("a", "b", "etcd", 10, 1000, 0);
	first[1] = flow("a", "b", "other", 10, 1000, 5);
	second[0] = flow("a", "b", "etcd", 20, 3000, 0);
	second[1] = flow("a", "b", "other", 10, 1000, 9);
	second[2] = flow("b", "a", "etcd", 100, 100, 0);
	second[3] = flow(NULL, NULL, "other", 1, 60, 0);
	*before = (struct netsim_traffic) {fleet, 1000000000, firsts, COUNT(firsts)};
	*now = (struct netsim_traffic) {fleet, 3000000000, seconds, COUNT(seconds)};
}

static void test_rates_are_of_the_time_between(void **state)
{
	struct netsim_traffic before, now;
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	assert_int_equal(rates_make(&before, &now, true, &rates), 0);
	assert_int_equal(rates.count, 4);
	assert_string_equal(rates.rows[0].total.class_name, "etcd");
	assert_true(rates.rows[0].packets == 5 && rates.rows[0].bits == 8000);
	assert_true(rates.rows[1].packets == 0 && rates.rows[1].dropped == 2);
	assert_int_equal(rates.rows[1].drops, 9);
	assert_true(rates.rows[2].packets == 50);
	assert_true(rates.sum.packets == 55.5 && rates.sum.dropped == 2);
	rates_free(&rates);
}

static void test_classes_are_added_up(void **state)
{
	struct netsim_traffic before, now;
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	assert_int_equal(rates_make(&before, &now, false, &rates), 0);
	assert_int_equal(rates.count, 3);
	assert_null(rates.rows[0].total.class_name);
	assert_int_equal(rates.rows[0].total.packets, 30);
	assert_true(rates.rows[0].packets == 5 && rates.rows[0].dropped == 2);
	assert_null(rates.rows[2].total.from);
	rates_free(&rates);
}

static void test_first_reading_and_new_start(void **state)
{
	struct netsim_traffic before, now;
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	assert_int_equal(rates_make(NULL, &now, true, &rates), 0);
	assert_true(rates.rows[0].packets == 0 && rates.rows[0].total.packets == 20);
	rates_free(&rates);
	/* The counters were reset: all they count came since then. */
	before.flows[0]->packets = 1000;
	assert_int_equal(rates_make(&before, &now, true, &rates), 0);
	assert_true(rates.rows[0].packets == 10);
	rates_free(&rates);
	now.flow_count = 0;
	assert_int_equal(rates_make(&before, &now, true, &rates), 0);
	assert_int_equal(rates.count, 0);
	rates_sort(&rates, BY_BITS);
	rates_free(&rates);
}

static void test_no_row_of_nothing(void **state)
{
	struct netsim_traffic before, now;
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	now.flows[3]->packets = now.flows[3]->bytes = 0;
	assert_int_equal(rates_make(&before, &now, false, &rates), 0);
	assert_int_equal(rates.count, 2);
	rates_free(&rates);
	now.flows[3]->dropped[NETSIM_DROP_QUEUE] = 1;
	assert_int_equal(rates_make(&before, &now, false, &rates), 0);
	assert_int_equal(rates.count, 3);
	rates_free(&rates);
}

static void test_orders(void **state)
{
	static const struct {
		enum rate_order order;
		const char *rows; /* sender and class, by their first letters */
	} rows[] = {
		{BY_BITS, "ae be -o ao "},    {BY_PACKETS, "be ae -o ao "},
		{BY_DROPPED, "ao ae be -o "}, {BY_BYTES, "ae ao be -o "},
		{BY_NAME, "ae ao be -o "},
	};
	struct netsim_traffic before, now;
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	assert_int_equal(rates_make(&before, &now, true, &rates), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char got[32] = "";

		rates_sort(&rates, rows[i].order);
		for (size_t r = 0; r < rates.count; r++) {
			const struct netsim_flow *total = &rates.rows[r].total;

			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%c%c ",
				 total->from ? *total->from : '-', *total->class_name);
		}
		assert_string_equal(got, rows[i].rows);
	}
	rates_free(&rates);
}

typedef const char *figure(double value, char *text);

struct figure_row {
	double value;
	const char *text;
};

static void check_figures(const struct figure_row *rows, size_t count, figure *format)
{
	char text[FIGURE_TEXT];

	for (size_t i = 0; i < count; i++)
		assert_string_equal(format(rows[i].value, text), rows[i].text);
}

static void test_figures(void **state)
{
	static const struct figure_row shorts[] = {
		{0, "0"},	  {0.5, "0.50"},    {1, "1"},	       {1.25, "1.25"},
		{9.996, "10.0"},  {12, "12"},	    {999, "999"},      {999.4, "999"},
		{999.6, "1.00k"}, {1000, "1.00k"},  {9949, "9.95k"},   {9999, "10.0k"},
		{123456, "123k"}, {999499, "999k"}, {999500, "1.00M"}, {50e6, "50.0M"},
		{1.5e9, "1.50G"}, {2e12, "2.00T"},  {1.8e19, "18.0E"}, {1e25, "999E"},
	};
	static const struct figure_row rates[] = {
		{0, "0 bit"},	       {462, "462 bit"},       {999.6, "1.00 kbit"},
		{93400, "93.4 kbit"},  {94.31e6, "94.3 mbit"}, {1e9, "1.00 gbit"},
		{2.5e15, "2500 tbit"},
	};
	static const struct figure_row sizes[] = {
		{42, "42 B"}, {1999, "2.00 kB"}, {18e6, "18.0 MB"}, {5e9, "5.00 GB"}};
	static const struct figure_row times[] = {
		{7, "7 ns"}, {1430000, "1.43 ms"}, {51.26e6, "51.3 ms"}, {2e11, "200 s"}};

	(void)state;
	check_figures(shorts, COUNT(shorts), figure_short);
	check_figures(rates, COUNT(rates), figure_rate);
	check_figures(sizes, COUNT(sizes), figure_bytes);
	check_figures(times, COUNT(times), figure_duration);
}

static void test_counts(void **state)
{
	char text[FIGURE_TEXT];

	(void)state;
	assert_string_equal(figure_count(99999, text), "99999");
	assert_string_equal(figure_count(2500000, text), "2.50M");
}

static void test_list_fits_the_line(void **state)
{
	struct netsim_flow flows[] = {
		flow("a-node-with-a-long-name-1", "another-node-with-a-long-name-2",
		     "a-long-class-name", 1, 1, 0),
		flow("b", "another-node-with-a-long-name-2", "x", 1, 1, 0),
	};
	struct netsim_flow *pointers[] = {&flows[0], &flows[1]};
	struct netsim_traffic now = {fleet, 1, pointers, COUNT(pointers)};
	char head[RATE_LINE], line[RATE_LINE];
	struct rate_list list;
	struct rates rates;

	(void)state;
	assert_int_equal(rates_make(NULL, &now, true, &rates), 0);
	rates_list(&rates, true, 80, &list);
	rates_list_head(&list, head);
	assert_int_equal(strlen(head), 80);
	rates_list_row(&list, &rates.rows[0], line);
	assert_int_equal(strlen(line), 80);
	assert_memory_equal(line, "~-name-1 > ~-name-2", 19);
	rates_list_row(&list, &rates.rows[1], line);
	assert_int_equal(strlen(line), 80);
	assert_memory_equal(line, "b > ~-a-long-name-2", 19);
	/* With enough room, in full. */
	rates_list(&rates, true, 0, &list);
	rates_list_row(&list, &rates.rows[0], line);
	assert_non_null(strstr(line, "a-node-with-a-long-name-1 > another-node-with-a-long-name-2"
				     "  a-long-class-name"));
	rates_free(&rates);
}

static void test_list_shows_reasons(void **state)
{
	struct netsim_flow one = flow("a", "b", "etcd", 1500, 2000000, 7);
	struct netsim_flow *pointers[] = {&one};
	struct netsim_traffic now = {fleet, 1, pointers, 1};
	char line[RATE_LINE];
	struct rate_list list;
	struct rates rates;

	(void)state;
	one.dropped[NETSIM_DROP_PARTITION] = 1;
	one.dropped[NETSIM_DROP_QUEUE] = 12345;
	assert_int_equal(rates_make(NULL, &now, false, &rates), 0);
	rates_list(&rates, false, 80, &list);
	rates_list_head(&list, line);
	assert_string_equal(line, "pair  pkt/s     bit/s  pkts   bytes  part  down  loss queue");
	rates_list_row(&list, &rates.rows[0], line);
	assert_string_equal(line, "a > b     -         - 1.50k 2.00 MB     1     -     7 12.3k");
	rates_summary("f", &rates, line);
	assert_string_equal(line, "f: 0 packets/s, 0 bit/s, 0 dropped/s");
	rates_free(&rates);
	one.oversized = 3;
	assert_int_equal(rates_make(NULL, &now, false, &rates), 0);
	rates_list(&rates, false, 80, &list);
	rates_list_head(&list, line);
	assert_string_equal(line,
			    "pair  pkt/s     bit/s  pkts   bytes  part  down  loss queue  size");
	rates_list_row(&list, &rates.rows[0], line);
	assert_string_equal(line,
			    "a > b     -         - 1.50k 2.00 MB     1     -     7 12.3k     3");
	rates_free(&rates);
}

static void test_matrix(void **state)
{
	struct netsim_traffic before, now;
	struct rate_matrix matrix;
	char line[RATE_LINE];
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	assert_int_equal(rates_make(&before, &now, false, &rates), 0);
	assert_int_equal(rates_matrix(&rates, false, BY_BITS, &matrix), 0);
	assert_int_equal(matrix.row_count, 3);
	rates_matrix_head(&matrix, 0, 80, line);
	assert_string_equal(line, "from           a         b    others");
	rates_matrix_row(&matrix, 0, 0, 80, line);
	assert_string_equal(line, "a              - 8.00 kbit         -");
	rates_matrix_row(&matrix, 2, 0, 80, line);
	assert_string_equal(line, "others         -         -   240 bit");
	/* Scrolled, with room for one column only. */
	rates_matrix_head(&matrix, 1, 16, line);
	assert_string_equal(line, "from           b");
	rates_matrix_free(&matrix);
	rates_free(&rates);
}

static void test_matrix_of_classes(void **state)
{
	struct netsim_traffic before, now;
	struct rate_matrix matrix;
	char line[RATE_LINE];
	struct rates rates;

	(void)state;
	two_readings(&before, &now);
	assert_int_equal(rates_make(&before, &now, true, &rates), 0);
	assert_int_equal(rates_matrix(&rates, true, BY_DROPPED, &matrix), 0);
	assert_int_equal(matrix.row_count, 4);
	rates_matrix_row(&matrix, 1, 0, 80, line);
	assert_string_equal(line, "a       other      -      9      -");
	rates_matrix_free(&matrix);
	rates_free(&rates);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_are_of_the_time_between),
		cmocka_unit_test(test_classes_are_added_up),
		cmocka_unit_test(test_first_reading_and_new_start),
		cmocka_unit_test(test_no_row_of_nothing),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_list_fits_the_line),
		cmocka_unit_test(test_list_shows_reasons),
		cmocka_unit_test(test_matrix),
		cmocka_unit_test(test_matrix_of_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
