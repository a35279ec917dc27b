// SPDX-License-Identifier: GPL-2.0-or-later
/* Quantities: exact values, refusals, and round trips through the shortest text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/util/auto.h"
#include "netsim/util/unit.h"

/* back: the formatted text; NULL: the same text */
struct row {
	const char *text;
	int code;
	uint64_t value;
	const char *back;
};

static void check(const struct row *row, int code, uint64_t value, const char *back,
		  const char *why)
{
	const char *want = row->back ? row->back : row->text;

	if (code != row->code || (!code && (value != row->value || strcmp(back, want) != 0)) ||
	    (code && !why))
		fail_msg("\"%s\": %d %llu \"%s\" %s", row->text, code, (unsigned long long)value,
			 code ? "" : back, why ? why : "");
}

static void test_duration(void **state)
{
	static const struct row rows[] = {
		{"50ms", 0, 50000000, NULL},
		{"1.5s", 0, 1500000000, NULL},
		{"250us", 0, 250000, NULL},
		{"0.25ms", 0, 250000, "250us"},
		{"0.0005s", 0, 500000, "500us"},
		{"1500us", 0, 1500000, "1.5ms"},
		{"1ns", 0, 1, NULL},
		{"0s", 0, 0, "0ms"},
		{"1500ns", 0, 1500, "1.5us"},
		{"1234567ns", 0, 1234567, NULL},
		{"60s", 0, 60000000000, NULL},
		{"90min", 0, 5400000000000, "1.5h"},
		{"24h", 0, 86400000000000, "1d"},
		{"007ms", 0, 7000000, "7ms"},
		{"1.50000000000000000000000ms", 0, 1500000, "1.5ms"},
		{"9223372036854775807ns", 0, INT64_MAX, NULL},
		{"9223372036854775808ns", -ERANGE, 0, NULL},
		{"106751d", 0, 9223286400000000000, NULL},
		{"106752d", -ERANGE, 0, NULL},
		{"99999999999999999999ns", -ERANGE, 0, NULL},
		{"0.5ns", -EINVAL, 0, NULL},
		{"1.0000001us", -EINVAL, 0, NULL},
		{"0.1234567890123456789s", -EINVAL, 0, NULL},
		{"50", -EINVAL, 0, NULL},
		{"", -EINVAL, 0, NULL},
		{"ms", -EINVAL, 0, NULL},
		{"50 ms", -EINVAL, 0, NULL},
		{" 50ms", -EINVAL, 0, NULL},
		{"50ms ", -EINVAL, 0, NULL},
		{"50MS", -EINVAL, 0, NULL},
		{"-50ms", -EINVAL, 0, NULL},
		{"+50ms", -EINVAL, 0, NULL},
		{".5ms", -EINVAL, 0, NULL},
		{"5.ms", -EINVAL, 0, NULL},
		{"1.2.3ms", -EINVAL, 0, NULL},
		{"1e3ms", -EINVAL, 0, NULL},
		{"0x10ms", -EINVAL, 0, NULL},
		{"50mss", -EINVAL, 0, NULL},
		{"50mbit", -EINVAL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct duration d = {-1};
		const char *why = NULL;
		char buf[UNIT_TEXT];
		int r = unit_parse_duration(rows[i].text, &d, &why);

		if (r < 0)
			assert_int_equal(d.ns, -1);
		check(&rows[i], r, (uint64_t)d.ns, unit_format_duration(d, buf), why);
	}
}

static void test_negative_duration(void **state)
{
	char buf[UNIT_TEXT];

	(void)state;
	assert_string_equal(unit_format_duration((struct duration) {-1500000}, buf), "-1.5ms");
	assert_string_equal(unit_format_duration((struct duration) {INT64_MIN}, buf),
			    "-9223372036854775808ns");
}

static void test_rate(void **state)
{
	static const struct row rows[] = {
		{"10mbit", 0, 10000000, NULL},
		{"1.5gbit", 0, 1500000000, NULL},
		{"100000kbit", 0, 100000000, "100mbit"},
		{"8bit", 0, 8, NULL},
		{"1tbit", 0, 1000000000000, NULL},
		{"1kB/s", 0, 8000, "8kbit"},
		{"12.5MB/s", 0, 100000000, "100mbit"},
		{"1GB/s", 0, 8000000000, "8gbit"},
		{"0bit", 0, 0, NULL},
		{"18446744073709551615bit", 0, UINT64_MAX, NULL},
		{"18446744.073709551615tbit", 0, UINT64_MAX, "18446744073709551615bit"},
		{"18446744073709551616bit", -ERANGE, 0, NULL},
		{"18446745tbit", -ERANGE, 0, NULL},
		{"10", -EINVAL, 0, NULL},
		{"10Mbit", -EINVAL, 0, NULL},
		{"10mbps", -EINVAL, 0, NULL},
		{"10MB", -EINVAL, 0, NULL},
		{"0.5bit", -EINVAL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rate v = {0};
		const char *why = NULL;
		char buf[UNIT_TEXT];
		int r = unit_parse_rate(rows[i].text, &v, &why);

		check(&rows[i], r, v.bps, unit_format_rate(v, buf), why);
	}
}

static void test_size(void **state)
{
	static const struct row rows[] = {
		{"64KiB", 0, 65536, NULL},
		{"1514B", 0, 1514, NULL},
		{"1500B", 0, 1500, NULL},
		{"1.5kB", 0, 1500, "1500B"},
		{"1kB", 0, 1000, NULL},
		{"0.5KiB", 0, 512, "512B"},
		{"1.5MiB", 0, 1572864, NULL},
		{"1GiB", 0, 1073741824, NULL},
		{"2GB", 0, 2000000000, NULL},
		{"0B", 0, 0, NULL},
		{"0.3KiB", -EINVAL, 0, NULL},
		{"64KB", -EINVAL, 0, NULL},
		{"64kib", -EINVAL, 0, NULL},
		{"64", -EINVAL, 0, NULL},
		{"17179869184GiB", -ERANGE, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct size v = {0};
		const char *why = NULL;
		char buf[UNIT_TEXT];
		int r = unit_parse_size(rows[i].text, &v, &why);

		check(&rows[i], r, v.bytes, unit_format_size(v, buf), why);
	}
}

static void test_ratio(void **state)
{
	static const struct row rows[] = {
		{"0.5%", 0, 5000000, NULL},
		{"100%", 0, RATIO_ONE, NULL},
		{"1%", 0, 10000000, NULL},
		{"0%", 0, 0, NULL},
		{"0.0000001%", 0, 1, NULL},
		{"99.9999999%", 0, 999999999, NULL},
		{"1.50%", 0, 15000000, "1.5%"},
		{"0.00000001%", -EINVAL, 0, NULL},
		{"100.0000001%", -ERANGE, 0, NULL},
		{"101%", -ERANGE, 0, NULL},
		{"0.01", -EINVAL, 0, NULL},
		{"1 %", -EINVAL, 0, NULL},
		{"%", -EINVAL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ratio v = {0};
		const char *why = NULL;
		char buf[UNIT_TEXT];
		int r = unit_parse_ratio(rows[i].text, &v, &why);

		check(&rows[i], r, v.ppb, unit_format_ratio(v, buf), why);
	}
}

static void test_count(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int code;
		uint64_t value;
	} rows[] = {
		{"1", 1, 4094, 0, 1},
		{"4094", 1, 4094, 0, 4094},
		{"0", 0, 10, 0, 0},
		{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, -ERANGE, 0},
		{"0", 1, 4094, -ERANGE, 0},
		{"4095", 1, 4094, -ERANGE, 0},
		{"010", 0, 100, -EINVAL, 0},
		{"1.0", 0, 100, -EINVAL, 0},
		{"1.5", 0, 100, -EINVAL, 0},
		{"-1", 0, 100, -EINVAL, 0},
		{"+1", 0, 100, -EINVAL, 0},
		{"0x1", 0, 100, -EINVAL, 0},
		{"1k", 0, 100, -EINVAL, 0},
		{" 1", 0, 100, -EINVAL, 0},
		{"", 0, 100, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = 0;
		int r = unit_parse_count(rows[i].text, rows[i].min, rows[i].max, &value);

		if (r != rows[i].code || value != rows[i].value)
			fail_msg("\"%s\": %d %llu", rows[i].text, r, (unsigned long long)value);
	}
}

static void test_decimal(void **state)
{
	static const struct {
		const char *text;
		int code;
		uint64_t value;
	} rows[] = {
		{"4", 0, 4000},		{"2.5", 0, 2500},
		{"0.001", 0, 1},	{"0", 0, 0},
		{"9000", 0, 9000000},	{"9000.001", -ERANGE, 0},
		{"0.0001", -EINVAL, 0}, {"4ms", -EINVAL, 0},
		{"4.", -EINVAL, 0},	{".5", -EINVAL, 0},
		{"", -EINVAL, 0},	{"-1", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = 0;
		int r = unit_parse_decimal(rows[i].text, 1000, 9000000, &value);

		if (r != rows[i].code || value != rows[i].value)
			fail_msg("\"%s\": %d %llu", rows[i].text, r, (unsigned long long)value);
	}
}

static void test_mac(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *back;
	} rows[] = {
		{"52:54:00:12:34:01", 0, "52:54:00:12:34:01"},
		{"52:54:00:AB:cd:0F", 0, "52:54:00:ab:cd:0f"},
		{"53:54:00:12:34:01", -EINVAL, NULL},
		{"ff:ff:ff:ff:ff:ff", -EINVAL, NULL},
		{"00:00:00:00:00:00", -EINVAL, NULL},
		{"52-54-00-12-34-01", -EINVAL, NULL},
		{"52:54:00:12:34", -EINVAL, NULL},
		{"52:54:00:12:34:01:", -EINVAL, NULL},
		{"52:54:00:12:34:0g", -EINVAL, NULL},
		{"5:254:00:12:34:01", -EINVAL, NULL},
		{"", -EINVAL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mac mac;
		const char *why = NULL;
		char buf[UNIT_TEXT];
		int r = unit_parse_mac(rows[i].text, &mac, &why);

		if (r != rows[i].code || (r && !why))
			fail_msg("\"%s\": %d", rows[i].text, r);
		if (r == 0)
			assert_string_equal(unit_format_mac(mac, buf), rows[i].back);
	}
}

static void test_prefix(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *back;
	} rows[] = {
		{"192.168.1.1/24", 0, "192.168.1.1/24"},
		{"0.0.0.0/0", 0, "0.0.0.0/0"},
		{"10.0.0.1/32", 0, "10.0.0.1/32"},
		{"FD00:0::1/64", 0, "fd00::1/64"},
		{"::/0", 0, "::/0"},
		{"fd00::1/128", 0, "fd00::1/128"},
		{"10.0.0.1/33", -ERANGE, NULL},
		{"fd00::1/129", -ERANGE, NULL},
		{"10.0.0.1", -EINVAL, NULL},
		{"10.0.0.1/", -EINVAL, NULL},
		{"10.0.0.1/024", -EINVAL, NULL},
		{"10.0.0/24", -EINVAL, NULL},
		{"010.0.0.1/24", -EINVAL, NULL},
		{"10.0.0.1/24/24", -EINVAL, NULL},
		{"/24", -EINVAL, NULL},
		{"fe80::1%eth0/64", -EINVAL, NULL},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64", -EINVAL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip ip;
		const char *why = NULL;
		char buf[UNIT_TEXT];
		int r = unit_parse_prefix(rows[i].text, &ip, &why);

		if (r != rows[i].code || (r && !why))
			fail_msg("\"%s\": %d", rows[i].text, r);
		if (r == 0)
			assert_string_equal(unit_format_ip(&ip, buf), rows[i].back);
	}
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	if (unit_parse_prefix(text, &ip, NULL) < 0)
		assert_int_equal(unit_parse_address(text, &ip, NULL), 0);
	return ip;
}

/* A network of two addresses has no broadcast address, and neither has IPv6. */
static void test_broadcast(void **state)
{
	static const struct {
		const char *ip, *prefix;
		bool is;
	} rows[] = {
		{"10.0.0.255", "10.0.0.1/24", true},  {"10.0.0.254", "10.0.0.1/24", false},
		{"10.0.1.255", "10.0.0.1/24", false}, {"10.0.0.3", "10.0.0.1/30", true},
		{"10.0.0.1", "10.0.0.0/31", false},   {"fd00::ff", "fd00::1/24", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip ip = ip_of(rows[i].ip), prefix = ip_of(rows[i].prefix);

		if (ip_is_broadcast(&ip, &prefix) != rows[i].is)
			fail_msg("%s in %s", rows[i].ip, rows[i].prefix);
	}
}

static void test_in_prefix(void **state)
{
	static const struct {
		const char *ip, *prefix;
		bool in;
	} rows[] = {
		{"10.0.0.9", "10.0.0.1/24", true}, {"10.0.1.9", "10.0.0.1/24", false},
		{"10.0.1.9", "10.0.0.1/23", true}, {"10.0.0.129", "10.0.0.1/25", false},
		{"10.0.0.1", "10.0.0.1/32", true}, {"10.0.0.2", "10.0.0.1/32", false},
		{"1.2.3.4", "0.0.0.0/0", true},	   {"fd00::1", "0.0.0.0/0", false},
		{"fd00::2", "fd00::1/127", false}, {"fd00::3", "fd00::2/127", true},
		{"fd00::1", "fd00::1/128", true},  {"fd00:0:0:1::1", "fd00::1/64", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip ip = ip_of(rows[i].ip), prefix = ip_of(rows[i].prefix);

		if (ip_in_prefix(&ip, &prefix) != rows[i].in)
			fail_msg("%s in %s", rows[i].ip, rows[i].prefix);
	}
	struct ip a = ip_of("10.0.0.1/24"), b = ip_of("10.0.0.1/25"), c = ip_of("10.0.0.1/24");

	assert_true(ip_equal(&a, &c));
	assert_false(ip_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),  cmocka_unit_test(test_negative_duration),
		cmocka_unit_test(test_rate),	  cmocka_unit_test(test_size),
		cmocka_unit_test(test_ratio),	  cmocka_unit_test(test_count),
		cmocka_unit_test(test_decimal),	  cmocka_unit_test(test_mac),
		cmocka_unit_test(test_prefix),	  cmocka_unit_test(test_in_prefix),
		cmocka_unit_test(test_broadcast),
	};

	return cmocka_run_group_tests_name("unit", tests, NULL, NULL);
}
