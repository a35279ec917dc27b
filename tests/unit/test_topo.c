// SPDX-License-Identifier: GPL-2.0-or-later
/* Topologies: expansion, order, indices, locations. tests/golden has the error messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "netsim/config/topo.h"
#include "netsim/util/buf.h"

static struct topo *load(const char *text)
{
	struct netsim_diags diags = {0};
	struct topo *topo = NULL;

	if (topo_parse("f.yaml", text, strlen(text), &topo, &diags) < 0)
		fail_msg("%u:%u %s", diags.list[0].loc.line, diags.list[0].loc.column,
			 diags.list[0].what);
	return topo;
}

static void test_bonding_vlans(void **state)
{
	struct topo *topo = load("fleet: n3x\n"
				 "networks:\n"
				 "  lan: {vlans: [100, 200], mtu: 1500}\n"
				 "nodes:\n"
				 "  server-[1-2]:\n"
				 "    roles: [server]\n"
				 "    interfaces:\n"
				 "      bond0.200: {vlan: 200, address: \"192.168.200.{n}/24\"}\n"
				 "      bond0: {bond: [eth2, eth1], primary: eth1, miimon: 100ms,\n"
				 "        mode: active-backup}\n"
				 "      eth1: {network: lan, mac: \"52:54:00:01:01:0{n}\"}\n"
				 "      eth2: {network: lan}\n");
	const struct node *node = &topo->nodes[1];

	(void)state;
	assert_string_equal(topo->file, "f.yaml");
	assert_string_equal(topo->fleet, "n3x");
	assert_string_equal(topo->networks[0].bridge, "n3x-lan");
	assert_true(topo->networks[0].vlan_aware);
	assert_int_equal(topo->node_count, 2);
	assert_string_equal(topo->nodes[0].name, "server-1");
	assert_string_equal(node->name, "server-2");
	assert_ptr_equal(node->at.file, topo->file);
	assert_int_equal(node->at.line, 5);
	assert_int_equal(node->at.column, 3);
	assert_string_equal(node->roles[0], "server");
	assert_int_equal(node->iface_count, 4);
	assert_string_equal(node->ifaces[0].name, "eth1");
	assert_string_equal(node->ifaces[1].name, "eth2");
	assert_string_equal(node->ifaces[2].name, "bond0");
	assert_string_equal(node->ifaces[3].name, "bond0.200");
	assert_int_equal(node->ifaces[0].mac.b[5], 2);
	assert_int_equal(strlen(node->ifaces[0].port), 15);

	const struct bond *bond = &node->ifaces[2].bond;

	assert_int_equal(bond->member_count, 2);
	assert_int_equal(bond->members[0], 1);
	assert_int_equal(bond->members[1], 0);
	assert_string_equal(bond->options.primary, "eth1");
	assert_int_equal(bond->options.mode, BOND_ACTIVE_BACKUP);
	assert_int_equal(bond->options.values[BOND_MIIMON].value, 100);
	assert_int_equal(bond->options.values[BOND_MIIMON].at.line, 9);
	assert_int_equal(node->ifaces[3].lower, 2);
	assert_int_equal(node->ifaces[3].vlan, 200);
	assert_int_equal(node->ifaces[3].addresses[0].ip.b[3], 2);
	assert_int_equal(node->ifaces[3].addresses[0].at.column, 39);
	topo_free(topo);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *key, *names;
	} rows[] = {
		{"n-[1-3]", "n-1 n-2 n-3 "},
		{"[8-11]", "8 9 10 11 "},
		{"n[08-11]x", "n08x n09x n10x n11x "},
		{"n[7-7]", "n7 "},
		{"n[00-01]", "n00 n01 "},
		{"n100-1", "n100-1 "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_buf struct buf text = {0}, names = {0};

		buf_printf(&text,
			   "fleet: f\nnetworks: {lan: }\nnodes: {\"%s\": {interfaces: {eth1: "
			   "{network: lan}}}}",
			   rows[i].key);
		struct topo *topo = load(text.data);

		for (size_t n = 0; n < topo->node_count; n++)
			buf_printf(&names, "%s ", topo->nodes[n].name);
		assert_string_equal(names.data, rows[i].names);
		topo_free(topo);
	}
}

static void test_mtu(void **state)
{
	struct topo *topo = load("fleet: f\n"
				 "networks: {lan: {mtu: 9000}, plain: }\n"
				 "nodes:\n"
				 "  n:\n"
				 "    interfaces:\n"
				 "      eth0: {network: lan}\n"
				 "      eth1: {network: lan, mtu: 4000}\n"
				 "      eth2: {network: plain}\n"
				 "      bond0: {bond: [eth1], miimon: 100ms}\n"
				 "      eth0.1: {vlan: 1}\n"
				 "      bond0.1: {vlan: 1}\n"
				 "      bond0.2: {vlan: 2, mtu: 1280}\n"
				 "      eth2.1: {vlan: 1}\n");
	static const unsigned mtus[] = {9000, 4000, 1500, 4000, 9000, 1500, 4000, 1280};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mtus); i++)
		assert_int_equal(topo_mtu(topo, &topo->nodes[0], &topo->nodes[0].ifaces[i]),
				 mtus[i]);
	topo_free(topo);
}

static void test_routes(void **state)
{
	struct topo *topo = load(
		"fleet: f\n"
		"networks: {lan: }\n"
		"nodes:\n"
		"  n:\n"
		"    interfaces:\n"
		"      eth0: {network: lan, address: [10.0.0.1/24, \"fd00::1/64\"], routes: [\n"
		"        {to: default, via: 10.0.0.254}, {to: \"::/0\", via: \"fe80::1\"},\n"
		"        {to: 10.1.0.0/16, via: 10.0.0.2}]}\n");
	const struct iface *iface = &topo->nodes[0].ifaces[0];

	(void)state;
	assert_int_equal(iface->route_count, 3);
	assert_int_equal(iface->routes[0].to.family, 0);
	assert_int_equal(iface->routes[0].via.b[3], 254);
	assert_int_equal(iface->routes[1].to.family, 0);
	assert_int_equal(iface->routes[1].via.b[0], 0xfe);
	assert_int_equal(iface->routes[2].to.plen, 16);
	topo_free(topo);
}

/* One run reports mistakes of all layers, in the order of the file. */
static void test_all_mistakes_in_one_run(void **state)
{
	static const char text[] =
		"fleet: my fleet\n"
		"networks:\n"
		"  lan: {mtu: 10, vlan: [5]}\n"
		"nodes:\n"
		"  a:\n"
		"    interfaces:\n"
		"      eth1: {network: wan}\n"
		"      bond0: {bond: []}\n"
		"  b-[1-2]:\n"
		"    interfaces:\n"
		"      eth1: {network: lan, address: 10.0.0.1}\n"
		"  c: {interfaces: {eth1: {network: lan, mac: \"52:54:00:00:00:01\"}}}\n"
		"  d: {interfaces: {eth1: {network: lan, mac: \"52:54:00:00:00:01\"}}}\n";
	static const unsigned places[][2] = {{1, 8},  {3, 14},	{3, 18}, {7, 23},
					     {8, 21}, {11, 37}, {13, 46}};
	struct netsim_diags diags = {0};
	struct topo *topo = NULL;

	(void)state;
	assert_int_equal(topo_parse("f", text, sizeof(text) - 1, &topo, &diags), -EINVAL);
	assert_null(topo);
	assert_int_equal(diags.count, ARRAY_SIZE(places));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(diags.list[i].loc.line, places[i][0]);
		assert_int_equal(diags.list[i].loc.column, places[i][1]);
	}
}

static void test_stack_depth(void **state)
{
	(void)state;
	for (int deep = 7; deep <= 20; deep += deep == 7 ? 1 : 12) {
		for (int reverse = 0; reverse < 2; reverse++) {
			struct netsim_diags diags = {0};
			auto_buf struct buf text = {0};
			struct topo *topo = NULL;

			buf_puts(&text, "fleet: f\nnetworks: {lan: }\nnodes:\n  n:\n"
					"    interfaces:\n      v0: {network: lan}\n");
			for (int i = 1; i <= deep; i++) {
				int n = reverse ? deep + 1 - i : i;

				buf_printf(&text, "      v%d: {vlan: 1, link: v%d}\n", n, n - 1);
			}
			int r = topo_parse("f", text.data, text.len, &topo, &diags);

			assert_int_equal(r, deep == 7 ? 0 : -EINVAL);
			if (r == 0)
				assert_string_equal(topo->nodes[0].ifaces[7].name, "v7");
			else
				assert_non_null(strstr(diags.list[0].what, "more than 7"));
			topo_free(topo);
		}
	}
}

/* The largest fleet allowed loads quickly. */
static void test_large(void **state)
{
	auto_buf struct buf text = {0};

	(void)state;
	buf_puts(&text, "fleet: f\nnetworks:\n");
	for (int i = 0; i < 8; i++)
		buf_printf(&text, "  lan%d: {vlans: [5]}\n", i);
	buf_puts(&text, "nodes:\n");
	for (int i = 0; i < 8; i++)
		buf_printf(&text,
			   "  n%d-[1-511]:\n    interfaces:\n"
			   "      eth1: {network: lan%d}\n      eth2: {network: lan%d}\n"
			   "      bond0: {bond: [eth1, eth2], miimon: 100ms}\n"
			   "      bond0.5: {vlan: 5, address: \"fd00::%d:{n}/64\"}\n",
			   i, i, i, i);
	struct topo *topo = load(text.data);

	assert_int_equal(topo->node_count, 8 * 511);
	topo_free(topo);
}

static void test_keys(void **state)
{
	const char *names[200];
	size_t count = topo_keys(names, ARRAY_SIZE(names));
	bool fleet = false, via = false;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		fleet |= strcmp(names[i], "fleet") == 0;
		via |= strcmp(names[i], "via") == 0;
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(names[i], names[j]);
	}
	assert_true(fleet && via);
	assert_int_equal(topo_keys(names, 3), 3);
}

static void test_free_null(void **state)
{
	(void)state;
	topo_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bonding_vlans),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_all_mistakes_in_one_run),
		cmocka_unit_test(test_stack_depth),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_free_null),
	};

	return cmocka_run_group_tests_name("topo", tests, NULL, NULL);
}
