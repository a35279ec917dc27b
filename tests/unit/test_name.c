// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: patterns, ranges, spelling suggestions, interface names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/name.h"

static const char *const roles[] = {"server", "storage"};

static void test_match(void **state)
{
	static const struct {
		const char *pattern, *node;
		bool match;
	} rows[] = {
		{"n100-1", "n100-1", true},
		{"n100-1", "n100-10", false},
		{"n100-*", "n100-1", true},
		{"n100-*", "n100-", true},
		{"n100-*", "jetson-1", false},
		{"*", "anything", true},
		{"*", "", true},
		{"*-1", "jetson-1", true},
		{"*-1", "jetson-11", false},
		{"*t*-*", "jetson-1", true},
		{"n?00-1", "n100-1", true},
		{"n?00-1", "n00-1", false},
		{"n100-[1-3]", "n100-1", true},
		{"n100-[1-3]", "n100-3", true},
		{"n100-[1-3]", "n100-4", false},
		{"n100-[1-3]", "n100-12", false},
		{"n-[1-30]", "n-12", true},
		{"n-[1-30]", "n-30", true},
		{"n-[1-30]", "n-31", false},
		{"n-[1-30]", "n-012", false},
		{"n-[01-30]", "n-02", true},
		{"n-[01-30]", "n-2", false},
		{"n-[01-100]", "n-100", true},
		{"n-[01-100]", "n-099", false},
		{"n-[1-30]x", "n-3x", true},
		{"n-[1-30]0", "n-10", true},
		{"n-[1-3]*", "n-12", true},
		{"[1-3]-[4-6]", "2-5", true},
		{"[1-3]-[4-6]", "5-2", false},
		{"n-[1-3", "n-[1-3", true},
		{"n-[a]", "n-[a]", true},
		{"@server", "n100-1", true},
		{"@storage", "n100-1", true},
		{"@agent", "n100-1", false},
		{"@serv*", "n100-1", false},
		{"", "", true},
		{"", "x", false},
		{"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (name_match(rows[i].pattern, rows[i].node, roles, 2) != rows[i].match)
			fail_msg("%s on %s", rows[i].pattern, rows[i].node);
}

static void test_match_long(void **state)
{
	char node[1001];

	(void)state;
	memset(node, 'a', sizeof(node));
	node[1000] = '\0';
	assert_false(name_match("*", node, NULL, 0));
	node[255] = '\0';
	assert_true(name_match("*", node, NULL, 0));
	assert_true(name_match(node, node, NULL, 0));
}

static void test_is_pattern(void **state)
{
	(void)state;
	assert_true(name_is_pattern("n-*"));
	assert_true(name_is_pattern("n?"));
	assert_true(name_is_pattern("n-[1-2]"));
	assert_true(name_is_pattern("@role"));
	assert_false(name_is_pattern("n100-1"));
	assert_false(name_is_pattern("n@1"));
}

static void test_range(void **state)
{
	static const struct {
		const char *text;
		int result;
		unsigned first, last;
		int width;
		size_t start, len;
	} rows[] = {
		{"n-[1-5]", 1, 1, 5, 0, 2, 5},
		{"n-[01-10]-x", 1, 1, 10, 2, 2, 7},
		{"[5-1]", 1, 5, 1, 0, 0, 5},
		{"[0-9]", 1, 0, 9, 0, 0, 5},
		{"[00-9]", 1, 0, 9, 2, 0, 6},
		{"n100-1", 0, 0, 0, 0, 0, 0},
		{"", 0, 0, 0, 0, 0, 0},
		{"n-[1-5", -EINVAL, 0, 0, 0, 0, 0},
		{"n-1-5]", -EINVAL, 0, 0, 0, 0, 0},
		{"n-[]", -EINVAL, 0, 0, 0, 0, 0},
		{"n-[1]", -EINVAL, 0, 0, 0, 0, 0},
		{"n-[a-b]", -EINVAL, 0, 0, 0, 0, 0},
		{"n-[-1-2]", -EINVAL, 0, 0, 0, 0, 0},
		{"n-[1-9999999999]", -EINVAL, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct name_range range = {0};

		if (name_range_find(rows[i].text, &range) != rows[i].result ||
		    range.first != rows[i].first || range.last != rows[i].last ||
		    range.width != rows[i].width || range.start != rows[i].start ||
		    range.len != rows[i].len)
			fail_msg("%s", rows[i].text);
	}
}

static void test_nearest(void **state)
{
	static const char *const keys[] = {"rate", "rtt", "delay", "jitter", "distribution", "p13"};
	static const struct {
		const char *text, *nearest;
	} rows[] = {
		{"dellay", "delay"},
		{"delya", "delay"},
		{"DELAY", "delay"},
		{"ratr", "rate"},
		{"jiter", "jitter"},
		{"ditsribution", "distribution"},
		{"latency", NULL},
		{"x", NULL},
		{"", NULL},
		{"p31", "p13"},
		{"bandwidth-in-one-direction-only-please", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *nearest = name_nearest(rows[i].text, keys, ARRAY_SIZE(keys));

		if (!nearest != !rows[i].nearest || (nearest && strcmp(nearest, rows[i].nearest)))
			fail_msg("%s: %s", rows[i].text, nearest ? nearest : "none");
	}
	assert_null(name_nearest("x", NULL, 0));
}

static void test_fit(void **state)
{
	char a[IFNAMSIZ], b[IFNAMSIZ];

	(void)state;
	name_fit("n3x-lan", a);
	assert_string_equal(a, "n3x-lan");
	name_fit("exactly-15-long", a);
	assert_string_equal(a, "exactly-15-long");
	name_fit("sixteen-long-now", a);
	assert_int_equal(strlen(a), 15);
	assert_string_equal(a + 4, "~n-long-now");
	name_fit("sixteen-long-now", b);
	assert_string_equal(a, b);
	name_fit("sixteen-long-noW", b);
	assert_string_not_equal(a, b);
	/* the published test vectors of FNV-1a */
	assert_int_equal(name_hash(""), 0x811c9dc5);
	assert_int_equal(name_hash("a"), 0xe40c292c);
	assert_int_equal(name_hash("foobar"), 0xbf9cf968);
}

static void test_plain_and_interface(void **state)
{
	(void)state;
	assert_true(name_is_plain("n100-1.a_b", 32));
	assert_true(name_is_plain("1", 1));
	assert_false(name_is_plain("", 32));
	assert_false(name_is_plain("-a", 32));
	assert_false(name_is_plain("a b", 32));
	assert_false(name_is_plain("\xc3\xbc", 32));
	assert_false(name_is_plain("abc", 2));
	assert_null(name_interface_flaw("eth1.100"));
	assert_null(name_interface_flaw("bond0@x~"));
	assert_non_null(name_interface_flaw(""));
	assert_non_null(name_interface_flaw("."));
	assert_non_null(name_interface_flaw(".."));
	assert_non_null(name_interface_flaw("all"));
	assert_non_null(name_interface_flaw("eth 1"));
	assert_non_null(name_interface_flaw("eth/1"));
	assert_non_null(name_interface_flaw("eth%d"));
	assert_non_null(name_interface_flaw("sixteen-long-now"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_match_long),
		cmocka_unit_test(test_is_pattern),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_plain_and_interface),
	};

	return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
