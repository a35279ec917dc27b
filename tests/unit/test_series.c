// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "netsim/words/series.h"

static struct series parsed(const char *text)
{
	struct series series;
	size_t bad = 0;

	assert_int_equal(series_parse(text, strlen(text), &series, &bad), strlen(text));
	return series;
}

static void test_parse(void **state)
{
	struct series series =
		parsed("http_requests:rate{code=\"200\", path=\"/a\\\\b\\\"c\\n\",}");

	(void)state;
	assert_string_equal(series.name, "http_requests:rate");
	assert_int_equal(series.label_count, 2);
	assert_string_equal(series_label(&series, "code"), "200");
	assert_string_equal(series_label(&series, "path"), "/a\\b\"c\n");
	assert_null(series_label(&series, "le"));
	assert_int_equal(parsed("up{}").label_count, 0);
}

static void assert_wrong(const char *text, int code, size_t at)
{
	struct series series;
	size_t bad = 0;

	assert_int_equal(series_parse(text, strlen(text), &series, &bad), code);
	assert_int_equal(bad, at);
}

static void test_mistakes(void **state)
{
	char longest[300];

	(void)state;
	assert_wrong("", -EINVAL, 0);
	assert_wrong("9up", -EINVAL, 0);
	assert_wrong("up{a}", -EINVAL, 4);
	assert_wrong("up{a=b}", -EINVAL, 5);
	assert_wrong("up{a=\"b}", -EINVAL, 8);
	assert_wrong("up{a=\"b\" c=\"d\"}", -EINVAL, 9);
	assert_wrong("up{a=\"\\x\"}", -EINVAL, 7);
	assert_wrong("up{a=\"b\"", -EINVAL, 8);
	assert_wrong("up{a=\"b\",a=\"c\"}", -EINVAL, 10);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_wrong(longest, -E2BIG, sizeof(longest) - 1);
}

static void test_match(void **state)
{
	const struct series name = parsed("fsync_seconds"),
			    label = parsed("fsync_seconds{disk=\"a\"}");
	const struct series bucket = parsed("fsync_seconds_bucket{le=\"0.1\",disk=\"a\"}"),
			    other = parsed("fsync_seconds_sum{disk=\"b\"}"),
			    longer = parsed("fsync_seconds_total{disk=\"a\"}");

	(void)state;
	assert_true(series_matches(&name, &name));
	assert_true(series_matches(&name, &bucket));
	assert_true(series_matches(&label, &bucket));
	assert_true(series_matches(&name, &other));
	assert_false(series_matches(&label, &other));
	assert_false(series_matches(&name, &longer));
	assert_false(series_matches(&label, &name));
	assert_true(series_is(&name, "_sum", &other));
	assert_false(series_is(&name, "", &other));
}

static const char exposition[] = "# HELP leaders The number of leader changes seen.\n"
				 "# TYPE leaders counter\n"
				 "leaders 1\n"
				 "\n"
				 "# TYPE took_seconds histogram\n"
				 "took_seconds_bucket{le=\"0.001\"} 5 1700000000000\n"
				 "took_seconds_bucket{le=\"+Inf\"} 8 # {trace=\"x\"} 0.5\n"
				 "took_seconds_sum 1.5e-2\r\n"
				 "this is no series\n"
				 "up\n"
				 "# TYPE room gauge\n"
				 "room NaN\n"
				 "loose{a=\"1\"} -2";

static void test_text(void **state)
{
	static const struct {
		const char *text;
		double value;
		enum metric_type type;
	} wanted[] = {
		{"leaders", 1, METRIC_COUNTER},
		{"took_seconds_bucket{le=\"0.001\"}", 5, METRIC_HISTOGRAM},
		{"took_seconds_bucket{le=\"+Inf\"}", 8, METRIC_HISTOGRAM},
		{"took_seconds_sum", 0.015, METRIC_HISTOGRAM},
		{"room", NAN, METRIC_GAUGE},
		{"loose{a=\"1\"}", -2, METRIC_UNTYPED},
	};
	struct metrics_reader reader = {.at = exposition, .end = exposition + strlen(exposition)};
	struct metrics_value value;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_true(metrics_next(&reader, &value));
		assert_int_equal(value.len, strlen(wanted[i].text));
		assert_memory_equal(value.text, wanted[i].text, value.len);
		assert_int_equal(value.type, wanted[i].type);
		if (isnan(wanted[i].value))
			assert_true(isnan(value.value));
		else
			assert_true(value.value == wanted[i].value);
	}
	assert_false(metrics_next(&reader, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
