// SPDX-License-Identifier: GPL-2.0-or-later
/* Expected conditions of each hop with faults and partitions, and the intent file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netsim/policy/policy.h"
#include "netsim/shape/expected.h"

static char *server_role[] = {(char *)"server"};
static const struct model_node nodes[] = {
	{.name = (char *)"n-1"},
	{.name = (char *)"n-2"},
	{.name = (char *)"n-3"},
	{.name = (char *)"s-1", .roles = server_role, .role_count = 1},
};

/* "host" or the name of one of the nodes. */
static struct expected_end end_of(const char *name)
{
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (strcmp(nodes[i].name, name) == 0)
			return (struct expected_end) {&nodes[i]};
	return (struct expected_end) {NULL};
}

/* An intent with one fault, whose strings are not copied. */
static struct intent with_fault(struct intent_fault *fault)
{
	return (struct intent) {.faults = fault, .fault_count = 1};
}

static void is_text(const struct conditions *c, const char *want)
{
	char got[256];

	conditions_format(c, got, sizeof(got));
	assert_string_equal(got, want);
}

static void test_links(void **state)
{
	static const struct {
		const char *targets, *node, *iface, *want;
	} rows[] = {
		{"n-1", "n-1", "eth1", "loss 5%"},
		{"n-1", "n-2", "eth1", "none"},
		{"n-1", "n-1", "eth2", "loss 5%"},
		{"n-1/eth1", "n-1", "eth1", "loss 5%"},
		{"n-1/eth1", "n-1", "eth2", "none"},
		{"n-1/eth1", "n-1", "eth", "none"},
		{"n-1/eth", "n-1", "eth1", "none"},
		{"n-*", "n-3", "eth1", "loss 5%"},
		{"n-*", "s-1", "eth1", "none"},
		{"n-[1-2]", "n-2", "eth1", "loss 5%"},
		{"n-[1-2]", "n-3", "eth1", "none"},
		{"@server", "s-1", "eth1", "loss 5%"},
		{"@server/eth1", "s-1", "eth1", "loss 5%"},
		{"@server", "n-1", "eth1", "none"},
		{"n-2 s-1", "s-1", "eth1", "loss 5%"},
		{"n-1:n-2", "n-1", "eth1", "none"},
		{"host", "n-1", "eth1", "none"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intent_fault fault = {.kind = PORT_FAULT_CONDITIONS,
					     .conditions = (char *)"loss 5%",
					     .targets = (char *)rows[i].targets};
		struct intent intent = with_fault(&fault);
		struct expected_port port = {end_of(rows[i].node).node, rows[i].iface, 0};
		struct link_conditions c;
		enum expected_state is;

		assert_int_equal(expected_link(&intent, &port, &c, &is, NULL), 0);
		is_text(&c.up, rows[i].want);
		is_text(&c.down, rows[i].want);
		assert_int_equal(is, EXPECTED_UP);
	}
}

static void test_pairs(void **state)
{
	static const struct {
		const char *targets, *class, *from, *to, *traffic, *want;
	} rows[] = {
		{"n-1:n-2", NULL, "n-1", "n-2", NULL, "delay 9ms"},
		{"n-1:n-2", NULL, "n-2", "n-1", NULL, "none"},
		{"n-1:n-2", NULL, "n-1", "n-3", NULL, "none"},
		{"n-1:n-2", NULL, "n-1", "n-2", "etcd", "delay 9ms"},
		{"n-1:host", NULL, "n-1", "host", NULL, "delay 9ms"},
		{"host:n-1", NULL, "n-1", "host", NULL, "none"},
		{"host:@server", NULL, "host", "s-1", NULL, "delay 9ms"},
		{"n-*:@server", NULL, "n-3", "s-1", NULL, "delay 9ms"},
		{"n-*:n-*", NULL, "n-3", "host", NULL, "none"},
		{"n-1", NULL, "n-1", "n-2", NULL, "none"},
		{"n-1:n-2", "etcd", "n-1", "n-2", NULL, "none"},
		{"n-1:n-2", "etcd", "n-1", "n-2", "etcd", "delay 9ms"},
		{"n-1:n-2", "etcd", "n-1", "n-2", "api", "none"},
		{"n-1", "etcd", "n-1", "n-2", "etcd", "delay 9ms"},
		{"n-1", "etcd", "n-3", "n-1", "etcd", "delay 9ms"},
		{"n-1", "etcd", "n-3", "n-2", "etcd", "none"},
		{"host", "etcd", "n-3", "host", "etcd", "delay 9ms"},
		{"@server", "etcd", "host", "s-1", "etcd", "delay 9ms"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intent_fault fault = {.kind = PORT_FAULT_CONDITIONS,
					     .conditions = (char *)"delay 9ms",
					     .targets = (char *)rows[i].targets,
					     .class = (char *)rows[i].class};
		struct intent intent = with_fault(&fault);
		struct conditions c;

		assert_int_equal(expected_path(&intent, end_of(rows[i].from), end_of(rows[i].to),
					       rows[i].traffic, &c, NULL),
				 0);
		is_text(&c, rows[i].want);
	}
}

/* Later faults win key by key; faults of other kinds are ignored. */
static void test_several(void **state)
{
	struct intent_fault faults[] = {
		{.kind = PORT_FAULT_CONDITIONS,
		 .conditions = (char *)"delay 9ms loss 1%",
		 .targets = (char *)"n-1:n-2"},
		{.kind = PORT_FAULT_CONDITIONS,
		 .conditions = (char *)"loss 7%",
		 .targets = (char *)"n-*:n-2"},
		{.kind = PORT_FAULT_LINK, .targets = (char *)"n-1:n-2"},
	};
	struct intent intent = {.faults = faults, .fault_count = 3};
	struct conditions c;

	(void)state;
	assert_int_equal(expected_path(&intent, end_of("n-1"), end_of("n-2"), NULL, &c, NULL), 0);
	is_text(&c, "delay 9ms loss 7%");
	assert_int_equal(expected_path(&intent, end_of("n-3"), end_of("n-2"), NULL, &c, NULL), 0);
	is_text(&c, "loss 7%");
}

static void test_deadlines(void **state)
{
	struct intent_fault fault = {.kind = PORT_FAULT_CONDITIONS,
				     .conditions = (char *)"delay 9ms",
				     .targets = (char *)"n-1:n-2"};
	struct intent intent = with_fault(&fault);
	const char **classes;
	struct conditions c;
	size_t count;

	(void)state;
	intent.now = 1000;
	fault.deadline = 1001;
	assert_int_equal(expected_path(&intent, end_of("n-1"), end_of("n-2"), NULL, &c, NULL), 0);
	is_text(&c, "delay 9ms");
	fault.deadline = 1000;
	assert_int_equal(expected_path(&intent, end_of("n-1"), end_of("n-2"), NULL, &c, NULL), 0);
	is_text(&c, "none");
	/* The class of a fault that is over is not listed. */
	fault.class = (char *)"etcd";
	assert_int_equal(expected_classes(&intent, &classes, &count, NULL), 0);
	assert_int_equal(count, 0);
	free(classes);
	fault.deadline = 0;
	assert_int_equal(expected_classes(&intent, &classes, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_string_equal(classes[0], "etcd");
	free(classes);
}

static void test_link_faults(void **state)
{
	static const struct {
		struct intent_fault fault;
		const char *node;
		uint16_t vlan; /* of the traffic */
		enum expected_state want;
	} rows[] = {
		{{.targets = (char *)"n-1/eth1"}, "n-1", 0, EXPECTED_DOWN},
		{{.targets = (char *)"n-1/eth1"}, "n-2", 0, EXPECTED_UP},
		{{.targets = (char *)"n-1"}, "n-1", 0, EXPECTED_DOWN},
		{{.targets = (char *)"n-1/eth1"}, "n-1", 100, EXPECTED_DOWN},
		{{.targets = (char *)"n-1/eth1", .period_ns = 2, .up_ns = 1},
		 "n-1",
		 0,
		 EXPECTED_FLAPS},
		{{.targets = (char *)"n-1/eth1.100", .vlan = 100}, "n-1", 100, EXPECTED_DOWN},
		{{.targets = (char *)"n-1/eth1.100", .vlan = 100}, "n-1", 200, EXPECTED_UP},
		{{.targets = (char *)"n-1/eth1.100", .vlan = 100}, "n-1", 0, EXPECTED_UP},
		{{.targets = (char *)"n-1/eth1.100", .vlan = 100}, "n-2", 100, EXPECTED_UP},
		{{.targets = (char *)"@server/eth1.100", .vlan = 100, .period_ns = 2, .up_ns = 1},
		 "s-1",
		 100,
		 EXPECTED_FLAPS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intent_fault fault = rows[i].fault;
		struct intent intent = with_fault(&fault);
		struct expected_port port = {end_of(rows[i].node).node, "eth1", rows[i].vlan};
		struct link_conditions c;
		enum expected_state is;

		fault.kind = PORT_FAULT_LINK;
		assert_int_equal(expected_link(&intent, &port, &c, &is, NULL), 0);
		assert_int_equal(is, rows[i].want);
		is_text(&c.up, "none");
	}
}

/* A fault of a VLAN changes no other traffic of its link. */
static void test_vlan_conditions(void **state)
{
	struct intent_fault fault = {.kind = PORT_FAULT_CONDITIONS,
				     .conditions = (char *)"hold",
				     .targets = (char *)"n-1/eth1.100",
				     .vlan = 100};
	struct intent intent = with_fault(&fault);

	(void)state;
	for (uint16_t vlan = 0; vlan <= 200; vlan += 100) {
		struct expected_port port = {end_of("n-1").node, "eth1", vlan};
		struct link_conditions c;
		enum expected_state is;

		assert_int_equal(expected_link(&intent, &port, &c, &is, NULL), 0);
		assert_int_equal(is, EXPECTED_UP);
		is_text(&c.up, vlan == 100 ? "hold" : "none");
		is_text(&c.down, vlan == 100 ? "hold" : "none");
	}
}

static void test_partitions(void **state)
{
	static const struct {
		enum port_fault_kind kind;
		const char *groups[4];
		const char *cut; /* all pairs that are cut */
	} rows[] = {
		{PORT_FAULT_GROUPS, {"n-1", "n-2,n-3"}, "n-1>n-2 n-1>n-3 n-2>n-1 n-3>n-1 "},
		{PORT_FAULT_GROUPS,
		 {"n-1", "n-2", "host"},
		 "n-1>n-2 n-1>host n-2>n-1 n-2>host host>n-1 host>n-2 "},
		{PORT_FAULT_REST,
		 {"n-1,n-2,n-3", "s-1,host"},
		 "n-1>s-1 n-1>host n-2>s-1 n-2>host n-3>s-1 n-3>host "
		 "s-1>n-1 s-1>n-2 s-1>n-3 host>n-1 host>n-2 host>n-3 "},
		{PORT_FAULT_ISOLATE, {"n-1,s-1"}, "n-1>s-1 s-1>n-1 "},
		{PORT_FAULT_ONE_WAY, {"n-1", "n-2,host"}, "n-1>n-2 n-1>host "},
		{PORT_FAULT_MATRIX,
		 {"n-1,host", "n-2,n-1", "n-3", "host"},
		 "n-1>n-2 n-3>host host>n-1 host>n-2 "},
		{PORT_FAULT_RING, {"n-1,n-3,host"}, "n-1>host n-3>n-1 host>n-3 "},
		{PORT_FAULT_RING, {"n-1,n-2,n-3,s-1"}, "n-1>n-3 n-2>s-1 n-3>n-1 s-1>n-2 "},
	};
	static const char *const names[] = {"n-1", "n-2", "n-3", "s-1", "host"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intent_fault fault = {.kind = rows[i].kind,
					     .groups = (char **)rows[i].groups};
		struct intent intent = with_fault(&fault);
		char got[512] = "";
		size_t used = 0;

		while (fault.group_count < 4 && rows[i].groups[fault.group_count])
			fault.group_count++;
		for (size_t a = 0; a < 5; a++)
			for (size_t b = 0; b < 5; b++)
				if (expected_cut(&intent, end_of(names[a]), end_of(names[b]),
						 (struct expected_traffic) {0}))
					used += (size_t)snprintf(got + used, sizeof(got) - used,
								 "%s>%s ", names[a], names[b]);
		assert_string_equal(got, rows[i].cut);
		intent.now = fault.deadline = 1;
		assert_false(expected_cut(&intent, end_of("n-1"), end_of("n-2"),
					  (struct expected_traffic) {0}));
	}
}

/* A partition of a class or of a VLAN cuts only this. */
static void test_cut_parts(void **state)
{
	const char *groups[] = {"n-1", "n-2"};
	static const struct {
		const char *fault_class;
		uint16_t fault_vlan;
		struct expected_traffic traffic;
		bool cut;
	} rows[] = {
		{NULL, 0, {"etcd-peer", 100}, true},	  {"etcd-peer", 0, {"etcd-peer", 0}, true},
		{"etcd", 0, {"etcd-peer", 0}, true},	  {"etcd-peer", 0, {"etcd", 0}, false},
		{"etcd-peer", 0, {NULL, 0}, false},	  {NULL, 100, {NULL, 100}, true},
		{NULL, 100, {NULL, 200}, false},	  {NULL, 100, {NULL, 0}, false},
		{"etcd", 100, {"etcd-peer", 200}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct intent_fault fault = {.kind = PORT_FAULT_GROUPS,
					     .groups = (char **)groups,
					     .group_count = 2,
					     .class = (char *)rows[i].fault_class,
					     .vlan = rows[i].fault_vlan};
		struct intent intent = with_fault(&fault);

		assert_int_equal(
			expected_cut(&intent, end_of("n-1"), end_of("n-2"), rows[i].traffic),
			rows[i].cut);
	}
}

/* --- the intent file */

static int note(const char *fleet, const struct intent_fault *fault, const uint32_t *ended,
		size_t count)
{
	struct intent_draft draft;
	int r = intent_draft_fault(fleet, fault, ended, count, &draft, NULL);

	return r == 0 ? intent_publish(&draft, NULL) : r;
}

/* Mounts an empty private /run; skips the test where that is not allowed. */
static void own_run(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/run", "tmpfs", 0, NULL) < 0)
		skip();
}

static void test_file(void **state)
{
	char *groups[] = {(char *)"n-1,n-2", (char *)"host"};
	const struct intent_fault cut = {.id = 3,
					 .kind = PORT_FAULT_GROUPS,
					 .deadline = policy_now() + 3600000000000ULL,
					 .groups = groups,
					 .group_count = 2};
	const struct intent_fault lossy = {.id = 7,
					   .kind = PORT_FAULT_CONDITIONS,
					   .conditions = (char *)"loss 5%",
					   .targets = (char *)"n-1:n-2 \"x\"",
					   .class = (char *)"etcd"};
	const uint32_t first = 3, last = 7;
	struct intent intent;

	(void)state;
	own_run();
	assert_int_equal(note("f", &cut, NULL, 0), 0);
	assert_int_equal(note("f", &lossy, NULL, 0), 0);
	assert_int_equal(intent_read("f", &intent, NULL), 0);
	assert_int_equal(intent.layer_count, 0);
	assert_int_equal(intent.fault_count, 2);
	assert_int_equal(intent.faults[0].id, 3);
	assert_int_equal(intent.faults[0].kind, PORT_FAULT_GROUPS);
	assert_true(intent.faults[0].deadline == cut.deadline);
	assert_int_equal(intent.faults[0].group_count, 2);
	assert_string_equal(intent.faults[0].groups[0], "n-1,n-2");
	assert_string_equal(intent.faults[0].groups[1], "host");
	assert_null(intent.faults[0].conditions);
	assert_string_equal(intent.faults[1].conditions, "loss 5%");
	assert_string_equal(intent.faults[1].targets, "n-1:n-2 \"x\"");
	assert_string_equal(intent.faults[1].class, "etcd");
	assert_true(intent.faults[1].deadline == 0);
	intent_done(&intent);
	/* Ends it by id; an empty intent has no file. */
	assert_int_equal(note("f", NULL, &first, 1), 0);
	assert_int_equal(intent_read("f", &intent, NULL), 0);
	assert_int_equal(intent.fault_count, 1);
	assert_int_equal(intent.faults[0].id, 7);
	intent_done(&intent);
	assert_int_equal(note("f", NULL, &last, 1), 0);
	assert_int_not_equal(access("/run/netsim/f.json", F_OK), 0);
}

/* Faults that are over are removed at the next change. */
static void test_over(void **state)
{
	struct intent_fault fault = {.id = 1, .kind = PORT_FAULT_LINK, .deadline = 1};
	struct intent intent = {0};

	(void)state;
	assert_int_equal(intent_add_fault(&intent, &fault, NULL), 0);
	fault = (struct intent_fault) {.id = 2, .kind = PORT_FAULT_LINK};
	assert_int_equal(intent_add_fault(&intent, &fault, NULL), 0);
	intent_end_faults(&intent, NULL, 0);
	assert_int_equal(intent.fault_count, 1);
	assert_int_equal(intent.faults[0].id, 2);
	intent_done(&intent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),	    cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_several),	    cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_link_faults), cmocka_unit_test(test_vlan_conditions),
		cmocka_unit_test(test_partitions),  cmocka_unit_test(test_over),
		cmocka_unit_test(test_cut_parts),   cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
