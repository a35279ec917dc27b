// SPDX-License-Identifier: GPL-2.0-or-later
/* The conditions of every hop that profiles resolve to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "netsim/config/trace.h"

#include "netsim/shape/edt_base.h"
#include "tests/unit/fleet.h"

struct fixture {
	struct model *fleet;
	struct policy *policy;
	struct class_set *classes;
	struct intent intent;
	struct edt_base base;
	struct netsim_err err;
	uint64_t seed; /* different for each call */
};

static int set_up(void **state)
{
	static const char text[] = "classes:\n  etcd: {tcp: 2379}\n  dns: {udp: 53}\n";
	struct netsim_diags diags = {0};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->fleet = fleet_make();
	f->policy = fleet_policy(f->fleet);
	assert_int_equal(classes_parse("c.yaml", text, sizeof(text) - 1, &f->classes, &diags), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	edt_base_done(&f->base);
	intent_done(&f->intent);
	classes_free(f->classes);
	fleet_policy_free(f->policy);
	model_free(f->fleet);
	free(f);
	return 0;
}

/* Adds a layer for a port, or for the whole fleet with port NULL. */
static void add_layer(struct fixture *f, const char *text, const char *port)
{
	struct profile *parsed = text ? fleet_profile(text) : NULL;
	struct intent *intent = &f->intent;
	struct intent_layer *layer;

	intent->layers = realloc(intent->layers, (intent->layer_count + 1) * sizeof(*layer));
	assert_non_null(intent->layers);
	layer = &intent->layers[intent->layer_count++];
	*layer = (struct intent_layer) {.parsed = parsed};
	if (!port)
		return;
	layer->ports = calloc(1, sizeof(*layer->ports));
	assert_non_null(layer->ports);
	layer->ports[0] = strdup(port);
	layer->port_count = 1;
}

static int make(struct fixture *f)
{
	edt_base_done(&f->base);
	f->err = (struct netsim_err) {0};
	return edt_base_make(&(struct edt_base_input) {.intent = &f->intent,
						       .model = f->fleet,
						       .policy = f->policy,
						       .classes = f->classes,
						       .now = 1000,
						       .seed = ++f->seed},
			     &f->base, &f->err);
}

static void expect(struct fixture *f, const char *text, const char *want)
{
	intent_done(&f->intent);
	add_layer(f, text, NULL);
	if (make(f) < 0)
		fail_msg("%s: %s", text, f->err.what);
	fleet_expect(f->base.policy.entries, f->base.policy.count, want);
}

static void expect_error(struct fixture *f, const char *text, int code, const char *want)
{
	intent_done(&f->intent);
	add_layer(f, text, NULL);
	assert_int_equal(make(f), code);
	assert_string_equal(f->err.what, want);
}

static void test_links(void **state)
{
	struct fixture *f = *state;

	expect(f,
	       "default: {delay: 1ms}\nnodes:\n  \"@server\": {up: {rate: 8mbit}}\n"
	       "  c: {delay: 5ms, loss: 1%}\n",
	       "down a/eth0 @server: delay 1ms\ndown a/eth1 @server: delay 1ms\n"
	       "down b/eth0 @server: delay 1ms\ndown c/eth0: delay 5ms loss 1%\n"
	       "down d/eth0: delay 1ms\n"
	       "up a/eth0 @server: 8mbit delay 1ms\nup a/eth1 @server: 8mbit delay 1ms\n"
	       "up b/eth0 @server: 8mbit delay 1ms\nup c/eth0: delay 5ms loss 1%\n"
	       "up d/eth0: delay 1ms\n");
	assert_true(f->base.delays);
	assert_false(f->base.corrupts);
	expect(f, "nodes:\n  d: {down: {corrupt: 1%}}\n", "down d/eth0: corrupt 1%\n");
	assert_false(f->base.delays);
	assert_true(f->base.corrupts);
	expect(f, "nodes:\n  nobody: {delay: 1ms}\n", "");
	/* a port without a number gets no conditions */
	f->policy->link_numbers[4] = 0;
	expect(f, "nodes:\n  d: {delay: 1ms}\n", "");
}

/* Later layers for single ports override the layer of the whole fleet. */
static void test_layers(void **state)
{
	struct fixture *f = *state;

	add_layer(f, "nodes:\n  a: {up: {delay: 1ms}}\npairs:\n  - {from: a, to: b, loss: 1%}\n",
		  NULL);
	add_layer(f, "default: {up: {delay: 7ms}}\npairs:\n  - {from: a, to: c, loss: 2%}\n",
		  "a/eth1");
	assert_int_equal(make(f), 0);
	fleet_expect(f->base.policy.entries, f->base.policy.count,
		     "a>b: loss 1%\nup a/eth0 @server: delay 1ms\nup a/eth1 @server: delay 7ms\n");
	add_layer(f, NULL, "a/eth0");
	assert_int_equal(make(f), 0);
	fleet_expect(f->base.policy.entries, f->base.policy.count,
		     "a>b: loss 1%\nup a/eth1 @server: delay 7ms\n");
}

static void test_pairs(void **state)
{
	struct fixture *f = *state;

	expect(f, "pairs:\n  - {from: a, to: b, delay: 1ms}\n", "a>b: delay 1ms\n");
	expect(f, "pairs:\n  - {between: [a, b], delay: 1ms}\n",
	       "a>b: delay 1ms\nb>a: delay 1ms\n");
	expect(f, "pairs:\n  - {between: [a, host], rtt: 4ms}\n",
	       "a>host: delay 2ms\nhost>a: delay 2ms\n");
	/* between all nodes, but not from a node to itself, nor to or from the host */
	expect(f, "pairs:\n  - {between: [\"*\", \"@server\"], loss: 1%}\n",
	       "a>b: loss 1%\na>c: loss 1%\na>d: loss 1%\nb>a: loss 1%\nb>c: loss 1%\n"
	       "b>d: loss 1%\nc>a: loss 1%\nc>b: loss 1%\nd>a: loss 1%\nd>b: loss 1%\n");
	expect(f, "pairs:\n  - {from: \"@server\", to: c, loss: 1%}\n",
	       "a>c: loss 1%\nb>c: loss 1%\n");
	expect(f, "pairs:\n  - {from: a, to: nobody, loss: 1%}\n", "");
	expect(f, "pairs:\n  - {from: \"x*\", to: \"*\", loss: 1%}\n", "");
}

/* The more specific entry wins key by key; between equally specific entries, the later. */
static void test_specific(void **state)
{
	struct fixture *f = *state;

	expect(f,
	       "pairs:\n  - {from: a, to: b, delay: 1ms}\n  - {from: a, to: \"*\", delay: 2ms, "
	       "loss: 2%}\n  - {from: \"@server\", to: \"@server\", delay: 3ms, loss: 3%, rate: "
	       "8mbit}\n  - {from: a, to: \"*\", loss: 4%}\n",
	       "a>b: 8mbit delay 1ms loss 4%\na>c: delay 2ms loss 4%\na>d: delay 2ms loss 4%\n"
	       "b>a: 8mbit delay 3ms loss 3%\n");
	expect(f,
	       "pairs:\n  - {between: [a, b], delay: 1ms}\n  - {between: [b, a], delay: 2ms}\n"
	       "  - {from: a, to: b, loss: 1%}\n",
	       "a>b: delay 2ms loss 1%\nb>a: delay 2ms\n");
}

/* Expanding all pairs gives the same as profile_resolve_pair() for each. */
static void test_as_resolved(void **state)
{
	static const char text[] =
		"pairs:\n  - {between: [\"*\", \"*\"], delay: 1ms, loss: 1%}\n"
		"  - {between: [\"@server\", \"*\"], rtt: 6ms}\n"
		"  - {from: \"?\", to: \"@server\", rate: 8mbit}\n"
		"  - {between: [a, \"c*\"], delay: 5ms}\n  - {from: d, to: c, loss: 3%}\n"
		"  - {between: [\"@server\", host], delay: 9ms}\n"
		"  - {between: [\"b*\", \"@server\"], corrupt: 2%}\n";
	struct fixture *f = *state;
	struct profile *profile = fleet_profile(text);
	char want[4096] = "";
	size_t used = 0;

	for (int a = 1; a <= 5; a++)
		for (int b = 1; b <= 5; b++) {
			static const char *const server[] = {"server"};
			struct profile_end from = {fleet_names[a % 5], server, a < 3};
			struct profile_end to = {fleet_names[b % 5], server, b < 3};
			struct conditions c;
			char buf[160];

			assert_int_equal(profile_resolve_pair(profile, from, to, &c, NULL), 0);
			conditions_format(&c, buf, sizeof(buf));
			if (c.has)
				used += (size_t)snprintf(want + used, sizeof(want) - used,
							 "%s>%s: %s\n", from.name, to.name, buf);
		}
	expect(f, text, want);
	profile_free(profile);
}

static void test_classes(void **state)
{
	struct fixture *f = *state;

	expect(f, "classes:\n  etcd: {delay: 1ms}\n", "*>* #1: delay 1ms\n");
	/* classes override pairs, key by key */
	expect(f,
	       "classes:\n  dns: {loss: 1%}\n  etcd: {delay: 1ms}\n"
	       "pairs:\n  - {between: [a, b], delay: 5ms, rate: 8mbit}\n",
	       "*>* #1: delay 1ms\n*>* #2: loss 1%\n"
	       "a>b #1: 8mbit delay 1ms\na>b #2: 8mbit delay 5ms loss 1%\n"
	       "a>b: 8mbit delay 5ms\n"
	       "b>a #1: 8mbit delay 1ms\nb>a #2: 8mbit delay 5ms loss 1%\nb>a: 8mbit delay 5ms\n");
}

static void test_traces(void **state)
{
	struct fixture *f = *state;
	struct trace trace = {.has = 1U << COND_DELAY, .length_ns = SECOND};
	struct trace_row row = {.delay_ns = 1000};
	struct profile *profile;

	trace.rows = &row;
	trace.count = 1;
	add_layer(f, "default: {up: {delay: 1ms}}\n", NULL);
	profile = f->intent.layers[0].parsed;
	profile->rules[0].conditions.up = (struct conditions) {
		.has = 1U << COND_TRACE, .trace = &trace, .trace_has = trace.has};
	assert_int_equal(make(f), 0);
	assert_int_equal(f->base.policy.count, 5);
	assert_int_equal(f->base.policy.row_count, 1); /* shared by all hops */
	assert_int_equal(f->base.policy.rows[0].delay, 1000);
	assert_true(f->base.delays);
	assert_true(f->base.policy.entries[4].conditions.trace_start == 1000);
}

/* Contradictions that appear only after merging. */
static void test_contradictions(void **state)
{
	struct fixture *f = *state;

	expect_error(f, "pairs:\n  - {from: \"*\", to: b, jitter: 1ms}\n", -EINVAL,
		     "jitter: a to b: there is no delay to vary");
	assert_int_equal(f->err.loc.line, 2);
	expect_error(
		f, "pairs:\n  - {from: a, to: b, delay: 1ms}\n  - {between: [a, b], jitter: 1ms}\n",
		-EINVAL, "jitter: b to a: there is no delay to vary");
	expect(f, "pairs:\n  - {from: a, to: b, delay: 1ms}\n  - {from: \"*\", to: b, loss: 1%}\n",
	       "a>b: delay 1ms loss 1%\nc>b: loss 1%\nd>b: loss 1%\n");
	expect_error(f, "classes:\n  etcd: {burst: 1kB}\n", -EINVAL,
		     "burst: etcd: there is no rate to apply it to");
	assert_int_equal(make(f), -EINVAL);
	assert_null(f->base.policy.entries);
}

/* Each call uses a new seed, unless the profile has one. */
static void test_seeds(void **state)
{
	struct fixture *f = *state;
	uint64_t seed;

	add_layer(f, "default: {up: {loss: 1%}}\nnodes:\n  d: {up: {seed: 5}}\n", NULL);
	assert_int_equal(make(f), 0);
	seed = f->base.policy.entries[0].conditions.seed;
	assert_true(f->base.policy.entries[1].conditions.seed == seed);
	assert_int_equal(f->base.policy.entries[4].conditions.seed, 5);
	assert_int_equal(make(f), 0);
	assert_true(f->base.policy.entries[0].conditions.seed != seed);
	assert_int_equal(f->base.policy.entries[4].conditions.seed, 5);
}

static void test_too_many(void **state)
{
	struct fixture *f = *state;

	fleet_policy_free(f->policy);
	model_free(f->fleet);
	f->fleet = model_new("f");
	for (int i = 0; i < 363; i++) {
		char name[16], alias[32];
		struct link *link;

		snprintf(name, sizeof(name), "n-%d", i);
		snprintf(alias, sizeof(alias), "netsim:f/%s/eth0", name);
		model_add_node(f->fleet, name);
		link = model_add_link(f->fleet, MODEL_HOST, name, LINK_VETH);
		link->alias = strdup(alias);
	}
	f->policy = policy_new();
	f->policy->control = calloc(1, sizeof(*f->policy->control));
	f->policy->nodes = calloc(2 * PORT_NODES, sizeof(*f->policy->nodes));
	f->policy->links = calloc(PORT_LINKS, sizeof(*f->policy->links));
	f->policy->link_numbers = calloc(364, sizeof(*f->policy->link_numbers));
	for (uint32_t i = 0; i < 363; i++) {
		f->policy->link_numbers[i] = i + 1;
		f->policy->links[i + 1].node = (uint16_t)(i + 1);
	}
	/* 363 * 362 > 2^17 >= 362 * 361 */
	expect_error(f, "pairs:\n  - {between: [\"*\", \"*\"], loss: 1%}\n", -E2BIG,
		     "the pairs match more than 131072 directed pairs of nodes");
	assert_true(*f->err.hint);
	f->fleet->link_count--;
	intent_done(&f->intent);
	add_layer(f, "pairs:\n  - {between: [\"*\", \"*\"], loss: 1%}\n", NULL);
	assert_int_equal(make(f), 0);
	assert_int_equal(f->base.policy.count, 362 * 361);
	f->fleet->link_count++;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_links),    TEST(test_layers),		TEST(test_pairs),
		TEST(test_specific), TEST(test_as_resolved),	TEST(test_classes),
		TEST(test_traces),   TEST(test_contradictions), TEST(test_seeds),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
