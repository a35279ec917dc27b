// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which interfaces frames pass between, within a network and by cables between networks, and which
 * cables they cross. The models come from topologies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netsim/fleet/cable.h"
#include "netsim/fleet/layout.h"
#include "tests/unit/laid.h"

/* The place of an interface: "host" is the host on that bridge. */
static struct cable_place at(const struct laid *laid, const char *node, const char *iface)
{
	int n = strcmp(node, "host") == 0 ? MODEL_HOST : model_find_node(laid->model, node);
	const struct link *link = model_find_link(laid->model, n, iface);
	struct cable_place place;

	assert_non_null(link);
	assert_true(cable_place(laid->model, link, &place));
	return place;
}

static bool connects(const struct laid *laid, const char *a, const char *a_iface, const char *b,
		     const char *b_iface)
{
	struct cable_place x = at(laid, a, a_iface), y = at(laid, b, b_iface);
	bool there = cable_connects(&x, &y);

	assert_int_equal(there, cable_connects(&y, &x));
	return there;
}

/* The ends that frames enter, as "wan/p bc/b", or the error. */
static int crossed(const struct laid *laid, const char *a, const char *b, char *text)
{
	struct cable_place x = at(laid, a, "eth1"), y = at(laid, b, "eth1");
	const struct link **ends = NULL;
	int count = cable_crossed(laid->model, &x, &y, &ends);

	*text = 0;
	for (int i = 0; i < count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, ends[i]->name);
	}
	free(ends);
	return count;
}

#define NODE(name, network)                                                                   \
	"  " name ": {interfaces: {eth1: {network: " network "}, v5: {vlan: 5, link: eth1}, " \
	"v6: {vlan: 6, link: eth1}}}\n"

static void test_plain(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {a: , b: , c: , d: }\nnodes:\n" NODE("na", "a") NODE("nb", "b")
			NODE("nc", "c") NODE("nd", "d") "links:\n"
							"  bc: {between: [b, c]}\n"
							"  ab: {between: [a, b]}\n");
	char text[256];

	(void)state;
	assert_true(connects(&laid, "na", "eth1", "nb", "eth1"));
	assert_true(connects(&laid, "na", "eth1", "nc", "eth1"));
	assert_true(connects(&laid, "na", "v5", "nc", "v5"));
	assert_false(connects(&laid, "na", "v5", "nc", "v6"));
	assert_false(connects(&laid, "na", "eth1", "nc", "v6"));
	assert_false(connects(&laid, "na", "eth1", "nd", "eth1"));
	assert_true(connects(&laid, "na", "eth1", "host", "f-c"));
	assert_int_equal(crossed(&laid, "na", "nc", text), 2);
	assert_string_equal(text, "f.ab.a f.bc.b");
	assert_int_equal(crossed(&laid, "nc", "na", text), 2);
	assert_string_equal(text, "f.bc.c f.ab.b");
	assert_int_equal(crossed(&laid, "na", "nd", text), 0);
	done(&laid);
}

/* A trunk carries VLAN 5 and not 6, and what is untagged. */
static void test_trunk(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {a: {vlans: [5, 6]}, b: {vlans: [5, 6]}, c: }\nnodes:\n" NODE(
			"na", "a") NODE("nb", "b") NODE("nc", "c") "links:\n"
								   "  ab: {between: [a, b], "
								   "vlans: [5]}\n"
								   "  bc: {between: [b, c]}\n");

	(void)state;
	assert_true(connects(&laid, "na", "eth1", "nb", "eth1"));
	assert_true(connects(&laid, "na", "v5", "nb", "v5"));
	assert_false(connects(&laid, "na", "v6", "nb", "v6"));
	assert_true(connects(&laid, "nb", "v6", "nc", "v6"));
	assert_true(connects(&laid, "na", "v5", "nc", "v5"));
	assert_false(connects(&laid, "na", "v6", "nc", "v6"));
	assert_true(connects(&laid, "na", "eth1", "nc", "eth1"));
	done(&laid);
}

static void test_ring(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {a: {stp: true}, b: {stp: true}}\nnodes:\n" NODE("na", "a")
			NODE("nb", "b") "links:\n"
					"  one: {between: [a, b]}\n"
					"  two: {between: [b, a]}\n");
	char text[256];

	(void)state;
	assert_true(connects(&laid, "na", "eth1", "nb", "eth1"));
	assert_int_equal(crossed(&laid, "na", "nb", text), -EMLINK);
	done(&laid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_trunk),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests_name("cable", tests, NULL, NULL);
}
