// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overlays: the hops that faults affect, and the conditions there. The profile's
 * conditions are in maps; skipped where eBPF is not allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "netsim/shape/edt_base.h"
#include "netsim/shape/edt_faults.h"
#include "tests/unit/fleet.h"

static struct model *fleet;
static struct policy *policy;
static struct class_set *classes;
static struct policy_change change;
static struct overlays overlays;
static bool ready;

static int set_up(void **state)
{
	static const char text[] = "classes:\n  etcd: {tcp: 2379}\n  dns: {udp: 53}\n";
	struct netsim_diags diags = {0};
	struct netsim_err err = {0};

	(void)state;
	fleet = fleet_make();
	policy = policy_new();
	assert_non_null(policy);
	assert_int_equal(classes_parse("c.yaml", text, sizeof(text) - 1, &classes, &diags), 0);
	if (policy_load(policy, POLICY_FOR_PORTS, &err) < 0)
		return err.kind == NETSIM_ERR_ENV ? 0 : -1;
	if (policy_map_memory(policy, &err) < 0 || policy_prepare(policy, &err) < 0)
		return -1;
	fleet_number(policy, fleet);
	policy_begin(policy, &change);
	assert_int_equal(policy_put_classes(policy, &change, classes, NULL), 0);
	policy_commit(policy);
	ready = true;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(overlays.entries);
	policy_close(policy);
	classes_free(classes);
	model_free(fleet);
	return 0;
}

#define NEEDS_BPF(state)        \
	do {                    \
		(void)state;    \
		if (!ready)     \
			skip(); \
	} while (0)

/* Begins a change with this profile (NULL: none), without faults. */
static void begin(const char *text)
{
	struct profile *profile = fleet_profile(text ? text : "default: {}\n");
	struct intent_layer layer = {.parsed = profile};
	struct intent intent = {.layers = &layer, .layer_count = 1};
	struct edt_base base;
	struct netsim_err err = {0};

	policy_begin(policy, &change);
	policy_end_faults(&change, NULL, 0);
	if (edt_base_make(&(struct edt_base_input) {.intent = &intent,
						    .model = fleet,
						    .policy = policy,
						    .classes = classes,
						    .seed = 1},
			  &base, &err) < 0 ||
	    policy_put_base(policy, &change, &base.policy, &err) < 0)
		fail_msg("%s", err.what);
	edt_base_done(&base);
	profile_free(profile);
}

static struct port_fault *add(const char *conditions, const char *targets, const char *class,
			      uint64_t deadline)
{
	struct port_fault *fault = policy_new_fault(policy, &change, NULL);

	assert_non_null(fault);
	fault->kind = PORT_FAULT_CONDITIONS;
	fault->deadline = deadline;
	fault->start = policy_now();
	snprintf(fault->conditions, sizeof(fault->conditions), "%s", conditions);
	snprintf(fault->targets, sizeof(fault->targets), "%s", targets);
	snprintf(fault->class, sizeof(fault->class), "%s", class);
	return fault;
}

static struct port_fault *add_link(struct port_link_fault link, const char *targets)
{
	struct port_fault *fault = add("", targets, "", 0);

	fault->kind = PORT_FAULT_LINK;
	fault->link = link;
	return fault;
}

static int compose(struct netsim_err *err)
{
	free(overlays.entries);
	overlays = (struct overlays) {0};
	return fault_overlays(policy, change.slot, fleet, &overlays, err);
}

static void expect(const char *want)
{
	struct netsim_err err = {0};

	if (compose(&err) < 0)
		fail_msg("%s", err.what);
	fleet_expect(overlays.entries, overlays.count, want);
}

static void test_targets(void **state)
{
	static const struct {
		const char *targets, *class, *want;
	} rows[] = {
		{"c", "", "1 down c/eth0: loss 5%\n1 up c/eth0: loss 5%\n"},
		{"a", "",
		 "1 down a/eth0 @server: loss 5%\n1 down a/eth1 @server: loss 5%\n"
		 "1 up a/eth0 @server: loss 5%\n1 up a/eth1 @server: loss 5%\n"},
		{"a/eth1", "", "1 down a/eth1 @server: loss 5%\n1 up a/eth1 @server: loss 5%\n"},
		{"@server/eth0", "",
		 "1 down a/eth0 @server: loss 5%\n1 down b/eth0 @server: loss 5%\n"
		 "1 up a/eth0 @server: loss 5%\n1 up b/eth0 @server: loss 5%\n"},
		{"a:b", "", "1 a>b: loss 5%\n"},
		{"a:b b:a", "", "1 a>b: loss 5%\n1 b>a: loss 5%\n"},
		{"a:b a:b", "", "1 a>b: loss 5%\n"},
		{"c:host", "", "1 c>host: loss 5%\n"},
		{"@server:c", "", "1 a>c: loss 5%\n1 b>c: loss 5%\n"},
		{"@server:@server", "", "1 a>b: loss 5%\n1 b>a: loss 5%\n"},
		{"c d:a", "", "1 d>a: loss 5%\n1 down c/eth0: loss 5%\n1 up c/eth0: loss 5%\n"},
		{"a:b", "etcd", "1 a>b #1: loss 5%\n"},
		{"c", "dns",
		 "1 a>c #2: loss 5%\n1 b>c #2: loss 5%\n1 c>a #2: loss 5%\n1 c>b #2: loss 5%\n"
		 "1 c>d #2: loss 5%\n1 c>host #2: loss 5%\n1 d>c #2: loss 5%\n"
		 "1 host>c #2: loss 5%\n"},
	};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_err err = {0};
		bool links;

		begin(NULL);
		if (fault_check(policy, add("loss 5%", rows[i].targets, rows[i].class, 0), fleet,
				&links, &err) < 0)
			fail_msg("%s: %s", rows[i].targets, err.what);
		assert_int_equal(links, strstr(rows[i].want, "up ") != NULL);
		expect(rows[i].want);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *conditions; /* NULL: a link fault */
		const char *targets, *class;
		int code;
	} rows[] = {
		{"loss 5%", "nobody", "", -ENOENT},   {"loss 5%", "a nobody", "", -ENOENT},
		{"loss 5%", "a:nobody", "", -ENOENT}, {"loss 5%", "nobody:a", "", -ENOENT},
		{"loss 5%", "x*", "", -ENOENT},	      {"loss 5%", "@agent", "", -ENOENT},
		{"loss 5%", "a/eth7", "", -ENOENT},   {"loss 5%", "a:a", "", -EINVAL},
		{"loss 5%", "a:b", "nfs", -ENOENT},   {"loss 5", "a:b", "", -EINVAL},
		{NULL, "nobody", "", -ENOENT},	      {NULL, "b/eth1", "", -ENOENT},
		{"loss 5%", "host", "", -ENOENT},
	};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct netsim_err err = {0};
		bool links;
		int r;

		begin(NULL);
		r = fault_check(policy,
				rows[i].conditions ?
					add(rows[i].conditions, rows[i].targets, rows[i].class, 0) :
					add_link((struct port_link_fault) {0}, rows[i].targets),
				fleet, &links, &err);
		if (r != rows[i].code || err.kind != NETSIM_ERR_USAGE)
			fail_msg("row %zu: %d, %s", i, r, err.what);
	}
}

/* A fault with targets that were removed still affects its other targets; other faults stay. */
static void test_gone(void **state)
{
	NEEDS_BPF(state);
	begin(NULL);
	add("loss 5%", "gone a:b gone:a c", "", 0);
	add("delay 1ms", "gone", "", 0);
	add("delay 2ms", "gone d", "", 0);
	expect("1 a>b: loss 5%\n1 down c/eth0: loss 5%\n1 down d/eth0: delay 2ms\n"
	       "1 up c/eth0: loss 5%\n1 up d/eth0: delay 2ms\n");
	assert_true(overlays.delays);
}

/* Faults override the profile key by key. */
static void test_on_profile(void **state)
{
	NEEDS_BPF(state);
	begin("default: {rate: 8mbit, delay: 10ms}\n"
	      "pairs:\n  - {from: a, to: b, loss: 1%, delay: 20ms}\n");
	add("delay 80ms", "c", "", 0);
	add("loss 5%", "a:b b:a", "", 0);
	expect("1 a>b: delay 20ms loss 5%\n1 b>a: loss 5%\n1 down c/eth0: 8mbit delay 80ms\n"
	       "1 up c/eth0: 8mbit delay 80ms\n");
	assert_true(overlays.delays);
	assert_false(overlays.corrupts);
	/* the delay, and a queue of twice the delay */
	assert_true(overlays.longest == 80000000 + 160000000);
}

/* Overlays tell the conditions of faults from those of the profile, in each layer. */
static void test_origin(void **state)
{
	NEEDS_BPF(state);
	begin("default: {rate: 8mbit, delay: 10ms, loss: 1%}\n");
	add("delay 80ms", "c", "", 0);
	expect("1 down c/eth0: 8mbit delay 80ms loss 1%\n1 up c/eth0: 8mbit delay 80ms loss 1%\n");
	for (size_t i = 0; i < overlays.count; i++)
		assert_int_equal(overlays.entries[i].conditions.faults, PORT_HAS_DELAY);
	add("loss 5% corrupt 1%", "c", "", policy_now() + 3600000000000);
	assert_int_equal(compose(NULL), 0);
	assert_int_equal(overlays.count, 4);
	for (size_t i = 0; i < overlays.count; i++)
		assert_int_equal(overlays.entries[i].conditions.faults,
				 overlays.entries[i].key.layer == 2 ?
					 PORT_HAS_DELAY :
					 PORT_HAS_DELAY | PORT_HAS_LOSS | PORT_HAS_CORRUPT);
}

/* Among several faults the later one wins key by key, wherever it is in the slot. */
static void test_several(void **state)
{
	struct port_fault *first;

	NEEDS_BPF(state);
	begin(NULL);
	first = add("loss 1% delay 5ms", "c", "", 0);
	add("loss 2%", "@server c", "", 0);
	add("corrupt 3%", "c/eth0", "", 0);
	expect("1 down a/eth0 @server: loss 2%\n1 down a/eth1 @server: loss 2%\n"
	       "1 down b/eth0 @server: loss 2%\n"
	       "1 down c/eth0: delay 5ms loss 2% corrupt 3%\n"
	       "1 up a/eth0 @server: loss 2%\n1 up a/eth1 @server: loss 2%\n"
	       "1 up b/eth0 @server: loss 2%\n1 up c/eth0: delay 5ms loss 2% corrupt 3%\n");
	assert_true(overlays.corrupts);
	first->id = 4000000000;
	expect("1 down a/eth0 @server: loss 2%\n1 down a/eth1 @server: loss 2%\n"
	       "1 down b/eth0 @server: loss 2%\n"
	       "1 down c/eth0: delay 5ms loss 1% corrupt 3%\n"
	       "1 up a/eth0 @server: loss 2%\n1 up a/eth1 @server: loss 2%\n"
	       "1 up b/eth0 @server: loss 2%\n1 up c/eth0: delay 5ms loss 1% corrupt 3%\n");
}

/* Faults without a class also affect classes that have conditions. */
static void test_classes(void **state)
{
	NEEDS_BPF(state);
	begin("classes:\n  etcd: {delay: 20ms, loss: 1%}\n"
	      "pairs:\n  - {from: b, to: a, rate: 8mbit}\n");
	add("delay 5ms", "a:b b:a", "", 0);
	expect("1 a>b #1: delay 5ms loss 1%\n1 a>b: delay 5ms\n"
	       "1 b>a #1: 8mbit delay 5ms loss 1%\n1 b>a: 8mbit delay 5ms\n");
	/* a fault of one class does not affect the others */
	add("corrupt 1%", "a:b", "dns", 0);
	expect("1 a>b #1: delay 5ms loss 1%\n1 a>b #2: delay 5ms corrupt 1%\n1 a>b: delay 5ms\n"
	       "1 b>a #1: 8mbit delay 5ms loss 1%\n1 b>a: 8mbit delay 5ms\n");
	begin("classes:\n  etcd: {delay: 20ms, loss: 1%}\n"
	      "pairs:\n  - {from: b, to: a, rate: 8mbit}\n");
	add("loss 7%", "a:b b:a", "etcd", 0);
	add("loss 8%", "b:a", "dns", 0);
	expect("1 a>b #1: delay 20ms loss 7%\n1 b>a #1: 8mbit delay 20ms loss 7%\n"
	       "1 b>a #2: 8mbit loss 8%\n");
}

/* One layer for each time span between deadlines. */
static void test_layers(void **state)
{
	uint64_t soon = policy_now() + 100 * SECOND, later = soon + 100 * SECOND;

	NEEDS_BPF(state);
	begin("nodes:\n  c: {up: {delay: 1ms}}\n");
	add("loss 1%", "c", "", soon);
	expect("1 down c/eth0: loss 1% until\n1 up c/eth0: delay 1ms loss 1% until\n");
	add("loss 2% corrupt 2%", "c", "", later);
	add("duplicate 3%", "c", "", soon);
	expect("1 down c/eth0: loss 2% duplicate 3% corrupt 2% until\n"
	       "1 up c/eth0: delay 1ms loss 2% duplicate 3% corrupt 2% until\n"
	       "2 down c/eth0: loss 2% corrupt 2% until\n"
	       "2 up c/eth0: delay 1ms loss 2% corrupt 2% until\n");
	for (size_t i = 0; i < overlays.count; i++)
		assert_true(overlays.entries[i].conditions.deadline ==
			    (overlays.entries[i].key.layer == 1 ? soon : later));
	add("delay 4ms", "c", "", 0);
	expect("1 down c/eth0: delay 4ms loss 2% duplicate 3% corrupt 2% until\n"
	       "1 up c/eth0: delay 4ms loss 2% duplicate 3% corrupt 2% until\n"
	       "2 down c/eth0: delay 4ms loss 2% corrupt 2% until\n"
	       "2 up c/eth0: delay 4ms loss 2% corrupt 2% until\n"
	       "3 down c/eth0: delay 4ms\n3 up c/eth0: delay 4ms\n");
	/* faults that are over have no effect, nor do partitions */
	begin(NULL);
	add("loss 1%", "c", "", 1);
	add("loss 1%", "c", "", 0)->kind = PORT_FAULT_GROUPS;
	expect("");
}

static void test_too_many_layers(void **state)
{
	uint64_t soon = policy_now() + 100 * SECOND;
	struct netsim_err err = {0};

	NEEDS_BPF(state);
	begin(NULL);
	for (uint64_t i = 0; i < PORT_LAYERS; i++)
		add("loss 1%", "a:b", "", soon + i * SECOND);
	assert_int_equal(compose(&err), 0);
	assert_int_equal(overlays.count, PORT_LAYERS);
	add("loss 1%", "a:b", "", soon); /* the same deadline as another fault: no new layer */
	assert_int_equal(compose(&err), 0);
	add("loss 1%", "b:a", "", soon - SECOND); /* another hop */
	assert_int_equal(compose(&err), 0);
	add("loss 1%", "a:b", "", soon - SECOND);
	assert_int_equal(compose(&err), -ENOSPC);
	assert_int_equal(err.kind, NETSIM_ERR_USAGE);
	assert_true(*err.hint);
}

/* Jitter needs a delay, from the profile or from any fault. */
static void test_jitter(void **state)
{
	struct netsim_err err = {0};

	NEEDS_BPF(state);
	begin("nodes:\n  c: {delay: 9ms}\n");
	add("jitter 1ms", "c", "", 0);
	expect("1 down c/eth0: delay 9ms jitter 1ms\n1 up c/eth0: delay 9ms jitter 1ms\n");
	add("jitter 1ms", "d", "", 0);
	assert_int_equal(compose(&err), -EINVAL);
	assert_int_equal(err.kind, NETSIM_ERR_USAGE);
}

static void test_links(void **state)
{
	static const struct {
		struct port_link_fault link;
		const char *targets, *want;
	} rows[] = {
		{{0}, "c", "1 down c/eth0: delay 1ms is down\n1 up c/eth0: delay 1ms is down\n"},
		{{.period = 2 * SECOND, .up = SECOND},
		 "c/eth0",
		 "1 down c/eth0: delay 1ms flaps\n1 up c/eth0: delay 1ms flaps\n"},
		{{0}, "a:b", "1 a>b: none is down\n"},
		{{.vlan = 100}, "c", "1 vlan c 100: none is down\n"},
		{{.period = 2 * SECOND, .up = SECOND, .vlan = 4094},
		 "@server",
		 "1 vlan a 4094: none flaps\n1 vlan b 4094: none flaps\n"},
	};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_fault *fault;
		const struct port_conditions *c;

		begin("nodes:\n  c: {delay: 1ms}\n");
		fault = add_link(rows[i].link, rows[i].targets);
		expect(rows[i].want);
		c = &overlays.entries[0].conditions;
		assert_true(c->down_start == fault->start);
		if (c->down_period) {
			assert_true(c->down_period == 2 * SECOND);
			assert_true(c->down_after == SECOND);
		}
	}
}

/* Packets can be held on a link, a path, or in a VLAN of a node; netem need not know. */
static void test_hold(void **state)
{
	static const struct {
		const char *conditions, *targets;
		uint16_t vlan;
		bool edt;
		const char *want;
	} rows[] = {
		{"hold", "c", 0, false,
		 "1 down c/eth0: delay 1ms hold\n1 up c/eth0: delay 1ms hold\n"},
		{"hold", "a:b", 0, false, "1 a>b: hold\n"},
		{"hold delay 2ms", "a:b", 0, true, "1 a>b: delay 2ms hold\n"},
		{"hold loss 1%", "c", 0, true,
		 "1 down c/eth0: delay 1ms loss 1% hold\n1 up c/eth0: delay 1ms loss 1% hold\n"},
		{"hold", "c/eth1.100", 100, false, "1 vlan c 100: hold\n"},
	};

	NEEDS_BPF(state);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_fault *fault;
		bool edt;

		begin("nodes:\n  c: {delay: 1ms}\n");
		fault = add(rows[i].conditions, rows[i].targets, "", 0);
		fault->link.vlan = rows[i].vlan;
		expect(rows[i].want);
		assert_int_equal(fault_needs_edt(policy, fault, fleet, &edt, NULL), 0);
		assert_int_equal(edt, rows[i].edt);
	}
}

/* The seed of a fault stays the same when overlays are recomputed. */
static void test_seed(void **state)
{
	uint64_t seed;

	NEEDS_BPF(state);
	begin(NULL);
	add("loss 1%", "a:b", "", 0);
	assert_int_equal(compose(NULL), 0);
	seed = overlays.entries[0].conditions.seed;
	assert_true(seed != 0);
	add("loss 1%", "b:a", "", 0);
	assert_int_equal(compose(NULL), 0);
	assert_true(overlays.entries[0].conditions.seed == seed);
	assert_true(overlays.entries[1].conditions.seed != seed);
	begin("pairs:\n  - {from: a, to: b, delay: 1ms, seed: 7}\n");
	add("loss 1%", "a:b", "", 0);
	add("loss 1% seed 8", "b:a", "", 0);
	assert_int_equal(compose(NULL), 0);
	assert_int_equal(overlays.entries[0].conditions.seed, 7);
	assert_int_equal(overlays.entries[1].conditions.seed, 8);
}

static void test_describe(void **state)
{
	struct port_fault fault = {.kind = PORT_FAULT_CONDITIONS,
				   .conditions = "loss 5% delay 80ms",
				   .targets = "n1:n2 @server"};
	char text[256];

	(void)state;
	fault_describe(&fault, text, sizeof(text));
	assert_string_equal(text, "loss 5% delay 80ms on n1:n2 @server");
	strcpy(fault.class, "etcd");
	fault_describe(&fault, text, sizeof(text));
	assert_string_equal(text, "loss 5% delay 80ms on n1:n2 @server, class etcd");
	fault.kind = PORT_FAULT_LINK;
	fault_describe(&fault, text, sizeof(text));
	assert_string_equal(text, "link n1:n2 @server down");
	fault.link.vlan = 200;
	fault_describe(&fault, text, sizeof(text));
	assert_string_equal(text, "link n1:n2 @server down vlan 200");
	fault.link = (struct port_link_fault) {.period = 2 * SECOND, .up = SECOND};
	fault_describe(&fault, text, sizeof(text));
	assert_string_equal(text, "link n1:n2 @server flaps, up 1s of every 2s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_on_profile),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_too_many_layers),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests_name("fault", tests, set_up, tear_down);
}
