// SPDX-License-Identifier: GPL-2.0-or-later
/* Profiles: the conditions of a node in each direction, and their locations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/config/profile.h"
#include "netsim/util/auto.h"

static const char *const roles[] = {"server"};

static struct profile *load(const char *text)
{
	struct netsim_diags diags = {0};
	struct profile *profile = NULL;

	if (profile_parse("dir/f.yaml", text, strlen(text), &profile, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	return profile;
}

/* Conditions given as `default:`, and the result in both directions. */
static void test_conditions(void **state)
{
	static const struct {
		const char *text, *up, *down;
	} rows[] = {
		{"{}", "none", "none"},
		{"{rate: 100mbit, rtt: 5ms}", "100mbit delay 2.5ms", "100mbit delay 2.5ms"},
		{"{delay: 5ms}", "delay 5ms", "delay 5ms"},
		{"{rtt: 5ms, jitter: 2ms}", "delay 2.5ms jitter 1ms", "delay 2.5ms jitter 1ms"},
		{"{delay: 5ms, jitter: 2ms}", "delay 5ms jitter 2ms", "delay 5ms jitter 2ms"},
		{"{rtt: 5ns}", "delay 2ns", "delay 3ns"},
		{"{rate: 10mbit, up: {rate: 1mbit}}", "1mbit", "10mbit"},
		{"{up: {rate: 1mbit}, rate: 10mbit}", "1mbit", "10mbit"},
		{"{up: {loss: 1%}}", "loss 1%", "none"},
		{"{rtt: 10ms, jitter: 4ms, down: {jitter: 3ms}}", "delay 5ms jitter 2ms",
		 "delay 5ms jitter 3ms"},
		{"{rate: 8mbit, burst: 64KiB, queue: 20ms}", "8mbit burst 64KiB queue 20ms",
		 "8mbit burst 64KiB queue 20ms"},
		{"{queue: 100 packets}", "queue 100 packets", "queue 100 packets"},
		{"{rate: 8mbit, queue: 1MiB}", "8mbit queue 1MiB", "8mbit queue 1MiB"},
		{"{delay: 1ms, jitter: 1ms, distribution: pareto}", "delay 1ms jitter 1ms pareto",
		 "delay 1ms jitter 1ms pareto"},
		{"{delay: 1ms, reorder: 25%}", "delay 1ms reorder 25%", "delay 1ms reorder 25%"},
		{"{reorder: allowed}", "reorder allowed", "reorder allowed"},
		{"{loss: {model: random, ratio: 1%}}", "loss 1%", "loss 1%"},
		{"{loss: {model: gilbert-elliott, p: 1%, r: 10%}}",
		 "loss gilbert-elliott p 1% r 10% bad 100% good 0%",
		 "loss gilbert-elliott p 1% r 10% bad 100% good 0%"},
		{"{up: {loss: {model: 4-state, p13: 1%, p31: 9%}}}",
		 "loss 4-state p13 1% p31 9% p32 0% p23 100% p14 0%", "none"},
		{"{duplicate: 1%, corrupt: 2%, seed: 7}", "duplicate 1% corrupt 2% seed 7",
		 "duplicate 1% corrupt 2% seed 7"},
		{"{slot: 5ms}", "slot 5ms", "slot 5ms"},
		{"{larger: 1001B, up: {larger: 65535B}}", "larger 65535B", "larger 1001B"},
		{"{slot: {min: 1ms, max: 2ms, packets: 3, bytes: 4kB}}",
		 "slot 1ms..2ms 3 packets 4kB", "slot 1ms..2ms 3 packets 4kB"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_conditions link;
		struct netsim_err err = {0};
		char text[512], buf[256];

		snprintf(text, sizeof(text), "default: %s\n", rows[i].text);
		struct profile *profile = load(text);

		assert_int_equal(profile_resolve(profile, "n", NULL, 0, &link, &err), 0);
		assert_int_equal(conditions_format(&link.up, buf, sizeof(buf)), strlen(rows[i].up));
		assert_string_equal(buf, rows[i].up);
		conditions_format(&link.down, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].down);
		profile_free(profile);
	}
}

static void test_precedence(void **state)
{
	static const struct {
		const char *node;
		bool server;
		const char *up;
	} rows[] = {
		{"other", false, "1mbit"},
		{"other", true, "2mbit loss 1%"},
		{"n100-9", false, "3mbit delay 3ms"},
		{"n100-9", true, "3mbit delay 3ms loss 1%"},
		/* between equally specific patterns, the later */
		{"n100-2", false, "4mbit delay 3ms"},
		{"n100-1", false, "5mbit delay 3ms"},
		{"n100-1", true, "5mbit delay 3ms loss 1%"},
	};
	/* The order of the file does not matter between levels of precedence. */
	struct profile *profile = load("nodes:\n"
				       "  n100-1: {rate: 5mbit}\n"
				       "  n100-*: {rate: 3mbit, delay: 3ms}\n"
				       "  n100-[1-3]: {rate: 4mbit}\n"
				       "  \"@server\": {rate: 2mbit, loss: 1%}\n"
				       "default: {rate: 1mbit}\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_conditions link;
		struct netsim_err err = {0};
		char buf[256];

		assert_int_equal(
			profile_resolve(profile, rows[i].node, roles, rows[i].server, &link, &err),
			0);
		conditions_format(&link.up, buf, sizeof(buf));
		assert_string_equal(buf, rows[i].up);
	}
	profile_free(profile);
}

static void test_contradictions(void **state)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *what;
	} rows[] = {
		{"default: {burst: 64KiB}\n", 1, 18,
		 "burst: n up: there is no rate to apply it to"},
		{"default: {jitter: 1ms}\n", 1, 19, "jitter: n up: there is no delay to vary"},
		{"default: {rate: 1mbit}\nnodes:\n  n: {down: {jitter: 1ms}}\n", 3, 22,
		 "jitter: n down: there is no delay to vary"},
		{"default: {queue: 30ms}\n", 1, 18,
		 "queue: n up: there is no rate, which a queue of a duration needs"},
		{"default: {queue: 30kB}\n", 1, 18,
		 "queue: n up: there is no rate, which a queue in bytes needs"},
		{"default: {reorder: 5%}\n", 1, 20,
		 "reorder: n up: there is no delay for packets to skip"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct link_conditions link = {.up.seed = 77};
		struct netsim_err err = {0};
		struct profile *profile = load(rows[i].text);

		assert_int_equal(profile_resolve(profile, "n", NULL, 0, &link, &err), -EINVAL);
		assert_int_equal(link.up.seed, 77);
		assert_int_equal(err.kind, NETSIM_ERR_INPUT);
		assert_string_equal(err.what, rows[i].what);
		assert_string_equal(err.file, "dir/f.yaml");
		assert_int_equal(err.loc.line, rows[i].line);
		assert_int_equal(err.loc.column, rows[i].column);
		profile_free(profile);
	}
}

/* Levels complement each other; a condition can be overridden with 0. */
static void test_together(void **state)
{
	static const char *const texts[] = {
		"default: {rate: 1mbit}\nnodes: {n: {burst: 64KiB}}\n",
		"default: {jitter: 1ms}\nnodes: {n: {rtt: 5ms}}\n",
		"default: {jitter: 0ms, reorder: 0%}\n",
		"default: {rtt: 5ms, jitter: 1ms}\nnodes: {n: {delay: 0ms}}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct link_conditions link;
		struct netsim_err err = {0};
		struct profile *profile = load(texts[i]);

		assert_int_equal(profile_resolve(profile, "n", NULL, 0, &link, &err), 0);
		profile_free(profile);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *file, *text, *name;
	} rows[] = {
		{"dir/lossy.yaml", "default: {}", "lossy"},
		{"lossy", "default: {}", "lossy"},
		{"a.b/.x", "default: {}", "xx"},
		{"my profile.json", "default: {}", "my-profile"},
		{"x.yaml", "profile: wan", "wan"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_diags diags = {0};
		struct profile *profile = NULL;

		assert_int_equal(profile_parse(rows[i].file, rows[i].text, strlen(rows[i].text),
					       &profile, &diags),
				 0);
		assert_string_equal(profile->name, rows[i].name);
		assert_int_equal(profile->engine, ENGINE_AUTO);
		profile_free(profile);
	}
}

static void test_places(void **state)
{
	struct profile *profile = load("default: {rtt: 5ms, jitter: 2ms,\n  up: {loss: 1%}}\n");
	const struct link_conditions *link = &profile->rules[0].conditions;

	(void)state;
	assert_ptr_equal(link->up.at[COND_DELAY].file, profile->file);
	assert_int_equal(link->up.at[COND_DELAY].column, 16);
	assert_int_equal(link->down.at[COND_JITTER].column, 29);
	assert_int_equal(link->up.at[COND_LOSS].line, 2);
	assert_int_equal(link->up.at[COND_LOSS].column, 14);
	assert_false(cond_has(&link->down, COND_LOSS));
	profile_free(profile);
}

static void test_all_mistakes_in_one_run(void **state)
{
	static const char text[] = "profile: p\n"
				   "default: {rate: 100, latency: 5ms, loss: 0.5, dellay: 5ms}\n"
				   "nodes:\n"
				   "  a: {rtt: 5ms, delay: 5ms, up: {rtt: 5ms, burst: 5}}\n"
				   "  \"[\": {}\n";
	static const unsigned places[][2] = {{2, 17}, {2, 22}, {2, 42}, {2, 47},
					     {4, 24}, {4, 34}, {4, 51}, {5, 3}};
	struct netsim_diags diags = {0};
	struct profile *profile = NULL;

	(void)state;
	assert_int_equal(profile_parse("f", text, sizeof(text) - 1, &profile, &diags), -EINVAL);
	assert_int_equal(diags.count, ARRAY_SIZE(places));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(diags.list[i].loc.line, places[i][0]);
		assert_int_equal(diags.list[i].loc.column, places[i][1]);
	}
}

/* A name is mistyped if it resembles a node's, but n100-4 is no n100-1: it is another fleet's. */
static void test_mistyped_names(void **state)
{
	struct profile *profile = load("nodes:\n"
				       "  n100-l: {loss: 1%}\n"
				       "  n100-2: {loss: 1%}\n"
				       "  n100-4: {loss: 1%}\n"
				       "  n100-12: {loss: 1%}\n"
				       "  n10-3: {loss: 1%}\n"
				       "  n1003: {loss: 1%}\n"
				       "  x-*: {loss: 1%}\n"
				       "  '@other': {loss: 1%}\n"
				       "  '@srver': {loss: 1%}\n"
				       "  jetsn-*: {loss: 1%}\n"
				       "  orin-*: {loss: 1%}\n"
				       "  elsewhere: {loss: 1%}\n"
				       "pairs:\n"
				       "- {from: jetsn, to: host, loss: 1%}\n"
				       "- {between: [jetsn, n100-3], loss: 1%}\n");
	const char *nodes[] = {"n100-3", "n100-2", "jetson", "n100-1", "jetson-1"};
	const char *known_roles[] = {"server", "agent"};
	const struct profile_fleet fleet = {nodes, known_roles, ARRAY_SIZE(nodes),
					    ARRAY_SIZE(known_roles)};
	struct netsim_diags diags = {0};

	(void)state;
	profile_warn_names(profile, &fleet, &diags);
	assert_int_equal(diags.count, 5);
	assert_int_equal(diags.list[0].loc.line, 2);
	assert_true(diags.list[0].warning);
	assert_string_equal(diags.list[0].what,
			    "the fleet has no node n100-l; did you mean n100-1?");
	assert_string_equal(diags.list[1].what,
			    "the fleet has no node n1003; did you mean n100-3?");
	assert_string_equal(diags.list[2].what,
			    "no node of the fleet has the role @srver; did you mean @server?");
	assert_string_equal(diags.list[3].what,
			    "no node of the fleet matches jetsn-*; did you mean jetson-1?");
	assert_int_equal(diags.list[4].loc.line, 15);
	assert_string_equal(diags.list[4].what,
			    "the fleet has no node jetsn; did you mean jetson?");
	profile_warn_names(profile, &(struct profile_fleet) {0}, &diags);
	assert_int_equal(diags.count, 5);
	profile_free(profile);
}

static void test_format_is_cut(void **state)
{
	struct profile *profile = load("default: {rate: 100mbit, rtt: 5ms}\n");
	char buf[8];

	(void)state;
	assert_int_equal(conditions_format(&profile->rules[0].conditions.up, buf, sizeof(buf)), 19);
	assert_string_equal(buf, "100mbit");
	profile_free(profile);
	profile_free(NULL);
}

static void test_keys(void **state)
{
	const char *names[200];
	size_t count = profile_keys(names, ARRAY_SIZE(names));
	bool p13 = false;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		p13 |= strcmp(names[i], "p13") == 0;
		assert_string_not_equal(names[i], "latency");
	}
	assert_true(p13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_all_mistakes_in_one_run),
		cmocka_unit_test(test_mistyped_names),
		cmocka_unit_test(test_format_is_cut),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
