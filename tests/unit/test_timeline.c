// SPDX-License-Identifier: GPL-2.0-or-later
/* Scenarios in memory, and the plans that follow from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "netsim/config/timeline.h"
#include "netsim/util/random.h"

#define HEAD                                                                           \
	"scenario: s\n"                                                                \
	"fleet:\n"                                                                     \
	"  fleet: f\n"                                                                 \
	"  networks: {lan: {}}\n"                                                      \
	"  nodes:\n"                                                                   \
	"    a: {roles: [x], interfaces: {e: {network: lan, address: 10.0.0.1/24}}}\n" \
	"    b: {roles: [x], interfaces: {e: {network: lan, address: 10.0.0.2/24}}}\n" \
	"    c: {interfaces: {e: {network: lan, address: 10.0.0.3/24}}}\n"             \
	"start:\n"                                                                     \
	"  w: {run: [w], nodes: \"@x\"}\n"

static struct scenario *load(const char *text)
{
	struct netsim_diags diags = {0};
	struct scenario *s = NULL;

	if (scenario_parse("s.yaml", text, strlen(text), &s, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	return s;
}

static char *plan_of(const char *text)
{
	struct scenario *s = load(text);
	struct timeline *timeline;
	char *printed = NULL;
	size_t len;
	FILE *out = open_memstream(&printed, &len);

	assert_int_equal(timeline_plan(s, &timeline), 0);
	assert_int_equal(timeline_print(timeline, s, out), 0);
	fclose(out);
	timeline_free(timeline);
	scenario_free(s);
	return printed;
}

static void expect(const char *text, const char *want)
{
	char *got = plan_of(text);

	assert_string_equal(got, want);
	free(got);
}

/* The published first numbers of SplitMix64 for the state 1234567. */
static void test_random(void **state)
{
	uint64_t s = 1234567;

	(void)state;
	assert_true(random_next(&s) == 6457827717110365317U);
	assert_true(random_next(&s) == 3203168211198807973U);
	assert_true(random_next(&s) == 9817491932198370423U);
}

static void test_plan(void **state)
{
	(void)state;
	expect(HEAD "timeline:\n"
		    "- quiet: {for: 5s}\n"
		    "- cut: [partition a, \"fault 'loss 5%' a:b --for 1s\"]\n"
		    "  for: 2.5s\n"
		    "  repeat: 2, 3s apart\n"
		    "- down: link down a\n"
		    "- rest:\n"
		    "  for: 1s\n",
	       "scenario s, fleet f, seed 0\n"
	       "     0.000  quiet             hold for 5s\n"
	       "     5.000  cut 1/2           partition a --for 2.5s\n"
	       "     5.000  cut 1/2           fault 'loss 5%' a:b --for 1s\n"
	       "     5.000  cut 1/2           hold for 2.5s\n"
	       "     7.500  cut 1/2           heal\n"
	       "     7.500  cut 1/2           pause for 3s\n"
	       "    10.500  cut 2/2           partition a --for 2.5s\n"
	       "    10.500  cut 2/2           fault 'loss 5%' a:b --for 1s\n"
	       "    10.500  cut 2/2           hold for 2.5s\n"
	       "    13.000  cut 2/2           heal\n"
	       "    13.000  cut 2/2           pause for 3s\n"
	       "    16.000  down              link down a\n"
	       "    16.000  rest              hold for 1s\n"
	       "    17.000  end\n");
	expect(HEAD "timeline:\n"
		    "- one: [exec a -- true, kill w/b]\n"
		    "- two: {for: 1s}\n",
	       "scenario s, fleet f, seed 0\n"
	       "     0.000  one               exec a -- true\n"
	       "    >0.000  one               kill w/b\n"
	       "    >0.000  two               hold for 1s\n"
	       "    >1.000  end\n");
}

#define REPEATED(seed)              \
	HEAD "seed: " seed "\n"     \
	     "timeline:\n"          \
	     "- cut: partition a\n" \
	     "  for: 1s\n"          \
	     "  repeat: 500, 3s..6s apart\n"

static void test_seed(void **state)
{
	char *one = plan_of(REPEATED("1")), *again = plan_of(REPEATED("1")),
	     *two = plan_of(REPEATED("2"));

	(void)state;
	assert_string_equal(one, again);
	assert_string_not_equal(one, two);
	free(one);
	free(again);
	free(two);
}

/* The pauses of a seed never change; those here were computed by another program, too. */
static void test_fixed(void **state)
{
	(void)state;
	expect(HEAD "seed: 42\n"
		    "timeline:\n"
		    "- cut: partition a\n"
		    "  for: 1s\n"
		    "  repeat: 3, 3s..6s apart\n",
	       "scenario s, fleet f, seed 42\n"
	       "     0.000  cut 1/3           partition a --for 1s\n"
	       "     0.000  cut 1/3           hold for 1s\n"
	       "     1.000  cut 1/3           heal\n"
	       "     1.000  cut 1/3           pause for 5225ms\n"
	       "     6.225  cut 2/3           partition a --for 1s\n"
	       "     6.225  cut 2/3           hold for 1s\n"
	       "     7.225  cut 2/3           heal\n"
	       "     7.225  cut 2/3           pause for 3479ms\n"
	       "    10.704  cut 3/3           partition a --for 1s\n"
	       "    10.704  cut 3/3           hold for 1s\n"
	       "    11.704  cut 3/3           heal\n"
	       "    11.704  cut 3/3           pause for 3836ms\n"
	       "    15.540  end\n");
}

/* Pauses fill their range: each sixth of it has about a sixth of them. */
static void test_pauses(void **state)
{
	struct scenario *s = load(REPEATED("3"));
	size_t sixths[6] = {0}, pauses = 0;
	struct timeline *t;

	(void)state;
	assert_int_equal(timeline_plan(s, &t), 0);
	for (size_t i = 0; i < t->count; i++) {
		int64_t ns = t->list[i].lasts_ns - 3000000000;

		if (t->list[i].kind != TIMELINE_PAUSE)
			continue;
		pauses++;
		assert_true(ns >= 0 && ns <= 3000000000 && ns % 1000000 == 0);
		sixths[ns == 3000000000 ? 5 : ns / 500000000]++;
	}
	assert_int_equal(pauses, 500);
	for (size_t i = 0; i < 6; i++)
		assert_in_range(sixths[i], 50, 120);
	timeline_free(t);
	scenario_free(s);
}

static void test_scenario(void **state)
{
	struct scenario *s =
		load(HEAD "probes:\n"
			  "  p: {from: c, tcp: \"{address}:80\", nodes: [a, b], need: all}\n"
			  "timeline:\n"
			  "- quiet: {for: 5s}\n"
			  "  expect: p outage <= 1s\n"
			  "- cut: partition a\n"
			  "  for: 2s\n"
			  "  expect: [\"loss a:b <= 1%\", p available 50%]\n"
			  "abort: p outage > 3s\n");
	struct scenario_expectation *const *expect_of = s->phases[1]->expect;
	struct step *step = &s->phases[1]->commands[0]->step;

	(void)state;
	assert_int_equal(s->workload_count, 1);
	assert_int_equal(s->workloads[0]->nodes.count, 2);
	assert_int_equal(s->workloads[0]->nodes.list[1], 1);
	assert_int_equal(s->probes[0]->kind, PROBE_TCP);
	assert_int_equal(s->probes[0]->need, NEED_ALL);
	assert_int_equal(s->probes[0]->from.list[0], 2);
	assert_int_equal(s->probes[0]->nodes.count, 2);
	assert_int_equal(s->phase_count, 2);
	assert_int_equal(*step_for(step), 2000000000);
	assert_true(s->phases[1]->commands[0]->phase_deadline);
	assert_int_equal(s->phases[1]->expect_count, 2);
	assert_null(expect_of[0]->probe);
	assert_ptr_equal(expect_of[1]->probe, s->probes[0]);
	assert_int_equal(s->abort_count, 1);
	assert_non_null(scenario_address(&s->topo->nodes[0]));
	scenario_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random), cmocka_unit_test(test_plan),
		cmocka_unit_test(test_seed),   cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_pauses), cmocka_unit_test(test_scenario),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
