// SPDX-License-Identifier: GPL-2.0-or-later
/* Words of commands: options as getopt_long(3) has them, splitting, selectors and steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/util/err.h"
#include "netsim/words/options.h"
#include "netsim/words/selector.h"
#include "netsim/words/step.h"
#include "netsim/words/syntax.h"

struct values {
	bool flag, quiet;
	const char *text, *fleet;
	int64_t ns;
	uint64_t rate;
	unsigned number;
	struct netsim_opt_words words;
};

static const struct netsim_opt rows[] = {
	{'x', "flag", NETSIM_OPT_FLAG, offsetof(struct values, flag), NULL, ""},
	{'t', "text", NETSIM_OPT_TEXT, offsetof(struct values, text), "TEXT", ""},
	{0, "time", NETSIM_OPT_DURATION, offsetof(struct values, ns), "TIME", ""},
	{'r', "rate", NETSIM_OPT_RATE, offsetof(struct values, rate), "RATE", ""},
	{'n', "number", NETSIM_OPT_NUMBER, offsetof(struct values, number), "N", ""},
	{'w', "words", NETSIM_OPT_WORDS, offsetof(struct values, words), "A,B", ""},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

static const struct netsim_opt common_rows[] = {
	{'f', "fleet", NETSIM_OPT_TEXT, offsetof(struct values, fleet), "FLEET", ""},
	{'q', "quiet", NETSIM_OPT_FLAG, offsetof(struct values, quiet), NULL, ""},
	{0, NULL, NETSIM_OPT_FLAG, 0, NULL, NULL},
};

/* A line of words, writable, as a program gets them. */
struct line {
	char text[256];
	char *words[32];
};

static void make_line(struct line *line, const char *text)
{
	size_t count = 0;

	memset(line, 0, sizeof(*line));
	snprintf(line->text, sizeof(line->text), "%s", text);
	for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " "))
		line->words[count++] = word;
}

static int parse(struct line *line, const char *text, bool raw, struct values *ret,
		 struct netsim_err *err)
{
	const struct netsim_opt_table tables[] = {{rows, ret}, {common_rows, ret}};

	make_line(line, text);
	memset(ret, 0, sizeof(*ret));
	memset(err, 0, sizeof(*err));
	return options_parse(tables, 2, raw, line->words, NULL, err);
}

/* The arguments that remain, joined by blanks. */
static void expect_words(const char *text, bool raw, const char *want)
{
	struct netsim_err err;
	struct values v;
	struct line line;
	char got[256] = "";

	assert_int_equal(parse(&line, text, raw, &v, &err), 0);
	for (size_t i = 0; line.words[i]; i++) {
		strcat(got, i ? " " : "");
		strcat(got, line.words[i]);
	}
	assert_string_equal(got, want);
}

static void expect_error(const char *text, const char *want)
{
	struct netsim_err err;
	struct values v;
	struct line line;

	assert_int_equal(parse(&line, text, false, &v, &err), -EINVAL);
	assert_int_equal(err.kind, NETSIM_ERR_USAGE);
	assert_string_equal(err.what, want);
}

static void test_options(void **state)
{
	struct netsim_err err;
	struct values v;
	struct line line;

	(void)state;
	assert_int_equal(
		parse(&line,
		      "a -xq -tone --time 1.5s b --rate=10mbit -n 7 -f fleet -w a,b --words c",
		      false, &v, &err),
		0);
	assert_true(v.flag && v.quiet);
	assert_string_equal(v.text, "one");
	assert_string_equal(v.fleet, "fleet");
	assert_int_equal(v.ns, 1500000000);
	assert_int_equal(v.rate, 10000000);
	assert_int_equal(v.number, 7);
	assert_int_equal(v.words.count, 3);
	assert_string_equal(v.words.list[2], "c");
	assert_string_equal(line.words[0], "a");
	assert_string_equal(line.words[1], "b");
	assert_null(line.words[2]);
}

static void test_arguments(void **state)
{
	(void)state;
	expect_words("", false, "");
	expect_words("a -x b - -q c", false, "a b - c");
	expect_words("a -- -x --flag", false, "a -x --flag");
	expect_words("-- a", false, "a");
	expect_words("-x a -x -- b", true, "a -x -- b");
	expect_words("-- -x a", true, "-x a");
	expect_words("--fla --te= a", false, "a");
}

static void test_option_errors(void **state)
{
	(void)state;
	expect_error("--nonesuch", "unknown option --nonesuch");
	expect_error("--nonesuch=3", "unknown option --nonesuch=3");
	expect_error("--f a", "unknown option --f"); /* flag or fleet */
	expect_error("--flag=1", "unknown option --flag=1");
	expect_error("-Z", "unknown option -Z");
	expect_error("-xZ", "unknown option -Z");
	expect_error("a -t", "-t needs a value");
	expect_error("-xt", "-xt needs a value");
	expect_error("--text", "--text needs a value");
	expect_error("-n 0", "--number 0: must be a number from 1 to 1000000");
	expect_error("-n 1000001", "--number 1000001: must be a number from 1 to 1000000");
	expect_error("-n 1x", "--number 1x: must be a number from 1 to 1000000");
	expect_error("--time 0s", "--time 0s: it must be above zero");
	expect_error("-w ,", "--words: needs at least one value");
}

/* Random lines give the same options and arguments as getopt_long(3). */
static void test_like_getopt(void **state)
{
	static const char *const atoms[] = {"a",  "-x",	    "-q",      "-xq",  "-tv",  "-t",
					    "--", "--text", "--te=v",  "-f",   "--fl", "--flag",
					    "-",  "b",	    "--fleet", "--qu", "-xtv", "--t"};
	static const struct option longs[] = {
		{"flag", 0, NULL, 'x'},	 {"text", 1, NULL, 't'},   {"time", 1, NULL, 'T'},
		{"rate", 1, NULL, 'r'},	 {"number", 1, NULL, 'n'}, {"words", 1, NULL, 'w'},
		{"fleet", 1, NULL, 'f'}, {"quiet", 0, NULL, 'q'},  {0}};
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[256] = "";
		struct values v, want = {0};
		struct netsim_err err;
		struct line mine, theirs;
		int c, argc = 1, bad = 0, r;
		char *argv[33] = {(char *)"netsim"};

		for (unsigned i = 0, n = 1 + (unsigned)rand_r(&seed) % 6; i < n; i++) {
			strcat(text, i ? " " : "");
			strcat(text, atoms[(unsigned)rand_r(&seed) % 18]);
		}
		r = parse(&mine, text, false, &v, &err);
		make_line(&theirs, text);
		for (; theirs.words[argc - 1]; argc++)
			argv[argc] = theirs.words[argc - 1];
		optind = 0;
		opterr = 0;
		while (!bad && (c = getopt_long(argc, argv, ":xt:r:n:w:f:q", longs, NULL)) != -1) {
			bad = c == '?' || c == ':';
			want.flag |= c == 'x';
			want.quiet |= c == 'q';
			want.text = c == 't' ? optarg : want.text;
			want.fleet = c == 'f' ? optarg : want.fleet;
			bad |= c == 'T'; /* no atom is a duration */
		}
		if (r != (bad ? -EINVAL : 0))
			fail_msg("%s: %d, getopt_long: %d", text, r, bad);
		if (bad)
			continue;
		if (v.flag != want.flag || v.quiet != want.quiet ||
		    strcmp(v.text ? v.text : "", want.text ? want.text : "") != 0 ||
		    strcmp(v.fleet ? v.fleet : "", want.fleet ? want.fleet : "") != 0)
			fail_msg("%s: other options than getopt_long", text);
		for (int i = optind; i <= argc; i++)
			if (strcmp(mine.words[i - optind] ? mine.words[i - optind] : "",
				   i < argc ? argv[i] : "") != 0)
				fail_msg("%s: other arguments than getopt_long", text);
	}
}

static void expect_split(const char *text, const char *want)
{
	struct split split;
	char got[256] = "";
	size_t bad;

	assert_int_equal(split_words(text, &split, &bad), 0);
	for (size_t i = 0; i < split.count; i++) {
		strcat(got, i ? "|" : "");
		strcat(got, split.words[i]);
	}
	assert_null(split.list[split.count]);
	assert_string_equal(got, want);
	split_done(&split);
}

static void test_split(void **state)
{
	struct split split;
	size_t bad;

	(void)state;
	expect_split("", "");
	expect_split("  a\tb \n c ", "a|b|c");
	expect_split("a 'b c' \"d e\" f\\ g", "a|b c|d e|f g");
	expect_split("a'b'\"c\"d ''", "abcd|");
	expect_split("\"a\\\"b\\\\c\\d\" 'e\\f'", "a\"b\\c\\d|e\\f");
	expect_split("$HOME * ~ `x`", "$HOME|*|~|`x`");
	assert_int_equal(split_words("a 'b", &split, &bad), -EINVAL);
	assert_int_equal(bad, 2);
	assert_int_equal(split_words("a b\\", &split, &bad), -EINVAL);
	assert_int_equal(bad, 3);
	assert_int_equal(split_words("ab 'c d' e\\ f", &split, &bad), 0);
	assert_int_equal(split_offset(&split, split.words[0] + 1), 1);
	assert_int_equal(split_offset(&split, split.words[1]), 4);
	assert_int_equal(split_offset(&split, split.words[1] + 2), 6);
	assert_int_equal(split_offset(&split, split.words[2] + 2), 12);
	assert_int_equal(split_offset(&split, "elsewhere"), 0);
	split_done(&split);
}

static void test_selector(void **state)
{
	struct selector s;
	const char *why;
	size_t bad;

	(void)state;
	assert_true(selector_is("leader(etcd)"));
	assert_false(selector_is("leader"));
	assert_int_equal(selector_parse("minority(etcd-2)", &s, &bad, &why), 0);
	assert_int_equal(s.kind, SELECTOR_MINORITY);
	assert_string_equal(s.workload, "etcd-2");
	assert_int_equal(selector_parse("lead(etcd)", &s, &bad, &why), -EINVAL);
	assert_int_equal(bad, 0);
	assert_int_equal(selector_parse("leader()", &s, &bad, &why), -EINVAL);
	assert_int_equal(bad, 6);
	assert_int_equal(selector_parse("leader(etcd", &s, &bad, &why), -EINVAL);
	assert_int_equal(selector_parse("leader(etcd)x", &s, &bad, &why), -EINVAL);
	assert_int_equal(selector_parse("leader", &s, &bad, &why), -EINVAL);
	for (int more = 0; more < 2; more++) {
		char text[SELECTOR_NAME + 16];

		snprintf(text, sizeof(text), "leader(%0*d)", SELECTOR_NAME - 1 + more, 0);
		assert_int_equal(selector_parse(text, &s, &bad, &why), more ? -EINVAL : 0);
	}
}

/* The members that a selector takes of count, of which one is the leader: "x..". */
static const char *taken(enum selector_kind kind, size_t count, size_t leader, char *buf)
{
	size_t nth = 0;

	for (size_t i = 0; i < count; i++) {
		buf[i] = selector_takes(kind, count, i == leader, nth) ? 'x' : '.';
		nth += i != leader;
	}
	buf[count] = 0;
	return buf;
}

static void test_selector_takes(void **state)
{
	char buf[8];

	(void)state;
	assert_string_equal(taken(SELECTOR_LEADER, 3, 1, buf), ".x.");
	assert_string_equal(taken(SELECTOR_FOLLOWERS, 3, 1, buf), "x.x");
	assert_string_equal(taken(SELECTOR_MEMBERS, 3, 1, buf), "xxx");
	assert_string_equal(taken(SELECTOR_MINORITY, 5, 2, buf), "x.x..");
	assert_string_equal(taken(SELECTOR_MAJORITY, 5, 2, buf), ".x.xx");
	assert_string_equal(taken(SELECTOR_MINORITY, 2, 1, buf), ".x");
	assert_string_equal(taken(SELECTOR_MAJORITY, 2, 1, buf), "xx");
	assert_string_equal(taken(SELECTOR_MAJORITY, 1, 0, buf), "x");
}

static void test_option_texts(void **state)
{
	struct netsim_opt_words values = {.count = 0};
	const struct netsim_opt list[] = {{0, "of", NETSIM_OPT_TEXTS, 0, "TEXT", "several"}, {0}};
	const struct netsim_opt_table table = {list, &values};
	char first[] = "--of=a,b", second[] = "--of", value[] = "c";
	char *words[] = {first, second, value, NULL};

	(void)state;
	assert_int_equal(options_parse(&table, 1, false, words, NULL, NULL), 0);
	assert_int_equal(values.count, 2);
	assert_string_equal(values.list[0], "a,b");
	assert_string_equal(values.list[1], "c");
}

static void test_faults(void **state)
{
	struct netsim_err err = {0};
	struct step s;
	size_t bad;

	(void)state;
	assert_int_equal(
		step_parse("partition leader(etcd) a,@b --for 5s --one-way", &s, &bad, &err), 0);
	assert_int_equal(s.verb, STEP_PARTITION);
	assert_int_equal(s.partition.size, sizeof(s.partition));
	assert_int_equal(s.partition.group_count, 2);
	assert_string_equal(s.partition.groups[0], "leader(etcd)");
	assert_int_equal(s.partition.for_ns, 5000000000);
	assert_true(s.partition.one_way);
	assert_int_equal(step_offset(&s, s.partition.groups[1] + 2), 25);
	assert_ptr_equal(step_for(&s), &s.partition.for_ns);
	step_done(&s);
	assert_int_equal(step_parse("fault 'loss 5%' a:b --class etcd --name far", &s, &bad, &err),
			 0);
	assert_string_equal(s.fault.conditions, "loss 5%");
	assert_string_equal(s.fault.targets[0], "a:b");
	assert_string_equal(s.fault.class_name, "etcd");
	assert_string_equal(step_fault_name(&s), "far");
	assert_true(step_is_fault(&s));
	step_done(&s);
	assert_int_equal(step_parse("link flap a/eth1 --period 4s --duty 25%", &s, &bad, &err), 0);
	assert_int_equal(s.link.opts.state, NETSIM_LINK_FLAP);
	assert_int_equal(s.link.opts.up_ns, 1000000000);
	step_done(&s);
	assert_int_equal(step_parse("link up a", &s, &bad, &err), 0);
	assert_false(step_is_fault(&s));
	assert_null(step_fault_name(&s));
	step_done(&s);
	assert_int_equal(step_parse("apply lossy a --engine edt", &s, &bad, &err), 0);
	assert_string_equal(s.apply.profile, "lossy");
	assert_int_equal(s.apply.opts.engine, NETSIM_ENGINE_EDT);
	assert_int_equal(s.apply.opts.target_count, 1);
	step_done(&s);
	assert_int_equal(step_parse("exec a -- sh -c 'exit 1' --for", &s, &bad, &err), 0);
	assert_string_equal(s.exec.node, "a");
	assert_string_equal(s.exec.command[2], "exit 1");
	assert_string_equal(s.exec.command[3], "--for");
	assert_null(s.exec.command[4]);
	assert_true(step_takes_time(&s));
	step_done(&s);
	assert_int_equal(step_parse("up", &s, &bad, &err), 0);
	assert_int_equal(s.verb, STEP_UP);
	assert_false(step_is_fault(&s) || step_takes_time(&s));
	step_done(&s);
}

static void test_workloads(void **state)
{
	struct netsim_err err = {0};
	struct step s;
	size_t bad;

	(void)state;
	assert_int_equal(step_parse("kill -9 etcd/leader(etcd)", &s, &bad, &err), 0);
	assert_int_equal(s.workload.signal, SIGKILL);
	assert_string_equal(s.workload.name, "etcd");
	assert_string_equal(s.workload.node, "leader(etcd)");
	assert_int_equal(step_offset(&s, s.workload.node), 13);
	step_done(&s);
	assert_int_equal(step_parse("kill -SIGHUP etcd", &s, &bad, &err), 0);
	assert_int_equal(s.workload.signal, SIGHUP);
	assert_null(s.workload.node);
	step_done(&s);
	assert_int_equal(step_parse("kill etcd", &s, &bad, &err), 0);
	assert_int_equal(s.workload.signal, SIGTERM);
	step_done(&s);
	assert_int_equal(step_parse("continue", &s, &bad, &err), 0);
	assert_int_equal(s.verb, STEP_CONTINUE);
	assert_null(s.workload.name);
	step_done(&s);
}

static void expect_refused(const char *text, size_t at, const char *what, const char *hint)
{
	struct netsim_err err = {0};
	struct step s;
	size_t bad;

	assert_int_equal(step_parse(text, &s, &bad, &err), -EINVAL);
	assert_string_equal(err.what, what);
	assert_string_equal(err.hint, hint);
	assert_int_equal(bad, at);
}

static void test_step_bridge(void **state)
{
	struct netsim_err err = {0};
	struct step s;
	size_t bad = 0;

	(void)state;
	assert_int_equal(step_parse("partition --bridge leader(etcd) @b", &s, &bad, &err), 0);
	assert_string_equal(s.partition.bridge, "leader(etcd)");
	assert_int_equal(s.partition.group_count, 1);
	assert_int_equal(step_offset(&s, s.partition.bridge), 19);
	step_done(&s);
}

static void test_step_errors(void **state)
{
	(void)state;
	expect_refused("", 0, "the command is empty", "");
	expect_refused("up simple", 3, "up: unexpected argument simple", "write up");
	expect_refused("partiton a", 0, "unknown command \"partiton\"",
		       "did you mean \"partition\"?");
	expect_refused("partition a --isolaet", 12, "partition: unknown option --isolaet",
		       "did you mean --isolate?");
	expect_refused("partition a --fleet x", 12, "partition: unknown option --fleet",
		       "write partition [OPTION]... [GROUP...]");
	expect_refused("partition a --for 5", 18,
		       "partition: --for 5: a duration is a number and ns, us, ms, s, min, "
		       "h or d: \"50ms\"",
		       "write partition [OPTION]... [GROUP...]");
	expect_refused(
		"partition", 0,
		"partition: give the nodes to cut off, or --isolate, --bridge, --ring or --matrix",
		"");
	expect_refused(
		"partition --bridge a --isolate", 0,
		"partition: --isolate, --bridge, --ring, --one-way and --matrix exclude each other",
		"");
	expect_refused("fault 'loss 5%'", 0,
		       "fault: missing argument, expected CONDITIONS TARGET..., or --class", "");
	expect_refused("link off a", 5, "link: off: must be down, up or flap",
		       "write link [OPTION]... down|up|flap TARGET...");
	expect_refused("link flap a --duty 150%", 19,
		       "link: --duty 150%: must be a percentage below 100%, such as 50%",
		       "write link [OPTION]... down|up|flap TARGET...");
	expect_refused("apply lossy --engine fq", 21,
		       "apply: unknown engine fq: must be auto, netem or edt",
		       "write apply [OPTION]... PROFILE [TARGET...]");
	expect_refused("kill -NONE etcd", 5, "kill: unknown signal -NONE",
		       "write kill [-SIGNAL] WORKLOAD[/NODE]");
	expect_refused("pause etcd/", 6, "pause: write WORKLOAD or WORKLOAD/NODE",
		       "write pause WORKLOAD[/NODE]");
	expect_refused("heal 'a", 5, "a quote has no end", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),	       cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_option_errors),  cmocka_unit_test(test_like_getopt),
		cmocka_unit_test(test_split),	       cmocka_unit_test(test_selector),
		cmocka_unit_test(test_faults),	       cmocka_unit_test(test_workloads),
		cmocka_unit_test(test_step_bridge),    cmocka_unit_test(test_step_errors),
		cmocka_unit_test(test_selector_takes), cmocka_unit_test(test_option_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
