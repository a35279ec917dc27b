// SPDX-License-Identifier: GPL-2.0-or-later
/* The search for the edge, against systems whose edge is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "netsim/judge/edge.h"

static struct edge parsed(const char *range)
{
	struct netsim_err err = {0};
	struct edge edge;

	if (edge_parse(range, 0.1, &edge, &err) < 0)
		fail_msg("%s: %s", range, err.what);
	return edge;
}

/* Searches with a system that bears values below an edge, or above it. */
static struct edge searched(const char *range, double limit, bool above)
{
	struct edge edge = parsed(range);

	while (edge_next(&edge))
		edge_tell(&edge,
			  (edge.next < limit) != above ? NETSIM_AS_ASKED : NETSIM_NOT_AS_ASKED);
	return edge;
}

static const char *text_of(const struct edge *edge)
{
	static char text[EDGE_TEXT];

	return edge_text(edge, text);
}

static void test_increasing(void **state)
{
	struct edge edge = searched("delay 10ms..500ms", 87e6, false);

	(void)state;
	assert_int_equal(edge.state, NETSIM_EDGE_FOUND);
	assert_true(edge.tries[0].value == 10e6 && edge.tries[1].value == 500e6);
	assert_string_equal(text_of(&edge), "bears delay 84.9ms, not 90.2ms");
	assert_true(edge.count <= NETSIM_EDGE_RUNS);
	/* from the other end */
	edge = searched("delay 500ms..10ms", 87e6, false);
	assert_int_equal(edge.state, NETSIM_EDGE_FOUND);
	assert_string_equal(text_of(&edge), "bears delay 84.9ms, not 90.2ms");
}

static void test_decreasing(void **state)
{
	struct edge edge = searched("rate 1mbit..100mbit", 12e6, true);

	(void)state;
	assert_int_equal(edge.state, NETSIM_EDGE_FOUND);
	assert_string_equal(text_of(&edge), "bears rate 12.4mbit, not 11.5mbit");
	edge = searched("peak 1mbit..100mbit", 12e6, true);
	assert_string_equal(text_of(&edge), "bears peak 12.4mbit, not 11.5mbit");
}

/* Sizes are whole bytes. */
static void test_sizes(void **state)
{
	struct edge edge = searched("larger 64B..1500B", 500, true);

	(void)state;
	assert_int_equal(edge.state, NETSIM_EDGE_FOUND);
	assert_string_equal(text_of(&edge), "bears larger 508B, not 460B");
	edge = searched("larger 2B..4B", 3, true);
	assert_int_equal(edge.state, NETSIM_EDGE_UNPROVED);
	assert_int_equal(edge.count, 3);
	assert_string_equal(text_of(&edge), "bears larger 3B, not 2B");
}

static void test_from_zero(void **state)
{
	struct edge edge = searched("loss 0%..40%", 0.07, false);

	(void)state;
	assert_int_equal(edge.state, NETSIM_EDGE_FOUND);
	assert_true(edge.tries[2].value == 0.2);
	assert_true(edge.count <= NETSIM_EDGE_RUNS);
}

static void test_ends(void **state)
{
	struct edge edge = searched("for 1s..30s", 1e12, false);

	(void)state;
	assert_int_equal(edge.state, NETSIM_EDGE_ALL);
	assert_int_equal(edge.count, 2);
	assert_string_equal(text_of(&edge), "bears for 1s and 30s");
	edge = searched("for 1s..30s", 0, false);
	assert_int_equal(edge.state, NETSIM_EDGE_NONE);
	assert_string_equal(text_of(&edge), "bears neither for 1s nor 30s");
}

/* Ten runs are not enough for a range that is too wide. */
static void test_runs(void **state)
{
	struct edge edge = parsed("delay 1ns..1h");

	(void)state;
	edge.within = 1e-6;
	while (edge_next(&edge))
		edge_tell(&edge, edge.next < 1e6 ? NETSIM_AS_ASKED : NETSIM_NOT_AS_ASKED);
	assert_int_equal(edge.count, NETSIM_EDGE_RUNS);
	assert_int_equal(edge.state, NETSIM_EDGE_UNPROVED);
}

/* A value that is unproved decides nothing; the search goes on beside it. */
static void test_unproved(void **state)
{
	struct edge edge = parsed("delay 10ms..40ms");

	(void)state;
	while (edge_next(&edge))
		edge_tell(&edge, edge.next == 20e6 ? NETSIM_UNPROVED :
				 edge.next < 35e6  ? NETSIM_AS_ASKED :
						     NETSIM_NOT_AS_ASKED);
	assert_int_equal(edge.state, NETSIM_EDGE_FOUND);
	assert_string_equal(text_of(&edge), "bears delay 33.6ms, not 36.7ms; unproved at 20ms");
	/* If the edge is beside it, nobody knows on which side. */
	edge = parsed("delay 10ms..40ms");
	while (edge_next(&edge))
		edge_tell(&edge, edge.next > 19e6 && edge.next < 24e6 ? NETSIM_UNPROVED :
				 edge.next < 22e6		      ? NETSIM_AS_ASKED :
									NETSIM_NOT_AS_ASKED);
	assert_int_equal(edge.state, NETSIM_EDGE_UNPROVED);
	assert_non_null(strstr(text_of(&edge), "; unproved at 20ms"));
	/* at an end */
	edge = parsed("delay 10ms..40ms");
	assert_true(edge_next(&edge));
	edge_tell(&edge, NETSIM_UNPROVED);
	assert_false(edge_next(&edge));
	assert_int_equal(edge.state, NETSIM_EDGE_UNPROVED);
	assert_string_equal(text_of(&edge), "delay: no edge; unproved at 10ms");
}

static void assert_refused(const char *range, const char *what)
{
	struct netsim_err err = {0};
	struct edge edge;

	assert_int_equal(edge_parse(range, 0.1, &edge, &err), -EINVAL);
	if (!strstr(err.what, what))
		fail_msg("%s: %s", range, err.what);
}

static void test_mistakes(void **state)
{
	(void)state;
	assert_refused("", "is no range; write for example delay 10ms..500ms");
	assert_refused("delay 10ms", "is no range");
	assert_refused("10ms..20ms", "is no range");
	assert_refused("slot 10ms..20ms", "\"slot\" has no edge; write delay, rtt");
	assert_refused("delay 10..20ms", "\"10\" is no value of delay: ");
	assert_refused("delay 10ms..5%", "\"5%\" is no value of delay: ");
	assert_refused("rate 1mbit..1mbit", "both ends of the range are the same");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_increasing), cmocka_unit_test(test_decreasing),
		cmocka_unit_test(test_sizes),	   cmocka_unit_test(test_from_zero),
		cmocka_unit_test(test_ends),	   cmocka_unit_test(test_runs),
		cmocka_unit_test(test_unproved),   cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
