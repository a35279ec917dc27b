// SPDX-License-Identifier: GPL-2.0-or-later
/* Sentences about phases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/config/expectation.h"

static struct expectation parse(const char *text)
{
	struct netsim_err err = {0};
	struct expectation e = {.text = NULL};
	size_t bad = 0;

	if (expectation_parse(text, &e, &bad, &err) < 0)
		fail_msg("%s: at %zu: %s", text, bad, err.what);
	assert_string_equal(e.text, text);
	return e;
}

static void expect(const char *text, enum expect_quantity quantity, enum expect_operator op,
		   enum expect_unit unit, double value)
{
	struct expectation e = parse(text);

	assert_int_equal(e.quantity, quantity);
	assert_int_equal(e.op, op);
	assert_int_equal(e.unit, unit);
	assert_true(e.value >= value * (1 - 1e-12) && e.value <= value * (1 + 1e-12));
	expectation_done(&e);
}

static void test_quantities(void **state)
{
	(void)state;
	expect("api available 99.9%", EXPECT_AVAILABLE, EXPECT_AT_LEAST, EXPECT_SHARE, 0.999);
	expect("api available > 50%", EXPECT_AVAILABLE, EXPECT_ABOVE, EXPECT_SHARE, 0.5);
	expect("api outage <= 2s", EXPECT_OUTAGE, EXPECT_AT_MOST, EXPECT_NS, 2e9);
	expect("api outage<=2s", EXPECT_OUTAGE, EXPECT_AT_MOST, EXPECT_NS, 2e9);
	expect("  api\toutage  < 1.5min ", EXPECT_OUTAGE, EXPECT_BELOW, EXPECT_NS, 90e9);
	expect("api recovers within 5s", EXPECT_RECOVERS, EXPECT_AT_MOST, EXPECT_NS, 5e9);
	expect("ledger rate >= 90/s", EXPECT_RATE, EXPECT_AT_LEAST, EXPECT_PER_SECOND, 90);
	expect("ledger rate >= 0.5/s", EXPECT_RATE, EXPECT_AT_LEAST, EXPECT_PER_SECOND, 0.5);
	expect("ledger lost = 0", EXPECT_LOST, EXPECT_EQUAL, EXPECT_COUNT, 0);
	expect("ledger stale = 0", EXPECT_STALE, EXPECT_EQUAL, EXPECT_COUNT, 0);
	expect("ledger phantom = 0", EXPECT_PHANTOM, EXPECT_EQUAL, EXPECT_COUNT, 0);
	expect("ledger reordered = 0", EXPECT_REORDERED, EXPECT_EQUAL, EXPECT_COUNT, 0);
	expect("disk torn = 0", EXPECT_TORN, EXPECT_EQUAL, EXPECT_COUNT, 0);
	expect("disk stall <= 8s", EXPECT_STALL, EXPECT_AT_MOST, EXPECT_NS, 8e9);
	expect("disk latency p99 <= 50ms", EXPECT_LATENCY, EXPECT_AT_MOST, EXPECT_NS, 50e6);
	expect("etcd leader changes = 1", EXPECT_LEADER_CHANGES, EXPECT_EQUAL, EXPECT_COUNT, 1);
	expect("etcd agrees within 5s", EXPECT_AGREES, EXPECT_AT_MOST, EXPECT_NS, 5e9);
	expect("loss a:b <= 1%", EXPECT_LOSS, EXPECT_AT_MOST, EXPECT_SHARE, 0.01);
	expect("packets a:b >= 100", EXPECT_PACKETS, EXPECT_AT_LEAST, EXPECT_COUNT, 100);
	expect("etcd metric leaders_total increase <= 1", EXPECT_METRIC, EXPECT_AT_MOST,
	       EXPECT_REAL, 1);
	expect("etcd metric took_seconds{disk=\"a b\",op=\"}\"} p99 < 10ms", EXPECT_METRIC,
	       EXPECT_BELOW, EXPECT_REAL, 0.01);
	expect("etcd metric load last>=0.25", EXPECT_METRIC, EXPECT_AT_LEAST, EXPECT_REAL, 0.25);
	/* names that are words of the grammar */
	expect("rtt rtt <= 1ms", EXPECT_RTT, EXPECT_AT_MOST, EXPECT_NS, 1e6);
	expect("loss outage = 1s", EXPECT_OUTAGE, EXPECT_EQUAL, EXPECT_NS, 1e9);
}

static void test_parts(void **state)
{
	struct expectation e = parse("api rtt p99 <= 50ms");

	(void)state;
	assert_string_equal(e.name, "api");
	assert_int_equal(e.statistic, EXPECT_P99);
	assert_int_equal(e.quantity_at, 4);
	expectation_done(&e);
	e = parse("loss a:b class etcd <= 1%");
	assert_null(e.name);
	assert_string_equal(e.from, "a");
	assert_string_equal(e.to, "b");
	assert_string_equal(e.class_name, "etcd");
	assert_int_equal(e.from_at, 5);
	assert_int_equal(e.to_at, 7);
	assert_int_equal(e.class_at, 15);
	expectation_done(&e);
	e = parse("rtt a:b median < 5ms");
	assert_int_equal(e.statistic, EXPECT_MEDIAN);
	assert_int_equal(e.quantity, EXPECT_RTT);
	expectation_done(&e);
}

static void refused(const char *text, size_t at, const char *what, const char *hint)
{
	struct netsim_err err = {0};
	struct expectation e;
	size_t bad = 0;

	assert_int_equal(expectation_parse(text, &e, &bad, &err), -EINVAL);
	assert_string_equal(err.what, what);
	assert_string_equal(err.hint, hint);
	assert_int_equal(bad, at);
}

static void test_errors(void **state)
{
	(void)state;
	refused("", 0, "the sentence is empty", "write for example \"api outage <= 2s\"");
	refused("api", 3, "the quantity is missing",
		"write one of available, outage, rtt, recovers, rate, lost, stale, phantom, "
		"reordered, "
		"torn, stall, latency, leader changes, agrees, metric");
	refused("api outge <= 2s", 4, "\"outge\" is not a quantity", "did you mean \"outage\"?");
	refused("api outage 2s", 11, "\"2s\" is not an operator", "write \"outage <= 2s\"");
	refused("api outage", 10, "the operator is missing", "write \"outage <= 2s\"");
	refused("api xyzzy <= 2s", 4, "\"xyzzy\" is not a quantity",
		"write one of available, outage, rtt, recovers, rate, lost, stale, phantom, "
		"reordered, "
		"torn, stall, latency, leader changes, agrees, metric");
	refused("api outage => 2s", 11, "unknown operator \"=>\"",
		"the operators are =, <, <=, >= and >");
	refused("api outage <=", 13, "the value is missing", "write \"outage <= 2s\"");
	refused("api outage <= 2", 14, "\"2\" is not a duration",
		"a duration is a number and ns, us, ms, s, min, h or d: \"50ms\"");
	refused("api outage <= 2s long", 17, "\"long\" follows the end of the sentence", "");
	refused("api available 101%", 14, "\"101%\" is not a ratio", "a ratio is at most 100%");
	refused("api recovers <= 5s", 13, "\"within\" does not follow \"recovers\"",
		"write \"recovers within 5s\"");
	refused("etcd leader = 1", 12, "\"changes\" does not follow \"leader\"",
		"write \"leader changes\"");
	refused("ledger rate >= 90", 15, "\"90\" is not a rate",
		"write a number per second, such as \"100/s\"");
	refused("ledger lost = x", 14, "\"x\" is not a number", "write a whole number");
	refused("loss a <= 1%", 5, "\"a\" is not a pair", "write A:B, from one node to another");
	refused("loss a:b class", 14, "the name of the class is missing", "");
	refused("a b c d e f g h i j k l m", 24, "the sentence is too long", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantities),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
