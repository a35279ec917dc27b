// SPDX-License-Identifier: GPL-2.0-or-later
/* Conditions as text: printing and parsing are inverse; errors name the word at fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/config/conditions.h"
#include "netsim/util/auto.h"

static void expect(const char *text, const char *want)
{
	struct conditions c, again;
	struct netsim_err err = {0};
	char buf[512], back[512];

	if (conditions_parse(text, &c, &err) < 0)
		fail_msg("%s: %s", text, err.what);
	conditions_format(&c, buf, sizeof(buf));
	assert_string_equal(buf, want);
	if (conditions_parse(buf, &again, &err) < 0)
		fail_msg("%s: %s", buf, err.what);
	assert_int_equal(c.has, again.has);
	conditions_format(&again, back, sizeof(back));
	assert_string_equal(back, buf);
}

static void test_words(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"none", "none"},
		{"loss 5% delay 80ms", "delay 80ms loss 5%"},
		{" loss\t5%  delay 80ms\n", "delay 80ms loss 5%"},
		{"rate 10mbit queue 50ms", "10mbit queue 50ms"},
		{"100mbit delay 2.5ms", "100mbit delay 2.5ms"},
		{"100mbit burst 64KiB queue 256KiB", "100mbit burst 64KiB queue 256KiB"},
		{"queue 100 packets", "queue 100 packets"},
		{"rate 1mbit overhead 40B", "1mbit overhead 40B"},
		{"rate 10mbit peak 50mbit queue 1s burst 1MB",
		 "10mbit burst 1MB peak 50mbit queue 1s"},
		{"peak 2MB/s", "peak 16mbit"},
		{"rate 1mbit overhead 0B atm delay 1ms", "1mbit overhead 0B atm delay 1ms"},
		{"queue 1 packet delay 1ms", "queue 1 packets delay 1ms"},
		{"delay 50ms jitter 10ms distribution normal reorder allowed",
		 "delay 50ms jitter 10ms normal reorder allowed"},
		{"delay 1ms pareto reorder 25%", "delay 1ms pareto reorder 25%"},
		{"jitter 1ms uniform reorder forbidden", "jitter 1ms uniform reorder forbidden"},
		{"paretonormal", "paretonormal"},
		{"loss gilbert-elliott mean 2% burst 4",
		 "loss gilbert-elliott p 0.5102041% r 25% bad 100% good 0%"},
		{"loss gilbert-elliott mean 10% burst 2.5",
		 "loss gilbert-elliott p 4.4444444% r 40% bad 100% good 0%"},
		{"loss gilbert-elliott mean 10% burst 4 burst 9kB rate 1mbit",
		 "1mbit burst 9kB loss gilbert-elliott p 2.7777778% r 25% bad 100% good 0%"},
		{"loss gilbert-elliott p 1% r 10%",
		 "loss gilbert-elliott p 1% r 10% bad 100% good 0%"},
		{"loss gilbert-elliott p 1% r 10% burst 9kB",
		 "burst 9kB loss gilbert-elliott p 1% r 10% bad 100% good 0%"},
		{"loss gilbert-elliott good 1% bad 90% r 10% p 1% seed 7",
		 "loss gilbert-elliott p 1% r 10% bad 90% good 1% seed 7"},
		{"loss 4-state p13 1% p31 20%",
		 "loss 4-state p13 1% p31 20% p32 0% p23 100% p14 0%"},
		{"loss 4-state p13 1% p31 20% p32 30% p23 40% p14 50% duplicate 1%",
		 "loss 4-state p13 1% p31 20% p32 30% p23 40% p14 50% duplicate 1%"},
		{"duplicate 1% corrupt 0.1% slot 20ms", "duplicate 1% corrupt 0.1% slot 20ms"},
		{"slot 10ms..30ms", "slot 10ms..30ms"},
		{"larger 1000B", "larger 1kB"},
		{"larger 1001B seed 7 loss 1%", "loss 1% larger 1001B seed 7"},
		{"larger 65535B", "larger 65535B"},
		{"hold", "hold"},
		{"hold seed 7 loss 1%", "loss 1% hold seed 7"},
		{"slot 10ms..30ms 3 packets 4kB", "slot 10ms..30ms 3 packets 4kB"},
		{"slot 5ms 4kB loss 1%", "loss 1% slot 5ms 4kB"},
		{"slot 5ms 1 packet seed 0", "slot 5ms 1 packets seed 0"},
		{"seed 18446744073709551615", "seed 18446744073709551615"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect(rows[i].text, rows[i].want);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *what, *hint;
	} rows[] = {
		{"", "no conditions given", "write for example \"loss 5% delay 80ms\""},
		{"delay", "delay: no value follows", "quote it with its value: 'delay 20ms'"},
		{"loss 1% delay", "delay: no value follows", "write for example \"delay 20ms\""},
		{"delay 80", "delay: \"80\" has no unit", "write \"delay 80ms\""},
		{"loss 5", "loss: \"5\" has no unit", "write \"loss 5%\""},
		{"loss 101%", "loss: \"101%\" is not valid", "a ratio is at most 100%"},
		{"loss delay 80ms", "loss: \"delay\" is not valid",
		 "a ratio is a number from 0 to 100 and %: \"0.5%\""},
		{"dealy 80ms", "\"dealy\" is not a condition", "did you mean \"delay\"?"},
		{"latency 80ms", "\"latency\" is not a condition", "did you mean \"delay\"?"},
		{"bandwidth 5mbit", "\"bandwidth\" is not a condition", "did you mean \"rate\"?"},
		{"drop 5%", "\"drop\" is not a condition", "did you mean \"loss\"?"},
		{"delay 1ms 5mbit", "\"5mbit\" is not a condition", NULL},
		{"none delay 1ms", "\"none\" is not a condition", NULL},
		{"rtt 80ms", "rtt: allowed only in a profile",
		 "write \"delay\", the one-way delay"},
		{"trace a.trace", "trace: allowed only in a profile", ""},
		{"jitter 1ms distribution a.dist",
		 "distribution: \"a.dist\" is a file, which is not allowed here",
		 "only a profile can name a file"},
		{"distribution gauss", "distribution: unknown word \"gauss\"",
		 "write uniform, normal, pareto or paretonormal"},
		{"delay 1ms delay 2ms", "delay is given twice", "keep one of the two"},
		{"5mbit rate 6mbit", "rate is given twice", "keep one of the two"},
		{"rate 7bit", "rate: must be at least 8bit, not 7bit", ""},
		{"rate 18446744073709551616bit", "rate: \"18446744073709551616bit\" is not valid",
		 "the number is too large"},
		{"burst 0B", "burst: must be above 0", ""},
		{"peak 50", "peak: \"50\" has no unit", "write \"peak 50mbit\""},
		{"peak 7bit", "peak: must be at least 8bit, not 7bit", ""},
		{"peak", "peak: no value follows", "quote it with its value: 'peak 10mbit'"},
		{"peakrate 2mbit", "\"peakrate\" is not a condition", NULL},
		{"overhead 40", "overhead: \"40\" has no unit", "write \"overhead 40B\""},
		{"overhead 2kB", "overhead: must be at most 1000B", ""},
		{"overhead atm", "overhead: \"atm\" is not valid", NULL},
		{"overhead 4B cells", "\"cells\" is not a condition", NULL},
		{"queue 0ms", "queue: must be above 0", "a queue of 0 would stop all traffic"},
		{"queue 5", "queue: \"5\" is not a time, a size or a number of packets",
		 "write for example \"50ms\", \"256KiB\" or \"100 packets\""},
		{"reorder maybe", "reorder: \"maybe\" is not forbidden, allowed or a ratio", ""},
		{"slot 0ms", "slot: must be above 0", ""},
		{"larger", "larger: no value follows", "quote it with its value: 'larger 1000B'"},
		{"larger 1000", "larger: \"1000\" has no unit", "write \"larger 1000B\""},
		{"larger 0B", "larger: must be above 0",
		 "to drop all packets, write \"loss 100%\""},
		{"larger 65536B", "larger: must be at most 65535B", ""},
		{"hold 5s", "\"5s\" is not a condition", NULL},
		{"loss 5% correlation 25%", "correlation: netem's changes the loss itself",
		 "for bursts, write \"loss gilbert-elliott mean 2% burst 4\""},
		{"hold hold", "hold is given twice", "keep one of the two"},
		{"slot 5ms..1ms", "slot: the range \"5ms..1ms\" runs backwards", ""},
		{"slot 5ms 0 packets", "slot: \"0\" is not a number of packets", ""},
		{"slot 5ms 0B", "slot: bytes must be above 0 and below 2GiB", ""},
		{"seed -1", "seed: \"-1\" is not a whole number", ""},
		{"loss gilbert-elliott", "loss: gilbert-elliott needs p",
		 "write for example \"loss gilbert-elliott p 1% r 10%\""},
		{"loss gilbert-elliott mean 2% delay 1ms",
		 "loss: mean needs a burst, the mean number of packets lost in a row", NULL},
		{"loss gilbert-elliott mean 2% p 1% burst 2",
		 "loss: p cannot be combined with mean",
		 "give mean and burst, or p and r, bad and good"},
		{"loss gilbert-elliott mean 2% burst 0.5",
		 "burst: \"0.5\" is not a number from 1 to 1000000", ""},
		{"loss gilbert-elliott mean 70% burst 2",
		 "loss: the loss is too large for bursts of this length", ""},
		{"loss gilbert-elliott p 1% p 2%", "loss: p is given twice", NULL},
		{"loss 4-state p13 1%", "loss: 4-state needs p31", NULL},
		{"loss 4-state p13 60% p14 60% p31 1%",
		 "loss: p13 and p14 add up to more than 100%", ""},
		{"loss 4-state p13 1% p31 60% p32 60%",
		 "loss: p31 and p32 add up to more than 100%", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct conditions c = {.seed = 5};
		struct netsim_err err = {0};

		if (conditions_parse(rows[i].text, &c, &err) != -EINVAL)
			fail_msg("%s: taken", rows[i].text);
		assert_string_equal(err.what, rows[i].what);
		if (rows[i].hint)
			assert_string_equal(err.hint, rows[i].hint);
		assert_int_equal(err.kind, NETSIM_ERR_USAGE);
		assert_null(err.loc.file);
		assert_int_equal(c.seed, 5);
	}
}

static void test_bounds(void **state)
{
	struct netsim_err err = {0};
	struct conditions c;
	char text[2048];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(conditions_parse(text, &c, &err), -EINVAL);
	assert_string_equal(err.what, "the conditions are longer than 1023 characters");
	err = (struct netsim_err) {0};
	for (size_t i = 1; i < 400; i += 2)
		text[i] = ' ';
	text[400] = '\0';
	assert_int_equal(conditions_parse(text, &c, &err), -EINVAL);
	assert_string_equal(err.what, "the conditions have more than 128 words");
}

/* p and r, computed from a mean loss and a burst length, imply these again. */
static void test_mean(void **state)
{
	static const struct {
		uint32_t mean;
		uint64_t burst;
	} rows[] = {
		{20000000, 4000000000},	  {1000000, 1000000000},   {500000000, 1000000000},
		{900000000, 10000000000}, {100000000, 2500000000}, {10000000, 100000000000},
	};
	const char *why;
	struct loss loss;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			loss_from_mean((struct ratio) {rows[i].mean}, rows[i].burst, &loss, &why),
			0);
		double p = loss.p.ppb, r = loss.r.ppb;
		double mean = p / (p + r) * RATIO_ONE, burst = RATIO_ONE / r;

		assert_true(mean > rows[i].mean * 0.9999 && mean < rows[i].mean * 1.0001);
		assert_true(burst > (double)rows[i].burst / RATIO_ONE * 0.9999);
		assert_true(burst < (double)rows[i].burst / RATIO_ONE * 1.0001);
		assert_int_equal(loss.bad.ppb, RATIO_ONE);
		assert_int_equal(loss.good.ppb, 0);
	}
	/* bursts of one packet cannot lose more than every other packet */
	assert_int_equal(loss_from_mean((struct ratio) {500000001}, RATIO_ONE, &loss, &why),
			 -ERANGE);
	assert_int_equal(loss_from_mean((struct ratio) {RATIO_ONE}, RATIO_ONE, &loss, &why),
			 -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_mean),
	};

	return cmocka_run_group_tests_name("conditions", tests, NULL, NULL);
}
