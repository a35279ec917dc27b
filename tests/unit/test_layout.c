// SPDX-License-Identifier: GPL-2.0-or-later
/* Topologies to kernel objects: names, marks, MTUs, MAC addresses, VLANs, bonds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "netsim/fleet/layout.h"
#include "netsim/kernel/mark.h"
#include "netsim/util/buf.h"
#include "tests/unit/laid.h"

static const struct link *link_of(const struct laid *laid, const char *node, const char *name)
{
	int ns = node ? model_find_node(laid->model, node) : MODEL_HOST;
	const struct link *link = model_find_link(laid->model, ns, name);

	if (!link)
		fail_msg("no link %s %s", node ? node : "(host)", name);
	return link;
}

static void test_bridges(void **state)
{
	struct laid laid = lay_out("fleet: n3x\n"
				   "networks:\n"
				   "  lan: {mtu: 9000, address: [10.0.0.1/24, \"fd00::1/64\"]}\n"
				   "  storage-network: {vlans: [5]}\n"
				   "  named: {name: br-vm}\n"
				   "nodes: {n: {interfaces: {eth1: {network: lan}}}}\n");
	const struct link *lan = link_of(&laid, NULL, "n3x-lan");
	const struct link *storage = link_of(&laid, NULL, laid.topo->networks[1].bridge);

	(void)state;
	assert_int_equal(lan->kind, LINK_BRIDGE);
	assert_string_equal(lan->alias, "netsim:n3x/lan");
	assert_int_equal(lan->group, mark_group("n3x"));
	assert_int_equal(lan->mtu, 9000);
	assert_int_equal(lan->mtu_at.line, 3);
	assert_true(lan->up && lan->has_mac && !lan->vlan_aware);
	assert_int_equal(lan->addr_count, 2);
	assert_int_equal(lan->addrs[0].ip.b[3], 1);
	assert_int_equal(lan->addrs[1].ip.plen, 64);
	assert_int_equal(strlen(storage->name), 15);
	assert_string_equal(storage->alias, "netsim:n3x/storage-network");
	assert_true(storage->vlan_aware);
	assert_int_equal(storage->mtu, 1500);
	assert_string_equal(link_of(&laid, NULL, "br-vm")->alias, "netsim:n3x/named");
	assert_memory_not_equal(&lan->mac, &storage->mac, sizeof(lan->mac));
	done(&laid);
}

static void test_node(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\n"
		"networks: {lan: {mtu: 9000}}\n"
		"nodes:\n"
		"  a:\n"
		"    roles: [server, etcd]\n"
		"    interfaces:\n"
		"      eth1: {network: lan, mac: \"52:54:00:00:00:01\", address: 10.0.0.2/24,\n"
		"        routes: [{to: default, via: 10.0.0.1}, {to: 10.9.0.0/16, via: "
		"10.0.0.3}]}\n"
		"      eth2: {network: lan, mtu: 1400, port: cable}\n");
	const struct link *port = link_of(&laid, NULL, "f.a.eth1");
	const struct link *inside = link_of(&laid, "a", "eth1");
	const struct link *second = link_of(&laid, "a", "eth2");

	(void)state;
	assert_int_equal(laid.model->node_count, 1);
	assert_string_equal(laid.model->nodes[0].netns, "f.a");
	assert_false(laid.model->nodes[0].is_tap);
	assert_int_equal(laid.model->nodes[0].at.line, 4);
	assert_int_equal(laid.model->link_count, 5);

	assert_int_equal(port->kind, LINK_VETH);
	assert_string_equal(port->alias, "netsim:f/a/eth1 @server @etcd");
	assert_string_equal(port->master, "f-lan");
	assert_int_equal(port->mtu, 9000);
	assert_int_equal(port->mtu_at.line, 7);
	assert_int_equal(port->vlan_count, 0);
	assert_false(port->has_mac);
	assert_true(link_is_port(port));

	assert_int_equal(inside->kind, LINK_VETH);
	assert_string_equal(inside->peer, "f.a.eth1");
	assert_null(inside->alias);
	assert_int_equal(inside->group, mark_group("f"));
	assert_true(inside->has_mac);
	assert_int_equal(inside->mac.b[5], 1);
	assert_int_equal(inside->mtu, 9000);
	assert_string_equal(inside->master, "");
	assert_int_equal(inside->addr_count, 1);
	assert_int_equal(inside->addrs[0].ip.plen, 24);
	assert_int_equal(inside->route_count, 2);
	assert_int_equal(inside->routes[0].to.plen, 0);
	assert_int_equal(inside->routes[0].via.b[3], 1);
	assert_int_equal(inside->routes[1].to.b[1], 9);
	assert_int_equal(inside->routes[1].at.line, 8);

	assert_string_equal(second->peer, "cable");
	assert_int_equal(second->mtu, 1400);
	assert_int_equal(link_of(&laid, NULL, "cable")->mtu, 1400);
	done(&laid);
}

static void test_room_for_tags(void **state)
{
	static const char text[] = "fleet: f\nnetworks: {lan: {vlans: [100]}, raw: {}}\nnodes:\n"
				   "  a:\n"
				   "    interfaces:\n"
				   "      eth1: {network: lan}\n"
				   "      s: {vlan: 100, link: eth1, protocol: 802.1ad}\n"
				   "      s.5: {vlan: 5, address: 10.5.0.1/24}\n"
				   "      eth2: {network: raw}\n"
				   "      r: {vlan: 300, link: eth2, protocol: 802.1ad}\n"
				   "      r.6: {vlan: 6}\n"
				   "      r.6.7: {vlan: 7}\n"
				   "      eth3: {network: lan}\n"
				   "      eth3.100: {vlan: 100}\n"
				   "      eth3.100.7: {vlan: 7}\n"
				   "      eth4: {network: lan, address: 10.9.0.1/24}\n"
				   "      t: {vlan: 100, link: eth4, protocol: 802.1ad}\n"
				   "      t.5: {vlan: 5}\n";
	struct laid laid = lay_out(text);

	(void)state;
	/* The bridge with VLANs makes the 802.1ad tag part of the frame. */
	assert_int_equal(link_of(&laid, NULL, "f.a.eth1")->mtu, 1504);
	assert_int_equal(link_of(&laid, "a", "eth1")->mtu, 1504);
	assert_int_equal(link_of(&laid, "a", "s")->mtu, 1500);
	assert_int_equal(link_of(&laid, "a", "s.5")->mtu, 1500);
	/* A third tag. */
	assert_int_equal(link_of(&laid, "a", "eth2")->mtu, 1504);
	/* One tag is beside the frame; the other fits into the room that each device has. */
	assert_int_equal(link_of(&laid, "a", "eth3")->mtu, 1500);
	/* With a larger MTU it would send packets of 1504 bytes, which others would not receive. */
	assert_int_equal(link_of(&laid, "a", "eth4")->mtu, 1500);
	done(&laid);
}

/* Generated MAC addresses: local, unicast, specific to the fleet, the same in every run. */
static void test_stable_macs(void **state)
{
	static const char text[] =
		"fleet: f\nnetworks: {lan: , wan: }\nnodes:\n"
		"  n-[1-200]: {interfaces: {eth1: {network: lan}, eth2: {network: wan}}}\n";
	struct laid one = lay_out(text), two = lay_out(text);
	struct laid other = lay_out("fleet: g\nnetworks: {lan: }\nnodes: {n-1: {interfaces: {eth1: "
				    "{network: lan}}}}\n");

	(void)state;
	assert_int_equal(one.model->link_count, two.model->link_count);
	for (size_t i = 0; i < one.model->link_count; i++) {
		const struct link *link = &one.model->links[i];

		assert_memory_equal(&link->mac, &two.model->links[i].mac, sizeof(link->mac));
		if (link_is_port(link))
			continue;
		assert_true(link->has_mac);
		assert_int_equal(link->mac.b[0], 0x02);
		assert_int_equal(link->mac.b[1], 0x6e);
		for (size_t j = 0; j < i; j++)
			if (!link_is_port(&one.model->links[j]))
				assert_memory_not_equal(&link->mac, &one.model->links[j].mac,
							sizeof(link->mac));
	}
	assert_memory_not_equal(&link_of(&one, "n-1", "eth1")->mac,
				&link_of(&other, "n-1", "eth1")->mac, sizeof(struct mac));
	done(&one);
	done(&two);
	done(&other);
}

static void test_port_vlans(void **state)
{
	static const struct {
		const char *port, *vlans; /* u: untagged */
	} rows[] = {
		{"trunk", "1u 100 200 4094 "}, {"some", "1u 100 200 "},	  {"one", "1u "},
		{"access", "100u "},	       {"native", "1u "},	  {"plain", ""},
		{"other", "1 100u 200 4094 "}, {"untagged", "100 200u "},
	};
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {lan: {vlans: [200, 4094, 100, 1]}, flat: }\nnodes:\n  n:\n"
		"    interfaces:\n"
		"      eth1: {network: lan, port: trunk}\n"
		"      eth2: {network: lan, port: some, vlans: [200, 100]}\n"
		"      eth3: {network: lan, port: one, vlans: [1]}\n"
		"      eth4: {network: lan, port: access, access: 100}\n"
		"      eth5: {network: lan, port: native, access: 1}\n"
		"      eth6: {network: flat, port: plain}\n"
		"      eth7: {network: lan, port: other, native: 100}\n"
		"      eth8: {network: lan, port: untagged, native: 200, vlans: [100]}\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct link *port = link_of(&laid, NULL, rows[i].port);
		auto_buf struct buf text = {0};

		buf_puts(&text, "");
		for (size_t v = 0; v < port->vlan_count; v++)
			buf_printf(&text, "%u%s ", port->vlans[v].id,
				   port->vlans[v].untagged ? "u" : "");
		assert_string_equal(text.data, rows[i].vlans);
	}
	done(&laid);
}

static void test_bond(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {lan: {vlans: [100], mtu: 9000}}\nnodes:\n  n:\n"
		"    interfaces:\n"
		"      eth1: {network: lan}\n"
		"      eth2: {network: lan}\n"
		"      bond0: {bond: [eth2, eth1], mode: active-backup, primary: eth1,\n"
		"        miimon: 100ms, updelay: 200ms, downdelay: 0s, address: 10.0.0.1/24}\n"
		"      lacp: {bond: [eth3], mode: 802.3ad, lacp_rate: fast, miimon: 1s}\n"
		"      eth3: {network: lan}\n"
		"      bond0.100: {vlan: 100, address: 10.1.0.1/24}\n"
		"      outer: {vlan: 7, link: bond0, protocol: 802.1ad, mtu: 1280}\n");
	const struct link *bond = link_of(&laid, "n", "bond0"), *lacp = link_of(&laid, "n", "lacp");
	const struct link *vlan = link_of(&laid, "n", "bond0.100");
	const struct link *outer = link_of(&laid, "n", "outer");

	(void)state;
	assert_int_equal(bond->kind, LINK_BOND);
	assert_int_equal(bond->bond.mode, 1);
	assert_true(bond->bond.values[BOND_MIIMON].has && bond->bond.values[BOND_UPDELAY].has &&
		    bond->bond.values[BOND_DOWNDELAY].has);
	assert_int_equal(bond->bond.values[BOND_MIIMON].value, 100);
	assert_int_equal(bond->bond.values[BOND_UPDELAY].value, 200);
	assert_int_equal(bond->bond.values[BOND_DOWNDELAY].value, 0);
	assert_false(bond->bond.values[BOND_XMIT_HASH_POLICY].has ||
		     bond->bond.values[BOND_LACP_RATE].has);
	assert_true(bond->bond.has_primary);
	assert_string_equal(bond->bond.primary, "eth1");
	assert_int_equal(bond->bond.primary_at.line, 8);
	assert_int_equal(bond->mtu, 9000);
	assert_false(bond->has_mac);
	assert_int_equal(bond->addr_count, 1);
	assert_string_equal(link_of(&laid, "n", "eth1")->master, "bond0");
	assert_string_equal(link_of(&laid, "n", "eth2")->master, "bond0");
	assert_string_equal(link_of(&laid, "n", "eth3")->master, "lacp");
	assert_int_equal(lacp->bond.mode, 4);
	assert_true(lacp->bond.values[BOND_LACP_RATE].has);
	assert_int_equal(lacp->bond.values[BOND_LACP_RATE].value, 1);
	assert_int_equal(lacp->bond.values[BOND_MIIMON].value, 1000);
	assert_false(lacp->bond.has_primary);
	assert_string_equal(lacp->bond.primary, "");

	assert_int_equal(vlan->kind, LINK_VLAN);
	assert_int_equal(vlan->vlan, 100);
	assert_string_equal(vlan->lower, "bond0");
	assert_false(vlan->vlan_qinq || vlan->has_mac);
	assert_int_equal(vlan->mtu, 9000);
	assert_int_equal(outer->vlan, 7);
	assert_true(outer->vlan_qinq);
	assert_int_equal(outer->mtu, 1280);
	/* lower links come first, so that links can be added in this order */
	assert_true(link_of(&laid, "n", "eth3") < lacp && bond < vlan && bond < outer);
	done(&laid);
}

static void test_taps(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {lan: {name: br-vm, mtu: 1400}}\nnodes:\n"
		"  vm1: {kind: tap, user: root, group: 0, multi_queue: yes, interfaces: {eth0: "
		"{network: lan, port: vm1-eth0, mac: \"52:54:00:00:00:01\"}}}\n"
		"  vm2: {kind: tap, interfaces: {eth0: {network: lan, address: 10.0.0.2/24}}}\n");
	const struct link *one = link_of(&laid, NULL, "vm1-eth0");
	const struct link *two = link_of(&laid, NULL, "f.vm2.eth0");

	(void)state;
	assert_int_equal(laid.model->link_count, 3); /* no links inside a guest */
	assert_true(laid.model->nodes[0].is_tap);
	assert_null(laid.model->nodes[0].netns);
	assert_int_equal(one->kind, LINK_TAP);
	assert_true(one->multi_queue && one->has_tap_owner && one->has_tap_group);
	assert_int_equal(one->tap_owner, 0);
	assert_int_equal(one->mtu, 1400);
	assert_string_equal(one->master, "br-vm");
	assert_string_equal(one->alias, "netsim:f/vm1/eth0");
	assert_false(one->has_mac); /* the MAC address is the guest's, not the tap's */
	assert_false(two->multi_queue || two->has_tap_owner || two->has_tap_group);
	assert_int_equal(two->addr_count, 0);
	done(&laid);
}

/* Every alias can be parsed. */
static void test_aliases(void **state)
{
	struct laid laid = lay_out("fleet: f-1\nnetworks: {lan: , wan: }\nnodes:\n"
				   "  n-[1-3]: {roles: [a, b.c], interfaces: {eth1: {network: lan},"
				   " eth2: {network: wan}}}\n");

	(void)state;
	for (size_t i = 0; i < laid.model->link_count; i++) {
		const struct link *link = &laid.model->links[i];
		struct mark mark;

		if (link->node != MODEL_HOST)
			continue;
		assert_true(mark_parse(link->alias, &mark));
		assert_string_equal(mark.fleet, "f-1");
		assert_int_equal(mark.iface != NULL, link_is_port(link));
		assert_int_equal(mark.role_count, link_is_port(link) ? 2 : 0);
		if (link_is_port(link))
			assert_true(model_find_node(laid.model, mark.node) >= 0);
	}
	done(&laid);
}

/* As many roles as a topology allows, with names so short that they fit into the alias. */
static void test_most_roles(void **state)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const size_t singles = strlen(letters);
	auto_buf struct buf text = {0};
	struct laid laid;
	struct mark mark;

	(void)state;
	buf_puts(&text, "fleet: f\nnetworks: {lan: }\nnodes:\n  n:\n    roles:\n");
	for (size_t i = 0; i < TOPO_ROLES_MAX; i++)
		buf_printf(&text, "      - %.*s%c\n", i < singles ? 0 : 1, "z",
			   letters[i % singles]);
	buf_puts(&text, "    interfaces: {eth1: {network: lan}}\n");
	laid = lay_out(text.data);
	assert_true(mark_parse(link_of(&laid, NULL, "f.n.eth1")->alias, &mark));
	assert_int_equal(mark.role_count, TOPO_ROLES_MAX);
	assert_string_equal(mark.roles[TOPO_ROLES_MAX - 1], "zl");
	done(&laid);
}

static void test_lag(void **state)
{
	struct laid laid = lay_out(
		"fleet: f\nnetworks: {lan: {vlans: [5], mtu: 1400}}\nnodes:\n  n:\n    "
		"interfaces:\n"
		"      eth1: {network: lan}\n      eth2: {network: lan}\n"
		"      bond0: {bond: [eth1, eth2], mode: 802.3ad, lacp_rate: fast}\n"
		"      eth3: {network: lan, access: 5}\n"
		"      bond1: {bond: [eth3], mode: balance-rr, miimon: 1s, lag: true, port: lag1}\n"
		"      eth4: {network: lan}\n"
		"      bond2: {bond: [eth4], mode: 802.3ad, lag: false}\n");
	const struct link *lag = link_of(&laid, NULL, "f.n.bond0");
	const struct link *fixed = link_of(&laid, NULL, "lag1");
	const struct link *port = link_of(&laid, NULL, "f.n.eth2");

	(void)state;
	assert_true(link_is_lag(lag) && !link_is_port(lag));
	assert_string_equal(lag->alias, "netsim:f/n/bond0");
	assert_int_equal(lag->group, mark_group("f"));
	assert_string_equal(lag->master, "f-lan");
	assert_true(lag->up && lag->has_mac);
	assert_int_equal(lag->mtu, 1400);
	assert_int_equal(lag->vlan_count, 2);
	assert_int_equal(lag->bond.mode, BOND_8023AD);
	assert_int_equal(lag->bond.values[BOND_LACP_RATE].value, 1);
	assert_int_equal(lag->bond.values[BOND_MIIMON].value, 100);
	assert_string_equal(port->lag, "f.n.bond0");
	assert_string_equal(port->master, "f-lan");
	assert_int_equal(port->mtu, 1400);
	assert_int_equal(fixed->bond.mode, BOND_BALANCE_XOR);
	assert_int_equal(fixed->vlan_count, 1);
	assert_int_equal(fixed->vlans[0].id, 5);
	assert_true(fixed->vlans[0].untagged);
	assert_string_equal(link_of(&laid, NULL, "f.n.eth3")->lag, "lag1");
	assert_string_equal(link_of(&laid, NULL, "f.n.eth4")->lag, "");
	assert_null(model_find_link(laid.model, MODEL_HOST, "f.n.bond2"));
	done(&laid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bridges),	      cmocka_unit_test(test_node),
		cmocka_unit_test(test_room_for_tags), cmocka_unit_test(test_stable_macs),
		cmocka_unit_test(test_port_vlans),    cmocka_unit_test(test_bond),
		cmocka_unit_test(test_lag),	      cmocka_unit_test(test_taps),
		cmocka_unit_test(test_aliases),	      cmocka_unit_test(test_most_roles),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
